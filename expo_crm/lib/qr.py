"""QR codes as one SVG path (sharp at any size, nothing for a Content-Security-Policy to refuse) and as a picture."""

from __future__ import annotations

import io
from dataclasses import dataclass

import qrcode
from qrcode.constants import ERROR_CORRECT_M


@dataclass(frozen=True, slots=True)
class QrPath:
    """``size`` modules in each direction, with the quiet zone; ``path`` draws the dark ones."""

    size: int
    path: str


def _code(text: str, box: int) -> qrcode.QRCode:
    # Trying all eight masks would take most of the time, so one is fixed.
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=box, border=4, mask_pattern=2)
    code.add_data(text)
    code.make(fit=True)
    return code


def qr_path(text: str) -> QrPath:
    """The code of a text, each run of dark modules as one rectangle."""
    matrix = _code(text, 1).get_matrix()
    parts: list[str] = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                parts.append(f"M{x} {y}h{end - x}v1h-{end - x}z")
            x = max(end, x + 1)
    return QrPath(len(matrix), "".join(parts))


def qr_png(text: str) -> bytes:
    """The code as a black and white picture, ten pixels a module: for print and for messages."""
    out = io.BytesIO()
    _code(text, 10).make_image().get_image().convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()
