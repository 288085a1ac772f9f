"""Many rows at once: COPY on PostgreSQL, one prepared statement on SQLite, with ids that are known beforehand.

A multi-row INSERT costs more in taking its text apart than in storing the rows. What is put in here must bring every column
that has no default; those of the model are filled in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Column, Table, bindparam, func, insert, select, text, update
from sqlalchemy.types import JSON

from expo_crm.db import Base, db


def next_ids(model: type[Base], count: int) -> list[int]:
    """Ids for ``count`` new rows, in order. SQLite: the caller holds the write lock, which every unit of work does."""
    table = cast(Table, model.__table__)
    if db.session.get_bind().dialect.name == "postgresql":
        named = text(f"select nextval(pg_get_serial_sequence('{table.name}', 'id')) from generate_series(1, :count)")  # noqa: S608 - a table of ours
        return list(db.session.scalars(named, {"count": count}))
    last = db.session.scalar(select(func.max(table.c.id))) or 0
    return list(range(last + 1, last + 1 + count))


def add(model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows, which all have the same keys: column names with Python values."""
    if not rows:
        return
    table = cast(Table, model.__table__)
    more = {c.name: _default(c) for c in table.columns if c.name not in rows[0] and c.default is not None}
    if db.session.get_bind().dialect.name == "postgresql":
        _copy(table, rows, more)
    else:
        db.session.connection().execute(insert(table), [{**more, **row} for row in rows] if more else list(rows))


def set_column(model: type[Base], name: str, pairs: Sequence[tuple[int, Any]]) -> None:
    """Set one column of many rows: (id, value). The value is a whole number."""
    if not pairs:
        return
    table = cast(Table, model.__table__)
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.flush()
        moved = text(
            f"update {table.name} set {name} = moved.value"  # noqa: S608 - a table and a column of ours
            " from unnest(cast(:keys as bigint[]), cast(:values as bigint[])) as moved (key, value)"
            f" where {table.name}.id = moved.key"
        )
        db.session.connection().execute(moved, {"keys": [k for k, _ in pairs], "values": [v for _, v in pairs]})
        return
    statement = update(table).where(table.c.id == bindparam("of_id")).values({name: bindparam("value")})
    db.session.connection().execute(statement, [{"of_id": key, "value": value} for key, value in pairs])


def _copy(table: Table, rows: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> None:
    columns = [table.c[name] for name in (*rows[0], *more)]
    given, added = [c.name for c in columns[: len(rows[0])]], tuple(_sent(table.c[n], v) for n, v in more.items())
    kept = [_is_json(c) for c in columns[: len(given)]]
    db.session.flush()
    driver = db.session.connection().connection.driver_connection
    assert driver is not None
    names = ", ".join(f'"{c.name}"' for c in columns)
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as stream:
        for row in rows:
            values: Iterable[Any] = (_json(row[n]) if j else row[n] for n, j in zip(given, kept, strict=True))
            stream.write_row((*values, *added))


def _default(column: Column[Any]) -> Any:
    """A constant of the model, or an empty list or object."""
    default: Any = column.default
    return default.arg if default.is_scalar else default.arg(None)


def _is_json(column: Column[Any]) -> bool:
    return isinstance(column.type, JSON)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _sent(column: Column[Any], value: Any) -> Any:
    return _json(value) if _is_json(column) else value
