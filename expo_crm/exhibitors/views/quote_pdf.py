"""The quote as a PDF in either language; title and company in both."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext as _
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from expo_crm.exhibitors.domain.quote import QuoteState
from expo_crm.exhibitors.models import Quote
from expo_crm.web import i18n, pdf


def render(quote: Quote, locale: str) -> bytes:
    """The file. A draft and one that no longer holds say so under the title."""
    with i18n.in_locale(locale):
        number = quote.number if quote.revision == 1 else f"{quote.number}/{quote.revision}"
        edition, company = quote.edition, quote.opportunity.company
        other = "Quotation" if locale == "zh" else "参展报价单"
        story: list[Flowable] = [pdf.text(_("Quotation"), "title"), pdf.text(f"{other} · {number}", "subtitle")]
        mark = {
            QuoteState.DRAFT: _("Draft"),
            QuoteState.EXPIRED: _("Expired"),
            QuoteState.REPLACED: _("Replaced"),
            QuoteState.DECLINED: _("Declined"),
        }.get(QuoteState(quote.state))
        if mark:
            story.append(pdf.text(mark, "strong"))
        first, second = ("zh", "en") if locale == "zh" else ("en", "zh")
        show = edition.show
        organizer = "\n".join(
            dict.fromkeys(n for n in (getattr(show, f"organizer_{first}"), getattr(show, f"organizer_{second}")) if n)
        )
        names = "\n".join(
            dict.fromkeys(n for n in (getattr(company, f"name_{first}"), getattr(company, f"name_{second}")) if n)
        )
        story += [
            Spacer(1, 4 * mm),
            pdf.columns(
                [pdf.text(_("Party A (organizer)"), "small"), pdf.text(organizer or "–", "strong")],
                [pdf.text(_("Party B (exhibitor)"), "small"), pdf.text(names or "–", "strong")],
            ),
            Spacer(1, 3 * mm),
            pdf.text(
                _(
                    "For space at %(show)s, %(when)s, %(venue)s, we offer:",
                    show=i18n.bi(edition),
                    when=f"{i18n.date(edition.starts_on, 'long')} – {i18n.date(edition.ends_on, 'long')}",
                    venue=i18n.bi(edition, "venue"),
                )
            ),
            Spacer(1, 2 * mm),
            _table(quote),
            Spacer(1, 4 * mm),
            pdf.text(_("This quotation holds until %(day)s.", day=i18n.date(quote.valid_until, "long")), "strong"),
            pdf.text(
                _(
                    "Booths named here are kept for you as long as they are held."
                    " The contract that follows names terms of payment and cancellation."
                )
            ),
        ]
        if quote.created_by is not None:
            story.append(pdf.text(_("Your contact: %(name)s", name=quote.created_by.name), "small"))
        return pdf.document(
            story,
            title=f"{_('Quotation')} {number}",
            author=i18n.bi(show, "organizer"),
            footer=f"{number} · {i18n.bi(edition)}",
        )


def _table(quote: Quote) -> Flowable:
    def shown(value: Decimal) -> str:
        return i18n.money(value, quote.currency)

    rows: list[list[object]] = [[_("Item"), _("Net m²"), _("Amount")]]
    rows += [[i18n.bi(line, "text"), i18n.m2(line.m2) if line.m2 else "", shown(line.amount)] for line in quote.lines]
    gross = sum((line.amount for line in quote.lines), Decimal(0))
    if quote.discount:
        rows.append(
            [_("Discount %(rate)s", rate=i18n.percent(float(quote.discount) / 100, 2)), "", shown(quote.net - gross)]
        )
    rows += [
        [_("Net price"), i18n.m2(quote.net_m2), shown(quote.net)],
        [_("Tax %(rate)s", rate=i18n.percent(float(quote.tax_rate), 0)), "", shown(quote.tax)],
        [_("Total"), "", shown(quote.total)],
    ]
    return pdf.table(rows, (0.6, 0.16, 0.24), numbers=(1, 2), total=3)
