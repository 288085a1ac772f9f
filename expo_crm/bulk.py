"""Many rows at once: COPY on PostgreSQL, one prepared statement on SQLite, with ids that are known beforehand.

A multi-row INSERT costs more in taking its text apart than in storing the rows. What is put in here must bring every column
that has no default; those of the model are filled in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Column, Table, bindparam, func, select, text, update
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


def add(model: type[Base] | Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows, which all have the same keys: column names with Python values."""
    if not rows:
        return
    table = model if isinstance(model, Table) else cast(Table, model.__table__)
    if db.session.get_bind().dialect.name == "postgresql":
        _copy(table, rows)
    else:
        _insert(table, rows)


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


def _copy(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    columns, values = [], []
    for column, given in _columns(table, rows):
        columns.append(f'"{column.name}"')
        values.append([_json(value) for value in given] if isinstance(column.type, JSON) else given)
    db.session.flush()
    driver = db.session.connection().connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({", ".join(columns)}) FROM STDIN') as stream:
        for row in zip(*values, strict=True):
            stream.write_row(row)


def _insert(table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """The values are made ready column by column: SQLAlchemy's own way, row by row, takes as long as storing them."""
    connection = db.session.connection()
    columns, values = [], []
    for column, given in _columns(table, rows):
        ready = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        columns.append(f'"{column.name}"')
        values.append([ready(value) for value in given] if ready else given)
    statement = f'INSERT INTO "{table.name}" ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})'  # noqa: S608 - a table of ours
    connection.exec_driver_sql(statement, list(zip(*values, strict=True)))


def _columns(table: Table, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Column[Any], list[Any]]]:
    """Each column that is written with its values; one that the rows leave out has what the model says."""
    for column in table.columns:
        default: Any = column.default
        if column.name in rows[0]:
            yield column, [row[column.name] for row in rows]
        elif default is not None and default.is_scalar:
            yield column, [default.arg] * len(rows)
        elif default is not None and default.is_callable:
            yield column, [default.arg(_Row(row)) for row in rows]


class _Row:
    """What a default that depends on the other columns asks."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def get_current_parameters(self) -> Mapping[str, Any]:
        return self._values


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
