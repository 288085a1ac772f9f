"""An uploaded file, in memory or on disk, that is read piecewise: nothing here asks for all of it at once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import BinaryIO

CHUNK = 256 * 1024
IN_MEMORY = 1024 * 1024
"""A file up to this size stays in memory."""


@dataclass(frozen=True, slots=True)
class Blob:
    """The bytes of a file. Give either ``data`` or ``path``; the path must live as long as the blob is read.

    ``skip`` bytes at its start are not looked at (a mark that does not belong there).
    """

    data: bytes = b""
    path: Path | None = None
    skip: int = 0

    @property
    def size(self) -> int:
        return (self.path.stat().st_size if self.path else len(self.data)) - self.skip

    def open(self) -> BinaryIO:
        """A reader of its own, at the start of what counts."""
        stream: BinaryIO = self.path.open("rb") if self.path else BytesIO(self.data)
        stream.seek(self.skip)
        return stream

    def head(self, size: int) -> bytes:
        with self.open() as stream:
            return stream.read(size)

    def chunks(self, size: int = CHUNK, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` on, at most ``length`` of them, piece by piece."""
        left = self.size - start if length is None else length
        with self.open() as stream:
            stream.seek(self.skip + start)
            while left > 0 and (chunk := stream.read(min(size, left))):
                left -= len(chunk)
                yield chunk

    def holds(self, sign: bytes) -> bool:
        """Whether the bytes occur anywhere, also across two pieces."""
        tail = b""
        for chunk in self.chunks():
            if sign in tail + chunk:
                return True
            tail = chunk[1 - len(sign) :] if len(sign) > 1 else b""
        return False


def blob_of(source: Blob | bytes | Path) -> Blob:
    if isinstance(source, Blob):
        return source
    return Blob(path=source) if isinstance(source, Path) else Blob(source)


@contextmanager
def kept(pieces: Iterable[bytes]) -> Iterator[Blob]:
    """The pieces as one blob: in memory when they are few, otherwise in a file that goes away at the end."""
    few, size, rest = [], 0, iter(pieces)
    for piece in rest:
        few.append(piece)
        size += len(piece)
        if size > IN_MEMORY:
            break
    if size <= IN_MEMORY:
        yield Blob(b"".join(few))
        return
    handle, name = tempfile.mkstemp(prefix="expo-list-")
    try:
        with os.fdopen(handle, "wb") as target:
            for piece in chain(few, rest):
                target.write(piece)
        few.clear()
        yield Blob(path=Path(name))
    finally:
        Path(name).unlink(missing_ok=True)
