"""Background work of the show days: issuing and printing many badges."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from flask import current_app

from expo_crm.db import db
from expo_crm.jobs.progress import Progress
from expo_crm.lib import ids
from expo_crm.onsite import queries_desk
from expo_crm.onsite.queries_desk import Selection
from expo_crm.onsite.services import badges, closing, live, reissue, snapshots
from expo_crm.shows.models import Edition

KEEP_SECONDS = 24 * 3600


def folder() -> Path:
    """Where printed files wait for their owner, beside the database."""
    path = Path(current_app.instance_path) / "badges"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def issue_badges(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    return {"badges": badges.issue_all(payload["edition_id"], progress)}


def reissue_badges(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    return {"badges": reissue.reissue(payload["edition_id"], payload["kid"], payload.get("reason", ""), progress)}


def prepare_snapshots(_payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    return {"snapshots": snapshots.prepare_all()}


def print_badges(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """``ids`` or, without it, a ``selection`` of the edition's badges, into one file (``form`` pdf or zpl)."""
    edition = db.session.get_one(Edition, payload["edition_id"])
    wanted = payload.get("ids")
    if wanted is None:
        query = queries_desk.printable(edition.id, Selection(**payload.get("selection", {})))
        wanted = list(db.session.scalars(query.limit(badges.MAX_PRINT)))
    form = payload.get("form", "pdf")
    try:
        made, count = badges.print_many(edition, wanted, payload.get("order", "name"), progress, form)
    except badges.NotPrintable:
        return {"badges": 0}
    _tidy()
    name = f"{ids.new_token()}.{form}"
    path = folder() / name
    path.write_bytes(made)
    path.chmod(0o600)
    return {"badges": count, "file": name}


def count_hours(_payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    return {"hours": live.count_hours_of_all()}


def watch_capacity(_payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    return {"warnings": live.watch_capacity()}


def _tidy() -> None:
    """Files hold names: they go after a day."""
    oldest = time.time() - KEEP_SECONDS
    for path in (*folder().glob("*.pdf"), *folder().glob("*.zpl")):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def close_zones(_payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
    """Everybody who is still inside a zone that has closed counts as gone."""
    return {"closed": closing.close_due()}
