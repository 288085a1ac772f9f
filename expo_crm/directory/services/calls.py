"""Scripts, results, and what happens when a call ends: the activity, and the next action that follows by itself."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain import calls
from expo_crm.directory.domain.calls import Result
from expo_crm.directory.models import Activity, CallResult, CallScript
from expo_crm.directory.services import activities
from expo_crm.lib import clock


def list_results(*, retired: bool = False) -> list[CallResult]:
    """The own results of the house."""
    query = select(CallResult).order_by(CallResult.id)
    return list(db.session.scalars(query if retired else query.where(~CallResult.retired)))


def find_result(code: str) -> Result | None:
    """A result of the closed list or an own one, by its code; None when there is no such."""
    for result in calls.RESULTS:
        if result.code == code:
            return result
    own = db.session.scalar(select(CallResult).where(CallResult.code == code, ~CallResult.retired))
    return Result(own.code, own.reached, own.next_kind, own.next_days) if own else None


def save_result(row: CallResult | None, **values: Any) -> CallResult:
    if row is None:
        row = CallResult(code=f"own{(db.session.scalar(select(func.max(CallResult.id))) or 0) + 1}", **values)
        db.session.add(row)
    else:
        for name, value in values.items():
            setattr(row, name, value)
    db.session.flush()
    audit.record("call_result.save", "call_result", row.id, changes={n: str(v) for n, v in values.items()})
    return row


def list_scripts(edition_id: int | None = None, *, retired: bool = False) -> list[CallScript]:
    """Scripts, those of the edition before those of every edition; without an edition all of them."""
    query = select(CallScript).order_by(CallScript.edition_id.is_(None), CallScript.purpose, CallScript.id)
    if edition_id is not None:
        query = query.where(or_(CallScript.edition_id == edition_id, CallScript.edition_id.is_(None)))
    return list(db.session.scalars(query if retired else query.where(~CallScript.retired)))


def save_script(script: CallScript | None, **values: Any) -> CallScript:
    if script is None:
        script = CallScript(updated_at=clock.now(), **values)
        db.session.add(script)
    else:
        for name, value in values.items():
            setattr(script, name, value)
        script.updated_at = clock.now()
    db.session.flush()
    audit.record(
        "call_script.save", "call_script", script.id, edition_id=script.edition_id, changes={"purpose": script.purpose}
    )
    return script


def settle(
    company_id: int,
    result: Result,
    *,
    subject: str,
    zone: ZoneInfo,
    user_id: int | None,
    planned: Activity | None = None,
    note: str = "",
    duration_s: int | None = None,
    next_subject: str = "",
    next_at: dt.datetime | None = None,
    person_id: int | None = None,
    edition_id: int | None = None,
) -> tuple[Activity, Activity | None]:
    """Store the call and what follows. Returns (the call, the next action or None).

    ``planned`` is ticked off with the result; without it a call is logged. ``next_at`` overrides the result's own day; a
    result that nothing follows plans something only when ``next_at`` is given. Raises DirectoryError("activity-done").
    """
    now = clock.now()
    if planned is not None:
        activities.finish(
            planned, note=note, outcome=result.code, result_code=result.code, duration_s=duration_s, at=now
        )
        done, person_id, edition_id = planned, planned.person_id, planned.edition_id
    else:
        done = activities.log_activity(
            company_id, kind="call", subject=subject, body=note, outcome=result.code, person_id=person_id,
            edition_id=edition_id, owner_id=user_id, at=now, result_code=result.code, duration_s=duration_s,
        )  # fmt: skip
    due = calls.next_moment(result, now, zone, next_at)
    if due is None:
        return done, None
    following = activities.plan_next_action(
        company_id, kind=result.next_kind or "call", subject=next_subject or subject, due_at=due, person_id=person_id,
        edition_id=edition_id, owner_id=user_id,
    )  # fmt: skip
    return done, following
