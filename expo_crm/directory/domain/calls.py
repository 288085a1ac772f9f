"""What may come of a call, what follows by itself, and how a script is filled in."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from expo_crm.directory.domain import agenda

PLACEHOLDERS = ("company", "contact", "title", "edition", "dates", "venue", "me", "last_area", "last_edition")
LONGEST_S = 4 * 3600
_PLACE = re.compile(r"\{([^{}\n]{0,40})\}")


@dataclass(frozen=True)
class Result:
    """``reached``: somebody spoke; ``next_kind`` and ``next_days``: what follows by itself, "" for nothing."""

    code: str
    reached: bool
    next_kind: str = ""
    next_days: int = 0


RESULTS = (
    Result("interested", True, "mail", 1),
    Result("offer", True, "mail", 0),
    Result("meet", True, "visit", 7),
    Result("reached", True, "call", 14),
    Result("call_back", True, "call", 1),
    Result("not_interested", True),
    Result("wrong_person", True, "task", 1),
    Result("no_answer", False, "call", 1),
    Result("busy", False, "call", 0),
    Result("wrong_number", False, "task", 1),
)
"""The closed list; own results of the house stand beside it."""


def unknown_places(text: str) -> list[str]:
    """Placeholders of a script that nobody can fill in, each once."""
    return list(dict.fromkeys(p for p in _PLACE.findall(text) if p.strip() not in PLACEHOLDERS))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The script with its placeholders filled in; what is not known is shown as ``…``."""


    def value(found: re.Match[str]) -> str:
        known = values.get(found.group(1).strip()) or "…"
        return known[:-1] if known.endswith(".") and text[found.end() : found.end() + 1] == "." else known  # "Co., Ltd." ends a sentence

    return _PLACE.sub(value, text)


def lines(text: str) -> list[tuple[bool, str]]:
    """Non-empty lines as (is a question, text). A question begins with ``?``, half or full width."""
    out = []
    for line in text.splitlines():
        line = line.strip()
        if line:
            asked = line[0] in "?？"
            out.append((asked, line[1:].strip() if asked else line))
    return out


def next_moment(result: Result, now: dt.datetime, zone: ZoneInfo, chosen: dt.datetime | None = None) -> dt.datetime | None:
    """When the next action is due: as chosen, else by the result (0 days: in two hours); None when nothing follows."""
    if chosen is not None:
        return chosen
    if not result.next_kind:
        return None
    if result.next_days == 0:
        return now + dt.timedelta(hours=2)
    return agenda.postponed(None, result.next_days, now, zone)


def duration(started: dt.datetime | None, now: dt.datetime, typed_minutes: int | None) -> int | None:
    """Seconds of a call: typed minutes, else since the page was opened; None when that cannot be a call's length."""
    if typed_minutes is not None:
        return typed_minutes * 60
    if started is None:
        return None
    seconds = round((now - started).total_seconds())
    return seconds if 0 <= seconds <= LONGEST_S else None
