"""The programme for visitors: public, and on the visitor's own page, where it is booked."""

from __future__ import annotations

import itertools
from typing import Any

from flask import Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.lib import clock
from expo_crm.onsite import queries_events as queries
from expo_crm.onsite.domain import events as rules
from expo_crm.onsite.domain.events import BookingState
from expo_crm.onsite.models import ConcurrentEvent, EventBooking
from expo_crm.onsite.services import event_mails, events
from expo_crm.onsite.services.events import EventError
from expo_crm.onsite.views.events import words
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import links
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import public


@public()
def programme() -> ResponseReturnValue:
    """What takes place beside the exhibition, for everybody. Booking needs a registration."""
    now = clock.now()
    levels = queries.fill_levels(g.edition.id, now, states=("published", "cancelled"))
    return render_template("onsite/programme.html", days=_by_day(levels), now=now, place=event_mails.place, span=_span)


@public()
def calendar(event_id: int) -> ResponseReturnValue:
    """The calendar file of one published event."""
    found = queries.find_event(g.edition.id, event_id)
    if found is None or found.state == "draft":
        abort(404)
    return _file(event_mails.calendar_file(found, found.edition), found)


def _by_day(levels: list[Any]) -> list[tuple[Any, list[Any]]]:
    return [
        (day, list(group))
        for day, group in itertools.groupby(levels, lambda f: clock.local_day(f.event.starts_at, g.edition.timezone))
    ]


def _span(event: ConcurrentEvent) -> str:
    return event_mails.span(event.starts_at, event.ends_at, g.edition)


def _file(body: bytes, event: ConcurrentEvent) -> Response:
    return Response(
        body, mimetype="text/calendar", headers={"Content-Disposition": f'attachment; filename="event-{event.id}.ics"'}
    )


# -- the visitor's own page --------------------------------------------------------------------------------------------


def _load(token: str) -> Registration:
    found = visitors.find_by_token(token)
    if found is None:
        abort(404)
    g.edition = found.edition
    return found


def _load_event(registration: Registration, event_id: int) -> ConcurrentEvent:
    found = queries.find_event(registration.edition_id, event_id)
    if found is None or found.state == "draft":
        abort(404)
    return found


@public()
def panel(token: str) -> ResponseReturnValue:
    """My events and the programme; a fragment for htmx, a page without scripts."""
    mine = _load(token)
    now = clock.now()
    bookings = queries.list_bookings_of(mine.id)
    by_event = {b.event_id: b for b in bookings}
    levels = [f for f in queries.fill_levels(g.edition.id, now) if f.event.ends_at > now and f.event.id not in by_event]
    fitting = [f for f in levels if not f.event.classes or mine.visitor_class.code in f.event.classes]
    name = "onsite/programme_panel.html" if request.headers.get("HX-Request") else "onsite/programme_page.html"
    return render_template(
        name,
        token=token,
        registration=mine,
        bookings=bookings,
        ranks=queries.ranks_of(bookings),
        days=_by_day(fitting),
        clashes={f.event.id: clashes for f in fitting if (clashes := _clashes(f.event, bookings))},
        may_book=mine.state == "approved",
        now=now,
        place=event_mails.place,
        span=_span,
    )


def _clashes(event: ConcurrentEvent, bookings: list[EventBooking]) -> list[str]:
    """Titles of what this visitor has booked at the same time."""
    span = (event.starts_at, event.ends_at)
    return [
        i18n.bi(b.event, "title")
        for b in bookings
        if b.event_id != event.id
        and b.event.state == "published"
        and rules.overlaps(span, (b.event.starts_at, b.event.ends_at))
    ]


@public()
def book(token: str, event_id: int) -> ResponseReturnValue:
    """Book, take an offered place, or cancel. What overlaps is said first and booked only with a second yes."""
    mine = _load(token)
    found = _load_event(mine, event_id)
    action = request.form.get("action", "book")
    if action not in ("book", "accept", "cancel"):
        abort(422)
    try:
        if action == "book":
            page = _overlap(mine, found, token)
            if page is not None:
                return page
            _say_booked(events.book(found, mine), found)
        else:
            _change(mine, found, action)
    except EventError as error:
        raise Refused(words(error), 409) from None
    return redirect(url_for("visitors.ticket", token=token) + "#events")


def _overlap(mine: Registration, found: ConcurrentEvent, token: str) -> ResponseReturnValue | None:
    """The question whether to book although something else is at the same time."""
    if request.form.get("anyway") == "1":
        return None
    clashes = _clashes(found, queries.list_bookings_of(mine.id))
    clashes += [
        _("Meeting with %(company)s", company=i18n.bi(m.participation.company))
        for m in queries.meetings_between(mine.id, found.starts_at, found.ends_at)
    ]
    if not clashes:
        return None
    page = render_template(
        "onsite/programme_overlap.html", event=found, token=token, clashes=clashes, when=_span(found), place=event_mails.place(found)
    )  # fmt: skip
    return page, 409


def _change(mine: Registration, found: ConcurrentEvent, action: str) -> None:
    booking = queries.find_booking(found.id, mine.id)
    if booking is None:
        abort(404)
    if action == "accept":
        events.accept(booking)
        _say_booked(booking, found)
    else:
        events.cancel(booking)
        flash(_("Your booking is cancelled."), "success")


def _say_booked(booking: EventBooking, found: ConcurrentEvent) -> None:
    title = i18n.bi(found, "title")
    if booking.state == BookingState.WAITING:
        rank = queries.ranks_of([booking]).get(booking.id, booking.position)
        flash(
            _(
                "All places of “%(title)s” are taken. You are number %(rank)s on the waiting list.",
                title=title,
                rank=rank,
            ),
            "info",
        )
    else:
        flash(_("You have a place at “%(title)s”.", title=title), "success")


@public()
def own_calendar(token: str, event_id: int) -> ResponseReturnValue:
    """The calendar file of a booked event, with the link to the visitor's page."""
    mine = _load(token)
    found = _load_event(mine, event_id)
    return _file(event_mails.calendar_file(found, mine.edition, url=links.page_url(mine)), found)
