"""Ledger of background work: claim, run, settle, and the page that waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app

from expo_crm.jobs.progress import Progress

# A handler gets the job's payload and a Progress; what it returns is kept as the job's result.
Handler = Callable[[dict[str, Any], Progress], dict[str, Any] | None]
_EXTENSION = "expo_job_handlers"


def init_app(app: Flask) -> None:
    from expo_crm.jobs import services

    app.extensions[_EXTENSION] = {}
    register(app, "jobs.tidy", lambda _payload, _progress: services.tidy())


def register(app: Flask, kind: str, handler: Handler) -> None:
    """Say which function does jobs of this kind; ``app.py`` connects the packages' jobs."""
    app.extensions[_EXTENSION][kind] = handler


def handler_of(kind: str) -> Handler | None:
    return current_app.extensions[_EXTENSION].get(kind)
