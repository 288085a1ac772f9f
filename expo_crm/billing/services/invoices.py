"""Issue and cancel invoices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from expo_crm.audit import services as audit
from expo_crm.billing.domain.invoice import InvoiceKind, InvoiceState, invoice_number, state_of
from expo_crm.billing.models import Invoice, InvoiceLine
from expo_crm.billing.services import numbers
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.lib import clock
from expo_crm.shows.models import Edition


@dataclass(frozen=True)
class NewLine:
    text_zh: str
    text_en: str
    net: Decimal


def issue(
    edition: Edition,
    company: Company,
    kind: InvoiceKind,
    lines: Sequence[NewLine],
    tax: Decimal,
    due_on: dt.date,
    *,
    contract_id: int | None = None,
) -> Invoice:
    """An open invoice with the next number of the year."""
    now = clock.now()
    today = clock.local_day(now, edition.timezone)
    net = sum((line.net for line in lines), Decimal(0))
    invoice = Invoice(
        number=invoice_number(today.year, numbers.take(f"invoice-{today.year}")),
        edition_id=edition.id,
        company_id=company.id,
        contract_id=contract_id,
        kind=kind.value,
        currency=edition.currency,
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
                quantity=Decimal(1),
                unit_price=line.net,
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
