"""The application in tests: one per kind of database and run, on a fresh database for each test."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient, FlaskCliRunner
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session, scoped_session

from expo_crm.config import Settings
from tests.support import pages
from tests.support.databases import Databases

SECRET = "a-secret-for-tests-that-is-long-enough"
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def settings_for(url: str, instance: Path, **others: Any) -> Settings:
    """Settings of a test application."""
    instance.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {"secret_key": SECRET, "testing": True, "base_url": "http://localhost", **others}
    return Settings(database_url=url, instance_path=instance, **values)


class Client(FlaskClient):
    """The test client, stricter and more helpful than Flask's.

    It reads every page (see tests.support.pages), sends the CSRF token that a page would have carried unless told
    ``csrf=False``, and sees what the test's session has written, which sees what the request has written.
    """

    def open(self, *args: Any, csrf: bool = True, **kwargs: Any) -> Any:
        if csrf and str(kwargs.get("method", "GET")).upper() in UNSAFE:
            kwargs["headers"] = [*_pairs(kwargs.get("headers")), ("X-CSRFToken", self._csrf_token())]
        _hand_over()
        response = contextvars.copy_context().run(self._open_apart, *args, **kwargs)
        _look_again()
        pages.check(response)
        return response

    def _open_apart(self, *args: Any, **kwargs: Any) -> Any:
        """Answer in an own context: the request must not share `g`, and with it the signed-in user, with the test."""
        with self.application.app_context():
            return super().open(*args, **kwargs)

    def _csrf_token(self) -> str:
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", "0" * 40)
        return str(URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token").dumps(raw))


def _pairs(headers: Any) -> list[tuple[str, str]]:
    if not headers:
        return []
    return list(headers.items()) if hasattr(headers, "items") else list(headers)


def _hand_over() -> None:
    """Commit what the test has prepared, so that the request, on its own connection, finds it."""
    if has_app_context():
        from expo_crm.db import db

        db.session.commit()


def _look_again() -> None:
    """Let the test's objects show what the request has written."""
    if has_app_context():
        from expo_crm.db import db

        db.session.expire_all()


class _Apps:
    """Applications of this run, by kind of database: making one costs more than a test."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self.databases = databases
        self.folder = folder
        self.made: dict[str, Flask] = {}

    def on_fresh_database(self, dialect: str) -> Flask:
        from expo_crm.app import create_app

        app = self.made.get(dialect)
        if app:
            _disconnect(app)
        url = self.databases.fresh(dialect)
        if app is None:
            app = create_app(settings_for(url, self.folder / dialect))
            app.test_client_class = Client
            self.made[dialect] = app
        return app


def _disconnect(app: Flask) -> None:
    from expo_crm.db import db

    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def _apps(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Apps]:
    apps = _Apps(databases, tmp_path_factory.mktemp("instances"))
    yield apps
    for app in apps.made.values():
        _disconnect(app)


@pytest.fixture
def app(dialect: str, _apps: _Apps) -> Iterator[Flask]:
    """The application on a fresh database, on SQLite and on PostgreSQL. What a test sets in its config is put back."""
    app = _apps.on_fresh_database(dialect)
    config = dict(app.config)
    yield app
    app.config.clear()
    app.config.update(config)


@pytest.fixture
def make_app(dialect: str, databases: Databases, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Make an application with other settings: ``make_app(proxies=1)``. It has its own fresh database."""
    from expo_crm.app import create_app

    made: list[Flask] = []

    def make(**settings: Any) -> Flask:
        name = f"own{len(made)}"
        app = create_app(settings_for(databases.fresh(dialect, name), tmp_path / name, **settings))
        app.test_client_class = Client
        made.append(app)
        return app

    yield make
    for number, app in enumerate(made):
        _disconnect(app)
        databases.drop(dialect, f"own{number}")


@pytest.fixture
def client(app: Flask) -> Client:
    """A browser without scripts: keeps cookies, checks every page."""
    client = app.test_client()
    assert isinstance(client, Client)
    return client


@pytest.fixture
def session(app: Flask) -> Iterator[scoped_session[Session]]:
    """The database session, inside an application context; what is left open at the end is rolled back."""
    from expo_crm.db import db

    with app.app_context():
        yield db.session
        db.session.rollback()
        db.session.remove()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """Runs ``flask`` commands in this process: ``runner.invoke(args=["user", "create"])``."""
    return app.test_cli_runner()
