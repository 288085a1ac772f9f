"""Issue and cancel invoices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.billing.domain.invoice import InvoiceKind, InvoiceState, invoice_number, state_of
from expo_crm.billing.models import Invoice, InvoiceLine
from expo_crm.billing.services import numbers
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.lib import clock, money
from expo_crm.shows.models import Edition


@dataclass(frozen=True)
class NewLine:
    text_zh: str
    text_en: str
    net: Decimal
    quantity: Decimal = Decimal(1)
    unit_price: Decimal | None = None


class CreditRefused(Exception):
    """A credit note would take off more than the invoice asks for, or is for nothing."""


def issue(
    edition: Edition,
    company: Company,
    kind: InvoiceKind,
    lines: Sequence[NewLine],
    tax: Decimal,
    due_on: dt.date,
    *,
    contract_id: int | None = None,
    currency: str | None = None,
    corrects: Invoice | None = None,
) -> Invoice:
    """An open invoice with the next number of its year; in the edition's currency where none is named."""
    now = clock.now()
    today = clock.local_day(now, edition.timezone)
    net = sum((line.net for line in lines), Decimal(0))
    invoice = Invoice(
        number=_next_number(today.year, kind),
        edition_id=edition.id,
        company_id=company.id,
        contract_id=contract_id,
        kind=kind.value,
        state=(InvoiceState.PAID if kind is InvoiceKind.CREDIT else InvoiceState.OPEN).value,
        currency=currency or edition.currency,
        corrects_id=corrects.id if corrects else None,
        net=net,
        tax=tax,
        total=net + tax,
        issued_on=today,
        due_on=due_on,
        created_at=now,
        lines=[
            InvoiceLine(
                position=position,
                text_zh=line.text_zh,
                text_en=line.text_en,
                quantity=line.quantity,
                unit_price=line.net if line.unit_price is None else line.unit_price,
                amount=line.net,
            )
            for position, line in enumerate(lines, 1)
        ],
    )
    db.session.add(invoice)
    db.session.flush()
    audit.record(
        "invoice.issue",
        "invoice",
        invoice.id,
        edition_id=edition.id,
        changes={"number": [None, invoice.number], "total": [None, invoice.total]},
    )
    return invoice


def _next_number(year: int, kind: InvoiceKind) -> str:
    scope = "credit" if kind is InvoiceKind.CREDIT else "invoice"
    return invoice_number(year, numbers.take(f"{scope}-{year}"), kind)


def lock(invoice: Invoice) -> None:
    """Lock the invoice against a second clerk and read its state anew."""
    db.session.execute(select(Invoice.id).where(Invoice.id == invoice.id).with_for_update())
    db.session.refresh(invoice, ["state", "credited"])


def credit(invoice: Invoice, lines: Sequence[NewLine], tax: Decimal, reason: str) -> Invoice:
    """A credit note over positive ``lines`` and ``tax``: negative totals, its own number, linked to the invoice.

    The invoice stays as it was issued; only what is still asked of it falls. Raises CreditRefused.
    """
    lock(invoice)
    amount = sum((line.net for line in lines), Decimal(0)) + tax
    if invoice.kind == InvoiceKind.CREDIT or amount <= 0 or amount > invoice.total - invoice.credited:
        raise CreditRefused
    note = issue(
        invoice.edition,
        invoice.company,
        InvoiceKind.CREDIT,
        [NewLine(line.text_zh, line.text_en, -line.net, line.quantity) for line in lines],
        -tax,
        clock.local_day(clock.now(), invoice.edition.timezone),
        contract_id=invoice.contract_id,
        currency=invoice.currency,
        corrects=invoice,
    )
    invoice.credited += amount
    db.session.flush()
    audit.record(
        "invoice.credit",
        "invoice",
        invoice.id,
        edition_id=invoice.edition_id,
        changes={"note": [None, note.number], "amount": amount},
        reason=reason,
    )
    return note


def credit_rest(invoice: Invoice, reason: str) -> Invoice | None:
    """A credit note over all that is still asked; None where nothing is."""
    lock(invoice)
    rest = invoice.total - invoice.credited
    if rest <= 0:
        return None
    tax = money.quantize(invoice.tax * rest / invoice.total)
    text = f"冲销账单 {invoice.number}", f"Reversal of invoice {invoice.number}"
    return credit(invoice, [NewLine(*text, rest - tax)], tax, reason)


def cancel(invoice: Invoice, received: Decimal, *, ever_paid: bool, reason: str) -> None:
    """Cancel it. Money that came in stays on it until it is reversed (paid back); then it is ``refunded``."""
    before = invoice.state
    invoice.state = state_of(invoice.total, received, cancelled=True, ever_paid=ever_paid).value
    if invoice.state != before:
        audit.record(
            "invoice.cancel",
            "invoice",
            invoice.id,
            edition_id=invoice.edition_id,
            changes={"state": [before, invoice.state]},
            reason=reason,
        )
    db.session.flush()


def is_cancelled(invoice: Invoice) -> bool:
    return invoice.state in {InvoiceState.CANCELLED, InvoiceState.REFUNDED}
