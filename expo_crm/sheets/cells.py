"""One cell as text, the same from CSV and from XLSX."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from expo_crm.lib.text import clean

_SIGNS = "[!-~\u4e00-\u9fff\u3001-\u301f\uff08\uff09\uff0c\uff1a\uff1b]+"
_ORDINARY = re.compile(f"{_SIGNS}(?: {_SIGNS})*")
_TRIGGERS = "=+\\-@\t\r\n\x00\uff1d\uff0b\uff0d\uff20"
FORMULA_START = re.compile(rf"(?:'|[ \u00a0\u3000\u200b\ufeff])*[{_TRIGGERS}]")
"""A text that a spreadsheet could run: a trigger first, also in full width, behind quotes or behind blanks."""
SCIENCE = re.compile(r"\d(?:[.,]\d+)?E\+\d{1,3}", re.I | re.ASCII)
"""What is left of a long number that a spreadsheet rounded."""
_NEUTRALISED = re.compile(rf"'(?=(?:'|[ \u00a0\u3000\u200b\ufeff])*[{_TRIGGERS}])")

EXACT_NUMBER = 10**15
"""Spreadsheets keep fifteen digits of a number; the rest is lost."""


def text_of(value: object) -> str:
    """A spreadsheet value as text: dates in ISO form, whole numbers without a point, TRUE and FALSE."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d") if value.time() == time.min else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return _number(value)
    return _span(value) if isinstance(value, timedelta) else str(value)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    short = f"{value:.15g}"
    return format(Decimal(short), "f") if "e" in short and abs(value) < 1e21 else short


def _span(value: timedelta) -> str:
    """A duration as hours:minutes:seconds, as the cell shows it."""
    seconds = int(value.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    return f"{sign}{seconds // 3600}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


def tidy(text: str) -> str:
    """The cell as the rest of the application takes it: `lib.text.clean`, line breaks kept, export quotes undone."""
    if not text or _ORDINARY.fullmatch(text):
        return text if not text.startswith("'") else _plain(text)
    return _plain(clean(text, multiline=True))


def _plain(text: str) -> str:
    """Without the quote that an export put before a text that looks like a formula."""
    return text[1:] if _NEUTRALISED.match(text) else text


def neutral(text: str) -> str:
    """`text` with a quote in front when a spreadsheet could take it for a formula; `tidy` undoes it."""
    return "'" + text if FORMULA_START.match(text) else text
