"""Calls, visits, notes and the next action."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.domain.ownership import CONTACTS
from expo_crm.directory.models import Activity
from expo_crm.directory.services import ownership
from expo_crm.lib import clock, text

KINDS = ("call", "mail", "visit", "meeting", "note", "task")


def log_activity(
    company_id: int,
    *,
    kind: str,
    subject: str,
    body: str = "",
    outcome: str = "",
    person_id: int | None = None,
    edition_id: int | None = None,
    owner_id: int | None = None,
    at: dt.datetime | None = None,
    result_code: str = "",
    duration_s: int | None = None,
    place: str = "",
) -> Activity:
    """Something that was done: a call, mail, visit, meeting or note. A contact prolongs the owner's protection.

    ``result_code``: what came of a call (``domain.calls``); ``duration_s``: how long it took, in seconds; ``place``: where a
    visit was. Raises DirectoryError("subject-missing").
    """
    made = _add(company_id, kind, subject, body, outcome, person_id, edition_id, owner_id, None, at or clock.now())
    made.result_code, made.duration_s, made.place = result_code, duration_s, text.clean(place, limit=300)
    if kind in CONTACTS:
        ownership.protect(company_id, "contact")
    db.session.flush()
    return made


def plan_next_action(
    company_id: int,
    *,
    subject: str,
    due_at: dt.datetime,
    kind: str = "task",
    body: str = "",
    person_id: int | None = None,
    edition_id: int | None = None,
    owner_id: int | None = None,
    place: str = "",
) -> Activity:
    """Something to be done by ``due_at``; it appears on the owner's day. Raises DirectoryError("subject-missing")."""
    planned = _add(company_id, kind, subject, body, "", person_id, edition_id, owner_id, due_at, None)
    planned.place = text.clean(place, limit=300)
    db.session.flush()
    return planned


def finish(
    activity: Activity,
    *,
    outcome: str = "",
    note: str = "",
    at: dt.datetime | None = None,
    result_code: str = "",
    duration_s: int | None = None,
) -> None:
    """Tick a planned action off; of two who do so at once the second is told. Raises DirectoryError("activity-done")."""
    # Locked, because the row has no version and both may have read it open.
    db.session.execute(select(Activity.id).where(Activity.id == activity.id).with_for_update())
    db.session.refresh(activity, ["done_at"])
    _refuse_done(activity)
    activity.done_at = at or clock.now()
    activity.outcome = text.clean(outcome, limit=60)
    activity.result_code, activity.duration_s = result_code, duration_s
    if activity.kind in CONTACTS:
        ownership.protect(activity.company_id, "contact")
    if note:
        activity.body = "\n".join(filter(None, (activity.body, text.clean(note, multiline=True, limit=20_000))))
    db.session.flush()
    audit.record("activity.finish", "activity", activity.id, edition_id=activity.edition_id)


def postpone(activity: Activity, due_at: dt.datetime) -> None:
    """Move a planned action to another moment. Raises DirectoryError("activity-done")."""
    _refuse_done(activity)
    before, activity.due_at = activity.due_at, due_at
    db.session.flush()
    audit.record(
        "activity.postpone",
        "activity",
        activity.id,
        edition_id=activity.edition_id,
        changes={"due_at": [before, due_at]},
    )


def _refuse_done(activity: Activity) -> None:
    if activity.done_at is not None:
        raise DirectoryError("activity-done", activity.id)


def _add(
    company_id: int,
    kind: str,
    subject: str,
    body: str,
    outcome: str,
    person_id: int | None,
    edition_id: int | None,
    owner_id: int | None,
    due_at: dt.datetime | None,
    done_at: dt.datetime | None,
) -> Activity:
    subject = text.clean(subject, limit=300)
    if text.is_blank(subject):
        raise DirectoryError("subject-missing")
    activity = Activity(
        company_id=company_id,
        kind=kind,
        subject=subject,
        body=text.clean(body, multiline=True, limit=20_000),
        outcome=text.clean(outcome, limit=60),
        person_id=person_id,
        edition_id=edition_id,
        owner_id=owner_id,
        due_at=due_at,
        done_at=done_at,
        created_at=clock.now(),
    )
    db.session.add(activity)
    db.session.flush()
    audit.record(
        "activity.plan" if due_at else "activity.log",
        "activity",
        activity.id,
        edition_id=edition_id,
        changes={"company_id": company_id, "kind": kind},
    )
    return activity
