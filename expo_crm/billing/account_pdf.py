"""The statement of account of a company as a PDF."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from expo_crm.billing.queries_money import Booking
from expo_crm.directory.models import Company
from expo_crm.shows.models import Edition
from expo_crm.web import i18n, pdf

KINDS = {
    "invoice": _l("Invoice"),
    "credit": _l("Credit note"),
    "payment": _l("Payment"),
    "reversal": _l("Reversal"),
    "to_credit": _l("Moved to credit"),
}


def render(
    edition: Edition,
    company: Company,
    account: dict[str, list[Booking]],
    balances: dict[str, Decimal],
    day: dt.date,
    locale: str,
) -> bytes:
    """The file: one table per currency with the running balance."""
    with i18n.in_locale(locale):
        organizer = i18n.bi(edition.show, "organizer")
        title = _("Statement of account")
        story: list[Flowable] = [
            pdf.text(title, "title"),
            pdf.text(f"{i18n.bi(edition)} · {i18n.date(day, 'long')}", "subtitle"),
            Spacer(1, 4 * mm),
            pdf.columns([pdf.text(organizer, "strong")], [pdf.text(i18n.bi(company), "strong")]),
            Spacer(1, 4 * mm),
        ]
        for currency, rows in account.items():
            cells: list[list[object]] = [[_("Day"), _("Document"), _("Owed"), _("Money received"), _("Running balance")]]
            cells += [
                [
                    i18n.date(row.day),
                    f"{KINDS[row.kind]} {row.number}",
                    i18n.money(row.debit, currency) if row.debit else "",
                    i18n.money(row.credit, currency) if row.credit else "",
                    i18n.money(row.balance, currency),
                ]
                for row in rows
            ]
            cells.append([_("Running balance"), "", "", "", i18n.money(rows[-1].balance if rows else Decimal(0), currency)])
            story += [pdf.text(currency, "heading"), pdf.table(cells, (0.15, 0.31, 0.18, 0.18, 0.18), numbers=(2, 3, 4), total=1)]
            story.append(Spacer(1, 4 * mm))
        if not account:
            story.append(pdf.text(_("No invoices in this edition.")))
        story += [
            pdf.text(_("Credit of the company: %(amount)s", amount=i18n.money(amount, currency)))
            for currency, amount in balances.items()
        ]
        return pdf.document(story, title=title, author=organizer, footer=f"{i18n.bi(company)} · {i18n.bi(edition)}")
