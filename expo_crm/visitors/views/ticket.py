"""The visitor's own page, opened by the link in the mail: ticket, interests, consent, cancellation."""

from __future__ import annotations

from flask import Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.shows import queries as shows
from expo_crm.visitors import queries
from expo_crm.visitors.domain.registration import mask_email, mask_name, mask_phone
from expo_crm.visitors.domain.vocabulary import BUYING_ROLES, CONSENTS, FUNCTIONS, STATES, TONES
from expo_crm.visitors.forms import InterestsForm
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import hooks, links, registrations, tickets
from expo_crm.visitors.views.public import grouped
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import public

LIVE = {"submitted", "in_review", "approved", "returned"}
# What packages above show here: (endpoint, link where no script runs, only for live registrations). Who received the data
# stays in reach of those who cancelled too.
PANELS = (
    ("onsite.programme_panel", _l("Concurrent events"), True),
    ("matchmaking.visitor_panel", _l("Exhibitors that fit, and my meetings"), True),
    ("onsite.recipients", _l("Who received my data"), False),
)


def load(token: str) -> Registration:
    """The registration of this link, with its edition as the page's edition; 404 for anything else."""
    found = queries.find_by_token(token)
    if found is None:
        abort(404)
    g.edition = found.edition
    return found


@public()
def ticket(token: str) -> ResponseReturnValue:
    found = load(token)
    return _page(found, token)


def _page(found: Registration, token: str, form: InterestsForm | None = None) -> ResponseReturnValue:
    categories = shows.list_categories(found.edition.show_id)
    if form is None:
        form = InterestsForm(categories, formdata=None, looking_for=found.looking_for)
        form.interests.data = sorted(hooks.get_interests(found))
    chosen = set(form.interests.data or ())
    panels = [
        (url_for(endpoint, token=token), label)
        for endpoint, label, only_live in PANELS
        if endpoint in current_app.view_functions and (found.state in LIVE or not only_live)
    ]
    page = render_template(
        "visitors/ticket.html",
        registration=found,
        token=token,
        live=found.state in LIVE,
        state=_(STATES[found.state]),
        tone=TONES[found.state],
        code=tickets.ticket_code(found) if found.state == "approved" else "",
        masked={
            "name": mask_name(found.name),
            "email": mask_email(found.person.email),
            "phone": mask_phone(found.person.phone),
        },
        function=_(FUNCTIONS[found.function]) if found.function in FUNCTIONS else "",
        buying_role=_(BUYING_ROLES[found.buying_role]) if found.buying_role in BUYING_ROLES else "",
        form=form,
        groups=grouped(categories),
        chosen=[c for c in categories if c.id in chosen],
        consents=[(c, queries.consents_of(found).get(c.purpose)) for c in CONSENTS],
        panels=panels,
    )
    return page, 422 if form.is_submitted() and form.errors else 200


@public(writes=True)
def picture(token: str) -> ResponseReturnValue:
    """The QR code; making the badge behind it may write."""
    found = load(token)
    if found.state != "approved":
        abort(404)
    return Response(tickets.qr_png(tickets.ticket_code(found)), mimetype="image/png")


@public()
def calendar(token: str) -> ResponseReturnValue:
    found = load(token)
    body = tickets.calendar(found.edition, url=links.page_url(found), uid=f"r{found.id}")
    return Response(
        body,
        mimetype="text/calendar",
        headers={"Content-Disposition": f'attachment; filename="{found.edition.slug}.ics"'},
    )


@public()
def interests(token: str) -> ResponseReturnValue:
    found = load(token)
    _must_live(found)
    form = InterestsForm(shows.list_categories(found.edition.show_id))
    if not form.validate_on_submit():
        return _page(found, token, form)
    hooks.set_interests(found, tuple(form.interests.data or ()))
    registrations.correct(found, looking_for=form.looking_for.data or "")
    flash(_("Your interests are saved."), "success")
    return redirect(url_for("visitors.ticket", token=token))


@public()
def consent(token: str) -> ResponseReturnValue:
    """Give or withdraw one consent."""
    found = load(token)
    purpose, answer = request.form.get("purpose", ""), request.form.get("answer", "")
    wording = next((c for c in CONSENTS if c.purpose == purpose), None)
    if wording is None or answer not in {wording.version, "no"}:
        abort(422)
    registrations.answer_consent(found, purpose, answer != "no", locale=i18n.locale(), channel="visitor_page")
    flash(_("Your answer is stored. It holds from now on."), "success")
    return redirect(url_for("visitors.ticket", token=token))


@public()
def cancel(token: str) -> ResponseReturnValue:
    found = load(token)
    if found.state == "cancelled":
        return redirect(url_for("visitors.ticket", token=token))
    _must_live(found)
    registrations.decide(found, "cancelled")
    flash(_("Your registration is cancelled."), "success")
    return redirect(url_for("visitors.ticket", token=token))


def _must_live(found: Registration) -> None:
    if found.state not in LIVE:
        raise Refused(_("This registration is closed and cannot be changed any more."), 409)
