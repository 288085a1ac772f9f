"""What changed between two texts, word by word; in Chinese, character by character."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

# A run of Latin letters and digits, a run of blanks, or any one other character (which is what a Chinese one is).
_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+(?:[-'.][A-Za-z0-9\u00c0-\u024f]+)*|\s+|.", re.DOTALL)
_THOROUGH = 4_000_000


@dataclass(frozen=True)
class Piece:
    """``kind``: same, gone (only in the old text), new (only in the new one)."""

    kind: str
    text: str


def words(value: str) -> list[str]:
    return _WORD.findall(value)


def compare(old: str, new: str) -> list[Piece]:
    """The pieces in reading order. All but the new ones joined give the old text, all but the gone ones the new text."""
    a, b = words(old), words(new)
    # Long texts with little in common would take seconds; the heuristic for frequent words bounds that.
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=len(a) * len(b) > _THOROUGH)
    out: list[Piece] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            out.append(Piece("same", "".join(a[i1:i2])))
            continue
        if i2 > i1:
            out.append(Piece("gone", "".join(a[i1:i2])))
        if j2 > j1:
            out.append(Piece("new", "".join(b[j1:j2])))
    return out
