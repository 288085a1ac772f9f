"""Exhibitor lists from files: upload → columns → preview of every row → one transaction.

``preview`` and ``load`` are the work of background jobs; the command line calls them directly. Between the steps everything
waits in ``import_batch`` and ``import_row``; the directory is touched by ``load`` alone, in the transaction it is called in.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from babel import Locale
from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update

from expo_crm.audit import services as audit
from expo_crm.db import checkpoint, db
from expo_crm.exhibitors.domain import import_rows
from expo_crm.exhibitors.domain.import_match import Candidate, Decision, Known, Verdict, decide
from expo_crm.exhibitors.domain.import_rows import RowReason, RowRefused
from expo_crm.exhibitors.models import ImportBatch, ImportChange, ImportMapping, ImportRow
from expo_crm.exhibitors.services import import_index
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.exhibitors.services.import_load import FILLED, load
from expo_crm.jobs import services as jobs
from expo_crm.lib import clock, text
from expo_crm.sheets.errors import SheetRefused
from expo_crm.sheets.fields import EXHIBITOR_FIELDS
from expo_crm.sheets.map import SURE, Field, Suggestion, suggest_mapping
from expo_crm.sheets.read import Row, Table, open_table
from expo_crm.web import i18n

__all__ = [
    "FIELDS", "ImportRefused", "change_options", "create_batch", "decide_all", "decide_row", "delete_batch", "load",
    "may_roll_back", "open_batch",
    "preview", "remembered", "start_load", "start_preview", "suggestions",
]  # fmt: skip

Progress = Callable[[int, int, str], None]
PREVIEW_JOB, LOAD_JOB = "exhibitors.preview_import", "exhibitors.load_import"
CHUNK = 2000
FIELDS: tuple[Field, ...] = tuple(f for f in EXHIBITOR_FIELDS if f.key in import_rows.FIELDS)
OVERRIDES = ("encoding", "delimiter", "sheet", "header_line")


class ImportRefused(Exception):
    """A step that cannot be taken. ``code``: "name-unmapped", "column-unknown", "column-twice", "undecided" (count), "busy",
    "done", "nothing-to-load", "no-candidate"."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(f"{code} {params}" if params else code)
        self.code, self.params = code, params


def create_batch(edition_id: int, filename: str, data: bytes, options: Mapping[str, Any] | None = None) -> ImportBatch:
    """Keep an uploaded file. Raises SheetRefused when it is no table; then nothing is stored."""
    open_table(data, filename, **_overrides(options or {}))
    batch = ImportBatch(
        edition_id=edition_id,
        user_id=actor_id(),
        filename=text.clean(filename, limit=200) or "–",
        data=data,
        options=dict(options or {}),
        created_at=clock.now(),
    )
    db.session.add(batch)
    db.session.flush()
    audit.record("import.upload", "import", batch.id, edition_id=edition_id, changes={"file": batch.filename})
    return batch


def _overrides(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: options[key] for key in OVERRIDES if options.get(key) is not None}


def open_batch(batch: ImportBatch) -> Table:
    """The uploaded file as a table, with the user's corrections. Raises SheetRefused."""
    if batch.data is None:
        raise ImportRefused("done")
    return open_table(batch.data, batch.filename, **_overrides(batch.options))


def change_options(batch: ImportBatch, options: Mapping[str, Any]) -> Table:
    """Read the file another way. What was mapped and previewed before is void. Raises SheetRefused, ImportRefused."""
    _refuse_settled(batch)
    if batch.data is None:
        raise ImportRefused("done")
    table = open_table(batch.data, batch.filename, **_overrides(options))
    batch.options, batch.mapping, batch.totals, batch.state = _overrides(options), {}, {}, "uploaded"
    batch.job_id = None
    db.session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
    db.session.flush()
    return table


def suggestions(table: Table) -> dict[str, Suggestion]:
    """For each field the column that it probably is."""
    return {s.key: s for s in suggest_mapping(table.headers, FIELDS)}


def sure_mapping(table: Table) -> dict[str, str]:
    """The columns that nobody needs to confirm; the name column also when it is only likely."""
    found = suggestions(table)
    chosen = {key: s.header for key, s in found.items() if s.confidence >= SURE}
    if not any(key in chosen for key in import_rows.NAME_FIELDS):
        chosen |= {key: found[key].header for key in import_rows.NAME_FIELDS if key in found}
    return chosen


def check_mapping(table: Table, mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping with known fields and columns only. Raises ImportRefused."""
    known = {f.key for f in FIELDS}
    chosen = {field: header for field, header in mapping.items() if header and field in known}
    for header in chosen.values():
        if header not in table.headers:
            raise ImportRefused("column-unknown", header=header)
    doubled = [header for header, count in Counter(chosen.values()).items() if count > 1]
    if doubled:
        raise ImportRefused("column-twice", header=doubled[0])
    if not any(field in chosen for field in import_rows.NAME_FIELDS):
        raise ImportRefused("name-unmapped")
    return chosen


def start_preview(batch: ImportBatch, mapping: Mapping[str, str], locale: str, replace: Iterable[str] = ()) -> None:
    """Keep the mapping and let a job look at every row. ``replace``: fields that the file shall overwrite in known companies.

    Raises ImportRefused, SheetRefused.
    """
    _refuse_settled(batch)
    table = open_batch(batch)
    batch.mapping = check_mapping(table, mapping)
    batch.replace = sorted(set(replace) & set(REPLACEABLE))
    remember_mapping(table, batch)
    batch.state, batch.totals = "mapped", {}
    db.session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
    job = jobs.enqueue(PREVIEW_JOB, {"batch_id": batch.id, "locale": locale}, user_id=actor_id())
    batch.job_id = job.id
    db.session.flush()


REPLACEABLE = tuple(name for name in FILLED if name not in ("domain", "tax_id"))
"""A tax id is never overwritten by a list, and the domain follows the website."""


def _fingerprint(table: Table) -> str:
    folded = sorted(text.fold(header) for header in table.headers)
    return hashlib.sha256("\n".join(folded).encode()).hexdigest()


def remember_mapping(table: Table, batch: ImportBatch) -> None:
    """The next file with these columns starts from this mapping."""
    key = _fingerprint(table)
    found = db.session.scalar(select(ImportMapping).where(ImportMapping.fingerprint == key))
    if found is None:
        found = ImportMapping(fingerprint=key)
        db.session.add(found)
    found.mapping, found.replace = dict(batch.mapping), list(batch.replace)
    found.used_at, found.used_by = clock.now(), actor_id()
    db.session.flush()


def remembered(table: Table) -> ImportMapping | None:
    """How a file with these columns was mapped the last time."""
    return db.session.scalar(select(ImportMapping).where(ImportMapping.fingerprint == _fingerprint(table)))


def start_load(batch: ImportBatch, locale: str) -> None:
    """Let a job store what was previewed. Raises ImportRefused: "undecided", "nothing-to-load", "done", "busy"."""
    db.session.refresh(batch, attribute_names=["state"], with_for_update=True)
    refuse_load(batch)
    batch.state = "loading"
    job = jobs.enqueue(LOAD_JOB, {"batch_id": batch.id, "locale": locale}, user_id=actor_id())
    batch.job_id = job.id
    db.session.flush()


def refuse_load(batch: ImportBatch) -> None:
    """Raises ImportRefused when the batch cannot be loaded as it stands."""
    _refuse_settled(batch)
    if batch.state != "previewed":
        raise ImportRefused("busy")
    open_rows = count_undecided(batch)
    if open_rows:
        raise ImportRefused("undecided", count=open_rows)
    if not sum(batch.totals.get(v, 0) for v in (Verdict.NEW, Verdict.MATCH, Verdict.CONFLICT)):
        raise ImportRefused("nothing-to-load")


def reopen(batch: ImportBatch) -> None:
    """Back to the preview after a load that failed: it has stored nothing."""
    if batch.state == "loading":
        batch.state = "previewed"
    elif batch.state == "mapped":
        batch.state = "uploaded"
    batch.job_id = None
    db.session.flush()


def _refuse_settled(batch: ImportBatch) -> None:
    if batch.state in ("done", "rolled_back"):
        raise ImportRefused("done")
    if batch.state == "loading":
        raise ImportRefused("busy")


def may_roll_back(batch: ImportBatch) -> bool:
    """Was it loaded with a journal, and not taken back yet?"""
    return batch.state == "done" and bool(
        db.session.scalar(select(ImportChange.id).where(ImportChange.batch_id == batch.id).limit(1))
    )


def delete_batch(batch: ImportBatch) -> None:
    """Throw an upload away with its preview; what a finished one has stored stays."""
    if batch.state == "loading":
        raise ImportRefused("busy")
    audit.record("import.delete", "import", batch.id, edition_id=batch.edition_id, changes={"file": batch.filename})
    db.session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
    db.session.delete(batch)
    db.session.flush()


# --- preview ---------------------------------------------------------------------------------------------------------


def preview(
    batch: ImportBatch,
    progress: Progress | None = None,
    label: str = "",
    release: Callable[[], None] | None = None,
) -> dict[str, int]:
    """Judge every row of the file and store the verdicts. Returns the totals by verdict; nothing else is changed.

    ``release`` is called when all is read and nothing written yet, as in ``load``.
    """
    tell = progress or (lambda _done, _total, _label: None)
    table = open_batch(batch)
    reader = _Reader(table, batch.mapping)
    directory, in_file = import_index.of_directory(), import_index.Index()
    seen, batch_id = import_index.fingerprint(), batch.id
    if release:
        release()
    totals: Counter[str] = Counter()
    judged_rows: list[dict[str, Any]] = []
    for number, row in enumerate(table.rows(), start=1):
        judged = {"batch_id": batch_id, **_judge(reader, row, directory, in_file)}
        totals[judged["verdict"]] += 1
        judged_rows.append(judged)
        if number % 100 == 0:
            tell(number, table.row_count, label)
    db.session.execute(delete(ImportRow).where(ImportRow.batch_id == batch_id))
    for start in range(0, len(judged_rows), CHUNK):
        db.session.execute(insert(ImportRow), judged_rows[start : start + CHUNK])
    tell(table.row_count, table.row_count, label)
    batch.totals = {"rows": sum(totals.values()), **totals, "directory": seen}
    batch.options = {**_overrides(batch.options), "headers": list(table.headers)}
    batch.state = "previewed"
    db.session.flush()
    return dict(totals)


class _Reader:
    """Cells of a row by field."""

    def __init__(self, table: Table, mapping: Mapping[str, str]) -> None:
        place = {header: index for index, header in enumerate(table.headers)}
        self.columns = [(field, place[header]) for field, header in mapping.items() if header in place]
        self.countries = country_codes()

    def read(self, row: Row) -> tuple[dict[str, Any], list[dict[str, str]]]:
        if row.problem:
            raise RowRefused(RowReason(row.problem))
        return import_rows.parse({field: row.cells[index] for field, index in self.columns}, self.countries)


@lru_cache(maxsize=1)
def country_codes() -> dict[str, str]:
    """Two-letter code by folded name, Chinese, English, German, French and by code."""
    out: dict[str, str] = {}
    for language in ("fr", "de", "zh", "en"):
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                out[text.fold(name)] = code
                out[code.casefold()] = code
    for code, names in EXTRA_COUNTRIES.items():
        out |= {text.fold(name): code for name in names}
    return out


EXTRA_COUNTRIES = {
    "US": ("United States of America", "USA", "U.S.A.", "U.S."),
    "GB": ("UK", "U.K.", "Great Britain", "England", "Scotland", "Wales"),
    "KR": ("Korea, Republic of", "Republic of Korea", "Korea", "南韩"),
    "MK": ("Republic of North Macedonia", "Macedonia"),
    "BA": ("Bosnia and Herzegovina",),
    "CZ": ("Czech Republic",),
    "HK": ("Hong Kong", "Hongkong", "香港", "中国香港", "Hong Kong SAR"),
    "MO": ("Macao", "Macau", "澳门", "中国澳门"),
    "TW": ("Taiwan", "Chinese Taipei", "台湾", "中国台湾", "Taiwan, China"),
    "TR": ("Turkey", "Turkiye"),
    "CN": ("PRC", "P.R. China", "PR China", "People's Republic of China", "Mainland China", "中华人民共和国"),
    "RU": ("Russian Federation", "Russia"),
    "AE": ("UAE", "Dubai"),
    "NL": ("Holland", "The Netherlands"),
    "VN": ("Viet Nam",),
    "IR": ("Iran, Islamic Republic of",),
    "MD": ("Moldova, Republic of",),
}


def _judge(reader: _Reader, row: Row, directory: import_index.Index, in_file: import_index.Index) -> dict[str, Any]:
    try:
        data, notes = reader.read(row)
    except RowRefused as refused:
        blame = {"field": refused.field, "value": refused.value[:200]}
        return _stored(row.line, Verdict.REFUSED, refused.reason, blame, {"cells": list(row.cells)})
    candidates = directory.exact(data)
    verdict, reason, chosen = decide(candidates)
    if verdict is not Verdict.MATCH:
        here = in_file.exact(data, by_domain=False)
        verdict_here, reason_here, chosen_here = decide(here)
        if verdict_here is Verdict.MATCH:
            verdict, reason, chosen, candidates = verdict_here, reason_here, chosen_here, here
        else:
            candidates = list({(c.known.id, c.known.line): c for c in (*here, *candidates)}.values())
            if verdict is Verdict.NEW and not here:
                candidates = directory.alike(data)
            verdict, reason, chosen = decide(candidates)
    detail: dict[str, Any] = {}
    if notes:
        detail["notes"] = notes
    if verdict is Verdict.CONFLICT:
        detail["candidates"] = [_described(c) for c in candidates[:5]]
    elif chosen is not None:
        detail["match"] = _described(chosen)
    if chosen is None or not chosen.known.line:
        in_file.add(_as_known(data, row.line, chosen))
    return _stored(row.line, verdict, reason, detail, data, chosen.known.id if chosen else 0)


def _stored(
    line: int, verdict: Verdict, reason: str, detail: dict[str, Any], data: dict[str, Any], company_id: int = 0
) -> dict[str, Any]:
    return {
        "line": line,
        "verdict": verdict.value,
        "reason": str(reason),
        "detail": detail,
        "data": data,
        "company_id": company_id or None,
        "decision": "",
    }


def _as_known(data: Mapping[str, Any], line: int, match: Candidate | None) -> Known:
    """The row for those that follow it: as a line of the file, or as the known company that it is."""
    return Known(
        data.get("name_zh", ""),
        data.get("name_en", ""),
        data.get("tax_id", ""),
        data.get("domain", ""),
        data.get("country", ""),
        id=match.known.id if match else 0,
        line=0 if match else line,
    )


def _described(candidate: Candidate) -> dict[str, Any]:
    known = candidate.known
    out: dict[str, Any] = {"evidence": list(dict.fromkeys(candidate.evidence)), "score": round(candidate.score, 2)}
    for key in ("id", "line", "name_zh", "name_en", "tax_id", "domain", "country"):
        if value := getattr(known, key):
            out[key] = value
    return out


# --- decisions -------------------------------------------------------------------------------------------------------


def count_undecided(batch: ImportBatch) -> int:
    return (
        db.session.scalar(
            select(func.count())
            .select_from(ImportRow)
            .where(ImportRow.batch_id == batch.id, ImportRow.verdict == Verdict.CONFLICT, ImportRow.decision == "")
        )
        or 0
    )


def decide_row(batch: ImportBatch, row: ImportRow, decision: str, candidate: int = 0) -> None:
    """A person's word on one conflict (also on a match, to undo it). ``candidate`` counts from 0. Raises ImportRefused."""
    _refuse_settled(batch)
    wanted = Decision(decision)
    if row.verdict == Verdict.REFUSED:
        raise ImportRefused("no-candidate")
    candidates = row.detail.get("candidates", [])
    if wanted is Decision.MATCH and row.verdict == Verdict.CONFLICT:
        if not 0 <= candidate < len(candidates):
            raise ImportRefused("no-candidate")
        row.detail = {**row.detail, "match": candidates[candidate]}
        row.company_id = candidates[candidate].get("id")
    elif row.verdict == Verdict.CONFLICT:
        row.detail = {k: v for k, v in row.detail.items() if k != "match"}
        row.company_id = None
    row.decision = wanted.value
    db.session.flush()


def decide_all(batch: ImportBatch, decision: str) -> int:
    """The same word on every conflict that is still open: the likeliest candidate, a new company, or left out."""
    _refuse_settled(batch)
    wanted = Decision(decision)
    open_rows = (ImportRow.batch_id == batch.id, ImportRow.verdict == Verdict.CONFLICT, ImportRow.decision == "")
    if wanted is not Decision.MATCH:
        done = db.session.execute(update(ImportRow).where(*open_rows).values(decision=wanted.value))
        return int(done.rowcount)  # type: ignore[attr-defined]
    rows = list(db.session.scalars(select(ImportRow).where(*open_rows)))
    for row in rows:
        decide_row(batch, row, wanted)
    return len(rows)


# --- jobs ------------------------------------------------------------------------------------------------------------


def preview_job(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The job behind ``start_preview``; a batch that was thrown away meanwhile is no error."""
    batch = db.session.get(ImportBatch, payload["batch_id"])
    if batch is None or batch.state != "mapped":
        return {}
    with i18n.in_locale(payload.get("locale", "zh")):
        label = _("Checking rows")
    try:
        return dict(preview(batch, progress, label, checkpoint))
    except SheetRefused as error:
        batch.state = "failed"
        return refusal_of(error)


def load_job(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The job behind ``start_load``: its transaction is the import's."""
    batch = db.session.get(ImportBatch, payload["batch_id"], with_for_update=True)
    if batch is None or batch.state != "loading":
        return {}
    with i18n.in_locale(payload.get("locale", "zh")):
        label = _("Storing companies")
    return dict(load(batch, progress, label, checkpoint))


def refusal_of(error: SheetRefused) -> dict[str, Any]:
    """A refused file as a job's result."""
    return {"refused": error.code, "params": {k: str(v) for k, v in error.params.items()}}
