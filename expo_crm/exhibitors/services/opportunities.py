"""Opportunities: start one, move it, lose it. Each change of stage is dated and keeps who made it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.directory.services import ownership
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.opportunity import MoveRefusal, Stage, earned_stage, refuse_move
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, Opportunity, StageChange
from expo_crm.exhibitors.queries_quotes import find_competitor
from expo_crm.exhibitors.services import booth_hooks
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.lib import clock
from expo_crm.shows.models import Edition


def create_opportunity(
    edition: Edition,
    company: Company,
    owner_id: int | None = None,
    source: str = "new",
    expected_m2: Decimal | int = 0,
    expected_amount: Decimal | int = 0,
    next_step: str = "",
    next_on: dt.date | None = None,
) -> Opportunity:
    """The opportunity of this company in this edition. One that exists is returned as it is: nothing is overwritten."""
    existing = queries.find_opportunity_of(edition.id, company.id)
    if existing is not None:
        return existing
    now = clock.now()
    new = Opportunity(
        edition_id=edition.id,
        company_id=company.id,
        owner_id=owner_id,
        stage=Stage.LEAD.value,
        source=source,
        expected_m2=Decimal(expected_m2),
        expected_amount=Decimal(expected_amount),
        next_step=next_step,
        next_on=next_on,
        stage_at=now,
        created_at=now,
    )
    try:
        with db.session.begin_nested():
            db.session.add(new)
            db.session.flush()
    except IntegrityError:  # a colleague was faster: theirs holds
        found = queries.find_opportunity_of(edition.id, company.id)
        if found is None:
            raise
        return found
    db.session.add(StageChange(opportunity_id=new.id, before="", after=new.stage, at=now, user_id=actor_id()))
    ownership.protect(company.id, "opportunity")
    audit.record("opportunity.create", "opportunity", new.id, edition_id=edition.id, changes={"source": [None, source]})
    return new


def move(opportunity: Opportunity, stage: str, *, reason: str = "", lost_to: int | None = None) -> None:
    """Move by hand. Raises RuleRefused where the stage is not earned. Losing frees the booths that were held.

    ``lost_to``: the competitor's show that it goes to instead, one of the edition's show.
    """
    facts = queries.facts_of(opportunity, clock.now())
    refused = refuse_move(stage, facts, reason)
    if refused:
        raise RuleRefused(refused)
    if lost_to is not None and (stage != Stage.LOST or find_competitor(opportunity.edition.show_id, lost_to) is None):
        raise RuleRefused(MoveRefusal.UNKNOWN_SHOW)
    if stage == Stage.LOST:
        _free_holds(opportunity)
    set_stage(opportunity, Stage(stage), lost_reason=reason if stage == Stage.LOST else "", lost_to=lost_to)


def lose(opportunity: Opportunity, reason: str) -> None:
    """Give up on it, with a reason from the list."""
    move(opportunity, Stage.LOST.value, reason=reason)


def set_stage(opportunity: Opportunity, stage: Stage, *, lost_reason: str = "", lost_to: int | None = None) -> None:
    """Write the stage with its history; nothing when it is already there."""
    if (opportunity.stage, opportunity.lost_reason, opportunity.lost_to_id) == (stage, lost_reason, lost_to):
        return
    now, before = clock.now(), opportunity.stage
    opportunity.stage, opportunity.stage_at, opportunity.lost_reason = stage.value, now, lost_reason
    opportunity.lost_to_id = lost_to
    db.session.add(
        StageChange(opportunity_id=opportunity.id, before=before, after=stage.value, at=now, user_id=actor_id())
    )
    audit.record(
        "opportunity.move",
        "opportunity",
        opportunity.id,
        edition_id=opportunity.edition_id,
        changes={"stage": [before, stage.value]} | ({"lost_to": [None, lost_to]} if lost_to else {}),
        reason=lost_reason,
    )
    db.session.flush()


def follow_facts(opportunity: Opportunity, *, otherwise: Stage = Stage.QUOTED) -> None:
    """Bring the stage in line with holds, contract and money; ``otherwise`` where nothing of that is left."""
    db.session.flush()
    earned = earned_stage(queries.facts_of(opportunity, clock.now()))
    if earned is not None:
        set_stage(opportunity, earned)
    elif opportunity.stage in {Stage.HELD, Stage.CONTRACTED, Stage.DEPOSIT_PAID, Stage.PAID}:
        set_stage(opportunity, otherwise)


def update(
    opportunity: Opportunity,
    *,
    owner_id: int | None,
    source: str,
    expected_m2: Decimal,
    expected_amount: Decimal,
    next_step: str,
    next_on: dt.date | None,
    agent: str | None = None,
) -> None:
    """Change what sales people note about it; the agent stays when none is given."""
    after = {
        "owner_id": owner_id,
        "source": source,
        "expected_m2": expected_m2,
        "expected_amount": expected_amount,
        "next_step": next_step,
        "next_on": next_on,
        "agent": opportunity.agent if agent is None else agent,
    }
    changes = audit.diff({key: getattr(opportunity, key) for key in after}, after)
    if not changes:
        return
    for key, value in after.items():
        setattr(opportunity, key, value)
    audit.record(
        "opportunity.update", "opportunity", opportunity.id, edition_id=opportunity.edition_id, changes=changes
    )
    db.session.flush()


def _free_holds(opportunity: Opportunity) -> None:
    held = select(Booth).where(Booth.opportunity_id == opportunity.id, Booth.state == "held").with_for_update()
    booths = list(db.session.scalars(held))
    for booth in booths:
        booth.state, booth.opportunity_id, booth.held_until = "available", None, None
        audit.record("booth.release", "booth", booth.id, edition_id=booth.edition_id, reason="lost")
    db.session.flush()
    for booth in booths:
        booth_hooks.tell_freed(booth, opportunity.id)
    booth_hooks.tell_lost(opportunity)
