"""Forecast, ageing, losses, targets and the weekly sheet: each reads a constant number of times."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from expo_crm.accounts.models import User
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.exhibitors.domain import forecast as rules
from expo_crm.exhibitors.domain.contract import BINDING
from expo_crm.exhibitors.domain.forecast import StageSum, Weight
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.targets import Deal, Scope
from expo_crm.exhibitors.domain.weekly import Change
from expo_crm.exhibitors.models import (
    Agent,
    AgentAccount,
    Booth,
    CompetitorPresence,
    CompetitorShow,
    Contract,
    ContractBooth,
    Opportunity,
    SalesTarget,
    SalesTeam,
    SalesTeamMember,
    StageChange,
    StageWeight,
)
from expo_crm.shows.models import Edition, Hall

ZERO = Decimal(0)


def weights_of(edition_id: int) -> dict[Stage, Weight]:
    """Chance and age limit of every stage; the defaults where the edition says nothing."""
    rows = db.session.scalars(select(StageWeight).where(StageWeight.edition_id == edition_id))
    own = {Stage(r.stage): Weight(r.percent, r.limit_days) for r in rows if r.stage in set(Stage)}
    return {**rules.DEFAULTS, **own}


def stage_sums(edition_id: int) -> list[StageSum]:
    rows = db.session.execute(
        select(
            Opportunity.stage, func.count(), func.sum(Opportunity.expected_m2), func.sum(Opportunity.expected_amount)
        )
        .where(Opportunity.edition_id == edition_id)
        .group_by(Opportunity.stage)
    )
    return [StageSum(Stage(stage), count, m2 or ZERO, amount or ZERO) for stage, count, m2, amount in rows]


@dataclass(frozen=True)
class Card:
    """An open opportunity as the lists of the pages need it."""

    id: int
    company_id: int
    name_zh: str
    name_en: str
    owner_id: int | None
    stage: str
    stage_at: dt.datetime
    m2: Decimal
    amount: Decimal
    next_step: str
    next_on: dt.date | None


def open_cards(edition_id: int) -> list[Card]:
    """Every card that is neither won nor lost, the oldest in its stage first."""
    rows = db.session.execute(
        select(
            Opportunity.id, Opportunity.company_id, Company.name_zh, Company.name_en, Opportunity.owner_id, Opportunity.stage,
            Opportunity.stage_at, Opportunity.expected_m2, Opportunity.expected_amount, Opportunity.next_step, Opportunity.next_on,
        )
        .join(Company, Company.id == Opportunity.company_id)
        .where(Opportunity.edition_id == edition_id, Opportunity.stage.in_([s.value for s in rules.WORKING]))
        .order_by(Opportunity.stage_at, Opportunity.id)
    )  # fmt: skip
    return [Card(*row) for row in rows]


@dataclass(frozen=True)
class Loss:
    id: int
    company_id: int
    name_zh: str
    name_en: str
    owner_id: int | None
    reason: str
    at: dt.datetime
    m2: Decimal
    amount: Decimal
    lost_to_id: int | None = None


def losses(edition_id: int) -> list[Loss]:
    """Lost cards, the newest first."""
    rows = db.session.execute(
        select(
            Opportunity.id, Opportunity.company_id, Company.name_zh, Company.name_en, Opportunity.owner_id, Opportunity.lost_reason,
            Opportunity.stage_at, Opportunity.expected_m2, Opportunity.expected_amount, Opportunity.lost_to_id,
        )
        .join(Company, Company.id == Opportunity.company_id)
        .where(Opportunity.edition_id == edition_id, Opportunity.stage == Stage.LOST.value)
        .order_by(Opportunity.stage_at.desc(), Opportunity.id)
    )  # fmt: skip
    return [Loss(*row) for row in rows]  # type: ignore[call-arg]  # SQLAlchemy leaves the length open from ten columns on


def elsewhere(show_id: int, company_ids: Iterable[int]) -> dict[int, list[CompetitorShow]]:
    """company → competitors' shows where it was seen."""
    out: dict[int, list[CompetitorShow]] = defaultdict(list)
    rows = db.session.execute(
        select(CompetitorPresence.company_id, CompetitorShow)
        .join(CompetitorShow, CompetitorShow.id == CompetitorPresence.competitor_show_id)
        .where(CompetitorShow.show_id == show_id, CompetitorPresence.company_id.in_(list(company_ids)))
        .order_by(CompetitorShow.id)
    )
    for company_id, shown in rows:
        out[company_id].append(shown)
    return out


def people() -> dict[int, User]:
    """Staff by id, who left too: their cards stay theirs until somebody takes them."""
    return {u.id: u for u in db.session.scalars(select(User).where(User.kind == "staff").order_by(User.name))}


def teams() -> list[SalesTeam]:
    return list(db.session.scalars(select(SalesTeam).order_by(SalesTeam.name)))


def team_of_people() -> dict[int, int]:
    rows = db.session.execute(select(SalesTeamMember.user_id, SalesTeamMember.team_id))
    return dict(rows.all())  # type: ignore[arg-type]


def targets_of(edition_id: int) -> list[SalesTarget]:
    return list(
        db.session.scalars(select(SalesTarget).where(SalesTarget.edition_id == edition_id).order_by(SalesTarget.id))
    )


def deals_of(edition_ids: Iterable[int]) -> list[Deal]:
    """Signed contracts of the editions with the keys that targets know them by. Four queries.

    A contract without a day of signature counts on the day it was written. Area and money of a hall are the share that
    the contract's booths in it have of all its booths. The agent named on the card brought it; where none is named, the
    one that the company was kept for on the day.
    """
    ids = list(edition_ids)
    rows = db.session.execute(
        select(
            Contract.id, Contract.edition_id, Contract.company_id, Contract.signed_on, Contract.created_at, Contract.net_m2,
            Contract.net_home, Opportunity.owner_id, Opportunity.agent, Company.industry,
        )
        .join(Opportunity, Opportunity.id == Contract.opportunity_id)
        .join(Company, Company.id == Contract.company_id)
        .where(Contract.edition_id.in_(ids), Contract.state.in_([s.value for s in BINDING]))
    ).all()  # fmt: skip
    halls: dict[int, dict[str, Decimal]] = defaultdict(dict)
    for contract_id, code, area in db.session.execute(
        select(ContractBooth.contract_id, Hall.code, func.sum(Booth.area_m2))
        .join(Booth, Booth.id == ContractBooth.booth_id)
        .join(Hall, Hall.id == Booth.hall_id)
        .join(Contract, Contract.id == ContractBooth.contract_id)
        .where(Contract.edition_id.in_(ids), Contract.state.in_([s.value for s in BINDING]))
        .group_by(ContractBooth.contract_id, Hall.code)
    ):
        halls[contract_id][code] = area or ZERO
    kept = _kept_for_agents(ids)
    team = team_of_people()
    whole = Decimal(1)
    out = []
    for contract_id, edition_id, company_id, signed_on, written, m2, net, owner_id, agent, sector in rows:
        area = sum(halls[contract_id].values(), ZERO)
        day = signed_on or written.date()
        if not agent:
            agent = next((name for name, until in kept.get(company_id, ()) if day <= until), "")
        keys: dict[Scope, tuple[tuple[str, Decimal], ...]] = {
            Scope.PERSON: ((str(owner_id), whole),) if owner_id else (),
            Scope.TEAM: ((str(team[owner_id]), whole),) if owner_id in team else (),
            Scope.AGENT: ((agent, whole),) if agent else (),
            Scope.SECTOR: ((sector, whole),) if sector else (),
            Scope.HALL: tuple((code, part / area) for code, part in halls[contract_id].items()) if area else (),
        }
        out.append(Deal(edition_id, company_id, day, m2, net, keys))
    return out


def _kept_for_agents(edition_ids: list[int]) -> dict[int, list[tuple[str, dt.date]]]:
    """company → (agent, until when it is kept for the agent), of the shows of the editions."""
    out: dict[int, list[tuple[str, dt.date]]] = defaultdict(list)
    shows = select(Edition.show_id).where(Edition.id.in_(edition_ids))
    for company_id, name, until in db.session.execute(
        select(AgentAccount.company_id, Agent.name, AgentAccount.protected_until)
        .join(Agent, Agent.id == AgentAccount.agent_id)
        .where(Agent.show_id.in_(shows))
        .order_by(AgentAccount.id)
    ):
        out[company_id].append((name, until))
    return out


def changes_between(edition_id: int, start: dt.datetime, end: dt.datetime) -> list[Change]:
    """Changes of stage from ``start`` until before ``end``, in their order."""
    rows = db.session.execute(
        select(
            Opportunity.id, Opportunity.owner_id, StageChange.before, StageChange.after, Opportunity.expected_m2,
            Opportunity.expected_amount,
        )
        .join(Opportunity, Opportunity.id == StageChange.opportunity_id)
        .where(Opportunity.edition_id == edition_id, StageChange.at >= start, StageChange.at < end)
        .order_by(StageChange.at, StageChange.id)
    )  # fmt: skip
    return [Change(*row) for row in rows]


def known_agents(edition: Edition) -> list[str]:
    """Agents of the show, and those named on a card of the edition."""
    named = select(Opportunity.agent).where(Opportunity.edition_id == edition.id, Opportunity.agent != "")
    return sorted(set(db.session.scalars(named.union(select(Agent.name).where(Agent.show_id == edition.show_id)))))
