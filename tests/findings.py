"""``python -m tests.findings``: what importer and duplicate check find in the shared real lists; written to docs/imports.md.

Each exhibitor list goes into an empty edition; the air shows go in edition after edition, so that the second one meets the
companies of the first. Doubtful rows become companies of their own, so that the search through the whole file has to find them.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from expo_crm.app import create_app
from expo_crm.db import db, unit_of_work
from expo_crm.directory.models import Company, DuplicatePair
from expo_crm.directory.services import duplicates
from expo_crm.exhibitors.models import ImportRow
from expo_crm.exhibitors.services import importing
from expo_crm.shows.services import editions
from tests.support.apps import settings_for
from tests.support.databases import ROOT, migrate

DATA = Path(os.environ.get("EXPO_SHARED_DATA") or ROOT.parent / "shared" / "data")
DOCUMENT = ROOT / "docs" / "imports.md"
START, END = "<!-- findings: written by python -m tests.findings -->", "<!-- end of the findings -->"
AIR_MAPPING = {"company_en": "company", "country": "country", "website": "website", "categories": "categories"}


@dataclass
class Result:
    """What came of one file, or of one edition of it."""

    name: str
    rows: int
    verdicts: Counter[str]
    reasons: Counter[str]
    seconds: float
    refused: list[str] = field(default_factory=list)


def main() -> None:
    if not DATA.exists():
        raise SystemExit(f"no shared data in {DATA.name}: set EXPO_SHARED_DATA")
    folder = Path(tempfile.mkdtemp(prefix="expo-findings-"))
    try:
        lists = [_alone(path, folder) for path in sorted((DATA / "exhibitors").glob("*.csv"))]
        air, whole = _air_shows(DATA / "editions" / "air-shows-biennial.csv", folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = _table(lists, air, whole)
    before = DOCUMENT.read_text(encoding="utf-8")
    head, tail = before.split(START)[0], before.split(END)[1]
    DOCUMENT.write_text(f"{head}{START}\n\n{text}\n{END}{tail}", encoding="utf-8")
    print(text)


def _app(folder: Path, name: str) -> Any:
    instance = folder / name
    instance.mkdir()
    url = f"sqlite:///{instance / 'findings.sqlite3'}"
    migrate(url, instance)
    return create_app(settings_for(url, instance, testing=False))


def _alone(path: Path, folder: Path) -> tuple[Result, dict[str, int], list[tuple[str, str, str, str]]]:
    app = _app(folder, path.stem)
    with app.app_context(), unit_of_work():
        show = editions.create_show(name_zh="试", name_en="Trial", code="trial")
        edition = editions.create_edition(show, starts_on=dt.date(2026, 6, 1), ends_on=dt.date(2026, 6, 3))
        result = _load(edition.id, path.name, path.read_bytes(), None)
        counts = duplicates.find_all()
        return result, counts, _pairs(4)


def _air_shows(path: Path, folder: Path) -> tuple[list[Result], tuple[dict[str, int], float, int]]:
    parts: dict[tuple[str, str], list[dict[str, str]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as source:
        for row in csv.DictReader(source):
            parts.setdefault((row["edition"], row["series"]), []).append(row)
    app, out = _app(folder, "air"), []
    with app.app_context(), unit_of_work():
        shows: dict[str, Any] = {}
        for (year, series), rows in sorted(parts.items()):
            show = shows.get(series) or editions.create_show(
                name_zh=series, name_en=series, code=series.lower()[:12].replace(" ", "-")
            )
            shows[series] = show
            edition = editions.create_edition(
                show, starts_on=dt.date.fromisoformat(rows[0]["start"]), ends_on=dt.date.fromisoformat(rows[0]["end"])
            )
            stream = io.StringIO()
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
            out.append(_load(edition.id, f"{series} {year}", stream.getvalue().encode(), AIR_MAPPING))
        start = time.perf_counter()
        counts = duplicates.find_all()
        seconds = time.perf_counter() - start
        return out, (counts, seconds, db.session.scalar(select(func.count()).select_from(Company)) or 0)


def _load(edition_id: int, name: str, data: bytes, mapping: dict[str, str] | None) -> Result:
    start = time.perf_counter()
    batch = importing.create_batch(edition_id, name if name.endswith(".csv") else f"{name}.csv", data)
    table = importing.open_batch(batch)
    wanted = {k: v for k, v in (mapping or importing.sure_mapping(table)).items() if v in table.headers}
    known = {f.key for f in importing.FIELDS}
    if mapping and "company_en" not in known:
        wanted = {("company" if k == "company_en" else k): v for k, v in wanted.items()}
    batch.mapping = importing.check_mapping(table, wanted)
    importing.preview(batch)
    rows = db.session.execute(
        select(ImportRow.verdict, ImportRow.reason, ImportRow.line, ImportRow.data).where(
            ImportRow.batch_id == batch.id
        )
    ).all()
    importing.decide_all(batch, "new")
    importing.load(batch)
    refused = [f"line {r.line}: {r.reason}" for r in rows if r.verdict == "refused"]
    return Result(
        name,
        len(rows),
        Counter(str(r.verdict) for r in rows),
        Counter(f"{r.verdict}: {r.reason}" for r in rows if r.reason),
        time.perf_counter() - start,
        refused,
    )


def _pairs(limit: int) -> list[tuple[str, str, str, str]]:
    found = db.session.scalars(
        select(DuplicatePair).order_by(DuplicatePair.verdict.desc(), DuplicatePair.score.desc()).limit(limit)
    )
    return [(p.verdict, p.a.name_zh or p.a.name_en, p.b.name_zh or p.b.name_en, ", ".join(p.evidence)) for p in found]


def _table(lists: list[Any], air: list[Result], whole: tuple[dict[str, int], float, int]) -> str:
    lines = [
        "| list | rows | new | known | doubtful | refused | seconds | pairs in the file: same / maybe |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for result, counts, _examples in lists:
        lines.append(_line(result, f"{counts['same']:,} / {counts['maybe']:,}"))
    lines += [_line(result, "") for result in air]
    counts, seconds, companies = whole
    lines.append(
        f"| all air shows together | {sum(r.rows for r in air):,} | | | | | {seconds:.1f} | {counts['same']:,} / {counts['maybe']:,} |"
    )
    lines += [
        "",
        f"After all editions the file of the air shows holds {companies:,} companies.",
        "",
        "Why rows were known, doubtful or refused:",
        "",
    ]
    for result in [*(r for r, _c, _e in lists), *air]:
        reasons = "; ".join(f"{reason} {count:,}" for reason, count in result.reasons.most_common(8))
        lines.append(f"- {result.name}: {reasons or 'every row is a new company'}")
    lines += ["", "Examples of pairs that the search through the file leaves to a person:", ""]
    for result, _counts, examples in lists:
        lines += [f"- {result.name}: {verdict}: {a} / {b} ({why})" for verdict, a, b, why in examples]
    return "\n".join(lines) + "\n"


def _line(result: Result, pairs: str) -> str:
    v = result.verdicts
    return (
        f"| {result.name} | {result.rows:,} | {v['new']:,} | {v['match']:,} | {v['conflict']:,} | {v['refused']:,} "
        f"| {result.seconds:.1f} | {pairs} |"
    )


if __name__ == "__main__":
    main()
