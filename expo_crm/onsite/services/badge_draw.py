"""From a layout and a person to things to draw, in millimetres. PDF, label and preview all draw exactly these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import qrcode
from qrcode.constants import ERROR_CORRECT_M
from qrcode.util import MODE_ALPHA_NUM, QRData

from expo_crm.onsite.domain.layout import Element, Layout
from expo_crm.onsite.services import badge_text
from expo_crm.onsite.services.badge_text import POINT

QUIET = 4  # modules of white around the code, which readers need
BLACK, WHITE, GREY = "#000000", "#ffffff", "#4b5563"
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
Matrix = Sequence[Sequence[bool]]


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
    name_latin: str = ""
    company_en: str = ""
    country: str = ""
    locale: str = "zh"


@dataclass(frozen=True, slots=True)
class Heading:
    """What all badges of an edition share."""

    name_zh: str
    name_en: str
    dates: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; ``fill`` and ``stroke`` are colours or empty, ``weight`` of the stroke is mm."""

    x: float
    y: float
    w: float
    h: float
    fill: str = ""
    stroke: str = ""
    weight: float = 0.3


@dataclass(frozen=True, slots=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    weight: float


@dataclass(frozen=True, slots=True)
class Run:
    """One line of text: left end and base line in mm, size in points."""

    text: str
    x: float
    y: float
    font: str
    size: float
    colour: str


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code with its quiet zone inside the square."""

    x: float
    y: float
    side: float
    modules: Matrix


@dataclass(frozen=True, slots=True)
class Picture:
    """A stored image, drawn as large as it fits into the place, in its own proportions."""

    x: float
    y: float
    w: float
    h: float
    image: int


Thing = Box | Line | Run | Code | Picture


def draw(layout: Layout, face: Face, heading: Heading) -> Iterator[Thing]:
    """Everything on one badge, back to front."""
    for element in layout.elements:
        if element.kind == "text":
            yield from _text(element, words_of(element, face, heading), face)
        elif element.kind == "qr":
            side = min(element.w, element.h)
            yield Code(element.x, element.y, side, matrix(face.code))
        elif element.kind == "band":
            yield Box(element.x, element.y, element.w, element.h, fill=class_colour(face))
        elif element.kind == "image":
            yield Picture(element.x, element.y, element.w, element.h, element.image)
        elif element.kind == "line":
            yield Line(
                element.x,
                element.y,
                element.x + element.w,
                element.y + element.h,
                _colour(element.colour, face),
                element.weight,
            )
        else:
            colour = _colour(element.colour, face)
            yield Box(
                element.x, element.y, element.w, element.h, fill=colour if element.fill else "", stroke=colour,
                weight=element.weight,
            )  # fmt: skip


def class_colour(face: Face) -> str:
    return COLOURS.get(face.colour, COLOURS["blue"])


def _colour(name: str, face: Face) -> str:
    return class_colour(face) if name == "class" else {"white": WHITE, "grey": GREY}.get(name, BLACK)


def words_of(element: Element, face: Face, heading: Heading) -> str:
    """What a text element says for this person. The second language stays empty where there is only one."""
    match element.source:
        case "free":
            first, other = element.text_zh, element.text_en
            return (first or other) if face.locale == "zh" else (other or first)
        case "class_zh":
            return face.class_zh or face.class_en
        case "class_en":
            return face.class_en if face.class_zh else ""
        case "edition_zh":
            return heading.name_zh or heading.name_en
        case "edition_en":
            return heading.name_en if heading.name_zh else ""
        case "dates":
            return heading.dates
        case _:
            return str(getattr(face, element.source))


def _text(element: Element, raw: str, face: Face) -> Iterator[Run]:
    font = badge_text.font(element.bold)
    words = badge_text.printable(raw.upper() if element.upper else raw, font)
    found = badge_text.fit(
        words,
        font,
        size=element.size,
        least=element.least,
        lines=element.lines,
        room=element.w / POINT,
        height=element.h / POINT,
    )
    pitch = found.size * badge_text.PITCH * POINT
    ink = (badge_text.ASCENT + badge_text.DESCENT) * found.size * POINT  # height of one line of letters
    block = ink + pitch * (len(found.lines) - 1)
    spare = element.h - block
    top = element.y + {"top": 0.0, "middle": spare / 2, "bottom": spare}[element.valign]
    colour = _colour(element.colour, face)
    for index, line in enumerate(found.lines):
        free = element.w - badge_text.width(line, font, found.size) * POINT
        x = element.x + {"left": 0.0, "center": free / 2, "right": free}[element.align]
        yield Run(line, x, top + badge_text.ASCENT * found.size * POINT + index * pitch, font, found.size, colour)


def matrix(code: str) -> Matrix:
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
