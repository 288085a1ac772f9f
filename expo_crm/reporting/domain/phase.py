"""Where in its year an edition is, and which day of the last edition a day compares with. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Phase(StrEnum):
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


def phase_of(starts_on: dt.date, ends_on: dt.date, today: dt.date) -> Phase:
    return Phase.BEFORE if today < starts_on else Phase.AFTER if today > ends_on else Phase.DURING


def same_distance(today: dt.date, starts_on: dt.date, previous_starts_on: dt.date) -> dt.date:
    """The day that was as far from the last opening as ``today`` is from this one."""
    return previous_starts_on + (today - starts_on)


def curve(
    per_day: Mapping[dt.date, float], starts_on: dt.date, until: dt.date | None, weeks: Sequence[int]
) -> list[float | None]:
    """The running total at so many weeks before the opening (26, 25 … 0); None for points after ``until``."""
    out: list[float | None] = []
    for week in weeks:
        edge = starts_on - dt.timedelta(weeks=week)
        if until is not None and edge > until:
            out.append(None)
        else:
            out.append(sum(value for day, value in per_day.items() if day <= edge))
    return out


def change(now: float, before: float | None) -> float | None:
    """Relative change against before; None where there is nothing to compare with."""
    return None if not before else now / before - 1
