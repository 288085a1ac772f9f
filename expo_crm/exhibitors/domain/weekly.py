"""The sheet of a sales meeting: what happened to whose cards in one week. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from expo_crm.exhibitors.domain.opportunity import WON, Stage

ZERO = Decimal(0)


class Kind(StrEnum):
    NEW = "new"
    MOVED = "moved"
    HELD = "held"
    CONTRACTED = "contracted"
    LOST = "lost"


@dataclass(frozen=True)
class Change:
    """One change of stage, with whose card it is and what that expects."""

    opportunity_id: int
    owner_id: int | None
    before: str
    after: str
    m2: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Tally:
    """Cards, each counted once, with their m² and money."""

    count: int = 0
    m2: Decimal = ZERO
    amount: Decimal = ZERO

    def plus(self, other: Tally) -> Tally:
        return Tally(self.count + other.count, self.m2 + other.m2, self.amount + other.amount)


@dataclass
class PersonWeek:
    owner_id: int | None
    tallies: dict[Kind, Tally] = field(default_factory=lambda: dict.fromkeys(Kind, Tally()))


def kind_of(before: str, after: str) -> Kind:
    """new: the first stage of a card; lost; contracted: from before a contract to signed or beyond; held; moved: any other."""
    if not before:
        return Kind.NEW
    if after == Stage.LOST:
        return Kind.LOST
    if after in WON and before not in WON:
        return Kind.CONTRACTED
    if after == Stage.HELD and before not in WON:
        return Kind.HELD
    return Kind.MOVED


def by_person(changes: Iterable[Change]) -> dict[int | None, PersonWeek]:
    """Owner → the week. A card that did the same thing twice in the week counts once for it."""
    out: dict[int | None, PersonWeek] = {}
    seen: set[tuple[Kind, int]] = set()
    for change in changes:
        kind = kind_of(change.before, change.after)
        if (kind, change.opportunity_id) in seen:
            continue
        seen.add((kind, change.opportunity_id))
        week = out.setdefault(change.owner_id, PersonWeek(change.owner_id))
        week.tallies[kind] = week.tallies[kind].plus(Tally(1, change.m2, change.amount))
    return out


def together(weeks: Iterable[PersonWeek]) -> dict[Kind, Tally]:
    """The sums over all people."""
    out = dict.fromkeys(Kind, Tally())
    for week in weeks:
        out = {kind: out[kind].plus(week.tallies[kind]) for kind in Kind}
    return out


def monday_of(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def parse_week(typed: str, today: dt.date) -> dt.date:
    """The Monday of "2026-W09"; of this week when nothing or nonsense was asked for."""
    found = re.fullmatch(r"(20\d\d)-W(\d\d)", typed, re.ASCII)
    if found:
        try:
            return dt.date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError:
            pass
    return monday_of(today)


def week_code(monday: dt.date) -> str:
    year, week, _day = monday.isocalendar()
    return f"{year}-W{week:02d}"


def bounds(monday: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """From Monday midnight to the next one at the venue, the end excluded."""
    start = dt.datetime.combine(monday, dt.time(), zone)
    return start, dt.datetime.combine(monday + dt.timedelta(days=7), dt.time(), zone)
