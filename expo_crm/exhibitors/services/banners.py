"""Pictures with which an exhibitor invites: show, dates, venue, name, stand, QR code."""

from __future__ import annotations

import io
from functools import lru_cache

import qrcode
from PIL import Image, ImageDraw, ImageFont
from qrcode.constants import ERROR_CORRECT_M

from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_tasks
from expo_crm.web import i18n
from expo_crm.web.assets import DIST, manifest

SIZES: dict[str, tuple[int, int]] = {"wide": (1200, 628), "tall": (1080, 1440)}
INK, PAPER, ACCENT, SOFT = "#10243f", "#ffffff", "#0b5cad", "#d8e6f5"


@lru_cache(maxsize=64)
def _face(bold: bool, pixels: int) -> ImageFont.FreeTypeFont:
    file = "fonts/NotoSansSC-Bold.ttf" if bold else "fonts/NotoSansSC-Regular.ttf"
    return ImageFont.truetype(str(DIST / manifest()[file]), pixels, layout_engine=ImageFont.Layout.BASIC)


def _wrapped(words: str, face: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    """Lines that fit: broken between words, and inside Chinese; what is too long ends in an ellipsis."""
    lines, line = [], ""
    for token in _tokens(words):
        if line and face.getlength(line + token) > width:
            lines.append(line.rstrip())
            line = token.lstrip()
        else:
            line += token
    lines.append(line.rstrip())
    lines = [x for x in lines if x]
    if len(lines) > most:
        last = lines[most - 1]
        while last and face.getlength(last + "…") > width:
            last = last[:-1]
        lines = [*lines[: most - 1], last + "…"]
    return lines


def _tokens(words: str) -> list[str]:
    out: list[str] = []
    for char in words:
        if out and char.isascii() and out[-1][-1].isascii() and not out[-1][-1].isspace():
            out[-1] += char
        else:
            out.append(char)
    return out


def draw(participation: Participation, url: str, size: str, locale: str) -> bytes:
    """A PNG of one of ``SIZES`` in one language."""
    width, height = SIZES[size]
    image = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(image)
    edition = participation.edition
    fascia = queries_tasks.find_fascia(participation.id)
    with i18n.in_locale(locale):
        show, venue = i18n.bi(edition), i18n.bi(edition, "venue")
        days = f"{i18n.date(edition.starts_on, 'long')} – {i18n.date(edition.ends_on, 'long')}"
        name = (fascia and (fascia.text_zh if locale == "zh" else fascia.text_en)) or i18n.bi(participation.company)
        stand = f"{'展位' if locale == 'zh' else 'Stand'} {participation.stands}" if participation.stands else ""
        call = "扫码免费登记参观" if locale == "zh" else "Scan to register free of charge"
    tall = size == "tall"
    band = int(height * (0.30 if tall else 0.36))
    pen.rectangle((0, 0, width, band), fill=INK)
    pen.rectangle((0, band, width, band + 10), fill=ACCENT)
    margin = 64
    code = 470 if tall else 300
    room = width - 2 * margin
    y = _text(pen, show, (margin, 48), _face(True, 62 if tall else 50), PAPER, room, 2)
    y = _text(pen, days, (margin, y + 14), _face(False, 36 if tall else 30), SOFT, room, 1)
    _text(pen, venue, (margin, y + 6), _face(False, 36 if tall else 30), SOFT, room, 1)
    room = room if tall else width - 3 * margin - code
    y = _text(pen, name, (margin, band + 56), _face(True, 74 if tall else 54), INK, room, 2)
    if stand:
        _text(pen, stand, (margin, y + 18), _face(True, 56 if tall else 42), ACCENT, room, 2)
    left = (width - code) // 2 if tall else width - margin - code
    top = height - code - 130 if tall else band + 26
    image.paste(_qr(url, code), (left, top))
    face = _face(False, 34 if tall else 24)
    pen.text((left + code / 2, top + code + (20 if tall else 6)), call, font=face, fill=INK, anchor="ma")
    out = io.BytesIO()
    image.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def _text(
    pen: ImageDraw.ImageDraw,
    words: str,
    at: tuple[int, int],
    face: ImageFont.FreeTypeFont,
    fill: str,
    width: int,
    most: int,
) -> int:
    """Writes from the top left corner; returns where the next line may begin."""
    x, y = at
    for line in _wrapped(words, face, width, most):
        pen.text((x, y), line, font=face, fill=fill)
        y += int(face.size * 1.28)
    return y


def _qr(url: str, side: int) -> Image.Image:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=1, border=3, mask_pattern=2)
    code.add_data(url)
    code.make(fit=True)
    plain = code.make_image().get_image().convert("RGB")
    # Whole pixels per module keep the edges sharp; what is left over becomes quiet zone.
    scale = side // plain.width
    sharp = plain.resize((plain.width * scale, plain.width * scale), Image.Resampling.NEAREST)
    out = Image.new("RGB", (side, side), PAPER)
    out.paste(sharp, ((side - sharp.width) // 2, (side - sharp.width) // 2))
    return out
