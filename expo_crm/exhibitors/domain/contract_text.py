"""Texts of contracts: plain paragraphs with a closed list of placeholders. No logic runs in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

PLACEHOLDERS = (
    "organizer", "exhibitor", "tax_id", "show", "dates", "venue", "number", "booths", "area", "net", "tax", "total",
    "instalments", "cancellation", "day",
)  # fmt: skip
LONGEST = 20_000
_NAME = re.compile(r"\{([^{}\n]{0,60})\}")


class TextRefusal(StrEnum):
    UNKNOWN_PLACEHOLDER = "unknown_placeholder"
    UNPAIRED_BRACE = "unpaired_brace"
    TOO_LONG = "text_too_long"
    EMPTY = "text_empty"
    IN_USE = "text_in_use"


def refuse_text(body: str) -> tuple[TextRefusal, str] | None:
    """Why this text cannot be kept, with the word in question."""
    if not body.strip():
        return TextRefusal.EMPTY, ""
    if len(body) > LONGEST:
        return TextRefusal.TOO_LONG, str(LONGEST)
    for found in _NAME.finditer(body):
        if found[1] not in PLACEHOLDERS:
            return TextRefusal.UNKNOWN_PLACEHOLDER, found[1][:40]
    rest = _NAME.sub("", body)
    return (TextRefusal.UNPAIRED_BRACE, "") if "{" in rest or "}" in rest else None


def fill(body: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in one pass: what a value holds is never read as a placeholder again."""
    return _NAME.sub(lambda m: values.get(m[1], m[0]), body)


def paragraphs(body: str) -> list[tuple[str, str]]:
    """("heading" | "body", text) in order; a line that begins with # is a heading, blank lines part paragraphs."""
    out: list[tuple[str, str]] = []
    for block in re.split(r"\n\s*\n", body.replace("\r\n", "\n").strip()):
        lines: list[str] = []
        for line in block.split("\n"):
            if line.startswith("#"):
                if lines:
                    out.append(("body", "\n".join(lines)))
                    lines = []
                out.append(("heading", line.lstrip("#").strip()))
            else:
                lines.append(line)
        if lines:
            out.append(("body", "\n".join(lines)))
    return out
