"""Where booths stand: their outlines, and the check that no two share ground and none leaves the hall."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from expo_crm.db import db
from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.booth import BoothRefusal
from expo_crm.exhibitors.domain.geometry import Outline
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth
from expo_crm.shows.models import Hall


def outline_of(booth: Any) -> Outline:
    """The outline of a booth, or of a row with polygon, x_m, y_m, width_m and depth_m."""
    if booth.polygon:
        return tuple((Decimal(str(x)), Decimal(str(y))) for x, y in booth.polygon)
    return geometry.rectangle(booth.x_m, booth.y_m, booth.width_m, booth.depth_m)


def place(booth: Booth, shape: Outline) -> None:
    """Give a booth its outline: surrounding rectangle, area and, where it is no rectangle, its corners."""
    booth.x_m, booth.y_m, booth.width_m, booth.depth_m = geometry.box(shape)
    booth.area_m2 = geometry.area(shape)
    corners = [] if geometry.is_rectangle(shape) else [[str(x), str(y)] for x, y in shape]
    if booth.polygon != corners:
        booth.polygon = corners


def lock_hall(hall: Hall) -> None:
    """Two people who draw at once must not draw over each other: the hall is the lock."""
    db.session.execute(select(Hall.id).where(Hall.id == hall.id).with_for_update())


def standing(hall_id: int, without: Collection[int] = ()) -> list[tuple[str, Outline]]:
    """Code and outline of each booth that stands in the hall."""
    columns = (Booth.id, Booth.code, Booth.polygon, Booth.x_m, Booth.y_m, Booth.width_m, Booth.depth_m)
    rows = db.session.execute(select(*columns).where(Booth.hall_id == hall_id, Booth.retired_at.is_(None)))
    return [(row.code, outline_of(row)) for row in rows if row.id not in without]


def check(hall: Hall, new: Sequence[tuple[str, Outline]], without: Collection[int] = ()) -> None:
    """Raises RuleRefused: outside the hall, or over another booth, which is named."""
    for code, shape in new:
        if not geometry.inside(shape, hall.width_m, hall.depth_m):
            raise RuleRefused(BoothRefusal.OUTSIDE_HALL, code=code, width=hall.width_m, depth=hall.depth_m)
    with db.session.no_autoflush:
        there = standing(hall.id, without)
    if met := geometry.first_overlap(new, there):
        raise RuleRefused(BoothRefusal.OVERLAPS, code=met[0], other=met[1])
