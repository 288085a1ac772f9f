"""Exhibitor lists from files: upload → columns → preview of every row → load.

Reading a large file, ``preview`` and ``load`` are the work of background jobs, a portion at a time; the command line calls
them directly. Between the steps everything waits in ``import_batch``, ``import_part`` and ``import_row``; the directory is
touched by ``load`` alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update

from expo_crm.audit import services as audit
from expo_crm.db import checkpoint, db
from expo_crm.exhibitors.domain import import_rows
from expo_crm.exhibitors.domain.import_match import Decision, Verdict
from expo_crm.exhibitors.models import ImportBatch, ImportChange, ImportMapping, ImportRow
from expo_crm.exhibitors.services import import_files, import_journal
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.exhibitors.services.import_load import FILLED, load
from expo_crm.exhibitors.services.import_preview import FIELDS, preview
from expo_crm.jobs import services as jobs
from expo_crm.jobs.models import Job
from expo_crm.lib import clock, text
from expo_crm.sheets.blob import Blob, blob_of
from expo_crm.sheets.detect import detect_kind
from expo_crm.sheets.errors import LARGE_LIMITS, SheetRefused
from expo_crm.sheets.map import SURE, Suggestion, suggest_mapping
from expo_crm.sheets.read import Table, open_table
from expo_crm.web import i18n

__all__ = [
    "FIELDS", "ImportRefused", "change_options", "create_batch", "decide_all", "decide_row", "delete_batch", "load",
    "may_roll_back", "open_batch",
    "preview", "remembered", "start_load", "start_preview", "start_roll_back", "suggestions",
]  # fmt: skip

Progress = Callable[[int, int, str], None]
READ_JOB, PREVIEW_JOB = "exhibitors.read_import", "exhibitors.preview_import"
LOAD_JOB, ROLL_BACK_JOB = "exhibitors.load_import", "exhibitors.roll_back_import"
OVERRIDES = ("encoding", "delimiter", "sheet", "header_line")
AT_ONCE = 2000
"""An import of at most so many rows is taken back while the person waits."""
BUSY = ("reading", "loading", "rolling_back")
WAIT_SECONDS = 5


class ImportRefused(Exception):
    """A step that cannot be taken. ``code``: "name-unmapped", "column-unknown", "column-twice", "undecided" (count), "busy",
    "done", "nothing-to-load", "no-candidate"."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(f"{code} {params}" if params else code)
        self.code, self.params = code, params


def create_batch(
    edition_id: int,
    filename: str,
    data: Blob | bytes,
    options: Mapping[str, Any] | None = None,
    *,
    at_once: bool = False,
) -> ImportBatch:
    """Keep an uploaded file. Raises SheetRefused when it is no table; then nothing is stored.

    A large file is only looked at; a job reads it, unless ``at_once`` (for callers without a person who waits).
    """
    blob = blob_of(data)
    kind = detect_kind(blob, LARGE_LIMITS)
    now = at_once or not import_files.is_large(blob, kind)
    table = open_table(blob, filename, **_overrides(options or {}), limits=LARGE_LIMITS) if now else None
    batch = ImportBatch(
        edition_id=edition_id,
        user_id=actor_id(),
        filename=text.clean(filename, limit=200) or "–",
        options=dict(options or {}),
        survey=import_files.survey_of(table) if table else {},
        created_at=clock.now(),
    )
    db.session.add(batch)
    db.session.flush()
    import_files.keep(batch.id, blob)
    audit.record("import.upload", "import", batch.id, edition_id=edition_id, changes={"file": batch.filename})
    if table is None:
        _start_reading(batch)
    return batch


def _start_reading(batch: ImportBatch) -> None:
    batch.state, batch.survey = "reading", {}
    job = jobs.enqueue(READ_JOB, {"batch_id": batch.id, "locale": i18n.locale()}, user_id=actor_id())
    batch.job_id = job.id
    db.session.flush()


def _overrides(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: options[key] for key in OVERRIDES if options.get(key) is not None}


def open_batch(batch: ImportBatch) -> Table:
    """The uploaded file as a table, without its rows. Raises SheetRefused; ImportRefused("done") when the file is gone."""
    if batch.state in ("done", "rolled_back"):
        raise ImportRefused("done")
    if refused := batch.survey.get("refused"):
        raise SheetRefused(refused, **batch.survey.get("params", {}))
    if not batch.survey:
        if batch.state == "reading":
            raise ImportRefused("busy")
        batch.survey = import_files.survey_of(_read(batch, _overrides(batch.options)))
        db.session.flush()
    return import_files.table_of(batch)


def _read(batch: ImportBatch, options: Mapping[str, Any], tell: Callable[[int], None] = lambda rows: None) -> Table:
    with import_files.opened(batch.id) as blob:
        return open_table(blob, batch.filename, **options, limits=LARGE_LIMITS, tell=tell)


def change_options(batch: ImportBatch, options: Mapping[str, Any]) -> Table | None:
    """Read the file another way. What was mapped and previewed before is void. None: a job reads it.

    Raises SheetRefused, ImportRefused.
    """
    _refuse_settled(batch)
    with import_files.opened(batch.id) as blob:
        large = import_files.is_large(blob, detect_kind(blob, LARGE_LIMITS))
        table = None if large else open_table(blob, batch.filename, **_overrides(options), limits=LARGE_LIMITS)
    batch.options, batch.mapping, batch.totals, batch.state = _overrides(options), {}, {}, "uploaded"
    batch.survey = import_files.survey_of(table) if table else {}
    batch.job_id = None
    db.session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
    if table is None:
        _start_reading(batch)
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
    """Back to the step before a job that failed. What a load had stored until it was interrupted is taken back by a job."""
    if batch.state == "reading":
        _start_reading(batch)
        return
    if batch.state in ("loading", "rolling_back") and _has_changes(batch):
        _start_taking_back(batch)
        return
    if batch.state in ("loading", "rolling_back"):
        batch.state = "previewed"
    elif batch.state == "mapped":
        batch.state = "uploaded"
    batch.job_id = None
    db.session.flush()


def _refuse_settled(batch: ImportBatch) -> None:
    if batch.state in ("done", "rolled_back"):
        raise ImportRefused("done")
    if batch.state in BUSY:
        raise ImportRefused("busy")


def _has_changes(batch: ImportBatch) -> bool:
    return bool(db.session.scalar(select(ImportChange.id).where(ImportChange.batch_id == batch.id).limit(1)))


def is_partly_loaded(batch: ImportBatch) -> bool:
    """Whether a load that was interrupted has stored some of its rows."""
    return batch.state in ("loading", "rolling_back") and "loaded" not in batch.totals and _has_changes(batch)


def may_roll_back(batch: ImportBatch) -> bool:
    """Was it loaded with a journal, and not taken back yet?"""
    return batch.state == "done" and _has_changes(batch)


def start_roll_back(batch: ImportBatch) -> dict[str, int] | None:
    """Take a loaded batch back: a short one at once, with the counts as answer; a long one by a job (None). Raises NotLoaded."""
    db.session.refresh(batch, attribute_names=["state"], with_for_update=True)
    if not may_roll_back(batch):
        raise import_journal.NotLoaded
    if int(batch.totals.get("rows", 0)) <= AT_ONCE:
        return import_journal.roll_back(batch)
    _start_taking_back(batch)
    return None


def _start_taking_back(batch: ImportBatch) -> None:
    batch.state = "rolling_back"
    job = jobs.enqueue(ROLL_BACK_JOB, {"batch_id": batch.id, "locale": i18n.locale()}, user_id=actor_id())
    batch.job_id = job.id
    db.session.flush()


def delete_batch(batch: ImportBatch) -> None:
    """Throw an upload away with its preview; what a finished one has stored stays."""
    if batch.state in BUSY:
        raise ImportRefused("busy")
    audit.record("import.delete", "import", batch.id, edition_id=batch.edition_id, changes={"file": batch.filename})
    db.session.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
    db.session.delete(batch)
    db.session.flush()


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
        row.company_id, row.match_line = candidates[candidate].get("id"), candidates[candidate].get("line")
    elif row.verdict == Verdict.CONFLICT:
        row.detail = {k: v for k, v in row.detail.items() if k != "match"}
        row.company_id = row.match_line = None
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
    count = 0
    while rows := list(db.session.scalars(select(ImportRow).where(*open_rows).order_by(ImportRow.id).limit(1000))):
        for row in rows:
            decide_row(batch, row, wanted)
        count += len(rows)
        db.session.flush()
        for row in rows:
            db.session.expunge(row)
    return count


# --- jobs ------------------------------------------------------------------------------------------------------------


def _portion_end(progress: Any) -> None:
    """Commit a portion of a job, with the sign that the job lives."""
    jobs.beat(getattr(progress, "job_id", None))
    checkpoint()


def read_job(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The job behind the upload of a large file: read it once, to count, to warn and to show its head."""
    batch = db.session.get(ImportBatch, payload["batch_id"])
    if batch is None or batch.state != "reading":
        return {}
    with i18n.in_locale(payload.get("locale", "zh")):
        label = _("Reading the file")
    options = _overrides(batch.options)
    with import_files.opened(batch.id) as blob:
        checkpoint()  # nothing is written while it is read
        try:
            table = open_table(
                blob,
                batch.filename,
                **options,
                limits=LARGE_LIMITS,
                tell=lambda rows: progress(rows, 0, f"{label}: {rows:,}"),
            )
        except SheetRefused as error:
            found = refusal_of(error)
        else:
            found = import_files.survey_of(table)
    db.session.refresh(batch, attribute_names=["state"], with_for_update=True)
    if batch.state == "reading":
        batch.survey, batch.state = found, "uploaded"
    return {}


def preview_job(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The job behind ``start_preview``; a batch that was thrown away meanwhile is no error."""
    batch = db.session.get(ImportBatch, payload["batch_id"])
    if batch is None or batch.state != "mapped":
        return {}
    with i18n.in_locale(payload.get("locale", "zh")):
        label = _("Checking rows")
    try:
        return dict(preview(batch, progress, label, partial(_portion_end, progress)))
    except SheetRefused as error:
        batch.state = "failed"
        return refusal_of(error)


def load_job(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The job behind ``start_load``. Killed, it goes on where it was; when it fails, what it stored is taken back.

    One import at a time writes to the directory; a second one waits its turn.
    """
    batch = db.session.get(ImportBatch, payload["batch_id"], with_for_update=True)
    if batch is None or batch.state not in ("loading", "rolling_back") or "loaded" in batch.totals:
        return {}
    end = partial(_portion_end, progress)
    if batch.state == "loading":
        if _another_loads(batch):
            return _wait_for_turn(batch, payload)
        with i18n.in_locale(payload.get("locale", "zh")):
            label = _("Storing companies")
        try:
            return dict(load(batch, progress, label, end))
        except Exception:
            db.session.rollback()
            batch = db.session.get_one(ImportBatch, payload["batch_id"], populate_existing=True)
            batch.state = "rolling_back"
            checkpoint()
            import_journal.undo(batch, progress, "", end)
            batch.state = "loading"
            checkpoint()
            raise
    import_journal.undo(batch, progress, "", end)
    batch.state = "previewed"
    return {}


def _another_loads(batch: ImportBatch) -> bool:
    """Whether another import is being stored. Of two that start together the older one goes first."""
    import_journal.one_at_a_time()
    others = db.session.execute(
        select(ImportBatch.id, ImportBatch.totals)
        .join(Job, Job.id == ImportBatch.job_id)
        .where(ImportBatch.id != batch.id, ImportBatch.state == "loading", Job.state == "running")
    )
    mine = "loading" in batch.totals
    return any("loading" in totals or (other < batch.id and not mine) for other, totals in others)


def _wait_for_turn(batch: ImportBatch, payload: dict[str, Any]) -> dict[str, Any]:
    later = clock.now() + dt.timedelta(seconds=WAIT_SECONDS)
    batch.job_id = jobs.enqueue(LOAD_JOB, payload, user_id=batch.user_id, due_at=later).id
    return {"waiting": True}


def roll_back_job(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """The job behind ``start_roll_back``, and behind going back after a load that was interrupted too often."""
    batch = db.session.get(ImportBatch, payload["batch_id"], with_for_update=True)
    if batch is None or batch.state != "rolling_back":
        return {}
    with i18n.in_locale(payload.get("locale", "zh")):
        label = _("Taking back")
    end = partial(_portion_end, progress)
    if "loaded" in batch.totals:
        return dict(import_journal.roll_back(batch, progress, label, end))
    import_journal.undo(batch, progress, label, end)
    batch.state, batch.job_id = "previewed", None
    return {}


def refusal_of(error: SheetRefused) -> dict[str, Any]:
    """A refused file as a job's result."""
    return {"refused": error.code, "params": {k: str(v) for k, v in error.params.items()}}
