"""Reading for the rebooking desk: who of the last edition is where on the way into the next one."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from expo_crm.billing.models import Invoice, Payment
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.domain.contract import BINDING, LIVE
from expo_crm.exhibitors.models import Booth, BoothOccupant, Contract, FirstRefusal, Opportunity
from expo_crm.shows.models import Edition, Hall

COUNTED = ("main", "co")
"""Exhibitors are main and co-exhibitors; represented companies are shown apart and never added."""


def exhibitors_of(edition_id: int) -> set[int]:
    """Companies that exhibit or exhibited in an edition."""
    return set(
        db.session.scalars(
            select(Participation.company_id).where(
                Participation.edition_id == edition_id,
                Participation.role.in_(COUNTED),
                Participation.outcome.in_(("exhibited", "planned")),
            )
        )
    )


def bound_on(edition_id: int) -> dict[int, dt.date]:
    """company → the day its contract for the edition was signed or its first money came, the earlier one."""
    signed = dict(
        db.session.execute(
            select(Contract.company_id, func.min(Contract.signed_on))
            .where(Contract.edition_id == edition_id, Contract.state.in_(BINDING), Contract.signed_on.is_not(None))
            .group_by(Contract.company_id)
        ).all()
    )
    paid = (
        select(Invoice.company_id, func.min(Payment.received_on))
        .join(Payment, Payment.invoice_id == Invoice.id)
        .where(Invoice.edition_id == edition_id, Payment.amount > 0)
        .group_by(Invoice.company_id)
    )
    out: dict[int, dt.date] = {company: day for company, day in signed.items() if day}
    for company, day in db.session.execute(paid):
        out[company] = min(day, out.get(company, day))
    return out


def earlier_pairs(edition: Edition, most: int = 3) -> list[tuple[Edition, Edition]]:
    """(edition, the one after it) of the same show before this one, the newest first."""
    editions = list(
        db.session.scalars(
            select(Edition)
            .where(Edition.show_id == edition.show_id, Edition.starts_on <= edition.starts_on)
            .order_by(Edition.starts_on)
        )
    )
    pairs = list(pairwise(editions))
    return pairs[::-1][:most]


def find_participation(edition_id: int, participation_id: int) -> Participation | None:
    return db.session.scalar(
        select(Participation)
        .where(Participation.id == participation_id, Participation.edition_id == edition_id)
        .options(joinedload(Participation.company), joinedload(Participation.edition))
    )


def stands_of(participation_ids: Iterable[int]) -> dict[int, list[Booth]]:
    """The booths that each participation hosts."""
    out: dict[int, list[Booth]] = defaultdict(list)
    rows = db.session.execute(
        select(BoothOccupant.participation_id, Booth)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .where(BoothOccupant.participation_id.in_(list(participation_ids)), BoothOccupant.host)
        .order_by(Booth.sort_key)
        .options(joinedload(Booth.hall))
    )
    for participation_id, booth in rows:
        out[participation_id].append(booth)
    return out


def chances_of(edition_id: int, company_ids: Iterable[int]) -> dict[int, Opportunity]:
    rows = db.session.scalars(
        select(Opportunity).where(Opportunity.edition_id == edition_id, Opportunity.company_id.in_(list(company_ids)))
    )
    return {row.company_id: row for row in rows}


def contracts_of(edition_id: int, company_ids: Iterable[int]) -> dict[int, Contract]:
    rows = db.session.scalars(
        select(Contract)
        .where(Contract.edition_id == edition_id, Contract.company_id.in_(list(company_ids)), Contract.state.in_(LIVE))
        .order_by(Contract.id)
    )
    return {row.company_id: row for row in rows}


def rights_of(edition_id: int, participation_ids: Iterable[int]) -> dict[int, list[FirstRefusal]]:
    out: dict[int, list[FirstRefusal]] = defaultdict(list)
    rows = db.session.scalars(
        select(FirstRefusal)
        .where(FirstRefusal.edition_id == edition_id, FirstRefusal.participation_id.in_(list(participation_ids)))
        .options(joinedload(FirstRefusal.booth).joinedload(Booth.hall))
    )
    for row in rows:
        out[row.participation_id].append(row)
    return out


def count_rights(edition_id: int) -> dict[str, int]:
    """Rights of an edition by state."""
    rows = (
        select(FirstRefusal.state, func.count())
        .where(FirstRefusal.edition_id == edition_id)
        .group_by(FirstRefusal.state)
    )
    return dict(db.session.execute(rows).all())  # type: ignore[arg-type]


def last_day(edition_id: int) -> dt.date | None:
    """The last day of the open rights."""
    return db.session.scalar(
        select(func.max(FirstRefusal.until)).where(FirstRefusal.edition_id == edition_id, FirstRefusal.state == "open")
    )


def free_booths(edition_id: int, limit: int = 400) -> list[Booth]:
    """Booths on sale, by hall and number, for a choice."""
    return list(
        db.session.scalars(
            select(Booth)
            .join(Hall, Hall.id == Booth.hall_id)
            .where(Booth.edition_id == edition_id, Booth.state == "available", Booth.retired_at.is_(None))
            .order_by(Hall.code, Booth.sort_key)
            .limit(limit)
            .options(joinedload(Booth.hall))
        )
    )
