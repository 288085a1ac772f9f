"""Phase 5: surveys, cases, retention, next edition."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from expo_crm import jobs
from expo_crm.directory import timeline


def init_app(app: Flask) -> None:
    """Say which functions send a survey and make the next edition's plan, and what a company's page shows."""
    from expo_crm.followup import history
    from expo_crm.followup.services import plan, surveys

    jobs.register(app, surveys.JOB, surveys.run_sending)
    jobs.register(app, plan.JOB, plan.run)
    timeline.register(app, "followup", history.items)
    timeline.register_panel(app, "cases", _l("Service desk"), history.panel, order=60)
