"""Booking an exhibitor into the next edition: its stand, a hold, a contract to sign, in one step; or noting why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.domain.contract import BINDING
from expo_crm.exhibitors.domain.rebooking import RebookRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, Contract, FirstRefusal, Opportunity
from expo_crm.exhibitors.services import booths, contracts, first_refusal, opportunities
from expo_crm.lib import clock
from expo_crm.shows.models import Edition

HOLD_DAYS = 7


def coming_edition(base: Edition) -> Edition | None:
    """The edition that follows this one."""
    return db.session.scalar(select(Edition).where(Edition.previous_id == base.id).order_by(Edition.starts_on).limit(1))


def rights_of(participation: Participation, coming: Edition) -> list[FirstRefusal]:
    """The open rights of an exhibitor in the coming edition."""
    return list(
        db.session.scalars(
            select(FirstRefusal)
            .where(
                FirstRefusal.participation_id == participation.id,
                FirstRefusal.edition_id == coming.id,
                FirstRefusal.state == "open",
            )
            .order_by(FirstRefusal.id)
        )
    )


def rebook(
    participation: Participation,
    coming: Edition,
    booth_ids: Sequence[int],
    *,
    owner_id: int | None = None,
    locale: str = "zh",
    hold_days: int = HOLD_DAYS,
) -> Contract:
    """Hold these booths for the exhibitor and draft the contract; its deposit is invoiced when it is signed.

    The company's own rights to the booths are taken, those to other booths stay open. Raises RuleRefused.
    """
    if not booth_ids:
        raise RuleRefused(RebookRefusal.NOTHING_TO_BOOK)
    chance = opportunities.create_opportunity(
        coming,
        participation.company,
        owner_id or participation.company.owner_id,
        "rebooking",
        participation.net_m2,
        participation.amount,
    )
    if bound_contract(chance) is not None:
        raise RuleRefused(RebookRefusal.HAS_CONTRACT)
    if chance.stage == "lost":
        opportunities.move(chance, "intent")
    wanted = list(db.session.scalars(select(Booth).where(Booth.id.in_(booth_ids), Booth.edition_id == coming.id)))
    if len(wanted) != len(set(booth_ids)):
        raise RuleRefused(RebookRefusal.NOTHING_TO_BOOK)
    until = clock.now() + dt.timedelta(days=hold_days)
    for booth in sorted(wanted, key=lambda b: b.id):
        booths.hold(booth, chance, until)
    contract = contracts.draft(chance, [b.id for b in wanted], locale=locale)
    for right in rights_of(participation, coming):
        if right.booth_id in set(booth_ids):
            first_refusal.settle(right, "taken")
    audit.record(
        "rebooking.book",
        "participation",
        participation.id,
        edition_id=coming.id,
        changes={"contract": [None, contract.number]},
    )
    return contract


def bound_contract(chance: Opportunity) -> Contract | None:
    """A contract of this opportunity that is drafted, sent or binding."""
    return db.session.scalar(
        select(Contract)
        .where(Contract.opportunity_id == chance.id, Contract.state.in_(("draft", "sent", *BINDING)))
        .limit(1)
    )


def decline(participation: Participation, coming: Edition, reason: str, *, owner_id: int | None = None) -> Opportunity:
    """The exhibitor does not come back: its reason is noted, its rights are given up. Raises RuleRefused."""
    chance = opportunities.create_opportunity(
        coming,
        participation.company,
        owner_id or participation.company.owner_id,
        "rebooking",
        participation.net_m2,
        participation.amount,
    )
    opportunities.lose(chance, reason)
    for right in rights_of(participation, coming):
        first_refusal.settle(right, "waived", reason)
    return chance
