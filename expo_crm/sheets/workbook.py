"""XLSX: a strict look at every XML part first, then calamine reads the chosen sheet; a large one is read row by row.

The first look costs about as much as the reading. It refuses document types, broken XML and parts that unpack to another
size than declared, and it measures each sheet, because the reader allocates the whole box between the first and the last
value: one value in the last corner of a sheet would take hundreds of gigabytes. Beyond ``IN_MEMORY_CELLS`` the sheet goes to
``sheets.stream``, whose memory does not grow with the file.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from python_calamine import CalamineSheet, CalamineWorkbook

from expo_crm.sheets.blob import Blob
from expo_crm.sheets.detect import unpacked_chunks
from expo_crm.sheets.errors import Limits, SheetRefused
from expo_crm.sheets.stream import StreamSource, read_workbook
from expo_crm.sheets.textfile import Record

_MAX_MERGES = 100_000
_REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
_MAX_NAMED = 100
IN_MEMORY_CELLS = 400_000
IN_MEMORY_BYTES = 40_000_000
"""A sheet with a larger box, or of a workbook that unpacks to more, is read row by row."""


@dataclass(frozen=True, slots=True)
class SheetInfo:
    """One sheet of a workbook: `values` is the number of cells with something in them."""

    name: str
    values: int
    hidden: bool = False


@dataclass(slots=True)
class _Measure:
    """What the first look finds in one sheet part."""

    values: int = 0
    last_row: int = 0
    last_column: int = 0
    errors: list[str] = field(default_factory=list)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SheetSource:
    """One sheet, ready to be read any number of times."""

    sheet: CalamineSheet
    merges: tuple[tuple[int, int, int, int], ...]
    """First row, first column, last row, last column, all from 1."""
    errors: tuple[str, ...]

    def records(self) -> Iterator[Record]:
        """All rows with a value, in order. Vertically merged cells repeat their value downwards."""
        offset = self.sheet.start[1] if self.sheet.start else 0
        below = sorted((m for m in self.merges if m[2] > m[0]), reverse=True)
        open_merges: list[tuple[int, int, object]] = []
        for line, values in enumerate(self.sheet.iter_rows(), start=1):
            cells: list[object] = [""] * offset + list(values)
            while below and below[-1][0] <= line:
                _, column, last, _ = below.pop()
                if column <= len(cells):
                    open_merges.append((last, column - 1, cells[column - 1]))
            open_merges = [merge for merge in open_merges if merge[0] >= line]
            for _, column, value in open_merges:
                cells[column] = value
            if any(cell != "" for cell in values):
                yield Record(line, cells)


class _Look:
    """Expat handlers that measure a sheet while they read it."""

    def __init__(self) -> None:
        self.measure = _Measure()
        self._row = self._column = 0
        self._reference = self._type = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rsplit(" ", 1)[-1]
        if name == "c":
            self._cell(attributes)
        elif name == "row":
            self._row = _whole(attributes.get("r"), self._row + 1)
            self._column = 0
        elif name in ("v", "is", "f"):
            self._value()
        elif name == "mergeCell" and len(self.measure.merges) < _MAX_MERGES:
            self._merge(attributes.get("ref", ""))

    def _merge(self, reference: str) -> None:
        corners = [_REFERENCE.fullmatch(corner) for corner in reference.split(":")]
        if len(corners) == 2 and corners[0] and corners[1]:
            (a, b), (c, d) = ((int(m[2]), _column_number(m[1])) for m in corners if m)
            self.measure.merges.append((a, b, c, d))

    def _cell(self, attributes: dict[str, str]) -> None:
        self._column += 1
        self._type = attributes.get("t", "")
        self._reference = attributes.get("r", "")
        found = _REFERENCE.fullmatch(self._reference)
        if found:
            self._column, self._row = _column_number(found[1]), int(found[2])
        elif self._reference:
            raise SheetRefused("corrupt")

    def _value(self) -> None:
        found = self.measure
        found.values += 1
        found.last_row = max(found.last_row, self._row)
        found.last_column = max(found.last_column, self._column)
        if self._type == "e" and len(found.errors) < _MAX_NAMED and self._reference not in found.errors[-1:]:
            found.errors.append(self._reference)


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 7:
        raise SheetRefused("corrupt")
    return int(text)


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _refuse_doctype(*_: Any) -> int:
    raise SheetRefused("xml-doctype")


def _scan(blob: Blob, member: zipfile.ZipInfo, look: _Look | None) -> None:
    """Parse one XML part to its end; SheetRefused for a document type, an entity or broken XML."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.ExternalEntityRefHandler = _refuse_doctype
    if look is not None:
        parser.StartElementHandler = look.start
    try:
        for chunk in unpacked_chunks(blob, member):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError):
        raise SheetRefused("corrupt") from None


def _relations(blob: Blob, archive: zipfile.ZipFile, path: str) -> list[tuple[str, dict[str, str]]]:
    """Every element of a small XML part as (local name, attributes by local name)."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, attributes: found.append(
        (name.rsplit(" ", 1)[-1], {key.rsplit(" ", 1)[-1]: value for key, value in attributes.items()})
    )
    try:
        for chunk in unpacked_chunks(blob, archive.getinfo(path)):
            parser.Parse(chunk, False)
    except (KeyError, expat.ExpatError):
        raise SheetRefused("corrupt") from None
    return found


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A worksheet as the workbook names it, with its part and what the first look found in it."""

    info: SheetInfo
    path: str
    measure: _Measure


def _sheets(blob: Blob, archive: zipfile.ZipFile, looks: dict[str, _Look]) -> tuple[_Sheet, ...]:
    """The worksheets in the order of the workbook."""
    targets = {
        a.get("Id", ""): posixpath.normpath(posixpath.join("/xl", a.get("Target", ""))).lstrip("/")
        for name, a in _relations(blob, archive, "xl/_rels/workbook.xml.rels")
        if name == "Relationship"
    }
    found = []
    for name, a in _relations(blob, archive, "xl/workbook.xml"):
        path = targets.get(a.get("id", ""), "") if name == "sheet" else ""
        if path in looks:
            hidden = a.get("state", "visible") != "visible"
            measure = looks[path].measure
            found.append(_Sheet(SheetInfo(a.get("name", ""), measure.values, hidden), path, measure))
    return tuple(found)


def _measure_all(blob: Blob) -> tuple[tuple[_Sheet, ...], int]:
    """Check every XML part of the archive and measure the sheets; also the bytes that all of it unpacks to."""
    with blob.open() as stream, zipfile.ZipFile(stream) as archive:
        members = {member.filename: member for member in archive.infolist()}
        looks = {name: _Look() for name in members if re.match(r"/?xl/worksheets/[^/]+\.xml$", name, re.I)}
        for name, member in members.items():
            if name.lower().endswith((".xml", ".rels", ".vml")):
                _scan(blob, member, looks.get(name))
        return _sheets(blob, archive, looks), sum(member.file_size for member in members.values())


def _guarded(blob: Blob) -> CalamineWorkbook:
    try:
        with blob.open() as stream:
            return CalamineWorkbook.from_filelike(stream)
    except BaseException as error:
        raise _refusal(error) from None


def _refusal(error: BaseException) -> BaseException:
    """A reader's failure as a refusal; its Rust panics do not derive from Exception."""
    if type(error).__name__ == "PasswordError":
        return SheetRefused("encrypted")
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return SheetRefused("corrupt")
    return error


def open_workbook(
    blob: Blob, limits: Limits, sheet: str | None
) -> tuple[SheetSource | StreamSource, tuple[SheetInfo, ...], SheetInfo]:
    """The chosen sheet (the fullest visible one by default), all sheets, and the entry of the chosen one."""
    sheets, unpacked = _measure_all(blob)
    infos = tuple(one.info for one in sheets)
    chosen = _choose(infos, sheet)
    one = next(s for s in sheets if s.info == chosen)
    _check_box(one.measure, limits)
    errors = tuple(one.measure.errors)
    if one.measure.last_row * one.measure.last_column > IN_MEMORY_CELLS or unpacked > IN_MEMORY_BYTES:
        return read_workbook(blob, one.path, tuple(one.measure.merges), errors), infos, chosen
    try:
        loaded = _guarded(blob).get_sheet_by_name(chosen.name)
        merges = loaded.merged_cell_ranges or []
    except BaseException as error:
        raise _refusal(error) from None
    corners = tuple((a + 1, b + 1, c + 1, d + 1) for (a, b), (c, d) in merges)
    return SheetSource(loaded, corners, errors), infos, chosen


def _choose(infos: tuple[SheetInfo, ...], name: str | None) -> SheetInfo:
    if name is not None:
        found = next((info for info in infos if info.name == name), None)
        if found is None:
            raise SheetRefused("sheet-unknown", sheet=name)
        return found
    filled = [info for info in infos if info.values]
    if not filled:
        raise SheetRefused("empty")
    return max(filled, key=lambda info: (not info.hidden, info.values))


def _check_box(found: _Measure, limits: Limits) -> None:
    """Refuse a sheet beyond the limits before the reader makes room for it."""
    if found.last_row > limits.rows + 100:
        raise SheetRefused("too-many-rows", count=found.last_row, limit=limits.rows)
    if found.last_column > limits.columns:
        raise SheetRefused("too-many-columns", count=found.last_column, limit=limits.columns)
    if found.last_row * found.last_column > limits.cells:
        raise SheetRefused("too-many-cells", count=found.last_row * found.last_column, limit=limits.cells)
