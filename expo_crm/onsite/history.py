"""What the show days add to the page of a company: its stand staff's badges, its leads, its people who came."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.directory.timeline import TimelineItem
from expo_crm.onsite.models import Badge, Lead, Presence
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration
from expo_crm.web.i18n import bi


def company_items(company_id: int) -> list[TimelineItem]:
    """One line per edition and kind, with the day of the newest event. Three statements."""
    return [*_leads(company_id), *_staff(company_id), *_visits(company_id)]


def _leads(company_id: int) -> list[TimelineItem]:
    rows = db.session.execute(
        select(Edition, func.count(Lead.id), func.max(Lead.captured_at))
        .join(Participation, Participation.edition_id == Edition.id)
        .join(Lead, Lead.participation_id == Participation.id)
        .where(Participation.company_id == company_id, Lead.registration_id.is_not(None))
        .group_by(Edition.id)
    )
    return [
        TimelineItem(
            at=at,
            kind="onsite",
            icon="target-arrow",
            tone="success",
            phase="during",
            title=ngettext("%(num)d lead captured", "%(num)d leads captured", count),
            body=bi(edition),
        )
        for edition, count, at in rows
    ]


def _staff(company_id: int) -> list[TimelineItem]:
    rows = db.session.execute(
        select(Edition, func.count(Badge.id), func.max(Badge.issued_at))
        .join(Participation, Participation.edition_id == Edition.id)
        .join(Badge, Badge.participation_id == Participation.id)
        .where(Participation.company_id == company_id)
        .group_by(Edition.id)
    )
    return [
        TimelineItem(
            at=at,
            kind="onsite",
            icon="id",
            phase="during",
            title=ngettext("%(num)d badge for stand staff", "%(num)d badges for stand staff", count),
            body=bi(edition),
        )
        for edition, count, at in rows
    ]


def _visits(company_id: int) -> list[TimelineItem]:
    rows = db.session.execute(
        select(Edition, func.count(func.distinct(Registration.person_id)), func.max(Presence.first_entry_at))
        .join(Registration, Registration.edition_id == Edition.id)
        .join(Badge, Badge.registration_id == Registration.id)
        .join(Presence, Presence.badge_id == Badge.id)
        .where(Registration.company_id == company_id, Presence.entries > 0)
        .group_by(Edition.id)
    )
    return [
        TimelineItem(
            at=at,
            kind="onsite",
            icon="door-enter",
            tone="info",
            phase="during",
            title=_("%(people)s of this company visited the show", people=count),
            body=bi(edition),
        )
        for edition, count, at in rows
        if at is not None
    ]
