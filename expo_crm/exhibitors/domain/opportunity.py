"""Stages of an opportunity and which moves are allowed. The later stages are earned by facts, not by dragging a card."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    LEAD = "lead"
    CONTACTED = "contacted"
    INTENT = "intent"
    QUOTED = "quoted"
    HELD = "held"
    CONTRACTED = "contracted"
    DEPOSIT_PAID = "deposit_paid"
    PAID = "paid"
    LOST = "lost"


class LostReason(StrEnum):
    PRICE = "price"
    BUDGET = "budget"
    DATE = "date"
    RESULTS = "results"
    COMPETITOR = "competitor"
    LOCATION = "location"
    STRATEGY = "strategy"
    NO_ANSWER = "no_answer"
    CLOSED = "closed"
    OTHER = "other"


class Source(StrEnum):
    REBOOKING = "rebooking"
    WON_BACK = "won_back"
    NEW = "new"
    IMPORT = "import"
    AGENT = "agent"
    REFERRAL = "referral"


class MoveRefusal(StrEnum):
    UNKNOWN_STAGE = "unknown_stage"
    UNKNOWN_SHOW = "unknown_show"
    NEEDS_REASON = "needs_reason"
    NEEDS_HOLD = "needs_hold"
    NEEDS_CONTRACT = "needs_contract"
    NEEDS_DEPOSIT = "needs_deposit"
    NEEDS_PAYMENT = "needs_payment"
    HAS_HOLD = "has_hold"
    HAS_CONTRACT = "has_contract"


BY_HAND = (Stage.LEAD, Stage.CONTACTED, Stage.INTENT, Stage.QUOTED)
OPEN = tuple(s for s in Stage if s is not Stage.LOST)
WON = (Stage.CONTRACTED, Stage.DEPOSIT_PAID, Stage.PAID)


@dataclass(frozen=True)
class Facts:
    """What is true of an opportunity beside its stage."""

    holds: int = 0  # booths held for it now
    live_contract: bool = False  # draft, sent, signed or in force
    signed: bool = False
    deposit_paid: bool = False
    paid: bool = False


def earned_stage(facts: Facts) -> Stage | None:
    """The stage that facts alone give; None when it is for people to judge."""
    if facts.signed and facts.paid:
        return Stage.PAID
    if facts.signed and facts.deposit_paid:
        return Stage.DEPOSIT_PAID
    if facts.signed:
        return Stage.CONTRACTED
    if facts.holds or facts.live_contract:
        return Stage.HELD
    return None


def refuse_move(after: str, facts: Facts, reason: str = "") -> MoveRefusal | None:
    """Why an opportunity with these facts may not go to ``after``; None when it may."""
    if after not in set(Stage):
        return MoveRefusal.UNKNOWN_STAGE
    wanted, earned = Stage(after), earned_stage(facts)
    if wanted is earned:
        return None
    if facts.live_contract and (wanted in BY_HAND or wanted in {Stage.LOST, Stage.HELD}):
        return MoveRefusal.HAS_CONTRACT
    if wanted is Stage.LOST:
        return None if reason in set(LostReason) else MoveRefusal.NEEDS_REASON
    if wanted in BY_HAND:
        return MoveRefusal.HAS_HOLD if facts.holds else None
    return {
        Stage.HELD: MoveRefusal.NEEDS_HOLD,
        Stage.CONTRACTED: MoveRefusal.NEEDS_CONTRACT,
        Stage.DEPOSIT_PAID: MoveRefusal.NEEDS_DEPOSIT if facts.signed else MoveRefusal.NEEDS_CONTRACT,
        Stage.PAID: MoveRefusal.NEEDS_PAYMENT if facts.signed else MoveRefusal.NEEDS_CONTRACT,
    }[wanted]
