"""Amending a contract, its extras, its versions and signed copies."""

from __future__ import annotations

from decimal import Decimal

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.billing import labels as money_labels
from expo_crm.billing import plan_rows
from expo_crm.billing.services import extras, terms
from expo_crm.billing.services.extras import OrderRefused
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.contract import BINDING, ContractState
from expo_crm.exhibitors.extra_form import extra_form
from expo_crm.exhibitors.models import Contract, ContractVersion
from expo_crm.exhibitors.services import contract_changes, contracts, versions
from expo_crm.exhibitors.views import contract_pdf
from expo_crm.exhibitors.views.contracts import answering, version_of_form
from expo_crm.lib import money, text
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, requires


def _get(contract_id: int) -> Contract:
    found = queries.find_contract(g.edition.id, contract_id)
    if found is None:
        abort(404)
    return found


def _back(found: Contract) -> ResponseReturnValue:
    return redirect(url_for("exhibitors.contract", contract_id=found.id))


def _ids(name: str) -> list[int]:
    return [int(v) for v in request.form.getlist(name)[:200] if v.isascii() and v.isdigit() and len(v) < 16]


@requires(Permission.SELL)
def amend(contract_id: int) -> ResponseReturnValue:
    """Booths in and out and a discount, in one new version."""
    found = _get(contract_id)
    try:
        off = money.parse_money(request.form.get("discount", "").strip() or "0", maximum=Decimal(99999999))
    except money.AmountError:
        raise Refused(_("Please enter a number, for example 1234.50."), 422) from None
    with answering(found):
        _keep_pdf(found)
        done = contract_changes.amend(
            found,
            add=_ids("add"),
            release=_ids("release"),
            discount=off or None,
            reason=text.clean(request.form.get("reason", ""))[:300],
            despite=text.clean(request.form.get("despite", ""))[:300],
            version=version_of_form(),
        )
    _keep_pdf(found)
    shown = i18n.money(abs(done.difference), found.currency)
    if done.invoice:
        flash(_("New version made; %(amount)s more is invoiced.", amount=shown), "success")
    elif done.notes:
        flash(_("New version made; %(amount)s is credited.", amount=shown), "success")
    else:
        flash(_("New version made."), "success")
    if done.fee:
        flash(_("Fee for the space given back: %(fee)s", fee=i18n.money(done.fee, found.currency)), "warning")
    return _back(found)


def _keep_pdf(found: Contract) -> None:
    """The PDF of the version as it stands, so that it can be read when there are later ones."""
    version = versions.current(found)
    if found.state in BINDING and not version.pdf_hash:
        versions.keep_file(version, contract_pdf.render(found, contracts.amounts(found)))


@requires(Permission.MONEY)
def plan(contract_id: int) -> ResponseReturnValue:
    """The payment plan of one draft, in its currency: by days or dates, the sum checked against the total."""
    found = _get(contract_id)
    if request.method == "GET":
        own = terms.plan_of(found.edition_id, found.id)
        return _plan_page(found, [plan_rows.cells(s) for s in own])
    rows = plan_rows.typed(request.form)
    try:
        with answering(found):
            contract_changes.set_plan(found, [plan_rows.step(row, dates=True) for row in rows], version_of_form())
    except terms.PlanRefused as refused:
        missed = i18n.money(abs(refused.difference), found.currency)
        return _plan_page(found, rows, str(money_labels.WORDS[refused.reason]) % {"difference": missed}), 422
    except ValueError:
        words = _("Each step needs a name, a value from 0 to 99,999,999 (per cent up to 100) and days from 0 to 1,000 or a date.")
        return _plan_page(found, rows, words), 422
    flash(_("Saved."), "success")
    return _back(found)


def _plan_page(found: Contract, rows: list[dict[str, str]], error: str = "") -> str:
    return render_template(
        "exhibitors/contract_plan.html",
        contract=found,
        plan=plan_rows.padded(rows),
        labels=money_labels,
        parts=contracts.amounts(found),
        error=error,
        fixed=found.state != ContractState.DRAFT,
    )


@requires(Permission.SELL)
def add_extra(contract_id: int) -> ResponseReturnValue:
    found = _get(contract_id)
    form = extra_form(g.edition)
    if not form.validate_on_submit():
        raise Refused(next(iter(next(iter(form.errors.values()))), _("Please check your input.")), 422)
    product = extras.find_product(g.edition.id, form.product.data)
    if product is None:
        abort(404)
    try:
        with answering(found):
            contract_changes.add_extra(found, product, form.quantity.data or 0)
    except OrderRefused as refused:
        raise Refused(money_labels.words(refused), 409, refused.reason.value) from None
    flash(_("Ordered."), "success")
    return _back(found)


@requires(Permission.SELL)
def drop_extra(contract_id: int, line_id: int) -> ResponseReturnValue:
    found = _get(contract_id)
    line = extras.find_line(g.edition.id, line_id)
    if line is None or line.contract_id != found.id:
        abort(404)
    try:
        with answering(found):
            contract_changes.drop_extra(found, line)
    except OrderRefused as refused:
        raise Refused(money_labels.words(refused), 409, refused.reason.value) from None
    flash(_("The order is cancelled."), "success")
    return _back(found)


def _version(contract_id: int, number: int) -> tuple[Contract, ContractVersion]:
    found = _get(contract_id)
    version = versions.find(found.id, number)
    if version is None:
        abort(404)
    return found, version


@requires(Permission.SELL)
def upload(contract_id: int, number: int) -> ResponseReturnValue:
    """The signed copy, scanned or photographed."""
    found, version = _version(contract_id, number)
    file = request.files.get("file")
    with answering(found):
        versions.keep_signed(version, (file.filename or "") if file else "", file.read() if file else b"")
    flash(_("The signed copy is kept."), "success")
    return _back(found)


@requires(Permission.VIEW)
def signed_copy(contract_id: int, number: int) -> ResponseReturnValue:
    found, version = _version(contract_id, number)
    data = versions.signed_file(version)
    if data is None:
        abort(404)
    suffix = version.signed_file.rpartition(".")[2]
    return attachment(data, version.signed_type, f"{found.number}-v{version.number}-signed.{suffix}")


@requires(Permission.VIEW)
def kept_pdf(contract_id: int, number: int) -> ResponseReturnValue:
    """The PDF of a version as it went out."""
    found, version = _version(contract_id, number)
    data = versions.kept_file(version)
    if data is None:
        abort(404)
    return attachment(data, "application/pdf", f"{found.number}-v{version.number}.pdf")


def attachment(data: bytes, media_type: str, name: str) -> Response:
    """A file to be saved, never shown in the page's own origin."""
    response = Response(data, mimetype=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
