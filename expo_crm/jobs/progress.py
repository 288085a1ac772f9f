"""How far a running job is. Written beside its transaction, so that the page sees it before the commit.

On PostgreSQL a second connection writes to the same database. SQLite has one writer, which is the job itself, so progress
goes to a small database of its own beside it; it holds nothing that matters after the job.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.pool import NullPool

_metadata = MetaData()
_table = Table(
    "job_progress",
    _metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("label", String(200), nullable=False),
)
MIN_SECONDS = 0.25  # between two writes


@cache
def _engine(url: str) -> Engine:
    """The engine for a database URL; SQLite gets a sibling file whose table is made on first use."""
    if url.startswith("sqlite"):
        engine = create_engine(url + "-progress", connect_args={"timeout": 5})
    else:
        engine = create_engine(url, poolclass=NullPool)
    return engine


def _here() -> Engine:
    """The engine, with the table made where it is missing: a database may have been replaced under the same address."""
    engine = _engine(current_app.config["SETTINGS"].database_url)
    _metadata.create_all(engine)
    return engine


class Progress:
    """Handed to a job: ``progress(done, total, label)`` as often as it likes; written at most four times a second."""

    def __init__(self, job_id: int | None) -> None:
        self.job_id = job_id
        self._last = 0.0

    def __call__(self, done: int, total: int, label: str = "") -> None:
        now = time.monotonic()
        if self.job_id is None or (now - self._last < MIN_SECONDS and done < total):
            return
        self._last = now
        values: dict[str, Any] = {"done": done, "total": total, "label": label[:200]}
        with _here().begin() as connection:
            changed = connection.execute(update(_table).where(_table.c.job_id == self.job_id).values(values))
            if not changed.rowcount:
                connection.execute(insert(_table).values(job_id=self.job_id, **values))


def read(job_id: int) -> tuple[int, int, str]:
    """(done, total, label); (0, 0, "") before the first word."""
    with _here().connect() as connection:
        row = connection.execute(
            select(_table.c.done, _table.c.total, _table.c.label).where(_table.c.job_id == job_id)
        ).first()
    return (row.done, row.total, row.label) if row else (0, 0, "")


def forget(job_id: int) -> None:
    with _here().begin() as connection:
        connection.execute(delete(_table).where(_table.c.job_id == job_id))
