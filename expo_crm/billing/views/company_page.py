"""What invoices and payments add to the company page."""

from __future__ import annotations

from decimal import Decimal

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from expo_crm.billing import labels
from expo_crm.billing.models import Invoice, Payment
from expo_crm.db import db
from expo_crm.directory.timeline import Figure, TimelineItem
from expo_crm.shows.models import Edition
from expo_crm.web import i18n


def items(company_id: int) -> list[TimelineItem]:
    """Invoices issued and money received."""
    invoices = db.session.execute(
        select(Invoice, Edition).join(Edition, Edition.id == Invoice.edition_id).where(Invoice.company_id == company_id)
    ).all()
    out = []
    for invoice, edition in invoices:
        url = url_for("billing.invoice", edition=edition.slug, invoice_id=invoice.id)
        title = _("Invoice %(number)s", number=invoice.number)
        body = f"{labels.KINDS[invoice.kind]} · {i18n.money(invoice.total, invoice.currency)} · {labels.STATES[invoice.state]}"
        out.append(TimelineItem(invoice.created_at, "money", "receipt", title, "neutral", body, url, "", "before"))
    by_id = {invoice.id: (invoice, edition) for invoice, edition in invoices}
    payments = db.session.scalars(select(Payment).where(Payment.invoice_id.in_(by_id))) if by_id else ()
    for payment in payments:
        invoice, edition = by_id[payment.invoice_id]
        url = url_for("billing.invoice", edition=edition.slug, invoice_id=invoice.id)
        taken_back = payment.amount < 0
        title = _("Payment reversed") if taken_back else _("Payment received")
        body = f"{i18n.money(payment.amount, invoice.currency)} · {invoice.number}"
        tone = "warning" if taken_back else "success"
        out.append(TimelineItem(payment.created_at, "money", "cash", title, tone, body, url, "", "before"))
    return out


def figures(company_id: int) -> list[Figure]:
    """Money received over all editions, by currency."""
    rows = db.session.execute(
        select(Invoice.currency, func.sum(Payment.amount))
        .join(Payment, Payment.invoice_id == Invoice.id)
        .where(Invoice.company_id == company_id)
        .group_by(Invoice.currency)
    ).all()
    shown = " + ".join(i18n.money(amount or Decimal(0), currency) for currency, amount in rows)
    if not shown:
        return []
    definition = _("Payments of all editions, with tax, reversals taken off.")
    return [Figure(_("Money received"), shown, "cash", "", definition)]
