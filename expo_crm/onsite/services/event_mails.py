"""Mails about a booking, in the visitor's language, and the calendar file of an event."""

from __future__ import annotations

import datetime as dt

from icalendar import Calendar, Event

from expo_crm.lib import clock
from expo_crm.messaging import services as messaging
from expo_crm.onsite import queries_events as queries
from expo_crm.onsite.models import ConcurrentEvent, EventBooking
from expo_crm.shows.models import Edition
from expo_crm.visitors.services import links
from expo_crm.web import i18n

KINDS = ("booked", "waiting", "moved_up", "offered", "changed", "called_off", "removed")
WITH_FILE = ("booked", "moved_up", "changed")


def tell(booking: EventBooking, kind: str, *, reason: str = "") -> bool:
    """Write the mail of this kind (``KINDS``) to the visitor; False when there is no address."""
    registration, event = booking.registration, booking.event
    person, edition = registration.person, registration.edition
    if not person.email:
        return False
    rank = queries.ranks_of([booking]).get(booking.id, 0)
    with i18n.in_locale(registration.locale):
        when = span(event.starts_at, event.ends_at, edition)
        until = moment(booking.offered_until, edition) if booking.offered_until else ""
        files = []
        if kind in WITH_FILE and booking.state == "booked":
            body = calendar_file(event, edition, url=links.page_url(registration))
            files = [messaging.attachment(f"event-{event.id}.ics", "text/calendar", body)]
    messaging.queue(
        "onsite_event",
        to_email=person.email,
        to_name=registration.name,
        locale=registration.locale,
        context={
            "kind": kind,
            "booking": booking,
            "event": event,
            "registration": registration,
            "edition": edition,
            "when": when,
            "until": until,
            "rank": rank,
            "reason": reason,
            "link": links.page_url(registration),
        },
        attachments=files,
        edition_id=registration.edition_id,
        person_id=person.id,
    )
    return True


def moment(at: dt.datetime, edition: Edition) -> str:
    """Day and hour on the venue's clocks, in the language in force."""
    here = clock.to_local(at, edition.timezone)
    return f"{i18n.date(here.date())} {here:%H:%M}"


def span(starts_at: dt.datetime, ends_at: dt.datetime, edition: Edition) -> str:
    """From when to when on the venue's clocks."""
    end = clock.to_local(ends_at, edition.timezone)
    same_day = end.date() == clock.local_day(starts_at, edition.timezone)
    return (
        f"{moment(starts_at, edition)}–{end:%H:%M}"
        if same_day
        else f"{moment(starts_at, edition)} – {moment(ends_at, edition)}"
    )


def place(event: ConcurrentEvent) -> str:
    """Room and hall in the language in force."""
    return " · ".join(p for p in (i18n.bi(event, "room"), i18n.bi(event.hall) if event.hall else "") if p)


def calendar_file(event: ConcurrentEvent, edition: Edition, *, url: str = "") -> bytes:
    """The event as a calendar entry in the venue's time zone; the same uid again moves the entry."""
    item = Event()
    item.add("uid", f"event-{event.id}@expo-crm")
    item.add("dtstamp", clock.now())
    item.add("dtstart", event.starts_at.astimezone(edition.zone))
    item.add("dtend", event.ends_at.astimezone(edition.zone))
    item.add("summary", i18n.bi(event, "title"))
    where = ", ".join(p for p in (place(event), i18n.bi(edition, "venue")) if p)
    if where:
        item.add("location", where)
    if i18n.bi(event, "text"):
        item.add("description", i18n.bi(event, "text"))
    if event.state == "cancelled":
        item.add("status", "CANCELLED")
    if url:
        item.add("url", url)
    out = Calendar()
    out.add("prodid", "-//expo-crm//events//")
    out.add("version", "2.0")
    out.add("method", "PUBLISH")
    out.add_component(item)
    out.add_missing_timezones()
    return bytes(out.to_ical())
