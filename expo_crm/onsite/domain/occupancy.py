"""How full a zone is, and when somebody must be told. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

NEAR, FULL = 80, 100
BELOW = 5  # percent points a zone must fall under a level before the next crossing of it is a new one


@dataclass(frozen=True, slots=True)
class Crossings:
    """Levels in percent that were passed upwards just now, and levels whose warning has ended."""

    opened: tuple[int, ...] = ()
    cleared: tuple[int, ...] = ()


def levels(alarm_percent: int) -> tuple[int, ...]:
    """The levels of a zone, rising: nearly full, its own alarm, full."""
    return tuple(sorted({min(NEAR, alarm_percent), alarm_percent, FULL}))


def percent(inside: int, capacity: int | None) -> float | None:
    """How full, in percent; None where no capacity is set."""
    return 100 * inside / capacity if capacity else None


def reached(inside: int, capacity: int | None, alarm_percent: int) -> int:
    """The highest level reached, 0 below all of them."""
    now = percent(inside, capacity)
    return max((level for level in levels(alarm_percent) if now is not None and now >= level), default=0)


def crossings(inside: int, capacity: int | None, alarm_percent: int, standing: Collection[int]) -> Crossings:
    """What changed against the warnings that stand. A number that swings around a level warns once, not at every swing."""
    now = percent(inside, capacity)
    if now is None:
        return Crossings(cleared=tuple(sorted(standing)))
    opened = tuple(level for level in levels(alarm_percent) if now >= level and level not in standing)
    known = levels(alarm_percent)
    cleared = tuple(sorted(level for level in standing if now < level - BELOW or level not in known))
    return Crossings(opened, cleared)
