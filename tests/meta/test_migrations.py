"""The migrations make exactly the tables of the models, and can be taken back."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from expo_crm.config import ROOT
from expo_crm.db import Base, db


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
