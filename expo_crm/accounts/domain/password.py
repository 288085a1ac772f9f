"""What makes a password acceptable: length and not being guessable; no composition rules (NIST SP 800-63B-4)."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST, LONGEST = 12, 200
COMMON = (
    "password", "123456", "qwerty", "abc123", "111111", "iloveyou", "admin", "welcome",
    "letmein", "woaini", "5201314", "000000", "exhibition",
)  # fmt: skip


def problem_with(password: str, *, words: Iterable[str] = ()) -> str | None:
    """None when acceptable, else a code: too_short, too_long, too_common, too_personal."""
    if len(password) < SHORTEST:
        return "too_short"
    if len(password) > LONGEST:
        return "too_long"
    plain = password.casefold()
    rest = plain
    for word in COMMON:
        rest = rest.replace(word, "")
    if len(set(plain)) < 5 or len(rest) < 4:
        return "too_common"
    for word in words:
        part = word.casefold().split("@")[0].strip()
        if len(part) >= 4 and len(plain.replace(part, "")) < 6:
            return "too_personal"
    return None
