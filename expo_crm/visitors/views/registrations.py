"""The list of an edition's registrations."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.visitors import queries
from expo_crm.visitors.domain.vocabulary import BUYING_ROLES, FUNCTIONS, SOURCES, STATES, TONES
from expo_crm.visitors.models import Registration, VisitorClass
from expo_crm.visitors.services import hooks
from expo_crm.visitors.services import registrations as services
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, current_principal, requires


def _pill(registration: Registration) -> Markup:
    return _drawn(_(STATES[registration.state]), TONES[registration.state])


@lru_cache(maxsize=64)
def _drawn(label: str, tone: str) -> Markup:
    """Drawn once: a template for each row was a third of the page's time."""
    return listing.pill(label, tone)


def _word(names: dict[str, str], code: str) -> str:
    return _(names.get(code, code)) if code else ""


def _columns() -> list[listing.Column]:
    columns = [
        listing.Column("number", _("Number"), lambda r: r.number, sort=Registration.number),
        listing.Column("name", _("Name"), lambda r: r.name, sort=Registration.sort_key, primary=True),
        listing.Column("company", _("Company"), lambda r: r.company_name, sort=Registration.company_name),
        listing.Column("title", _("Job title"), lambda r: r.job_title, hide_on_phone=True),
        listing.Column("class", _("Visitor class"), lambda r: i18n.bi(r.visitor_class), sort=Registration.class_id),
        listing.Column("source", _("Source"), lambda r: _(SOURCES.get(r.source, r.source)), hide_on_phone=True),
        listing.Column(
            "submitted", _("Registered"), lambda r: i18n.datetime_(r.submitted_at), sort=Registration.submitted_at,
            kind="date",
        ),
        listing.Column(
            "state", _("State"), lambda r: _(STATES[r.state]), cell=_pill, sort=Registration.state, kind="status"
        ),
        listing.Column("function", _("Function"), lambda r: _word(FUNCTIONS, r.function), export_only=True),
        listing.Column("buying", _("Part in purchases"), lambda r: _word(BUYING_ROLES, r.buying_role), export_only=True),
    ]  # fmt: skip
    if current_principal().can(Permission.CONTACT_DATA):
        columns += [
            listing.Column("email", _("E-mail"), lambda r: r.person.email, export_only=True),
            listing.Column("phone", _("Phone"), lambda r: r.person.phone, export_only=True),
        ]
    return columns


def _on_day(value: str) -> ColumnElement[bool] | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        return None
    try:
        start, end = clock.day_bounds(dt.date.fromisoformat(value), g.edition.zone)
    except (ValueError, OverflowError):
        return None
    return (Registration.submitted_at >= start) & (Registration.submitted_at < end)


def _filters(classes: list[VisitorClass]) -> list[listing.Filter]:
    by_code = {c.code: c.id for c in classes}
    filters = [
        listing.Filter("class", _("Visitor class"), [(c.code, i18n.bi(c)) for c in classes], lambda v: Registration.class_id == by_code[v]),
        listing.Filter("state", _("State"), [(c, _(n)) for c, n in STATES.items()], lambda v: Registration.state == v),
        listing.Filter("source", _("Source"), [(c, _(n)) for c, n in SOURCES.items()], lambda v: Registration.source == v),
    ]  # fmt: skip
    attended = hooks.attended(Registration.id)
    if attended is not None:
        filters.append(
            listing.Filter("attended", _("Attended"), [("yes", _("yes")), ("no", _("no"))], lambda v: attended if v == "yes" else ~attended)
        )  # fmt: skip
    filters.append(listing.Filter("day", _("Registered on"), [], _on_day, kind="date"))
    return filters


@requires(Permission.VIEW)
def registrations() -> ResponseReturnValue:
    classes = queries.list_classes(g.edition.id)
    may_review = current_principal().can(Permission.REGISTRATION)
    page = listing.build(
        id="registrations",
        query=select(Registration)
        .where(Registration.edition_id == g.edition.id)
        # Not joined: a far page would join all rows before it only to leave them out.
        .options(selectinload(Registration.visitor_class), selectinload(Registration.person)),
        columns=_columns(),
        default_sort="submitted",
        default_desc=True,
        tie_break=Registration.id.desc(),
        filters=_filters(classes),
        search=lambda q: listing.contains(Registration.search_key, q),
        search_hint=_("Name, company, pinyin or number"),
        empty=listing.Empty(
            "id-badge-2",
            _("Nobody has registered yet"),
            _("Send the address of the registration page to your visitors, or register somebody at the desk."),
            url_for("visitors.register"),
            _("Open the registration page"),
        ),
        row_url=lambda r: url_for("visitors.registration", registration_id=r.id),
        bulk=[listing.Bulk(url_for("visitors.approve_many"), _("Approve"), "check")] if may_review else [],
    )
    states = queries.count_by_state(g.edition.id)
    return render_template("visitors/registrations.html", listing=page, states=states, may_review=may_review)


@requires(Permission.REGISTRATION)
def approve_many() -> ResponseReturnValue:
    """Approve the ticked registrations that may be approved; the others stay as they are."""
    ids = [int(v) for v in request.form.getlist("ids") if re.fullmatch(r"\d{1,12}", v, re.ASCII)]
    if not ids:
        abort(422)
    done = 0
    for found in db.session.scalars(
        select(Registration)
        .where(Registration.edition_id == g.edition.id, Registration.id.in_(ids[:500]))
        .options(joinedload(Registration.person), joinedload(Registration.edition))
    ).all():
        if found.state in {"submitted", "in_review", "returned"}:
            services.approve(found)
            done += 1
    flash(ngettext("%(num)d registration approved.", "%(num)d registrations approved.", done), "success")
    return redirect(url_for("visitors.registrations"))
