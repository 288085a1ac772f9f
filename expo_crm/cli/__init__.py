"""The flask commands, one file each."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    from expo_crm.cli import demo, importing, onsite, serve, translate, users, worker

    app.cli.add_command(demo.demo)
    app.cli.add_command(importing.importer)
    app.cli.add_command(onsite.onsite)
    app.cli.add_command(serve.serve)
    app.cli.add_command(worker.worker)
    app.cli.add_command(users.user)
    app.cli.add_command(translate.translate)
