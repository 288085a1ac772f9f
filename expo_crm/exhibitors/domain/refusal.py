"""How a rule of this package says no: a machine reason with its facts; the page puts it into words."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class RuleRefused(Exception):
    """A use case was refused. ``reason`` is one of the enums of this package's domain; nothing was stored."""

    def __init__(self, reason: StrEnum, **facts: Any) -> None:
        super().__init__(f"{reason.value} {facts}" if facts else reason.value)
        self.reason, self.facts = reason, facts
