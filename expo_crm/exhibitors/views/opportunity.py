"""One opportunity: its history, its next step, its booths and contract."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from expo_crm.audit import services as audit
from expo_crm.exhibitors import queries, queries_quotes
from expo_crm.exhibitors.domain.booth import effective_state
from expo_crm.exhibitors.domain.opportunity import BY_HAND, Stage
from expo_crm.exhibitors.forms import HoldForm, OpportunityForm, choices, pairs
from expo_crm.exhibitors.models import Booth, Opportunity
from expo_crm.exhibitors.services import booth_prices, booths, contracts, neighbours, opportunities
from expo_crm.exhibitors.views import labels
from expo_crm.exhibitors.views import quotes as quote_views
from expo_crm.lib import clock, money, text
from expo_crm.web import conflicts, i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

HOLD_DAYS = (2, 3, 5, 7, 14, 30)


def _get(opportunity_id: int) -> Opportunity:
    found = queries.find_opportunity(g.edition.id, opportunity_id)
    if found is None:
        abort(404)
    return found


def hold_days() -> list[tuple[str, str]]:
    return [(str(d), ngettext("%(num)s day", "%(num)s days", d)) for d in HOLD_DAYS]


def _form(found: Opportunity, *, stored: bool = False) -> OpportunityForm:
    """The sales notes as they were posted, or as they are ``stored``."""
    posted = request.method == "POST" and not stored
    form = OpportunityForm() if posted else OpportunityForm(formdata=None, obj=_Shown(found))
    people = queries.list_sales_people()
    if found.owner is not None and found.owner not in people:
        people.append(found.owner)
    form.owner.choices = pairs([(str(p.id), p.name) for p in people], blank=_("Nobody"))
    form.source.choices = choices(labels.SOURCES, blank=_("Not known"))
    return form


class _Shown:
    """An opportunity as the form shows it."""

    def __init__(self, found: Opportunity) -> None:
        self.owner = str(found.owner_id or "")
        self.source, self.agent = found.source, found.agent
        self.expected_m2, self.expected_amount = found.expected_m2, found.expected_amount
        self.next_step, self.next_on = found.next_step, found.next_on


@requires(Permission.VIEW)
def opportunity(opportunity_id: int) -> ResponseReturnValue:
    return _page(_get(opportunity_id))


@requires(Permission.SELL)
def update(opportunity_id: int) -> ResponseReturnValue:
    found = _get(opportunity_id)
    form = _form(found)
    if not form.validate_on_submit():
        return _page(found, form), 422
    conflicts.lock(found)
    stored = _form(found, stored=True)
    if conflicts.is_stale(stored):
        back = url_for("exhibitors.opportunity", opportunity_id=found.id)
        by = audit.last_editor("opportunity", found.id)
        return conflicts.page(form, stored, title=i18n.bi(found.company), back=back, by=by)
    with labels.answering():
        opportunities.update(
            found,
            owner_id=int(form.owner.data) if form.owner.data else None,
            source=form.source.data or "",
            agent=form.agent.data or "",
            expected_m2=form.expected_m2.data or Decimal(0),
            expected_amount=form.expected_amount.data or Decimal(0),
            next_step=form.next_step.data or "",
            next_on=form.next_on.data,
        )
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.opportunity", opportunity_id=found.id))


def _page(found: Opportunity, form: OpportunityForm | None = None) -> str:
    now = clock.now()
    hold = HoldForm(formdata=None)
    hold.days.choices = pairs(hold_days())
    hold.days.data = "7"
    own, today = queries.list_booths_of_opportunity(found.id), clock.local_day(now, g.edition.timezone)
    free = queries.list_free_booths(g.edition.id, now)
    hold.booth.choices = pairs([(str(b.id), _booth_text(b)) for b in free], blank=_("Choose a booth"))
    return render_template(
        "exhibitors/opportunity.html",
        opportunity=found,
        form=form or _form(found),
        seen=request.form.get("seen") or conflicts.mark(_form(found, stored=True)),
        hold=hold,
        free=len(free),
        booths=own,
        prices=booth_prices.sheet(g.edition, [b for b in own if b.state == "held"], today, opportunity_id=found.id).prices,
        currencies=booth_prices.currencies(g.edition, today),
        near=[c for b in own if b.state == "held" for c in neighbours.conflicts(b, found.company_id)],
        state_of=lambda b: effective_state(b.state, b.held_until, now),
        contracts=queries.list_contracts_of_opportunity(found.id),
        quotes=queries_quotes.list_quotes_of(found.id),
        competitors=(shows := queries_quotes.list_competitors(g.edition.show_id)),
        lost_to=next((show for show in shows if show.id == found.lost_to_id), None),
        quote_states=quote_views.STATES,
        quote_tones=quote_views.TONES,
        changes=queries.list_stage_changes(found.id),
        labels=labels,
        by_hand=BY_HAND,
        Stage=Stage,
        now=now,
        today=today,
        may_sell=current_principal().can(Permission.SELL),
    )


def _booth_text(booth: Booth) -> str:
    return f"{i18n.bi(booth.hall)} · {booth.code} · {i18n.m2(booth.area_m2)} · {i18n.money(booth.price, g.edition.currency)}"


@requires(Permission.SELL)
def hold(opportunity_id: int) -> ResponseReturnValue:
    """Hold a booth for this company, from its own page or from the plan."""
    found = _get(opportunity_id)
    booth = _booth(request.form.get("booth", ""))
    days = request.form.get("days", "7")
    if days not in {str(d) for d in HOLD_DAYS}:
        raise Refused(_("Please choose how long to hold the booth."), 422)
    until = clock.now() + dt.timedelta(days=int(days))
    with labels.answering():
        booths.hold(booth, found, until)
    flash(_("Booth %(code)s is held until %(until)s.", code=booth.code, until=i18n.datetime_(until)), "success")
    return redirect(url_for("exhibitors.opportunity", opportunity_id=found.id))


def _booth(raw: str) -> Booth:
    if not raw:
        raise Refused(_("Please choose a booth."), 422)
    found = queries.find_booth(g.edition.id, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
    if found is None:
        abort(404)
    return found


@requires(Permission.SELL)
def draft_contract(opportunity_id: int) -> ResponseReturnValue:
    """A contract over the booths that are held for this company."""
    found = _get(opportunity_id)
    try:
        typed = (request.form.get("discount") or "0").strip().rstrip("%％")
        discount = money.parse_decimal(typed, minimum=0, maximum=60, places=2)
    except ValueError:
        raise Refused(_("The discount must be a number between 0 and 60."), 422) from None
    locale = request.form.get("locale") if request.form.get("locale") in {"zh", "en"} else "zh"
    currency = request.form.get("currency") or g.edition.currency
    if currency not in booth_prices.currencies(g.edition, booth_prices.today_of(g.edition)):
        raise Refused(_("Please choose a currency of the list."), 422)
    with labels.answering():
        made = contracts.draft(
            found, locale=locale or "zh", discount=discount, currency=currency, despite=text.clean(request.form.get("despite", ""))[:300]
        )
    flash(_("Contract %(number)s is drafted.", number=made.number), "success")
    return redirect(url_for("exhibitors.contract", contract_id=made.id))
