"""An exhibitor list of 25,000 and of 250,000 rows through the jobs of the wizard, against COPY of the same rows into a table of texts.

Each list is read, previewed, loaded and taken back by a process of its own, so that its peak memory is its own:
``python -m tests.bench.imports DATABASE INSTANCE EDITION FILE`` prints what it measured as JSON.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.report import Line, say
from tests.bench.stage import BRANDS, CITIES, SEED, TRADES, Stage, copy
from tests.support.databases import ROOT

HEADERS = ("公司名称", "英文名称", "国家", "城市", "网址", "电话", "面积", "联系人", "邮箱")
SMALL, LARGE = 25_000, 250_000


def rows_of(count: int) -> Iterator[tuple[str, ...]]:
    """Companies that differ, of which one in fifty comes twice."""
    random_ = random.Random(SEED)
    again = random.Random(SEED + 1)
    for n in range(count):
        if n % 50 == 49:
            yield _row(again.randrange(n - n // 50) // 49 * 50, random.Random(SEED + n))
            continue
        yield _row(n, random_)


def _row(n: int, dice: random.Random) -> tuple[str, ...]:
    own = random.Random(SEED * 31 + n)  # the name and the address follow from the number, the rest does not
    brand = own.choice(BRANDS) + own.choice(BRANDS)
    word = f"{own.choice('bcdfgklmnprstvz')}{own.choice('aeiou')}{n:x}"
    mark = chr(0x4E00 + n % 6000) + chr(0x4E00 + n // 6000 * 37)  # so that no two names are the same
    return (
        f"{own.choice(CITIES)}{brand}{mark}{own.choice(TRADES)}", f"{word.title()} Works {n} Ltd.",
        own.choice(("中国", "德国", "Italy")), dice.choice(CITIES), f"https://www.{word}{n}.example",
        f"+86 21 5{n:07d}", str(9 + n % 90), "陈思远", f"info@{word}{n}.example",
    )  # fmt: skip


def run(on: Stage, *, quick: bool, rounds: int) -> list[Line]:
    small, large = (1_000, 3_000) if quick else (SMALL, LARGE)
    copied = _copy_seconds(on, small, rounds) / small
    lines: list[Line] = []
    peaks = []
    bare = f"COPY {1 / copied:.0f} rows/s"
    for count, kind in ((small, "csv"), (large, "csv"), (large, "xlsx")):
        say(f"import of {count:,} rows ({kind})")
        path = on.instance / f"list-{count}.{kind}"
        write(path, count)
        done = _in_its_own_process(on, path)
        path.unlink()
        peaks.append(done["peak_mb"])
        whole = done["read"] + done["preview"] + done["load"]
        value = f"{count / whole:.0f} rows/s ({whole:.0f} s)"
        lines += [
            Line(f"import of {count:,} exhibitors, {kind.upper()}", value, bare, f"{whole / count / copied:.0f} ×"),
            Line("  read / preview / load", f"{done['read']:.1f} / {done['preview']:.1f} / {done['load']:.1f} s"),
            Line("  taken back again", f"{done['back']:.1f} s, {done['deleted']:,} records"),
            Line("  peak memory of the process", f"{done['peak_mb']:.0f} MB, {done['start_mb']:.0f} MB before the file"),
        ]
        say(str(done))
    lines.append(Line(f"peak memory at {large // small} times the rows", f"{peaks[1] - peaks[0]:+.0f} MB"))
    return lines


def _copy_seconds(on: Stage, count: int, rounds: int) -> float:
    rows, copies = list(rows_of(count)), []
    with on.connect() as connection:
        columns = [f"c{i}" for i in range(len(HEADERS))]
        for number in range(rounds):
            connection.execute(f"CREATE TABLE bench_rows_{number} ({', '.join(f'{c} text' for c in columns)})".encode())
            connection.commit()
            start = time.perf_counter()
            copy(connection, f"bench_rows_{number}", " ".join(columns), rows)
            connection.commit()
            copies.append(time.perf_counter() - start)
            connection.execute(f"DROP TABLE bench_rows_{number}".encode())
    return median(copies)


def write(path: Path, count: int) -> None:
    """The list as a GBK text, as Excel on a Chinese machine writes it, or as a workbook."""
    if path.suffix == ".csv":
        with path.open("w", encoding="gb18030", newline="") as out:
            csv.writer(out).writerow(HEADERS)
            csv.writer(out).writerows(rows_of(count))
        return
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("名单")
    sheet.append(HEADERS)
    for row in rows_of(count):
        sheet.append(row)
    book.save(path)


def _in_its_own_process(on: Stage, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.imports", on.url, str(on.instance), str(on.edition_id), str(path)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(url: str, instance: Path, edition_id: int, path: Path) -> dict[str, Any]:
    """Upload, read, preview, load and take back; seconds of each, and the peak of this process in MB."""
    from expo_crm.app import create_app
    from expo_crm.db import db, unit_of_work
    from expo_crm.exhibitors.models import ImportBatch
    from expo_crm.exhibitors.services import importing
    from expo_crm.jobs import services as jobs
    from expo_crm.sheets.blob import Blob
    from tests.support.apps import settings_for

    app = create_app(settings_for(url, instance, testing=False))
    out: dict[str, Any] = {"start_mb": _peak()}

    def step(name: str, act: Any) -> None:
        start = time.perf_counter()
        with unit_of_work():
            act(db.session.get(ImportBatch, out.get("batch", 0)))
        jobs.run_all()
        out[name] = round(time.perf_counter() - start, 2)

    def upload(_none: Any) -> None:
        out["batch"] = importing.create_batch(edition_id, path.name, Blob(path=path)).id

    def decide(batch: ImportBatch) -> None:
        importing.decide_all(batch, "new")
        importing.start_load(batch, "en")

    with app.app_context():
        step("read", upload)
        step("preview", lambda b: importing.start_preview(b, importing.sure_mapping(importing.open_batch(b)), "en"))
        step("load", decide)
        batch = db.session.get_one(ImportBatch, out["batch"])
        if batch.state != "done":
            raise RuntimeError(f"the import is {batch.state}: {batch.totals}")
        out["totals"] = {k: v for k, v in batch.totals.items() if k != "directory"}
        db.session.remove()
        step("back", importing.start_roll_back)
        batch = db.session.get_one(ImportBatch, out["batch"])
        out["deleted"] = batch.totals["rolled_back"]["deleted"]
        db.session.remove()
    out["peak_mb"] = _peak()
    return out


def _peak() -> float:
    """The most memory this process has had, in MB. ``ru_maxrss`` would begin with that of the process that started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))))
