"""Mark a text for translation where no request exists yet."""

from __future__ import annotations


def N_(message: str) -> str:
    """Return `message` unchanged; the extractor collects it, the page translates it."""
    return message
