"""Background work of the directory."""

from __future__ import annotations

from typing import Any

from flask import current_app

from expo_crm.directory.services import duplicates, ownership, quality
from expo_crm.jobs.progress import Progress


def find_duplicates(_payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Look through the whole file for companies that are there twice."""
    return duplicates.find_all(progress)


def measure_quality(_payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Keep the figures of the customer file as of tonight."""
    return {"companies": quality.measure().figures["all"]["companies"]}


def run_pool(_payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """The daily round of the public pool. The mail to owners is written by the package above (``expo_pool_warning``)."""
    return ownership.run_pool(warn=current_app.extensions.get("expo_pool_warning"))
