"""Reading what is due, the account of a company, bank money; constant numbers of queries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.models import BankStatement, Invoice, OrderLine, Payment
from expo_crm.db import db

UNPAID = ("open", "partly_paid")


@dataclass(frozen=True)
class CurrencySum:
    """Money of an edition in one currency, with tax; several currencies are never added."""

    currency: str
    invoiced: Decimal
    credited: Decimal
    received: Decimal
    open: Decimal
    overdue: Decimal


def sums_by_currency(edition_id: int, today: dt.date) -> list[CurrencySum]:
    """Invoices that stand, less credit notes, what came in, what is open and overdue; by currency."""
    received = select(Payment.invoice_id, func.sum(Payment.amount).label("got")).group_by(Payment.invoice_id).subquery()
    got = func.coalesce(received.c.got, 0)
    asked = Invoice.total - Invoice.credited - got
    zero = 0
    unpaid = Invoice.state.in_(UNPAID)
    rows = db.session.execute(
        select(
            Invoice.currency,
            func.sum(Invoice.total),
            func.sum(Invoice.credited),
            func.sum(got),
            func.sum(case((unpaid, asked), else_=zero)),
            func.sum(case((unpaid & (Invoice.due_on < today), asked), else_=zero)),
        )
        .outerjoin(received, received.c.invoice_id == Invoice.id)
        .where(Invoice.edition_id == edition_id, Invoice.kind != InvoiceKind.CREDIT.value)
        .group_by(Invoice.currency)
        .order_by(Invoice.currency)
    )
    return [CurrencySum(currency, *(_exact(v) for v in values)) for currency, *values in rows]


def _exact(value: Decimal | int | None) -> Decimal:
    """Sums over expressions lose the column's type: SQLite then gives cents as an integer."""
    if value is None:
        return Decimal(0)
    return Decimal(value).scaleb(-2) if isinstance(value, int) else Decimal(value)


@dataclass(frozen=True)
class Booking:
    """A line of a statement of account: ``debit`` is owed, ``credit`` came in or was credited."""

    day: dt.date
    kind: str
    number: str
    invoice: Invoice
    debit: Decimal
    credit: Decimal
    balance: Decimal


def account_of(edition_id: int, company_id: int) -> dict[str, list[Booking]]:
    """Invoices, credit notes and payments of a company in one edition by currency, oldest first with the running balance."""
    invoices = list(
        db.session.scalars(
            select(Invoice)
            .where(Invoice.edition_id == edition_id, Invoice.company_id == company_id)
            .options(selectinload(Invoice.payments))
            .order_by(Invoice.id)
        )
    )
    raw: dict[str, list[tuple[dt.date, int, str, str, Invoice, Decimal]]] = {}
    for invoice in invoices:
        kind = "credit" if invoice.kind == InvoiceKind.CREDIT else "invoice"
        raw.setdefault(invoice.currency, []).append((invoice.issued_on, invoice.id, kind, invoice.number, invoice, invoice.total))
        for payment in invoice.payments:
            kind = "payment" if payment.amount > 0 else "to_credit" if payment.method == "credit" else "reversal"
            raw[invoice.currency].append((payment.received_on, invoice.id, kind, invoice.number, invoice, -payment.amount))
    out: dict[str, list[Booking]] = {}
    for currency in sorted(raw):
        balance = Decimal(0)
        rows = []
        for day, _id, kind, number, invoice, amount in sorted(raw[currency], key=lambda r: (r[0], r[1])):
            balance += amount
            debit, credit = (amount, Decimal(0)) if amount > 0 else (Decimal(0), -amount)
            rows.append(Booking(day, kind, number, invoice, debit, credit, balance))
        out[currency] = rows
    return out


def list_statements(show_id: int, limit: int = 10) -> list[BankStatement]:
    """Newest first."""
    return list(
        db.session.scalars(
            select(BankStatement).where(BankStatement.show_id == show_id).order_by(BankStatement.id.desc()).limit(limit)
        )
    )


def payments_of_transaction(transaction_id: int) -> list[Payment]:
    return list(
        db.session.scalars(
            select(Payment)
            .where(Payment.bank_transaction_id == transaction_id)
            .options(joinedload(Payment.invoice).joinedload(Invoice.company), joinedload(Payment.invoice).joinedload(Invoice.edition))
            .order_by(Payment.id)
        )
    )


def orders_of(edition_id: int, company_id: int) -> list[OrderLine]:
    return list(
        db.session.scalars(
            select(OrderLine)
            .where(OrderLine.edition_id == edition_id, OrderLine.company_id == company_id)
            .options(joinedload(OrderLine.product), joinedload(OrderLine.invoice))
            .order_by(OrderLine.id.desc())
        )
    )
