"""Alembic's environment, on the application's own engine and metadata."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

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


def run_online() -> None:
    """Run the migrations in one transaction each, on the database of the application."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
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


if context.is_offline_mode():
    raise SystemExit("offline migrations are not supported; run them against the database")
run_online()
