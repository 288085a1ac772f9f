"""The product as an organizer runs it: ``flask serve`` with its web workers and its job worker, on a database of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from flask import Flask

from tests.support.apps import SECRET, settings_for
from tests.support.databases import ROOT, migrate
from tests.support.postgres import fast_folder
from tests.support.servers import free_port

START_SECONDS = 60


@dataclass(frozen=True)
class BadgeCode:
    """A printed badge and the text of its code."""

    badge_id: int
    code: str


class House:
    """A database, a folder, and the processes of ``flask serve``. ``plan`` names faults for them (see expo_crm.faults)."""

    def __init__(
        self, url: str, *, workers: int = 3, instance: Path | None = None, environment: dict[str, str] | None = None
    ) -> None:
        self.url = url
        self.workers = workers
        self.instance = instance or Path(tempfile.mkdtemp(prefix="expo-house-", dir=fast_folder()))
        self.port = free_port()
        self.plan_file = self.instance / "faults.plan"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("EXPO_", "FLASK_"))}
        self.env = {
            **kept,
            "EXPO_DATABASE_URL": url,
            "EXPO_SECRET_KEY": SECRET,
            "EXPO_INSTANCE": str(self.instance),
            "EXPO_BASE_URL": f"http://127.0.0.1:{self.port}",
            "EXPO_TESTING": "1",
            "EXPO_FAULTS": str(self.plan_file),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
            **(environment or {}),
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None
        self.app = self._app()
        self.edition_id = 0
        self._codes: Iterator[BadgeCode] = iter(())
        self._lock = threading.Lock()

    def _app(self) -> Flask:
        from expo_crm.app import create_app

        return create_app(settings_for(self.url, self.instance, testing=False))

    @property
    def address(self) -> str:
        """The database for psycopg."""
        return self.url.replace("postgresql+psycopg://", "postgresql://")

    # -- processes -----------------------------------------------------------------------------------------------------

    def start(self) -> float:
        """Start everything; gives the seconds to the first good answer."""
        begin = time.monotonic()
        with open(self.instance / "serve.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", "serve", "--no-demo", "--port", str(self.port), "--workers", str(self.workers)],
                cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - begin > START_SECONDS:
                raise AssertionError(f"flask serve did not start:\n{self.log()[-4000:]}")
            time.sleep(0.05)
        return time.monotonic() - begin

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def tree(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        if self.process is None:
            return []
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def web_workers(self) -> list[psutil.Process]:
        """The processes that answer requests: children of the one that listens, which the supervisor started."""
        try:
            top = psutil.Process(self.process.pid) if self.process else None
            return [worker for child in (top.children() if top else []) for worker in child.children()]
        except psutil.NoSuchProcess:
            return []

    def kill_tree(self) -> None:
        """SIGKILL to all of it at once."""
        tree = self.tree()
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(tree, timeout=5)
        if self.process:
            self.process.wait(5)
        self.process = None

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        self.kill_tree()

    def close(self) -> None:
        """Stop, and delete the folder."""
        self.kill_tree()
        self.disconnect()
        shutil.rmtree(self.instance, ignore_errors=True)

    def disconnect(self) -> None:
        """Forget the database connections of this process."""
        from expo_crm.db import db

        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def log(self) -> str:
        path = self.instance / "serve.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def flask(self, *arguments: str, timeout: float = 120) -> str:
        """What a ``flask`` command printed. Raises AssertionError when it failed."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", *arguments], cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=timeout
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"flask {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    # -- faults --------------------------------------------------------------------------------------------------------

    def plan(self, text: str) -> None:
        """Faults from now on; an empty text ends them. What happened before is forgotten."""
        self.plan_file.with_name("faults.plan.log").unlink(missing_ok=True)
        fresh = self.plan_file.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.plan_file)

    def fired(self) -> int:
        """How many faults of the plan have happened."""
        log = self.plan_file.with_name("faults.plan.log")
        return len(log.read_text().splitlines()) if log.exists() else 0

    # -- data ----------------------------------------------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """One query, on a connection of its own. Placeholders are %s."""
        if self.url.startswith("sqlite"):
            import sqlite3

            with contextlib.closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)) as connection:
                found = connection.execute(statement.replace("%s", "?"), values).fetchall()
                connection.commit()
                return found
        with psycopg.connect(self.address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def work(self) -> Iterator[Any]:
        """A session of the application in this process; its work is committed at the end."""
        from expo_crm.db import db, unit_of_work

        with self.app.app_context():
            with unit_of_work():
                yield db.session
            db.engine.dispose()

    def furnish(self, badges: int, seed: int) -> None:
        """Migrate, and store the cast of the tests and so many printed badges."""
        from tests.support.cast import play

        migrate(self.url, self.instance)
        with self.work() as session:
            self.edition_id = play(session).edition.id
        if self.url.startswith("sqlite"):
            self._insert_badges(badges, seed)
        else:
            from tests.bench import stage

            with psycopg.connect(self.address) as connection:
                stage.copy_visitors(connection, self.edition_id, stage.BASE_ID, badges)
                connection.commit()
                connection.autocommit = True
                connection.execute("ANALYZE")
        self._sign(seed)

    def _insert_badges(self, count: int, seed: int) -> None:
        from expo_crm.directory.models import Participation
        from expo_crm.onsite.models import Badge
        from expo_crm.visitors.models import VisitorClass

        random_ = random.Random(seed)
        now = dt.datetime.now(dt.UTC)
        with self.work() as session:
            class_id = (
                session.query(VisitorClass.id)
                .filter_by(edition_id=self.edition_id)
                .order_by(VisitorClass.id)
                .first()[0]
            )
            exhibitor = session.query(Participation.id).order_by(Participation.id).first()[0]
            session.add_all(
                Badge(
                    edition_id=self.edition_id, class_id=class_id, serial=random_.randbytes(8).hex(), holder=f"Visitor {i}",
                    holder_company="", participation_id=exhibitor, sort_key=f"{i:06}", issued_at=now, printed_at=now,
                )
                for i in range(count)
            )  # fmt: skip

    def _sign(self, seed: int) -> None:
        from expo_crm.onsite.domain.badge_code import Payload, Purpose, encode
        from expo_crm.onsite.services import keys
        from expo_crm.shows.models import Edition

        found = self.rows("SELECT id, serial, class_id FROM badge WHERE edition_id = %s ORDER BY id", self.edition_id)
        random.Random(seed).shuffle(found)
        with self.work() as session:
            edition = session.get_one(Edition, self.edition_id)
            keys.ensure_key(edition.show_id)
            kid, sign = keys.signer(edition.show_id)
            days = edition.starts_on, edition.ends_on

        def codes() -> Iterator[BadgeCode]:
            for badge_id, serial, class_id in found:
                payload = Payload(
                    kid=kid, purpose=Purpose.BADGE, edition_id=self.edition_id, serial=bytes.fromhex(serial), valid_from=days[0],
                    valid_to=days[1], generation=1, class_bits=class_id & 0xFFFF,
                )  # fmt: skip
                yield BadgeCode(badge_id, encode(payload, sign))

        self._codes = codes()

    def take(self, count: int = 1) -> list[BadgeCode]:
        """Badges that no case has used before."""
        with self._lock:
            taken = [code for _n, code in zip(range(count), self._codes, strict=False)]
        if len(taken) < count:
            raise RuntimeError("the house has too few badges")
        return taken

    def add_gates(
        self,
        code: str,
        count: int = 1,
        *,
        anti_passback: str = "off",
        zone: str | None = None,
        paired_ago: dt.timedelta = dt.timedelta(minutes=1),
    ) -> list[tuple[int, str]]:
        """A zone with so many gates, each open at any time, with one paired device: their ids and tokens."""
        from tests.faults import world

        with self.work() as session:
            made = world.add_gates(
                session, self.edition_id, code, count, anti_passback=anti_passback, zone=zone or code
            )
        paired = (dt.datetime.now(dt.UTC) - paired_ago).strftime("%Y-%m-%d %H:%M:%S.000000")
        for device_id, _token in made:
            self.rows(
                "UPDATE device SET paired_at = %s WHERE id = %s",
                paired + ("" if self.url.startswith("sqlite") else "+00"),
                device_id,
            )
        return made
