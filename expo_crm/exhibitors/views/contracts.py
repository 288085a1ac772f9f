"""Contracts of an edition, one contract, its PDF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, selectinload

from expo_crm.audit import services as audit
from expo_crm.billing import labels as invoice_labels
from expo_crm.billing import queries as billing
from expo_crm.billing import queries_money
from expo_crm.billing.domain.invoice import Standing
from expo_crm.billing.services import terms
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.contract import BINDING, ContractRefusal, ContractState
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.extra_form import extra_form
from expo_crm.exhibitors.forms import CancelForm, SignForm
from expo_crm.exhibitors.models import Contract, ContractBooth
from expo_crm.exhibitors.services import booth_prices, contract_changes, schedule, versions
from expo_crm.exhibitors.services import contracts as services
from expo_crm.exhibitors.views import contract_pdf, labels
from expo_crm.lib import clock, money, text
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.forms import filled
from expo_crm.web.policy import Permission, current_principal, requires


def pill(label: object, tone: str) -> Markup:
    """A state as a pill, for a cell of a list."""
    return listing.pill(label, tone)


def _booths(contract: Contract) -> str:
    return "; ".join(sorted(row.booth.code for row in contract.booths))


@requires(Permission.VIEW)
def contracts() -> ResponseReturnValue:
    paid: dict[int, Standing] = {}

    def load(rows: list[Contract]) -> None:
        paid.update(billing.standings_of(c.id for c in rows))

    def received(contract: Contract) -> Decimal:
        return paid[contract.id].received

    page = listing.build(
        id="contracts",
        query=select(Contract)
        .join(Contract.company)
        .where(Contract.edition_id == g.edition.id)
        .options(contains_eager(Contract.company), selectinload(Contract.booths).joinedload(ContractBooth.booth)),
        columns=[
            listing.Column("number", _("Number"), lambda c: c.number, sort=Contract.number, kind="code"),
            listing.Column("company", _("Company"), lambda c: i18n.bi(c.company), sort=Company.sort_key, primary=True),
            listing.Column("booths", _("Booths"), _booths),
            listing.Column(
                "m2",
                _("Net m²"),
                lambda c: c.net_m2,
                cell=lambda c: i18n.m2(c.net_m2),
                sort=Contract.net_m2,
                kind="number",
            ),
            listing.Column(
                "total",
                _("Total"),
                lambda c: c.total,
                cell=lambda c: i18n.money(c.total, c.currency),
                sort=Contract.total,
                kind="number",
            ),
            listing.Column(
                "received",
                _("Money received"),
                received,
                cell=lambda c: i18n.money(received(c), c.currency),
                kind="number",
            ),
            listing.Column(
                "state",
                _("State"),
                lambda c: labels.CONTRACT_STATES[c.state],
                cell=lambda c: pill(labels.CONTRACT_STATES[c.state], labels.CONTRACT_TONES[c.state]),
                sort=Contract.state,
                kind="status",
            ),
            listing.Column(
                "created",
                _("Drafted"),
                lambda c: i18n.date(c.created_at),
                sort=Contract.created_at,
                kind="date",
                hide_on_phone=True,
            ),
        ],
        default_sort="created",
        default_desc=True,
        tie_break=Contract.id.desc(),
        filters=[
            listing.Filter(
                "state",
                _("State"),
                [(str(s), label) for s, label in labels.CONTRACT_STATES.items()],
                lambda v: Contract.state == v,
            )
        ],
        search=lambda q: or_(listing.contains(Company.search_key, q), Contract.number.contains(q, autoescape=True)),
        search_hint=_("Company or number"),
        empty=listing.Empty(
            "file-text",
            _("No contracts yet"),
            _("Hold a booth for a company and draft its contract from there."),
            url_for("exhibitors.board"),
            _("To the board"),
        ),
        row_url=lambda c: url_for("exhibitors.contract", contract_id=c.id),
        load=load,
    )
    return render_template("exhibitors/contracts.html", listing=page)


def _get(contract_id: int) -> Contract:
    found = queries.find_contract(g.edition.id, contract_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def contract(contract_id: int) -> ResponseReturnValue:
    return _page(_get(contract_id))


def _page(found: Contract, sign: SignForm | None = None, cancel: CancelForm | None = None) -> str:
    today = clock.local_day(clock.now(), g.edition.timezone)
    if sign is None:
        sign = SignForm(formdata=None, signed_on=today)
    invoices = billing.list_invoices_of_contract(found.id)
    may_sell = current_principal().can(Permission.SELL)
    addable = contract_changes.list_addable(found) if found.state in BINDING else []
    return render_template(
        "exhibitors/contract.html",
        contract=found,
        plan=schedule.of(found, today, invoices),
        invoices=invoices,
        received=billing.received_of(i.id for i in invoices),
        labels=labels,
        invoice_labels=invoice_labels,
        sign=sign,
        cancel=cancel or CancelForm(formdata=None),
        fee=services.fee_today(found) if found.state in BINDING else None,
        moved=services.price_moved(found) if may_sell else None,
        may_keep=current_principal().can(Permission.MONEY),
        own_plan=terms.has_own_plan(found.id),
        other_currencies=_other_currencies(found) if may_sell else [],
        added_prices=contract_changes.prices_today(found, addable).prices if addable else {},
        versions=versions.list_of(found.id),
        addable=addable,
        orders=[line for line in queries_money.orders_of(found.edition_id, found.company_id) if line.contract_id == found.id],
        order_form=extra_form(g.edition, formdata=None),
        may_sell=may_sell,
        today=today,
        State=ContractState,
    )


def _other_currencies(found: Contract) -> list[services.Moved]:
    """What a draft would cost in the other currencies that have a price list and a rate; none while extras stand on it."""
    if found.state != ContractState.DRAFT or any(line.order_line_id for line in found.lines):
        return []
    out = []
    for currency in booth_prices.currencies(found.edition, booth_prices.today_of(found.edition)):
        try:
            moved = services.price_moved(found, currency) if currency != found.currency else None
            if moved is not None:
                booth_prices.in_home_currency(found.edition, moved.after, currency)
                out.append(moved)
        except RuleRefused:
            continue
    return out


@requires(Permission.SELL)
def reprice(contract_id: int) -> ResponseReturnValue:
    """Today's prices, or those of another currency, on a draft; only the sum that was on the screen is taken."""
    found = _get(contract_id)
    try:
        expected = money.parse_money(request.form.get("expected", ""), maximum=money.MAX_AMOUNT)
    except money.AmountError:
        raise Refused(_("Reload the page and look at the prices again."), 422) from None
    with answering(found):
        contract_changes.reprice(found, expected, currency=request.form.get("currency", "")[:3], version=version_of_form())
    flash(_("The draft has new prices: %(total)s with tax.", total=i18n.money(found.total, found.currency)), "success")
    return redirect(url_for("exhibitors.contract", contract_id=found.id))


@requires(Permission.MONEY)
def keep_price(contract_id: int) -> ResponseReturnValue:
    """A draft keeps its prices although the list says others by now: for those who answer for the money, with a reason."""
    found = _get(contract_id)
    with answering(found):
        contract_changes.keep_price(found, text.clean(request.form.get("reason", ""))[:300], version_of_form())
    flash(_("The draft keeps its prices."), "success")
    return redirect(url_for("exhibitors.contract", contract_id=found.id))


@requires(Permission.SELL)
def send(contract_id: int) -> ResponseReturnValue:
    found = _get(contract_id)
    with answering(found):
        services.send(found, contract_pdf.render(found, services.amounts(found)))
    flash(_("The contract is marked as sent."), "success")
    return redirect(url_for("exhibitors.contract", contract_id=found.id))


@requires(Permission.SELL)
def sign(contract_id: int) -> ResponseReturnValue:
    found = _get(contract_id)
    form = SignForm()
    if not form.validate_on_submit():
        return _page(found, sign=form), 422
    with answering(found):
        services.sign(found, form.signed_by.data or "", filled(form.signed_on))
    flash(_("Signed: the booths are sold, the instalments are invoiced."), "success")
    return redirect(url_for("exhibitors.contract", contract_id=found.id))


@requires(Permission.SELL)
def cancel(contract_id: int) -> ResponseReturnValue:
    found = _get(contract_id)
    form = CancelForm()
    if not form.validate_on_submit():
        return _page(found, cancel=form), 422
    with answering(found):
        services.cancel(found, form.reason.data or "", version_of_form())
    flash(_("The contract is cancelled and its booths are free."), "success")
    return redirect(url_for("exhibitors.contract", contract_id=found.id))


TOLD = {
    "contract.draft": _l("drafted"),
    "contract.reprice": _l("new prices"),
    "contract.keep_price": _l("keeps its prices"),
    "contract.send": _l("sent"),
    "contract.accept": _l("accepted"),
    "contract.sign": _l("signed"),
    "contract.amend": _l("amended"),
    "contract.cancel": _l("cancelled"),
    "contract.booth_moved": _l("booth moved"),
    "contract.signed_copy": _l("signed copy filed"),
    "contract.follow_payment": _l("payment arrived"),
}
"""What was done to a contract, for who had it open meanwhile."""


@contextmanager
def answering(found: Contract) -> Iterator[None]:
    """As ``labels.answering``; whose page is older than the contract is told what was done since, and how it stands."""
    seen = version_of_form()
    try:
        with labels.answering():
            yield
    except Refused as refused:
        if refused.code != ContractRefusal.STALE.value:
            raise
        db.session.refresh(found)
        missed = min(max(found.version - (seen or found.version), 1), 5)
        done = [
            f"{i18n.time_(entry.at)} {entry.actor_name}: {TOLD.get(entry.action, entry.action)}"
            for entry in reversed(audit.last_changes("contract", found.id, missed))
        ]
        raise Refused(
            _(
                "Somebody else has changed this contract since you opened it: %(done)s. It stands now at %(state)s, %(area)s, %(total)s. "
                "Nothing of yours was stored.",
                done="; ".join(done),
                state=labels.CONTRACT_STATES[found.state],
                area=i18n.m2(found.net_m2),
                total=i18n.money(found.total, found.currency),
            ),
            409,
            refused.code,
        ) from None


def version_of_form() -> int | None:
    """The version that the page showed when the button was pressed; None where the form has none."""
    shown = request.form.get("version", "")
    return int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 9 else None


@requires(Permission.VIEW)
def pdf(contract_id: int) -> ResponseReturnValue:
    found = _get(contract_id)
    response = Response(contract_pdf.render(found, services.amounts(found)), mimetype="application/pdf")
    disposition = "attachment" if request.args.get("download") else "inline"
    response.headers["Content-Disposition"] = f'{disposition}; filename="{found.number}.pdf"'
    return response
