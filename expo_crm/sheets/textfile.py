"""Delimited text: find the delimiter, give the records one by one with the line they start on."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import StringIO, TextIOWrapper
from itertools import islice

from expo_crm.sheets.blob import Blob
from expo_crm.sheets.detect import ENCODINGS, decodes, detect_encoding, mostly_utf8, refuse_markup
from expo_crm.sheets.errors import Limits, SheetRefused

DELIMITERS = (",", ";", "\t", "，", "|")
_SEP_LINE = re.compile(r"\ufeff?sep=(.)\r?\n", re.I)
_SAMPLE = 128 * 1024
_LONGEST_RECORD = 200
"""Lines. A record that runs longer has lost its closing quote."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: first line (from 1), raw cells, and a problem code or ""."""

    line: int
    cells: list[object]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TextSource:
    """A delimited text, ready to be read any number of times. Memory does not grow with its length."""

    blob: Blob
    encoding: str
    delimiter: str
    skip: int
    limits: Limits

    def records(self) -> Iterator[Record]:
        """All records that are not empty lines."""
        with TextIOWrapper(self.blob.open(), self.encoding, errors="replace", newline="") as stream:
            for _ in range(self.skip):
                stream.readline()
            yield from self._read(csv.reader(stream, delimiter=self.delimiter))

    def _read(self, reader: Iterator[list[str]]) -> Iterator[Record]:
        lines = 0
        while True:
            start = lines + 1 + self.skip
            try:
                cells: list[object] = list(next(reader))
                problem = ""
            except StopIteration:
                return
            except csv.Error:
                cells, problem = [], "cell-too-long"
            lines = reader.line_num  # type: ignore[attr-defined]
            if lines + self.skip - start > _LONGEST_RECORD:
                problem = "quote-open"
            if cells or problem:
                yield Record(start, cells, problem)


def open_text(blob: Blob, limits: Limits, encoding: str | None, delimiter: str | None) -> TextSource:
    """Find encoding and delimiter unless they are given; SheetRefused when the given ones cannot be."""
    blob = _past_false_mark(blob)
    chosen = _chosen_encoding(blob, encoding)
    head = blob.head(_SAMPLE).decode(chosen, errors="replace")
    refuse_markup(head)
    told = _SEP_LINE.match(head)
    if delimiter is not None and len(delimiter) != 1:
        raise SheetRefused("delimiter-unknown", delimiter=delimiter)
    found = delimiter or (told.group(1) if told else sniff_delimiter(head))
    if found in '"\r\n \0':
        raise SheetRefused("delimiter-unknown", delimiter=found)
    return TextSource(blob, chosen, found, 1 if told else 0, limits)


def _past_false_mark(blob: Blob) -> Blob:
    """Without the UTF-8 mark where the rest is no UTF-8: some programs put it in front of GBK."""
    if blob.head(3) != BOM_UTF8 or decodes(blob, "utf-8") or mostly_utf8(replace(blob, skip=3)):
        return blob
    return replace(blob, skip=3)


def _chosen_encoding(blob: Blob, encoding: str | None) -> str:
    if encoding is None:
        return detect_encoding(blob)
    if encoding not in ENCODINGS:
        raise SheetRefused("encoding-unknown", encoding=encoding)
    if not decodes(blob, encoding):
        raise SheetRefused("encoding-wrong", encoding=encoding)
    return encoding


def sniff_delimiter(text: str) -> str:
    """The delimiter under which most records have one and the same number of cells, more than one."""
    head = text[:_SAMPLE]
    if len(text) >= _SAMPLE // 4 and "\n" in head:
        head = head[: head.rfind("\n")]
    scores = {mark: _evenness(head, mark) for mark in DELIMITERS}
    best = max(DELIMITERS, key=lambda mark: scores[mark])
    return best if scores[best] > 0 else ","


def _evenness(head: str, mark: str) -> float:
    """Share of records with the commonest width, a little more for more columns; 0 for a single column."""
    records = csv.reader(StringIO(head, newline=""), delimiter=mark)
    try:
        widths = Counter(len(row) for row in islice(records, 500) if row)
    except csv.Error:
        return 0.0
    several = {width: count for width, count in widths.items() if width > 1}
    if not several:
        return 0.0
    width, count = max(several.items(), key=lambda item: (item[1], item[0]))
    return count / sum(widths.values()) + min(width, 30) / 300
