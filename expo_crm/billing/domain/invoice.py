"""Invoices and payments: states and rules. All money is Decimal."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


class InvoiceState(StrEnum):
    OPEN = "open"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class InvoiceKind(StrEnum):
    DEPOSIT = "deposit"
    INSTALMENT = "instalment"  # between the first and the last
    BALANCE = "balance"
    FULL = "full"
    EXTRA = "extra"
    CREDIT = "credit"


class Method(StrEnum):
    BANK = "bank"
    CARD = "card"
    ALIPAY = "alipay"
    WECHAT = "wechat"
    CASH = "cash"
    CREDIT = "credit"


class PaymentRefusal(StrEnum):
    CANCELLED = "cancelled"
    NOT_POSITIVE = "not_positive"
    TOO_MUCH = "too_much"
    IN_FUTURE = "in_future"
    REVERSED = "reversed"
    NEEDS_REASON = "needs_reason"
    MOVED = "moved"
    NO_CREDIT = "no_credit"


class PaymentRefused(Exception):
    """A payment was refused; nothing was stored."""

    def __init__(self, reason: PaymentRefusal, **facts: Any) -> None:
        super().__init__(reason.value)
        self.reason, self.facts = reason, facts


@dataclass(frozen=True)
class Standing:
    """What is paid of the invoices of one contract."""

    invoiced: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    deposit_paid: bool = False
    paid: bool = False

    @property
    def outstanding(self) -> Decimal:
        return self.invoiced - self.received


def state_of(total: Decimal, received: Decimal, *, cancelled: bool = False, ever_paid: bool = False) -> InvoiceState:
    """The state that the money gives an invoice."""
    if cancelled:
        return InvoiceState.REFUNDED if ever_paid and received == 0 else InvoiceState.CANCELLED
    if received >= total:
        return InvoiceState.PAID
    return InvoiceState.PARTLY_PAID if received > 0 else InvoiceState.OPEN


def is_overdue(state: str, due_on: dt.date, today: dt.date) -> bool:
    return state in {InvoiceState.OPEN, InvoiceState.PARTLY_PAID} and due_on < today


def refuse_payment(
    state: str, total: Decimal, received: Decimal, amount: Decimal, on: dt.date, today: dt.date
) -> PaymentRefusal | None:
    """Why this payment cannot be matched to the invoice; None when it can."""
    if state in {InvoiceState.CANCELLED, InvoiceState.REFUNDED}:
        return PaymentRefusal.CANCELLED
    if amount <= 0:
        return PaymentRefusal.NOT_POSITIVE
    if amount > total - received:
        return PaymentRefusal.TOO_MUCH
    return PaymentRefusal.IN_FUTURE if on > today else None


def invoice_number(year: int, number: int, kind: str = InvoiceKind.FULL) -> str:
    """Credit notes count for themselves, so that both rows of numbers are without gaps."""
    return f"{'CN' if kind == InvoiceKind.CREDIT else 'INV'}-{year}-{number:05d}"
