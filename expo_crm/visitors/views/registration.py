"""One registration: look, decide, correct."""

from __future__ import annotations

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.audit import services as audit
from expo_crm.lib import clock
from expo_crm.shows import queries as shows
from expo_crm.visitors import queries
from expo_crm.visitors.domain import review
from expo_crm.visitors.domain.registration import mask_email, mask_phone
from expo_crm.visitors.domain.vocabulary import BUYING_ROLES, CONSENTS, FUNCTIONS, SOURCES, STATES, TONES
from expo_crm.visitors.forms import CorrectForm
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import hooks, mails, registrations
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires


def load(registration_id: int) -> Registration:
    found = queries.find_registration(g.edition.id, registration_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW, writes=True)
def registration(registration_id: int) -> ResponseReturnValue:
    found = load(registration_id)
    principal = current_principal()
    full = principal.can(Permission.CONTACT_DATA)
    if full:
        audit.record_look("registration", found.id, edition_id=g.edition.id)
    chosen = hooks.get_interests(found)
    panels = [
        url_for(endpoint, registration_id=found.id)
        for endpoint in ("matchmaking.registration_panel", "onsite.registration_panel")
        if endpoint in current_app.view_functions
    ]
    return render_template(
        "visitors/registration.html",
        registration=found,
        state=_(STATES[found.state]),
        tone=TONES[found.state],
        source=_(SOURCES.get(found.source, found.source)),
        function=_(FUNCTIONS[found.function]) if found.function in FUNCTIONS else "",
        buying_role=_(BUYING_ROLES[found.buying_role]) if found.buying_role in BUYING_ROLES else "",
        email=found.person.email if full else mask_email(found.person.email),
        phone=found.person.phone if full else mask_phone(found.person.phone),
        interests=[c for c in shows.list_categories(g.edition.show_id, retired=True) if c.id in chosen],
        consents=[(c, queries.consents_of(found).get(c.purpose)) for c in CONSENTS],
        changes=review.CHANGES.get(found.state, frozenset()),
        may_review=principal.can(Permission.REGISTRATION),
        panels=panels,
    )


@requires(Permission.REGISTRATION)
def decide(registration_id: int) -> ResponseReturnValue:
    found = load(registration_id)
    state = request.form.get("state", "")
    if state not in STATES:
        abort(422)
    try:
        registrations.decide(found, state, reason=request.form.get("reason", "")[:1000])
    except registrations.RegistrationError as error:
        if error.code == "reason-missing":
            raise Refused(_("Please say why; the visitor reads the reason in the mail.")) from None
        raise Refused(
            _("This registration was decided in the meantime. Reload the page and look again."), 409
        ) from None
    flash(_("Saved. The visitor gets a mail."), "success")
    return redirect(url_for("visitors.registration", registration_id=found.id))


@requires(Permission.REGISTRATION)
def edit(registration_id: int) -> ResponseReturnValue:
    found = load(registration_id)
    classes = queries.list_classes(g.edition.id)
    form = CorrectForm(classes, obj=found if request.method == "GET" else None)
    if request.method == "GET":
        form.visitor_class.data = found.visitor_class.code
    if form.validate_on_submit():
        registrations.correct(found, **{name: form[name].data for name in registrations.CORRECTABLE})
        registrations.change_class(found, next(c for c in classes if c.code == form.visitor_class.data))
        flash(_("Saved."), "success")
        return redirect(url_for("visitors.registration", registration_id=found.id))
    page = render_template("visitors/edit.html", form=form, registration=found)
    return page, 422 if form.is_submitted() else 200


@requires(Permission.REGISTRATION)
def mail(registration_id: int) -> ResponseReturnValue:
    found = load(registration_id)
    if mails.confirm(found, again=clock.now().strftime("%Y%m%d%H%M%S")):
        flash(_("The confirmation is in the outbox."), "success")
    else:
        flash(_("There is no e-mail address, or this registration is not open."), "warning")
    return redirect(url_for("visitors.registration", registration_id=found.id))
