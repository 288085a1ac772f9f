"""Fonts for PDF files that hold Chinese text, registered once per process."""

from __future__ import annotations

from functools import lru_cache

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from expo_crm.config import ROOT

REGULAR, BOLD = "NotoSansSC", "NotoSansSC-Bold"
MISSING = "〓"  # what typesetters put for a sign that the font lacks
_FOLDER = ROOT / "expo_crm" / "static" / "dist" / "fonts"
_FILES = {REGULAR: "NotoSansSC-Regular.ttf", BOLD: "NotoSansSC-Bold.ttf"}


@lru_cache(maxsize=1)
def fonts() -> tuple[str, str]:
    """The names of the regular and the bold font, registered. They come with the built front end."""
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(_FOLDER / file)))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return REGULAR, BOLD


@lru_cache(maxsize=4)
def _glyphs(name: str) -> frozenset[int]:
    fonts()
    return frozenset(pdfmetrics.getFont(name).face.charToGlyph)


def printable(text: str, font: str = REGULAR) -> str:
    """``text`` with a visible mark for every sign that the font has no shape for, so that nothing vanishes unseen."""
    known = _glyphs(font)
    return "".join(sign if ord(sign) in known else MISSING for sign in text)
