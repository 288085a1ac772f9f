"""Registering for an edition: the command, and when it is possible."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo


class Window(StrEnum):
    """Whether the public page of an edition takes registrations."""

    OPEN = "open"
    NOT_YET = "not_yet"
    CLOSED = "closed"
    CANCELLED = "cancelled"


def window(
    *,
    state: str,
    opens_at: dt.datetime | None,
    closes_at: dt.datetime | None,
    ends_on: dt.date,
    zone: ZoneInfo,
    now: dt.datetime,
) -> Window:
    """Without a closing time registration ends with the last day of the edition on the venue's clock.

    Without an opening time it starts when the edition is opened.
    """
    if state == "cancelled":
        return Window.CANCELLED
    last = dt.datetime.combine(ends_on + dt.timedelta(days=1), dt.time.min, zone)
    if state == "closed" or now >= (closes_at or last):
        return Window.CLOSED
    if opens_at is None:
        return Window.OPEN if state in {"open", "live"} else Window.NOT_YET
    return Window.OPEN if now >= opens_at else Window.NOT_YET


@dataclass(frozen=True, slots=True)
class RegisterCommand:
    """All that makes a registration. ``state`` None lets the review policy decide; ``form_key`` makes a repeat harmless."""

    edition_id: int
    name: str
    company: str = ""
    job_title: str = ""
    email: str = ""
    phone: str = ""
    phone_typed: str = ""
    country: str = ""
    city: str = ""
    function: str = ""
    buying_role: str = ""
    category_ids: tuple[int, ...] = ()
    looking_for: str = ""
    locale: str = "zh"
    source: str = "web"
    class_code: str = "trade"
    on_site: bool = False
    invitation_code: str = ""
    consents: dict[str, bool] = field(default_factory=dict)
    channel: str = "web"
    form_key: str | None = None
    state: str | None = None
    mail: bool = True
    at: dt.datetime | None = None


def mask_email(address: str) -> str:
    """``c…@example.com``: enough to recognise the own address, too little to learn one."""
    user, at, domain = address.partition("@")
    return f"{user[:1]}…{at}{domain}" if at else ""


def mask_phone(number: str) -> str:
    """The last three digits."""
    return f"…{number[-3:]}" if len(number) > 5 else ""


def mask_name(name: str) -> str:
    """First sign of a Chinese name, first word and initials of another."""
    words = name.split()
    if len(words) > 1:
        return " ".join([words[0], *(f"{w[0]}." for w in words[1:])])
    return name[:1] + "＊" * (len(name) - 1) if len(name) < 5 else name[:2] + "…"
