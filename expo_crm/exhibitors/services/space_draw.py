"""The order in which exhibitors choose their space: what is known of them, their points, their turns, the mails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.billing.models import OrderLine, Product
from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.domain import space_draw as rules
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import DrawSlot, Opportunity, SpaceDraw
from expo_crm.lib import clock, formula
from expo_crm.messaging import services as mail
from expo_crm.shows.models import Edition
from expo_crm.web import i18n

# Who has a booth already does not take part.
IN_PLAY = (Stage.LEAD, Stage.CONTACTED, Stage.INTENT, Stage.QUOTED, Stage.HELD)


@dataclass(frozen=True)
class Scored:
    """A company with its points and the figures behind them. ``error``: why the formula gave none (then 0)."""

    opportunity: Opportunity
    points: Decimal
    facts: Mapping[str, Any]
    error: str = ""


def find(edition_id: int) -> SpaceDraw | None:
    return db.session.scalar(select(SpaceDraw).where(SpaceDraw.edition_id == edition_id))


def facts(edition: Edition) -> dict[int, tuple[Opportunity, dict[str, Any]]]:
    """What the formula may use of everybody in play, by opportunity. Five queries for any number of companies."""
    entrants = list(
        db.session.scalars(
            select(Opportunity)
            .where(Opportunity.edition_id == edition.id, Opportunity.stage.in_([s.value for s in IN_PLAY]))
            .options(joinedload(Opportunity.company))
            .order_by(Opportunity.id)
        )
    )
    past = list(
        db.session.execute(
            select(Edition.id)
            .where(Edition.show_id == edition.show_id, Edition.starts_on < edition.starts_on)
            .order_by(Edition.starts_on.desc())
        ).scalars()
    )
    last = past[0] if past else None
    took_part: dict[int, dict[int, Participation]] = {}
    for row in db.session.scalars(
        select(Participation).where(
            Participation.edition_id.in_(past), Participation.outcome.not_in(["cancelled", "no_show"])
        )
    ):
        took_part.setdefault(row.company_id, {})[row.edition_id] = row
    guests = dict(
        db.session.execute(
            select(Participation.host_id, func.count())
            .where(Participation.edition_id == last, Participation.host_id.is_not(None))
            .group_by(Participation.host_id)
        ).all()
    )
    given = dict(
        db.session.execute(
            select(OrderLine.company_id, func.sum(OrderLine.amount))
            .join(Product, Product.id == OrderLine.product_id)
            .where(OrderLine.edition_id == last, Product.kind == "sponsorship", OrderLine.state != "cancelled")
            .group_by(OrderLine.company_id)
        ).all()
    )
    out = {}
    for one in entrants:
        mine = took_part.get(one.company_id, {})
        newest = mine.get(last) if last is not None else None
        out[one.id] = (
            one,
            {
                "years": Decimal(len(mine)),
                "loyalty": Decimal(rules.loyalty(mine, past)),
                "area": newest.net_m2 if newest else Decimal(0),
                "area_total": sum((p.net_m2 for p in mine.values()), Decimal(0)),
                "amount": newest.amount if newest else Decimal(0),
                "sponsorship": Decimal(given.get(one.company_id) or 0),
                "co_exhibitors": Decimal(guests.get(newest.id, 0) if newest else 0),
                "expected_m2": one.expected_m2,
                "rebooking": one.source == "rebooking",
                "key_account": one.company.key_account,
            },
        )
    return out


def score(edition: Edition, text: str) -> list[Scored]:
    """Everybody with their points, most first. Raises FormulaError when the formula cannot be read."""
    compiled = formula.compile(text, rules.NAMES)
    out = []
    for opportunity, known in facts(edition).values():
        points, error = Decimal(0), ""
        try:
            value = compiled.evaluate(known)
        except formula.FormulaError as failed:
            error = failed.code
        else:
            if isinstance(value, bool):
                points = Decimal(int(value))
            elif isinstance(value, Decimal) and abs(value) < Decimal(10) ** 9:
                points = value
            else:
                error = "kinds"
        out.append(Scored(opportunity, points, known, error))
    return sorted(out, key=lambda s: (-s.points, s.opportunity.company.sort_key))


def save_formula(edition: Edition, text: str) -> SpaceDraw:
    """Keep the formula. Raises FormulaError; a draw that was held keeps its order until it is held again."""
    formula.compile(text, rules.NAMES)
    found = find(edition.id)
    if found is None:
        found = SpaceDraw(edition_id=edition.id)
        db.session.add(found)
    before, found.formula = found.formula, text.strip()
    db.session.flush()
    audit.record(
        "space_draw.formula",
        "space_draw",
        found.id,
        edition_id=edition.id,
        changes={"formula": [before, found.formula]},
    )
    return found


def hold_draw(edition: Edition, *, seed: str, starts_at: dt.datetime, minutes: int, at_once: int) -> list[DrawSlot]:
    """Give everybody a turn: by points, ties by the seed. Held again it replaces the order that was."""
    found = find(edition.id)
    if found is None or not found.formula:
        raise RuleRefused(No.DRAW_EMPTY)
    if starts_at <= clock.now():
        raise RuleRefused(No.DRAW_PAST)
    scored = score(edition, found.formula)
    if not scored:
        raise RuleRefused(No.DRAW_EMPTY)
    entrants = [rules.Entrant(s.opportunity.id, s.points) for s in scored]
    turns = rules.draw(entrants, seed, starts_at, minutes, at_once)
    db.session.refresh(found, ["drawn_at"], with_for_update=True)
    found.slots.clear()
    db.session.flush()
    found.seed, found.starts_at, found.slot_minutes, found.at_once = seed, starts_at, minutes, at_once
    found.drawn_at = clock.now()
    found.slots = [
        DrawSlot(opportunity_id=t.opportunity_id, position=t.position, points=t.points, tie=t.tie, at=t.at)
        for t in turns
    ]
    db.session.flush()
    audit.record(
        "space_draw.hold",
        "space_draw",
        found.id,
        edition_id=edition.id,
        changes={"seed": seed, "turns": [None, len(turns)], "starts_at": starts_at.isoformat()},
    )
    return list(found.slots)


def list_slots(draw: SpaceDraw) -> list[DrawSlot]:
    return list(
        db.session.scalars(
            select(DrawSlot)
            .where(DrawSlot.draw_id == draw.id)
            .order_by(DrawSlot.position)
            .options(joinedload(DrawSlot.opportunity).joinedload(Opportunity.company))
        )
    )


def set_state(slot: DrawSlot, state: str) -> None:
    """waiting, called, done or passed; on the draw day."""
    before, slot.state = slot.state, state
    db.session.flush()
    audit.record(
        "space_draw.turn",
        "draw_slot",
        slot.id,
        edition_id=slot.draw.edition_id,
        changes={"state": [before, state]},
    )


def mail_slots(draw: SpaceDraw) -> tuple[int, int]:
    """Tell everybody their turn once; how many were written to and how many have no address."""
    edition = db.session.get_one(Edition, draw.edition_id)
    sent = without = 0
    for slot in list_slots(draw):
        if slot.mailed_at is not None:
            continue
        person = directory.find_main_contact(slot.opportunity.company_id)
        if person is None or not person.email:
            without += 1
            continue
        with i18n.in_locale(person.locale):
            at = i18n.datetime_(slot.at)
        mail.queue(
            "exhibitors_draw_slot",
            to_email=person.email,
            to_name=person.name,
            locale=person.locale,
            context={
                "name": person.name,
                "slot": slot,
                "edition": edition,
                "at": at,
                "company": slot.opportunity.company,
            },
            dedupe_key=f"draw-slot-{slot.id}-{slot.at.isoformat()}",
            edition_id=edition.id,
            person_id=person.id,
            company_id=slot.opportunity.company_id,
        )
        slot.mailed_at = clock.now()
        sent += 1
    db.session.flush()
    audit.record("space_draw.mail", "space_draw", draw.id, edition_id=edition.id, changes={"mails": [None, sent]})
    return sent, without
