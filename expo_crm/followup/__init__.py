"""Phase 5: surveys, cases, retention, next edition."""

from __future__ import annotations

from flask import Flask

from expo_crm import jobs


def init_app(app: Flask) -> None:
    """Say which function sends a survey."""
    from expo_crm.followup.services import surveys

    jobs.register(app, surveys.JOB, surveys.run_sending)
