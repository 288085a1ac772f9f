"""When two booths are too near to each other."""

from __future__ import annotations

from decimal import Decimal


def too_near(between: Decimal, distance_m: Decimal) -> bool:
    """Side by side (walls or corners that touch) always counts; otherwise nearer than the distance agreed, in metres."""
    return between == 0 or between < distance_m
