"""Quotes: states, lines and sums, and how much discount a role may give."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from expo_crm.lib import money
from expo_crm.lib.permissions import Permission


class QuoteState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    REPLACED = "replaced"


class QuoteRefusal(StrEnum):
    NO_LINES = "quote_no_lines"
    DISCOUNT = "quote_discount"
    VALIDITY = "quote_validity"
    STATE = "quote_state"
    OVER = "quote_over"
    NO_PRICE = "quote_no_price"
    AREA = "quote_area"
    LOST = "quote_lost"
    PRICE_CHANGED = "quote_price_changed"
    SPACE_CHANGED = "quote_space_changed"
    NO_LIST = "quote_no_list"
    NOT_IN_LIST = "quote_not_in_list"
    NO_RATE = "quote_no_rate"


LONGEST_DAYS = 90
MAX_M2 = Decimal(10000)
# What the role may give in percent; the highest that somebody holds counts.
LIMITS: tuple[tuple[Permission, Decimal], ...] = (
    (Permission.SETTINGS, Decimal(60)),
    (Permission.MONEY, Decimal(25)),
    (Permission.SELL, Decimal(10)),
)


def discount_limit(can: Callable[[Permission], bool]) -> Decimal:
    """The highest discount in percent for somebody who ``can`` do these things."""
    return max((limit for permission, limit in LIMITS if can(permission)), default=Decimal(0))


@dataclass(frozen=True)
class Line:
    """One line; ``amount`` without tax. ``m2`` only where the line is about space."""

    text_zh: str
    text_en: str
    amount: Decimal
    kind: str = ""
    m2: Decimal | None = None
    booth_id: int | None = None


@dataclass(frozen=True)
class Sums:
    gross: Decimal
    off: Decimal
    net: Decimal
    tax: Decimal
    total: Decimal


def sums(lines: list[Line], discount: Decimal, tax_rate: Decimal) -> Sums:
    """Discount in percent of all lines and tax, each rounded half up once."""
    gross = sum((line.amount for line in lines), Decimal(0))
    off = money.quantize(gross * discount / 100)
    net = gross - off
    tax = money.quantize(net * tax_rate)
    return Sums(gross, off, net, tax, net + tax)


def refuse_terms(discount: Decimal, limit: Decimal, valid_until: dt.date, today: dt.date) -> QuoteRefusal | None:
    if not 0 <= discount <= limit:
        return QuoteRefusal.DISCOUNT
    if not today <= valid_until <= today + dt.timedelta(days=LONGEST_DAYS):
        return QuoteRefusal.VALIDITY
    return None


def refuse_accept(state: str, valid_until: dt.date, today: dt.date) -> QuoteRefusal | None:
    """Why it cannot be accepted today; the last day counts whole."""
    if state not in {QuoteState.DRAFT, QuoteState.SENT}:
        return QuoteRefusal.STATE
    return QuoteRefusal.OVER if today > valid_until else None


def quote_number(show_code: str, year: int, number: int) -> str:
    return f"{show_code.upper()[:12]}-Q{year}-{number:04d}"
