"""Reading invoices and payments."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.billing.domain.invoice import InvoiceKind, InvoiceState, Standing
from expo_crm.billing.models import Invoice, Payment
from expo_crm.db import db

LIVE = (InvoiceState.OPEN, InvoiceState.PARTLY_PAID, InvoiceState.PAID)


def find_invoice(edition_id: int, invoice_id: int) -> Invoice | None:
    """With its lines, payments and company."""
    return db.session.scalar(
        select(Invoice)
        .where(Invoice.id == invoice_id, Invoice.edition_id == edition_id)
        .options(selectinload(Invoice.lines), selectinload(Invoice.payments), joinedload(Invoice.company))
    )


def list_notes_of(invoice_id: int) -> list[Invoice]:
    """The credit notes that correct this invoice, oldest first."""
    return list(db.session.scalars(select(Invoice).where(Invoice.corrects_id == invoice_id).order_by(Invoice.id)))


def find_payment(invoice_id: int, payment_id: int) -> Payment | None:
    return db.session.scalar(select(Payment).where(Payment.id == payment_id, Payment.invoice_id == invoice_id))


def list_invoices_of_contract(contract_id: int) -> list[Invoice]:
    return list(
        db.session.scalars(
            select(Invoice)
            .where(Invoice.contract_id == contract_id)
            .options(selectinload(Invoice.payments), selectinload(Invoice.lines))
            .order_by(Invoice.due_on, Invoice.id)
        )
    )


def list_invoices_of_company(company_id: int, edition_id: int | None = None) -> list[Invoice]:
    """Newest first; of one edition when it is named."""
    query = select(Invoice).where(Invoice.company_id == company_id).options(selectinload(Invoice.payments))
    if edition_id is not None:
        query = query.where(Invoice.edition_id == edition_id)
    return list(db.session.scalars(query.order_by(Invoice.issued_on.desc(), Invoice.id.desc())))


def received_of(invoice_ids: Iterable[int]) -> dict[int, Decimal]:
    """Money received by invoice, reversals taken off."""
    ids = list(invoice_ids)
    if not ids:
        return {}
    rows = db.session.execute(
        select(Payment.invoice_id, func.sum(Payment.amount))
        .where(Payment.invoice_id.in_(ids))
        .group_by(Payment.invoice_id)
    )
    return dict(rows.all())


def standings_of(contract_ids: Iterable[int]) -> dict[int, Standing]:
    """What is paid, by contract. Cancelled invoices count neither way."""
    wanted = list(contract_ids)
    if not wanted:
        return {}
    found: dict[int, list[Invoice]] = {contract_id: [] for contract_id in wanted}
    query = select(Invoice).where(Invoice.contract_id.in_(wanted), Invoice.state.in_(LIVE))
    for invoice in db.session.scalars(query):
        assert invoice.contract_id is not None
        found[invoice.contract_id].append(invoice)
    received = received_of(i.id for invoices in found.values() for i in invoices)
    return {contract_id: _standing(invoices, received) for contract_id, invoices in found.items()}


def standing_of(contract_id: int) -> Standing:
    return standings_of([contract_id])[contract_id]


def _standing(invoices: list[Invoice], received: dict[int, Decimal]) -> Standing:
    invoices = [i for i in invoices if i.kind != InvoiceKind.CREDIT]
    paid = [i.state == InvoiceState.PAID for i in invoices]
    deposits = [i.state == InvoiceState.PAID for i in invoices if i.kind in {"deposit", "full"}]
    return Standing(
        invoiced=sum((i.total - i.credited for i in invoices), Decimal(0)),
        received=sum((received.get(i.id, Decimal(0)) for i in invoices), Decimal(0)),
        deposit_paid=bool(deposits) and all(deposits),
        paid=bool(paid) and all(paid),
    )
