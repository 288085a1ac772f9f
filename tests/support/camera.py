"""A camera that shows badges: pictures of QR codes as the video file that Chromium takes for a camera."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import qrcode
from PIL import Image

SIZE = (1280, 720)
FRAMES_PER_SECOND = 30


def frame(text: str | None, *, pixels: int = 420) -> Image.Image:
    """One picture: a QR code on a white badge before a grey hall, or the empty hall."""
    picture = Image.new("RGB", SIZE, (120, 124, 130))
    if text is not None:
        code = qrcode.make(text, border=4).get_image().convert("RGB").resize((pixels, pixels), Image.Resampling.NEAREST)
        picture.paste(code, ((SIZE[0] - pixels) // 2, (SIZE[1] - pixels) // 2))
    return picture


def record(path: Path, texts: Iterable[str | None], *, seconds: float = 1.5) -> Path:
    """Write a film that shows each code for some seconds (None: nobody there); Chromium plays it again and again."""
    with path.open("wb") as film:
        for text in texts:
            jpeg = io.BytesIO()
            frame(text).save(jpeg, "JPEG", quality=85)
            # An .mjpeg file is JPEG pictures one after the other.
            film.write(jpeg.getvalue() * round(seconds * FRAMES_PER_SECOND))
    return path
