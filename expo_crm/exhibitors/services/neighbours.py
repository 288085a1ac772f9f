"""Companies that should not stand side by side: a warning before a hold, move, swap or contract, passed over only with a reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased, joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.booth import BoothState, effective_state
from expo_crm.exhibitors.domain.neighbours import too_near
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, BoothOccupant, NeighbourException, NeighbourRule, Opportunity
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.exhibitors.services.plan_places import outline_of
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


def has_rules(edition_id: int) -> bool:
    """Whether anybody is to be kept apart in this edition."""
    return db.session.scalar(select(NeighbourRule.id).where(NeighbourRule.edition_id == edition_id).limit(1)) is not None


def remove(rule: NeighbourRule) -> None:
    audit.record("neighbour_rule.delete", "neighbour_rule", rule.id, edition_id=rule.edition_id, reason=rule.reason)
    db.session.delete(rule)
    db.session.flush()


def conflicts(booth: Booth, company_id: int, without: Collection[int] = ()) -> list[Conflict]:
    """Who stands or is held too near to this booth for the company, by the walls as they are drawn.

    ``without``: booths that do not count, because they are given up in the same step. What was passed over for two booths is not
    asked again. One query where the company has no rule, four where it has.
    """
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
            Booth.id.not_in([booth.id, *without]),
            Booth.retired_at.is_(None),
            or_(holder.company_id.in_(others), occupant.company_id.in_(others)),
        )
        .order_by(Booth.sort_key)
    ).all()
    passed = select(NeighbourException).where(or_(NeighbourException.booth_id == booth.id, NeighbourException.near_id == booth.id))
    agreed = {(e.rule_id, frozenset((e.booth_id, e.near_id))) for e in db.session.scalars(passed)} if rows else set()
    now, own, out = clock.now(), outline_of(booth), {}
    for near, held_by, stands in rows:
        if effective_state(near.state, near.held_until, now) in {BoothState.AVAILABLE, BoothState.BLOCKED}:
            continue
        for company in {held_by, stands} & others.keys():
            rule, other = others[company]
            between = geometry.distance(own, outline_of(near))
            if too_near(between, rule.distance_m) and (rule.id, frozenset((booth.id, near.id))) not in agreed:
                out[near.id, company] = Conflict(rule, other, near, between)
    return list(out.values())


def before_hold(booth: Booth, opportunity: Opportunity, despite: str, without: Collection[int] = ()) -> None:
    """Raises RuleRefused unless nothing speaks against the company on this booth or a reason is given, which is kept."""
    found = conflicts(booth, opportunity.company_id, without)
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
    for conflict in found:
        db.session.add(
            NeighbourException(
                rule_id=conflict.rule.id, booth_id=booth.id, near_id=conflict.booth.id, reason=despite.strip()[:300],
                accepted_by_id=actor_id(), accepted_at=clock.now(),
            )
        )  # fmt: skip
    db.session.flush()
    audit.record(
        "booth.neighbour_accepted",
        "booth",
        booth.id,
        edition_id=booth.edition_id,
        changes={"near": ", ".join(c.booth.code for c in found)},
        reason=despite.strip()[:300],
    )

