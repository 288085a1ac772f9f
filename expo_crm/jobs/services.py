"""Putting work into the ledger, claiming it, running it, settling it."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.db import db, unit_of_work
from expo_crm.jobs import handler_of, progress
from expo_crm.jobs.models import Job
from expo_crm.lib import clock, ids
from expo_crm.web import once

log = logging.getLogger(__name__)
STALE_AFTER = dt.timedelta(minutes=30)
SILENT_AFTER = dt.timedelta(minutes=2)  # without a beat, of a job that began to beat
MAX_ATTEMPTS = 3
KEEP_TICKS = dt.timedelta(days=7)


def enqueue(
    kind: str, payload: dict[str, Any] | None = None, *, user_id: int | None = None, due_at: dt.datetime | None = None
) -> Job:
    """A job in the caller's transaction: it exists exactly when the change that wants it does."""
    job = Job(kind=kind, key=ids.new_token(), due_at=due_at or clock.now(), payload=payload or {}, user_id=user_id)
    db.session.add(job)
    db.session.flush()
    return job


def enqueue_tick(kind: str, due_at: dt.datetime) -> None:
    """A scheduled job, once per (kind, due time) however many schedulers tick."""
    dialect = db.session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    values = {
        "kind": kind,
        "key": "",
        "due_at": due_at,
        "state": "queued",
        "payload": {},
        "result": {},
        "error": "",
        "attempts": 0,
    }
    db.session.execute(insert(Job).values(values).on_conflict_do_nothing(index_elements=["kind", "due_at", "key"]))


def claim() -> Job | None:
    """Take the next due job; two workers never get the same one. Commits."""
    with unit_of_work():
        now = clock.now()
        dead = and_(
            Job.state == "running",
            or_(
                Job.beat_at < now - SILENT_AFTER,
                and_(Job.beat_at.is_(None), Job.started_at < now - STALE_AFTER),
            ),
        )
        db.session.execute(update(Job).where(dead, Job.attempts < MAX_ATTEMPTS).values(state="queued", beat_at=None))
        db.session.execute(
            update(Job)
            .where(dead, Job.attempts >= MAX_ATTEMPTS)
            .values(state="failed", finished_at=now, error=f"its process ended {MAX_ATTEMPTS} times")
        )
        next_id = (
            select(Job.id)
            .where(Job.state == "queued", Job.due_at <= now)
            .order_by(Job.due_at, Job.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        taken = db.session.execute(
            update(Job)
            .where(Job.id == next_id, Job.state == "queued")
            .values(state="running", started_at=now, attempts=Job.attempts + 1)
            .returning(Job.id)
        ).scalar()
        return db.session.get(Job, taken) if taken else None


def beat(job_id: int | None) -> None:
    """A long job says that it lives, in the portion that it is about to commit: silence is then noticed after two minutes."""
    if job_id is not None:
        db.session.execute(update(Job).where(Job.id == job_id).values(beat_at=clock.now()))


def run_next() -> bool:
    """Claim and run one due job in a transaction of its own; False when nothing was due. Never raises for a job's own fault."""
    job = claim()
    if job is None:
        return False
    handler = handler_of(job.kind)
    try:
        if handler is None:
            raise LookupError(f"no handler for {job.kind}")
        with unit_of_work():
            result = handler(job.payload, progress.Progress(job.id)) or {}
            db.session.execute(
                update(Job)
                .where(Job.id == job.id)
                .values(state="done", result=result, finished_at=clock.now(), error="")
            )
    except Exception as error:
        log.exception("job %s (%s) failed", job.id, job.kind)
        with unit_of_work():
            db.session.execute(
                update(Job)
                .where(Job.id == job.id)
                .values(state="failed", finished_at=clock.now(), error=f"{type(error).__name__}: {error}"[:2000])
            )
    return True


def run_all(limit: int = 1000) -> int:
    """Run everything that is due now; returns how many jobs ran. For commands and tests; the worker does the same for ever."""
    count = 0
    while count < limit and run_next():
        count += 1
    return count


def tidy() -> dict[str, int]:
    """Forget what nobody looks for any more: finished periodic jobs after a week, and the marks of forms that were sent."""
    old = delete(Job).where(Job.key == "", Job.state == "done", Job.due_at < clock.now() - KEEP_TICKS)
    ticks = db.session.execute(old)
    return {"ticks": int(getattr(ticks, "rowcount", 0)), "forms": once.tidy()}
