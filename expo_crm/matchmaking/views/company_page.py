"""What meetings add to the company page."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.directory.timeline import TimelineItem
from expo_crm.matchmaking.domain.meeting import STATES, TONES
from expo_crm.matchmaking.models import Meeting
from expo_crm.web import i18n

MOST = 60


def items(company_id: int) -> list[TimelineItem]:
    """The meetings of the company as exhibitor, at their time, or when they were asked for."""
    found = db.session.scalars(
        select(Meeting)
        .join(Meeting.participation)
        .where(Participation.company_id == company_id)
        .options(joinedload(Meeting.registration), joinedload(Meeting.edition))
        .order_by(Meeting.id.desc())
        .limit(MOST)
    )
    return [
        TimelineItem(
            m.starts_at or m.created_at, "meeting", "calendar-event", _("Meeting with %(name)s", name=m.registration.name),
            TONES[m.state], f"{m.registration.company_name} · {_(STATES[m.state])} · {i18n.bi(m.edition)}".lstrip(" ·"),
            url_for("matchmaking.meeting", edition=m.edition.slug, meeting_id=m.id), "", "during",
        )
        for m in found
    ]  # fmt: skip
