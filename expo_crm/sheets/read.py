"""Open an uploaded table: `open_table` finds out what it is, where its header is, and what to warn about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from expo_crm.lib.text import fold
from expo_crm.sheets.blob import Blob, blob_of
from expo_crm.sheets.cells import EXACT_NUMBER, SCIENCE, text_of, tidy
from expo_crm.sheets.detect import Kind, detect_kind
from expo_crm.sheets.errors import DEFAULT_LIMITS, Limits, SheetRefused, SheetWarning
from expo_crm.sheets.fields import KNOWN_HEADERS
from expo_crm.sheets.map import header_key
from expo_crm.sheets.textfile import Record, TextSource, open_text
from expo_crm.sheets.workbook import SheetInfo, SheetSource, StreamSource, open_workbook

_HEAD = 40
Source = TextSource | SheetSource | StreamSource
_TOLD = 1000
"""Records between two words on the progress."""
_MAX_TITLE_LINES = 20
_MAX_WARNINGS = 20
_DATA_LIKE = re.compile(r"@\w|^https?:|^www\.|有限公司|\b(?:gmbh|ltd|inc|llc|s\.?r\.?l)\b\.?$|^(?:true|false)$", re.I)


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header. `line` counts from 1 in the file; `cells` has one text for each header.

    `problem` is "" or why the row must be refused: "cell-too-long", "too-many-cells", "quote-open".
    """

    line: int
    cells: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """An opened file. `rows()` may be called any number of times."""

    kind: Kind
    filename: str
    headers: tuple[str, ...]
    header_line: int
    """Line of the (last) header row; 0 when there is none and `headers` are column letters."""
    row_count: int
    warnings: tuple[SheetWarning, ...]
    encoding: str = ""
    delimiter: str = ""
    sheets: tuple[SheetInfo, ...] = ()
    sheet: str = ""
    head: tuple[Row, ...] = ()
    """The first rows, also of a table whose file is not at hand (`resume_table`)."""
    _source: Source = field(repr=False, default=None)  # type: ignore[assignment]
    _limits: Limits = field(repr=False, default=DEFAULT_LIMITS)

    def rows(self) -> Iterator[Row]:
        """The rows with something in them, one by one, top to bottom."""
        for record in self._source.records():
            if record.line > self.header_line:
                row = _row(record, len(self.headers), self._limits)
                if row.problem or any(row.cells):
                    yield row

    def sample(self, count: int = 20) -> list[Row]:
        """The first rows, at most forty, for a preview."""
        return list(self.head[:count])


def _row(record: Record, width: int, limits: Limits) -> Row:
    """A record as a row of exactly `width` cells."""
    texts = [text_of(cell) for cell in record.cells]
    problem = record.problem
    if any(len(text) > limits.cell_characters for text in texts):
        problem = problem or "cell-too-long"
        texts = [text[: limits.cell_characters] for text in texts]
    cells = [tidy(text) for text in texts]
    if any(cells[width:]):
        problem = problem or "too-many-cells"
    return Row(record.line, tuple(cells[:width] + [""] * (width - len(cells))), problem)


def open_table(
    data: Blob | bytes | Path,
    filename: str = "",
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_line: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    tell: Callable[[int], None] = lambda rows: None,
) -> Table:
    """Open an XLSX or delimited text by its content; every guess may be overridden (`header_line` 0: no header).

    Reads the whole file once, to count and to warn; ``tell(records)`` says how far. SheetRefused with a stable code for
    anything that is no table, is empty, damaged, locked or beyond the limits. No other exception leaves.
    """
    blob = blob_of(data)
    kind = detect_kind(blob, limits)
    source: Source
    sheets: tuple[SheetInfo, ...] = ()
    warnings = _Warnings()
    if kind == "xlsx":
        source, sheets, chosen = open_workbook(blob, limits, sheet)
        _warn_sheet(source, chosen, warnings)
    else:
        source = open_text(blob, limits, encoding, delimiter)
        chosen = SheetInfo("", 0)
        if not source.encoding.startswith(("utf-16", "utf-32")) and blob.holds(b"\x00"):
            warnings.add("control-characters")
    last, names = _find_header(source, header_line, warnings)
    count, width = _survey(source, last, names, limits, warnings, tell)
    table = Table(
        kind=kind,
        filename=filename,
        headers=_named(names, width, warnings),
        header_line=last,
        row_count=count,
        warnings=warnings.all(),
        encoding=source.encoding if isinstance(source, TextSource) else "",
        delimiter=source.delimiter if isinstance(source, TextSource) else "",
        sheets=sheets,
        sheet=chosen.name,
        _source=source,
        _limits=limits,
    )
    return replace(table, head=tuple(row for _, row in zip(range(_HEAD), table.rows(), strict=False)))


def resume_table(data: Blob | bytes | Path, table: Table, limits: Limits = DEFAULT_LIMITS) -> Table:
    """A table that was opened before, over its file again: `rows()` works, nothing is guessed or counted anew.

    Raises SheetRefused.
    """
    blob = blob_of(data)
    source: Source
    if table.kind == "xlsx":
        source, _sheets, _chosen = open_workbook(blob, limits, table.sheet)
    else:
        source = open_text(blob, limits, table.encoding, table.delimiter)
    return replace(table, _source=source, _limits=limits)


class _Warnings:
    """Collects warnings: the first twenty of each code, and how many there were in all."""

    def __init__(self) -> None:
        self._found: list[SheetWarning] = []
        self.counts: Counter[str] = Counter()

    def add(self, code: str, line: int = 0, column: int = 0, **params: object) -> None:
        self.counts[code] += 1
        if self.counts[code] <= _MAX_WARNINGS:
            self._found.append(SheetWarning(code, line, column, params))

    def all(self) -> tuple[SheetWarning, ...]:
        return tuple(
            SheetWarning(w.code, w.line, w.column, {**w.params, "total": self.counts[w.code]}) for w in self._found
        )


def _warn_sheet(source: SheetSource | StreamSource, chosen: SheetInfo, warnings: _Warnings) -> None:
    if chosen.hidden:
        warnings.add("hidden-sheet-used", sheet=chosen.name)
    for top, left, _, _ in source.merges[:1000]:
        warnings.add("merged-cells", top, left)
    for reference in source.errors:
        letters, digits = re.fullmatch(r"([A-Za-z]*)(\d*)", reference).groups()  # type: ignore[union-attr]
        warnings.add("excel-error", int(digits or 0), _column_of(letters))


def _column_of(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(column: int) -> str:
    """1 is A, 27 is AA."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _texts(record: Record) -> list[str]:
    return [tidy(text_of(cell)[:500]) for cell in record.cells]


def _find_header(source: Source, told: int | None, warnings: _Warnings) -> tuple[int, list[str]]:
    """Last line and names of the header; (0, []) when there is none."""
    head = [(r.line, texts) for _, r in zip(range(_HEAD), source.records(), strict=False) if any(texts := _texts(r))]
    if not head:
        raise SheetRefused("empty")
    if told is not None:
        return _told_header(source, told)
    best = max(range(min(len(head), _MAX_TITLE_LINES)), key=lambda i: _header_score(head[i][1], head, i))
    names = head[best][1]
    filled = [name for name in names if name]
    if _data_share(filled) > 0.3 and _known_share(filled) < 0.3:
        warnings.add("header-missing")
        return 0, []
    if _known_share(filled) == 0:
        warnings.add("header-guessed", head[best][0])
    merges = () if isinstance(source, TextSource) else source.merges
    return _joined_header(dict(head), head[best][0], merges)


def _told_header(source: Source, line: int) -> tuple[int, list[str]]:
    if line == 0:
        return 0, []
    for record in source.records():
        if record.line == line:
            return line, _texts(record)
        if record.line > line:
            break
    raise SheetRefused("header-unknown", line=line)


def _known_share(names: Sequence[str]) -> float:
    known = sum(header_key(name) in KNOWN_HEADERS or header_key(name, notes=True) in KNOWN_HEADERS for name in names)
    return known / max(len(names), 1)


def _data_share(names: Sequence[str]) -> float:
    """Share of cells that look like data: numbers, codes, addresses, company names."""

    def data_like(name: str) -> bool:
        digits = sum(sign.isdigit() for sign in name)
        return digits >= 0.4 * len(name) or len(name) > 80 or bool(_DATA_LIKE.search(name))

    return sum(data_like(name) for name in names) / max(len(names), 1)


def _header_score(names: list[str], head: list[tuple[int, list[str]]], place: int) -> float:
    """How much a row looks like a header: full, of distinct known words, without data, near the top."""
    filled = [name for name in names if name]
    width = max(sum(map(bool, texts)) for _, texts in head)
    distinct = len(set(filled)) / len(filled)
    return len(filled) / width + 1.5 * _known_share(filled) + 0.5 * distinct - 1.5 * _data_share(filled) - 0.05 * place


def _joined_header(
    rows: dict[int, list[str]], line: int, merges: Sequence[tuple[int, int, int, int]]
) -> tuple[int, list[str]]:
    """Fill merged header cells across and join a header of two rows: 联系人 over 姓名 becomes "联系人 姓名"."""
    wide = {m[0] for m in merges if m[3] > m[1] and m[2] == m[0]}
    tall = {m[0] for m in merges if m[2] == m[0] + 1}
    if line - 1 in tall and line - 1 in rows:
        top, last = line - 1, line
    elif line in tall or (line in wide and line + 1 in rows and _data_share([n for n in rows[line + 1] if n]) <= 0.1):
        top, last = line, line + 1
    else:
        top = last = line
    upper = list(rows[top])
    for first, left, _, right in merges:
        if first == top:
            upper += [""] * (right - len(upper))
            upper[left - 1 : right] = [upper[left - 1]] * (right - left + 1)
    if top == last:
        return last, upper
    lower = rows.get(last, [])
    pairs = [(_at(upper, i), _at(lower, i)) for i in range(max(len(upper), len(lower)))]
    return last, [a if a == b or not b else f"{a} {b}".strip() for a, b in pairs]


def _at(texts: Sequence[str], place: int) -> str:
    return texts[place] if place < len(texts) else ""


def _survey(
    source: Source,
    header_line: int,
    names: list[str],
    limits: Limits,
    warnings: _Warnings,
    tell: Callable[[int], None],
) -> tuple[int, int]:
    """Read everything once: number of rows, number of columns to keep, warnings. SheetRefused beyond the limits."""
    count = 0
    filled: Counter[int] = Counter()
    for number, record in enumerate(source.records()):
        if number % _TOLD == 0:
            tell(number)
        if record.line <= header_line:
            continue
        if len(record.cells) > limits.columns and any(text_of(c).strip() for c in record.cells[limits.columns :]):
            raise SheetRefused("too-many-columns", count=len(record.cells), limit=limits.columns)
        columns = [i for i, cell in enumerate(record.cells) if not _blank(cell)]
        if not columns and not record.problem:
            continue
        count += 1
        if count > limits.rows:
            raise SheetRefused("too-many-rows", count=count, limit=limits.rows)
        filled.update(columns)
        _warn_record(record, warnings, limits)
    if count == 0:
        raise SheetRefused("no-rows")
    named = max((i + 1 for i, name in enumerate(names) if name), default=0)
    used = max((i + 1 for i, n in filled.items() if named == 0 or n >= max(2, 0.05 * count) or i < named), default=0)
    width = max(named, used)
    if width > limits.columns:
        raise SheetRefused("too-many-columns", count=width, limit=limits.columns)
    return count, width


def _blank(cell: object) -> bool:
    return cell == "" or cell is None or (isinstance(cell, str) and not tidy(cell[:1000]))


def _warn_record(record: Record, warnings: _Warnings, limits: Limits) -> None:
    if record.problem:
        warnings.add(record.problem, record.line)
    for column, cell in enumerate(record.cells, start=1):
        if isinstance(cell, str):
            if "\ufffd" in cell:
                warnings.add("replacement-character", record.line, column)
            if len(cell) > limits.cell_characters:
                warnings.add("cell-too-long", record.line, column)
            elif len(cell) < 20 and "+" in cell and SCIENCE.fullmatch(cell.strip()):
                warnings.add("phone-science", record.line, column, text=cell.strip())
        elif isinstance(cell, float) and abs(cell) >= EXACT_NUMBER:
            warnings.add("number-precision", record.line, column)


def _named(names: list[str], width: int, warnings: _Warnings) -> tuple[str, ...]:
    """One name for each column: doubled ones get " (2)", missing ones their letter in brackets."""
    seen: Counter[str] = Counter()
    result: list[str] = []
    for place in range(width):
        name = " ".join(_at(names, place).split()) or f"[{column_letters(place + 1)}]"
        seen[fold(name)] += 1
        if seen[fold(name)] > 1:
            warnings.add("header-doubled", 0, place + 1, header=name)
            name = f"{name} ({seen[fold(name)]})"
        result.append(name)
    return tuple(result)
