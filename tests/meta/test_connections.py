"""Connections that the database server has ended are replaced before a request meets them."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from expo_crm import db as database
from expo_crm.db import db

MINE = text("select pg_backend_pid()")
END_THE_OTHERS = text(
    "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.mark.postgres
@pytest.mark.parametrize(("idle", "survives"), [(0.0, True), (3600.0, False)])
def test_a_connection_that_died_while_idle_is_replaced_unseen(app, session, monkeypatch, idle, survives):
    """The other case shows that asking is what saves the first one."""
    monkeypatch.setattr(database, "IDLE_SECONDS", idle)
    session.remove()
    with db.engine.connect() as first, db.engine.connect() as second:
        assert first.scalar(MINE) != second.scalar(MINE)
    with db.engine.connect() as one:
        assert one.scalar(END_THE_OTHERS) >= 1
        if survives:  # the pool hands out the one that died
            with db.engine.connect() as other:
                assert other.scalar(MINE)
        else:
            with db.engine.connect() as other, pytest.raises(OperationalError):
                other.scalar(MINE)
