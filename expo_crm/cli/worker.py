"""``flask worker``: the background process."""

from __future__ import annotations

import click
from flask import current_app

from expo_crm import scheduler


@click.command("worker")
def worker() -> None:
    """Run scheduled and queued work until stopped."""
    scheduler.run(current_app._get_current_object())  # type: ignore[attr-defined]
