"""Statements of the deciding path, sent with as little between us and the database as can be."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def first(connection: Connection, statement: Any, values: dict[str, Any]) -> Any:
    """The first row of a statement of this path, or None.

    On PostgreSQL the text is made once and goes straight to the driver: the layers between cost as much as the rest of a scan.
    Values come back as the driver gives them, which are those of our types there. Whoever listens to statements is served.
    """
    if connection.dialect.name != "postgresql":
        return connection.execute(statement, values).first()
    text, fixed, make = _text(statement, connection.dialect)
    given = {**fixed, **values} if fixed else values
    if connection.engine.dispatch.before_cursor_execute:
        found = connection.exec_driver_sql(text, given).fetchone()
        return None if found is None else make(found)
    try:
        driver: Any = connection.connection.driver_connection
        found = driver.execute(text, given).fetchone()
    except psycopg.Error as error:
        gone = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, None)  # type: ignore[arg-type]
        if gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            text, None, error, psycopg.Error, connection_invalidated=gone, dialect=connection.dialect
        ) from error
    return None if found is None else make(found)


_texts: dict[int, tuple[Any, str, dict[str, Any], Any]] = {}


def _text(statement: Any, dialect: Any) -> tuple[str, dict[str, Any], Any]:
    known = _texts.get(id(statement))
    if known is None:
        compiled = statement.compile(dialect=dialect)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        columns = statement.exported_columns if statement.is_select else statement.returning_column_descriptions
        names = [c.key if statement.is_select else c["name"] for c in columns]
        make = namedtuple("Row", names, rename=True)._make  # type: ignore[misc,attr-defined]
        # The statement itself is kept beside its text, so that its id stays its own.
        known = _texts[id(statement)] = statement, str(compiled), fixed, make
    return known[1:]
