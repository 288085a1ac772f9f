"""What registrations add to the company page and the person page."""

from __future__ import annotations

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory import timeline
from expo_crm.directory.models import Participation
from expo_crm.directory.timeline import TimelineItem
from expo_crm.exhibitors.models import InvitationLink
from expo_crm.shows.models import Edition
from expo_crm.visitors.domain.vocabulary import STATES, TONES
from expo_crm.visitors.models import Registration
from expo_crm.web import i18n

MOST, SHOWN = 60, 12  # on the timeline, and in the panel


def items(company_id: int) -> list[TimelineItem]:
    """Its people who registered as visitors, and per edition how many came by its invitation."""
    out = [
        TimelineItem(
            r.submitted_at, "visitor", "id-badge-2", _("%(name)s registered as a visitor", name=r.name), TONES[r.state],
            f"{i18n.bi(r.edition)} · {i18n.bi(r.visitor_class)} · {_(STATES[r.state])}",
            url_for("visitors.registration", edition=r.edition.slug, registration_id=r.id), "", "before",
        )
        for r in timeline.once("registrations", company_id, _of_company)
    ]  # fmt: skip
    invited = db.session.execute(
        select(Edition, func.count(Registration.id), func.max(Registration.submitted_at))
        .select_from(Registration)
        .join(InvitationLink, InvitationLink.id == Registration.invitation_link_id)
        .join(Participation, Participation.id == InvitationLink.participation_id)
        .join(Edition, Edition.id == Registration.edition_id)
        .where(Participation.company_id == company_id, Registration.state != "cancelled")
        .group_by(Edition.id)
    )
    for edition, number, last in invited:
        title = ngettext(
            "%(num)d visitor registered by its invitation", "%(num)d visitors registered by its invitation", number
        )
        out.append(TimelineItem(last, "visitor", "mail-opened", title, "success", i18n.bi(edition), "", "", "before"))
    return out


def panel(company_id: int) -> Markup | None:
    """Its people among the visitors, newest edition first."""
    return _rendered(timeline.once("registrations", company_id, _of_company))


def person_panel(person_id: int) -> Markup | None:
    """The registrations of a person."""
    return _rendered(_newest(Registration.person_id == person_id))


def _of_company(company_id: int) -> list[Registration]:
    return _newest(Registration.company_id == company_id)


def _newest(condition: ColumnElement[bool]) -> list[Registration]:
    query = (
        select(Registration)
        .where(condition)
        .options(joinedload(Registration.edition), joinedload(Registration.visitor_class))
        .order_by(Registration.submitted_at.desc())
        .limit(MOST)
    )
    return list(db.session.scalars(query))


def _rendered(registrations: list[Registration]) -> Markup | None:
    if not registrations:
        return None
    found = sorted(registrations, key=lambda r: (r.edition.starts_on, r.id), reverse=True)[:SHOWN]
    rows = [{"registration": r, "state": _(STATES[r.state]), "tone": TONES[r.state]} for r in found]
    return Markup(render_template("visitors/_company.html", rows=rows))
