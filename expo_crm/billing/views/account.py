"""What is due in an edition, and the account of one company: invoices, money, credit, orders; also as a PDF."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from expo_crm.billing import account_pdf, labels, queries, queries_money
from expo_crm.billing.domain.invoice import InvoiceKind, PaymentRefused
from expo_crm.billing.forms import OrderForm
from expo_crm.billing.models import Dunning, Invoice, OrderLine
from expo_crm.billing.services import credits, dunning, extras, payments, terms
from expo_crm.billing.services.extras import OrderRefused
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.lib import clock, money, text
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires


@requires(Permission.VIEW)
def due() -> ResponseReturnValue:
    """Every open invoice by its due day, with the reminders written; sums by currency on top."""
    today = clock.local_day(clock.now(), g.edition.timezone)
    received: dict[int, Decimal] = {}
    sent: dict[int, list[Dunning]] = {}

    def load(rows: list[Invoice]) -> None:
        ids = [i.id for i in rows]
        received.update(queries.received_of(ids))
        sent.update(dunning.steps_of(ids))

    def asked(invoice: Invoice) -> Decimal:
        return invoice.total - invoice.credited - received.get(invoice.id, Decimal(0))

    def late(invoice: Invoice) -> int:
        return max((today - invoice.due_on).days, 0)

    def reminder(invoice: Invoice) -> str:
        if invoice.dunning_stopped:
            return str(_("stopped"))
        rows = sent.get(invoice.id, [])
        return f"{labels.STEPS[rows[-1].step]} · {i18n.date(rows[-1].sent_at)}" if rows else ""

    page = listing.build(
        id="due",
        query=select(Invoice)
        .join(Invoice.company)
        .where(Invoice.edition_id == g.edition.id, Invoice.state.in_(("open", "partly_paid")), Invoice.kind != InvoiceKind.CREDIT.value)
        .options(contains_eager(Invoice.company)),
        columns=[
            listing.Column("due", _("Payable by"), lambda i: i18n.date(i.due_on), sort=Invoice.due_on, kind="date"),
            listing.Column("company", _("Company"), lambda i: i18n.bi(i.company), sort=Company.sort_key, primary=True),
            listing.Column("number", _("Number"), lambda i: i.number, sort=Invoice.number, kind="code"),
            listing.Column("kind", _("Kind"), lambda i: labels.KINDS[i.kind], hide_on_phone=True),
            listing.Column("open", _("Open amount"), asked, cell=lambda i: i18n.money(asked(i), i.currency), kind="number"),
            listing.Column("late", _("Days overdue"), late, cell=lambda i: i18n.number(late(i)) if late(i) else "", kind="number"),
            listing.Column("reminder", _("Last reminder"), reminder),
        ],
        default_sort="due",
        tie_break=Invoice.id,
        filters=[listing.Filter("late", _("Overdue"), [("1", _("Overdue"))], lambda _v: Invoice.due_on < today, kind="check")],
        search=lambda q: listing.contains(Company.search_key, q) | Invoice.number.contains(q.upper(), autoescape=True),
        search_hint=_("Company or number"),
        empty=listing.Empty("calendar-due", _("No open invoices"), _("All invoices of this edition are paid.")),
        row_url=lambda i: url_for("billing.invoice", invoice_id=i.id),
        load=load,
    )
    return render_template(
        "billing/due.html",
        listing=page,
        sums=queries_money.sums_by_currency(g.edition.id, today),
        rates=terms.rates_of(g.edition.id),
        terms=terms.find(g.edition.id),
    )


@requires(Permission.MONEY)
def stop(invoice_id: int) -> ResponseReturnValue:
    found = queries.find_invoice(g.edition.id, invoice_id)
    if found is None:
        abort(404)
    dunning.stop(found, request.form.get("stopped") == "1", text.clean(request.form.get("reason", ""))[:300])
    return redirect(url_for("billing.invoice", invoice_id=found.id))


def _company(company_id: int) -> Company:
    """A company that has an invoice or an order in this edition, or takes part in it."""
    found = db.session.get(Company, company_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def account(company_id: int) -> ResponseReturnValue:
    return _page(_company(company_id))


def _page(company: Company, form: OrderForm | None = None) -> str:
    today = clock.local_day(clock.now(), g.edition.timezone)
    form = form or order_form(g.edition, formdata=None)
    balances = credits.balances(company.id)
    unpaid = [
        i
        for i in queries.list_invoices_of_company(company.id, g.edition.id)
        if i.state in queries_money.UNPAID and i.currency in balances and i.kind != InvoiceKind.CREDIT
    ]
    return render_template(
        "billing/account.html",
        company=company,
        account=queries_money.account_of(g.edition.id, company.id),
        balances=balances,
        unpaid=unpaid,
        orders=queries_money.orders_of(g.edition.id, company.id),
        form=form,
        labels=labels,
        today=today,
        may_book=current_principal().can(Permission.MONEY),
        may_order=current_principal().can(Permission.SELL),
    )


def order_form(edition, **kw) -> OrderForm:  # type: ignore[no-untyped-def]
    """The form of an order with what is on sale today; shown prices are for reading only."""
    form = OrderForm(**kw)
    today = clock.local_day(clock.now(), edition.timezone)
    form.product.choices = [
        (p.id, f"{p.code} · {i18n.bi(p)} · {i18n.money(p.price, p.currency)}") for p in extras.list_on_sale(edition.id, today)
    ]
    return form


@contextmanager
def answering() -> Iterator[None]:
    """Answer refusals of orders as pages."""
    try:
        yield
    except OrderRefused as refused:
        status = 422 if refused.reason in {"order_quantity", "order_too_much"} else 409
        raise Refused(labels.words(refused), status, refused.reason.value) from None


@requires(Permission.SELL)
def place_order(company_id: int) -> ResponseReturnValue:
    company = _company(company_id)
    form = order_form(g.edition)
    if not form.validate_on_submit():
        return _page(company, form), 422
    product = extras.find_product(g.edition.id, form.product.data)
    if product is None:
        abort(404)
    with answering():
        extras.order(g.edition, company, product, form.quantity.data or 0, user_id=current_principal().id)
    flash(_("Ordered."), "success")
    return redirect(url_for("billing.account", company_id=company.id))


def _line(company_id: int, line_id: int) -> OrderLine:
    found = extras.find_line(g.edition.id, line_id)
    if found is None or found.company_id != company_id:
        abort(404)
    return found


@requires(Permission.SELL)
def cancel_order(company_id: int, line_id: int) -> ResponseReturnValue:
    found = _line(company_id, line_id)
    if found.state == "on_contract":
        raise Refused(_("This order stands on a contract. Take it off there."), 409)
    with answering():
        extras.cancel(found)
    flash(_("The order is cancelled."), "success")
    return redirect(url_for("billing.account", company_id=company_id))


@requires(Permission.MONEY)
def invoice_orders(company_id: int) -> ResponseReturnValue:
    company = _company(company_id)
    made = extras.invoice_open(g.edition, company)
    if not made:
        raise Refused(_("There is nothing to be invoiced."), 409)
    flash(_("Invoiced: %(numbers)s", numbers=", ".join(i.number for i in made)), "success")
    return redirect(url_for("billing.account", company_id=company.id))


@requires(Permission.MONEY)
def use_credit(company_id: int, invoice_id: int) -> ResponseReturnValue:
    company = _company(company_id)
    found = queries.find_invoice(g.edition.id, invoice_id)
    if found is None or found.company_id != company.id:
        abort(404)
    received = sum((p.amount for p in found.payments), Decimal(0))
    amount = min(credits.balance(company.id, found.currency), found.total - found.credited - received)
    try:
        payments.pay_from_credit(found, money.quantize(amount), recorded_by=current_principal().id)
    except PaymentRefused as refused:
        facts = {"open": i18n.money(refused.facts.get("open"), found.currency)}
        raise Refused(str(labels.REFUSALS[refused.reason]) % facts, 409) from None
    flash(_("%(amount)s of the credit were used.", amount=i18n.money(amount, found.currency)), "success")
    return redirect(url_for("billing.account", company_id=company.id))


@requires(Permission.VIEW)
def pdf(company_id: int) -> ResponseReturnValue:
    company = _company(company_id)
    data = account_pdf.render(
        g.edition,
        company,
        queries_money.account_of(g.edition.id, company.id),
        credits.balances(company.id),
        clock.local_day(clock.now(), g.edition.timezone),
        i18n.locale(),
    )
    response = Response(data, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="account-{company.id}.pdf"'
    return response
