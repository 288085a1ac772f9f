"""The product as it really runs: gunicorn on a free port of the loopback, with the job worker beside it when asked."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.apps import SECRET, settings_for
from tests.support.databases import ROOT, Databases, made_once

START_SECONDS = 90


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class LiveServer:
    """A running server, its database and its processes."""

    url: str
    database_url: str
    instance: Path
    env: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _app: Flask | None = None

    @property
    def app(self) -> Flask:
        """The same application in this process, on the same database: to prepare data and to look at results."""
        if self._app is None:
            from expo_crm.app import create_app

            settings = settings_for(self.database_url, self.instance, base_url=self.url, testing=False)
            self._app = create_app(settings)
        return self._app

    @contextmanager
    def database(self) -> Iterator[Any]:
        """A database session whose work is committed at the end: ``with live_server.database() as session: …``."""
        from expo_crm.db import db, unit_of_work

        with self.app.app_context(), unit_of_work():
            yield db.session

    def flask(self, *arguments: str, timeout: float = 120) -> str:
        """Run a ``flask`` command on this installation and give what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode:
            raise AssertionError(f"flask {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start(self, workers: int = 1, worker: bool = False) -> None:
        """Start gunicorn, and the job worker with it when asked, and wait for the first answer."""
        port = self.url.rpartition(":")[2]
        self._spawn(
            "web",
            *("gunicorn", "--no-control-socket", "--workers", str(workers), "--threads", "4"),
            *("--bind", f"127.0.0.1:{port}", "--graceful-timeout", "3", "wsgi:app"),
        )
        if worker:
            self._spawn("worker", "flask", "worker")
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if any(process.poll() is not None for process in self.processes) or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the server did not start:\n{self.log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the processes that were started here."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        if self._app is not None:
            from expo_crm.db import db

            with self._app.app_context():
                db.engine.dispose()

    def log(self) -> str:
        """What the processes have written."""
        return "\n".join(f"== {path.stem}\n{path.read_text()}" for path in sorted(self.instance.glob("*.log")))

    def _spawn(self, name: str, module: str, *arguments: str) -> None:
        with open(self.instance / f"{name}.log", "wb") as log:
            command = [sys.executable, "-m", module, *arguments]
            self.processes.append(
                subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT)
            )

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def environment_of(url: str, database_url: str, instance: Path) -> dict[str, str]:
    """What a process of the product is started with; nothing of ours but this reaches it."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("EXPO_", "FLASK_"))}
    return {
        **inherited,
        "EXPO_DATABASE_URL": database_url,
        "EXPO_SECRET_KEY": SECRET,
        "EXPO_INSTANCE": str(instance),
        "EXPO_BASE_URL": url,
        "PYTHONUNBUFFERED": "1",
    }


class Servers:
    """Starts servers and remembers them, so that they can be stopped."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        self.databases = databases
        self.folder = folder
        self.running: dict[str, tuple[str, LiveServer]] = {}
        self.count = 0

    def __call__(
        self, dialect: str = "sqlite", *, workers: int = 1, worker: bool = False, file: Path | None = None, **environment: str
    ) -> LiveServer:
        """Start a server on a fresh database, or on a copy of a file.

        More environment variables by name: ``EXPO_SMTP_HOST="127.0.0.1"``.
        """
        self.count += 1
        name = f"live{self.count}"
        instance = self.folder / name
        instance.mkdir()
        database_url = self.databases.copy_of(file, name) if file else self.databases.fresh(dialect, name)
        url = f"http://127.0.0.1:{free_port()}"
        env = environment_of(url, database_url, instance) | environment
        server = LiveServer(url, database_url, instance, env)
        server.start(workers, worker)
        self.running[name] = (dialect, server)
        return server

    def close(self) -> None:
        """Stop every server and drop its database."""
        for name, (dialect, server) in self.running.items():
            server.stop()
            self.databases.drop(dialect, name)
        self.running.clear()


@pytest.fixture(scope="module")
def serve(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LiveServer]]:
    """Start servers: ``serve("postgresql", workers=2, worker=True)``. They end with the module."""
    servers = Servers(databases, tmp_path_factory.mktemp("servers"))
    yield servers
    servers.close()


@pytest.fixture(scope="module")
def live_server(request: pytest.FixtureRequest, serve: Callable[..., LiveServer]) -> LiveServer:
    """One server for the tests of a module, on SQLite.

    On another database: ``@pytest.mark.parametrize("live_server", ["postgresql"], indirect=True)``.
    """
    return serve(getattr(request, "param", "sqlite"))


DEMO_DAY = "2026-11-21"


@pytest.fixture(scope="session")
def demo_file(databases: Databases) -> Path:
    """The demonstration show as ``flask demo`` makes it in SQLite; made once for all processes of a run. Copy it before writing."""
    with made_once("demo.sqlite3") as (file, there):
        if not there:
            url = databases.fresh("sqlite", "demo")
            made = LiveServer("http://localhost", url, databases.folder, environment_of("http://localhost", url, databases.folder))
            made.flask("demo", "--today", DEMO_DAY)
            path = Path(url.removeprefix("sqlite:///"))
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.move(path, file)
    return file
