"""Exhibitor arrival: a company reports at the desk, once; corrected or taken back with an audit entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock, text
from expo_crm.onsite import queries_arrival as queries
from expo_crm.onsite.models import ExhibitorArrival

FIELDS = ("person_name", "person_phone", "badges_handed", "note")


class AlreadyHere(Exception):
    """This exhibitor has reported before; ``arrival`` says when and to whom."""

    def __init__(self, arrival: ExhibitorArrival) -> None:
        super().__init__(arrival.id)
        self.arrival = arrival


def report(participation: Participation, *, user_id: int | None, **fields: Any) -> ExhibitorArrival:
    """Note that this exhibitor has come. Raises AlreadyHere, also when two desks do so at the same moment."""
    known = queries.find_arrival(participation.id)
    if known is not None:
        raise AlreadyHere(known)
    made = ExhibitorArrival(
        edition_id=participation.edition_id,
        participation_id=participation.id,
        arrived_at=clock.now(),
        recorded_by=user_id,
        **_clean(fields),
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError:
        known = queries.find_arrival(participation.id)
        if known is None:
            raise
        raise AlreadyHere(known) from None
    audit.record(
        "arrival.report", "participation", participation.id, edition_id=participation.edition_id,
        changes={"badges_handed": [None, made.badges_handed]},
    )  # fmt: skip
    return made


def correct(arrival: ExhibitorArrival, **fields: Any) -> None:
    """Change who came, the number, the count of badges, the note; not when."""
    after = _clean(fields)
    moved = audit.diff({name: getattr(arrival, name) for name in after}, after)
    if not moved:
        return
    for name, value in after.items():
        setattr(arrival, name, value)
    db.session.flush()
    # Which fields, not what stood in them: the audit keeps no phone numbers.
    changes = {name: values if name == "badges_handed" else ["…", "…"] for name, values in moved.items()}
    audit.record(
        "arrival.correct", "participation", arrival.participation_id, edition_id=arrival.edition_id, changes=changes
    )


def undo(arrival: ExhibitorArrival, reason: str = "") -> None:
    """The wrong company was ticked: its booth is empty again."""
    audit.record(
        "arrival.undo", "participation", arrival.participation_id, edition_id=arrival.edition_id,
        changes={"arrived_at": [arrival.arrived_at.isoformat(), None]}, reason=text.clean(reason, limit=300),
    )  # fmt: skip
    db.session.delete(arrival)
    db.session.flush()


def combine(kept: Mapping[str, Any], dropped: Mapping[str, Any], _choices: Mapping[str, Any]) -> dict[str, Any]:
    """Two records of one company are merged and both had reported: it was here since the earlier moment."""
    first = min(kept, dropped, key=lambda row: row["arrived_at"])
    return {
        "arrived_at": first["arrived_at"],
        "recorded_by": first["recorded_by"],
        "person_name": first["person_name"] or kept["person_name"] or dropped["person_name"],
        "person_phone": first["person_phone"] or kept["person_phone"] or dropped["person_phone"],
        "badges_handed": kept["badges_handed"] + dropped["badges_handed"],
        "note": " · ".join(n for n in (kept["note"], dropped["note"]) if n)[:300],
    }


def _clean(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise TypeError(f"no such fields of an arrival: {sorted(unknown)}")
    return {k: text.clean(v, limit=300) if isinstance(v, str) else v for k, v in fields.items()}
