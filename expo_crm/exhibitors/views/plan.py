"""The hall plan: booths in their colours, and what can be done with one."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from flask import (
    Response,
    abort,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.exhibitors import queries, queries_plan
from expo_crm.exhibitors.domain.booth import BoothState, Grid, Rect, effective_state
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.forms import BoothForm, GridForm, choices
from expo_crm.exhibitors.models import Booth, Opportunity
from expo_crm.exhibitors.queries_plan import OnPlan
from expo_crm.exhibitors.services import booth_prices, booths, contracts, neighbours, plan_moves
from expo_crm.exhibitors.views import labels, plan_colours, plan_words
from expo_crm.exhibitors.views.opportunity import HOLD_DAYS, hold_days
from expo_crm.exhibitors.views.plan_drawing import MANY, SCALE, Drawn, Words, choosable, draw
from expo_crm.lib import clock, stands, text
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Hall
from expo_crm.web import conflicts, i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

MOST_CODES = 300
MOVABLE = (BoothState.HELD, BoothState.RESERVED, BoothState.SOLD)


def draw_all(booths: list[OnPlan], mode: str = "state") -> list[Drawn]:
    """Every booth of a hall in the colours of a mode."""
    now, here = clock.now(), _here()
    tinted = plan_colours.tints(
        mode, booths, g.edition, lambda b: effective_state(b.state, b.held_until, now).value, here
    )
    words = Words()
    return [draw(b, now, here, tinted.get(b.id), words) for b in booths]


def _mode() -> str:
    found = request.args.get("colour", "state")
    return found if found in plan_colours.MODES else "state"


def _here() -> frozenset[int]:
    """Who has come, as the package of the show days knows; empty before the first one and without that package."""
    ask = current_app.extensions.get("expo_arrivals")
    return frozenset(ask(g.edition.id)) if ask else frozenset()


def _legend(drawn: list[Drawn]) -> list[dict[str, Any]]:
    out = []
    if any(d.tint for d in drawn):
        for tint in sorted({d.tint for d in drawn if d.tint}, key=lambda t: (t.number == 0, t.number)):
            areas = [d.booth.area_m2 for d in drawn if d.tint == tint]
            facts = {"count": len(areas), "m2": sum(areas, Decimal(0))}
            out.append({"state": f"tint-{tint.number}", "label": tint.label, "letter": tint.letter, **facts})
        return out
    for state in BoothState:
        mine = [d for d in drawn if d.state == state]
        area = sum((d.booth.area_m2 for d in mine), Decimal(0))
        out.append(
            {
                "state": state.value,
                "label": labels.BOOTH_STATES[state],
                "letter": labels.booth_letter(state),
                "count": len(mine),
                "m2": area,
            }
        )
    came = [d for d in drawn if d.arrived]
    if came:
        area = sum((d.booth.area_m2 for d in came), Decimal(0))
        label = _("Exhibitor has arrived")
        out.append({"state": "arrived", "label": label, "letter": "✓", "count": len(came), "m2": area})
    return out


def _hall(halls: list[Hall]) -> Hall | None:
    wanted = request.args.get("hall", "")
    return next((h for h in halls if h.code == wanted), halls[0] if halls else None)


@requires(Permission.VIEW)
def plan() -> ResponseReturnValue:
    halls = shows.list_halls(g.edition.id)
    hall = _hall(halls)
    now = clock.now()
    mode = _mode()
    drawn = draw_all(queries_plan.list_on_plan(hall.id), mode) if hall else []
    q = text.clean(request.args.get("q", ""))[:60]
    found = [draw(b, now) for b in queries.search_booths(g.edition.id, q)] if q else []
    raw = request.args.get("booth", "")
    chosen = next((d for d in drawn if str(d.booth.id) == raw), None) if raw else None
    as_list = request.args.get("view") == "list"
    saleable = sum((d.booth.area_m2 for d in drawn if d.state != BoothState.BLOCKED), Decimal(0))
    sold = sum((d.booth.area_m2 for d in drawn if d.state == BoothState.SOLD), Decimal(0))
    return render_template(
        "exhibitors/plan.html",
        halls=halls,
        hall=hall,
        drawn=drawn,
        legend=_legend(drawn),
        chosen=chosen,
        q=q,
        found=found,
        labels=labels,
        as_list=as_list,
        booths="" if as_list else choosable(drawn, chosen.booth.id if chosen else None),
        saleable=saleable,
        sold=sold,
        may_draw=current_principal().can(Permission.SETTINGS),
        may_sell=current_principal().can(Permission.SELL),
        modes=plan_colours.MODES,
        mode=mode,
        panel=_panel_html(_get(chosen.booth.id)) if chosen else "",
        scale=SCALE,
        many=len(drawn) > MANY,
    )


@requires(Permission.VIEW)
def booth_states(hall_code: str) -> ResponseReturnValue:
    """What the plan asks every few seconds: state, sign, label and mark of each booth, and the counts."""
    hall = queries.find_hall(g.edition.id, hall_code)
    if hall is None:
        abort(404)
    drawn = draw_all(queries_plan.list_on_plan(hall.id), _mode())
    answer = jsonify(
        booths={str(d.booth.id): [d.look, d.letter, d.label, d.truth] for d in drawn},
        legend={
            item["state"]: _("%(count)s · %(area)s", count=item["count"], area=i18n.m2(item["m2"]))
            for item in _legend(drawn)
        },
    )
    answer.add_etag()
    return answer.make_conditional(request)  # mostly nothing has changed, and nothing is sent then


def _get(booth_id: int) -> Booth:
    found = queries.find_booth(g.edition.id, booth_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def booth(booth_id: int) -> ResponseReturnValue:
    """The panel beside the plan; as a page of its own without a script: the plan with this booth chosen."""
    found = _get(booth_id)
    if not request.headers.get("HX-Request"):
        return redirect(url_for("exhibitors.plan", hall=found.hall.code, booth=found.id))
    return _panel(found)


def _panel_context(drawn: Drawn) -> dict[str, Any]:
    principal = current_principal()
    contract = None
    if drawn.state in {BoothState.RESERVED, BoothState.SOLD}:
        contract = queries.find_live_contract_of_booth(drawn.booth.id)
    booth = drawn.booth
    fixed = contract is not None or drawn.state in {BoothState.RESERVED, BoothState.SOLD}
    today = booth_prices.today_of(g.edition)
    sheet = None if fixed else booth_prices.sheet(g.edition, [booth], today, opportunity_id=booth.opportunity_id)
    free, taken = _other_codes(drawn) if drawn.state in MOVABLE and principal.can(Permission.SELL) else ([], [])
    return {
        "drawn": drawn,
        "labels": labels,
        "contract": contract,
        "price": sheet.prices[booth.id].amount if sheet else booth.price,
        "open": _open_opportunities() if drawn.state == BoothState.AVAILABLE else [],
        "days": hold_days(),
        "apart": neighbours.has_rules(g.edition.id),
        "free": free,
        "taken": taken,
        "may_sell": principal.can(Permission.SELL),
        "may_draw": principal.can(Permission.SETTINGS),
    }


def _other_codes(drawn: Drawn) -> tuple[list[str], list[str]]:
    """Numbers of free and of taken booths to choose from, those of the same hall first."""
    now = clock.now()
    rows = db.session.execute(
        select(Booth.code, Booth.state, Booth.held_until)
        .where(Booth.edition_id == g.edition.id, Booth.id != drawn.booth.id, Booth.retired_at.is_(None))
        .order_by(Booth.hall_id != drawn.booth.hall_id, Booth.sort_key)
    )
    states = [(code, effective_state(state, until, now)) for code, state, until in rows]
    free = [code for code, state in states if state == BoothState.AVAILABLE]
    return free[:MOST_CODES], [code for code, state in states if state in MOVABLE][:MOST_CODES]


def _panel_html(found: Booth) -> str:
    return render_template("exhibitors/_booth.html", **_panel_context(draw(found, clock.now())))


def _panel(found: Booth, *, changed: bool = False) -> Response:
    response = make_response(_panel_html(found))
    if changed:
        response.headers["HX-Trigger"] = "booths-changed"
    return response


def _open_opportunities() -> list[tuple[int, str]]:
    rows = db.session.execute(
        select(Opportunity.id, Company.name_zh, Company.name_en)
        .join(Company, Company.id == Opportunity.company_id)
        .where(Opportunity.edition_id == g.edition.id, Opportunity.stage != Stage.LOST.value)
        .order_by(Company.sort_key)
    )
    return [(id_, i18n.bi({"name_zh": zh, "name_en": en})) for id_, zh, en in rows]


def _as_seen(booth_id: int) -> Booth:
    """The booth, unless it is no longer as it was on the screen of who acts: then what happened to it meanwhile, as a conflict."""
    found = _get(booth_id)
    seen = request.form.get("version", "")
    if seen.isascii() and seen.isdigit() and int(seen[:9]) != found.version:
        events = [e for e in queries_plan.list_events(found.id, 20) if int(e.after.get("version", 0)) > int(seen[:9])]
        told = [plan_words.told(e, g.edition.currency) for e in reversed(events)]
        raise Refused(
            _("Booth %(code)s has changed since you opened it: %(what)s. Nothing was stored.", code=found.code, what="; ".join(told)),
            409,
            "stale",
        )
    return found


def _done(found: Booth, message: str) -> ResponseReturnValue:
    if request.headers.get("HX-Request"):
        return _panel(_get(found.id), changed=True)
    flash(message, "success")
    return redirect(url_for("exhibitors.plan", hall=found.hall.code, booth=found.id))


@requires(Permission.SELL)
def hold(booth_id: int) -> ResponseReturnValue:
    found = _as_seen(booth_id)
    raw, days = request.form.get("opportunity", ""), request.form.get("days", "7")
    if not raw:
        raise Refused(_("Please choose a company."), 422)
    if days not in {str(d) for d in HOLD_DAYS}:
        raise Refused(_("Please choose how long to hold the booth."), 422)
    holder = (
        queries.find_opportunity(g.edition.id, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
    )
    if holder is None:
        abort(404)
    with labels.answering():
        booths.hold(found, holder, clock.now() + dt.timedelta(days=int(days)), despite=_despite())
    return _done(found, _("The booth is held."))


@requires(Permission.SELL)
def release(booth_id: int) -> ResponseReturnValue:
    found = _as_seen(booth_id)
    with labels.answering():
        booths.release(found)
    return _done(found, _("The booth is free again."))


@requires(Permission.SELL)
def block(booth_id: int) -> ResponseReturnValue:
    found = _as_seen(booth_id)
    with labels.answering():
        booths.block(found, text.clean(request.form.get("note", ""))[:300])
    return _done(found, _("The booth is blocked."))


@requires(Permission.SELL)
def unblock(booth_id: int) -> ResponseReturnValue:
    found = _as_seen(booth_id)
    with labels.answering():
        booths.unblock(found)
    return _done(found, _("The booth is on sale again."))


@requires(Permission.SELL)
def sell(booth_id: int) -> ResponseReturnValue:
    """Draft a contract over this booth for the company that holds it."""
    found = _as_seen(booth_id)
    holder = found.opportunity
    if holder is None:
        raise Refused(_("Booth %(code)s is not held for a company.", code=found.code), 409)
    with labels.answering():
        made = contracts.draft(holder, [found.id], locale=i18n.locale(), despite=_despite())
    target = url_for("exhibitors.contract", contract_id=made.id)
    if request.headers.get("HX-Request"):
        return "", 200, {"HX-Redirect": target}
    return redirect(target)


def _despite() -> str:
    """Why a neighbour rule is passed over."""
    return text.clean(request.form.get("despite", ""))[:300]


def _other(found: Booth) -> Booth:
    code = text.clean(request.form.get("other", ""))[:60]
    key = stands.stand_key(code) if code else None
    other = queries_plan.find_by_key(g.edition.id, key) if key else None
    if other is None:
        raise Refused(_("There is no booth “%(code)s” on the plan.", code=code), 422)
    return other


@requires(Permission.SELL)
def move_company(booth_id: int) -> ResponseReturnValue:
    """Whoever has this booth gets a free one instead."""
    found = _as_seen(booth_id)
    other = _other(found)
    with labels.answering():
        plan_moves.move(found, other, despite=_despite())
    return _done(other, _("The company now has booth %(code)s.", code=other.code))


@requires(Permission.SELL)
def swap_companies(booth_id: int) -> ResponseReturnValue:
    """The companies of two booths change places."""
    found = _as_seen(booth_id)
    other = _other(found)
    with labels.answering():
        plan_moves.swap(found, other, despite=_despite())
    return _done(found, _("%(code)s and %(other)s have changed places.", code=found.code, other=other.code))


@requires(Permission.VIEW)
def booth_history(booth_id: int) -> ResponseReturnValue:
    """Everything that happened to a booth, newest first, with what it was merged into or split from."""
    found = _get(booth_id)
    events = queries_plan.list_events(found.id, 200)
    return render_template(
        "exhibitors/plan_history.html",
        booth=found,
        events=[(e, plan_words.KINDS.get(e.kind, e.kind), plan_words.changes(e, g.edition.currency)) for e in events],
        relatives=queries_plan.list_relatives(found),
    )


def _hall_or_404(code: str) -> Hall:
    hall = queries.find_hall(g.edition.id, code)
    if hall is None:
        abort(404)
    return hall


@requires(Permission.SETTINGS)
def new_grid(hall_code: str) -> ResponseReturnValue:
    hall = _hall_or_404(hall_code)
    form = GridForm()
    form.kind.choices = choices(labels.BOOTH_KINDS)
    if not form.is_submitted():
        form.prefix.data = f"{hall.code}-A"
    if form.validate_on_submit() and _made_grid(hall, form):
        return redirect(url_for("exhibitors.plan", hall=hall.code))
    return _form_page(hall, form, _("Make rows of booths"), "exhibitors/grid.html")


def _made_grid(hall: Hall, form: GridForm) -> bool:
    data = form.data
    grid = Grid(
        data["prefix"] or "", data["first"], data["rows"], data["columns"],
        data["x"], data["y"], data["width"], data["depth"], data["aisle"],
    )  # fmt: skip
    try:
        made = booths.create_grid(hall, grid, data["kind"], data["price"])
    except RuleRefused as refused:
        form.form_errors.append(labels.words(refused))
        return False
    flash(_("%(count)s booths are on the plan.", count=len(made)), "success")
    return True


@requires(Permission.SETTINGS)
def new_booth(hall_code: str) -> ResponseReturnValue:
    hall = _hall_or_404(hall_code)
    form = BoothForm()
    form.kind.choices = choices(labels.BOOTH_KINDS)
    if form.validate_on_submit():
        try:
            made = booths.create_booth(hall, _fields(form))
        except RuleRefused as refused:
            form.form_errors.append(labels.words(refused))
        else:
            flash(_("Booth %(code)s is on the plan.", code=made.code), "success")
            return redirect(url_for("exhibitors.plan", hall=hall.code, booth=made.id))
    return _form_page(hall, form, _("New booth"), "exhibitors/booth_form.html")


@requires(Permission.SETTINGS)
def edit_booth(booth_id: int) -> ResponseReturnValue:
    found = _get(booth_id)
    form = _booth_form(found)
    if form.validate_on_submit():
        conflicts.lock(found)
        stored = _booth_form(found, formdata=None)
        if conflicts.is_stale(stored):
            back = url_for("exhibitors.edit_booth", booth_id=found.id)
            by = audit.last_editor("booth", found.id)
            return conflicts.page(form, stored, title=_("Booth %(code)s", code=found.code), back=back, by=by)
        try:
            booths.update_booth(found, _fields(form))
        except RuleRefused as refused:
            form.form_errors.append(labels.words(refused))
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("exhibitors.plan", hall=found.hall.code, booth=found.id))
    return _form_page(found.hall, form, _("Booth %(code)s", code=found.code), "exhibitors/booth_form.html", booth=found)


def _booth_form(found: Booth, **more: Any) -> BoothForm:
    form = BoothForm(
        code=found.code, kind=found.kind, x=found.x_m, y=found.y_m, width=found.width_m, depth=found.depth_m,
        open_sides=found.open_sides, price=found.price, **more,
    )  # fmt: skip
    form.kind.choices = choices(labels.BOOTH_KINDS)
    if booth_prices.pricer(g.edition)(found) is not None or booth_prices.agreed([found.id]):
        del form.price  # the list or an agreement says it
    return form


@requires(Permission.SETTINGS)
def delete_booth(booth_id: int) -> ResponseReturnValue:
    found = _get(booth_id)
    hall = found.hall
    with labels.answering():
        booths.delete_booth(found)
    flash(_("Booth %(code)s is gone.", code=found.code), "success")
    return redirect(url_for("exhibitors.plan", hall=hall.code))


def _fields(form: BoothForm) -> booths.BoothFields:
    data = form.data
    rect = Rect(data["x"], data["y"], data["width"], data["depth"])
    return booths.BoothFields(data["code"], data["kind"], rect, data["open_sides"] or 1, data.get("price"))


def _form_page(hall: Hall, form: Any, title: str, template: str, **more: Any) -> ResponseReturnValue:
    status = 422 if form.is_submitted() else 200
    booth = more.get("booth")
    seen = request.form.get("seen") or (conflicts.mark(form) if booth and not form.is_submitted() else "")
    return render_template(template, hall=hall, form=form, title=title, booth=booth, seen=seen), status
