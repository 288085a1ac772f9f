"""/portal/…/services: the catalogue of extras, what was ordered, and "we need nothing"."""

from __future__ import annotations

import unicodedata
from itertools import groupby

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from expo_crm.billing import labels as money_labels
from expo_crm.billing.models import OrderLine
from expo_crm.billing.services import extras
from expo_crm.billing.services.extras import OrderRefused
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_tasks as queries
from expo_crm.exhibitors.domain.portal import TaskKey
from expo_crm.exhibitors.models import PortalWaiver
from expo_crm.exhibitors.portal_frame import enter
from expo_crm.exhibitors.services import portal_extras, portal_tasks
from expo_crm.exhibitors.services.portal_extras import ProductRefused
from expo_crm.exhibitors.views import labels
from expo_crm.web.errors import Refused
from expo_crm.web.policy import exhibitor


@exhibitor()
def services_page(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    if request.method == "POST":
        portal_tasks.set_waiver(here, TaskKey.SERVICES, request.form.get("nothing") == "1")
        flash(_("Saved."), "success")
        return _back(here)
    return _page(here)


def _page(here: Participation, typed: dict[int, str] | None = None, errors: dict[int, str] | None = None) -> str:
    today = portal_tasks.today_at(here.edition)
    orders = portal_extras.list_orders(here)
    offers = portal_extras.list_offers(here)
    return render_template(
        "exhibitors/portal/services.html",
        here=here,
        kinds=[(money_labels.PRODUCT_KINDS[kind], list(rows)) for kind, rows in groupby(offers, key=lambda o: o.product.kind)],
        some_open=any(o.open for o in offers),
        typed=typed or {},
        errors=errors or {},
        lines=[line for line in orders if line.state != "cancelled"],
        changeable={line.id for line in orders if portal_extras.can_change(here, line, today)},
        until={line.id: portal_extras.last_day(here, line.product) for line in orders},
        states=money_labels.ORDER_STATES,
        tones=money_labels.ORDER_TONES,
        waived=db.session.scalar(
            select(PortalWaiver).where(PortalWaiver.participation_id == here.id, PortalWaiver.key == TaskKey.SERVICES.value)
        ),
        due=queries.task_rules(here.edition)[TaskKey.SERVICES].due_on,
    )


def _back(here: Participation) -> ResponseReturnValue:
    return redirect(url_for("exhibitors.portal_services", participation_id=here.id))


def _number(raw: str) -> int:
    """A quantity as typed, in full-width digits too; 0 for what is none, which no order takes."""
    raw = unicodedata.normalize("NFKC", raw).strip()
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 8 else 0


@exhibitor()
def place(participation_id: int) -> ResponseReturnValue:
    """Order what has a quantity, all or nothing; a refusal stands beside its product and everything typed is kept."""
    here = enter(participation_id)
    fields = {name.removeprefix("q-"): value.strip()[:12] for name, value in request.form.items() if name.startswith("q-")}
    typed = {_number(key): value for key, value in fields.items() if value not in {"", "0", "０"} and _number(key)}
    wanted = {key: _number(value) for key, value in typed.items()}
    if not wanted:
        return _page(here, errors={0: _("Enter how many pieces you need.")}), 422
    try:
        with labels.answering():
            made = portal_extras.order(here, wanted)
    except ProductRefused as refused:
        return _page(here, typed, {refused.product_id: money_labels.words(refused.reason)}), 422
    flash(_("Ordered: %(count)s items. You get a confirmation by mail.", count=len(made)), "success")
    return _back(here)


def _line(here: Participation, line_id: int) -> OrderLine:
    found = extras.find_line(here.edition_id, line_id)
    if found is None or found.company_id != here.company_id:
        abort(404)
    return found


@exhibitor()
def change(participation_id: int, line_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = _line(here, line_id)
    try:
        with labels.answering():
            portal_extras.change(here, found, _number(request.form.get("quantity", "").strip()))
    except OrderRefused as refused:
        raise Refused(money_labels.words(refused), 422 if refused.reason == "order_quantity" else 409, refused.reason.value) from None
    flash(_("Your order is changed."), "success")
    return _back(here)


@exhibitor()
def cancel(participation_id: int, line_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = _line(here, line_id)
    try:
        with labels.answering():
            portal_extras.cancel(here, found)
    except OrderRefused as refused:
        raise Refused(money_labels.words(refused), 409, refused.reason.value) from None
    flash(_("The order is cancelled."), "success")
    return _back(here)
