"""``flask serve``: migrate, make the demo on the first start, run gunicorn and the worker, restart what ends, stop cleanly."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import click
from flask import Flask, current_app
from flask_migrate import upgrade
from sqlalchemy import select

from expo_crm import scheduler
from expo_crm.accounts import services as accounts
from expo_crm.cli.users import first_admin_link
from expo_crm.config import ROOT, WEB_THREADS
from expo_crm.db import db
from expo_crm.shows.models import Edition

SHORT_LIFE = 10.0  # seconds; who ends earlier has something wrong with it
SHORT_LIVES = 5  # in a row, and there is no use in trying again
STOP_SECONDS = 12


@click.command("serve")
@click.option("--demo/--no-demo", default=True, help="Make the demonstration show when the database is empty.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=lambda: int(os.environ.get("PORT", "5000")), type=int, show_default="5000")
@click.option("--workers", default=2, show_default=True, help="Web processes.")
def serve(demo: bool, host: str, port: int, workers: int) -> None:
    """Start everything on one machine."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if not os.environ.get("EXPO_BASE_URL"):
        app.config["SETTINGS"] = replace(app.config["SETTINGS"], base_url=f"http://{host}:{port}")
    upgrade(directory=str(ROOT / "migrations"))
    if demo and db.session.scalar(select(Edition.id).limit(1)) is None:
        app.cli.commands["demo"].main(args=[], standalone_mode=False)
    db.session.remove()
    link = first_admin_link() if accounts.count_admins() == 0 else ""
    db.session.remove()
    db.engine.dispose()  # connections belong to one process
    run(app, host, port, workers, link)


@dataclass
class Child:
    """A process that is started again when it ends."""

    name: str
    work: Callable[[], None]
    pid: int = 0
    since: float = 0.0
    short_lives: int = 0

    def start(self) -> None:
        """Fork it from this process, which has loaded everything: that takes no time and shares the memory."""
        _flush()
        self.since = time.monotonic()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os._exit(_live(self.work, parent))

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        pid, _status = os.waitpid(self.pid, os.WNOHANG)
        return pid != 0


def run(app: Flask, host: str, port: int, workers: int, link: str) -> None:
    """Web and worker processes until Ctrl-C. One that ends is started again; gates must not stay closed because it crashed."""
    children = [
        Child("web", lambda: _web(app, f"{host}:{port}", workers)),
        Child("worker", lambda: scheduler.run(app)),
    ]
    gc.collect()
    gc.freeze()  # see wsgi.py
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    failed = False
    try:
        for child in children:
            child.start()
        if _ready(host, port, children[0]):
            base_url = app.config["SETTINGS"].base_url
            _greet(base_url, base_url + urlsplit(link).path if link else "")
        else:
            failed = True
        while not failed:
            time.sleep(0.2)
            failed = not all(_keep(child) for child in children)
    except KeyboardInterrupt:
        _say("\nStopping …")
    finally:
        stop_all(children)
    if failed:
        raise SystemExit(1)


def _say(text: str, **style: Any) -> None:
    """A line for whoever reads along. Where it is kept may be full: that is no reason to stop the gates."""
    with contextlib.suppress(OSError):
        click.secho(text, **style)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()


def _keep(child: Child) -> bool:
    """Start the child again if it has ended; False when it ends as soon as it has started."""
    if not child.ended():
        return True
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # what a killed gunicorn leaves behind would hold the port
    child.short_lives = child.short_lives + 1 if time.monotonic() - child.since < SHORT_LIFE else 0
    if child.short_lives >= SHORT_LIVES:
        child.pid = 0
        _say(f"The {child.name} process ends again and again; giving up.", err=True)
        return False
    _say(f"The {child.name} process has ended; starting it again.", err=True)
    child.start()
    return True


def _live(work: Callable[[], None], parent: int) -> int:
    """The life of a child; gives its exit code."""
    try:
        os.setsid()  # Ctrl-C in the terminal reaches the parent alone, which ends them in order
        _die_with(parent)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        work()
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        _flush()


def _die_with(parent: int) -> None:
    """On Linux: end when the parent is killed, or the port would stay taken and nobody would restart anything."""
    with contextlib.suppress(OSError, AttributeError):
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)


def _web(app: Flask, address: str, workers: int) -> None:
    from gunicorn.app.base import BaseApplication

    class Web(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in {
                "bind": address,
                "workers": workers,
                "threads": WEB_THREADS,
                "worker_class": "gthread",
                "graceful_timeout": 10,
                "limit_request_line": 8190,  # a long Chinese name in an address takes nine bytes a character
                "loglevel": "warning",
                "control_socket_disable": True,
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Flask:
            return app

    Web().run()


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def stop_all(children: list[Child]) -> None:
    """Ask politely, wait, then insist."""
    alive = [child for child in children if child.pid]
    for child in alive:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in alive:
        while not _gone(child.pid):
            if time.monotonic() > deadline:
                os.kill(child.pid, signal.SIGKILL)
                deadline += 1
            time.sleep(0.05)


def _gone(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _ready(host: str, port: int, web: Child) -> bool:
    for _ in range(300):
        if web.ended():
            web.pid = 0
            return False
        try:
            with urlopen(f"http://{host}:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (URLError, OSError):
            time.sleep(0.1)
    return False


def _greet(base_url: str, link: str) -> None:
    _say("")
    _say(f"  Open {base_url}", bold=True)
    if link:
        _say("  First sign-in, as administrator, by this link (it works once, for 24 hours):")
        _say(f"  {link}", fg="cyan")
    else:
        _say("  Sign in with your account, or make a new administrator: .venv/bin/flask user admin-link")
    _say("  Stop with Ctrl-C.")
    _say("")
