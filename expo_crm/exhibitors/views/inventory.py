"""Booths and prices: the list of booths, one booth, price lists, agreed prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.exhibitors import queries
from expo_crm.exhibitors import queries_inventory as found_in
from expo_crm.exhibitors.domain.booth import effective_state
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.forms import choices
from expo_crm.exhibitors.inventory_forms import OverrideForm, PriceListForm, PriceRuleForm
from expo_crm.exhibitors.models import Booth, Opportunity, PriceList, PriceRule
from expo_crm.exhibitors.services import booth_prices, booths, price_lists, price_overrides
from expo_crm.exhibitors.views import booth_facts, inventory_words, labels
from expo_crm.exhibitors.views.contracts import pill
from expo_crm.exhibitors.views.opportunity import HOLD_DAYS, hold_days
from expo_crm.lib import clock, money, text
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Hall
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.forms import filled
from expo_crm.web.policy import Permission, current_principal, requires


def tabs() -> list[dict[str, Any]]:
    """The pages of the inventory, with what waits there."""
    pages = [
        ("inventory", _("Booths"), "table", None),
        ("price_lists", _("Price lists"), "receipt", None),
        ("price_overrides", _("Agreed prices"), "discount-check", "overrides"),
        ("waiting_list", _("Waiting list"), "clock", None),
        ("booth_requests", _("Requests"), "inbox", "requests"),
        ("pavilions", _("Pavilions"), "flag", None),
        ("space_draw", _("Space draw"), "list-numbers", None),
        ("neighbour_rules", _("Neighbours"), "arrows-join", None),
    ]
    return [
        {
            "url": url_for(f"exhibitors.{endpoint}"),
            "label": label,
            "active": request.endpoint == f"exhibitors.{endpoint}",
        }
        for endpoint, label, _icon, _count in pages
    ]


def company_choices() -> list[tuple[int, str]]:
    """Companies that are recruited for this edition and not lost, by name."""
    rows = db.session.execute(
        select(Opportunity.id, Company.name_zh, Company.name_en)
        .join(Company, Company.id == Opportunity.company_id)
        .where(Opportunity.edition_id == g.edition.id, Opportunity.stage != Stage.LOST.value)
        .order_by(Company.sort_key)
    )
    return [(id_, i18n.bi({"name_zh": zh, "name_en": en})) for id_, zh, en in rows]


def hall_choices() -> list[tuple[Any, str]]:
    return [("", _("Every hall")), *((h.id, i18n.bi(h)) for h in shows.list_halls(g.edition.id))]


@requires(Permission.VIEW)
def inventory() -> ResponseReturnValue:
    now = clock.now()
    today = booth_prices.today_of(g.edition)
    current = booth_prices.find_current(g.edition, today)
    halls = shows.list_halls(g.edition.id)
    sectors = list(
        db.session.scalars(select(Booth.sector).where(Booth.edition_id == g.edition.id, Booth.sector != "").distinct())
    )
    pavilions = found_in.list_pavilions(g.edition.id)
    agreed: dict[int, Any] = {}
    by_list: dict[int, Decimal | None] = {}

    def load(rows: list[Booth]) -> None:
        agreed.update(booth_prices.agreed([b.id for b in rows]))
        for booth in rows:
            try:
                by_list[booth.id] = booth_prices.price_of(booth, current, today).net if current else None
            except ValueError:
                by_list[booth.id] = None

    def state(booth: Booth) -> str:
        return effective_state(booth.state, booth.held_until, now).value

    def list_price(booth: Booth) -> str:
        value = by_list.get(booth.id)
        return i18n.money(value, g.edition.currency) if value is not None else "–"

    def own_price(booth: Booth) -> Any:
        shown = i18n.money(booth.price, g.edition.currency)
        return f"{shown} ✓" if booth.id in agreed else shown

    page = listing.build(
        id="inventory",
        query=select(Booth)
        .join(Booth.hall)
        .where(Booth.edition_id == g.edition.id, Booth.retired_at.is_(None))
        .options(joinedload(Booth.hall), joinedload(Booth.pavilion)),
        columns=[
            listing.Column("code", _("Booth"), lambda b: b.code, sort=Booth.sort_key, primary=True),
            listing.Column("hall", _("Hall"), lambda b: i18n.bi(b.hall), sort=Hall.code),
            listing.Column("kind", _("Kind"), lambda b: labels.BOOTH_KINDS.get(b.kind, b.kind), sort=Booth.kind),
            listing.Column(
                "m2", _("m²"), lambda b: b.area_m2, cell=lambda b: i18n.m2(b.area_m2), sort=Booth.area_m2, kind="number"
            ),
            listing.Column("open", _("Open sides"), lambda b: b.open_sides, sort=Booth.open_sides, kind="number"),
            listing.Column("sector", _("Sector"), lambda b: b.sector, sort=Booth.sector, hide_on_phone=True),
            listing.Column(
                "pavilion",
                _("Pavilion"),
                lambda b: i18n.bi(b.pavilion) if b.pavilion else "",
                hide_on_phone=True,
            ),
            listing.Column("list", _("Price by the list"), lambda b: by_list.get(b.id), cell=list_price, kind="number"),
            listing.Column("price", _("Price"), lambda b: b.price, cell=own_price, sort=Booth.price, kind="number"),
            listing.Column(
                "state",
                _("State"),
                lambda b: labels.BOOTH_STATES[state(b)],
                cell=lambda b: pill(labels.BOOTH_STATES[state(b)], labels.BOOTH_TONES[state(b)]),
                sort=Booth.state,
                kind="status",
            ),
        ],
        default_sort="code",
        tie_break=Booth.id,
        filters=[
            listing.Filter("hall", _("Hall"), [(h.code, i18n.bi(h)) for h in halls], lambda v: Hall.code == v),
            listing.Filter(
                "kind", _("Kind"), [(k, str(v)) for k, v in labels.BOOTH_KINDS.items()], lambda v: Booth.kind == v
            ),
            listing.Filter(
                "state", _("State"), [(str(s), v) for s, v in labels.BOOTH_STATES.items()], lambda v: Booth.state == v
            ),
            listing.Filter("sector", _("Sector"), [(s, s) for s in sorted(sectors)], lambda v: Booth.sector == v),
            listing.Filter(
                "pavilion",
                _("Pavilion"),
                [(str(p.id), i18n.bi(p)) for p in pavilions],
                lambda v: Booth.pavilion_id == int(v) if v.isdigit() and len(v) < 10 else None,
            ),
        ],
        search=lambda q: Booth.code.contains(q, autoescape=True),
        search_hint=_("Booth number"),
        empty=listing.Empty(
            "table",
            _("No booths yet"),
            _("Draw them on the hall plan first."),
            url_for("exhibitors.plan"),
            _("Hall plan"),
        ),
        row_url=lambda b: url_for("exhibitors.inventory_booth", booth_id=b.id),
        load=load,
    )
    return render_template("exhibitors/inventory/booths.html", listing=page, current=current, tabs=tabs())


def booth_or_404(booth_id: int) -> Booth:
    found = queries.find_booth(g.edition.id, booth_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def inventory_booth(booth_id: int) -> ResponseReturnValue:
    return _booth_page(booth_or_404(booth_id))


def _booth_page(found: Booth, form: OverrideForm | None = None) -> ResponseReturnValue:
    now = clock.now()
    state = effective_state(found.state, found.held_until, now)
    return render_template(
        "exhibitors/inventory/booth.html",
        **booth_facts.of(found),
        state=state,
        form=form or OverrideForm(formdata=None),
        overrides=found_in.list_overrides_of(found.id),
        words=inventory_words,
        labels=labels,
        open=company_choices() if state == "available" and current_principal().can(Permission.SELL) else [],
        days=hold_days(),
    ), 422 if form is not None and form.errors else 200


@requires(Permission.SELL)
def save_booth_sector(booth_id: int) -> ResponseReturnValue:
    found = booth_or_404(booth_id)
    with labels.answering():
        booths.set_sector(found, text.clean(request.form.get("sector", ""))[:100])
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.inventory_booth", booth_id=found.id))


@requires(Permission.SELL)
def hold_despite(booth_id: int) -> ResponseReturnValue:
    """Hold a booth from its own page; a reason passes over a warning about neighbours."""
    import datetime as dt

    found = booth_or_404(booth_id)
    raw, days = request.form.get("opportunity", ""), request.form.get("days", "7")
    holder = (
        queries.find_opportunity(g.edition.id, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
    )
    if holder is None:
        raise Refused(_("Please choose a company."), 422)
    if days not in {str(d) for d in HOLD_DAYS}:
        raise Refused(_("Please choose how long to hold the booth."), 422)
    with labels.answering():
        booths.hold(
            found,
            holder,
            clock.now() + dt.timedelta(days=int(days)),
            despite=text.clean(request.form.get("despite", ""))[:300],
        )
    flash(_("The booth is held."), "success")
    return redirect(url_for("exhibitors.inventory_booth", booth_id=found.id))


# --- agreed prices -------------------------------------------------------------------------------------------------------


@requires(Permission.SELL)
def ask_price(booth_id: int) -> ResponseReturnValue:
    found = booth_or_404(booth_id)
    form = OverrideForm()
    if form.validate_on_submit():
        try:
            price_overrides.ask(found, filled(form.new), form.reason.data, current_principal().id)
        except RuleRefused as refused:
            form.form_errors.append(labels.words(refused))
        else:
            flash(_("The price waits for approval by somebody else."), "success")
            return redirect(url_for("exhibitors.inventory_booth", booth_id=found.id))
    return _booth_page(found, form)


@requires(Permission.VIEW)
def price_override_list() -> ResponseReturnValue:
    return render_template(
        "exhibitors/inventory/overrides.html",
        overrides=found_in.list_overrides(g.edition.id),
        words=inventory_words,
        may_decide=booth_facts.may_decide_prices(),
        me=current_principal().id,
        tabs=tabs(),
    )


@requires(Permission.MONEY)
def decide_price(override_id: int) -> ResponseReturnValue:
    """Approve or refuse: for those who answer for the money, and never for who asked."""
    found = found_in.find_override(g.edition.id, override_id)
    if found is None:
        abort(404)
    approve = request.form.get("decision") == "approve"
    with labels.answering():
        price_overrides.decide(
            found,
            approve=approve,
            answer=text.clean(request.form.get("answer", ""))[:300],
            user_id=current_principal().id,
        )
    flash(_("The price is approved and stands on the booth.") if approve else _("The price is refused."), "success")
    return redirect(url_for("exhibitors.price_overrides"))


# --- price lists ---------------------------------------------------------------------------------------------------------


@requires(Permission.VIEW)
def price_list_page() -> ResponseReturnValue:
    return render_template(
        "exhibitors/inventory/price_lists.html",
        lists=found_in.list_price_lists(g.edition.id),
        current=booth_prices.find_current(g.edition, booth_prices.today_of(g.edition)),
        words=inventory_words,
        may_edit=current_principal().can(Permission.SETTINGS),
        tabs=tabs(),
    )


def _list(list_id: int) -> PriceList:
    found = found_in.find_price_list(g.edition.id, list_id)
    if found is None:
        abort(404)
    return found


def _head(form: PriceListForm) -> dict[str, Any]:
    return {
        "name_zh": form.name_zh.data,
        "name_en": form.name_en.data or "",
        "currency": form.currency.data,
        "tax_rate": form.tax_percent.data / 100,  # type: ignore[operator]
        "valid_from": form.valid_from.data,
        "valid_until": form.valid_until.data,
    }


@requires(Permission.SETTINGS)
def new_price_list() -> ResponseReturnValue:
    form = PriceListForm(
        currency=g.edition.currency, valid_from=booth_prices.today_of(g.edition), valid_until=g.edition.ends_on
    )
    if form.validate_on_submit():
        made = price_lists.create(g.edition, **_head(form))
        flash(_("The price list is a draft. Enter its prices, then publish it."), "success")
        return redirect(url_for("exhibitors.price_list", list_id=made.id))
    return _form(form, _("New price list"), url_for("exhibitors.price_lists"))


@requires(Permission.SETTINGS)
def edit_price_list(list_id: int) -> ResponseReturnValue:
    found = _list(list_id)
    form = PriceListForm(obj=found, tax_percent=found.tax_rate * 100)
    back = url_for("exhibitors.price_list", list_id=found.id)
    if form.validate_on_submit():
        with labels.answering():
            price_lists.update(found, **_head(form))
        flash(_("Saved."), "success")
        return redirect(back)
    return _form(form, i18n.bi(found), back)


def _form(form: Any, title: str, back: str, hint: str = "") -> ResponseReturnValue:
    return render_template("exhibitors/inventory/form.html", form=form, title=title, back=back, hint=hint), (
        422 if form.is_submitted() else 200
    )


@requires(Permission.VIEW)
def price_list(list_id: int) -> ResponseReturnValue:
    found = _list(list_id)
    return render_template(
        "exhibitors/inventory/price_list.html",
        list=found,
        words=inventory_words,
        labels=labels,
        may_edit=current_principal().can(Permission.SETTINGS),
        sets_prices=found.state == "published" and found.currency == g.edition.currency,
    )


@requires(Permission.SETTINGS)
def edit_price_rule(list_id: int, rule_id: int | None = None) -> ResponseReturnValue:
    found = _list(list_id)
    rule: PriceRule | None = None
    if rule_id is not None:
        rule = next((r for r in found.rules if r.id == rule_id), None)
        if rule is None:
            abort(404)
    form = PriceRuleForm(
        obj=rule, **({"hall": rule.hall_id, "fees": price_lists.fees_text(rule.fees)} if rule is not None else {})
    )
    form.kind.choices = choices(labels.BOOTH_KINDS)
    form.hall.choices = hall_choices()
    if form.validate_on_submit():
        try:
            price_lists.save_rule(
                found,
                rule,
                kind=form.kind.data,
                hall_id=form.hall.data,
                sector=form.sector.data or "",
                base_m2=form.base_m2.data,
                minimum_m2=form.minimum_m2.data,
                corner_2=form.corner_2.data or Decimal(0),
                corner_3=form.corner_3.data or Decimal(0),
                corner_4=form.corner_4.data or Decimal(0),
                fees=price_lists.parse_fees(form.fees.data or ""),
                early_until=form.early_until.data,
                early_percent=form.early_percent.data,
                early_m2=form.early_m2.data,
            )
        except RuleRefused as refused:
            form.form_errors.append(labels.words(refused))
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("exhibitors.price_list", list_id=found.id))
    hint = _(
        "One fee per line: Chinese | English | amount, for example 报名费 | Registration fee | 800. Prices without tax."
    )
    return _form(form, _("Price"), url_for("exhibitors.price_list", list_id=found.id), hint)


@requires(Permission.SETTINGS)
def change_price_list(list_id: int) -> ResponseReturnValue:
    """Publish, take a new version, throw a draft or one of its prices away."""
    found = _list(list_id)
    action = request.form.get("action", "")
    with labels.answering():
        match action:
            case "publish":
                price_lists.publish(found)
                flash(_("The price list is published. Put its prices on the booths next."), "success")
            case "version":
                found = price_lists.new_version(found)
                flash(_("This is the draft of the next version."), "success")
            case "delete":
                price_lists.delete(found)
                flash(_("The draft is gone."), "success")
                return redirect(url_for("exhibitors.price_lists"))
            case "rule":
                raw = request.form.get("rule", "")
                rule = next((r for r in found.rules if str(r.id) == raw), None)
                if rule is None:
                    abort(404)
                price_lists.delete_rule(found, rule)
                flash(_("The price is gone."), "success")
            case _:
                abort(404)
    return redirect(url_for("exhibitors.price_list", list_id=found.id))


@requires(Permission.SETTINGS)
def reprice(list_id: int) -> ResponseReturnValue:
    """What the list would change, then the change itself."""
    found = _list(list_id)
    today = booth_prices.today_of(g.edition)
    if request.method == "POST":
        with labels.answering():
            count = price_lists.reprice(g.edition, found, today)
        flash(_("%(count)s booths have a new price.", count=count), "success")
        return redirect(url_for("exhibitors.inventory"))
    rows = price_lists.preview(g.edition, found, today)
    changed = [r for r in rows if not r.why]
    return render_template(
        "exhibitors/inventory/reprice.html",
        list=found,
        rows=changed[:300],
        count=len(changed),
        same=sum(r.why == "same" for r in rows),
        agreed=sum(r.why == "agreed" for r in rows),
        without=[r.booth.code for r in rows if r.why == "no_rule"],
        before=sum((r.booth.price for r in changed), Decimal(0)),
        after=sum((r.new for r in changed if r.new is not None), Decimal(0)),
        today=today,
        may_apply=found.state == "published" and found.currency == g.edition.currency,
        kinds=labels.BOOTH_KINDS,
    )


def typed_decimal(raw: str) -> Decimal | None:
    """A number from the address bar; None when it is none."""
    try:
        return money.parse_decimal(raw, minimum=0, maximum=100_000, places=2) if raw.strip() else None
    except ValueError:
        return None
