"""QR codes as one SVG path: sharp at any size, and nothing for the Content-Security-Policy to refuse."""

from __future__ import annotations

from dataclasses import dataclass

import qrcode
from qrcode.constants import ERROR_CORRECT_M


@dataclass(frozen=True)
class QrPath:
    """``size`` modules in each direction, with the quiet zone; ``path`` draws the dark ones."""

    size: int
    path: str


def qr_path(text: str) -> QrPath:
    """The code of a text."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4, mask_pattern=2)
    code.add_data(text)
    code.make(fit=True)
    matrix = code.get_matrix()
    parts = []
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
