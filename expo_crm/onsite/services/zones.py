"""Zones: the areas behind the gates and what each of them wants of a badge."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.onsite.models import AccessWindow, Gate, Presence, Scan, Zone
from expo_crm.shows.models import Hall

WHOLE_SHOW = "show"
FIELDS = (
    "hall_id",
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


def get_zone(edition_id: int, zone_id: int) -> Zone | None:
    """The zone with its windows, when it belongs to the edition."""
    return db.session.scalar(
        select(Zone)
        .where(Zone.edition_id == edition_id, Zone.id == zone_id)
        .options(joinedload(Zone.hall), selectinload(Zone.windows))
    )


def create_zone(edition_id: int, code: str, **fields: Any) -> Zone:
    """A new zone. Its code is what gates, scans and presence name it by, so it never changes."""
    zone = Zone(edition_id=edition_id, code=code, **_known(fields))
    db.session.add(zone)
    db.session.flush()
    audit.record("zone.create", "zone", zone.id, edition_id=edition_id, changes={"code": [None, code]})
    return zone


class InUse(Exception):
    """A gate leads into the zone, or somebody was read there."""


def delete_zone(zone: Zone) -> None:
    """Remove a zone that was never used. Raises InUse."""
    here = {"edition_id": zone.edition_id, "zone": zone.code}
    if any(
        db.session.scalar(select(model.id).filter_by(**here).limit(1)) is not None for model in (Gate, Scan, Presence)
    ):
        raise InUse(zone.code)
    audit.record("zone.delete", "zone", zone.id, edition_id=zone.edition_id, changes={"code": [zone.code, None]})
    db.session.delete(zone)
    db.session.flush()


def set_matrix(zones: list[Zone], classes: dict[int, list[str]]) -> int:
    """Who may enter which zone: zone id → codes, none for every class. Returns how many zones changed."""
    changed = 0
    for zone in zones:
        wanted = sorted(classes.get(zone.id, []))
        if wanted != sorted(zone.classes or []):
            update_zone(zone, classes=wanted)
            changed += 1
    return changed


class WindowTaken(Exception):
    """There is a window for this class and day that begins at the same time."""


def add_window(
    zone: Zone, class_code: str, day: dt.date | None, opens_at: dt.time, closes_at: dt.time
) -> AccessWindow:
    """Let a class (empty: every class) in at a time of its own. Raises WindowTaken."""
    if any((w.class_code, w.day, w.opens_at) == (class_code, day, opens_at) for w in zone.windows):
        raise WindowTaken
    window = AccessWindow(class_code=class_code, day=day, opens_at=opens_at, closes_at=closes_at)
    zone.windows.append(window)
    db.session.flush()
    audit.record(
        "zone.window_add", "zone", zone.id, edition_id=zone.edition_id, changes={"window": [None, _told(window)]}
    )
    return window


def remove_window(zone: Zone, window: AccessWindow) -> None:
    told = _told(window)
    zone.windows.remove(window)
    db.session.flush()
    audit.record("zone.window_remove", "zone", zone.id, edition_id=zone.edition_id, changes={"window": [told, None]})


def _told(window: AccessWindow) -> str:
    day = window.day.isoformat() if window.day else "*"
    return f"{window.class_code or '*'} {day} {window.opens_at:%H:%M}-{window.closes_at:%H:%M}"


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
