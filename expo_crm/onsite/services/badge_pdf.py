"""Badges as PDF: a page each for roll printers, or several on an A4 sheet with marks to cut along."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from PIL import Image
from reportlab.lib.colors import HexColor
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfdoc import PDFImageXObject
from reportlab.pdfgen.canvas import Canvas

from expo_crm.onsite.domain.layout import Layout, Media
from expo_crm.onsite.services import badge_draw
from expo_crm.onsite.services.badge_draw import QUIET, Box, Code, Face, Heading, Line, Picture, Run, Thing
from expo_crm.web import pdf

MARK_MM = 4.0


def render(
    badges: Iterable[tuple[Layout, Face]],
    heading: Heading,
    *,
    pictures: Mapping[int, Image.Image] | None = None,
    progress: Callable[[int], None] | None = None,
) -> bytes:
    """A PDF of all badges in the order given; a new page begins where the layout changes."""
    pdf.fonts()
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=1, invariant=1)
    canvas.setTitle(f"{heading.name_en or heading.name_zh} badges")
    pen = _Pen(canvas, pictures or {})
    done = 0
    for _same, group in groupby(badges, key=lambda pair: pair[0]):
        places: list[tuple[float, float]] = []
        for layout, face in group:
            if not places:
                if done:
                    canvas.showPage()
                pen.begin(layout.media)
                places = list(layout.media.places())
            pen.badge(layout, face, heading, places.pop(0))
            done += 1
            if progress:
                progress(done)
    if done:
        canvas.showPage()
    canvas.save()
    return out.getvalue()


class _Pen:
    """Draws on a canvas, whose origin is below; layouts count from above."""

    def __init__(self, canvas: Canvas, pictures: Mapping[int, Image.Image]) -> None:
        self.canvas, self.height = canvas, 0.0
        self.codes = 0
        self.readers = {key: ImageReader(picture) for key, picture in pictures.items()}

    def begin(self, media: Media) -> None:
        width, self.height = media.page
        self.canvas.setPageSize((width * mm, self.height * mm))
        if media.kind == "sheet" and media.marks:
            self._marks(media)

    def _marks(self, media: Media) -> None:
        """Short lines at the edges of the page, where a blade goes."""
        self.canvas.setStrokeColor(HexColor("#6b7280"))
        self.canvas.setLineWidth(0.3)
        page_w, page_h = media.page
        xs = {round(x, 2) for x, _y in media.places()} | {round(x + media.width, 2) for x, _y in media.places()}
        ys = {round(y, 2) for _x, y in media.places()} | {round(y + media.height, 2) for _x, y in media.places()}
        for x in xs:
            for start, end in ((0.0, MARK_MM), (page_h - MARK_MM, page_h)):
                self._line(x, start, x, end)
        for y in ys:
            for start, end in ((0.0, MARK_MM), (page_w - MARK_MM, page_w)):
                self._line(start, y, end, y)

    def _line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        self.canvas.line(x1 * mm, (self.height - y1) * mm, x2 * mm, (self.height - y2) * mm)

    def badge(self, layout: Layout, face: Face, heading: Heading, at: tuple[float, float]) -> None:
        left, top = at
        for thing in badge_draw.draw(layout, face, heading):
            self._thing(thing, left, top)

    def _thing(self, thing: Thing, left: float, top: float) -> None:
        canvas = self.canvas
        match thing:
            case Run():
                canvas.setFillColor(HexColor(thing.colour))
                canvas.setFont(thing.font, thing.size)
                canvas.drawString((left + thing.x) * mm, (self.height - top - thing.y) * mm, thing.text)
            case Box():
                if thing.fill:
                    canvas.setFillColor(HexColor(thing.fill))
                if thing.stroke:
                    canvas.setStrokeColor(HexColor(thing.stroke))
                    canvas.setLineWidth(thing.weight * mm)
                y = self.height - top - thing.y - thing.h
                canvas.rect(
                    (left + thing.x) * mm, y * mm, thing.w * mm, thing.h * mm, stroke=bool(thing.stroke), fill=bool(thing.fill)
                )  # fmt: skip
            case Line():
                canvas.setStrokeColor(HexColor(thing.colour))
                canvas.setLineWidth(thing.weight * mm)
                self._line(left + thing.x1, top + thing.y1, left + thing.x2, top + thing.y2)
            case Picture():
                self._picture(thing, left, top)
            case Code():
                self._code(thing, (left + thing.x) * mm, (self.height - top - thing.y - thing.side) * mm)

    def _picture(self, thing: Picture, left: float, top: float) -> None:
        reader = self.readers.get(thing.image)
        if reader is not None:
            y = self.height - top - thing.y - thing.h
            self.canvas.drawImage(
                reader, (left + thing.x) * mm, y * mm, thing.w * mm, thing.h * mm, preserveAspectRatio=True, anchor="c"
            )

    def _code(self, thing: Code, x: float, y: float) -> None:
        """Drawn as a picture of one bit per module, which is half the work and a tenth of the size of squares."""
        count = len(thing.modules)
        rows = bytearray()
        for row in thing.modules:
            bits = int("".join("0" if dark else "1" for dark in row).ljust(-(-count // 8) * 8, "1"), 2)
            rows += bits.to_bytes(-(-count // 8), "big")
        self.codes += 1
        canvas, name = self.canvas, f"qr{self.codes}"
        document = canvas._doc
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
        side = thing.side * mm
        inner = side * count / (count + 2 * QUIET)
        edge = (side - inner) / 2
        canvas.setFillColor(HexColor("#ffffff"))
        canvas.rect(x, y, side, side, stroke=0, fill=1)  # the quiet zone is white, whatever lies below it
        canvas.saveState()
        canvas.translate(x + edge, y + edge)
        canvas.scale(inner, inner)
        canvas._code.append(f"/{registered} Do")
        canvas._formsinuse.append(name)
        canvas.restoreState()
