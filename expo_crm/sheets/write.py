"""Exports: CSV and XLSX as streams of bytes, harmless in every spreadsheet program."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from io import StringIO
from itertools import chain, islice
from tempfile import SpooledTemporaryFile
from typing import Any
from unicodedata import east_asian_width

from expo_crm.sheets.cells import FORMULA_START, neutral

Cell = str | int | float | Decimal | bool | date | datetime | time | None
"""What an export may hold. Text is always written as text."""

BOM = b"\xef\xbb\xbf"
_CHUNK = 64 * 1024
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EXCEL_CELL = 32_767
_WIDTH_SAMPLE = 200
_EXACT = 10**15


def write_csv(rows: Iterable[Sequence[Cell]], headers: Sequence[str]) -> Iterator[bytes]:
    """UTF-8 with BOM (Excel needs it), RFC 4180: CRLF, quotes doubled. Texts that look like formulas get a quote in front.

    Numbers stay plain, dates are ISO, None is empty. `open_table` reads the texts back as they were.
    """
    yield BOM
    buffer = StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in chain((headers,), rows):
        cells = [_csv_cell(cell) for cell in row]
        if len(cells) == 1 and not cells[0]:
            buffer.write('""\r\n')
        else:
            writer.writerow(cells)
        if buffer.tell() > _CHUNK:
            yield _drained(buffer)
    yield _drained(buffer)


def _drained(buffer: StringIO) -> bytes:
    data = buffer.getvalue().encode("utf-8")
    buffer.seek(0)
    buffer.truncate()
    return data


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, Decimal):
        return format(cell, "f") if cell.is_finite() else ""
    if isinstance(cell, float):
        return repr(cell) if _finite(cell) else ""
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return _UNWRITABLE.sub("", neutral(cell))


def _finite(number: float) -> bool:
    return number == number and abs(number) != float("inf")


def write_xlsx(rows: Iterable[Sequence[Cell]], headers: Sequence[str], title: str = "Sheet1") -> Iterator[bytes]:
    """A workbook of one sheet: bold frozen header with a filter, widths by content, text as text, numbers as numbers.

    Whole numbers beyond fifteen digits are written as text, so that no digit is lost. Rows are taken as they come; the
    file is packed in a temporary file above 8 MB.
    """
    # openpyxl costs four tenths of a second at start-up, so it is loaded by the first workbook.
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(sheet_title(title))
    sheet.freeze_panes = "A2"
    pending = iter(rows)
    first = list(islice(pending, _WIDTH_SAMPLE))
    for place, width in enumerate(_widths(headers, first), start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append([_header_cell(sheet, header) for header in headers])
    count = 1
    for row in chain(first, pending):
        sheet.append([_xlsx_cell(sheet, cell) for cell in row])
        count += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(max(len(headers), 1))}{count}"
    yield from _packed(book)


def _packed(book: Any) -> Iterator[bytes]:
    with SpooledTemporaryFile(max_size=8 * 1024 * 1024) as file:
        book.save(file)
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk


def sheet_title(title: str) -> str:
    """A title that Excel takes: no `[]:*?/\\`, at most 31 signs, not empty, no quote at an end."""
    return _UNWRITABLE.sub("", re.sub(r"[\[\]:*?/\\]", " ", title)).strip("' ")[:31].strip("' ") or "Sheet1"


def _header_cell(sheet: Any, header: str) -> Any:
    from openpyxl.styles import Alignment, Font, PatternFill

    cell = _text_cell(sheet, header)
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="E9EEF6")
    cell.alignment = Alignment(vertical="center", wrap_text=True)
    return cell


def _text_cell(sheet: Any, text: str) -> Any:
    """A cell that is text whatever stands in it, also after a person edits it (quote prefix)."""
    from openpyxl.cell import WriteOnlyCell

    text = _UNWRITABLE.sub("", text)[:_EXCEL_CELL]
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    if FORMULA_START.match(text):
        cell.quotePrefix = True
    return cell


def _xlsx_cell(sheet: Any, cell: Cell) -> Any:
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, str):
        return _text_cell(sheet, cell) if cell else None
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, int | float | Decimal):
        return _xlsx_number(sheet, cell)
    return cell


def _xlsx_number(sheet: Any, number: int | float | Decimal) -> Any:
    if isinstance(number, int):
        return number if abs(number) < _EXACT else _text_cell(sheet, str(number))
    if isinstance(number, Decimal) and number.is_finite() and len(number.as_tuple().digits) > 15:
        return _text_cell(sheet, format(number, "f"))
    return number if _finite(float(number)) else None


def _widths(headers: Sequence[str], rows: list[Sequence[Cell]]) -> list[float]:
    """Column widths in characters: by the widest of header and sample, Chinese counted double, from 8 to 60."""
    result = []
    for place, header in enumerate(headers):
        texts = [header, *(_csv_cell(row[place]) for row in rows if place < len(row))]
        widest = max(sum(2 if east_asian_width(s) in "WF" else 1 for s in text[:80]) for text in texts)
        result.append(float(min(60, max(8, widest + 2))))
    return result
