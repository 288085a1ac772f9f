"""Contact data as those see it who may not see it: enough to recognise, too little to use."""

from __future__ import annotations

DOT = "•"


def mask_email(address: str) -> str:
    """``chen@hechuan.example`` → ``c•••@h•••.example``."""
    local, at, host = address.partition("@")
    if not at:
        return mask_text(address)
    name, dot, ending = host.rpartition(".")
    return f"{local[:1]}{DOT * 3}@{name[:1]}{DOT * 3}{dot}{ending}"


def mask_phone(number: str) -> str:
    """The last three digits stay, and a country code."""
    return mask_text(number) if len(number) < 8 else f"{number[:3]}{DOT * 5}{number[-3:]}"


def mask_text(text: str) -> str:
    return f"{text[:1]}{DOT * 3}" if text else ""
