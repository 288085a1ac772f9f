"""What the live board compares with: the same day of the last edition."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Integer, cast, func, select

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.domain.reasons import ADMITTED
from expo_crm.onsite.models import Scan
from expo_crm.onsite.queries import SLOT
from expo_crm.shows.models import Edition


def same_day(edition: Edition, previous: Edition, day: dt.date) -> dt.date | None:
    """The day of ``previous`` that stands where ``day`` stands in ``edition``: its second day with its second day."""
    days = sorted(d.day for d in edition.days)
    before = sorted(d.day for d in previous.days)
    if day not in days or days.index(day) >= len(before):
        return None
    return before[days.index(day)]


def entries_by_time(edition: Edition, day: dt.date) -> dict[str, int]:
    """Entries of a day by the local time at which their five minutes began, as "10:05"."""
    seconds = int(SLOT.total_seconds())
    if db.session.get_bind().dialect.name == "postgresql":
        slot: Any = func.floor(func.extract("epoch", Scan.corrected_at) / seconds)
    else:
        slot = cast(func.strftime("%s", Scan.corrected_at), Integer) // seconds
    start, end = clock.day_bounds(day, edition.timezone)
    rows = db.session.execute(
        select(slot.label("slot"), func.count())
        .where(
            Scan.edition_id == edition.id,
            Scan.corrected_at >= start,
            Scan.corrected_at < end,
            Scan.direction == "entry",
            Scan.decision.in_(ADMITTED),
        )
        .group_by("slot")
    )
    out: dict[str, int] = {}
    for number, count in rows:
        at = clock.to_local(dt.datetime.fromtimestamp(int(number) * seconds, dt.UTC), edition.zone)
        key = at.strftime("%H:%M")
        out[key] = out.get(key, 0) + count
    return out
