"""Time: one place that asks the machine for it, and the few zone questions a show has.

Instants are aware and in UTC; a day is a day in the venue's time zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


class TimeError(ValueError):
    """A time that cannot be read. `code`: "time-format", "time-naive" or "time-zone"."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text[:60]!r}")
        self.code = code
        self.text = text


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone called `name`; TimeError("time-zone") for anything else."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise TimeError("time-zone", name) from None


def _as_zone(tz: str | ZoneInfo) -> ZoneInfo:
    return zone(tz) if isinstance(tz, str) else tz


def local_day(at: datetime, tz: str | ZoneInfo) -> date:
    """The calendar day of the aware instant `at` in zone `tz`."""
    return to_local(at, tz).date()


def to_local(at: datetime, tz: str | ZoneInfo) -> datetime:
    """The aware instant `at` on the clocks of zone `tz`; TimeError for a naive one."""
    if at.tzinfo is None:
        raise TimeError("time-naive", at.isoformat())
    return at.astimezone(_as_zone(tz))


def day_bounds(day: date, tz: str | ZoneInfo) -> tuple[datetime, datetime]:
    """First instant of `day` in `tz` and first instant of the next day, both in UTC.

    The span is 23 or 25 hours on the days when clocks change.
    """
    here = _as_zone(tz)
    start = datetime.combine(day, time.min, here).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time.min, here).astimezone(UTC)
    return start, end


def parse_aware(text: str) -> datetime:
    """Read an ISO 8601 instant that names its offset; the answer is in UTC.

    TimeError("time-format") for anything unreadable (`24:00:00` and second 60 included),
    TimeError("time-naive") when the offset is missing.
    """
    try:
        at = datetime.fromisoformat(text.strip())
        if at.tzinfo is None:
            raise TimeError("time-naive", text)
        return at.astimezone(UTC)
    except TimeError:
        raise
    except (ValueError, OverflowError):
        raise TimeError("time-format", text) from None
