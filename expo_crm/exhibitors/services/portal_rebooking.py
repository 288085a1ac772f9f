"""Rebooking by the exhibitor: its own stand in the coming edition, what it costs, and the booking with its mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import current_app
from sqlalchemy import select

from expo_crm.accounts.models import User
from expo_crm.billing.domain.plan import Instalment, instalments
from expo_crm.billing.services import terms
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_tasks
from expo_crm.exhibitors.domain.contract import split
from expo_crm.exhibitors.domain.opportunity import OPEN
from expo_crm.exhibitors.domain.portal import Role
from expo_crm.exhibitors.domain.rebooking import RebookRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, Contract, Opportunity
from expo_crm.exhibitors.services import booth_prices, rebooking
from expo_crm.lib import clock
from expo_crm.messaging import services as mail
from expo_crm.shows.models import Edition, Hall


@dataclass(frozen=True)
class Offer:
    """A stand that the exhibitor may rebook. Prices in the edition's currency; ``total`` with tax."""

    booth: Booth
    net: Decimal
    total: Decimal
    until: object  # the last day of its right, None without one


def offers_of(participation: Participation, coming: Edition) -> list[Offer]:
    """The stands with the numbers of the own ones, and those it has a right to, as far as they are free for it."""
    own = queries_tasks.stands_of(participation.edition_id, {participation.company_id: participation.id})
    ids = [s.id for s in own.get(participation.id, ())]
    places = db.session.execute(
        select(Hall.code, Booth.code_key).join(Hall, Hall.id == Booth.hall_id).where(Booth.id.in_(ids))
    ).all()
    rights = {r.booth_id: r.until for r in rebooking.rights_of(participation, coming)}
    mine = set(
        db.session.scalars(
            select(Opportunity.id).where(
                Opportunity.edition_id == coming.id,
                Opportunity.company_id == participation.company_id,
                Opportunity.stage.in_(OPEN),
            )
        )
    )
    candidates = db.session.scalars(
        select(Booth)
        .join(Hall, Hall.id == Booth.hall_id)
        .where(
            Booth.edition_id == coming.id,
            Booth.retired_at.is_(None),
            Booth.id.in_(rights) | Booth.code_key.in_([p.code_key for p in places]),
        )
        .order_by(Booth.sort_key)
    )
    keys, now = {(p.code, p.code_key) for p in places}, clock.now()
    found = [b for b in candidates if b.id in rights or (b.hall.code, b.code_key) in keys]
    sheet = booth_prices.sheet(coming, found, booth_prices.today_of(coming), opportunity_id=min(mine, default=None))
    out = []
    for booth in found:
        lapsed = booth.state == "held" and booth.held_until is not None and booth.held_until <= now
        if booth.state == "available" or lapsed or (booth.state == "held" and booth.opportunity_id in mine):
            sums = split(sheet.prices[booth.id].amount, sheet.tax_rate)
            out.append(Offer(booth, sums.net, sums.total, rights.get(booth.id)))
    return out


def deposit_of(coming: Edition, total: Decimal) -> list[Instalment]:
    """What is due when, for a contract of today."""
    today = clock.local_day(clock.now(), coming.timezone)
    return list(instalments(total, terms.plan_of(coming.id), today, coming.starts_on))


def contract_of(participation: Participation, coming: Edition) -> Contract | None:
    """What the company has already for the coming edition, the draft too."""
    return db.session.scalar(
        select(Contract)
        .join(Opportunity, Opportunity.id == Contract.opportunity_id)
        .where(
            Opportunity.edition_id == coming.id,
            Opportunity.company_id == participation.company_id,
            Contract.state.in_(("draft", "sent", "signed", "in_force")),
        )
        .limit(1)
    )


def standing_of(participation: Participation, coming: Edition) -> str:
    """``booked``, ``kept`` (a first refusal on the own stand is open) or ``open``."""
    if contract_of(participation, coming) is not None:
        return "booked"
    return "kept" if rebooking.rights_of(participation, coming) else "open"


def rebook(participation: Participation, coming: Edition, booth_ids: Sequence[int], *, locale: str) -> Contract:
    """Hold the stands and draft the contract; only what was offered may be chosen. Tells exhibitor and salesperson by mail.

    Raises RuleRefused.
    """
    offered = {o.booth.id for o in offers_of(participation, coming)}
    if not set(booth_ids) <= offered:
        raise RuleRefused(RebookRefusal.NOTHING_TO_BOOK)
    contract = rebooking.rebook(participation, coming, booth_ids, locale=locale)
    _tell(participation, coming, contract)
    return contract


def _tell(participation: Participation, coming: Edition, contract: Contract) -> None:
    base: str = current_app.config["SETTINGS"].base_url
    to = [
        (email, name, language, f"{base}/portal/{participation.id}/rebook", False)
        for email, name, language, role in queries_tasks.recipients_of([participation])[participation.id]
        if role == Role.MAIN
    ]
    owner = db.session.get(User, contract.opportunity.owner_id) if contract.opportunity.owner_id else None
    if owner is not None and owner.active:
        to.append((owner.email, owner.name, owner.locale, f"{base}/e/{coming.slug}/contracts/{contract.id}", True))
    booths = ", ".join(line.booth.code for line in contract.booths)
    for email, name, language, link, staff in to:
        mail.queue(
            "exhibitors_rebooked",
            to_email=email,
            to_name=name,
            locale=language,
            context={
                "name": name,
                "company": participation.company,
                "edition": coming,
                "contract": contract,
                "booths": booths,
                "link": link,
                "staff": staff,
            },
            edition_id=coming.id,
            company_id=participation.company_id,
        )
