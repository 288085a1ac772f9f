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
    NEEDS_REASON = "needs_reason_to_keep"
    PRICE_OLD = "price_old"
    PRICE_NOT_SHOWN = "price_not_shown"
    PRICE_AS_IS = "price_as_is"
    HAS_EXTRAS = "has_extras"


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


def booth_lines(
    booths: Sequence[tuple[str, str, Decimal, Decimal]], discount: Decimal, remarks: Sequence[tuple[str, str]] = ()
) -> list[Line]:
    """One line per booth (code, kind, m², price) and one for the discount in per cent where there is one.

    ``remarks``: what makes up the price of each booth, in Chinese and English.
    """
    kinds = {"shell": ("标摊", "shell scheme"), "raw": ("光地", "raw space")}
    lines = []
    every = [*remarks, *[("", "")] * (len(booths) - len(remarks))]
    for (code, kind, area, price), (more_zh, more_en) in zip(booths, every, strict=True):
        zh, en = kinds.get(kind, ("展位", "booth"))
        size = f"{area.normalize():f} m²"
        zh, en = "，".join(x for x in (zh, size, more_zh) if x), ", ".join(x for x in (en, size, more_en) if x)
        lines.append(Line(f"展位 {code}（{zh}）"[:300], f"Booth {code} ({en})"[:300], Decimal(1), price))
    if discount:
        lines.append(discount_line(sum((line.amount for line in lines), Decimal(0)), discount))
    return lines


def discount_line(gross: Decimal, discount: Decimal) -> Line:
    """So many per cent off ``gross``, rounded half up."""
    shown = f"{discount.normalize():f} %"
    return Line(f"折扣 {shown}", f"Discount {shown}", Decimal(1), -money.quantize(gross * discount / 100))


def contract_number(show_code: str, year: int, number: int) -> str:
    return f"{show_code.upper()[:12]}-{year}-{number:04d}"
