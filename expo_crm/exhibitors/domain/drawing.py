"""Which files are taken as drawings: PDF, PNG or JPEG, told by their first bytes, never by their name."""

from __future__ import annotations

MOST_BYTES = 20 * 1024 * 1024
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
)


class DrawingRefused(ValueError):
    """``code``: "empty", "too-large", "kind"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def media_type(data: bytes) -> str:
    """The type of a drawing. Raises DrawingRefused."""
    if not data:
        raise DrawingRefused("empty")
    if len(data) > MOST_BYTES:
        raise DrawingRefused("too-large")
    found = next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)
    # A picture that ends in the middle, or a PDF without its end, was cut on the way.
    ends = {"application/pdf": b"%%EOF", "image/png": b"IEND", "image/jpeg": b"\xff\xd9"}
    if found is None or ends[found] not in data[-2048:]:
        raise DrawingRefused("kind")
    return found
