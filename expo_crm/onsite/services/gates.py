"""Gates: the doors of an edition and what each of them wants."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.onsite.models import Gate
from expo_crm.onsite.services import zones
from expo_crm.shows.models import Edition

FIELDS = (
    "code",
    "name_zh",
    "name_en",
    "hall_id",
    "zone",
    "direction",
    "classes",
    "any_time",
)


def create_gate(edition: Edition, **fields: Any) -> Gate:
    """A new gate of an edition. ``fields`` are those of FIELDS; code and names are needed."""
    gate = Gate(edition_id=edition.id, **_known(fields))
    db.session.add(gate)
    zones.ensure_zone(edition.id, gate.zone or zones.WHOLE_SHOW)
    db.session.flush()
    audit.record("gate.create", "gate", gate.id, edition_id=edition.id, changes={"code": [None, gate.code]})
    return gate


def update_gate(gate: Gate, **fields: Any) -> Gate:
    """Change what a gate wants. Devices take it over with their next scan."""
    changes = {}
    for name, value in _known(fields).items():
        before = getattr(gate, name)
        if before != value:
            setattr(gate, name, value)
            changes[name] = [before, value]
    if "zone" in changes:
        zones.ensure_zone(gate.edition_id, gate.zone)
    if changes:
        audit.record("gate.update", "gate", gate.id, edition_id=gate.edition_id, changes=changes)
    db.session.flush()
    return gate


def is_code_taken(edition_id: int, code: str, *, except_id: int | None = None) -> bool:
    """Does another gate of the edition carry this code?"""
    found = db.session.scalar(select(Gate.id).where(Gate.edition_id == edition_id, Gate.code == code))
    return found is not None and found != except_id


def has_exit(edition_id: int, zone: str, *, except_id: int | None = None) -> bool:
    """Can this zone be left through some gate other than ``except_id``? Without exits nobody ever counts as outside again."""
    found = db.session.scalars(
        select(Gate.id).where(Gate.edition_id == edition_id, Gate.zone == zone, Gate.direction != "entry")
    ).all()
    return bool(set(found) - {except_id})


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise TypeError(f"a gate has no {', '.join(sorted(unknown))}")
    return fields
