"""Invoices of an edition, one invoice with its payments, its PDF."""

from __future__ import annotations

from decimal import Decimal

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager

from expo_crm.billing import invoice_pdf, labels, queries
from expo_crm.billing.domain.invoice import InvoiceState, PaymentRefused, is_overdue
from expo_crm.billing.forms import PaymentForm
from expo_crm.billing.models import Invoice
from expo_crm.billing.services import dunning, payments
from expo_crm.directory.models import Company
from expo_crm.lib import clock, text
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.forms import filled
from expo_crm.web.policy import Permission, current_principal, requires

UNPAID = (InvoiceState.OPEN, InvoiceState.PARTLY_PAID)


def _state(invoice: Invoice) -> Markup:
    if is_overdue(invoice.state, invoice.due_on, _today()):
        return listing.pill(_("Overdue"), "danger")
    return listing.pill(labels.STATES[invoice.state], labels.TONES[invoice.state])


def _today():  # type: ignore[no-untyped-def]
    return clock.local_day(clock.now(), g.edition.timezone)


@requires(Permission.VIEW)
def invoices() -> ResponseReturnValue:
    received: dict[int, Decimal] = {}

    def got(invoice: Invoice) -> Decimal:
        return received.get(invoice.id, Decimal(0))

    def open_amount(invoice: Invoice) -> Decimal:
        return invoice.total - invoice.credited - got(invoice) if invoice.state in UNPAID else Decimal(0)

    page = listing.build(
        id="invoices",
        query=select(Invoice)
        .join(Invoice.company)
        .where(Invoice.edition_id == g.edition.id)
        .options(contains_eager(Invoice.company)),
        columns=[
            listing.Column("number", _("Number"), lambda i: i.number, sort=Invoice.number, kind="code"),
            listing.Column("company", _("Company"), lambda i: i18n.bi(i.company), sort=Company.sort_key, primary=True),
            listing.Column("kind", _("Kind"), lambda i: labels.KINDS[i.kind], sort=Invoice.kind),
            listing.Column("due", _("Payable by"), lambda i: i18n.date(i.due_on), sort=Invoice.due_on, kind="date"),
            listing.Column(
                "total",
                _("Total"),
                lambda i: i.total,
                cell=lambda i: i18n.money(i.total, i.currency),
                sort=Invoice.total,
                kind="number",
            ),
            listing.Column(
                "received", _("Money received"), got, cell=lambda i: i18n.money(got(i), i.currency), kind="number"
            ),
            listing.Column(
                "open",
                _("Open amount"),
                open_amount,
                cell=lambda i: i18n.money(open_amount(i), i.currency),
                kind="number",
            ),
            listing.Column(
                "state", _("State"), lambda i: labels.STATES[i.state], cell=_state, sort=Invoice.state, kind="status"
            ),
        ],
        default_sort="due",
        tie_break=Invoice.id,
        filters=[
            listing.Filter(
                "state",
                _("State"),
                [(str(s), label) for s, label in labels.STATES.items()],
                lambda v: Invoice.state == v,
            ),
            listing.Filter(
                "kind", _("Kind"), [(str(k), label) for k, label in labels.KINDS.items()], lambda v: Invoice.kind == v
            ),
            listing.Filter(
                "late",
                _("Overdue"),
                [("1", _("Overdue"))],
                lambda _v: Invoice.state.in_(UNPAID) & (Invoice.due_on < _today()),
                kind="check",
            ),
        ],
        search=lambda q: or_(
            listing.contains(Company.search_key, q), Invoice.number.contains(q.upper(), autoescape=True)
        ),
        search_hint=_("Company or number"),
        empty=listing.Empty(
            "receipt", _("No invoices yet"), _("The instalments are invoiced when a contract is signed.")
        ),
        row_url=lambda i: url_for("billing.invoice", invoice_id=i.id),
        load=lambda rows: received.update(queries.received_of(i.id for i in rows)),
    )
    return render_template("billing/invoices.html", listing=page)


def _get(invoice_id: int) -> Invoice:
    found = queries.find_invoice(g.edition.id, invoice_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def invoice(invoice_id: int) -> ResponseReturnValue:
    return _page(_get(invoice_id))


def _page(found: Invoice, form: PaymentForm | None = None) -> str:
    received = sum((p.amount for p in found.payments), Decimal(0))
    if form is None:
        form = PaymentForm(formdata=None, amount=found.total - found.credited - received, received_on=_today(), method="bank")
    reversed_ids = {p.id for p in found.payments if p.amount < 0} | {
        one.id
        for one in found.payments
        if any(p.reference == payments.reversal_reference(one.id) and p.amount < 0 for p in found.payments)
    }
    return render_template(
        "billing/invoice.html",
        invoice=found,
        received=received,
        form=form,
        labels=labels,
        notes=queries.list_notes_of(found.id),
        reminders=dunning.steps_of([found.id]).get(found.id, []),
        late=is_overdue(found.state, found.due_on, _today()),
        reversed_ids=reversed_ids,
        may_book=current_principal().can(Permission.MONEY),
        takes_money=found.state in UNPAID,
    )


def _in_words(refused: PaymentRefused, found: Invoice) -> str:
    facts = {"open": i18n.money(refused.facts.get("open"), found.currency)}
    return str(labels.REFUSALS[refused.reason]) % facts


@requires(Permission.MONEY)
def pay(invoice_id: int) -> ResponseReturnValue:
    found = _get(invoice_id)
    form = PaymentForm()
    if not form.validate_on_submit():
        return _page(found, form), 422
    try:
        payments.record(
            found,
            filled(form.amount),
            filled(form.received_on),
            method=form.method.data,
            reference=form.reference.data or "",
            recorded_by=current_principal().id,
        )
    except PaymentRefused as refused:
        form.form_errors.append(_in_words(refused, found))
        return _page(found, form), 422
    flash(_("The payment is recorded."), "success")
    return redirect(url_for("billing.invoice", invoice_id=found.id))


@requires(Permission.MONEY)
def reverse(invoice_id: int, payment_id: int) -> ResponseReturnValue:
    found = _get(invoice_id)
    payment = queries.find_payment(found.id, payment_id)
    if payment is None:
        abort(404)
    try:
        payments.reverse(
            found, payment, text.clean(request.form.get("reason", ""))[:300], recorded_by=current_principal().id
        )
    except PaymentRefused as refused:
        raise Refused(_in_words(refused, found), 422 if refused.reason == "needs_reason" else 409) from None
    flash(_("The payment is reversed."), "success")
    return redirect(url_for("billing.invoice", invoice_id=found.id))


@requires(Permission.VIEW)
def pdf(invoice_id: int) -> ResponseReturnValue:
    found = _get(invoice_id)
    response = Response(invoice_pdf.render(found, i18n.locale()), mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
    return response
