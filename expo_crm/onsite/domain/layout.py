"""Badge layouts: what stands where on a badge, and on which paper. Millimetres from the top left corner.

A layout arrives as decoded JSON from the editor and is believed in nothing: ``parse`` answers with a layout or with every
fault, each naming its element. Drawing is done elsewhere; here is only what may be drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

A4 = (210.0, 297.0)
MEDIA = ("sheet", "roll", "label")
DPIS = (203, 300)
KINDS = ("text", "qr", "band", "image", "line", "box")
SOURCES = (
    "name", "name_latin", "company", "company_en", "job_title", "country", "class_zh", "class_en", "edition_zh",
    "edition_en", "dates", "number", "free",
)  # fmt: skip
COLOURS = ("black", "grey", "white", "class")
ALIGNS = ("left", "center", "right")
VALIGNS = ("top", "middle", "bottom")

# A signed code is version 6: 41 modules and a quiet zone of 4 on each side. At 25 mm a module is 0.51 mm, which a phone
# reads at arm's length and a label printer of 203 dots an inch still draws with 4 dots.
QR_LEAST = 25.0
MOST_ELEMENTS = 40
MOST_FREE = 200
_SLACK = 0.011  # mm: what rounding in the editor may add


@dataclass(frozen=True, slots=True)
class Media:
    """The paper. ``width`` and ``height`` are of one badge; a sheet is A4 with columns × rows of them; ``dpi`` of a label printer."""

    kind: str = "sheet"
    width: float = 105.0
    height: float = 148.5
    columns: int = 2
    rows: int = 2
    margin_x: float = 0.0
    margin_y: float = 0.0
    gap_x: float = 0.0
    gap_y: float = 0.0
    marks: bool = True
    dpi: int = 300

    @property
    def per_page(self) -> int:
        return self.columns * self.rows if self.kind == "sheet" else 1

    @property
    def page(self) -> tuple[float, float]:
        """Size of a page in mm."""
        return A4 if self.kind == "sheet" else (self.width, self.height)

    def places(self) -> Iterator[tuple[float, float]]:
        """Top left corners of the badges on a page, line by line."""
        if self.kind != "sheet":
            yield 0.0, 0.0
            return
        for row in range(self.rows):
            for column in range(self.columns):
                yield (
                    self.margin_x + column * (self.width + self.gap_x),
                    self.margin_y + row * (self.height + self.gap_y),
                )


@dataclass(frozen=True, slots=True)
class Element:
    """One thing on the badge. Which fields count depends on ``kind``; sizes of type are points, ``weight`` is mm."""

    kind: str
    x: float
    y: float
    w: float
    h: float
    source: str = "name"
    text_zh: str = ""
    text_en: str = ""
    size: float = 12.0
    least: float = 6.0
    lines: int = 1
    align: str = "center"
    valign: str = "middle"
    bold: bool = False
    upper: bool = False
    colour: str = "black"
    weight: float = 0.3
    fill: bool = False
    image: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    media: Media
    elements: tuple[Element, ...]

    @property
    def images(self) -> frozenset[int]:
        return frozenset(e.image for e in self.elements if e.kind == "image" and e.image)

    def to_json(self) -> dict[str, Any]:
        """What is stored and what the editor reads: only the fields that count for each kind."""
        return {"media": asdict(self.media), "elements": [_slim(e) for e in self.elements]}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a layout is refused. ``element`` counts from 0; None is about the paper or the whole."""

    code: str
    element: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


_PLACE = ("kind", "x", "y", "w", "h")
_FIELDS: dict[str, tuple[str, ...]] = {
    "text": ("source", "text_zh", "text_en", "size", "least", "lines", "align", "valign", "bold", "upper", "colour"),
    "qr": (),
    "band": (),
    "image": ("image",),
    "line": ("weight", "colour"),
    "box": ("weight", "colour", "fill"),
}


def _slim(element: Element) -> dict[str, Any]:
    whole = asdict(element)
    return {name: whole[name] for name in (*_PLACE, *_FIELDS[element.kind])}


class _Reader:
    """Reads fields of one JSON object; what is wrong is noted and replaced, so that all faults are told at once."""

    def __init__(self, raw: Mapping[str, Any], faults: list[Fault], element: int | None) -> None:
        self.raw, self.faults, self.element = raw, faults, element

    def fault(self, code: str, **values: Any) -> None:
        self.faults.append(Fault(code, self.element, values))

    def number(self, name: str, low: float, high: float, default: float) -> float:
        value = self.raw.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < math.inf:
            self.fault("number", field=name)
            return default
        if not low - 1e-9 <= value <= high + 1e-9:
            self.fault("range", field=name, low=_plain(low), high=_plain(high))
            return default
        return round(float(value), 2)

    def count(self, name: str, low: int, high: int, default: int) -> int:
        value = self.number(name, low, high, default)
        if value != int(value):
            self.fault("number", field=name)
        return int(value)

    def choice(self, name: str, choices: tuple[Any, ...], default: Any) -> Any:
        value = self.raw.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int) or value not in choices:
            self.fault("choice", field=name)
            return default
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.raw.get(name, default)
        if not isinstance(value, bool):
            self.fault("choice", field=name)
            return default
        return value

    def words(self, name: str) -> str:
        value = self.raw.get(name, "")
        if not isinstance(value, str):
            self.fault("choice", field=name)
            return ""
        if len(value) > MOST_FREE:
            self.fault("long", field=name, most=MOST_FREE)
        return value[:MOST_FREE]


def _plain(value: float) -> str:
    return f"{value:g}"


def parse(raw: Any) -> tuple[Layout | None, list[Fault]]:
    """(layout, []) or (None, faults). Never raises, whatever was sent."""
    faults: list[Fault] = []
    if not isinstance(raw, dict) or not isinstance(raw.get("media"), dict) or not isinstance(raw.get("elements"), list):
        return None, [Fault("shape")]
    media = _media(raw["media"], faults)
    given = raw["elements"]
    if len(given) > MOST_ELEMENTS:
        return None, [Fault("many", values={"most": MOST_ELEMENTS})]
    elements = []
    for index, one in enumerate(given):
        if isinstance(one, dict):
            elements.append(_element(_Reader(one, faults, index), media))
        else:
            faults.append(Fault("shape", index))
    codes = sum(e.kind == "qr" for e in elements)
    if codes != 1:
        faults.append(Fault("no_code" if not codes else "codes"))
    return (None, faults) if faults else (Layout(media, tuple(elements)), [])


def _media(raw: dict[str, Any], faults: list[Fault]) -> Media:
    read = _Reader(raw, faults, None)
    kind = read.choice("kind", MEDIA, "sheet")
    width, height = read.number("width", 40, 300, 105), read.number("height", 40, 420, 148.5)
    if kind == "label":
        dpi = read.choice("dpi", DPIS, 300)
        if width > 170:  # the widest label printers print 6 to 6.6 inches
            read.fault("range", field="width", low="40", high="170")
        return Media(kind, width, height, columns=1, rows=1, marks=False, dpi=dpi)
    if kind == "roll":
        return Media(kind, width, height, columns=1, rows=1, marks=False)
    media = Media(
        kind,
        width,
        height,
        read.count("columns", 1, 6, 2),
        read.count("rows", 1, 10, 2),
        read.number("margin_x", 0, 100, 0),
        read.number("margin_y", 0, 100, 0),
        read.number("gap_x", 0, 50, 0),
        read.number("gap_y", 0, 50, 0),
        read.flag("marks", True),
    )
    wide = media.margin_x + media.columns * media.width + (media.columns - 1) * media.gap_x
    high = media.margin_y + media.rows * media.height + (media.rows - 1) * media.gap_y
    if wide > A4[0] + _SLACK or high > A4[1] + _SLACK:
        read.fault("sheet", width=_plain(round(wide, 1)), height=_plain(round(high, 1)))
    return media


def _element(read: _Reader, media: Media) -> Element:
    kind = read.choice("kind", KINDS, "text")
    least = 0 if kind == "line" else 1
    x, y = read.number("x", 0, media.width, 0), read.number("y", 0, media.height, 0)
    w, h = read.number("w", least, media.width, 10), read.number("h", least, media.height, 10)
    if x + w > media.width + _SLACK or y + h > media.height + _SLACK:
        read.fault("outside")
    place = (kind, x, y, w, h)
    if kind == "text":
        return _text(read, place)
    if kind == "qr":
        if min(w, h) < QR_LEAST - 1e-9:
            read.fault("small_code", least=_plain(QR_LEAST))
        if abs(w - h) > 0.1:
            read.fault("square")
    if kind == "image":
        return Element(*place, image=read.count("image", 1, 2**53, 1))
    if kind == "line" and not w and not h:
        read.fault("no_length")
    if kind in {"line", "box"}:
        colour, weight = read.choice("colour", COLOURS, "black"), read.number("weight", 0.1, 10, 0.3)
        return Element(*place, colour=colour, weight=weight, fill=kind == "box" and read.flag("fill", False))
    return Element(*place)


def _text(read: _Reader, place: tuple[str, float, float, float, float]) -> Element:
    size, least = read.number("size", 4, 150, 12), read.number("least", 4, 150, 6)
    if least > size:
        read.fault("least")
    source = read.choice("source", SOURCES, "name")
    zh, en = read.words("text_zh"), read.words("text_en")
    if source == "free" and not (zh.strip() or en.strip()):
        read.fault("no_text")
    return Element(
        *place,
        source=source,
        text_zh=zh,
        text_en=en,
        size=size,
        least=least,
        lines=read.count("lines", 1, 6, 1),
        align=read.choice("align", ALIGNS, "center"),
        valign=read.choice("valign", VALIGNS, "middle"),
        bold=read.flag("bold", False),
        upper=read.flag("upper", False),
        colour=read.choice("colour", COLOURS, "black"),
    )


def _rows(*rows: tuple[str, float, float, float, float, dict[str, Any]]) -> tuple[Element, ...]:
    return tuple(Element(kind, x, y, w, h, **more) for kind, x, y, w, h, more in rows)


def default_layout() -> Layout:
    """The badge of a show that has drawn none: A6, name large in the middle, code below it, class as a band of colour."""
    return Layout(
        Media("roll", 105, 148, columns=1, rows=1, marks=False),
        _rows(
            ("text", 8, 6, 89, 6, {"source": "edition_zh", "size": 12, "least": 7, "bold": True}),
            ("text", 8, 12.5, 89, 4, {"source": "edition_en", "size": 8.5, "least": 5}),
            ("text", 8, 17, 89, 4, {"source": "dates", "size": 8.5, "least": 5}),
            ("text", 8, 28, 89, 26, {"source": "name", "size": 34, "least": 12, "lines": 2, "bold": True}),
            ("text", 8, 55, 89, 14, {"source": "company", "size": 15, "least": 8, "lines": 2}),
            ("text", 8, 70, 89, 6, {"source": "job_title", "size": 11, "least": 7}),
            ("qr", 31.5, 79, 42, 42, {}),
            ("text", 31.5, 121.5, 42, 3.5, {"source": "number", "size": 7, "least": 6, "colour": "grey"}),
            ("band", 0, 128, 105, 20, {}),
            ("text", 8, 129.5, 89, 10, {"source": "class_zh", "size": 20, "least": 9, "bold": True, "colour": "white"}),
            ("text", 8, 140, 89, 6, {"source": "class_en", "size": 11, "least": 6, "bold": True, "upper": True, "colour": "white"}),
        ),
    )  # fmt: skip


def label_layout() -> Layout:
    """For a label printer: 100 × 70 mm in black, the code beside the name, no colour that thermal paper cannot show."""
    return Layout(
        Media("label", 100, 70, columns=1, rows=1, marks=False, dpi=300),
        _rows(
            ("text", 4, 3, 92, 5, {"source": "edition_zh", "size": 10, "least": 6, "align": "left"}),
            ("line", 4, 9.5, 92, 0, {"weight": 0.4}),
            ("text", 4, 12, 58, 17, {"source": "name", "size": 28, "least": 11, "lines": 3, "bold": True, "align": "left"}),
            ("text", 4, 30, 58, 12, {"source": "company", "size": 13, "least": 8, "lines": 2, "align": "left"}),
            ("text", 4, 43, 58, 6, {"source": "job_title", "size": 10, "least": 7, "align": "left"}),
            ("qr", 63, 12, 34, 34, {}),
            ("text", 63, 46.5, 34, 3.5, {"source": "number", "size": 7, "least": 6}),
            ("band", 0, 54, 100, 16, {}),
            ("text", 4, 55.5, 92, 8, {"source": "class_zh", "size": 17, "least": 9, "bold": True, "colour": "white"}),
            ("text", 4, 63.5, 92, 5, {"source": "class_en", "size": 10, "least": 6, "bold": True, "upper": True, "colour": "white"}),
        ),
    )  # fmt: skip


def sheet_layout() -> Layout:
    """Four badges on an A4 sheet, to be cut along the marks: the default badge, a hair higher."""
    base = default_layout()
    return Layout(Media("sheet", 105, 148.5), base.elements)
