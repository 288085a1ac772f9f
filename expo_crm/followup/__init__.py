"""Phase 5: surveys, cases, retention, next edition."""

from __future__ import annotations

from flask import Flask

from expo_crm import jobs


def init_app(app: Flask) -> None:
    """Say which functions send a survey and make the next edition's plan."""
    from expo_crm.followup.services import plan, surveys

    jobs.register(app, surveys.JOB, surveys.run_sending)
    jobs.register(app, plan.JOB, plan.run)
