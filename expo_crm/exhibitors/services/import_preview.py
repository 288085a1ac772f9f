"""The preview of an import: every row of the file judged and stored with its verdict, a portion of rows at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import lru_cache
from itertools import islice
from typing import Any

from babel import Locale
from sqlalchemy import delete

from expo_crm import bulk
from expo_crm.db import db
from expo_crm.directory.services import duplicates
from expo_crm.exhibitors.domain import import_rows
from expo_crm.exhibitors.domain.import_match import Candidate, Known, Verdict, decide, described
from expo_crm.exhibitors.domain.import_rows import RowReason, RowRefused
from expo_crm.exhibitors.models import ImportBatch, ImportRow
from expo_crm.exhibitors.services import import_files, import_index
from expo_crm.lib import text
from expo_crm.sheets.errors import LARGE_LIMITS
from expo_crm.sheets.fields import EXHIBITOR_FIELDS
from expo_crm.sheets.map import Field
from expo_crm.sheets.read import Row, Table, resume_table

Progress = Callable[[int, int, str], None]
FIELDS: tuple[Field, ...] = tuple(f for f in EXHIBITOR_FIELDS if f.key in import_rows.FIELDS)
PORTION = 1000


def preview(
    batch: ImportBatch,
    progress: Progress | None = None,
    label: str = "",
    release: Callable[[], None] | None = None,
) -> dict[str, int]:
    """Judge every row of the file and store the verdicts. Returns the totals by verdict; nothing else is changed.

    ``release`` is called before and after each portion is written: a job commits there, so that others may write, and its
    memory is that of one portion. A preview that ends half-way begins anew. Raises SheetRefused.
    """
    tell = progress or (lambda _done, _total, _label: None)
    keep = release or (lambda: None)
    batch_id, total = batch.id, int(batch.survey["row_count"])
    duplicates.index_missing()
    seen = import_index.fingerprint()
    db.session.execute(delete(ImportRow).where(ImportRow.batch_id == batch_id))
    totals: Counter[str] = Counter()
    done = 0
    with import_files.opened(batch_id) as blob, closing(import_index.Scratch()) as scratch:
        keep()
        import_index.take_directory(scratch)
        keep()
        table = resume_table(blob, import_files.table_of(batch), LARGE_LIMITS)
        reader = _Reader(table, batch.mapping)
        for rows in _portions(table.rows()):
            read = [reader.read(row) for row in rows]
            portion = import_index.Portion(scratch, [data for data, _notes in read if data is not None])
            keep()
            judged = [_judge(row, data, notes, portion) for row, (data, notes) in zip(rows, read, strict=True)]
            portion.keep()
            bulk.add(ImportRow, [{"batch_id": batch_id, **one} for one in judged])
            totals.update(one["verdict"] for one in judged)
            keep()
            done += len(rows)
            tell(min(done, total), total, label)
    batch.totals = {"rows": done, **totals, "directory": seen}
    batch.options = {**batch.options, "headers": list(table.headers)}
    batch.state = "previewed"
    db.session.flush()
    return dict(totals)


def _portions(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while part := list(islice(rows, PORTION)):
        yield part


class _Reader:
    """Cells of a row by field."""

    def __init__(self, table: Table, mapping: Mapping[str, str]) -> None:
        place = {header: index for index, header in enumerate(table.headers)}
        self.columns = [(field, place[header]) for field, header in mapping.items() if header in place]
        self.countries = country_codes()

    def read(self, row: Row) -> tuple[dict[str, Any] | None, Any]:
        """What the row says, with its notes; or None with the refusal."""
        try:
            if row.problem:
                raise RowRefused(RowReason(row.problem))
            return import_rows.parse({field: row.cells[index] for field, index in self.columns}, self.countries)
        except RowRefused as refused:
            return None, refused


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


def _judge(row: Row, data: dict[str, Any] | None, notes: Any, portion: import_index.Portion) -> dict[str, Any]:
    """One row as it is stored. ``notes`` is the refusal of a row that says nothing."""
    if data is None:
        blame = {"field": notes.field, "value": notes.value[:200]}
        return _stored(row.line, Verdict.REFUSED, notes.reason, blame, {"cells": list(row.cells)})
    candidates = portion.in_directory(data)
    verdict, reason, chosen = decide(candidates)
    if verdict is not Verdict.MATCH:
        here = portion.in_file(data)
        verdict_here, reason_here, chosen_here = decide(here)
        if verdict_here is Verdict.MATCH:
            verdict, reason, chosen, candidates = verdict_here, reason_here, chosen_here, here
        else:
            candidates = list({(c.known.id, c.known.line): c for c in (*here, *candidates)}.values())
            if verdict is Verdict.NEW and not here:
                candidates = portion.alike(data)
            verdict, reason, chosen = decide(candidates)
    detail: dict[str, Any] = {}
    if notes:
        detail["notes"] = notes
    if verdict is Verdict.CONFLICT:
        detail["candidates"] = [described(c) for c in candidates[:5]]
        detail["cells"] = list(row.cells)  # it may be left out, and then goes back as it stood in the file
    elif chosen is not None:
        detail["match"] = described(chosen)
    if chosen is None or not chosen.known.line:
        portion.add(_as_known(data, row.line, chosen))
    return _stored(row.line, verdict, reason, detail, data, chosen)


def _stored(
    line: int, verdict: Verdict, reason: str, detail: dict[str, Any], data: dict[str, Any], match: Candidate | None = None
) -> dict[str, Any]:
    return {
        "line": line,
        "verdict": verdict.value,
        "reason": str(reason),
        "detail": detail,
        "data": data,
        "company_id": (match.known.id if match else 0) or None,
        "match_line": (match.known.line if match else 0) or None,
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
