"""What devices hear of other doors: where the badges of their zone are, for the time without a network."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import and_, func, select

from expo_crm.db import db
from expo_crm.onsite.models import Badge, Presence, Scan

PAGE = 2_000
# Rows that are still being written when the newest number is read: they have smaller numbers and are looked at once more.
MARGIN = 256


def newest_scan() -> int:
    """The number from which a device may ask on: everything before it is committed."""
    return max(0, (db.session.scalar(select(func.max(Scan.id))) or 0) - MARGIN)


def presence_since(edition_id: int, zone: str, period: dt.date, since: int, after: int) -> list[Any]:
    """At most PAGE rows (badge_id, serial, entries, inside, first_entry_at, last_at) of badges with a number above ``after`` that
    were read after the scan ``since``; 0: of all that are or were in the zone. ``entries`` is None where nothing counts any more.
    """
    there = and_(Presence.badge_id == Badge.id, Presence.zone == zone, Presence.local_day == period)
    query = (
        select(Badge.id, Badge.serial, Presence.entries, Presence.inside, Presence.first_entry_at, Presence.last_at)
        .where(Badge.edition_id == edition_id, Badge.id > after)
        .order_by(Badge.id)
        .limit(PAGE)
    )
    if not since:
        return list(db.session.execute(query.join(Presence, there)))
    read = select(Scan.badge_id).where(Scan.id > since, Scan.edition_id == edition_id, Scan.zone == zone)
    return list(db.session.execute(query.outerjoin(Presence, there).where(Badge.id.in_(read))))
