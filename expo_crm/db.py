"""The database: base class, naming convention, column types, session, and the one place that commits."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal
from typing import Annotated, Any

from flask import Flask, Response, current_app, g, has_request_context, request
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, DateTime, Engine, Integer, MetaData, Numeric, String, Text, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry
from sqlalchemy.types import TypeDecorator

from expo_crm.config import Settings
from expo_crm.faults import point


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC moment. SQLite keeps no zone, so it is put back on reading; a naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Amount(TypeDecorator[Decimal]):
    """Exact decimal with a fixed scale. SQLite has no decimal type, so it stores a scaled integer there."""

    impl = Numeric
    cache_ok = True

    def __init__(self, scale: int = 2) -> None:
        super().__init__(14, scale)
        self.scale = scale
        self.unit = Decimal(1).scaleb(-scale)

    def load_dialect_impl(self, dialect: Any) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(Numeric(14, self.scale))

    def process_bind_param(self, value: Decimal | int | None, dialect: Any) -> Any:
        if value is None:
            return None
        exact = Decimal(value).quantize(self.unit)
        return int(exact.scaleb(self.scale)) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return (Decimal(value) * self.unit).quantize(self.unit)
        return Decimal(value).quantize(self.unit)


JsonDict = JSON().with_variant(JSONB(), "postgresql")

IntPk = Annotated[int, mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]
Code = Annotated[str, mapped_column(String(60))]
Name = Annotated[str, mapped_column(String(300))]
Key = Annotated[str, mapped_column(String(400))]
LongText = Annotated[str, mapped_column(Text)]
Token = Annotated[str, mapped_column(String(64))]
Moment = Annotated[dt.datetime, mapped_column(UtcDateTime)]
Money = Annotated[Decimal, mapped_column(Amount(2))]
Area = Annotated[Decimal, mapped_column(Amount(2))]
Currency = Annotated[str, mapped_column(String(3))]
Json = Annotated[dict[str, Any], mapped_column(JsonDict)]
JsonList = Annotated[list[Any], mapped_column(JsonDict)]


class Base(DeclarativeBase):
    """Base of every table."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={int: BigInteger().with_variant(Integer, "sqlite")},
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate()

IDLE_SECONDS = 1.0
# A request that waits for a lock or runs longer is answered 503: a gate decides alone after 1.5 s, and a thread that waits serves
# nobody. Commands, jobs and migrations may take their time.
REQUEST_LIMITS = "-c lock_timeout=2s -c statement_timeout=8s"
BACKGROUND_LIMITS = "SELECT set_config('lock_timeout', '20s', true), set_config('statement_timeout', '1h', true)"
# SQLite takes its write lock either at the first write, where a second writer fails at once with a stale snapshot,
# or at BEGIN IMMEDIATE, where it waits for its turn. Units of work that may write say so before they start.
_will_write: ContextVar[bool] = ContextVar("will_write", default=False)


def init_app(app: Flask, settings: Settings) -> None:
    """Connect the application to its database and install the commit hook."""
    options: dict[str, Any] = {}
    if not settings.is_sqlite:
        options |= {
            "pool_size": settings.pool_size,
            "max_overflow": settings.pool_size,
            "pool_timeout": 2,
            "connect_args": {"options": f"{REQUEST_LIMITS} -c timezone=UTC"},
        }
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    migrate.init_app(app, db, render_as_batch=True, compare_type=True)
    with app.app_context():
        if settings.is_sqlite:
            _tune_sqlite(db.engine)
        else:
            _ask_idle_connections(db.engine)
            _relax_background(db.engine)
    app.before_request(_declare_intent)
    app.after_request(_settle)


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        # 32 MB of pages a connection: with SQLite's own two, large writes go out to the disk and come back again and again.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=8000", "cache_size=-32000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _will_write.get() else "BEGIN")


def _ask_idle_connections(engine: Engine) -> None:
    """Ask a pooled connection whether it still lives before it is used again, but not one that was used a moment ago.

    That is ``pool_pre_ping`` without its round trip in a burst of scans. A dead one is replaced before anybody notices.
    """

    @event.listens_for(engine, "checkout")
    def on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", 0.0) < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    @event.listens_for(engine, "checkin")
    def on_checkin(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()


def _relax_background(engine: Engine) -> None:
    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        if not has_request_context():
            connection.exec_driver_sql(BACKGROUND_LIMITS)


def _declare_intent() -> None:
    view = _current_view()
    safe = request.method in {"GET", "HEAD", "OPTIONS"} and "export" not in request.args
    writes = not safe or getattr(view, "writes", False)
    _will_write.set(writes)


def _current_view() -> Any:
    return current_app.view_functions.get(request.endpoint or "")


def keep_on_refusal() -> None:
    """Commit this request's work although the answer is a refusal (a failed sign-in must still be counted)."""
    g.keep_on_refusal = True


def _settle(response: Response) -> Response:
    """The commit hook of every request: below 400 commit, otherwise roll back."""
    if response.status_code >= 400 and not g.get("keep_on_refusal", False):
        db.session.rollback()
        return response
    writes = _will_write.get()
    try:
        if writes:
            point("before_commit")
        db.session.commit()
        if writes:
            point("after_commit_before_reply")
    except DBAPIError as error:
        db.session.rollback()
        return current_app.make_response(current_app.handle_user_exception(error))
    return response


@contextmanager
def unit_of_work() -> Iterator[None]:
    """One transaction for a command or a background job: commit at the end, roll back on any error."""
    if has_request_context():
        raise RuntimeError("requests are settled by their hook")
    token = _will_write.set(True)
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        _will_write.reset(token)
        db.session.remove()


def checkpoint() -> None:
    """Commit what a background job has done so far and go on; for work whose steps leave the house, as sending mail."""
    if has_request_context():
        raise RuntimeError("requests are settled by their hook")
    db.session.commit()
