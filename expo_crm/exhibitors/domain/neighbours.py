"""How far two booths stand apart."""

from __future__ import annotations

from decimal import Decimal

from expo_crm.exhibitors.domain.booth import Rect


def gap(one: Rect, two: Rect) -> Decimal:
    """Metres from wall to wall, 0 where they touch; straight lines, as a fire inspector measures."""
    across = max(one.x - (two.x + two.width), two.x - (one.x + one.width), Decimal(0))
    along = max(one.y - (two.y + two.depth), two.y - (one.y + one.depth), Decimal(0))
    return (across * across + along * along).sqrt()


def too_near(one: Rect, two: Rect, distance_m: Decimal) -> bool:
    """Side by side (touching walls) always counts; otherwise nearer than the distance agreed."""
    between = gap(one, two)
    return between == 0 or between < distance_m
