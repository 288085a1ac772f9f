"""Mails about meetings, to the visitor and to the exhibitor's main contact."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from icalendar import Calendar, Event

from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.lib import clock
from expo_crm.matchmaking.models import Meeting
from expo_crm.messaging import services as messaging
from expo_crm.shows.models import Edition
from expo_crm.visitors.services import links
from expo_crm.web import i18n


def tell_request(meeting: Meeting, token: str) -> None:
    """The other side is asked; what the organizer proposes, the visitor is asked."""
    if meeting.asked_by == "visitor":
        _to_exhibitor(meeting, "matchmaking_request")
    else:
        _to_visitor(meeting, "matchmaking_request", link=_absolute("matchmaking.answer", token=token))


def tell_answer(meeting: Meeting, side: str) -> None:
    """Whoever did not answer reads the answer."""
    if side != "visitor":
        _to_visitor(meeting, "matchmaking_answer")
    if side != "exhibitor":
        _to_exhibitor(meeting, "matchmaking_answer")


def tell_schedule(meeting: Meeting) -> None:
    _to_visitor(meeting, "matchmaking_scheduled", calendar=True)
    _to_exhibitor(meeting, "matchmaking_scheduled", calendar=True)


def tell_cancelled(meeting: Meeting, side: str) -> None:
    if side != "visitor":
        _to_visitor(meeting, "matchmaking_cancelled")
    if side != "exhibitor":
        _to_exhibitor(meeting, "matchmaking_cancelled")


def _to_visitor(meeting: Meeting, template: str, *, link: str = "", calendar: bool = False) -> None:
    registration = meeting.registration
    if not registration.person.email:
        return
    _queue(
        meeting, template, registration.person.email, registration.name, registration.locale, calendar=calendar,
        to="visitor", link=link or links.page_url(registration), person_id=registration.person_id,
    )  # fmt: skip


def _to_exhibitor(meeting: Meeting, template: str, *, calendar: bool = False) -> None:
    contact = directory.find_main_contact(meeting.participation.company_id)
    if contact is None or not contact.email:
        return
    portal = "exhibitors.portal_home" in current_app.view_functions
    _queue(
        meeting, template, contact.email, contact.name, contact.locale, calendar=calendar, to="exhibitor",
        link=_absolute("exhibitors.portal_home") if portal else "", company_id=meeting.participation.company_id,
    )  # fmt: skip


def _queue(
    meeting: Meeting,
    template: str,
    email: str,
    name: str,
    locale: str,
    *,
    to: str,
    link: str,
    calendar: bool,
    **more: Any,
) -> None:
    edition = db.session.get_one(Edition, meeting.edition_id)
    files = []
    with i18n.in_locale(locale):
        if calendar:
            files = [messaging.attachment("meeting.ics", "text/calendar", calendar_file(meeting, edition, to))]
        when = _when(meeting, edition)
    messaging.queue(
        template,
        to_email=email,
        to_name=name,
        locale=locale,
        context={"meeting": meeting, "edition": edition, "to": to, "name": name, "link": link, "when": when},
        attachments=files,
        edition_id=edition.id,
        **more,
    )


def _when(meeting: Meeting, edition: Edition) -> str:
    """Date and time on the venue's clock, whoever sends the mail."""
    if not meeting.starts_at or not meeting.ends_at:
        return ""
    start, end = meeting.starts_at.astimezone(edition.zone), meeting.ends_at.astimezone(edition.zone)
    return f"{start:%Y-%m-%d %H:%M}–{end:%H:%M}"


def calendar_file(meeting: Meeting, edition: Edition, to: str) -> bytes:
    """The meeting as a calendar entry in the venue's time zone; the same uid again moves the entry."""
    event = Event()
    event.add("uid", f"meeting-{meeting.id}@expo-crm")
    event.add("dtstamp", clock.now())
    if meeting.starts_at and meeting.ends_at:
        event.add("dtstart", meeting.starts_at.astimezone(edition.zone))
        event.add("dtend", meeting.ends_at.astimezone(edition.zone))
    other = i18n.bi(meeting.participation.company) if to == "visitor" else meeting.registration.name
    event.add("summary", f"{other} · {i18n.bi(edition)}")
    event.add("location", ", ".join(p for p in (meeting.place, i18n.bi(edition, "venue")) if p))
    out = Calendar()
    out.add("prodid", "-//expo-crm//matchmaking//")
    out.add("version", "2.0")
    out.add("method", "PUBLISH")
    out.add_component(event)
    out.add_missing_timezones()
    return bytes(out.to_ical())


def _absolute(endpoint: str, **values: Any) -> str:
    base: str = current_app.config["SETTINGS"].base_url
    return base + url_for(endpoint, **values)
