"""The best exhibitors for a visitor and the best visitors for an exhibitor; what an exhibitor offers; asking."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.matchmaking import queries
from expo_crm.matchmaking.services import matches, meetings, supply
from expo_crm.matchmaking.views.common import described, load_participation, load_registration, refused
from expo_crm.shows import queries as shows
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires


@requires(Permission.VIEW)
def visitor(registration_id: int) -> ResponseReturnValue:
    found = load_registration(registration_id)
    wanted = supply.get_demands(found.id)
    return render_template(
        "matchmaking/visitor.html",
        registration=found,
        suggestions=matches.best_exhibitors(g.edition, found, 20),
        meetings={m.participation_id: described(m) for m in queries.list_meetings_of_registration(found.id)},
        is_open=found.state in meetings.LIVE,
        wanted=[c for c in shows.list_categories(g.edition.show_id, retired=True) if c.id in wanted],
        may_match=current_principal().can(Permission.MATCH),
    )


@requires(Permission.VIEW)
def registration_panel(registration_id: int) -> ResponseReturnValue:
    """The part of the registration's page that this package fills."""
    found = load_registration(registration_id)
    return render_template(
        "matchmaking/_registration.html",
        registration=found,
        suggestions=matches.best_exhibitors(g.edition, found, 5),
        meetings=[described(m) for m in queries.list_meetings_of_registration(found.id)],
    )


@requires(Permission.VIEW)
def exhibitor(participation_id: int) -> ResponseReturnValue:
    found = load_participation(participation_id)
    nodes = {c.id: c for c in shows.list_categories(g.edition.show_id, retired=True)}
    return render_template(
        "matchmaking/exhibitor.html",
        participation=found,
        suggestions=matches.best_visitors(g.edition, found, 20),
        meetings={m.registration_id: described(m) for m in queries.list_meetings_of_participation(found.id)},
        offers=[(nodes[o.category_id], o.text) for o in supply.list_offers(found.id) if o.category_id in nodes],
        may_match=current_principal().can(Permission.MATCH),
    )


@requires(Permission.MATCH)
def offers(participation_id: int) -> ResponseReturnValue:
    """Tick what the exhibitor shows, with own words."""
    found = load_participation(participation_id)
    categories = shows.list_categories(g.edition.show_id)
    if request.method == "POST":
        known = {c.id for c in categories}
        wanted = {int(v) for v in request.form.getlist("categories") if v.isascii() and v.isdigit() and len(v) < 12}
        if not wanted <= known:
            raise Refused(_("One of the categories does not exist any more. Reload the page."))
        supply.set_offers(found, {c: request.form.get(f"text-{c}", "")[:2000] for c in wanted})
        flash(_("Saved."), "success")
        return redirect(url_for("matchmaking.exhibitor", participation_id=found.id))
    chosen = {o.category_id: o.text for o in supply.list_offers(found.id)}
    return render_template("matchmaking/offers.html", participation=found, categories=categories, chosen=chosen)


@requires(Permission.MATCH)
def ask() -> ResponseReturnValue:
    """Staff propose a meeting; the visitor is asked by mail."""
    ids = [request.form.get(k, "") for k in ("participation_id", "registration_id")]
    if not all(v.isascii() and v.isdigit() and len(v) < 12 for v in ids):
        abort(422)
    participation, registration = load_participation(int(ids[0])), load_registration(int(ids[1]))
    reasons = matches.reasons_of(g.edition, participation, registration)
    try:
        made = meetings.ask(
            participation, registration, by="staff", message=request.form.get("message", "")[:2000], reasons=reasons
        )
    except meetings.MeetingError as error:
        raise refused(error) from None
    flash(_("The visitor is asked by mail."), "success")
    return redirect(url_for("matchmaking.meeting", meeting_id=made.id))
