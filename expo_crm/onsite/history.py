"""What the show days add to the page of a company: its stand staff's badges, its leads, its people who came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, literal, select, union_all

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.directory.timeline import TimelineItem
from expo_crm.onsite.models import Badge, Lead, Presence
from expo_crm.shows import queries as shows
from expo_crm.visitors.models import Registration
from expo_crm.web.i18n import bi


def company_items(company_id: int) -> list[TimelineItem]:
    """One line per edition and kind, with the day of the newest event. One statement."""
    leads = (
        select(literal("leads"), Participation.edition_id, func.count(Lead.id), func.max(Lead.captured_at))
        .join(Lead, Lead.participation_id == Participation.id)
        .where(Participation.company_id == company_id, Lead.registration_id.is_not(None))
        .group_by(Participation.edition_id)
    )
    staff = (
        select(literal("staff"), Participation.edition_id, func.count(Badge.id), func.max(Badge.issued_at))
        .join(Badge, Badge.participation_id == Participation.id)
        .where(Participation.company_id == company_id)
        .group_by(Participation.edition_id)
    )
    people = func.count(func.distinct(Registration.person_id))
    visits = (
        select(literal("visits"), Registration.edition_id, people, func.max(Presence.first_entry_at))
        .join(Badge, Badge.registration_id == Registration.id)
        .join(Presence, Presence.badge_id == Badge.id)
        .where(Registration.company_id == company_id, Presence.entries > 0)
        .group_by(Registration.edition_id)
    )
    editions = {edition.id: edition for edition in shows.list_editions()}
    out: list[TimelineItem] = []
    what: str
    edition_id: int
    count: int
    at: dt.datetime | None
    for what, edition_id, count, at in db.session.execute(union_all(leads, staff, visits)):
        if at is not None:
            icon, tone, words = WORDS[what]
            item = TimelineItem(at, "onsite", icon, words(count), tone, bi(editions[edition_id]), phase="during")
            out.append(item)
    return out


WORDS: dict[str, tuple[str, str, Callable[[int], str]]] = {
    "leads": ("target-arrow", "success", lambda n: ngettext("%(num)d lead captured", "%(num)d leads captured", n)),
    "staff": ("id", "neutral", lambda n: ngettext("%(num)d badge for stand staff", "%(num)d badges for stand staff", n)),
    "visits": ("door-enter", "info", lambda n: _("%(people)s of this company visited the show", people=n)),
}
