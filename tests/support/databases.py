"""Databases for tests: migrated once per run and kind, then copied, so that each test starts with a fresh one."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support import postgres

ROOT = Path(__file__).resolve().parents[2]
DIALECTS = ("sqlite", "postgresql")
SHARED = "PYTEST_EXPO_SHARED"
PAGES = re.compile(r"pages?\.py$|^test_views\.py$")  # files with tests of pages


class Databases:
    """Makes databases of either kind from a template that went through every migration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: postgres.PostgresServer | None = None
        self._templates: set[str] = set()
        # Several runs may share the server that EXPO_TEST_POSTGRES_URL names.
        self._prefix = f"expo_test_{os.getpid()}"

    @property
    def server(self) -> postgres.PostgresServer:
        """The PostgreSQL server, started when first asked for."""
        if self._server is None:
            self._server = postgres.start()
        return self._server

    def fresh(self, dialect: str, name: str = "test") -> str:
        """A migrated, otherwise empty database. The same name again replaces it: close connections to it first."""
        if dialect not in self._templates:
            self._make_template(dialect)
            self._templates.add(dialect)
        if dialect == "postgresql":
            return self.server.create(f"{self._prefix}_{name}", template=f"{self._prefix}_template")
        self._remove_file(name)
        shutil.copyfile(self.folder / "template.sqlite3", self._file(name))
        return f"sqlite:///{self._file(name)}"

    def _make_template(self, dialect: str) -> None:
        if dialect == "postgresql":  # on this process's own server
            migrate(self.empty(dialect, "template"), self.folder / f"template-{dialect}")
            return
        with made_once("template.sqlite3") as (file, there):
            if not there:
                migrate(self.empty(dialect, "template"), self.folder / f"template-{dialect}")
                shutil.move(self._file("template"), file)
        shutil.copyfile(file, self._file("template"))

    def empty(self, dialect: str, name: str = "empty") -> str:
        """A database without a table, for tests of the migrations themselves."""
        if dialect == "postgresql":
            return self.server.create(f"{self._prefix}_{name}")
        self._remove_file(name)
        return f"sqlite:///{self._file(name)}"

    def copy_of(self, file: Path, name: str) -> str:
        """A database of SQLite that starts as a copy of a file."""
        self._remove_file(name)
        shutil.copyfile(file, self._file(name))
        return f"sqlite:///{self._file(name)}"

    def drop(self, dialect: str, name: str) -> None:
        """Remove a database."""
        if dialect == "postgresql":
            self.server.drop(f"{self._prefix}_{name}")
        else:
            self._remove_file(name)

    def close(self) -> None:
        """Drop what was made on a shared server, stop an own one."""
        if self._server:
            if not self._server.handle:
                for name in ("template", "test", "empty"):
                    self._server.drop(f"{self._prefix}_{name}")
            self._server.stop()

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.sqlite3"

    def _remove_file(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._file(name).with_name(self._file(name).name + suffix).unlink(missing_ok=True)


def migrate(url: str, instance: Path) -> None:
    """Bring the database at ``url`` to the newest migration, and leave no connection and no write-ahead log behind."""
    import flask_migrate

    from expo_crm.app import create_app
    from expo_crm.db import db
    from tests.support.apps import settings_for

    app: Flask = create_app(settings_for(url, instance))
    with app.app_context():
        if (ROOT / "migrations" / "env.py").exists():
            flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        else:
            db.create_all()
        db.session.remove()
        if url.startswith("sqlite"):
            with db.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()


def pytest_configure(config: pytest.Config) -> None:
    """A folder that all processes of a run share."""
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="expo-shared-", dir=postgres.fast_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and SHARED in os.environ:
        shutil.rmtree(os.environ.pop(SHARED), ignore_errors=True)


@contextmanager
def made_once(name: str) -> Iterator[tuple[Path, bool]]:
    """A file in the folder of this run, and whether it is there already. Other processes wait until it is made."""
    folder = Path(os.environ[SHARED])
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / name, (folder / name).exists()


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The maker of databases, for tests that need one of their own."""
    folder = Path(tempfile.mkdtemp(prefix="expo-databases-", dir=postgres.fast_folder()))
    made = Databases(folder)
    yield made
    made.close()
    shutil.rmtree(folder)


def pytest_generate_tests(metafunc: Any) -> None:
    """A test that touches the database runs on both kinds, unless it is marked ``postgres`` or names its dialect.

    Tests of pages run on one of the two, always the same one for a test: the services and queries behind the pages have tests of
    their own on both. ``EXPO_TEST_DATABASES=all`` runs these on both as well.
    """
    if "dialect" not in metafunc.fixturenames:
        return
    if any("dialect" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize")):
        return
    only_postgres = metafunc.definition.get_closest_marker("postgres")
    kinds = DIALECTS[1:] if only_postgres else DIALECTS
    if PAGES.search(metafunc.definition.path.name) and os.environ.get("EXPO_TEST_DATABASES") != "all":
        kinds = (kinds[zlib.crc32(metafunc.function.__name__.encode()) % len(kinds)],)
    metafunc.parametrize("dialect", kinds)


@pytest.fixture
def database_url(app: Flask) -> str:
    """The address of this test's fresh, migrated database."""
    url: str = app.config["SQLALCHEMY_DATABASE_URI"]
    return url
