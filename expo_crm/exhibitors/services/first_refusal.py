"""The right to one's own stand in the next edition: granted for all at once, asked before every hold and sale."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.domain.rebooking import RebookRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, BoothOccupant, FirstRefusal, Opportunity
from expo_crm.lib import clock
from expo_crm.shows.models import Edition, Hall


@dataclass(frozen=True)
class Granted:
    """What came of granting rights: how many are new, how many stood already, and stands that the coming plan does not have."""

    new: int
    there: int
    without: tuple[str, ...]


def refusal(booth_id: int, opportunity_id: int, today: dt.date) -> FirstRefusal | None:
    """The right of somebody else that keeps this booth from this opportunity."""
    found = db.session.scalar(
        select(FirstRefusal).where(
            FirstRefusal.booth_id == booth_id, FirstRefusal.state == "open", FirstRefusal.until >= today
        )
    )
    if found is None:
        return None
    owner = select(Opportunity.company_id).where(Opportunity.id == opportunity_id)
    return None if db.session.scalar(owner) == found.participation.company_id else found


def check(booths: list[Booth], opportunity: Opportunity) -> None:
    """Raises RuleRefused when another exhibitor has the right to one of these booths."""
    today = clock.local_day(clock.now(), opportunity.edition.timezone)
    for booth in booths:
        right = refusal(booth.id, opportunity.id, today)
        if right is not None:
            raise RuleRefused(
                RebookRefusal.FIRST_REFUSAL,
                code=booth.code,
                company=right.participation.company.name_zh or right.participation.company.name_en,
                until=right.until,
            )


def grant_all(base: Edition, coming: Edition, until: dt.date) -> Granted:
    """Give every exhibitor of ``base`` the right to the stand of the same number in the same hall of ``coming``."""
    stands = db.session.execute(
        select(Participation.id, Booth.code, Booth.code_key, Hall.code.label("hall"))
        .join(BoothOccupant, BoothOccupant.participation_id == Participation.id)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .join(Hall, Hall.id == Booth.hall_id)
        .where(Participation.edition_id == base.id, BoothOccupant.host, Participation.outcome != "cancelled")
        .order_by(Booth.sort_key)
    ).all()
    places = {
        (row.hall, row.code_key): row.id
        for row in db.session.execute(
            select(Booth.id, Booth.code_key, Hall.code.label("hall"))
            .join(Hall, Hall.id == Booth.hall_id)
            .where(Booth.edition_id == coming.id, Booth.retired_at.is_(None), Booth.state != "blocked")
        )
    }
    taken = set(
        db.session.scalars(
            select(FirstRefusal.booth_id).where(FirstRefusal.edition_id == coming.id, FirstRefusal.state != "expired")
        )
    )
    new, there, without = 0, 0, []
    for stand in stands:
        booth_id = places.get((stand.hall, stand.code_key))
        if booth_id is None:
            without.append(stand.code)
        elif booth_id in taken:
            there += 1
        else:
            taken.add(booth_id)
            new += 1
            db.session.add(
                FirstRefusal(
                    edition_id=coming.id,
                    participation_id=stand.id,
                    booth_id=booth_id,
                    until=until,
                    created_at=clock.now(),
                )
            )
    db.session.flush()
    audit.record(
        "first_refusal.grant",
        "edition",
        coming.id,
        edition_id=coming.id,
        changes={"new": [None, new], "until": [None, until]},
    )
    return Granted(new, there, tuple(without))


def prolong(edition_id: int, until: dt.date) -> int:
    """Another last day for every right that is still open. Returns how many."""
    done = db.session.execute(
        update(FirstRefusal)
        .where(FirstRefusal.edition_id == edition_id, FirstRefusal.state == "open")
        .values(until=until)
        .execution_options(synchronize_session=False)
    )
    db.session.expire_all()
    audit.record(
        "first_refusal.prolong", "edition", edition_id, edition_id=edition_id, changes={"until": [None, until]}
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def settle(right: FirstRefusal, state: str, note: str = "") -> None:
    """taken | waived: the right is used, or given up."""
    if right.state != "open":
        return
    right.state, right.settled_at, right.note = state, clock.now(), note[:300]
    audit.record(f"first_refusal.{state}", "first_refusal", right.id, edition_id=right.edition_id, reason=note)
    db.session.flush()


def expire(now: dt.datetime | None = None) -> int:
    """End the rights whose last day has passed where the show is. Returns how many."""
    now = now or clock.now()
    ended = 0
    rows = select(FirstRefusal, Edition.timezone).join(Edition, Edition.id == FirstRefusal.edition_id)
    for right, zone in db.session.execute(rows.where(FirstRefusal.state == "open")):
        if right.until < clock.local_day(now, zone):
            right.state, right.settled_at = "expired", now
            ended += 1
    db.session.flush()
    return ended
