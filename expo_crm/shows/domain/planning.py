"""Rules about an edition's dates, names and addresses."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Container, Iterable

STATES = ("planning", "open", "live", "closed", "cancelled")
CURRENCIES = ("CNY", "HKD", "USD", "EUR", "GBP", "SGD", "JPY")
LONGEST = 31
FIRST_YEAR, LAST_YEAR = 1990, 2100


class ShowError(ValueError):
    """A refusal. ``code``: "dates-order", "dates-long", "dates-year", "zone", "hall-taken", "hall-used", "code-taken", "name-missing",
    "day-outside", "day-hours", "parent-loop", "too-deep", "has-halls", "window-order"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check_dates(starts_on: dt.date, ends_on: dt.date) -> None:
    """Raises ShowError when the days run backwards, are too many, or lie in no sensible year."""
    if ends_on < starts_on:
        raise ShowError("dates-order")
    if starts_on.year < FIRST_YEAR or ends_on.year > LAST_YEAR:
        raise ShowError("dates-year")
    if (ends_on - starts_on).days >= LONGEST:
        raise ShowError("dates-long")


def days_between(starts_on: dt.date, ends_on: dt.date) -> list[dt.date]:
    """Every calendar day of the edition."""
    return [starts_on + dt.timedelta(days=i) for i in range((ends_on - starts_on).days + 1)]


def free_slug(show_code: str, starts_on: dt.date, taken: Container[str]) -> str:
    """The word that stands for the edition in addresses: show code and year, with a number where the year has several."""
    base = f"{slugify(show_code)}-{starts_on.year}"
    if base not in taken:
        return base
    return next(s for n in range(2, 1000) if (s := f"{base}-{n}") not in taken)


def slugify(word: str) -> str:
    """Small letters, digits and hyphens; ``show`` when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:40] or "show"


def next_dates(starts_on: dt.date, ends_on: dt.date, years: int = 1) -> tuple[dt.date, dt.date]:
    """The same weekdays one cycle later: shows keep their week, so 52 (or 104) weeks are added."""
    step = dt.timedelta(weeks=52 * years)
    return starts_on + step, ends_on + step


def next_name(name: str, year: int, next_year: int) -> str:
    """The name with its year moved on; unchanged when it carries none."""
    return re.sub(rf"(?<!\d){year}(?!\d)", str(next_year), name)


def next_code(parent_code: str, sibling_codes: Iterable[str]) -> str:
    """The code of a new category below ``parent_code``: one more than the highest, so that no code is given twice."""
    heads = f"{parent_code}." if parent_code else ""
    numbers = [int(tail) for code in sibling_codes if (tail := code.removeprefix(heads)).isdigit() and tail.isascii()]
    return f"{heads}{max(numbers, default=0) + 1}"
