"""How many are inside each zone: by badge, by hand, and against its capacity."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.onsite.domain import occupancy
from expo_crm.onsite.models import CapacityAlarm, HandTally, Presence, Zone
from expo_crm.shows.models import Edition


@dataclass(frozen=True, slots=True)
class ZoneLine:
    """A zone as the live board shows it. ``inside`` are badges, ``by_hand`` people without one."""

    code: str
    name_zh: str
    name_en: str
    capacity: int | None
    alarm_percent: int
    inside: int
    by_hand: int

    @property
    def present(self) -> int:
        return self.inside + self.by_hand

    @property
    def percent(self) -> int | None:
        found = occupancy.percent(self.present, self.capacity)
        return None if found is None else int(found)

    @property
    def level(self) -> int:
        return occupancy.reached(self.present, self.capacity, self.alarm_percent)


def list_zones(edition_id: int) -> list[Zone]:
    """The whole show first, then by code."""
    found = db.session.scalars(select(Zone).where(Zone.edition_id == edition_id).options(joinedload(Zone.hall)))
    return sorted(found, key=lambda zone: (zone.code != "show", zone.code))


def zone_lines(edition: Edition, day: dt.date) -> list[ZoneLine]:
    """Every zone on ``day``. Where the period is the show, people stay counted on its first day."""
    zones = list_zones(edition.id)
    inside = inside_by_zone(edition.id, [(z.code, day if z.period == "day" else edition.starts_on) for z in zones])
    hands = by_hand(edition.id, day)
    return [
        ZoneLine(
            zone.code, zone.name_zh, zone.name_en, zone.capacity or (zone.hall.capacity if zone.hall else None), zone.alarm_percent,
            inside.get(zone.code, 0), hands.get(zone.code, 0),
        )
        for zone in zones
    ]  # fmt: skip


def inside_by_zone(edition_id: int, wanted: list[tuple[str, dt.date]]) -> dict[str, int]:
    """Badges inside, by zone; ``wanted`` names each zone with the day that it counts on."""
    if not wanted:
        return {}
    rows = db.session.execute(
        select(Presence.zone, func.count())
        .where(
            Presence.edition_id == edition_id,
            Presence.inside,
            or_(*(and_(Presence.zone == code, Presence.local_day == day) for code, day in wanted)),
        )
        .group_by(Presence.zone)
    )
    return {row[0]: row[1] for row in rows}


def by_hand(edition_id: int, day: dt.date) -> dict[str, int]:
    """People without a badge, by zone."""
    rows = db.session.execute(
        select(HandTally.zone, func.sum(HandTally.delta))
        .where(HandTally.edition_id == edition_id, HandTally.local_day == day)
        .group_by(HandTally.zone)
    )
    return {row[0]: int(row[1]) for row in rows}


def list_tallies(edition_id: int, day: dt.date, limit: int = 20) -> list[HandTally]:
    """The newest entries of the hand count."""
    return list(
        db.session.scalars(
            select(HandTally)
            .where(HandTally.edition_id == edition_id, HandTally.local_day == day)
            .order_by(HandTally.id.desc())
            .limit(limit)
            .options(joinedload(HandTally.user))
        )
    )


def standing_alarms(edition_id: int) -> list[CapacityAlarm]:
    """Warnings that have not ended, oldest first."""
    return list(
        db.session.scalars(
            select(CapacityAlarm)
            .where(CapacityAlarm.edition_id == edition_id, CapacityAlarm.cleared_at.is_(None))
            .order_by(CapacityAlarm.at)
        )
    )
