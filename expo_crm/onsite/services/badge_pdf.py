"""Badges as PDF: one page of A6 each, with the name as large as it fits, the class as a band of colour, and the code."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.util import MODE_ALPHA_NUM, QRData
from reportlab.lib.colors import Color, HexColor, black, white
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFImageXObject
from reportlab.pdfgen.canvas import Canvas

from expo_crm.lib import text
from expo_crm.web import pdf

WIDTH, HEIGHT = 105 * mm, 148 * mm
MARGIN = 8 * mm
QR_SIDE = 42 * mm
QUIET = 4  # modules of white around the code, which readers need
MISSING = "〓"  # what typesetters put for a sign that the font lacks
NO_START = "，。、；：！？）】》”’%,.;:!?)]}"  # never at the start of a line

COLOURS = {
    "blue": "#0b5fc0",
    "azure": "#2b6cb0",
    "indigo": "#3949ab",
    "purple": "#7b2fbf",
    "pink": "#b0246f",
    "red": "#b3261e",
    "orange": "#b84a00",
    "yellow": "#8a6d00",
    "lime": "#4d7c0f",
    "green": "#1b7f3b",
    "teal": "#0b7285",
    "cyan": "#0e7490",
    "gray": "#4b5563",
    "dark": "#1f2937",
}


@dataclass(frozen=True, slots=True)
class Face:
    """What is printed on one badge."""

    code: str
    name: str
    company: str
    job_title: str
    class_zh: str
    class_en: str
    colour: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """What all badges of an edition share."""

    name_zh: str
    name_en: str
    dates: str = ""


def render(faces: Iterable[Face], heading: Heading, *, progress: Callable[[int], None] | None = None) -> bytes:
    """A PDF with one page per badge, in the order given."""
    regular, bold = pdf.fonts()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), pageCompression=1, invariant=1)
    canvas.setTitle(f"{heading.name_en or heading.name_zh} badges")
    for number, face in enumerate(faces, 1):
        _page(canvas, face, heading, regular, bold)
        canvas.showPage()
        if progress:
            progress(number)
    canvas.save()
    return out.getvalue()


def _page(canvas: Canvas, face: Face, heading: Heading, regular: str, bold: str) -> None:
    room = WIDTH - 2 * MARGIN
    top = HEIGHT - 11 * mm
    canvas.setFillColor(black)
    title = printable(heading.name_zh or heading.name_en, bold)
    _centred(canvas, title, bold, _fit_size(title, bold, 12, 7, room), top)
    second = printable("  ".join(p for p in (heading.name_en if heading.name_zh else "", heading.dates) if p), regular)
    _centred(canvas, second, regular, _fit_size(second, regular, 8.5, 5, room), top - 5.5 * mm)

    y = HEIGHT - 32 * mm
    y = _block(canvas, face.name, bold, 34, 15, 2, room, y, 21 * mm) - 3 * mm
    y = _block(canvas, face.company, regular, 15, 8, 2, room, y, 13 * mm) - 1.5 * mm
    _block(canvas, face.job_title, regular, 11, 7, 1, room, y, 6 * mm)

    _qr(canvas, face.code, (WIDTH - QR_SIDE) / 2, 26 * mm, QR_SIDE)
    if face.number:
        canvas.setFillColor(HexColor("#4b5563"))
        _centred(canvas, face.number, regular, 7, 22.5 * mm)
    canvas.setFillColor(_colour(face.colour))
    canvas.rect(0, 0, WIDTH, 20 * mm, stroke=0, fill=1)
    canvas.setFillColor(white)
    zh, en = printable(face.class_zh, bold), printable(face.class_en, bold)
    first, other = (zh, en) if zh else (en, "")
    _centred(canvas, first, bold, _fit_size(first, bold, 20, 9, room), 10 * mm if other else 7.5 * mm)
    _centred(canvas, other.upper(), bold, _fit_size(other.upper(), bold, 11, 6, room), 4 * mm)


@cache
def _glyphs(font: str) -> frozenset[int]:
    pdf.fonts()
    return frozenset(pdfmetrics.getFont(font).face.charToGlyph)


def printable(raw: str, font: str) -> str:
    """``raw`` with a visible mark for every sign that the font has no shape for, so that nothing vanishes unseen."""
    known = _glyphs(font)
    return "".join(sign if ord(sign) in known else MISSING for sign in raw)


def _colour(name: str) -> Color:
    return HexColor(COLOURS.get(name, COLOURS["blue"]))


def _width(line: str, font: str, size: float) -> float:
    return pdfmetrics.stringWidth(line, font, size)


def _fit_size(line: str, font: str, most: float, least: float, room: float) -> float:
    wide = _width(line, font, most)
    return most if wide <= room else max(least, most * room / wide)


def _centred(canvas: Canvas, line: str, font: str, size: float, y: float) -> None:
    if line:
        canvas.setFont(font, size)
        canvas.drawCentredString(WIDTH / 2, y, line)


def _block(
    canvas: Canvas, raw: str, font: str, most: float, least: float, lines: int, room: float, top: float, height: float
) -> float:
    """Centred text, as large as it fits into ``lines`` lines; cut with … only when the smallest size is too large."""
    words = printable(raw, font)
    if not words:
        return top
    size = most
    while True:
        broken = _break(words, font, size, room)
        if (len(broken) <= lines and len(broken) * size * 1.2 <= height) or size <= least:
            break
        size = max(least, size - 1)
    if len(broken) > lines:
        broken = [*broken[: lines - 1], _cut("".join(broken[lines - 1 :]), font, size, room)]
    canvas.setFillColor(black)
    y = top
    for line in broken:
        y -= size * 1.05
        _centred(canvas, line, font, size, y)
        y -= size * 0.15
    return y


def _cut(line: str, font: str, size: float, room: float) -> str:
    kept = ""
    for sign in text.graphemes(line):
        if _width(kept + sign + "…", font, size) > room:
            return kept.rstrip() + "…"
        kept += sign
    return kept


def _pieces(words: str) -> list[str]:
    """Where a line may break: after a space, and around every Chinese character but not before closing marks."""
    out: list[str] = []
    for sign in text.graphemes(words):
        glued = out and (
            sign in NO_START
            or sign == " "
            or (not text.is_han(sign[0]) and not text.is_han(out[-1][-1]) and out[-1][-1] != " ")
        )
        if glued:
            out[-1] += sign
        else:
            out.append(sign)
    return out


def _break(words: str, font: str, size: float, room: float) -> list[str]:
    if _width(words, font, size) <= room:
        return [words]
    lines, line = [], ""
    for piece in _pieces(words):
        if line and _width((line + piece).rstrip(), font, size) > room:
            lines.append(line.rstrip())
            line = ""
        while _width(piece.rstrip(), font, size) > room and len(piece) > 1:  # one long word: cut it anywhere
            fits = max(1, int(len(piece) * room / _width(piece, font, size)) - 1)
            lines.append(piece[:fits])
            piece = piece[fits:]
        line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def matrix(code: str) -> Sequence[Sequence[bool]]:
    """The modules of a QR code with level M. The mask is fixed: trying all eight takes most of the time and gains nothing here."""
    qr = qrcode.QRCode(version=6, error_correction=ERROR_CORRECT_M, border=0, mask_pattern=2)
    try:
        qr.add_data(QRData(code.encode("ascii"), mode=MODE_ALPHA_NUM), optimize=0)
        qr.make(fit=False)
    except (ValueError, qrcode.exceptions.DataOverflowError):
        qr = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0, mask_pattern=2)
        qr.add_data(code, optimize=0)
        qr.make(fit=True)
    return [[bool(module) for module in row] for row in qr.modules]


def _qr(canvas: Canvas, code: str, x: float, y: float, side: float) -> None:
    """Drawn as a picture of one bit per module, which is half the work and a tenth of the size of squares."""
    modules = matrix(code)
    count = len(modules)
    rows = bytearray()
    for row in modules:
        bits = int("".join("0" if dark else "1" for dark in row).ljust(-(-count // 8) * 8, "1"), 2)
        rows += bits.to_bytes(-(-count // 8), "big")
    document = canvas._doc
    name = f"qr{document.pageCounter}"
    picture = PDFImageXObject(name)
    picture.width = picture.height = count
    picture.bitsPerComponent = 1
    picture.colorSpace = "DeviceGray"
    picture._filters = ("FlateDecode",)
    picture.streamContent = zlib.compress(bytes(rows), 1)
    picture.name = name
    registered = document.getXObjectName(name)
    canvas._setXObjects(picture)
    document.Reference(picture, registered)
    document.addForm(name, picture)
    inner = side * count / (count + 2 * QUIET)
    edge = (side - inner) / 2
    canvas.saveState()
    canvas.translate(x + edge, y + edge)
    canvas.scale(inner, inner)
    canvas._code.append(f"/{registered} Do")
    canvas._formsinuse.append(name)
    canvas.restoreState()
