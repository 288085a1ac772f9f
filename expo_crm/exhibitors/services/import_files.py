"""The uploaded file of an import: kept in parts, put on the disk for whoever reads it, and what the first reading found."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import delete, insert, select

from expo_crm.db import db
from expo_crm.exhibitors.models import ImportBatch, ImportPart
from expo_crm.sheets.blob import Blob, kept
from expo_crm.sheets.detect import Kind
from expo_crm.sheets.errors import SheetWarning
from expo_crm.sheets.read import Row, Table
from expo_crm.sheets.workbook import SheetInfo

PART = 1024 * 1024
READ_AT_ONCE = 2 * 1024 * 1024
UNPACKED_AT_ONCE = 16 * 1024 * 1024
"""A larger file is read by a job, not while somebody waits for the answer to the upload."""
SHOWN = 200
"""Characters of a cell in the first rows that are kept to be shown."""


def is_large(blob: Blob, kind: Kind) -> bool:
    """Whether reading the file may take longer than a request should."""
    if blob.size > READ_AT_ONCE:
        return True
    if kind != "xlsx":
        return False
    with blob.open() as stream, zipfile.ZipFile(stream) as archive:
        return sum(member.file_size for member in archive.infolist()) > UNPACKED_AT_ONCE


def keep(batch_id: int, blob: Blob) -> None:
    """Store the file, a part at a time."""
    for number, data in enumerate(blob.chunks(PART)):
        db.session.execute(insert(ImportPart), [{"batch_id": batch_id, "number": number, "data": data}])


def drop(batch_id: int) -> None:
    db.session.execute(delete(ImportPart).where(ImportPart.batch_id == batch_id))


@contextmanager
def opened(batch_id: int) -> Iterator[Blob]:
    """The stored file, in memory when it is small, else on the disk as long as it is read."""
    with kept(_pieces(batch_id)) as blob:
        yield blob


def _pieces(batch_id: int) -> Iterator[bytes]:
    number = 0
    wanted = select(ImportPart.data)
    while data := db.session.scalar(wanted.where(ImportPart.batch_id == batch_id, ImportPart.number == number)):
        yield data
        number += 1


def survey_of(table: Table) -> dict[str, Any]:
    """What is kept of a table that was read once: everything but its rows."""
    return {
        "kind": table.kind,
        "headers": list(table.headers),
        "header_line": table.header_line,
        "row_count": table.row_count,
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "sheet": table.sheet,
        "sheets": [[s.name, s.values, s.hidden] for s in table.sheets],
        "warnings": [[w.code, w.line, w.column, {k: _plain(v) for k, v in w.params.items()}] for w in table.warnings],
        "head": [[r.line, [cell[:SHOWN] for cell in r.cells], r.problem] for r in table.head],
    }


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)


def table_of(batch: ImportBatch) -> Table:
    """The table as its survey describes it; ``resume_table`` puts the file under it."""
    found: Mapping[str, Any] = batch.survey
    return Table(
        kind=found["kind"],
        filename=batch.filename,
        headers=tuple(found["headers"]),
        header_line=found["header_line"],
        row_count=found["row_count"],
        warnings=tuple(SheetWarning(code, line, column, params) for code, line, column, params in found["warnings"]),
        encoding=found["encoding"],
        delimiter=found["delimiter"],
        sheets=tuple(SheetInfo(*one) for one in found["sheets"]),
        sheet=found["sheet"],
        head=tuple(Row(line, tuple(cells), problem) for line, cells, problem in found["head"]),
    )
