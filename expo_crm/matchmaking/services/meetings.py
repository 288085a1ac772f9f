"""Meetings: asked by one side, answered by the other, given a time and place, held or not."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock, ids, text
from expo_crm.matchmaking import queries
from expo_crm.matchmaking.domain import meeting as rules
from expo_crm.matchmaking.models import Meeting
from expo_crm.matchmaking.services import mails
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services.links import derive

LIVE = {"approved", "submitted"}


class MeetingError(Exception):
    """Refused by a rule. ``code``: open (one is under way), visitor, exhibitor (not in the edition any more), state, side,
    clash-visitor, clash-exhibitor, outside (not in the opening hours), other-edition."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def ask(
    participation: Participation,
    registration: Registration,
    *,
    by: str,
    message: str = "",
    reasons: list[dict[str, Any]] | None = None,
    mail: bool = True,
) -> Meeting:
    """Ask for a meeting as ``visitor``, ``exhibitor`` or ``staff``; the other side gets a mail.

    Raises MeetingError: "other-edition", "visitor", "exhibitor", "open".
    """
    if participation.edition_id != registration.edition_id:
        raise MeetingError("other-edition")
    if registration.state not in LIVE:
        raise MeetingError("visitor")
    if participation.outcome not in ("planned", "exhibited"):
        raise MeetingError("exhibitor")
    if queries.find_open_meeting(participation.id, registration.id):
        raise MeetingError("open")
    found = Meeting(
        edition_id=registration.edition_id,
        participation=participation,
        registration=registration,
        asked_by=by,
        message=text.clean(message, multiline=True, limit=1000),
        reasons=list(reasons or []),
        created_at=clock.now(),
    )
    try:
        with db.session.begin_nested():
            db.session.add(found)
    except IntegrityError:
        raise MeetingError("open") from None
    found.token_hash = ids.hash_token(answer_token(found))
    db.session.flush()
    _record(found, "ask", {"by": by})
    if mail:
        mails.tell_request(found, answer_token(found))
    return found


def answer_token(meeting: Meeting) -> str:
    """The token of the visitor's answer link."""
    return derive("meeting", str(meeting.id))


def answer(meeting: Meeting, *, accept: bool, side: str, reply: str = "", mail: bool = True) -> None:
    """Accept or decline as ``visitor``, ``exhibitor`` or ``staff``. Raises MeetingError: "state", "side"."""
    if not rules.may_answer(meeting.asked_by, side):
        raise MeetingError("side")
    _move(meeting, "accepted" if accept else "declined", "accept" if accept else "decline", {"by": side})
    meeting.reply = text.clean(reply, multiline=True, limit=1000)
    meeting.answered_at = clock.now()
    db.session.flush()
    if mail:
        mails.tell_answer(meeting, side)


def opening_slots(edition: Edition) -> list[rules.Slot]:
    return [
        rules.Slot(
            dt.datetime.combine(d.day, d.opens_at, edition.zone).astimezone(dt.UTC),
            dt.datetime.combine(d.day, d.closes_at, edition.zone).astimezone(dt.UTC),
        )
        for d in edition.days
    ]


def free_slots(meeting: Meeting, *, limit: int = 120) -> list[rules.Slot]:
    """When both sides have time, in the opening hours, from now on."""
    taken = [
        rules.Slot(m.starts_at, m.ends_at)
        for m in queries.list_scheduled_of(meeting.participation_id, meeting.registration_id, without=meeting.id)
        if m.starts_at and m.ends_at
    ]
    now = clock.now()
    found = rules.free_slots(opening_slots(meeting.edition), taken, limit=500)
    return [s for s in found if s.starts_at > now][:limit]


def schedule(
    meeting: Meeting, starts_at: dt.datetime, *, minutes: int = rules.MINUTES, place: str = "", mail: bool = True
) -> None:
    """Fix time and place; both sides get a mail with a calendar file. Both sides' rows are locked while their time is compared.

    Raises MeetingError: "state", "outside", "clash-visitor", "clash-exhibitor".
    """
    if not rules.may_change(meeting.state, "scheduled"):
        raise MeetingError("state")
    wanted = rules.Slot(starts_at, starts_at + dt.timedelta(minutes=minutes))
    if not rules.inside(wanted, opening_slots(meeting.edition)):
        raise MeetingError("outside")
    db.session.execute(
        select(Participation.id).where(Participation.id == meeting.participation_id).with_for_update(key_share=True)
    )
    db.session.execute(
        select(Registration.id).where(Registration.id == meeting.registration_id).with_for_update(key_share=True)
    )
    for other in queries.list_scheduled_of(meeting.participation_id, meeting.registration_id, without=meeting.id):
        if other.starts_at and other.ends_at and wanted.meets(rules.Slot(other.starts_at, other.ends_at)):
            same_visitor = other.registration_id == meeting.registration_id
            raise MeetingError("clash-visitor" if same_visitor else "clash-exhibitor")
    meeting.starts_at, meeting.ends_at = wanted.starts_at, wanted.ends_at
    meeting.place = text.clean(place, limit=200) or meeting.participation.stands
    _move(meeting, "scheduled", "schedule", {"starts_at": starts_at.isoformat(), "place": meeting.place})
    if mail:
        mails.tell_schedule(meeting)


def mark(meeting: Meeting, outcome: str, *, side: str = "") -> None:
    """``held``, or ``no_show`` with the side (visitor, exhibitor, both) that did not come. Raises MeetingError: "state", "side"."""
    if outcome not in ("held", "no_show"):
        raise MeetingError("state")
    if outcome == "no_show" and side not in ("visitor", "exhibitor", "both"):
        raise MeetingError("side")
    meeting.no_show_side = side if outcome == "no_show" else ""
    _move(meeting, outcome, outcome, {"side": meeting.no_show_side})


def cancel(meeting: Meeting, *, side: str, mail: bool = True) -> None:
    """Call it off as one of the sides; the other gets a mail. Raises MeetingError: "state"."""
    _move(meeting, "cancelled", "cancel", {"by": side})
    if mail:
        mails.tell_cancelled(meeting, side)


def cancel_of(registration: Registration) -> None:
    """A visitor who is not coming has no meetings; the exhibitors are told."""
    for found in queries.list_meetings_of_registration(registration.id):
        if found.state in rules.OPEN:
            cancel(found, side="visitor")


def expire_past() -> int:
    """Requests that nobody answered before the edition ended are over. Returns how many."""
    today = clock.now().date() - dt.timedelta(days=1)
    found = db.session.scalars(
        select(Meeting)
        .join(Edition, Edition.id == Meeting.edition_id)
        .where(Meeting.state == "requested", Edition.ends_on < today)
        .limit(1000)
    ).all()
    for meeting in found:
        _move(meeting, "expired", "expire", {})
    return len(found)


def _move(meeting: Meeting, state: str, verb: str, changes: dict[str, Any]) -> None:
    before = meeting.state
    if not rules.may_change(before, state):
        raise MeetingError("state")
    meeting.state = state
    db.session.flush()
    _record(meeting, verb, {"state": [before, state], **changes})


def _record(meeting: Meeting, verb: str, changes: dict[str, Any]) -> None:
    audit.record(f"meeting.{verb}", "meeting", meeting.id, edition_id=meeting.edition_id, changes=changes)
