"""Quick registration of a walk-in, with a look for duplicates first."""

from __future__ import annotations

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.lib import emails, phones, text
from expo_crm.visitors import queries
from expo_crm.visitors.domain.registration import RegisterCommand
from expo_crm.visitors.forms import DeskForm, contact_of
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import registrations
from expo_crm.visitors.services.classes import ensure_classes
from expo_crm.web.policy import Permission, requires


@requires(Permission.REGISTRATION)
def desk() -> ResponseReturnValue:
    classes = queries.list_classes(g.edition.id) or sorted(ensure_classes(g.edition).values(), key=lambda c: c.position)
    form = DeskForm(classes)
    same: list[Registration] = []
    if form.validate_on_submit():
        same = [] if form.anyway.data == "1" else _same(form)
        if not same:
            made = registrations.register(
                RegisterCommand(
                    edition_id=g.edition.id,
                    source="desk",
                    on_site=True,
                    class_code=form.visitor_class.data,
                    channel="desk",
                    **contact_of(form),
                )
            )
            flash(_("%(name)s is registered with number %(number)d.", name=made.name, number=made.number), "success")
            return redirect(url_for("visitors.registration", registration_id=made.id))
    page = render_template("visitors/desk.html", form=form, same=same)
    return page, 422 if form.is_submitted() and form.errors else 409 if same else 200


def _same(form: DeskForm) -> list[Registration]:
    """Who is perhaps registered already: same address or number, or same name at the same company."""
    key = emails.email_key(form.email.data or "")
    number = phones.to_e164(form.phone.data or "", form.country.data or "CN")
    found = queries.list_same_contact(g.edition.id, [key] if key else [], [number] if number else [])
    named = db.session.scalars(
        select(Registration)
        .where(
            Registration.edition_id == g.edition.id,
            Registration.name == text.clean(form.name.data or ""),
            Registration.state.not_in(("cancelled", "rejected")),
        )
        .options(joinedload(Registration.person), joinedload(Registration.visitor_class))
        .limit(20)
    )
    known = {r.id for r in found}
    return [*found, *(r for r in named if r.id not in known and _close(r, form))][:10]


def _close(registration: Registration, form: DeskForm) -> bool:
    company = text.fold(form.company.data or "")
    return not company or not registration.company_name or text.fold(registration.company_name) == company
