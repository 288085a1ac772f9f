"""docs/faults.md: what was broken, what was expected, what was seen."""

from __future__ import annotations

import datetime as dt
import os
import platform
from importlib.metadata import version
from pathlib import Path

from tests.faults.cases import Result
from tests.support.databases import ROOT

DOCUMENT = ROOT / "docs" / "faults.md"
START, END = "<!-- report: written by make faults -->", "<!-- end of the report -->"


def facts(results: list[Result], seed: int, seconds: float, workers: int, postgres: str) -> list[str]:
    """What it ran on, and the sums."""
    found = [r.finding for r in results if r.finding]
    shown, stored = sum(f.shown for f in found), sum(f.stored for f in found)
    lost, double = sum(f.lost for f in found), sum(f.double for f in found)
    bad = [r.number for r in results if not r.ok]
    skipped = [r.number for r in results if r.skipped]
    judged = "Not as expected: " + ", ".join(bad) if bad else "All as expected"
    return [
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({platform.machine()}) shared by server, database and gates,"
        f" {seconds / 60:.0f} minutes, seed {seed}",
        f"Python {platform.python_version()}, Flask {version('flask')}, gunicorn {version('gunicorn')}: `flask serve` with {workers} web"
        f" workers and the job worker; PostgreSQL {postgres} with fsync and synchronous_commit on; SQLite where said",
        f"**{shown:,} scans shown to a person, {stored:,} stored: lost {lost}, double {double},"
        f" projection different from the log in {sum(f.differences for f in found)} rows**",
        judged + (f"; not possible here: {', '.join(skipped)}" if skipped else ""),
    ]


def show(results: list[Result], stated: list[str]) -> str:
    """The report as Markdown."""
    lines = [
        *(f"- {fact}" for fact in stated),
        "",
        "| # | fault | expected | seen | s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for r in results:
        state = (
            "**skipped**: " + r.skipped
            if r.skipped
            else ""
            if r.ok
            else "**not as expected**: " + "; ".join(r.wanted) + ". "
        )
        proof = f". {r.finding}" if r.finding else ""
        cells = (r.number, r.fault, r.expect, f"{state}{r.seen}{proof}", f"{r.seconds:.0f}")
        lines.append("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def write(results: list[Result], stated: list[str]) -> Path:
    """Put the report in its place in the document."""
    before, rest = DOCUMENT.read_text(encoding="utf-8").split(START, 1)
    DOCUMENT.write_text(f"{before}{START}\n\n{show(results, stated)}\n\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")
    return DOCUMENT
