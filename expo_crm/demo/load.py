"""Puts the generated rows into the database, table by table in the order of their foreign keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, select, text

from expo_crm import bulk
from expo_crm.accounts.models import User, UserRole
from expo_crm.db import Base, db
from expo_crm.demo import customers, money, sales, showdays, words, workday
from expo_crm.demo.world import Say, World
from expo_crm.directory.services import duplicates
from expo_crm.exhibitors.services import price_lists
from expo_crm.shows.models import Edition

BATCH = 5000


class NotEmpty(Exception):
    """There are editions already; the demonstration show is only made in an empty database."""


def load(seed: int, today: dt.date, say: Say, progress: Any) -> dict[str, int]:
    """Generate and insert everything in the caller's transaction. Returns rows by table. ``progress(rows)`` is told of each batch.

    Raises NotEmpty.
    """
    if db.session.scalar(select(func.count()).select_from(Edition)):
        raise NotEmpty
    world = World(seed, today, say)
    world.run(_staff(world.now))
    say("writing")
    models = {model.__table__: rows for model, rows in world.rows.items()}
    counts = {}
    for table in Base.metadata.sorted_tables:
        rows = models.get(table)
        if not rows:
            continue
        for alike in _alike(rows):
            for start in range(0, len(alike), BATCH):
                bulk.add(table, alike[start : start + BATCH])
                progress(min(BATCH, len(alike) - start))
        counts[table.name] = len(rows)
    duplicates.index_missing()
    if db.session.get_bind().dialect.name == "postgresql":
        for model in models:
            if "id" not in model.c or model.c.id.foreign_keys:
                continue  # its key is another table's
            highest = select(func.max(model.c.id)).scalar_subquery()
            db.session.execute(select(func.setval(func.pg_get_serial_sequence(func.quote_ident(model.name), "id"), highest)))
        db.session.execute(text("analyze"))
    showdays.play(world.editions[-2]["id"], world.now)
    workday.settle(today)
    last, coming = (db.session.get_one(Edition, world.editions[place]["id"]) for place in (-2, -1))
    customers.play(seed, last, coming, today)
    price_lists.follow_day(world.now)
    sales.play(seed, last, coming, today)
    money.play([world.editions[-2]["id"], world.editions[-1]["id"]], today)
    return counts


def _alike(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The rows by the columns they name: one statement writes only rows that name the same."""
    groups: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(frozenset(row), []).append(row)
    return list(groups.values())


def _staff(now: dt.datetime) -> dict[str, list[int]]:
    """Colleagues without a password: they own customers and cannot sign in until an administrator invites them."""
    out: dict[str, list[int]] = {}
    for role, name, mailbox in words.STAFF:
        user = User(email=f"{mailbox}@dongpu-expo.example", name=name, created_at=now, roles=[UserRole(role=role)])
        db.session.add(user)
        db.session.flush()
        out.setdefault(role, []).append(user.id)
    return out
