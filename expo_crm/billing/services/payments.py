"""Match money to invoices. A payment is never changed: a wrong one is reversed, with its reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from flask import Flask, current_app
from sqlalchemy import func, select

from expo_crm.audit import services as audit
from expo_crm.billing.domain.invoice import Method, PaymentRefusal, PaymentRefused, refuse_payment, state_of
from expo_crm.billing.models import Invoice, Payment
from expo_crm.billing.services import credits, invoices
from expo_crm.billing.services.invoices import is_cancelled
from expo_crm.db import db
from expo_crm.lib import clock

# Called with the contract's id after money came or went; the package above follows with stages.
Listener = Callable[[int], None]
_EXTENSION = "expo_payment_listeners"
# Contracts live above: that package says here which numbers they have, ids -> {id: number}.
Numbers = Callable[[set[int]], dict[int, str]]
_NUMBERS = "expo_contract_numbers"


def init_app(app: Flask) -> None:
    app.extensions[_EXTENSION] = []


def listen(app: Flask, listener: Listener) -> None:
    """Be told when what is paid of a contract has changed."""
    app.extensions[_EXTENSION].append(listener)


def contract_numbers(contract_ids: set[int]) -> dict[int, str]:
    """The numbers of these contracts, from the package that has them."""
    known: Numbers | None = current_app.extensions.get(_NUMBERS)
    return known(contract_ids) if known and contract_ids else {}


def number_contracts(app: Flask, numbers: Numbers) -> None:
    """Say how contract numbers are found."""
    app.extensions[_NUMBERS] = numbers


def record(
    invoice: Invoice,
    amount: Decimal,
    received_on: dt.date,
    *,
    method: str = "bank",
    reference: str = "",
    recorded_by: int | None = None,
    transaction_id: int | None = None,
) -> Payment:
    """Match money to an invoice, also a part of it. Raises PaymentRefused; more than is open is refused."""
    received = _lock(invoice)
    today = clock.local_day(clock.now(), invoice.edition.timezone)
    asked = invoice.total - invoice.credited
    refused = refuse_payment(invoice.state, asked, received, amount, received_on, today)
    if refused:
        raise PaymentRefused(refused, open=asked - received)
    payment = Payment(
        invoice_id=invoice.id,
        amount=amount,
        received_on=received_on,
        method=method,
        reference=reference,
        bank_transaction_id=transaction_id,
        recorded_by=recorded_by,
        created_at=clock.now(),
    )
    _store(invoice, payment, received + amount, "payment.record")
    return payment


def release_surplus(invoice: Invoice, reason: str, *, recorded_by: int | None = None) -> Decimal:
    """After a credit note: what came in beyond what is asked becomes credit of the company. The amount moved."""
    received = _lock(invoice)
    asked = invoice.total - invoice.credited
    surplus = max(received - asked, Decimal(0))
    if surplus:
        now = clock.now()
        moved = Payment(
            invoice_id=invoice.id, amount=-surplus, received_on=clock.local_day(now, invoice.edition.timezone), method=Method.CREDIT.value,
            reference=f"credit-{invoice.number}"[:300], reason=reason[:300], recorded_by=recorded_by, created_at=now,
        )  # fmt: skip
        _store(invoice, moved, received - surplus, "payment.to_credit")
        credits.add(invoice, surplus, reason, payment_id=moved.id, recorded_by=recorded_by)
    else:
        _follow(invoice, received)
    return surplus


def pay_from_credit(invoice: Invoice, amount: Decimal, *, recorded_by: int | None = None) -> Payment:
    """Use the company's credit in the invoice's currency. Raises PaymentRefused."""
    credits.lock(invoice.company_id)
    if amount > credits.balance(invoice.company_id, invoice.currency):
        raise PaymentRefused(PaymentRefusal.NO_CREDIT)
    today = clock.local_day(clock.now(), invoice.edition.timezone)
    payment = record(invoice, amount, today, method=Method.CREDIT, recorded_by=recorded_by)
    credits.add(invoice, -amount, invoice.number, payment_id=payment.id, recorded_by=recorded_by)
    return payment


def reverse(invoice: Invoice, payment: Payment, reason: str, *, recorded_by: int | None = None) -> Payment:
    """Take a payment back by a negative one. Raises PaymentRefused when it was taken back before."""
    received = _lock(invoice)
    if not reason:
        raise PaymentRefused(PaymentRefusal.NEEDS_REASON)
    if payment.amount < 0 or is_reversed(payment):
        raise PaymentRefused(PaymentRefusal.REVERSED)
    if received < payment.amount:  # its money was moved to the company's credit since
        raise PaymentRefused(PaymentRefusal.MOVED)
    back = Payment(
        invoice_id=invoice.id,
        amount=-payment.amount,
        received_on=clock.local_day(clock.now(), invoice.edition.timezone),
        method=payment.method,
        reference=reversal_reference(payment.id),
        reason=reason,
        bank_transaction_id=payment.bank_transaction_id,
        recorded_by=recorded_by,
        created_at=clock.now(),
    )
    _store(invoice, back, received - payment.amount, "payment.reverse")
    if payment.method == Method.CREDIT:
        credits.add(invoice, payment.amount, reason, payment_id=back.id, recorded_by=recorded_by)
    return back


def reversal_reference(payment_id: int) -> str:
    """What a reversal carries, so that a payment is taken back once."""
    return f"reversal-{payment_id}"


def _lock(invoice: Invoice) -> Decimal:
    """Lock the invoice against a second clerk and add up what has come in."""
    invoices.lock(invoice)
    total = select(func.sum(Payment.amount)).where(Payment.invoice_id == invoice.id)
    return db.session.scalar(total) or Decimal(0)


def is_reversed(payment: Payment) -> bool:
    """Whether this payment was taken back."""
    back = select(Payment.id).where(
        Payment.invoice_id == payment.invoice_id,
        Payment.reference == reversal_reference(payment.id),
        Payment.amount < 0,
    )
    return db.session.scalar(back.limit(1)) is not None


def _store(invoice: Invoice, payment: Payment, received: Decimal, action: str) -> None:
    before = invoice.state
    invoice.payments.append(payment)
    db.session.flush()
    _become(invoice, received)
    audit.record(
        action,
        "invoice",
        invoice.id,
        edition_id=invoice.edition_id,
        changes={"amount": payment.amount, "state": [before, invoice.state]},
        reason=payment.reason,
    )
    _tell(invoice)


def _become(invoice: Invoice, received: Decimal) -> None:
    gone = is_cancelled(invoice) or (invoice.credited >= invoice.total > 0)
    invoice.state = state_of(invoice.total - invoice.credited, received, cancelled=gone, ever_paid=bool(invoice.payments)).value
    db.session.flush()


def _follow(invoice: Invoice, received: Decimal) -> None:
    """The state of an invoice that a credit note changed without money moving."""
    _become(invoice, received)
    _tell(invoice)


def _tell(invoice: Invoice) -> None:
    if invoice.contract_id is not None:
        for listener in current_app.extensions[_EXTENSION]:
            listener(invoice.contract_id)
