"""The booths of the last edition as the start of the next: where they stand and what they cost, without who had them."""

from __future__ import annotations

from sqlalchemy import select

from expo_crm.db import db
from expo_crm.exhibitors.models import Booth
from expo_crm.shows.models import Edition, Hall

KEPT = ("code", "code_key", "kind", "x_m", "y_m", "width_m", "depth_m", "area_m2", "polygon", "open_sides", "price", "sector")


def clone(previous: Edition, edition: Edition) -> None:
    """Copy the booths into the halls of the same code; what was off sale is on sale again. Does nothing where booths are already."""
    db.session.flush()
    halls = {
        code: hall_id
        for hall_id, code in db.session.execute(select(Hall.id, Hall.code).where(Hall.edition_id == edition.id))
    }
    if db.session.scalar(select(Booth.id).where(Booth.edition_id == edition.id).limit(1)):
        return
    rows = db.session.execute(
        select(Booth, Hall.code)
        .join(Hall, Hall.id == Booth.hall_id)
        .where(Booth.edition_id == previous.id, Booth.retired_at.is_(None))
        .order_by(Booth.id)
    )
    for booth, code in rows:
        if code in halls:
            values = {name: getattr(booth, name) for name in KEPT}
            db.session.add(Booth(**values, edition_id=edition.id, hall_id=halls[code]))
    db.session.flush()
