"""Quotes: the list, writing one, sending, revising, and the contract in one click."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager

from expo_crm.directory.models import Company
from expo_crm.exhibitors import queries as sales
from expo_crm.exhibitors import queries_quotes as queries
from expo_crm.exhibitors.domain import quote as rules
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.quote import QuoteState
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.forms import choices, pairs
from expo_crm.exhibitors.models import Booth, Opportunity, Quote
from expo_crm.exhibitors.pipeline_forms import QuoteForm
from expo_crm.exhibitors.services import booth_prices
from expo_crm.exhibitors.services import quotes as services
from expo_crm.exhibitors.views import labels, quote_pdf
from expo_crm.exhibitors.views.contracts import pill
from expo_crm.lib import clock
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

STATES: dict[str, Any] = {
    QuoteState.DRAFT: _l("Draft"),
    QuoteState.SENT: _l("Sent"),
    QuoteState.ACCEPTED: _l("Accepted"),
    QuoteState.DECLINED: _l("Declined"),
    QuoteState.EXPIRED: _l("Expired"),
    QuoteState.REPLACED: _l("Replaced"),
}
TONES = {
    QuoteState.DRAFT: "neutral",
    QuoteState.SENT: "info",
    QuoteState.ACCEPTED: "success",
    QuoteState.DECLINED: "danger",
    QuoteState.EXPIRED: "warning",
    QuoteState.REPLACED: "neutral",
}
USUAL_DAYS = 14


def name_of(found: Quote) -> str:
    """The number as people say it: with its revision from the second on."""
    return found.number if found.revision == 1 else f"{found.number}/{found.revision}"


def _today() -> dt.date:
    return clock.local_day(clock.now(), g.edition.timezone)


@requires(Permission.VIEW)
def quotes() -> ResponseReturnValue:
    page = listing.build(
        id="quotes",
        query=select(Quote)
        .join(Quote.opportunity)
        .join(Opportunity.company)
        .where(Quote.edition_id == g.edition.id)
        .options(contains_eager(Quote.opportunity).contains_eager(Opportunity.company)),
        columns=[
            listing.Column("number", _("Number"), name_of, sort=(Quote.number, Quote.revision), kind="code"),
            listing.Column(
                "company", _("Company"), lambda q: i18n.bi(q.opportunity.company), sort=Company.sort_key, primary=True
            ),
            listing.Column(
                "m2",
                _("Net m²"),
                lambda q: q.net_m2,
                cell=lambda q: i18n.m2(q.net_m2),
                sort=Quote.net_m2,
                kind="number",
            ),
            listing.Column(
                "total",
                _("Total"),
                lambda q: q.total,
                cell=lambda q: i18n.money(q.total, q.currency),
                sort=Quote.total,
                kind="number",
            ),
            listing.Column(
                "discount",
                _("Discount in percent"),
                lambda q: q.discount,
                cell=lambda q: f"{q.discount.normalize():f}" if q.discount else "–",
                sort=Quote.discount,
                kind="number",
                hide_on_phone=True,
            ),
            listing.Column(
                "until", _("Valid until"), lambda q: i18n.date(q.valid_until), sort=Quote.valid_until, kind="date"
            ),
            listing.Column(
                "state",
                _("State"),
                lambda q: STATES[q.state],
                cell=lambda q: pill(STATES[q.state], TONES[QuoteState(q.state)]),
                sort=Quote.state,
                kind="status",
            ),
        ],
        default_sort="number",
        default_desc=True,
        tie_break=Quote.id.desc(),
        filters=[
            listing.Filter(
                "state", _("State"), [(str(s), label) for s, label in STATES.items()], lambda v: Quote.state == v
            )
        ],
        search=lambda q: or_(listing.contains(Company.search_key, q), Quote.number.contains(q, autoescape=True)),
        search_hint=_("Company or number"),
        empty=listing.Empty(
            "file-dollar",
            _("No quotes yet"),
            _("Open a card of the board and write its quote there."),
            url_for("exhibitors.board"),
            _("To the board"),
        ),
        row_url=lambda q: url_for("exhibitors.quote", quote_id=q.id),
    )
    return render_template("exhibitors/quotes.html", listing=page)


def _opportunity(opportunity_id: int) -> Opportunity:
    found = sales.find_opportunity(g.edition.id, opportunity_id)
    if found is None:
        abort(404)
    return found


def _get(quote_id: int) -> Quote:
    found = queries.find_quote(g.edition.id, quote_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.SELL)
def new_quote(opportunity_id: int) -> ResponseReturnValue:
    """Write a quote, or the next revision of one (``?of=``)."""
    found = _opportunity(opportunity_id)
    former = _former(found)
    booths = [b for b in sales.list_booths_of_opportunity(found.id) if b.state == "held"]
    form = _form(found, former, booths)
    if request.method == "GET":
        return _write_page(found, former, booths, form)
    if not form.validate_on_submit():
        return _write_page(found, former, booths, form), 422
    chosen = [b for b in booths if str(b.id) in set(form.booths.data or [])]
    currency = form.currency.data or g.edition.currency
    try:
        lines = services.lines_of_booths(chosen, services.sheet_of(g.edition, chosen, currency, found.id))
        if form.m2.data:
            lines += services.lines_of_area(
                g.edition, form.kind.data or "shell", form.m2.data, int(form.open_sides.data or 1), currency
            )
        made = services.create(
            found,
            lines,
            discount=form.discount.data or Decimal(0),
            valid_until=form.valid_until.data,  # type: ignore[arg-type]
            locale=form.locale.data or "zh",
            can=current_principal().can,
            currency=currency,
            replaces=former,
        )
    except RuleRefused as refused:
        if labels.status_of(refused) != 422:
            raise Refused(labels.words(refused), 409, refused.reason.value) from None
        return _write_page(found, former, booths, form, labels.words(refused)), 422
    flash(_("Quote %(number)s is drafted.", number=name_of(made)), "success")
    return redirect(url_for("exhibitors.quote", quote_id=made.id))


def _former(found: Opportunity) -> Quote | None:
    raw = request.args.get("of", "")
    if not raw:
        return None
    former = queries.find_quote(g.edition.id, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
    if former is None or former.opportunity_id != found.id:
        abort(404)
    return former


def _form(found: Opportunity, former: Quote | None, booths: list[Booth]) -> QuoteForm:
    form = QuoteForm()
    prices = services.sheet_of(g.edition, booths, opportunity_id=found.id).prices
    shown = [(b, f"{i18n.bi(b.hall)} · {b.code} · {i18n.m2(b.area_m2)}") for b in booths]
    form.booths.choices = pairs(
        [(str(b.id), f"{text} · {i18n.money(prices[b.id].amount, g.edition.currency)}") for b, text in shown]
    )
    form.currency.choices = pairs([(c, c) for c in booth_prices.currencies(g.edition, _today())])
    form.kind.choices = choices(labels.BOOTH_KINDS)
    if request.method == "GET":
        form.booths.data = [str(b.id) for b in booths]
        form.m2.data = None if booths else found.expected_m2 or None
        form.discount.data = former.discount if former else Decimal(0)
        form.currency.data = former.currency if former else g.edition.currency
        form.valid_until.data = _today() + dt.timedelta(days=USUAL_DAYS)
        form.locale.data = former.locale if former else "zh" if found.company.name_zh else "en"
    return form


def _write_page(found: Opportunity, former: Quote | None, booths: list[Booth], form: QuoteForm, error: str = "") -> str:
    return render_template(
        "exhibitors/quote_form.html",
        opportunity=found,
        former=former,
        former_name=name_of(former) if former else "",
        booths=booths,
        form=form,
        error=error,
        limit=rules.discount_limit(current_principal().can),
        longest=rules.LONGEST_DAYS,
        lost=found.stage == Stage.LOST,
    )


@requires(Permission.VIEW)
def quote(quote_id: int) -> ResponseReturnValue:
    found = _get(quote_id)
    return render_template(
        "exhibitors/quote.html",
        quote=found,
        name=name_of(found),
        revisions=[r for r in queries.list_revisions(found.number) if r.id != found.id],
        name_of=name_of,
        gross=sum((line.amount for line in found.lines), Decimal(0)),
        states=STATES,
        tones=TONES,
        State=QuoteState,
        over=_today() > found.valid_until,
        may_sell=current_principal().can(Permission.SELL),
    )


def _check_version(found: Quote) -> None:
    if request.form.get("version") not in {None, "", str(found.version)}:
        raise Refused(_("A colleague has changed this quote in the meantime. Reload the page and look again."), 409)


@requires(Permission.SELL)
def send_quote(quote_id: int) -> ResponseReturnValue:
    found = _get(quote_id)
    _check_version(found)
    with labels.answering():
        services.send(found)
    flash(_("The quote is marked as sent."), "success")
    return redirect(url_for("exhibitors.quote", quote_id=found.id))


@requires(Permission.SELL)
def decline_quote(quote_id: int) -> ResponseReturnValue:
    found = _get(quote_id)
    _check_version(found)
    with labels.answering():
        services.decline(found)
    flash(_("The quote is marked as declined."), "success")
    return redirect(url_for("exhibitors.quote", quote_id=found.id))


@requires(Permission.SELL)
def accept_quote(quote_id: int) -> ResponseReturnValue:
    """The company said yes: the contract is drafted at the quoted price."""
    found = _get(quote_id)
    _check_version(found)
    with labels.answering():
        made = services.accept(found)
    flash(_("Contract %(number)s is drafted.", number=made.number), "success")
    return redirect(url_for("exhibitors.contract", contract_id=made.id))


@requires(Permission.VIEW)
def quote_file(quote_id: int) -> ResponseReturnValue:
    """The PDF in the quote's language, or in the one asked for (``?language=``)."""
    found = _get(quote_id)
    wanted = request.args.get("language", "")
    locale = wanted if wanted in {"zh", "en"} else found.locale
    response = Response(quote_pdf.render(found, locale), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{found.number}-{found.revision}-{locale}.pdf"'
    return response
