"""Companies, people, the participation ledger, duplicates and merge, consent, activities and tasks."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l


def init_app(app: Flask) -> None:
    """Background work of the directory."""
    from expo_crm import jobs as ledger
    from expo_crm.directory import jobs, timeline
    from expo_crm.directory.views import ownership

    ledger.register(app, "directory.find_duplicates", jobs.find_duplicates)
    ledger.register(app, "directory.measure_quality", jobs.measure_quality)
    ledger.register(app, "directory.run_pool", jobs.run_pool)
    timeline.register_panel(app, "ownership", _l("Ownership"), ownership.panel, order=80)
