"""Who exhibited in an edition, and who has committed to a coming one. One definition for every figure."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.models import Contract, Opportunity
from expo_crm.followup.domain.retention import Stake
from expo_crm.shows.models import Edition

COUNTED_ROLES = ("main", "co")
SIGNED = ("signed", "in_force", "amended")
COMMITTED_STAGES = ("contracted", "deposit_paid", "paid")


def has_begun(edition: Edition, today: dt.date) -> bool:
    """True when the ledger tells who exhibits: the show runs or is over."""
    return edition.state in {"live", "closed"} or edition.starts_on <= today


def is_exhibitor() -> ColumnElement[bool]:
    """Condition over Participation (of a begun edition): a main or co-exhibitor that exhibited, or that has a contract and no other
    outcome noted yet."""
    host = aliased(Participation)
    under_contract = exists().where(
        Contract.edition_id == Participation.edition_id,
        Contract.state.in_(SIGNED),
        or_(
            Contract.company_id == Participation.company_id,
            exists().where(host.id == Participation.host_id, host.company_id == Contract.company_id),
        ),
    )
    return and_(
        Participation.role.in_(COUNTED_ROLES),
        or_(Participation.outcome == "exhibited", and_(Participation.outcome == "planned", under_contract)),
    )


def stakes_of(editions: list[Edition]) -> dict[int, dict[int, Stake]]:
    """Edition id → company id → what it stood on and paid, for editions that have begun. One query."""
    out: dict[int, dict[int, Stake]] = {edition.id: {} for edition in editions}
    rows = db.session.execute(
        select(Participation.edition_id, Participation.company_id, Participation.net_m2, Participation.amount).where(
            Participation.edition_id.in_(list(out)), is_exhibitor()
        )
    )
    for edition_id, company_id, net_m2, amount in rows:
        out[edition_id][company_id] = Stake(net_m2, amount)
    return out


def commitments_of(edition: Edition) -> dict[int, Stake]:
    """Company id → what it has committed to in a coming edition: a signed contract, or an opportunity at "contracted" or beyond."""
    out: dict[int, Stake] = {}
    contracts = db.session.execute(
        select(Contract.company_id, Contract.net_m2, Contract.net_home).where(
            Contract.edition_id == edition.id, Contract.state.in_(SIGNED)
        )
    )
    for company_id, net_m2, net in contracts:
        known = out.get(company_id, Stake(Decimal(0), Decimal(0)))
        out[company_id] = Stake(known.net_m2 + net_m2, known.amount + net)
    opportunities = db.session.execute(
        select(Opportunity.company_id, Opportunity.expected_m2, Opportunity.expected_amount).where(
            Opportunity.edition_id == edition.id, Opportunity.stage.in_(COMMITTED_STAGES)
        )
    )
    for company_id, net_m2, amount in opportunities:
        out.setdefault(company_id, Stake(net_m2, amount))
    hosts = aliased(Participation)
    guests = db.session.execute(
        select(Participation.company_id, Participation.net_m2, Participation.amount, hosts.company_id)
        .join(hosts, hosts.id == Participation.host_id)
        .where(Participation.edition_id == edition.id, Participation.role == "co", Participation.outcome == "planned")
    )
    for company_id, net_m2, amount, host_company_id in guests:
        if host_company_id in out:
            out.setdefault(company_id, Stake(net_m2, amount))
    return out
