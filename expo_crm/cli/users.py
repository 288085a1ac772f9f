"""``flask user``: accounts from the console, where the first one comes from."""

from __future__ import annotations

import click
from flask import current_app, url_for
from flask.cli import AppGroup

from expo_crm.accounts import services
from expo_crm.db import unit_of_work

user = AppGroup("user", help="Accounts from the console.")


def first_admin_link() -> str:
    """A one-time link, valid for 24 hours, that makes an administrator. Commits."""
    base = current_app.config["SETTINGS"].base_url
    with unit_of_work():
        token = services.create_link("first_admin", "")
    with current_app.test_request_context():
        path = url_for("accounts.welcome", token=token)
    return base + path


@user.command("admin-link")
def admin_link() -> None:
    """Print a one-time link that makes an administrator."""
    click.echo(first_admin_link())
