"""The migrations make exactly the tables of the models, and can be taken back."""

from __future__ import annotations

import datetime as dt

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import func, inspect, select

from expo_crm.config import ROOT
from expo_crm.db import Base, db
from expo_crm.exhibitors.services import booths, contracts
from expo_crm.lib import clock
from tests.support.cast import play


def test_migrated_tables_equal_the_models(session):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [d for d in compare_metadata(context, Base.metadata) if "trgm" not in str(d)]
        assert differences == []


def test_down_and_up_again(session):
    session.remove()
    downgrade(directory=str(ROOT / "migrations"), revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade(directory=str(ROOT / "migrations"))
    assert set(Base.metadata.tables) <= set(inspect(db.engine).get_table_names())


def test_rows_survive_down_and_up_again(session):
    """On SQLite a table is made anew to change it; what hangs on its rows must neither go with them nor stop the change."""
    cast = play(session)
    booths.hold(cast.booths[0], cast.opportunity, clock.now() + dt.timedelta(days=3))
    contracts.sign(contracts.draft(cast.opportunity), "Ann", cast.edition.starts_on - dt.timedelta(days=90))
    session.commit()
    session.remove()
    full = _rows()
    downgrade(directory=str(ROOT / "migrations"), revision="0001")
    kept = inspect(db.engine).get_table_names()
    upgrade(directory=str(ROOT / "migrations"))
    again = _rows()
    assert full["contract_booth"] and full["invoice"] and full["booth_occupant"]
    assert {name: again[name] for name in kept if name in full} == {name: full[name] for name in kept if name in full}


def _rows():
    with db.engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in Base.metadata.tables.items()
        }
