"""In the portal: ask for a booth, and enter the companies of one's own pavilion."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries
from expo_crm.exhibitors import queries_inventory as found_in
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.inventory_forms import EntryForm
from expo_crm.exhibitors.models import Pavilion
from expo_crm.exhibitors.portal_frame import enter
from expo_crm.exhibitors.services import booth_prices, booth_requests, pavilions
from expo_crm.exhibitors.views import inventory_words, labels
from expo_crm.exhibitors.views.inventory import typed_decimal
from expo_crm.lib import text
from expo_crm.shows import queries as shows
from expo_crm.web import i18n
from expo_crm.web.policy import current_principal, exhibitor


@exhibitor()
def choose(participation_id: int) -> ResponseReturnValue:
    """Free booths that fit, with their prices; what was asked for and the answers."""
    here = enter(participation_id)
    opportunity = queries.find_opportunity_of(here.edition_id, here.company_id)
    halls = shows.list_halls(here.edition_id)
    wanted = {
        "hall": request.args.get("hall", ""),
        "kind": request.args.get("kind", ""),
        "min": request.args.get("min", "")[:12],
        "max": request.args.get("max", "")[:12],
        "sides": request.args.get("sides", "1"),
    }
    is_open = booth_requests.is_open(here.edition)
    hall = next((h for h in halls if h.code == wanted["hall"]), None)
    free = (
        booth_requests.list_free(
            here.edition,
            hall_id=hall.id if hall else None,
            kind=wanted["kind"] if wanted["kind"] in labels.BOOTH_KINDS else "",
            min_m2=typed_decimal(wanted["min"]),
            max_m2=typed_decimal(wanted["max"]),
            open_sides=int(wanted["sides"]) if wanted["sides"] in {"1", "2", "3", "4"} else 1,
        )
        if is_open
        else []
    )
    return render_template(
        "exhibitors/portal/choose.html",
        here=here,
        is_open=is_open,
        halls=halls,
        wanted=wanted,
        free=free,
        prices=booth_prices.sheet(
            here.edition, free, booth_prices.today_of(here.edition), opportunity_id=opportunity.id if opportunity else None
        ).prices,
        full=len(free) == booth_requests.LONGEST_LIST,
        requests=found_in.list_requests_of(opportunity.id) if opportunity else [],
        kinds=labels.BOOTH_KINDS,
        words=inventory_words,
        limit=booth_requests.MOST_OPEN,
    )


@exhibitor()
def ask(participation_id: int, booth_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = queries.find_booth(here.edition_id, booth_id)
    if found is None:
        abort(404)
    with labels.answering():
        booth_requests.ask(here, found, text.clean(request.form.get("note", "")), current_principal().id)
    flash(
        _("Booth %(code)s is reserved for you until the organizer answers. You get a mail.", code=found.code), "success"
    )
    return redirect(url_for("exhibitors.portal_choose", participation_id=here.id))


@exhibitor()
def withdraw(participation_id: int, request_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = found_in.find_request(here.edition_id, request_id)
    if found is None or found.opportunity.company_id != here.company_id:
        abort(404)
    with labels.answering():
        booth_requests.withdraw(found)
    flash(_("Your request is withdrawn."), "success")
    return redirect(url_for("exhibitors.portal_choose", participation_id=here.id))


@exhibitor()
def pavilion(participation_id: int) -> ResponseReturnValue:
    """The companies of one's own pavilions: list, add, take back; with the limit and the last day."""
    here = enter(participation_id)
    own = found_in.list_pavilions_of(here.id)
    if not own:
        abort(404)
    raw = request.values.get("pavilion", "")
    chosen = next((p for p in own if str(p.id) == raw), own[0])
    booths = pavilions.list_booths(chosen)
    form = EntryForm()
    form.booth.choices = [("", _("Not decided yet")), *((b.id, f"{b.code} · {i18n.m2(b.area_m2)}") for b in booths)]
    if form.validate_on_submit():
        try:
            pavilions.enter(
                chosen,
                booth_prices.today_of(g.edition),
                name_zh=form.name_zh.data or "",
                name_en=form.name_en.data or "",
                country=(form.country.data or "").upper(),
                website=form.website.data or "",
                booth_id=form.booth.data,
            )
        except RuleRefused as refused:
            form.form_errors.append(labels.words(refused))
        else:
            flash(_("The company is entered. The organizer checks it."), "success")
            return redirect(url_for("exhibitors.portal_pavilion", participation_id=here.id, pavilion=chosen.id))
    return _pavilion_page(here, own, chosen, booths, form)


def _pavilion_page(
    here: Participation, own: list[Pavilion], chosen: Pavilion, booths: list[Any], form: EntryForm
) -> ResponseReturnValue:
    entries = pavilions.list_entries(chosen)
    return render_template(
        "exhibitors/portal/pavilion.html",
        here=here,
        own=own,
        pavilion=chosen,
        booths=booths,
        m2=sum((b.area_m2 for b in booths), Decimal(0)),
        entries=entries,
        form=form,
        limit=pavilions.limit_of(chosen),
        used=sum(e.state != "refused" for e in entries),
        closed=pavilions.is_closed(chosen, booth_prices.today_of(g.edition)),
        words=inventory_words,
    ), 422 if form.is_submitted() else 200


@exhibitor()
def withdraw_entry(participation_id: int, entry_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = found_in.find_entry(here.edition_id, entry_id)
    if found is None or found.pavilion.organizer_id != here.id:
        abort(404)
    with labels.answering():
        pavilions.withdraw(found, booth_prices.today_of(here.edition))
    flash(_("The entry is gone."), "success")
    return redirect(url_for("exhibitors.portal_pavilion", participation_id=here.id, pavilion=found.pavilion_id))
