"""When a payment fits an invoice, and what state the money gives it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pytest

from expo_crm.billing.domain.invoice import PaymentRefusal, is_overdue, refuse_payment, state_of

TODAY = dt.date(2026, 3, 2)


@pytest.mark.parametrize(
    ("received", "state"), [(D(0), "open"), (D("0.01"), "partly_paid"), (D("99.99"), "partly_paid"), (D(100), "paid")]
)
def test_state_follows_the_money(received, state):
    assert state_of(D(100), received) == state


def test_a_cancelled_invoice_is_refunded_once_all_went_back():
    assert state_of(D(100), D(50), cancelled=True, ever_paid=True) == "cancelled"
    assert state_of(D(100), D(0), cancelled=True, ever_paid=True) == "refunded"
    assert state_of(D(100), D(0), cancelled=True) == "cancelled"


@pytest.mark.parametrize(
    ("state", "amount", "day", "refusal"),
    [
        ("open", D(40), TODAY, None),
        ("open", D(0), TODAY, PaymentRefusal.NOT_POSITIVE),
        ("open", D("40.01"), TODAY, PaymentRefusal.TOO_MUCH),
        ("open", D(40), TODAY + dt.timedelta(days=1), PaymentRefusal.IN_FUTURE),
        ("cancelled", D(1), TODAY, PaymentRefusal.CANCELLED),
    ],
)
def test_what_fits(state, amount, day, refusal):
    assert refuse_payment(state, D(100), D(60), amount, day, TODAY) is refusal


def test_overdue_begins_the_day_after():
    assert not is_overdue("open", TODAY, TODAY)
    assert is_overdue("partly_paid", TODAY - dt.timedelta(days=1), TODAY)
    assert not is_overdue("paid", TODAY - dt.timedelta(days=1), TODAY)
