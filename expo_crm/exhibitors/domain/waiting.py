"""The waiting list: which wish a booth satisfies, and how long an offer stands."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

OFFER_FOR = dt.timedelta(days=3)
KEEP_FOR = dt.timedelta(days=7)
"""An accepted offer is a hold of this length."""
MOST_OFFERS = 3
"""Who let so many offers pass is taken off the list."""


class InventoryRefusal(StrEnum):
    """Why a use case of the inventory was refused."""

    WISH_BAD = "wish_bad"
    WISH_EXISTS = "wish_exists"
    OFFER_OVER = "offer_over"
    REQUEST_DECIDED = "request_decided"
    REQUEST_LIMIT = "request_limit"
    REQUEST_CLOSED = "request_closed"
    NEEDS_REASON = "needs_reason"
    SAME_PRICE = "same_price"
    BAD_PRICE = "bad_price"
    OVERRIDE_OPEN = "override_open"
    OVERRIDE_OWN = "override_own"
    OVERRIDE_DECIDED = "override_decided"
    OVERRIDE_STALE = "override_stale"
    LIST_FROZEN = "list_frozen"
    LIST_EMPTY = "list_empty"
    RULE_TWICE = "rule_twice"
    BAD_DAYS = "bad_days"
    NAME_MISSING = "name_missing"
    SELF_HOST = "self_host"
    OTHER_HOST = "other_host"
    HAS_CONTRACT = "has_contract"
    HOST_NOT_MAIN = "host_not_main"
    NO_STAND = "no_stand"
    PAVILION_FULL = "pavilion_full"
    PAVILION_CLOSED = "pavilion_closed"
    PAVILION_BOOTH = "pavilion_booth"
    NAME_TAKEN = "name_taken"
    ENTRY_DECIDED = "entry_decided"
    NEIGHBOUR = "neighbour"
    SAME_COMPANY = "same_company"
    RULE_EXISTS = "rule_exists"
    DRAW_EMPTY = "draw_empty"
    DRAW_PAST = "draw_past"


@dataclass(frozen=True)
class Wanted:
    """What somebody waits for: one booth, or any that fits."""

    booth_id: int | None = None
    hall_id: int | None = None
    kind: str = ""
    min_m2: Decimal = Decimal(1)
    max_m2: Decimal | None = None
    open_sides: int = 1


@dataclass(frozen=True)
class Offered:
    """A booth that is free."""

    booth_id: int
    hall_id: int
    kind: str
    area_m2: Decimal
    open_sides: int


def satisfies(booth: Offered, wanted: Wanted) -> bool:
    """Whether the booth is one of those that were wished for."""
    if wanted.booth_id is not None:
        return booth.booth_id == wanted.booth_id
    return (
        (wanted.hall_id is None or booth.hall_id == wanted.hall_id)
        and wanted.kind in {"", booth.kind}
        and booth.area_m2 >= wanted.min_m2
        and (wanted.max_m2 is None or booth.area_m2 <= wanted.max_m2)
        and booth.open_sides >= wanted.open_sides
    )
