"""``python -m tests.bench``: one table of ratios. Everything it starts listens on the loopback and ends with it."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench import report, scans, stage
from tests.bench.report import Line, say
from tests.bench.stage import Server, Stage
from tests.support import postgres

PARTS = ("lists", "scans", "queue", "badges", "board", "device", "sales", "imports")
DEVICE_BADGES = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the paths that must be fast.")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one or more of {', '.join(PARTS)}; all without any")
    parser.add_argument("--quick", action="store_true", help="small sizes and short rounds, to try it")
    parser.add_argument("--write", action="store_true", help="keep the table in docs/benchmarks.md")
    parser.add_argument("--rounds", type=int, help="rounds of each arm")
    parser.add_argument("--hold", type=int, help="seconds at 150 scans a second, 300 without it")
    options = parser.parse_args()
    parts = options.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}")
    before = " ".join(f"{x:.1f}" for x in os.getloadavg())
    big, small = (20_000, 1_000) if options.quick else (250_000, 1_000)
    rounds = options.rounds or (1 if options.quick else 6)
    server = postgres.start(durable=True)
    folder = Path(tempfile.mkdtemp(prefix="expo-bench-"))
    on = None
    lines: list[Line] = []
    failed: list[str] = []
    try:
        on = stage.prepare(server, folder, "expo_bench")
        if set(parts) - {"device", "sales"}:  # these have databases of their own
            say(f"filling the database: {big:,} registrations with badges")
            stage.fill(on, big, small)
        stated = report.facts(on, before)
        app = stage.serve(on, "wsgi:app") if {"scans", "queue", "lists"} & set(parts) else None
        steps: dict[str, Callable[[], list[Line]]] = {}
        if app:
            steps["lists"] = lambda: _part("lists").run(on, app.port, big, rounds=5 if options.quick else 15)
            steps["scans"] = lambda: _scans(on, app, rounds, options, big, small)
            steps["queue"] = lambda: _part("queue").run(
                on, app, count=2_000 if options.quick else 20_000, rounds=1 if options.quick else 3
            )
        steps["badges"] = lambda: _part("badges").run(on, quick=options.quick, rounds=rounds)
        steps["board"] = lambda: _part("board").run(on, scans=20_000 if options.quick else 250_000)  # moves the days of the edition
        steps["device"] = lambda: _device(server, folder, quick=options.quick)
        steps["sales"] = lambda: _part("sales").run(server, folder, quick=options.quick)
        steps["imports"] = lambda: _part("imports").run(on, quick=options.quick, rounds=rounds)  # the longest
        for name in [step for step in steps if step in parts]:
            try:
                lines += steps[name]()
            except Exception:  # the others have their say all the same
                traceback.print_exc()
                failed.append(name)
            if options.write:
                say(f"written: {report.write(lines, stated).name}")
        report.show(lines, stated)
    finally:
        if on is not None:
            on.close()
            server.drop("expo_bench")
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _part(name: str) -> Any:
    return import_module(f"tests.bench.{name}")


def _scans(on: Stage, app: Server, rounds: int, options: argparse.Namespace, big: int, small: int) -> list[Line]:
    codes = stage.codes(on, on.edition_id, 16_000)
    bare = stage.serve(on, "tests.bench.bare:app")
    seconds, hold = 2 if options.quick else 4, options.hold or (60 if options.quick else 300)
    lines = scans.run(on, codes, app, bare, seconds=seconds, rounds=rounds, hold=hold)
    return [*lines, scans.statements(on, codes[-10:], stage.codes(on, on.small_edition_id, 10), big, small)]


def _device(server: postgres.PostgresServer, folder: Path, *, quick: bool) -> list[Line]:
    """On a database of its own: a device holds one edition, and that of the others is five times as large."""
    badges = 5_000 if quick else DEVICE_BADGES
    on = stage.prepare(server, folder, "expo_bench_device")
    try:
        stage.fill(on, badges, 10)
        return import_module("tests.bench.device").run(
            on, stage.serve(on, "wsgi:app"), folder, badges=badges, scans=12 if quick else 62
        )
    finally:
        on.close()
        server.drop("expo_bench_device")


if __name__ == "__main__":
    main()
