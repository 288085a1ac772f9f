"""Companies, people, the participation ledger, duplicates and merge, consent, activities and tasks."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Background work of the directory."""
    from expo_crm import jobs as ledger
    from expo_crm.directory import jobs

    ledger.register(app, "directory.find_duplicates", jobs.find_duplicates)
    ledger.register(app, "directory.measure_quality", jobs.measure_quality)
