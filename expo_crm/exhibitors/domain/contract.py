"""Contracts: states, totals, dates, numbers and the fee of a cancellation. All money is Decimal, rounded half up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from expo_crm.lib import money

DEPOSIT_SHARE = Decimal("0.5")
TAX_RATES = {"CNY": Decimal("0.06")}
"""Tax on exhibition services by currency; other currencies are invoiced to foreign exhibitors without it."""
DEPOSIT_DAYS = 7
BALANCE_DAYS_BEFORE = 30
CANCEL_FEES: tuple[tuple[int, Decimal], ...] = ((90, Decimal("0.3")), (30, Decimal("0.5")), (0, Decimal("1")))
"""At least so many days before opening, this share of the net price is owed all the same."""


class ContractState(StrEnum):
    DRAFT = "draft"
    SENT = "sent"
    SIGNED = "signed"
    IN_FORCE = "in_force"
    AMENDED = "amended"
    CANCELLED = "cancelled"


class ContractRefusal(StrEnum):
    NO_BOOTHS = "no_booths"
    SOLD_TWICE = "sold_twice"
    WRONG_STATE = "wrong_state"
    NEEDS_SIGNER = "needs_signer"
    SIGNED_IN_FUTURE = "signed_in_future"
    NEEDS_CANCEL_REASON = "needs_cancel_reason"


LIVE = (ContractState.DRAFT, ContractState.SENT, ContractState.SIGNED, ContractState.IN_FORCE)
BINDING = (ContractState.SIGNED, ContractState.IN_FORCE)
MOVES: dict[ContractState, frozenset[ContractState]] = {
    ContractState.DRAFT: frozenset({ContractState.SENT, ContractState.SIGNED, ContractState.CANCELLED}),
    ContractState.SENT: frozenset({ContractState.SIGNED, ContractState.CANCELLED}),
    ContractState.SIGNED: frozenset({ContractState.IN_FORCE, ContractState.CANCELLED}),
    ContractState.IN_FORCE: frozenset(
        {ContractState.SIGNED, ContractState.CANCELLED}
    ),  # back when a payment is reversed
    ContractState.AMENDED: frozenset(),
    ContractState.CANCELLED: frozenset(),
}


def may_become(before: str, after: ContractState) -> bool:
    return after in MOVES[ContractState(before)]


@dataclass(frozen=True)
class Line:
    text_zh: str
    text_en: str
    quantity: Decimal
    unit_price: Decimal

    @property
    def amount(self) -> Decimal:
        return money.quantize(self.quantity * self.unit_price)


@dataclass(frozen=True)
class Totals:
    net: Decimal
    tax: Decimal
    total: Decimal
    deposit: Decimal
    balance: Decimal


def totals(lines: Iterable[Line], tax_rate: Decimal) -> Totals:
    """Sums of a contract. Deposit and balance add up to the total to the cent."""
    net = sum((line.amount for line in lines), Decimal(0))
    return split(money.quantize(net), tax_rate)


def split(net: Decimal, tax_rate: Decimal) -> Totals:
    tax = money.quantize(net * tax_rate)
    total = net + tax
    deposit = money.quantize(total * DEPOSIT_SHARE)
    return Totals(net, tax, total, deposit, total - deposit)


def tax_share(part: Decimal, tax_rate: Decimal) -> tuple[Decimal, Decimal]:
    """(net, tax) of an amount that includes the tax."""
    net = money.quantize(part / (1 + tax_rate))
    return net, part - net


def booth_lines(booths: Sequence[tuple[str, str, Decimal, Decimal]], discount: Decimal) -> list[Line]:
    """One line per booth (code, kind, m², price) and one for the discount in per cent where there is one."""
    kinds = {"shell": ("标摊", "shell scheme"), "raw": ("光地", "raw space")}
    lines = []
    for code, kind, area, price in booths:
        zh, en = kinds.get(kind, ("展位", "booth"))
        size = f"{area.normalize():f} m²"
        lines.append(Line(f"展位 {code}（{zh}，{size}）", f"Booth {code} ({en}, {size})", Decimal(1), price))
    if discount:
        gross = sum((line.amount for line in lines), Decimal(0))
        shown = f"{discount.normalize():f} %"
        off = -money.quantize(gross * discount / 100)
        lines.append(Line(f"折扣 {shown}", f"Discount {shown}", Decimal(1), off))
    return lines


def due_dates(today: dt.date, starts_on: dt.date) -> tuple[dt.date, dt.date]:
    """When deposit and balance are due; a late contract owes both soon, never before today."""
    deposit = today + dt.timedelta(days=DEPOSIT_DAYS)
    balance = max(deposit, starts_on - dt.timedelta(days=BALANCE_DAYS_BEFORE))
    return deposit, balance


def cancellation_fee(net: Decimal, today: dt.date, starts_on: dt.date) -> Decimal:
    """What is owed when a binding contract is cancelled on this day."""
    days = (starts_on - today).days
    share = next((share for least, share in CANCEL_FEES if days >= least), Decimal(1))
    return money.quantize(net * share)


def contract_number(show_code: str, year: int, number: int) -> str:
    return f"{show_code.upper()[:12]}-{year}-{number:04d}"
