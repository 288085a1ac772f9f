"""Badges as pictures: for the preview in colour, for label printers in black and white with the code on whole dots."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from expo_crm.onsite.domain.layout import Layout
from expo_crm.onsite.services import badge_draw, badge_text
from expo_crm.onsite.services.badge_draw import QUIET, WHITE, Box, Code, Face, Heading, Line, Picture, Run
from expo_crm.web import pdf
from expo_crm.web.assets import DIST, manifest

INCH = 25.4
_DARK = 150  # of 255: below, a dot is burnt. A little above the middle keeps thin strokes of Chinese characters closed.


@lru_cache(maxsize=64)
def _face(name: str, pixels: float) -> ImageFont.FreeTypeFont:
    file = "fonts/NotoSansSC-Bold.ttf" if name == pdf.BOLD else "fonts/NotoSansSC-Regular.ttf"
    return ImageFont.truetype(str(DIST / manifest()[file]), pixels, layout_engine=ImageFont.Layout.BASIC)


def picture(
    layout: Layout,
    face: Face,
    heading: Heading,
    *,
    dpi: int,
    pictures: Mapping[int, Image.Image] | None = None,
    mono: bool = False,
) -> Image.Image:
    """One badge at ``dpi`` dots an inch, RGB, or with ``mono`` one bit a dot (mode "1") where every colour but white is black."""
    scale = dpi / INCH
    size = round(layout.media.width * scale), round(layout.media.height * scale)
    out = Image.new("L" if mono else "RGB", size, WHITE)
    pen = ImageDraw.Draw(out)

    def ink(colour: str) -> str:
        return colour if not mono or colour == WHITE else "#000000"

    for thing in badge_draw.draw(layout, face, heading):
        match thing:
            case Run():
                _write(pen, thing, dpi, ink(thing.colour))
            case Box():
                corners = _corners(thing, scale)
                pen.rectangle(
                    corners,
                    fill=ink(thing.fill) if thing.fill else None,
                    outline=ink(thing.stroke) if thing.stroke else None,
                    width=max(1, round(thing.weight * scale)) if thing.stroke else 0,
                )
            case Line():
                ends = [(thing.x1 * scale, thing.y1 * scale), (thing.x2 * scale, thing.y2 * scale)]
                pen.line(ends, fill=ink(thing.colour), width=max(1, round(thing.weight * scale)))
            case Picture():
                if pictures and thing.image in pictures:
                    _paste(out, pictures[thing.image], thing, scale, mono)
            case Code():
                _code(pen, thing, scale)
    return out.point(lambda grey: 255 if grey > _DARK else 0).convert("1", dither=Image.Dither.NONE) if mono else out


def _write(pen: ImageDraw.ImageDraw, run: Run, dpi: int, colour: str) -> None:
    """A line of text no wider than it was measured: on few dots letters are rounded up, and a full line would leave its place."""
    pixels, measured = run.size * dpi / 72, badge_text.width(run.text, run.font, run.size) * dpi / 72
    font = _face(run.font, round(pixels, 2))
    drawn = font.getlength(run.text)
    if drawn > measured * 1.005:
        font = _face(run.font, round(pixels * measured / drawn, 2))
    pen.text((run.x * dpi / INCH, run.y * dpi / INCH), run.text, fill=colour, font=font, anchor="ls")


def _corners(box: Box, scale: float) -> list[tuple[int, int]]:
    left, top = round(box.x * scale), round(box.y * scale)
    return [(left, top), (round((box.x + box.w) * scale) - 1, round((box.y + box.h) * scale) - 1)]


def _paste(out: Image.Image, source: Image.Image, place: Picture, scale: float, mono: bool) -> None:
    room = max(1, round(place.w * scale)), max(1, round(place.h * scale))
    factor = min(room[0] / source.width, room[1] / source.height)
    size = max(1, round(source.width * factor)), max(1, round(source.height * factor))
    small = source.convert("L" if mono else "RGB").resize(size, Image.Resampling.LANCZOS)
    if mono:
        small = small.convert("1").convert("L")  # grey becomes a pattern of dots
    at = round(place.x * scale) + (room[0] - size[0]) // 2, round(place.y * scale) + (room[1] - size[1]) // 2
    out.paste(small, at)


def _code(pen: ImageDraw.ImageDraw, code: Code, scale: float) -> None:
    """Modules of whole dots: a reader sees edges, and a blurred edge is a wrong one."""
    count = len(code.modules)
    side = round(code.side * scale)
    dot = max(1, side // (count + 2 * QUIET))
    left, top = round(code.x * scale), round(code.y * scale)
    pen.rectangle([(left, top), (left + side - 1, top + side - 1)], fill=WHITE)
    left, top = left + (side - count * dot) // 2, top + (side - count * dot) // 2
    for y, row in enumerate(code.modules):
        for x, dark in enumerate(row):
            if dark:
                at = left + x * dot, top + y * dot
                pen.rectangle([at, (at[0] + dot - 1, at[1] + dot - 1)], fill="#000000")
