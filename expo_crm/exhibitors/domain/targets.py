"""Targets against what is signed, and against the same number of days before the last edition. Pure, Decimal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

CENT = Decimal("0.01")
ZERO = Decimal(0)


class Scope(StrEnum):
    EDITION = "edition"
    PERSON = "person"
    TEAM = "team"
    AGENT = "agent"
    SECTOR = "sector"
    HALL = "hall"


@dataclass(frozen=True)
class Deal:
    """A signed contract. ``keys``: scope → (key, share of its area and money); a hall holds a share, anything else all of it."""

    edition_id: int
    company_id: int
    day: dt.date
    m2: Decimal
    amount: Decimal
    keys: Mapping[Scope, tuple[tuple[str, Decimal], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sum:
    """Net m², money without tax, distinct companies."""

    m2: Decimal = ZERO
    amount: Decimal = ZERO
    companies: int = 0


def same_distance(today: dt.date, starts_on: dt.date, previous_starts_on: dt.date) -> dt.date:
    """The day that was as far from the last opening as ``today`` is from this one."""
    return previous_starts_on + (today - starts_on)


def total(deals: Iterable[Deal], edition_id: int, scope: Scope, key: str, until: dt.date | None = None) -> Sum:
    """What an edition had signed by the end of a day, for one key of a scope."""
    m2, amount = ZERO, ZERO
    companies: set[int] = set()
    for deal in deals:
        if deal.edition_id != edition_id or (until is not None and deal.day > until):
            continue
        share = (
            Decimal(1) if scope is Scope.EDITION else next((s for k, s in deal.keys.get(scope, ()) if k == key), None)
        )
        if share is None:
            continue
        m2, amount = m2 + deal.m2 * share, amount + deal.amount * share
        companies.add(deal.company_id)
    return Sum(m2.quantize(CENT, ROUND_HALF_UP), amount.quantize(CENT, ROUND_HALF_UP), len(companies))


@dataclass(frozen=True)
class Progress:
    """One target and where it stands. ``share`` of m² attained; ``expected`` is the target times the share that the last
    edition had signed at the same distance from its opening, None without a last edition."""

    target: Sum
    now: Sum
    then: Sum | None
    last: Sum | None
    weeks_left: int

    @property
    def share(self) -> float | None:
        return float(self.now.m2 / self.target.m2) if self.target.m2 else None

    @property
    def pace_share(self) -> Decimal | None:
        """Share of its final area that the last edition had at this distance."""
        return self.then.m2 / self.last.m2 if self.then and self.last and self.last.m2 else None

    @property
    def expected(self) -> Decimal | None:
        return None if self.pace_share is None else (self.target.m2 * self.pace_share).quantize(CENT, ROUND_HALF_UP)

    @property
    def ahead(self) -> Decimal | None:
        """m² ahead of the pace; negative behind it."""
        return None if self.expected is None else self.now.m2 - self.expected

    def missing(self, what: Callable[[Sum], Decimal | int]) -> Decimal:
        return max(ZERO, Decimal(what(self.target)) - Decimal(what(self.now)))

    def per_week(self, what: Callable[[Sum], Decimal | int]) -> Decimal:
        """Missing ÷ weeks until the opening, the last one begun counted as one; all of it when the show has begun."""
        return (self.missing(what) / max(1, self.weeks_left)).quantize(CENT, ROUND_HALF_UP)


def weeks_left(today: dt.date, starts_on: dt.date) -> int:
    """Weeks until the opening, rounded up; 0 from the opening day on."""
    return max(0, -(-(starts_on - today).days // 7))


def course(
    deals: Iterable[Deal], edition_id: int, starts_on: dt.date, weeks: Iterable[int], until: dt.date | None
) -> list[float | None]:
    """Net m² signed so many weeks before the opening; None after ``until``."""
    mine = [d for d in deals if d.edition_id == edition_id]
    edges = [starts_on - dt.timedelta(weeks=w) for w in weeks]
    return [
        None if until is not None and edge > until else float(sum((d.m2 for d in mine if d.day <= edge), ZERO))
        for edge in edges
    ]
