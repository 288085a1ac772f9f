"""``flask serve``: migrate, make the demo on the first start, run gunicorn with the worker beside it, stop cleanly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import click
from flask import current_app
from flask_migrate import upgrade
from sqlalchemy import select

from expo_crm.accounts import services as accounts
from expo_crm.cli.users import first_admin_link
from expo_crm.config import ROOT
from expo_crm.db import db
from expo_crm.shows.models import Edition


@click.command("serve")
@click.option("--demo/--no-demo", default=True, help="Make the demonstration show when the database is empty.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=lambda: int(os.environ.get("PORT", "5000")), type=int, show_default="5000")
@click.option("--workers", default=2, show_default=True, help="Web processes.")
def serve(demo: bool, host: str, port: int, workers: int) -> None:
    """Start everything on one machine."""
    upgrade(directory=str(ROOT / "migrations"))
    if demo and db.session.scalar(select(Edition.id).limit(1)) is None:
        current_app.cli.commands["demo"].main(args=[], standalone_mode=False)
    db.session.remove()
    needs_admin = accounts.count_admins() == 0
    db.session.remove()
    link = first_admin_link() if needs_admin else ""
    run(host, port, workers, link)


def run(host: str, port: int, workers: int, link: str) -> None:
    """Two child processes; when one ends or Ctrl-C comes, the other is stopped too."""
    base_url = os.environ.get("EXPO_BASE_URL") or f"http://{host}:{port}"
    env = {**os.environ, "PORT": str(port), "EXPO_BASE_URL": base_url}
    link = base_url + urlsplit(link).path if link else ""
    python = [sys.executable, "-m"]
    children = [
        subprocess.Popen(
            [
                *python, "gunicorn", "--no-control-socket", "--preload",
                "--workers", str(workers), "--threads", "4", "--worker-class", "gthread",
                "--bind", f"{host}:{port}", "--graceful-timeout", "10", "--log-level", "warning", "wsgi:app",
            ],
            cwd=ROOT, env=env, start_new_session=True,
        ),
        subprocess.Popen([*python, "flask", "worker"], cwd=ROOT, env=env, start_new_session=True),
    ]  # fmt: skip
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        if _ready(host, port, children):
            _greet(base_url, link)
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
    except KeyboardInterrupt:
        click.echo("\nStopping …")
    finally:
        stop_all(children)
    if any(child.returncode not in (0, -signal.SIGTERM, None) for child in children):
        raise SystemExit(1)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def stop_all(children: list[subprocess.Popen[bytes]]) -> None:
    """Ask politely, wait, then insist."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=12)
        if child.poll() is None:
            child.kill()
            child.wait()


def _ready(host: str, port: int, children: list[subprocess.Popen[bytes]]) -> bool:
    for _ in range(150):
        if any(child.poll() is not None for child in children):
            return False
        try:
            with urlopen(f"http://{host}:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return True
        except (URLError, OSError):
            time.sleep(0.2)
    return False


def _greet(base_url: str, link: str) -> None:
    click.echo("")
    click.secho(f"  Open {base_url}", bold=True)
    if link:
        click.echo("  First sign-in, as administrator, by this link (it works once, for 24 hours):")
        click.secho(f"  {link}", fg="cyan")
    else:
        click.echo("  Sign in with your account, or make a new administrator: .venv/bin/flask user admin-link")
    click.echo("  Stop with Ctrl-C.")
    click.echo("")
