"""Contracts: states, totals, dates, numbers and the fee of a cancellation. All money is Decimal, rounded half up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from expo_crm.lib import money


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
    STALE = "contract_stale"
    NOTHING_CHANGED = "nothing_changed"
    NEEDS_A_BOOTH = "needs_a_booth"
    NOT_ITS_BOOTH = "not_its_booth"
    BELOW_ZERO = "below_zero"
    NEEDS_NAME = "needs_name"
    ALREADY_ACCEPTED = "already_accepted"
    FILE_KIND = "file_kind"
    FILE_SIZE = "file_size"


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


def totals(lines: Iterable[Line], tax_rate: Decimal) -> Totals:
    """Sums of a contract: lines are rounded half up each, the tax once on their sum."""
    net = sum((line.amount for line in lines), Decimal(0))
    return split(money.quantize(net), tax_rate)


def split(net: Decimal, tax_rate: Decimal) -> Totals:
    """Net, tax and total of a net price."""
    tax = money.quantize(net * tax_rate)
    return Totals(net, tax, net + tax)


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


def contract_number(show_code: str, year: int, number: int) -> str:
    return f"{show_code.upper()[:12]}-{year}-{number:04d}"
