"""Alembic's environment, on the application's own engine and metadata."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from expo_crm.db import Amount, Base, JsonDict, UtcDateTime


def render_item(kind: str, item: Any, autogen: Any) -> str | bool:
    """The project's own column types by their names in new revisions."""
    if kind == "type" and (isinstance(item, UtcDateTime | Amount) or item is JsonDict):
        name = "JsonDict" if item is JsonDict else type(item).__name__
        autogen.imports.add(f"from expo_crm.db import {name}")
        return {
            "Amount": lambda: f"Amount({item.scale})",
            "UtcDateTime": lambda: "UtcDateTime()",
            "JsonDict": lambda: "JsonDict",
        }[name]()
    return False


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Trigram indexes exist only where the PostgreSQL extension does, so the models do not name them."""
    return not (kind == "index" and name is not None and name.endswith("_trgm"))


CHECK = "PRAGMA foreign_key_check"


@contextmanager
def _tables_may_be_rebuilt(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew and dropping the old one, which deletes its rows: with foreign keys on, that would
    take their children along or be refused. So they are off meanwhile (it can be said only outside of a transaction, hence
    to the driver), and all of them are checked before the end."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.rollback()  # nothing is left to take back after a commit
        driver.execute("PRAGMA foreign_keys=ON")


def run_online() -> None:
    """Run the migrations in one transaction, on the database of the application."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection, _tables_may_be_rebuilt(connection):
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render_item,
            include_name=include_name,
        )
        with context.begin_transaction():
            context.run_migrations()
            if connection.dialect.name == "sqlite" and (broken := connection.exec_driver_sql(CHECK).fetchmany(5)):
                raise RuntimeError(f"the migration would leave rows whose parent is missing: {broken}")


if context.is_offline_mode():
    raise SystemExit("offline migrations are not supported; run them against the database")
run_online()
