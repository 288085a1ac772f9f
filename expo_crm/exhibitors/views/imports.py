"""/e/<edition>/imports: a list from a file, step by step: file → columns → rows → loaded."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import defer

from expo_crm.accounts.models import User
from expo_crm.db import db
from expo_crm.exhibitors import import_words as words
from expo_crm.exhibitors.domain.import_match import Decision, Verdict
from expo_crm.exhibitors.import_forms import (
    DELIMITERS,
    ENCODING_NAMES,
    ReadForm,
    UploadForm,
    mapping_of,
    rows_of_mapping,
)
from expo_crm.exhibitors.models import ImportBatch, ImportRow
from expo_crm.exhibitors.services import import_journal, importing
from expo_crm.exhibitors.services.importing import ImportRefused
from expo_crm.jobs.models import Job
from expo_crm.sheets import write
from expo_crm.sheets.blob import CHUNK, kept
from expo_crm.sheets.errors import LARGE_LIMITS, SheetRefused
from expo_crm.sheets.read import Table
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, requires

SAMPLE = 8
SETTLED = ("done", "rolled_back")
BUSY = ("reading", "mapped", "loading", "rolling_back")
PAGE = 1000
"""Rows of the error file that are fetched at once."""


def _find(batch_id: int) -> ImportBatch:
    found = db.session.scalar(
        select(ImportBatch)
        .where(ImportBatch.id == batch_id, ImportBatch.edition_id == g.edition.id)
    )
    if found is None:
        abort(404)
    return found


def _pill(label: Any, tone: str) -> Markup:
    return listing.pill(label, tone)


def _steps(batch: ImportBatch, current: str) -> list[dict[str, Any]]:
    """The four steps with links back to those that may be taken again."""
    order = ["file", "columns", "rows", "result"]
    labels = {"file": _("File"), "columns": _("Match columns"), "rows": _("Check rows"), "result": _("Loaded")}
    reached = {"uploaded": 1, "mapped": 2, "previewed": 2, "reading": 0, "failed": 0}.get(batch.state, 3)
    free = batch.state in {"uploaded", "previewed", "failed"}
    out = []
    for index, key in enumerate(order):
        state = "current" if key == current else "done" if index < order.index(current) else "todo"
        back = free and key != current and index <= reached and key != "result"
        url = url_for(f"exhibitors.import_{key}", batch_id=batch.id) if back else None
        out.append({"label": labels[key], "state": state, "url": url})
    return out


def _to(step: str, batch: ImportBatch) -> ResponseReturnValue:
    return redirect(url_for(f"exhibitors.import_{step}", batch_id=batch.id))


@requires(Permission.IMPORT)
def imports() -> ResponseReturnValue:
    form, refused = UploadForm(), ""
    if form.validate_on_submit():
        upload = form.file.data
        try:
            with kept(iter(lambda: upload.stream.read(CHUNK), b"")) as blob:
                batch = importing.create_batch(g.edition.id, upload.filename or "", blob)
        except SheetRefused as error:
            refused = words.file_refused(error)
            form.file.errors = [refused]
        else:
            return _to("rows" if batch.state == "reading" else "file", batch)
    users: dict[int, str] = {}

    def load(rows: list[ImportBatch]) -> None:
        ids = {r.user_id for r in rows if r.user_id}
        users.update(dict(db.session.execute(select(User.id, User.name).where(User.id.in_(ids))).all()))

    page = listing.build(
        id="imports",
        query=select(ImportBatch).where(ImportBatch.edition_id == g.edition.id).options(defer(ImportBatch.survey)),
        columns=[
            listing.Column("file", _("File"), lambda b: b.filename, sort=ImportBatch.filename, primary=True),
            listing.Column(
                "state",
                _("State"),
                lambda b: words.STATES[b.state],
                cell=lambda b: _pill(words.STATES[b.state], words.STATE_TONES[b.state]),
                sort=ImportBatch.state,
                kind="status",
            ),
            listing.Column("rows", _("Rows"), lambda b: b.totals.get("rows"), kind="number"),
            listing.Column(
                "companies",
                _("New companies"),
                lambda b: b.totals.get("loaded", {}).get("companies_new"),
                kind="number",
            ),
            listing.Column("refused", _("Rows refused"), lambda b: b.totals.get("refused"), kind="number"),
            listing.Column("who", _("By"), lambda b: users.get(b.user_id or 0, ""), hide_on_phone=True),
            listing.Column(
                "created",
                _("Uploaded"),
                lambda b: i18n.datetime_(b.created_at),
                sort=ImportBatch.created_at,
                kind="date",
            ),
        ],
        default_sort="created",
        default_desc=True,
        tie_break=ImportBatch.id.desc(),
        search=lambda q: ImportBatch.filename.contains(q, autoescape=True),
        search_hint=_("File name"),
        empty=listing.Empty(
            "file-import",
            _("No list has been imported yet"),
            _("Choose an exhibitor list above: CSV or Excel, in any of the usual encodings."),
        ),
        row_url=lambda b: url_for("exhibitors.import_batch", batch_id=b.id),
        load=load,
    )
    return render_template("exhibitors/imports/imports.html", listing=page, form=form), 422 if form.errors else 200


imports.max_upload = LARGE_LIMITS.size + 1024 * 1024  # type: ignore[attr-defined]


@requires(Permission.IMPORT)
def batch(batch_id: int) -> ResponseReturnValue:
    """The step at which the import stands."""
    found = _find(batch_id)
    step = {"uploaded": "file", "failed": "file", "done": "result", "rolled_back": "result"}.get(found.state, "rows")
    return _to(step, found)


@requires(Permission.IMPORT)
def file(batch_id: int) -> ResponseReturnValue:
    """What the file was recognised as, with its first rows; everything may be corrected."""
    found = _find(batch_id)
    if found.state in BUSY or found.state in SETTLED:
        return _to("result" if found.state in SETTLED else "rows", found)
    table, problem = _open(found)
    form = ReadForm(data={k: v for k, v in found.options.items() if k != "headers"})
    form.offer(table)
    if form.validate_on_submit():
        try:
            with db.session.begin_nested():
                table = importing.change_options(found, form.options)
        except SheetRefused as error:
            problem = words.file_refused(error)
        except ImportRefused as error:
            raise Refused(words.step_refused(error), 409) from None
        else:
            if table is None:
                return _to("rows", found)
            return _to("columns" if request.form.get("go") else "file", found)
    status = 422 if form.is_submitted() else 200
    return render_template(
        "exhibitors/imports/file.html",
        batch=found,
        table=table,
        form=form,
        problem=problem,
        steps=_steps(found, "file"),
        encoding_names=ENCODING_NAMES,
        delimiters=DELIMITERS,
        sample=table.sample(SAMPLE) if table else [],
        warnings=list(dict.fromkeys(str(words.file_warning(w)) for w in table.warnings))[:12] if table else [],
    ), status


def _open(found: ImportBatch) -> tuple[Table | None, str]:
    try:
        return importing.open_batch(found), ""
    except SheetRefused as error:
        return None, words.file_refused(error)


@requires(Permission.IMPORT)
def columns(batch_id: int) -> ResponseReturnValue:
    """Which column is which field: suggested, confirmed by a person."""
    found = _find(batch_id)
    if found.state in BUSY or found.state in SETTLED:
        return _to("result" if found.state in SETTLED else "rows", found)
    table, problem = _open(found)
    if table is None:
        flash(problem, "danger")
        return _to("file", found)
    before = importing.remembered(table) if not found.mapping else None
    replace = found.replace or (before.replace if before else [])
    if request.method == "POST":
        chosen, replace = mapping_of(request.form), request.form.getlist("replace")
    elif before is not None:
        chosen = {field: header for field, header in before.mapping.items() if header in table.headers}
    else:
        chosen = found.mapping or importing.sure_mapping(table)
    refused = ""
    if request.method == "POST":
        try:
            importing.start_preview(found, chosen, i18n.locale(), replace)
        except ImportRefused as error:
            refused = words.step_refused(error)
        else:
            return _to("rows", found)
    samples = [row.cells for row in table.sample(40)]
    used = set(chosen.values())
    return render_template(
        "exhibitors/imports/columns.html",
        batch=found,
        table=table,
        refused=refused,
        steps=_steps(found, "columns"),
        fields=rows_of_mapping(table, chosen, importing.suggestions(table), samples),
        unused=[h for h in table.headers if h not in used],
        remembered=before,
        replaceable=words.REPLACEABLE,
        replace=replace,
    ), 422 if refused else 200


def _job(found: ImportBatch) -> Job | None:
    return db.session.get(Job, found.job_id) if found.job_id else None


@requires(Permission.IMPORT)
def rows(batch_id: int) -> ResponseReturnValue:
    """Every row with its verdict; or the progress of the job that is at it."""
    found = _find(batch_id)
    if found.state == "uploaded":
        return _to("columns", found)
    if found.state in SETTLED:
        return _to("result", found)
    job = _job(found)
    if found.state in BUSY or found.state == "failed":
        failed = found.state == "failed" or job is None or job.state in {"failed", "done"}
        step = {"reading": "file", "loading": "result", "rolling_back": "result"}.get(found.state, "rows")
        return render_template(
            "exhibitors/imports/working.html",
            batch=found,
            job=job,
            failed=failed,
            partly=failed and importing.is_partly_loaded(found),
            title=words.WORKING.get(found.state, words.WORKING["mapped"]),
            steps=_steps(found, step),
        )
    undecided = importing.count_undecided(found)
    return render_template(
        "exhibitors/imports/rows.html",
        batch=found,
        listing=_row_listing(found),
        totals=found.totals,
        undecided=undecided,
        steps=_steps(found, "rows"),
    )


def _name(row: ImportRow) -> str:
    """The company of a row; of one that could not be read, how its line begins."""
    cells = [cell for cell in row.data.get("cells", []) if cell][:2]
    return i18n.bi({"name_zh": row.data.get("name_zh", ""), "name_en": row.data.get("name_en", "")}) or " · ".join(cells)[:80] or "–"


def _why(found: ImportBatch, row: ImportRow) -> str:
    said = [words.row_reason(row.verdict, row.reason, row.detail, found.mapping), *words.notes(row.detail)]
    return " · ".join(str(s) for s in said if s)


def _verdict(row: ImportRow) -> Any:
    if row.decision and (row.verdict == Verdict.CONFLICT or row.decision == Decision.SKIP):
        return words.DECISIONS[row.decision]
    return words.VERDICTS[row.verdict]


def _row_listing(found: ImportBatch) -> listing.Listing:
    def tone(row: ImportRow) -> str:
        return "neutral" if row.decision else words.VERDICT_TONES[Verdict(row.verdict)]

    def by_verdict(value: str) -> Any:
        if value == "open":
            return (ImportRow.verdict == Verdict.CONFLICT) & (ImportRow.decision == "")
        return ImportRow.verdict == value

    choices = [*((str(v), label) for v, label in words.VERDICTS.items()), ("open", _("Still to decide"))]
    return listing.build(
        id="import-rows",
        query=select(ImportRow).where(ImportRow.batch_id == found.id),
        columns=[
            listing.Column("line", _("Line"), lambda r: r.line, sort=ImportRow.line, kind="number"),
            listing.Column("name", _("Company"), _name, primary=True),
            listing.Column("stands", _("Stands"), lambda r: r.data.get("stands", ""), hide_on_phone=True),
            listing.Column(
                "verdict",
                _("Result"),
                _verdict,
                cell=lambda r: _pill(_verdict(r), tone(r)),
                sort=ImportRow.verdict,
                kind="status",
            ),
            listing.Column("reason", _("Why"), lambda r: _why(found, r)),
        ],
        default_sort="line",
        tie_break=ImportRow.id,
        filters=[listing.Filter("verdict", _("Result"), choices, by_verdict)],
        empty=listing.Empty("file-import", _("No rows")),
        row_url=lambda r: url_for("exhibitors.import_row", batch_id=found.id, row_id=r.id),
    )


@requires(Permission.IMPORT)
def row(batch_id: int, row_id: int) -> ResponseReturnValue:
    """One row beside the companies that it may be."""
    found = _find(batch_id)
    this = db.session.scalar(select(ImportRow).where(ImportRow.id == row_id, ImportRow.batch_id == found.id))
    if this is None:
        abort(404)
    if request.method == "POST":
        return _decide(found, this)
    match = [this.detail["match"]] if this.detail.get("match") and this.verdict != Verdict.CONFLICT else []
    candidates = [{**c, "words": words.evidence(c.get("evidence", []))} for c in this.detail.get("candidates", match)]
    return render_template(
        "exhibitors/imports/row.html",
        batch=found,
        row=this,
        name=_name(this),
        verdict=_verdict(this),
        tone=words.VERDICT_TONES[Verdict(this.verdict)],
        why=words.row_reason(this.verdict, this.reason, this.detail, found.mapping),
        notes=words.notes(this.detail),
        candidates=candidates,
        decision=this.decision,
        chosen=next((i for i, c in enumerate(candidates) if c == _with_words(this.detail.get("match"))), 0),
        cells=list(zip(found.options.get("headers", []), this.data.get("cells", []), strict=False)),
        open_next=_next_open(found, this),
        can_decide=found.state == "previewed" and this.verdict != Verdict.REFUSED,
    )


def _with_words(match: dict[str, Any] | None) -> dict[str, Any] | None:
    return {**match, "words": words.evidence(match.get("evidence", []))} if match else None


def _next_open(found: ImportBatch, this: ImportRow) -> int | None:
    """The next conflict that nobody has decided, round the list."""
    still = (ImportRow.batch_id == found.id, ImportRow.verdict == Verdict.CONFLICT, ImportRow.decision == "")
    after = (
        select(ImportRow.id)
        .where(*still, ImportRow.id != this.id)
        .order_by(ImportRow.line <= this.line, ImportRow.line)
    )
    return db.session.scalar(after.limit(1))


def _decide(found: ImportBatch, this: ImportRow) -> ResponseReturnValue:
    decision = request.form.get("decision", "")
    if decision not in set(Decision):
        raise Refused(_("Please choose what this row is."))
    typed = request.form.get("candidate", "0")
    candidate = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 3 else -1
    try:
        importing.decide_row(found, this, decision, candidate)
    except ImportRefused as error:
        raise Refused(words.step_refused(error), 409) from None
    following = _next_open(found, this)
    if following:
        return redirect(url_for("exhibitors.import_row", batch_id=found.id, row_id=following))
    return _to("rows", found)


@requires(Permission.IMPORT)
def decide_all(batch_id: int) -> ResponseReturnValue:
    """One rule for every conflict that is still open."""
    found = _find(batch_id)
    decision = request.form.get("decision", "")
    if decision not in set(Decision):
        raise Refused(_("Please choose what this row is."))
    try:
        count = importing.decide_all(found, decision)
    except ImportRefused as error:
        raise Refused(words.step_refused(error), 409) from None
    flash(_("%(count)s rows decided.", count=i18n.number(count)), "success")
    return _to("rows", found)


@requires(Permission.IMPORT)
def load(batch_id: int) -> ResponseReturnValue:
    """Start the job that stores everything."""
    found = _find(batch_id)
    try:
        importing.start_load(found, i18n.locale())
    except ImportRefused as error:
        raise Refused(words.step_refused(error), 409) from None
    return _to("rows", found)


@requires(Permission.IMPORT)
def again(batch_id: int) -> ResponseReturnValue:
    """Back to the step before the job that failed."""
    found = _find(batch_id)
    job = _job(found)
    if job is not None and job.state in {"queued", "running"}:
        raise Refused(words.step_refused(ImportRefused("busy")), 409)
    importing.reopen(found)
    return _to("batch", found)


@requires(Permission.IMPORT)
def result(batch_id: int) -> ResponseReturnValue:
    found = _find(batch_id)
    if found.state not in SETTLED:
        return _to("batch", found)
    return render_template(
        "exhibitors/imports/result.html",
        batch=found,
        totals=found.totals,
        loaded=found.totals.get("loaded", {}),
        taken_back=found.totals.get("rolled_back"),
        may_take_back=importing.may_roll_back(found),
        listing=_landed(found),
        steps=_steps(found, "result"),
    )


@requires(Permission.IMPORT)
def roll_back(batch_id: int) -> ResponseReturnValue:
    """Take the whole batch back; what was used or changed since stays."""
    found = _find(batch_id)
    try:
        counts = importing.start_roll_back(found)
    except import_journal.NotLoaded:
        raise Refused(_("This import cannot be taken back: it was not loaded, or was taken back already."), 409) from None
    if counts is None:
        return _to("rows", found)
    if counts.get("kept"):
        flash(_("Taken back. %(count)s records are in use or were changed since, and stay.", count=counts["kept"]), "warning")
    else:
        flash(_("Taken back. The customer file is as before the import."), "success")
    return _to("result", found)


def _landed(found: ImportBatch) -> listing.Listing:
    """Where each row is now: its company, or why it is nowhere."""

    def by_outcome(value: str) -> Any:
        out = (ImportRow.verdict == Verdict.REFUSED) | (ImportRow.decision == Decision.SKIP)
        return out if value == "out" else ~out

    def where(row: ImportRow) -> Any:
        out = row.verdict == Verdict.REFUSED or row.decision == Decision.SKIP
        gone = found.state == "rolled_back" and row.company_id is None
        return _("Not taken") if out else _("Taken back") if gone else _("Stored")

    tones = {_("Not taken"): "danger", _("Taken back"): "neutral"}
    return listing.build(
        id="import-result",
        query=select(ImportRow).where(ImportRow.batch_id == found.id),
        columns=[
            listing.Column("line", _("Line"), lambda r: r.line, sort=ImportRow.line, kind="number"),
            listing.Column("name", _("Company"), _name, primary=True),
            listing.Column(
                "where",
                _("Result"),
                where,
                cell=lambda r: _pill(where(r), tones.get(where(r), "success")),
                kind="status",
            ),
            listing.Column("reason", _("Why"), lambda r: _why(found, r)),
        ],
        default_sort="line",
        tie_break=ImportRow.id,
        filters=[listing.Filter("out", _("Result"), [("in", _("Stored")), ("out", _("Not taken"))], by_outcome)],
        empty=listing.Empty("file-import", _("No rows")),
        row_url=lambda r: (
            url_for("directory.company", company_id=r.company_id)
            if r.company_id
            else url_for("exhibitors.import_row", batch_id=found.id, row_id=r.id)
        ),
    )


@requires(Permission.IMPORT)
def refused(batch_id: int) -> ResponseReturnValue:
    """The rows that did not land, as they stood in the file, with line and reason: to be corrected and sent again."""
    found = _find(batch_id)
    headers = found.options.get("headers", [])
    # On the disk when it is long: the answer is sent after the request's database session has ended.
    file = SpooledTemporaryFile(max_size=CHUNK)  # noqa: SIM115 - closed by whoever reads it
    for chunk in write.write_csv(_not_taken(found, headers), [_("Line"), _("Why"), *headers]):
        file.write(chunk)
    file.seek(0)
    return Response(
        _read_out(file),
        mimetype="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="not-taken-{found.id}.csv"'},
    )


def _read_out(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield from iter(lambda: file.read(CHUNK), b"")


def _not_taken(found: ImportBatch, headers: list[str]) -> Iterator[list[Any]]:
    """The rows of the error file, some at a time, however many there are."""
    last = 0
    out = (ImportRow.verdict == Verdict.REFUSED) | (ImportRow.decision == Decision.SKIP)
    query = select(ImportRow).where(ImportRow.batch_id == found.id, out).order_by(ImportRow.line, ImportRow.id)
    while items := db.session.scalars(query.where(ImportRow.line > last).limit(PAGE)).all():
        for item in items:
            cells = item.data.get("cells") or item.detail.get("cells") or _again_as_cells(item, found, headers)
            yield [item.line, _why(found, item), *cells]
        last = items[-1].line
        for item in items:
            db.session.expunge(item)


def _again_as_cells(item: ImportRow, found: ImportBatch, headers: list[str]) -> list[str]:
    """The main cells of a row that was readable but left out."""
    by_header = {
        found.mapping.get("company_zh", ""): item.data.get("name_zh", ""),
        found.mapping.get("company_en", ""): item.data.get("name_en", ""),
        found.mapping.get("booth", ""): item.data.get("stands", ""),
        found.mapping.get("website", ""): item.data.get("website", ""),
    }
    if found.mapping.get("company"):
        by_header.setdefault(found.mapping["company"], item.data.get("name_zh") or item.data.get("name_en", ""))
    return [by_header.get(header, "") for header in headers]


@requires(Permission.IMPORT)
def delete(batch_id: int) -> ResponseReturnValue:
    found = _find(batch_id)
    try:
        importing.delete_batch(found)
    except ImportRefused as error:
        raise Refused(words.step_refused(error), 409) from None
    flash(_("The upload was deleted."), "success")
    return redirect(url_for("exhibitors.imports"))
