"""Closing: who is still inside when a zone closes counts as gone. Nobody reads every badge on the way out.

An exit that nobody walked is logged for each of them, at the closing time in the venue's time zone, once: its uuid follows from
badge, zone and moment. A late upload from before closing does not undo it, and one from after it counts again.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select

from expo_crm.db import checkpoint, db
from expo_crm.lib import clock
from expo_crm.onsite.models import Presence, Zone
from expo_crm.onsite.services import by_hand
from expo_crm.shows.models import Edition, OpeningDay

_NAMESPACE = uuid.UUID("6f1f7d6e-6a0c-4f0e-9d0b-3c9f8f3a5c11")
LOOK_BACK = dt.timedelta(days=3)  # of days whose closing may have been missed; older ones are asked for by hand
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Closing:
    """A moment at which a zone is emptied. ``period`` is the key of presence that it concerns."""

    zone: Zone
    at: dt.datetime
    period: dt.date


def closing_at(zone: Zone, day: dt.date, hours: OpeningDay | None, timezone: str) -> dt.datetime:
    """When a zone closes on ``day``: at its own time, else at the end of the opening hours, else at midnight.

    On the night the clocks change a time can come twice or not at all: the later of its readings holds, so that nobody is
    sent out early.
    """
    here = clock.zone(timezone)
    local = zone.resets_at or (hours.closes_at if hours else None)
    if local is None or local == dt.time.min:
        return clock.day_bounds(day, here)[1]
    wall = dt.datetime.combine(day, local, here)
    return max(wall.replace(fold=fold).astimezone(dt.UTC) for fold in (0, 1))


def due(edition: Edition, now: dt.datetime) -> list[Closing]:
    """The closings of the last days that have passed, oldest first."""
    today = clock.local_day(now, edition.timezone)
    hours = {d.day: d for d in edition.days}
    out = []
    for zone in db.session.scalars(
        select(Zone).where(Zone.edition_id == edition.id, Zone.auto_exit).order_by(Zone.code)
    ):
        for back in range(LOOK_BACK.days, -1, -1):
            day = today - dt.timedelta(days=back)
            at = closing_at(zone, day, hours.get(day), edition.timezone)
            if at <= now:
                out.append(Closing(zone, at, edition.starts_on if zone.period == "show" else day))
    return sorted(out, key=lambda c: (c.at, c.zone.code))


def close_zone(closing: Closing) -> int:
    """Log exits for all who came in before the closing and are still inside; answers how many were new. Idempotent."""
    there = db.session.scalars(
        select(Presence)
        .where(
            Presence.edition_id == closing.zone.edition_id,
            Presence.zone == closing.zone.code,
            Presence.local_day == closing.period,
            Presence.inside,
            Presence.last_at < closing.at,
        )
        .order_by(Presence.badge_id)
        .limit(CHUNK)
    ).all()
    if not there:
        return 0

    def key_of(presence: Presence) -> str:
        # The number of exits tells a second closing of one badge apart, after a late upload let it in again.
        name = f"{presence.badge_id}|{presence.zone}|{closing.at.isoformat()}|{presence.entries}"
        return str(uuid.uuid5(_NAMESPACE, name))

    return by_hand.reset_many(closing.zone.edition_id, there, closing.at, key_of)


def close_due(now: dt.datetime | None = None) -> int:
    """Close what is due in every edition whose days are near; answers how many people were taken out. For the tick."""
    now = now or clock.now()
    editions = db.session.scalars(
        select(Edition)
        .join(Presence, Presence.edition_id == Edition.id)
        .where(Presence.inside, Presence.last_at > now - LOOK_BACK - dt.timedelta(days=1))
        .distinct()
    ).all()
    done = 0
    for edition in editions:
        for closing in due(edition, now):
            while made := close_zone(closing):
                done += made
                checkpoint()
    return done
