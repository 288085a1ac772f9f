"""The table: printed, and kept in docs/benchmarks.md."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.bench.stage import THREADS, WORKERS, Stage
from tests.support.databases import ROOT

DOCUMENT = ROOT / "docs" / "benchmarks.md"
START, END = "<!-- table: written by make bench -->", "<!-- end of the table -->"
HEAD = ("what", "value", "against", "ratio", "aim")


@dataclass
class Line:
    """One line of the table. ``ratio`` is value against yardstick, both from this run."""

    what: str
    value: str
    against: str = ""
    ratio: str = ""
    aim: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        return (self.what, self.value, self.against, self.ratio, self.aim)


def facts(stage: Stage, note: str) -> list[str]:
    """What it ran on."""
    with stage.connect() as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'synchronous_commit', 'fsync', 'shared_buffers')"
        )
        settings = dict(rows.fetchall())
    return [
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({platform.machine()}) shared by server, database and load,"
        f" load average before {note}",
        f"Python {platform.python_version()}, Flask {version('flask')}, SQLAlchemy {version('sqlalchemy')}, psycopg {version('psycopg')},"
        f" gunicorn {version('gunicorn')}: {WORKERS} workers (gthread) of {THREADS} threads",
        f"PostgreSQL {settings['server_version']}, fsync={settings['fsync']}, synchronous_commit={settings['synchronous_commit']},"
        f" shared_buffers={int(settings['shared_buffers']) * 8 // 1024} MB, otherwise as it comes",
    ]


def show(lines: list[Line], stated: list[str]) -> None:
    """Print the table for a terminal."""
    rows = [HEAD, *(line.cells for line in lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    print()
    for number, row in enumerate(rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    print()
    for fact in stated:
        print(fact)


def write(lines: list[Line], stated: list[str]) -> Path:
    """Put the table in its place in the document."""
    table = ["| " + " | ".join(HEAD) + " |", "| --- | --- | --- | --- | --- |"]
    table += ["| " + " | ".join(cell or "–" for cell in line.cells) + " |" for line in lines]
    block = "\n".join([START, "", *(f"- {fact}" for fact in stated), "", *table, "", END])
    old = DOCUMENT.read_text(encoding="utf-8")
    before, rest = old.split(START, 1)
    DOCUMENT.write_text(before + block + rest.split(END, 1)[1], encoding="utf-8")
    return DOCUMENT


def say(text: str) -> None:
    """Progress, apart from the table."""
    print(f"… {text}", file=sys.stderr, flush=True)
