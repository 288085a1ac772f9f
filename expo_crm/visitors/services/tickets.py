"""What a visitor carries: the code, its picture, the calendar file."""

from __future__ import annotations

import datetime as dt
import io

import qrcode
from flask import current_app
from icalendar import Calendar, Event
from qrcode.constants import ERROR_CORRECT_M

from expo_crm.lib import clock
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services.links import derive
from expo_crm.web.i18n import bi


def ticket_code(registration: Registration) -> str:
    """What stands in the QR code: the badge's code where the show-day package is connected, never the page's token."""
    connected = current_app.extensions.get("expo_ticket_code")
    if connected:
        return str(connected(registration))
    return "R" + derive("ticket", str(registration.id))


def qr_png(text: str) -> bytes:
    """The code as a small black and white picture. Trying all eight masks would take most of the time, so one is fixed."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, box_size=8, border=4, mask_pattern=2)
    code.add_data(text)
    code.make(fit=True)
    out = io.BytesIO()
    code.make_image().get_image().convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()


def calendar(edition: Edition, *, url: str = "", uid: str = "") -> bytes:
    """The opening days of an edition in the venue's time zone; without opening hours one event over whole days."""
    out = Calendar()
    out.add("prodid", "-//expo-crm//visitors//")
    out.add("version", "2.0")
    out.add("method", "PUBLISH")
    for number, day in enumerate(edition.days, 1):
        event = _event(edition, url, f"{uid or edition.slug}-{number}@expo-crm")
        event.add("dtstart", dt.datetime.combine(day.day, day.opens_at, edition.zone))
        event.add("dtend", dt.datetime.combine(day.day, day.closes_at, edition.zone))
        out.add_component(event)
    if not edition.days:
        event = _event(edition, url, f"{uid or edition.slug}@expo-crm")
        event.add("dtstart", edition.starts_on)
        event.add("dtend", edition.ends_on + dt.timedelta(days=1))
        out.add_component(event)
    else:
        out.add_missing_timezones()
    return bytes(out.to_ical())


def _event(edition: Edition, url: str, uid: str) -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", clock.now())
    event.add("summary", bi(edition))
    place = ", ".join(p for p in (bi(edition, "venue"), bi(edition, "address")) if p)
    if place:
        event.add("location", place)
    if url:
        event.add("url", url)
    return event
