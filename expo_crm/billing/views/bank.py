"""Bank money of a show: statements in, proposed matches, matching by hand, undo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import or_, select

from expo_crm.billing import labels, queries_money
from expo_crm.billing.domain.invoice import PaymentRefused
from expo_crm.billing.domain.matching import Proposal
from expo_crm.billing.domain.statement import FIELDS, StatementRefused
from expo_crm.billing.forms import StatementForm
from expo_crm.billing.models import BankTransaction, Invoice
from expo_crm.billing.services import bank
from expo_crm.billing.services.bank import BankRefused
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.lib import money, text
from expo_crm.sheets.errors import SheetRefused
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

INPUT = {"bank_nothing", "bank_too_much", "bank_twice", "bank_needs_reason", "bank_columns"}


@contextmanager
def answering() -> Iterator[None]:
    """Answer refusals as pages: what was typed 422, what others did 409."""
    try:
        yield
    except BankRefused as refused:
        status = 422 if refused.reason.value in INPUT else 404 if refused.reason == "bank_foreign_invoice" else 409
        if status == 404:
            abort(404)
        raise Refused(labels.words(refused), status, refused.reason.value) from None
    except PaymentRefused as refused:
        facts = {"open": i18n.money(refused.facts.get("open"), g.edition.currency)}
        raise Refused(str(labels.REFUSALS[refused.reason]) % facts, 409, refused.reason.value) from None


@requires(Permission.MONEY)
def transactions() -> ResponseReturnValue:
    form = StatementForm(formdata=None, currency=g.edition.currency)
    return _list(form)


def _list(form: StatementForm) -> str:
    used: dict[int, Decimal] = {}
    best: dict[int, list[Proposal]] = {}

    def load(rows: list[BankTransaction]) -> None:
        used.update(bank.used_of([t.id for t in rows]))
        best.update(bank.proposals(rows))

    def state(item: BankTransaction) -> Markup:
        return listing.pill(labels.BANK_STATES[item.state], labels.BANK_TONES[item.state])

    def guess(item: BankTransaction) -> str:
        found = best.get(item.id, [])
        return f"{found[0].score} % · {reasons(found[0])}" if found else ""

    page = listing.build(
        id="bank",
        query=select(BankTransaction).where(BankTransaction.show_id == g.edition.show_id),
        columns=[
            listing.Column("day", _("Booking day"), lambda t: i18n.date(t.booked_on), sort=BankTransaction.booked_on, kind="date"),
            listing.Column("payer", _("Payer"), lambda t: t.payer or t.remittance or "–", sort=BankTransaction.payer, primary=True),
            listing.Column(
                "amount",
                _("Amount"),
                lambda t: t.amount,
                cell=lambda t: i18n.money(t.amount, t.currency),
                sort=BankTransaction.amount,
                kind="number",
            ),
            listing.Column(
                "left",
                _("Not matched yet"),
                lambda t: t.amount - used[t.id],
                cell=lambda t: i18n.money(t.amount - used[t.id], t.currency) if t.state == "open" else "",
                kind="number",
            ),
            listing.Column("text", _("Remittance text"), lambda t: t.remittance, cell=lambda t: t.remittance[:80], hide_on_phone=True),
            listing.Column("guess", _("Probably"), guess),
            listing.Column("state", _("State"), lambda t: labels.BANK_STATES[t.state], cell=state, kind="status"),
        ],
        default_sort="day",
        default_desc=True,
        tie_break=BankTransaction.id.desc(),
        filters=[
            listing.Filter(
                "state", _("State"), [(k, v) for k, v in labels.BANK_STATES.items()], lambda v: BankTransaction.state == v
            )
        ],
        search=lambda q: or_(
            BankTransaction.payer.contains(q, autoescape=True), BankTransaction.remittance.contains(q, autoescape=True)
        ),
        search_hint=_("Payer or remittance text"),
        empty=listing.Empty(
            "building-bank", _("No bank money yet"), _("Upload a statement of the account; it is matched to invoices here.")
        ),
        row_url=lambda t: url_for("billing.bank_transaction", transaction_id=t.id),
        load=load,
    )
    return render_template(
        "billing/bank.html", listing=page, form=form, statements=queries_money.list_statements(g.edition.show_id), labels=labels
    )


def reasons(found: Proposal) -> str:
    """Why, in words."""
    return str(_(", ")).join(str(labels.REASONS[r]) for r in found.reasons)


@requires(Permission.MONEY)
def upload() -> ResponseReturnValue:
    form = StatementForm()
    if not form.validate_on_submit():
        return _list(form), 422
    file = form.file.data
    try:
        made = bank.upload(
            g.edition.show,
            file.filename or "",
            file.read(),
            currency=form.currency.data or g.edition.currency,
            account=form.account.data or "",
            user_id=current_principal().id,
        )
    except StatementRefused as refused:
        form.file.errors = [labels.WORDS[refused.code]]
        return _list(form), 422
    except SheetRefused:
        form.file.errors = [labels.WORDS["table"]]
        return _list(form), 422
    if made.state == "columns":
        return redirect(url_for("billing.bank_columns", statement_id=made.id))
    return _taken(made)


def _taken(made: Any) -> ResponseReturnValue:
    said = _(
        "%(added)s new, %(known)s known already, %(refused)s lines not read.", added=made.added, known=made.known, refused=made.refused
    )
    flash(" · ".join([said, *labels.lines_not_read(made, 5)]), "success" if not made.refused else "warning")
    return redirect(url_for("billing.bank"))


@requires(Permission.MONEY)
def columns(statement_id: int) -> ResponseReturnValue:
    """Which column of the file is what: a suggestion that a person confirms."""
    found = bank.find_statement(g.edition.show_id, statement_id)
    if found is None:
        abort(404)
    if found.state != "columns":
        return redirect(url_for("billing.bank"))
    with answering():
        table = bank.table_of(found)
    chosen = bank.suggested(table)
    error = ""
    if request.method == "POST":
        given = {field: request.form.get(field, "") for field in FIELDS}
        chosen = {f: int(v) for f, v in given.items() if v.isascii() and v.isdigit() and int(v[:4]) < len(table.headers)}
        try:
            bank.take(found, chosen)
        except BankRefused as refused:
            error = labels.words(refused)
        else:
            return _taken(found)
    page = render_template(
        "billing/bank_columns.html", statement=found, table=table, sample=table.sample(5), chosen=chosen, labels=labels, error=error
    )
    return page, 422 if error else 200


def _get(transaction_id: int) -> BankTransaction:
    found = bank.find(g.edition.show_id, transaction_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.MONEY)
def transaction(transaction_id: int) -> ResponseReturnValue:
    found = _get(transaction_id)
    rest = found.amount - bank.used_of([found.id])[found.id]
    proposed = bank.proposals([found]).get(found.id, [])
    candidates = {o.invoice_id: o for o in bank.open_invoices(found.show_id, found.currency)}
    wanted = text.clean(request.args.get("q", ""))[:60]
    shown = [i for p in proposed for i in p.invoice_ids]
    if wanted:
        key = wanted.casefold()
        shown += [o.invoice_id for o in candidates.values() if key in " ".join((o.number, o.contract, *o.names)).casefold()][:20]
    ids = list(dict.fromkeys(shown))
    rows = db.session.scalars(select(Invoice).join(Company).where(Invoice.id.in_(ids)))
    invoices = {i.id: i for i in rows}
    best = proposed[0] if proposed else None
    amounts = dict(zip(best.invoice_ids, best.amounts, strict=True)) if best and best.score >= 55 else {}
    return render_template(
        "billing/bank_transaction.html",
        item=found,
        rest=rest,
        proposed=proposed,
        reasons=reasons,
        candidates=[(invoices[i], candidates[i]) for i in ids if i in invoices],
        amounts=amounts,
        payments=queries_money.payments_of_transaction(found.id),
        labels=labels,
        q=wanted,
    )


@requires(Permission.MONEY)
def match(transaction_id: int) -> ResponseReturnValue:
    found = _get(transaction_id)
    parts = []
    for name, value in request.form.items(multi=True):
        key = name.removeprefix("amount-")
        if key == name or not value.strip():
            continue
        try:
            amount = money.parse_money(value)
        except money.AmountError:
            raise Refused(_("Please enter a number, for example 1234.50."), 422) from None
        if not key.isdigit() or len(key) > 15:
            abort(404)
        if amount:
            parts.append((int(key), amount))
    version = request.form.get("version", "")
    with answering():
        bank.match(
            found,
            parts,
            rest_to_credit="rest" in request.form,
            version=int(version) if version.isdigit() and len(version) < 9 else 0,
            user_id=current_principal().id,
        )
    flash(_("The money is matched."), "success")
    return redirect(url_for("billing.bank_transaction", transaction_id=found.id))


@requires(Permission.MONEY)
def undo(transaction_id: int) -> ResponseReturnValue:
    found = _get(transaction_id)
    with answering():
        bank.undo(found, text.clean(request.form.get("reason", ""))[:300], user_id=current_principal().id)
    flash(_("The match is undone; each payment was reversed."), "success")
    return redirect(url_for("billing.bank_transaction", transaction_id=found.id))


@requires(Permission.MONEY)
def ignore(transaction_id: int) -> ResponseReturnValue:
    found = _get(transaction_id)
    with answering():
        bank.ignore(found, request.form.get("ignored") == "1")
    return redirect(url_for("billing.bank_transaction", transaction_id=found.id))
