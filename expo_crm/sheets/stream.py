"""A large sheet row by row: the strings of the workbook wait on the disk, and never more than a piece of the sheet in memory."""

from __future__ import annotations

import os
import re
import tempfile
import weakref
import zipfile
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from xml.parsers import expat

from openpyxl.styles.numbers import is_date_format, is_timedelta_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel, from_ISO8601

from expo_crm.sheets.blob import Blob
from expo_crm.sheets.detect import unpacked_chunks
from expo_crm.sheets.errors import SheetRefused
from expo_crm.sheets.textfile import Record

DATE, SPAN = "date", "span"
# Number formats that are dates without being spelled out; 27-36 and 50-58 are those of Chinese, Japanese and Korean Excel.
_BUILT_IN = dict.fromkeys((*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)), DATE) | {46: SPAN}
_REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_FLUSH = 1024 * 1024


class SharedStrings:
    """The strings that cells refer to by number: in a file without a name, with eight bytes each in memory."""

    def __init__(self, strings: Iterable[str]) -> None:
        handle, name = tempfile.mkstemp(prefix="expo-strings-")
        os.unlink(name)
        weakref.finalize(self, os.close, handle)
        self._handle = handle
        self._ends = array("Q", [0])
        waiting, size, end = [], 0, 0
        for text in strings:
            encoded = text.encode("utf-8", "surrogatepass")
            waiting.append(encoded)
            size, end = size + len(encoded), end + len(encoded)
            self._ends.append(end)
            if size > _FLUSH:
                _write_all(handle, b"".join(waiting))
                waiting, size = [], 0
        _write_all(handle, b"".join(waiting))
        self.get = lru_cache(maxsize=10_000)(self._read)

    def _read(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise SheetRefused("corrupt")
        start, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._handle, end - start, start).decode("utf-8", "surrogatepass")


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


@dataclass(frozen=True, slots=True)
class StreamSource:
    """One sheet of a workbook on disk, ready to be read any number of times."""

    blob: Blob
    member: zipfile.ZipInfo
    strings: SharedStrings
    kinds: tuple[str, ...]
    """For each cell style "date", "span" or ""."""
    epoch: datetime
    merges: tuple[tuple[int, int, int, int], ...]
    """First row, first column, last row, last column, all from 1."""
    errors: tuple[str, ...]

    def records(self) -> Iterator[Record]:
        """All rows with a value, in order. Vertically merged cells repeat their value downwards."""
        below = sorted((m for m in self.merges if m[2] > m[0]), reverse=True)
        open_merges: list[tuple[int, int, object]] = []
        for line, cells in self._rows():
            filled = any(cell != "" for cell in cells)
            while below and below[-1][0] <= line:
                top, column, last, _right = below.pop()
                if top == line and column <= len(cells):
                    open_merges.append((last, column - 1, cells[column - 1]))
            open_merges = [merge for merge in open_merges if merge[0] >= line]
            for _last, column, value in open_merges:
                cells += [""] * (column + 1 - len(cells))
                cells[column] = value
            if filled:
                yield Record(line, cells)

    def _rows(self) -> Iterator[tuple[int, list[object]]]:
        reader = _Reader(self.strings, self.kinds, self.epoch)
        yield from _parsed(self.blob, self.member, reader, reader.rows)


class _Reader:
    """Expat handlers that put the rows of a sheet together."""

    def __init__(self, strings: SharedStrings, kinds: tuple[str, ...], epoch: datetime) -> None:
        self.rows: list[tuple[int, list[object]]] = []
        self.strings, self.kinds, self.epoch = strings, kinds, epoch
        self.cells: list[object] = []
        self.text: list[str] = []
        self.row = self.column = 0
        self.type = ""
        self.style = ""
        self.inside = self.phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "c":
            self.type, self.style = attributes.get("t", "n"), attributes.get("s", "")
            self.column += 1
            if found := _REFERENCE.fullmatch(attributes.get("r", "")):
                self.column = _column(found[1])
            self.text.clear()
        elif name == "v" or (name == "t" and not self.phonetic):
            self.inside = True
        elif name == "rPh":
            self.phonetic = True
        elif name == "row":
            written = attributes.get("r", "")
            self.row = int(written) if written.isascii() and written.isdigit() else self.row + 1
            self.column, self.cells = 0, []

    def data(self, text: str) -> None:
        if self.inside:
            self.text.append(text)

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "c":
            if self.text:
                self.cells += [""] * (self.column - len(self.cells))
                self.cells[self.column - 1] = self.value("".join(self.text))
        elif name in ("v", "t"):
            self.inside = False
        elif name == "rPh":
            self.phonetic = False
        elif name == "row" and self.cells:
            self.rows.append((self.row, self.cells))

    def value(self, text: str) -> object:
        match self.type:
            case "s":
                return self.strings.get(int(text)) if text.isascii() and text.isdigit() else ""
            case "inlineStr" | "str":
                return _unescaped(text)
            case "b":
                return text == "1"
            case "e":
                return ""
            case "d":
                return _moment(text)
        return self.number(text)

    def number(self, text: str) -> object:
        try:
            number = float(text)
        except ValueError:
            return text
        place = int(self.style) if self.style.isascii() and self.style.isdigit() else 0
        kind = self.kinds[place] if place < len(self.kinds) else ""
        if not kind:
            return number
        try:
            return from_excel(number, self.epoch, timedelta=kind == SPAN)
        except (OverflowError, ValueError):
            return number


def _moment(text: str) -> object:
    try:
        return from_ISO8601(text)
    except ValueError:
        return text


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _unescaped(text: str) -> str:
    """Signs that XML cannot hold are written _x000D_."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _parsed(blob: Blob, member: zipfile.ZipInfo, handlers: Any, out: list[Any]) -> Iterator[Any]:
    """Parse an XML part piece by piece; what the handlers put into ``out`` is given on. Raises SheetRefused("corrupt")."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handlers.start
    parser.EndElementHandler = handlers.end
    parser.CharacterDataHandler = handlers.data
    for chunk in unpacked_chunks(blob, member):
        _feed(parser, chunk, False)
        yield from out
        out.clear()
    _feed(parser, b"", True)
    yield from out
    out.clear()


def _feed(parser: Any, chunk: bytes, last: bool) -> None:
    try:
        parser.Parse(chunk, last)
    except (expat.ExpatError, ValueError, IndexError):
        raise SheetRefused("corrupt") from None


class _Strings:
    """Expat handlers for the shared strings; readings (furigana) are left out."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.text: list[str] = []
        self.inside = self.phonetic = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "t":
            self.inside = not self.phonetic
        elif name == "rPh":
            self.phonetic = True

    def data(self, text: str) -> None:
        if self.inside:
            self.text.append(text)

    def end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name == "t":
            self.inside = False
        elif name == "rPh":
            self.phonetic = False
        elif name == "si":
            self.out.append(_unescaped("".join(self.text)))
            self.text.clear()


class _Styles:
    """Expat handlers for the styles: what kind of value each cell style shows; and for the workbook, its first day."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.formats: dict[str, str] = {}
        self.in_cells = self.mac = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "numFmt":
            self.formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self.in_cells = True
        elif name == "xf" and self.in_cells:
            self.out.append(self._kind(attributes.get("numFmtId", "0")))
        elif name == "workbookPr":
            self.mac = attributes.get("date1904", "") in ("1", "true")

    def _kind(self, number: str) -> str:
        code = self.formats.get(number)
        if code is None:
            return _BUILT_IN.get(int(number) if number.isascii() and number.isdigit() else 0, "")
        return SPAN if is_timedelta_format(code) else DATE if is_date_format(code) else ""

    def data(self, text: str) -> None:
        """Styles hold no text."""

    def end(self, name: str) -> None:
        if name.rpartition(":")[2] == "cellXfs":
            self.in_cells = False


def read_workbook(
    blob: Blob, path: str, merges: tuple[tuple[int, int, int, int], ...], errors: tuple[str, ...]
) -> StreamSource:
    """The sheet at ``path`` of the archive. Every part was checked before. Raises SheetRefused("corrupt")."""
    with blob.open() as stream, zipfile.ZipFile(stream) as archive:
        members = {member.filename: member for member in archive.infolist()}
    strings, styles, book = _Strings(), _Styles(), _Styles()
    found = members.get("xl/sharedStrings.xml")
    shared = SharedStrings(_parsed(blob, found, strings, strings.out) if found else ())
    style = members.get("xl/styles.xml")
    kinds = tuple(_parsed(blob, style, styles, styles.out)) if style else ()
    for _nothing in _parsed(blob, members["xl/workbook.xml"], book, book.out):
        pass
    return StreamSource(
        blob, members[path], shared, kinds, MAC_EPOCH if book.mac else WINDOWS_EPOCH, merges, errors
    )
