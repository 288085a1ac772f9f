"""Reading opportunities, booths, contracts and participations; always within an edition or a parent."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.accounts.models import User
from expo_crm.billing import queries as billing
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.domain.booth import BoothState, effective_state
from expo_crm.exhibitors.domain.contract import BINDING, LIVE
from expo_crm.exhibitors.domain.opportunity import Facts
from expo_crm.exhibitors.models import Booth, BoothOccupant, Contract, ContractBooth, Opportunity, StageChange
from expo_crm.lib.permissions import Permission
from expo_crm.shows.models import Hall


def find_opportunity(edition_id: int, opportunity_id: int) -> Opportunity | None:
    return db.session.scalar(
        select(Opportunity)
        .where(Opportunity.id == opportunity_id, Opportunity.edition_id == edition_id)
        .options(joinedload(Opportunity.company), joinedload(Opportunity.owner))
    )


def find_opportunity_of(edition_id: int, company_id: int) -> Opportunity | None:
    return db.session.scalar(
        select(Opportunity).where(Opportunity.edition_id == edition_id, Opportunity.company_id == company_id)
    )


def facts_of(opportunity: Opportunity, now: dt.datetime) -> Facts:
    """What holds, contract and money say of an opportunity at this moment."""
    held = select(func.count()).select_from(Booth).where(
        Booth.opportunity_id == opportunity.id, Booth.state == "held", Booth.held_until > now
    )  # fmt: skip
    contracts = list(
        db.session.scalars(
            select(Contract)
            .where(Contract.opportunity_id == opportunity.id, Contract.state.in_(LIVE))
            .order_by(Contract.id)
        )
    )
    signed = [c for c in contracts if c.state in BINDING]
    standings = billing.standings_of(c.id for c in signed)
    return Facts(
        holds=db.session.scalar(held) or 0,
        live_contract=bool(contracts),
        signed=bool(signed),
        deposit_paid=bool(signed) and all(standings[c.id].deposit_paid for c in signed),
        paid=bool(signed) and all(standings[c.id].paid for c in signed),
    )


def list_stage_changes(opportunity_id: int) -> list[tuple[StageChange, str]]:
    """Newest first, with the name of who made each."""
    rows = db.session.execute(
        select(StageChange, User.name)
        .outerjoin(User, User.id == StageChange.user_id)
        .where(StageChange.opportunity_id == opportunity_id)
        .order_by(StageChange.at.desc(), StageChange.id.desc())
    )
    return [(change, name or "") for change, name in rows]


def list_sales_people() -> list[User]:
    """Active staff who sell: who may own an opportunity and have a target."""
    staff = select(User).where(User.kind == "staff", User.active).options(joinedload(User.roles))
    users = db.session.scalars(staff.order_by(User.name, User.id)).unique()
    return [u for u in users if Permission.SELL in u.permissions]


def list_owners(edition_id: int) -> list[User]:
    """Who owns something in the pipeline of this edition."""
    owned = select(Opportunity.owner_id).where(Opportunity.edition_id == edition_id).distinct()
    return list(db.session.scalars(select(User).where(User.id.in_(owned)).order_by(User.name)))


def list_sectors(edition_id: int) -> list[str]:
    """Industries of the companies in the pipeline."""
    rows = db.session.scalars(
        select(Company.industry)
        .join(Opportunity, Opportunity.company_id == Company.id)
        .where(Opportunity.edition_id == edition_id, Company.industry != "")
        .distinct()
        .order_by(Company.industry)
    )
    return list(rows)


def find_hall(edition_id: int, code: str) -> Hall | None:
    return db.session.scalar(select(Hall).where(Hall.edition_id == edition_id, Hall.code == code))


def find_booth(edition_id: int, booth_id: int) -> Booth | None:
    """With its hall, holder and occupants."""
    return db.session.scalar(
        select(Booth)
        .where(Booth.id == booth_id, Booth.edition_id == edition_id)
        .options(
            joinedload(Booth.hall),
            joinedload(Booth.opportunity).joinedload(Opportunity.company),
            selectinload(Booth.occupants).joinedload(BoothOccupant.participation).joinedload(Participation.company),
        )
    )


def list_booths(hall_id: int) -> list[Booth]:
    """Every booth of a hall with who has it; the number of queries does not grow with the hall."""
    return list(
        db.session.scalars(
            select(Booth)
            .where(Booth.hall_id == hall_id, Booth.retired_at.is_(None))
            .options(
                joinedload(Booth.opportunity).joinedload(Opportunity.company),
                selectinload(Booth.occupants).joinedload(BoothOccupant.participation).joinedload(Participation.company),
            )
            .order_by(Booth.sort_key)
        )
    )


def search_booths(edition_id: int, words: str, limit: int = 12) -> list[Booth]:
    """Booths by code or by the company that has them."""
    from expo_crm.lib import text

    key = text.fold(words)
    by_company = Company.search_key.contains(key, autoescape=True)
    hosted = (
        select(BoothOccupant.booth_id)
        .join(Participation, Participation.id == BoothOccupant.participation_id)
        .join(Company, Company.id == Participation.company_id)
        .where(Participation.edition_id == edition_id, by_company)
    )
    holder = (
        select(Opportunity.id)
        .join(Company, Company.id == Opportunity.company_id)
        .where(Opportunity.edition_id == edition_id, by_company)
    )
    return list(
        db.session.scalars(
            select(Booth)
            .where(
                Booth.edition_id == edition_id,
                Booth.retired_at.is_(None),
                or_(
                    Booth.code_key.contains(words.strip().upper(), autoescape=True),
                    Booth.id.in_(hosted),
                    Booth.opportunity_id.in_(holder),
                ),
            )
            .options(
                joinedload(Booth.hall),
                joinedload(Booth.opportunity).joinedload(Opportunity.company),
                selectinload(Booth.occupants).joinedload(BoothOccupant.participation).joinedload(Participation.company),
            )
            .order_by(Booth.sort_key)
            .limit(limit)
        )
    )


def list_booths_of_opportunity(opportunity_id: int) -> list[Booth]:
    return list(
        db.session.scalars(
            select(Booth)
            .where(Booth.opportunity_id == opportunity_id)
            .options(joinedload(Booth.hall))
            .order_by(Booth.sort_key)
        )
    )


def list_free_booths(edition_id: int, now: dt.datetime) -> list[Booth]:
    """Booths that could be held now, in reading order."""
    free = or_(Booth.state == "available", (Booth.state == "held") & (Booth.held_until <= now))
    return list(
        db.session.scalars(
            select(Booth)
            .where(Booth.edition_id == edition_id, free)
            .options(joinedload(Booth.hall))
            .order_by(Booth.hall_id, Booth.sort_key)
        )
    )


def count_states(booths: Iterable[Booth], now: dt.datetime) -> dict[BoothState, tuple[int, Decimal]]:
    """Booths and m² by effective state."""
    count: Counter[BoothState] = Counter()
    area: dict[BoothState, Decimal] = dict.fromkeys(BoothState, Decimal(0))
    for booth in booths:
        state = effective_state(booth.state, booth.held_until, now)
        count[state] += 1
        area[state] += booth.area_m2
    return {state: (count[state], area[state]) for state in BoothState}


def find_contract(edition_id: int, contract_id: int) -> Contract | None:
    """With booths, lines, company and opportunity."""
    return db.session.scalar(
        select(Contract)
        .where(Contract.id == contract_id, Contract.edition_id == edition_id)
        .options(
            joinedload(Contract.company),
            joinedload(Contract.opportunity),
            selectinload(Contract.booths).joinedload(ContractBooth.booth).joinedload(Booth.hall),
            selectinload(Contract.lines),
        )
    )


def list_contracts_of_company(company_id: int, edition_id: int | None = None) -> list[Contract]:
    """Newest first; of one edition when it is named."""
    query = (
        select(Contract)
        .where(Contract.company_id == company_id)
        .options(selectinload(Contract.booths).joinedload(ContractBooth.booth), joinedload(Contract.edition))
    )
    if edition_id is not None:
        query = query.where(Contract.edition_id == edition_id)
    return list(db.session.scalars(query.order_by(Contract.id.desc())))


def list_contracts_of_opportunity(opportunity_id: int) -> list[Contract]:
    return list(
        db.session.scalars(
            select(Contract)
            .where(Contract.opportunity_id == opportunity_id)
            .options(selectinload(Contract.booths).joinedload(ContractBooth.booth))
            .order_by(Contract.id.desc())
        )
    )


def find_live_contract_of_booth(booth_id: int) -> Contract | None:
    return db.session.scalar(
        select(Contract)
        .join(ContractBooth, ContractBooth.contract_id == Contract.id)
        .where(ContractBooth.booth_id == booth_id, ContractBooth.live)
    )


def find_participation(edition_id: int, company_id: int) -> Participation | None:
    return db.session.scalar(
        select(Participation).where(Participation.edition_id == edition_id, Participation.company_id == company_id)
    )
