"""Another price than the list says: one asks with a reason, somebody else with a say over money decides."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.exhibitors.domain.booth import BoothRefusal, BoothState
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, PriceOverride
from expo_crm.exhibitors.services import booths
from expo_crm.lib import clock

HIGHEST = Decimal(99_999_999)


def ask(booth: Booth, new: Decimal, reason: str, user_id: int | None) -> PriceOverride:
    """Ask for another price of an unsold booth. While a company holds it, the price is meant for that company."""
    (booth,) = booths.lock([booth.id])
    if not reason.strip():
        raise RuleRefused(No.NEEDS_REASON)
    if not 0 <= new <= HIGHEST:
        raise RuleRefused(No.BAD_PRICE)
    if booth.state in {BoothState.RESERVED, BoothState.SOLD}:
        raise RuleRefused(BoothRefusal.IN_USE, code=booth.code)
    if new == booth.price:
        raise RuleRefused(No.SAME_PRICE)
    made = PriceOverride(
        booth_id=booth.id,
        opportunity_id=booth.opportunity_id,
        old=booth.price,
        new=new,
        reason=reason.strip()[:300],
        asked_by_id=user_id,
        asked_at=clock.now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
            db.session.flush()
    except IntegrityError:
        raise RuleRefused(No.OVERRIDE_OPEN, code=booth.code) from None
    audit.record(
        "price_override.ask",
        "booth",
        booth.id,
        edition_id=booth.edition_id,
        changes={"price": [str(made.old), str(made.new)]},
        reason=made.reason,
    )
    return made


def decide(override: PriceOverride, *, approve: bool, answer: str, user_id: int | None) -> None:
    """Approve or refuse. Not by who asked; a refusal says why; the price must still be the one that was looked at."""
    (booth,) = booths.lock([override.booth_id])
    db.session.refresh(override, ["state"], with_for_update=True)
    if override.state != "asked":
        raise RuleRefused(No.OVERRIDE_DECIDED)
    if user_id is None or user_id == override.asked_by_id:
        raise RuleRefused(No.OVERRIDE_OWN)
    if not approve and not answer.strip():
        raise RuleRefused(No.NEEDS_REASON)
    if approve:
        if booth.state in {BoothState.RESERVED, BoothState.SOLD}:
            raise RuleRefused(BoothRefusal.IN_USE, code=booth.code)
        if booth.price != override.old or (override.opportunity_id not in {None, booth.opportunity_id}):
            raise RuleRefused(No.OVERRIDE_STALE, code=booth.code)
        booth.price = override.new
    override.state = "approved" if approve else "refused"
    override.decided_by_id, override.decided_at, override.answer = user_id, clock.now(), answer.strip()[:300]
    db.session.flush()
    audit.record(
        f"price_override.{'approve' if approve else 'refuse'}",
        "booth",
        booth.id,
        edition_id=booth.edition_id,
        changes={"price": [str(override.old), str(override.new)]},
        reason=override.answer,
    )


def follow_freed(booth: Booth, opportunity_id: int | None) -> None:
    """The company that a price was made for gave the booth back: the old price returns, an open question is settled."""
    if opportunity_id is None:
        return
    rows = db.session.scalars(
        select(PriceOverride)
        .where(
            PriceOverride.booth_id == booth.id,
            PriceOverride.opportunity_id == opportunity_id,
            PriceOverride.state.in_(["asked", "approved"]),
        )
        .order_by(PriceOverride.id.desc())
    ).all()
    for row in rows:
        if row.state == "approved" and booth.price == row.new:
            booth.price = row.old
            audit.record(
                "price_override.end",
                "booth",
                booth.id,
                edition_id=booth.edition_id,
                changes={"price": [str(row.new), str(row.old)]},
            )
        row.state = "ended"
    if rows:
        db.session.flush()
