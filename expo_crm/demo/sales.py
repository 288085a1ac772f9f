"""The sales floor of the coming edition: teams, targets, shows of others, quotes. Made by the product's own services."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

from sqlalchemy import func, select

from expo_crm.accounts.models import User
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.exhibitors.domain.targets import Scope, Sum
from expo_crm.exhibitors.models import Booth, Contract, Opportunity
from expo_crm.exhibitors.services import competitors, quotes, targets
from expo_crm.lib import money
from expo_crm.shows.models import Edition

TEAMS = ("国内一部", "国际部")
OTHERS = (
    ("北方泵阀展", "North China Pump & Valve Show", "天津", -70, 0.16),
    ("大湾区流体装备展", "Greater Bay Fluid Expo", "深圳", -160, 0.1),
)
AGENTS = ("海风商务代理", "Rhein Expo Services")


def play(seed: int, last: Edition, coming: Edition, today: dt.date) -> None:
    """Targets a tenth above the last edition, two shows of others with lists, quotes in every state but accepted."""
    rng = random.Random(seed + 1)
    people = list(
        db.session.scalars(
            select(User)
            .join(Opportunity, Opportunity.owner_id == User.id)
            .where(Opportunity.edition_id == coming.id)
            .distinct()
            .order_by(User.id)
        )
    )
    _agents(rng, coming)
    _targets(last, coming, people)
    _others(rng, coming, today)
    _quotes(rng, coming, today)


def _agents(rng: random.Random, coming: Edition) -> None:
    found = db.session.scalars(
        select(Opportunity)
        .join(Company, Company.id == Opportunity.company_id)
        .where(Opportunity.edition_id == coming.id)
        .order_by(Opportunity.id)
    )
    for chance in found:
        if rng.random() < 0.12:
            chance.agent = AGENTS[0] if chance.company.country == "CN" else AGENTS[1]


def _targets(last: Edition, coming: Edition, people: list[User]) -> None:
    m2, amount, companies = db.session.execute(
        select(func.sum(Contract.net_m2), func.sum(Contract.net), func.count(Contract.company_id.distinct())).where(
            Contract.edition_id == last.id, Contract.state.in_(("signed", "in_force"))
        )
    ).one()

    def share(part: str) -> Sum:
        factor = Decimal(part) * Decimal("1.1")
        return Sum(money.quantize(m2 * factor, 0), money.quantize(amount * factor, -3), max(1, int(companies * factor)))

    targets.set_target(coming, Scope.EDITION, "", share("1"))
    for person, part in zip(people, ("0.28", "0.26", "0.24", "0.22"), strict=False):
        targets.set_target(coming, Scope.PERSON, str(person.id), share(part))
    for name, members, part in ((TEAMS[0], people[:-1], "0.78"), (TEAMS[1], people[-1:], "0.22")):
        team = targets.save_team(name, [p.id for p in members])
        if team is not None:
            targets.set_target(coming, Scope.TEAM, str(team.id), share(part))
    targets.set_target(coming, Scope.AGENT, AGENTS[0], share("0.06"))
    targets.set_target(coming, Scope.AGENT, AGENTS[1], share("0.03"))
    sectors = db.session.scalars(
        select(Company.industry).where(Company.industry != "").distinct().order_by(Company.industry)
    )
    for sector in list(sectors)[:4]:
        targets.set_target(coming, Scope.SECTOR, sector, share("0.18"))
    for code, part in (("H1", "0.35"), ("H2", "0.3"), ("H3", "0.25")):
        targets.set_target(coming, Scope.HALL, code, share(part))


def _others(rng: random.Random, coming: Edition, today: dt.date) -> None:
    companies = list(db.session.scalars(select(Company).order_by(Company.id)))
    for zh, en, city, days, part in OTHERS:
        first = today + dt.timedelta(days=days)
        made = competitors.save_show(
            coming.show,
            name_zh=zh,
            name_en=en,
            city=city,
            starts_on=first,
            ends_on=first + dt.timedelta(days=2),
            url="",
        )
        for company in rng.sample(companies, int(len(companies) * part)):
            competitors.note(
                made,
                company,
                stand=f"{rng.choice('ABCDE')}{rng.randrange(1, 120):03}",
                m2=Decimal(rng.choice([9, 9, 18, 27, 36, 54, 72])),
                seen_on=first + dt.timedelta(days=1),
                source=rng.choice(["list", "list", "seen"]),
            )


def _quotes(rng: random.Random, coming: Edition, today: dt.date) -> None:
    found = list(
        db.session.scalars(
            select(Opportunity)
            .where(Opportunity.edition_id == coming.id, Opportunity.stage.in_(("quoted", "held")))
            .order_by(Opportunity.id)
            .limit(36)
        )
    )
    held = {
        booth.opportunity_id: booth
        for booth in db.session.scalars(
            select(Booth).where(Booth.edition_id == coming.id, Booth.state == "held").order_by(Booth.id)
        )
    }
    for chance in found:
        booth = held.get(chance.id)
        lines = (
            quotes.lines_of_booths([booth])
            if booth
            else quotes.lines_of_area(coming, "shell", max(chance.expected_m2, Decimal(9)))
        )
        made = quotes.create(
            chance,
            lines,
            discount=Decimal(rng.choice([0, 0, 5, 10])),
            valid_until=today + dt.timedelta(days=rng.randrange(3, 30)),
            locale="zh" if chance.company.name_zh else "en",
            can=lambda _permission: True,
        )
        step = rng.random()
        if step < 0.8:
            quotes.send(made)
        if step < 0.1:
            quotes.decline(made)
