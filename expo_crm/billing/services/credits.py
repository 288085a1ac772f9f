"""Credit of a company: money that came in beyond its invoices. A signed ledger, never changed."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import func, select

from expo_crm.billing.models import CompanyCredit, Invoice
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.lib import clock


def lock(company_id: int) -> None:
    """One at a time takes from a company's credit."""
    db.session.execute(select(Company.id).where(Company.id == company_id).with_for_update())


def balance(company_id: int, currency: str) -> Decimal:
    found = db.session.scalar(
        select(func.sum(CompanyCredit.amount)).where(CompanyCredit.company_id == company_id, CompanyCredit.currency == currency)
    )
    return found or Decimal(0)


def balances(company_id: int) -> dict[str, Decimal]:
    """By currency, those that are not nothing; several currencies are never added."""
    rows = db.session.execute(
        select(CompanyCredit.currency, func.sum(CompanyCredit.amount))
        .where(CompanyCredit.company_id == company_id)
        .group_by(CompanyCredit.currency)
        .order_by(CompanyCredit.currency)
    )
    return {currency: amount for currency, amount in rows if amount}


def add(
    invoice: Invoice,
    amount: Decimal,
    reason: str,
    *,
    payment_id: int | None = None,
    transaction_id: int | None = None,
    recorded_by: int | None = None,
) -> CompanyCredit:
    """A row for the invoice's company, in the invoice's currency; negative when credit is used."""
    row = CompanyCredit(
        edition_id=invoice.edition_id,
        company_id=invoice.company_id,
        currency=invoice.currency,
        amount=amount,
        payment_id=payment_id,
        transaction_id=transaction_id,
        reason=reason[:300],
        recorded_by=recorded_by,
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row
