"""Append-only record of who changed and who looked at what."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Exports of lists are recorded too."""
    from expo_crm.audit import services

    app.extensions["expo_export_log"] = lambda name, rows, fmt: services.record(
        f"{name}.export", "list", None, changes={"rows": rows, "format": fmt}
    )
