"""Who gets which booth: waiting list, requests from the portal, the space draw, neighbours to keep apart."""

from __future__ import annotations

import re
import secrets
from decimal import Decimal
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory.models import Company
from expo_crm.exhibitors import queries
from expo_crm.exhibitors import queries_inventory as found_in
from expo_crm.exhibitors.domain import space_draw as draw_rules
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.forms import choices
from expo_crm.exhibitors.inventory_forms import DrawForm, FormulaForm, NeighbourForm, WishForm
from expo_crm.exhibitors.models import Booth
from expo_crm.exhibitors.services import booth_requests, neighbours, space_draw, waiting
from expo_crm.exhibitors.views import inventory_words, labels
from expo_crm.exhibitors.views.inventory import company_choices, hall_choices, tabs
from expo_crm.lib import clock, stands, text
from expo_crm.lib.formula import FUNCTIONS, FormulaError
from expo_crm.web import i18n
from expo_crm.web.forms import filled
from expo_crm.web.policy import Permission, current_principal, requires


def _one(found: Any) -> Any:
    """The record, or 404."""
    if found is None:
        abort(404)
    return found


# --- waiting list --------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW)
def waiting_list() -> ResponseReturnValue:
    form = WishForm()
    form.opportunity.choices = [("", _("Choose a company")), *company_choices()]
    form.hall.choices = hall_choices()
    form.kind.choices = choices(labels.BOOTH_KINDS, blank=_("Any kind"))
    may_sell = current_principal().can(Permission.SELL)
    if request.method == "POST" and not may_sell:
        abort(403)
    if form.validate_on_submit() and _wished(form):
        flash(_("The company is on the waiting list."), "success")
        return redirect(url_for("exhibitors.waiting_list"))
    return render_template(
        "exhibitors/inventory/waiting.html",
        wishes=found_in.list_wishes(g.edition.id),
        ended=found_in.list_wishes(g.edition.id, ended=True, limit=20),
        form=form,
        words=inventory_words,
        kinds=labels.BOOTH_KINDS,
        may_sell=may_sell,
        tabs=tabs(),
    ), 422 if form.is_submitted() else 200


def _wished(form: WishForm) -> bool:
    opportunity = _one(queries.find_opportunity(g.edition.id, form.opportunity.data or 0))
    booth = None
    if form.booth_code.data:
        key = stands.stand_key(form.booth_code.data)
        booth = db.session.scalar(
            select(Booth).where(
                Booth.edition_id == g.edition.id, Booth.code_key == (key or ""), Booth.retired_at.is_(None)
            )
        )
        if booth is None:
            form.booth_code.errors = [_("There is no booth with this number.")]
            return False
    try:
        waiting.add(
            opportunity,
            booth=booth,
            hall_id=form.hall.data,
            kind=form.kind.data or "",
            min_m2=filled(form.min_m2),
            max_m2=form.max_m2.data,
            open_sides=form.open_sides.data or 1,
            note=form.note.data or "",
        )
    except RuleRefused as refused:
        form.form_errors.append(labels.words(refused))
        return False
    return True


@requires(Permission.SELL)
def change_wish(wish_id: int) -> ResponseReturnValue:
    """Up, down, off the list."""
    wish = _one(found_in.find_wish(g.edition.id, wish_id))
    action = request.form.get("action", "")
    with labels.answering():
        if action in {"up", "down"}:
            waiting.move(wish, -1 if action == "up" else 1)
        elif action == "remove":
            waiting.remove(wish)
            flash(_("The company is off the waiting list."), "success")
        else:
            abort(404)
    return redirect(url_for("exhibitors.waiting_list"))


@requires(Permission.SELL)
def answer_offer(offer_id: int) -> ResponseReturnValue:
    """The company takes the booth, or does not."""
    offer = _one(found_in.find_offer(g.edition.id, offer_id))
    with labels.answering():
        if request.form.get("answer") == "accept":
            waiting.accept(offer)
            flash(_("The booth is held for the company; draft the contract next."), "success")
            return redirect(url_for("exhibitors.opportunity", opportunity_id=offer.wish.opportunity_id))
        waiting.decline(offer)
    flash(_("The booth goes on to the next company."), "success")
    return redirect(url_for("exhibitors.waiting_list"))


# --- requests ------------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW)
def request_list() -> ResponseReturnValue:
    return render_template(
        "exhibitors/inventory/requests.html",
        requests=found_in.list_requests(g.edition.id),
        decided=found_in.list_requests(g.edition.id, decided=True, limit=30),
        is_open=booth_requests.is_open(g.edition),
        words=inventory_words,
        may_sell=current_principal().can(Permission.SELL),
        tabs=tabs(),
    )


@requires(Permission.SELL)
def decide_request(request_id: int) -> ResponseReturnValue:
    found = _one(found_in.find_request(g.edition.id, request_id))
    reason = text.clean(request.form.get("reason", ""))[:300]
    with labels.answering():
        if request.form.get("decision") == "approve":
            until = booth_requests.approve(found, current_principal().id, despite=reason)
            flash(
                _("Booth %(code)s is held until %(until)s.", code=found.booth.code, until=i18n.datetime_(until)),
                "success",
            )
        else:
            booth_requests.refuse(found, current_principal().id, reason)
            flash(_("The request is refused, and the exhibitor has a mail with the reason."), "success")
    return redirect(url_for("exhibitors.booth_requests"))


# --- the draw ------------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW)
def draw() -> ResponseReturnValue:
    """Formula, who would come first and why, the order that was drawn."""
    found = space_draw.find(g.edition.id)
    formula = FormulaForm(
        formdata=None, formula=found.formula if found and found.formula else draw_rules.DEFAULT_FORMULA
    )
    return _draw_page(found, formula, DrawForm(formdata=None))


def _draw_page(found: Any, formula: FormulaForm, form: DrawForm, status: int = 200) -> ResponseReturnValue:
    scored, error = [], ""
    try:
        scored = space_draw.score(g.edition, formula.formula.data or "")
    except FormulaError as refused:
        error = str(inventory_words.FORMULA_ERRORS[refused.code]) % {"detail": refused.detail}
    principal = current_principal()
    return render_template(
        "exhibitors/inventory/draw.html",
        draw=found,
        slots=space_draw.list_slots(found) if found else [],
        formula=formula,
        form=form,
        scored=scored[:20],
        entrants=len(scored),
        used=set(re.findall(r"[a-z_0-9]+", formula.formula.data or "")),
        error=error,
        names=inventory_words.FORMULA_NAMES,
        functions=[f for f in FUNCTIONS if f != "days"],
        words=inventory_words,
        may_set=principal.can(Permission.SETTINGS),
        tabs=tabs(),
    ), status


@requires(Permission.SETTINGS)
def save_formula() -> ResponseReturnValue:
    form = FormulaForm()
    found = space_draw.find(g.edition.id)
    if not form.validate_on_submit():
        return _draw_page(found, form, DrawForm(formdata=None), 422)
    try:
        space_draw.save_formula(g.edition, form.formula.data or "")
    except FormulaError as refused:
        form.formula.errors = [str(inventory_words.FORMULA_ERRORS[refused.code]) % {"detail": refused.detail}]
        return _draw_page(found, form, DrawForm(formdata=None), 422)
    flash(_("The formula is saved. This is who would come first."), "success")
    return redirect(url_for("exhibitors.space_draw"))


@requires(Permission.SETTINGS)
def hold_draw() -> ResponseReturnValue:
    form = DrawForm()
    found = space_draw.find(g.edition.id)
    formula = FormulaForm(formdata=None, formula=found.formula if found else draw_rules.DEFAULT_FORMULA)
    if not form.validate_on_submit():
        return _draw_page(found, formula, form, 422)
    starts_at = form.starts_at.data.replace(tzinfo=g.edition.zone)  # type: ignore[union-attr]
    try:
        slots = space_draw.hold_draw(
            g.edition,
            seed=form.seed.data or secrets.token_hex(8),
            starts_at=starts_at,
            minutes=form.slot_minutes.data or 15,
            at_once=form.at_once.data or 1,
        )
    except (RuleRefused, OverflowError) as refused:
        form.form_errors.append(
            labels.words(refused)
            if isinstance(refused, RuleRefused)
            else _("Please enter a date between 2000 and 2100.")
        )
        return _draw_page(found, formula, form, 422)
    flash(_("%(count)s turns are drawn.", count=len(slots)), "success")
    return redirect(url_for("exhibitors.space_draw") + "#turns")


@requires(Permission.SELL)
def mail_slots() -> ResponseReturnValue:
    found = _one(space_draw.find(g.edition.id))
    sent, without = space_draw.mail_slots(found)
    flash(
        _("%(sent)s mails are on their way; %(without)s companies have no address.", sent=sent, without=without),
        "success",
    )
    return redirect(url_for("exhibitors.space_draw") + "#turns")


@requires(Permission.VIEW)
def running_order() -> ResponseReturnValue:
    """The screen of the draw day: whose turn it is, who comes next."""
    found = space_draw.find(g.edition.id)
    slots = space_draw.list_slots(found) if found else []
    open_ = [s for s in slots if s.state in {"waiting", "called"}]
    return render_template(
        "exhibitors/inventory/running_order.html",
        slots=slots,
        now_=next((s for s in slots if s.state == "called"), None),
        next_=next((s for s in open_ if s.state == "waiting"), None),
        done=sum(s.state == "done" for s in slots),
        words=inventory_words,
        may_sell=current_principal().can(Permission.SELL),
        late=lambda s: s.state == "waiting" and s.at < clock.now(),
    )


@requires(Permission.SELL)
def set_slot(slot_id: int) -> ResponseReturnValue:
    slot = _one(found_in.find_slot(g.edition.id, slot_id))
    state = request.form.get("state", "")
    if state not in inventory_words.SLOT_STATES:
        abort(404)
    space_draw.set_state(slot, state)
    return redirect(url_for("exhibitors.running_order") + f"#turn-{slot.position}")


# --- neighbours ----------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW)
def neighbour_rules() -> ResponseReturnValue:
    form = NeighbourForm()
    may_sell = current_principal().can(Permission.SELL)
    if request.method == "POST" and not may_sell:
        abort(403)
    if form.validate_on_submit():
        pair = [_company(form, field) for field in (form.company_a, form.company_b)]
        if pair[0] is not None and pair[1] is not None:
            try:
                neighbours.add(g.edition, pair[0], pair[1], form.distance_m.data or Decimal(0), form.reason.data or "")
            except RuleRefused as refused:
                form.form_errors.append(labels.words(refused))
            else:
                flash(_("Saved."), "success")
                return redirect(url_for("exhibitors.neighbour_rules"))
    return render_template(
        "exhibitors/inventory/neighbours.html",
        rules=found_in.list_neighbour_rules(g.edition.id),
        form=form,
        may_sell=may_sell,
        tabs=tabs(),
    ), 422 if form.is_submitted() else 200


def _company(form: NeighbourForm, field: Any) -> Company | None:
    """The one company of this name; what is unclear is said at the field, with those that come near."""
    ids = directory.find_by_name_or_number(field.data)
    found = directory.list_companies(ids[:5])
    if len(found) == 1:
        return found[0]
    exact = [c for c in found if field.data in {c.name_zh, c.name_en}]
    if len(exact) == 1:
        return exact[0]
    if found:
        names = "; ".join(i18n.bi(c) for c in found)
        field.errors = [_("Which one? %(names)s", names=names)]
    else:
        field.errors = [_("There is no company of this name.")]
    return None


@requires(Permission.SELL)
def delete_neighbour_rule(rule_id: int) -> ResponseReturnValue:
    neighbours.remove(_one(found_in.find_neighbour_rule(g.edition.id, rule_id)))
    flash(_("The rule is gone."), "success")
    return redirect(url_for("exhibitors.neighbour_rules"))
