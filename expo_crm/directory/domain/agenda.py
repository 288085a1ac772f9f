"""When a planned action falls: pure functions over the clock that the caller read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from expo_crm.lib import clock

MORNING = dt.time(9)
AHEAD_DAYS = 7
FURTHEST_DAYS = 3 * 366


@dataclass(frozen=True)
class Horizon:
    """The edges of today and of the coming week, as instants."""

    today: dt.datetime
    tomorrow: dt.datetime
    week: dt.datetime


def horizon(now: dt.datetime, zone: ZoneInfo) -> Horizon:
    day = clock.local_day(now, zone)
    start, end = clock.day_bounds(day, zone)
    return Horizon(start, end, clock.day_bounds(day + dt.timedelta(days=AHEAD_DAYS), zone)[1])


def urgency(due_at: dt.datetime | None, edges: Horizon) -> str:
    """``overdue``, ``today``, ``week`` or ``later`` (also for an action without a day)."""
    if due_at is None or due_at >= edges.week:
        return "later"
    if due_at < edges.today:
        return "overdue"
    return "today" if due_at < edges.tomorrow else "week"


def due_moment(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """A day that somebody chose, as an instant: its morning."""
    return dt.datetime.combine(day, MORNING, zone).astimezone(dt.UTC)


def working_days(first: dt.date, count: int) -> list[dt.date]:
    """``count`` days from ``first`` on, Saturdays and Sundays left out. Holidays are not known here."""
    out: list[dt.date] = []
    day = first
    while len(out) < count:
        if day.weekday() < 5:
            out.append(day)
        day += dt.timedelta(days=1)
    return out


def postponed(due_at: dt.datetime | None, days: int, now: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """``days`` later, counted from today when the action is overdue, so that it never stays in the past."""
    today = clock.local_day(now, zone)
    start = max(clock.local_day(due_at, zone), today) if due_at else today
    return due_moment(start + dt.timedelta(days=days), zone)
