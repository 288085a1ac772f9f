"""The invoice (payment request) as a PDF."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext as _
from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from expo_crm.billing import labels
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.models import Invoice
from expo_crm.web import i18n, pdf


def render(invoice: Invoice, locale: str) -> bytes:
    """The file in this language."""
    with i18n.in_locale(locale):

        def shown(value: Decimal) -> str:
            return i18n.money(value, invoice.currency)

        show, company = invoice.edition.show, invoice.company
        received = sum((p.amount for p in invoice.payments), Decimal(0))
        names = "\n".join(dict.fromkeys(n for n in (i18n.bi(company), company.name_zh, company.name_en) if n))
        buyer = [pdf.text(_("Bill to"), "small"), pdf.text(names, "strong")]
        if company.tax_id:
            buyer.append(pdf.text(_("Tax id: %(id)s", id=company.tax_id), "small"))
        facts = [
            pdf.text(_("Issued on: %(day)s", day=i18n.date(invoice.issued_on, "long"))),
            pdf.text(_("Payable by: %(day)s", day=i18n.date(invoice.due_on, "long"))),
            pdf.text(_("State: %(state)s", state=labels.STATES[invoice.state])),
        ]
        rows: list[list[object]] = [[_("Item"), _("Amount")]]
        rows += [[i18n.bi(line, "text"), shown(line.amount)] for line in invoice.lines]
        rows += [
            [_("Net price"), shown(invoice.net)],
            [_("Tax"), shown(invoice.tax)],
            [_("Total"), shown(invoice.total)],
        ]
        story = [
            pdf.text(_("Credit note") if invoice.kind == InvoiceKind.CREDIT else _("Invoice"), "title"),
            pdf.text(f"{invoice.number} · {labels.KINDS[invoice.kind]}", "subtitle"),
            Spacer(1, 4 * mm),
            pdf.text(i18n.bi(show, "organizer"), "strong"),
            pdf.text(i18n.bi(invoice.edition), "small"),
            Spacer(1, 4 * mm),
            pdf.columns(buyer, facts),
            Spacer(1, 6 * mm),
            pdf.table(rows, (0.74, 0.26), numbers=(1,), total=3),
        ]
        if invoice.corrects is not None:
            story.append(pdf.text(_("Corrects invoice %(number)s", number=invoice.corrects.number)))
        elif received:
            story.append(pdf.text(_("Received so far: %(amount)s", amount=shown(received))))
        if invoice.kind != InvoiceKind.CREDIT:
            story.append(pdf.text(_("Please give the invoice number with your payment."), "small"))
        return pdf.document(
            story,
            title=_("Invoice %(number)s", number=invoice.number),
            author=i18n.bi(show, "organizer"),
            footer=f"{invoice.number} · {i18n.bi(invoice.edition)}",
        )
