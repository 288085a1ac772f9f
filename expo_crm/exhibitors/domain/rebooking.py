"""How many exhibitors come back, at a date: the rebooking rate and its course, and why somebody may not have a booth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum


class RebookRefusal(StrEnum):
    FIRST_REFUSAL = "first_refusal"
    NO_COMING_EDITION = "no_coming_edition"
    NOTHING_TO_BOOK = "nothing_to_book"
    HAS_CONTRACT = "rebooked_already"


@dataclass(frozen=True, slots=True)
class Rate:
    """Exhibitors of N with a signed or deposited contract for N+1 at ``day`` ÷ exhibitors of N. None without exhibitors."""

    day: dt.date
    rebooked: int
    exhibitors: int

    @property
    def share(self) -> float | None:
        return self.rebooked / self.exhibitors if self.exhibitors else None


def rate(exhibitors: AbstractSet[int], bound_on: Mapping[int, dt.date], day: dt.date) -> Rate:
    """The rebooking rate at a day. ``bound_on``: company → the day its contract was signed or its deposit came, the earlier one."""
    return Rate(day, sum(1 for c in exhibitors if c in bound_on and bound_on[c] <= day), len(exhibitors))


def course(
    exhibitors: AbstractSet[int], bound_on: Mapping[int, dt.date], opens_on: dt.date, days: Iterable[int]
) -> list[tuple[int, float | None]]:
    """The rate at each number of days after the edition opened, so that editions can be laid over each other."""
    return [(n, rate(exhibitors, bound_on, opens_on + dt.timedelta(days=n)).share) for n in days]
