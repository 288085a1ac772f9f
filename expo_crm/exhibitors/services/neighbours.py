"""Companies that should not stand side by side: a warning before a hold, passed over only with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.domain.booth import BoothState, Rect, effective_state
from expo_crm.exhibitors.domain.neighbours import gap, too_near
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, BoothOccupant, NeighbourRule, Opportunity
from expo_crm.lib import clock
from expo_crm.shows.models import Edition


@dataclass(frozen=True)
class Conflict:
    """A booth nearby is taken by a company that should keep its distance. ``metres`` from wall to wall."""

    rule: NeighbourRule
    other: Company
    booth: Booth
    metres: Decimal


def add(edition: Edition, one: Company, two: Company, distance_m: Decimal, reason: str) -> NeighbourRule:
    """Keep two companies apart in this edition."""
    if one.id == two.id:
        raise RuleRefused(No.SAME_COMPANY)
    if not reason.strip():
        raise RuleRefused(No.NEEDS_REASON)
    first, second = sorted((one, two), key=lambda c: c.id)
    made = NeighbourRule(
        edition_id=edition.id,
        company_a_id=first.id,
        company_b_id=second.id,
        distance_m=distance_m,
        reason=reason.strip()[:300],
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
            db.session.flush()
    except IntegrityError:
        raise RuleRefused(No.RULE_EXISTS) from None
    audit.record("neighbour_rule.create", "neighbour_rule", made.id, edition_id=edition.id, reason=made.reason)
    return made


def remove(rule: NeighbourRule) -> None:
    audit.record("neighbour_rule.delete", "neighbour_rule", rule.id, edition_id=rule.edition_id, reason=rule.reason)
    db.session.delete(rule)
    db.session.flush()


def conflicts(booth: Booth, company_id: int) -> list[Conflict]:
    """Who stands or is held too near to this booth for the company. One query where it has no rule, three where it has."""
    rules = db.session.scalars(
        select(NeighbourRule)
        .where(
            NeighbourRule.edition_id == booth.edition_id,
            or_(NeighbourRule.company_a_id == company_id, NeighbourRule.company_b_id == company_id),
        )
        .options(joinedload(NeighbourRule.company_a), joinedload(NeighbourRule.company_b))
    ).all()
    if not rules:
        return []
    others = {}
    for rule in rules:
        other = rule.company_b if rule.company_a_id == company_id else rule.company_a
        others[other.id] = (rule, other)
    holder, occupant = aliased(Opportunity), aliased(Participation)
    rows = db.session.execute(
        select(Booth, holder.company_id, occupant.company_id)
        .outerjoin(holder, holder.id == Booth.opportunity_id)
        .outerjoin(BoothOccupant, BoothOccupant.booth_id == Booth.id)
        .outerjoin(occupant, occupant.id == BoothOccupant.participation_id)
        .where(
            Booth.hall_id == booth.hall_id,
            Booth.id != booth.id,
            Booth.retired_at.is_(None),
            or_(holder.company_id.in_(others), occupant.company_id.in_(others)),
        )
        .order_by(Booth.code_key)
    ).all()
    now, own, out = clock.now(), _rect(booth), {}
    for near, held_by, stands in rows:
        if effective_state(near.state, near.held_until, now) in {BoothState.AVAILABLE, BoothState.BLOCKED}:
            continue
        for company in {held_by, stands} & others.keys():
            rule, other = others[company]
            if too_near(own, _rect(near), rule.distance_m):
                out[near.id, company] = Conflict(rule, other, near, gap(own, _rect(near)))
    return list(out.values())


def before_hold(booth: Booth, opportunity: Opportunity, despite: str) -> None:
    """Raises RuleRefused unless nothing speaks against the hold or a reason is given, which the audit keeps."""
    found = conflicts(booth, opportunity.company_id)
    if not found:
        return
    if not despite.strip():
        raise RuleRefused(
            No.NEIGHBOUR,
            code=booth.code,
            other=found[0].booth.code,
            company=found[0].other.name_zh or found[0].other.name_en,
            why=found[0].rule.reason,
        )
    audit.record(
        "booth.neighbour_accepted",
        "booth",
        booth.id,
        edition_id=booth.edition_id,
        changes={"near": ", ".join(c.booth.code for c in found)},
        reason=despite.strip()[:300],
    )


def _rect(booth: Booth) -> Rect:
    return Rect(booth.x_m, booth.y_m, booth.width_m, booth.depth_m)
