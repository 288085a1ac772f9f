"""Words on a badge: which signs can be printed, how large they fit, where lines break. Measured with the embedded font, so
that paper, label and preview break alike."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from reportlab.pdfbase import pdfmetrics

from expo_crm.lib import text
from expo_crm.web import pdf

MISSING = "〓"  # what typesetters put for a sign that the font lacks
POINT = 25.4 / 72  # mm
PITCH = 1.2  # line height in sizes of type
ASCENT, DESCENT = 0.88, 0.22  # of the embedded font, Chinese and Latin letters alike
NO_START = "，。、；：！？）】》”’%,.;:!?)]}"  # never at the start of a line
_SILENT = frozenset("\u200c\u200d\ufe0e\ufe0f")  # joiners and variation selectors have no shape of their own
_PLAIN = {
    "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ħ": "H", "ħ": "h", "ı": "i", "Œ": "OE", "œ": "oe", "Ŋ": "N", "ŋ": "n",
    "Ŧ": "T", "ŧ": "t", "Ø": "O", "ø": "o", "Æ": "AE", "æ": "ae", "ẞ": "SS",
}  # fmt: skip


def font(bold: bool) -> str:
    return pdf.fonts()[1 if bold else 0]


@cache
def _glyphs(name: str) -> frozenset[int]:
    pdf.fonts()
    return frozenset(pdfmetrics.getFont(name).face.charToGlyph)


@lru_cache(maxsize=4096)
def printable(raw: str, name: str) -> str:
    """``raw`` as it can be printed: no controls that turn the direction of writing, and one visible mark for each sign, as a
    reader counts them, that the font has no shape for. Nothing vanishes unseen."""
    known = _glyphs(name)
    out = []
    for sign in text.graphemes(text.clean(raw)):
        seen = "".join(s for s in sign if s not in _SILENT and unicodedata.category(s) != "Cf")
        if all(ord(s) in known for s in seen):
            out.append(seen)
        else:
            out.append(_bare(seen, known) or MISSING)
    return "".join(out)


def _bare(sign: str, known: frozenset[int]) -> str:
    """A Latin letter without the mark that the font lacks: Lukasz still names the person. Empty for everything else."""
    letters = "".join(s for s in unicodedata.normalize("NFKD", sign) if unicodedata.category(s) != "Mn")
    letters = _PLAIN.get(letters, letters)
    return letters if letters.isascii() and letters.isalpha() and all(ord(s) in known for s in letters) else ""


def width(line: str, name: str, size: float) -> float:
    """Of a line, in points."""
    return pdfmetrics.stringWidth(line, name, size)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines of one size. ``cut`` when something was left out even at the smallest size."""

    lines: tuple[str, ...]
    size: float
    cut: bool = False


def fit(words: str, name: str, *, size: float, least: float, lines: int, room: float, height: float) -> Fitted:
    """The largest size between ``least`` and ``size`` at which ``words`` stand in ``lines`` lines of ``room`` by ``height``
    points; cut with … between graphemes only when the smallest is too large."""
    if not words:
        return Fitted((), size)
    now = min(size, max(least, height / PITCH))
    if lines == 1:
        wide = width(words, name, now)
        now = now if wide <= room else max(least, now * room / wide)
        if width(words, name, now) <= room + 0.01:
            return Fitted((words,), now)
        return Fitted((_cut(words, name, now, room),), now, cut=True)
    while True:
        broken = _break(words, name, now, room)
        allowed = max(1, min(lines, int(height / (now * PITCH) + 0.001)))
        if len(broken) <= allowed or now <= least:
            break
        now = max(least, now * 0.95)
    if len(broken) <= allowed:
        return Fitted(tuple(line.rstrip() for line in broken), now)
    last = _cut("".join(broken[allowed - 1 :]), name, now, room)
    return Fitted((*(line.rstrip() for line in broken[: allowed - 1]), last), now, cut=True)


def _cut(line: str, name: str, size: float, room: float) -> str:
    kept = ""
    for sign in text.graphemes(line):
        if width(kept + sign + "…", name, size) > room:
            return kept.rstrip() + "…"
        kept += sign
    return kept


def _pieces(words: str) -> list[str]:
    """Where a line may break: after a space or hyphen, and around every Chinese character but not before closing marks."""
    out: list[str] = []
    for sign in text.graphemes(words):
        glued = out and (
            sign in NO_START
            or sign == " "
            or (not text.is_han(sign[0]) and not text.is_han(out[-1][-1]) and out[-1][-1] not in " -")
        )
        if glued:
            out[-1] += sign
        else:
            out.append(sign)
    return out


def _break(words: str, name: str, size: float, room: float) -> list[str]:
    """Lines that fit, with the spaces at their ends: put together again they are ``words``."""
    if width(words, name, size) <= room:
        return [words]
    lines, line = [], ""
    for piece in _pieces(words):
        if line and width((line + piece).rstrip(), name, size) > room:
            lines.append(line)
            line = ""
        while width(piece.rstrip(), name, size) > room and len(piece) > 1:  # one long word: cut it anywhere
            fits = max(1, int(len(piece) * room / width(piece, name, size)) - 1)
            lines.append(piece[:fits])
            piece = piece[fits:]
        line += piece
    return [*lines, line] if line.strip() else lines
