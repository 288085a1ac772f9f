"""Zones: the areas behind the gates and what each of them wants of a badge."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.onsite.models import Zone
from expo_crm.shows.models import Hall

WHOLE_SHOW = "show"
FIELDS = (
    "name_zh",
    "name_en",
    "capacity",
    "alarm_percent",
    "period",
    "anti_passback",
    "cooldown_minutes",
    "classes",
    "restricted",
    "stale_hours",
    "auto_exit",
    "resets_at",
)


def find_zone(edition_id: int, code: str) -> Zone | None:
    return db.session.scalar(select(Zone).where(Zone.edition_id == edition_id, Zone.code == code))


def ensure_zone(edition_id: int, code: str, **fields: Any) -> Zone:
    """The zone with this code; made when there is none, with the names of the hall that has the code, else of the show."""
    found = find_zone(edition_id, code)
    if found is not None:
        return found
    hall = db.session.scalar(select(Hall).where(Hall.edition_id == edition_id, Hall.code == code))
    names = {"name_zh": hall.name_zh, "name_en": hall.name_en} if hall else {"name_zh": "全展会", "name_en": "The whole show"}
    zone = Zone(edition_id=edition_id, code=code, hall_id=hall.id if hall else None, **{**names, **_known(fields)})
    db.session.add(zone)
    db.session.flush()
    audit.record("zone.create", "zone", zone.id, edition_id=edition_id, changes={"code": [None, code]})
    return zone


def update_zone(zone: Zone, **fields: Any) -> Zone:
    """Change what a zone wants. Devices with a network take it over with their next scan."""
    changes = {}
    for name, value in _known(fields).items():
        before = getattr(zone, name)
        if before != value:
            setattr(zone, name, value)
            changes[name] = [str(before), str(value)]
    if changes:
        audit.record("zone.update", "zone", zone.id, edition_id=zone.edition_id, changes=changes)
    db.session.flush()
    return zone


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise TypeError(f"a zone has no {', '.join(sorted(unknown))}")
    return fields
