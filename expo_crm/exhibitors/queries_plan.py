"""Reading the hall plan: booths by number, their history, and what the public may see."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.models import Booth, BoothEvent, BoothOccupant, DirectoryEntry, Opportunity, PortalRules
from expo_crm.shows.models import Edition


@dataclass(slots=True)
class Who:
    """The company that has a booth, as far as a plan says it."""

    id: int
    name_zh: str
    name_en: str
    industry: str


@dataclass(slots=True)
class OnPlan:
    """A booth as the plan of a whole hall needs it: read as a row, since two thousand records would cost most of the page's time.

    It answers to the same names as the record. ``participations``: whoever stands on it; ``company``: the host, else who holds it.
    """

    id: int
    hall_id: int
    code: str
    kind: str
    x_m: Decimal
    y_m: Decimal
    width_m: Decimal
    depth_m: Decimal
    area_m2: Decimal
    polygon: list[Any]
    price: Decimal
    state: str
    held_until: dt.datetime | None
    sector: str
    version: int
    company: Who | None = None
    participations: tuple[int, ...] = ()


DRAWN: tuple[Any, ...] = (
    Booth.id, Booth.hall_id, Booth.code, Booth.kind, Booth.x_m, Booth.y_m, Booth.width_m, Booth.depth_m, Booth.area_m2,
    Booth.polygon, Booth.price, Booth.state, Booth.held_until, Booth.sector, Booth.version,
)  # fmt: skip
NAMED: tuple[Any, ...] = (Company.id, Company.name_zh, Company.name_en, Company.industry)


def list_on_plan(hall_id: int) -> list[OnPlan]:
    """Every booth that stands in a hall with who has it, by number, in two queries."""
    standing = (Booth.hall_id == hall_id, Booth.retired_at.is_(None))
    rows = db.session.execute(
        select(*DRAWN, *NAMED)
        .outerjoin(Opportunity, Opportunity.id == Booth.opportunity_id)
        .outerjoin(Company, Company.id == Opportunity.company_id)
        .where(*standing)
        .order_by(Booth.sort_key)
    )
    place = len(DRAWN)
    found = []
    for row in rows:
        booth = OnPlan(*row[:place])
        if row[place] is not None:
            booth.company = Who(*row[place:])
        found.append(booth)
    by_id = {booth.id: booth for booth in found}
    there = db.session.execute(
        select(BoothOccupant.booth_id, BoothOccupant.participation_id, *NAMED)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .join(Participation, Participation.id == BoothOccupant.participation_id)
        .join(Company, Company.id == Participation.company_id)
        .where(*standing)
        .order_by(BoothOccupant.host.desc(), BoothOccupant.id)
    )
    for booth_id, participation_id, *named in there:
        stood_on = by_id.get(booth_id)
        if stood_on is None:
            continue  # it was put on the plan between the two questions
        if not stood_on.participations:
            stood_on.company = Who(*named)
        stood_on.participations += (participation_id,)
    return found


def list_bare_on_plan(hall_id: int) -> list[OnPlan]:
    """The drawing of a hall without anybody's name."""
    rows = db.session.execute(
        select(*DRAWN).where(Booth.hall_id == hall_id, Booth.retired_at.is_(None)).order_by(Booth.sort_key)
    )
    return [OnPlan(*row) for row in rows]


def find_by_key(edition_id: int, key: str) -> Booth | None:
    """The booth that stands under this number."""
    return db.session.scalar(
        select(Booth)
        .where(Booth.edition_id == edition_id, Booth.code_key == key, Booth.retired_at.is_(None))
        .options(joinedload(Booth.hall))
    )


def list_events(booth_id: int, limit: int) -> list[BoothEvent]:
    """What happened to a booth, newest first, with who did it."""
    query = select(BoothEvent).where(BoothEvent.booth_id == booth_id).options(joinedload(BoothEvent.user))
    return list(db.session.scalars(query.order_by(BoothEvent.id.desc()).limit(limit)))


def list_relatives(booth: Booth) -> list[Booth]:
    """What it was merged of or split into, and what it became or came from."""
    wanted = [i for i in (booth.merged_into_id, booth.split_from_id) if i]
    query = select(Booth).where(or_(Booth.id.in_(wanted), Booth.merged_into_id == booth.id, Booth.split_from_id == booth.id))
    return list(db.session.scalars(query.order_by(Booth.sort_key)))


def list_public_names(hall_id: int, today: dt.date) -> dict[int, list[tuple[str, str]]]:
    """Names (zh, en) by booth of a hall's exhibitors as their directory entries have them; only sold booths, host first.

    Nobody is named before the day on which the edition's directory is published, or before the opening where no day is set.
    """
    rows = db.session.execute(
        select(BoothOccupant.booth_id, DirectoryEntry.name_zh, DirectoryEntry.name_en)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .join(Participation, Participation.id == BoothOccupant.participation_id)
        .join(DirectoryEntry, DirectoryEntry.participation_id == Participation.id)
        .join(Edition, Edition.id == Participation.edition_id)
        .outerjoin(PortalRules, PortalRules.edition_id == Edition.id)
        .where(
            Booth.hall_id == hall_id,
            func.coalesce(PortalRules.published_on, Edition.starts_on) <= today,
            Booth.retired_at.is_(None),
            Booth.state == "sold",
            Participation.outcome.in_(("planned", "exhibited")),
            or_(DirectoryEntry.name_zh != "", DirectoryEntry.name_en != ""),
        )
        .order_by(BoothOccupant.booth_id, BoothOccupant.host.desc(), BoothOccupant.id)
    )
    out: dict[int, list[tuple[str, str]]] = {}
    for booth_id, zh, en in rows:
        out.setdefault(booth_id, []).append((zh, en))
    return out
