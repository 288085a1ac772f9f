"""Documents as PDF: fonts that know Chinese, registered once per process, and the few styles that all share."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

from expo_crm.web.assets import DIST, manifest

REGULAR, BOLD = "NotoSansSC", "NotoSansSC-Bold"
INK, GREY, LINE, SOFT = (colors.HexColor(c) for c in ("#14213d", "#4f5d73", "#c9d2de", "#f1f5fa"))
MISSING = "〓"
"""What typesetters put for a sign that the font lacks."""
WIDTH = A4[0] - 40 * mm - 12
_lock = threading.Lock()


def fonts() -> tuple[str, str]:
    """Names of the regular and the bold face; the first call of a process reads them from the built front end."""
    with _lock:
        if REGULAR not in pdfmetrics.getRegisteredFontNames():
            for name, file in ((REGULAR, "fonts/NotoSansSC-Regular.ttf"), (BOLD, "fonts/NotoSansSC-Bold.ttf")):
                pdfmetrics.registerFont(TTFont(name, str(DIST / manifest()[file])))
            pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return REGULAR, BOLD


@cache
def _glyphs(name: str) -> frozenset[int]:
    fonts()
    return frozenset(pdfmetrics.getFont(name).face.charToGlyph)


def printable(value: str, font: str = REGULAR) -> str:
    """``value`` with a visible mark for every sign that the font has no shape for, so that nothing vanishes unseen."""
    known = _glyphs(font)
    return "".join(sign if ord(sign) in known or sign == "\n" else MISSING for sign in value)


@cache
def _style(kind: str, han: bool) -> ParagraphStyle:
    fonts()
    known: dict[str, dict[str, Any]] = {
        "body": {"fontSize": 9.5, "leading": 14},
        "small": {"fontSize": 8, "leading": 12, "textColor": GREY},
        "title": {"fontName": BOLD, "fontSize": 19, "leading": 26, "textColor": INK},
        "subtitle": {"fontSize": 11, "leading": 16, "textColor": GREY},
        "heading": {
            "fontName": BOLD,
            "fontSize": 11,
            "leading": 17,
            "textColor": INK,
            "spaceBefore": 5,
            "spaceAfter": 2,
        },
        "strong": {"fontName": BOLD, "fontSize": 9.5, "leading": 15},
        "number": {"fontSize": 9.5, "leading": 15, "alignment": TA_RIGHT},
        "strong-number": {"fontName": BOLD, "fontSize": 9.5, "leading": 15, "alignment": TA_RIGHT},
    }
    values = {"fontName": REGULAR, "textColor": INK, **known[kind]}
    # Chinese has no spaces to break at; breaking Latin text everywhere would tear words.
    return ParagraphStyle(f"{kind}-{han}", wordWrap="CJK" if han else None, splitLongWords=1, **values)


def text(value: object, kind: str = "body") -> Paragraph:
    """A paragraph of plain text: whatever somebody typed is shown as typed, never read as markup."""
    plain = printable(str(value))
    han = any("\u2e80" <= sign <= "\uffef" or sign >= "\U00020000" for sign in plain)
    return Paragraph(escape(plain).replace("\n", "<br/>"), _style(kind, han))


def table(
    rows: Sequence[Sequence[object]],
    widths: Sequence[float],
    *,
    numbers: Sequence[int] = (),
    total: int = 0,
    size: tuple[float, float] = A4,
) -> Table:
    """A table with a head; columns in ``numbers`` stand right, the last ``total`` rows are sums. Widths are shares of one."""
    cells = []
    for index, row in enumerate(rows):
        strong = index == 0 or index >= len(rows) - total
        kinds = [
            ("strong-number" if strong else "number") if c in numbers else ("strong" if strong else "body")
            for c in range(len(row))
        ]
        cells.append([text(value, kind) for value, kind in zip(row, kinds, strict=True)])
    out = Table(cells, colWidths=[(WIDTH + size[0] - A4[0]) * w for w in widths], repeatRows=1)
    out.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, 0), SOFT),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return out


def columns(left: Sequence[Flowable], right: Sequence[Flowable]) -> Table:
    """Two columns side by side: the parties, the signatures."""
    out = Table([[list(left), list(right)]], colWidths=[WIDTH / 2] * 2)
    out.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return out


def document(
    story: Sequence[Flowable], *, title: str, author: str, footer: str, size: tuple[float, float] = A4
) -> bytes:
    """The finished file with page numbers, A4 unless another ``size`` in points is named."""
    fonts()
    out = io.BytesIO()
    doc = SimpleDocTemplate(
        out, pagesize=size, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=15 * mm, bottomMargin=18 * mm,
        title=title, author=author, creator="expo_crm",
    )  # fmt: skip

    def foot(canvas: Any, page: Any) -> None:
        canvas.saveState()
        canvas.setFont(REGULAR, 7.5)
        canvas.setFillColor(GREY)
        canvas.drawString(20 * mm, 11 * mm, footer)
        canvas.drawRightString(size[0] - 20 * mm, 11 * mm, str(page.page))
        canvas.restoreState()

    doc.build(list(story), onFirstPage=foot, onLaterPages=foot)
    return out.getvalue()
