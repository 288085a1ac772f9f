"""Which column of a file is which field: a suggestion that a person confirms, never by position."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from expo_crm.lib.text import fold

SURE = 0.9
"""From this confidence on a screen may preselect the column; below it only proposes."""
_LEAST = 0.6
_NOTES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^】]*】")
_MARKS = re.compile(r"[\W_]+")
_DOUBLED = re.compile(r"\(\d+\)$")


@dataclass(frozen=True, slots=True)
class Field:
    """A target of an import. `label` is an English msgid; `synonyms` are header words in any language."""

    key: str
    label: str
    synonyms: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`column` (from 0) of the file for the field `key`. `reason`: "exact", "part" or "similar"."""

    key: str
    column: int
    header: str
    confidence: float
    reason: str


@lru_cache(maxsize=4096)
def header_key(text: str, *, notes: bool = False) -> str:
    """A header without case, spaces, marks and stars, and without its notes in brackets unless `notes`."""
    folded = fold(text[:200])
    bare = folded if notes else _NOTES.sub("", folded)
    return _MARKS.sub("", bare) or _MARKS.sub("", folded)


def _score(header: str, field: Field) -> tuple[float, str]:
    """Confidence and reason that a header names the field; (0, "") when nothing speaks for it."""
    whole, bare = header_key(header, notes=True), header_key(header)
    names = [header_key(name, notes=True) for name in (field.key, *field.synonyms)]
    for key, sure in ((whole, 1.0), (bare, 0.8 if _DOUBLED.search(header) else 0.95)):
        if key in names:
            return sure - names.index(key) * 0.001, "exact"
    parts = [n for n in names if len(n) >= (4 if n.isascii() else 2) and n in whole]
    if parts:
        return 0.62 + 0.26 * max(map(len, parts)) / len(whole), "part"
    close = max((fuzz.ratio(bare, n) / 100 for n in names if len(n) >= 5), default=0.0)
    return (0.85 * close, "similar") if close >= 0.85 else (0.0, "")


def suggest_mapping(headers: Sequence[str], fields: Iterable[Field]) -> list[Suggestion]:
    """At most one column for each field and one field for each column, the surest first taken; in column order."""
    candidates = [
        (score, -column, Suggestion(field.key, column, header, round(score, 3), reason))
        for column, header in enumerate(headers)
        if header_key(header, notes=True)
        for field in fields
        for score, reason in (_score(header, field),)
        if score >= _LEAST
    ]
    taken_columns: set[int] = set()
    taken_fields: set[str] = set()
    chosen: list[Suggestion] = []
    for _, _, found in sorted(candidates, key=lambda c: (-c[0], -c[1], c[2].key)):
        if found.column not in taken_columns and found.key not in taken_fields:
            taken_columns.add(found.column)
            taken_fields.add(found.key)
            chosen.append(found)
    return sorted(chosen, key=lambda found: found.column)
