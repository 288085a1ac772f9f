"""Reading the working day: the next call, what was done by whom, and which companies go back to the pool soon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app
from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload

from expo_crm.accounts.models import User
from expo_crm.db import db
from expo_crm.directory.domain import calls
from expo_crm.directory.models import Activity, CallResult, Company, OwnershipLog

COLUMNS = ("calls", "reached", "visits", "mails", "opportunities", "talk_s")
_COUNTERS = "expo_day_counters"


def register_counter(app: Flask, column: str, count: Callable[[dt.datetime, dt.datetime], dict[int, int]]) -> None:
    """A package above counts what people did from one instant to another: ``count(start, end) -> {user id: number}``."""
    app.extensions.setdefault(_COUNTERS, {})[column] = count


def register_teams(app: Flask, teams: Callable[[], dict[int, str]]) -> None:
    """``teams() -> {user id: name of the team}``."""
    app.extensions["expo_teams"] = teams


@dataclass
class Totals:
    """What one person did in a span: calls, calls in which somebody spoke, visits, mails, new opportunities, seconds of talk."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))

    def __getattr__(self, name: str) -> int:
        if name in COLUMNS:
            return self.counts[name]
        raise AttributeError(name)

    def add(self, other: Totals) -> None:
        for name in COLUMNS:
            self.counts[name] += other.counts[name]


def reached_codes() -> list[str]:
    """Results that say somebody spoke; a call logged without a result counts as reached only by its result."""
    own = db.session.scalars(select(CallResult.code).where(CallResult.reached))
    return [r.code for r in calls.RESULTS if r.reached] + list(own)


def totals(start: dt.datetime, end: dt.datetime) -> dict[int, Totals]:
    """By person, ``start`` included, ``end`` not. Two statements, and one per registered counter."""
    reached = Activity.result_code.in_(reached_codes())
    rows = db.session.execute(
        select(
            Activity.owner_id,
            func.count(case((Activity.kind == "call", 1))),
            func.count(case(((Activity.kind == "call") & reached, 1))),
            func.count(case((Activity.kind == "visit", 1))),
            func.count(case((Activity.kind == "mail", 1))),
            func.coalesce(func.sum(case((Activity.kind == "call", Activity.duration_s))), 0),
        )
        .where(Activity.done_at >= start, Activity.done_at < end, Activity.owner_id.is_not(None))
        .group_by(Activity.owner_id)
    )
    out: dict[int, Totals] = {}
    for owner_id, made, spoken, visits, mails, talk in rows:
        counts = {"calls": made, "reached": spoken, "visits": visits, "mails": mails, "talk_s": int(talk)}
        out.setdefault(owner_id, Totals()).counts.update(counts)
    for column, count in current_app.extensions.get(_COUNTERS, {}).items():
        for owner_id, number in count(start, end).items():
            out.setdefault(owner_id, Totals()).counts[column] = number
    return out


def per_day(start: dt.datetime, end: dt.datetime, owner_id: int | None) -> list[tuple[dt.datetime, str, str]]:
    """(moment, kind, result) of what was done, for the chart; of one person or of all."""
    query = select(Activity.done_at, Activity.kind, Activity.result_code).where(
        Activity.done_at >= start, Activity.done_at < end, Activity.kind.in_(("call", "visit", "mail"))
    )
    if owner_id is not None:
        query = query.where(Activity.owner_id == owner_id)
    return [(at, kind, code) for at, kind, code in db.session.execute(query.limit(200_000)) if at is not None]


def teams() -> dict[int, str]:
    found = current_app.extensions.get("expo_teams")
    return found() if found else {}


def list_people(ids: Any) -> list[User]:
    return list(db.session.scalars(select(User).where(User.id.in_(list(ids))).order_by(User.name, User.id)))


def open_calls(owner_id: int | None, before: dt.datetime) -> Any:
    """The calls that are due for this person, the longest overdue first."""
    return (
        select(Activity)
        .where(
            Activity.owner_id == owner_id, Activity.kind == "call", Activity.done_at.is_(None), Activity.due_at < before
        )
        .order_by(Activity.due_at, Activity.id)
    )


def next_call(owner_id: int | None, before: dt.datetime, *, skipped: set[int]) -> Activity | None:
    query = open_calls(owner_id, before).options(joinedload(Activity.company), joinedload(Activity.person)).limit(1)
    return db.session.scalar(query.where(Activity.id.not_in(skipped)) if skipped else query)


def count_open_by_kind(owner_id: int | None, before: dt.datetime) -> dict[str, int]:
    rows = db.session.execute(
        select(Activity.kind, func.count())
        .where(Activity.owner_id == owner_id, Activity.done_at.is_(None), Activity.due_at < before)
        .group_by(Activity.kind)
    )
    return dict(rows.all())  # type: ignore[arg-type]


def list_recent(company_id: int, limit: int = 6) -> list[Activity]:
    """What was done with the company last, newest first."""
    query = select(Activity).where(Activity.company_id == company_id, Activity.done_at.is_not(None))
    return list(
        db.session.scalars(query.options(joinedload(Activity.owner)).order_by(Activity.done_at.desc()).limit(limit))
    )


def list_going_back(owner_id: int | None, limit: int = 10) -> tuple[list[Company], int]:
    """Companies of this person that were warned of: they go back to the pool soon. Returns (the first, how many)."""
    where = (Company.owner_id == owner_id, Company.pool_warned_at.is_not(None))
    count = db.session.scalar(select(func.count()).select_from(Company).where(*where)) or 0
    if not count:
        return [], 0
    return list(db.session.scalars(select(Company).where(*where).order_by(Company.pool_warned_at).limit(limit))), count


def list_ownership(company_id: int, limit: int = 30) -> list[OwnershipLog]:
    """The changes of owner of one company, newest first."""
    query = select(OwnershipLog).where(OwnershipLog.company_id == company_id)
    options = (joinedload(OwnershipLog.before), joinedload(OwnershipLog.after), joinedload(OwnershipLog.by))
    return list(
        db.session.scalars(
            query.options(*options).order_by(OwnershipLog.at.desc(), OwnershipLog.id.desc()).limit(limit)
        )
    )
