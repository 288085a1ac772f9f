"""Booths: what state one is in at a moment, and who may hold, sell or block it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

LONGEST_HOLD = dt.timedelta(days=30)
GRID_LIMIT = 400
"""Booths that one grid may make at once."""


class BoothState(StrEnum):
    AVAILABLE = "available"
    HELD = "held"
    RESERVED = "reserved"  # under a contract that is not signed yet
    SOLD = "sold"
    BLOCKED = "blocked"


class BoothRefusal(StrEnum):
    HELD_BY_OTHER = "held_by_other"
    RESERVED = "reserved"
    SOLD = "sold"
    BLOCKED = "blocked"
    NOT_HELD = "not_held"
    HOLD_TOO_LONG = "hold_too_long"
    HOLD_IN_PAST = "hold_in_past"
    OPPORTUNITY_LOST = "opportunity_lost"
    NO_BOOTH = "no_booth"
    CODE_TAKEN = "code_taken"
    CODE_UNREADABLE = "code_unreadable"
    OVERLAPS = "overlaps"
    OUTSIDE_HALL = "outside_hall"
    TOO_MANY = "too_many"
    IN_USE = "in_use"
    NO_OUTLINE = "no_outline"
    NOT_ADJOINING = "not_adjoining"
    NOT_ALIKE = "not_alike"
    NOT_TWO_PARTS = "not_two_parts"
    GONE = "gone"
    NOTHING_TO_UNDO = "nothing_to_undo"
    OTHER_SIZE = "other_size"
    NOBODY_THERE = "nobody_there"


@dataclass(frozen=True)
class BoothFacts:
    """A booth as the rules see it. ``holder`` is the opportunity it is held, reserved or sold for."""

    state: str
    held_until: dt.datetime | None = None
    holder: int | None = None


def effective_state(state: str, held_until: dt.datetime | None, now: dt.datetime) -> BoothState:
    """The state at this moment: a hold whose time has passed counts as free, before any job has tidied it up."""
    if state == BoothState.HELD and held_until is not None and held_until <= now:
        return BoothState.AVAILABLE
    return BoothState(state)


def refuse_taking(booth: BoothFacts, opportunity_id: int, now: dt.datetime) -> BoothRefusal | None:
    """Why this opportunity may not have the booth now: it is somebody else's, or out of sale."""
    match effective_state(booth.state, booth.held_until, now):
        case BoothState.AVAILABLE:
            return None
        case BoothState.HELD:
            return None if booth.holder == opportunity_id else BoothRefusal.HELD_BY_OTHER
        case BoothState.RESERVED:
            return BoothRefusal.RESERVED
        case BoothState.SOLD:
            return BoothRefusal.SOLD
        case BoothState.BLOCKED:
            return BoothRefusal.BLOCKED
    raise AssertionError(booth.state)


def can_hold(
    booth: BoothFacts, opportunity_id: int, opportunity_lost: bool, until: dt.datetime, now: dt.datetime
) -> BoothRefusal | None:
    """Why the booth cannot be held for the opportunity until then; None when it can (an own hold may be prolonged)."""
    if opportunity_lost:
        return BoothRefusal.OPPORTUNITY_LOST
    if until <= now:
        return BoothRefusal.HOLD_IN_PAST
    if until - now > LONGEST_HOLD:
        return BoothRefusal.HOLD_TOO_LONG
    return refuse_taking(booth, opportunity_id, now)


def can_sell(booth: BoothFacts, opportunity_id: int, now: dt.datetime) -> BoothRefusal | None:
    """Why the booth cannot go into a contract of the opportunity; it must be held for it, so that nobody is surprised."""
    refused = refuse_taking(booth, opportunity_id, now)
    if refused:
        return refused
    held = effective_state(booth.state, booth.held_until, now) is BoothState.HELD
    return None if held else BoothRefusal.NOT_HELD


@dataclass(frozen=True)
class Rect:
    """A rectangle in metres from the hall's top left corner."""

    x: Decimal
    y: Decimal
    width: Decimal
    depth: Decimal


@dataclass(frozen=True)
class Placed:
    """A booth with its code on the plan."""

    code: str
    rect: Rect


@dataclass(frozen=True)
class Grid:
    """Rows × columns of equal booths. Two rows stand back to back, then an aisle follows."""

    prefix: str
    first: int
    rows: int
    columns: int
    x: Decimal
    y: Decimal
    width: Decimal
    depth: Decimal
    aisle: Decimal

    def booths(self) -> list[Placed]:
        out = []
        number = self.first
        digits = max(2, len(str(self.first + self.rows * self.columns - 1)))
        for row in range(self.rows):
            y = self.y + row * self.depth + (row // 2) * self.aisle
            for column in range(self.columns):
                rect = Rect(self.x + column * self.width, y, self.width, self.depth)
                out.append(Placed(f"{self.prefix}{number:0{digits}d}", rect))
                number += 1
        return out
