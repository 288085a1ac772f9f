"""What registrations add to the company page and the person page."""

from __future__ import annotations

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.directory.timeline import TimelineItem
from expo_crm.exhibitors.models import InvitationLink
from expo_crm.shows.models import Edition
from expo_crm.visitors.domain.vocabulary import STATES, TONES
from expo_crm.visitors.models import Registration
from expo_crm.web import i18n

MOST = 60


def items(company_id: int) -> list[TimelineItem]:
    """Its people who registered as visitors, and per edition how many came by its invitation."""
    found = db.session.scalars(
        select(Registration)
        .where(Registration.company_id == company_id)
        .options(joinedload(Registration.edition), joinedload(Registration.visitor_class))
        .order_by(Registration.submitted_at.desc())
        .limit(MOST)
    )
    out = [
        TimelineItem(
            r.submitted_at, "visitor", "id-badge-2", _("%(name)s registered as a visitor", name=r.name), TONES[r.state],
            f"{i18n.bi(r.edition)} · {i18n.bi(r.visitor_class)} · {_(STATES[r.state])}",
            url_for("visitors.registration", edition=r.edition.slug, registration_id=r.id), "", "before",
        )
        for r in found
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
    return _rendered(Registration.company_id == company_id)


def person_panel(person_id: int) -> Markup | None:
    """Every registration of a person."""
    return _rendered(Registration.person_id == person_id)


def _rendered(condition: object) -> Markup | None:
    found = list(
        db.session.scalars(
            select(Registration)
            .join(Registration.edition)
            .where(condition)  # type: ignore[arg-type]
            .options(joinedload(Registration.edition), joinedload(Registration.visitor_class))
            .order_by(Edition.starts_on.desc(), Registration.id.desc())
            .limit(12)
        )
    )
    if not found:
        return None
    rows = [{"registration": r, "state": _(STATES[r.state]), "tone": TONES[r.state]} for r in found]
    return Markup(render_template("visitors/_company.html", rows=rows))
