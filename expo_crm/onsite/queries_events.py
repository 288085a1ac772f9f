"""Reading concurrent events, their bookings and what happened at their doors; always within an edition or a parent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from expo_crm.db import db
from expo_crm.matchmaking.models import Meeting
from expo_crm.onsite.domain.events import Places
from expo_crm.onsite.models import ConcurrentEvent, EventBooking, EventCheckin
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration


def find_event(edition_id: int, event_id: int) -> ConcurrentEvent | None:
    return db.session.scalar(
        select(ConcurrentEvent)
        .where(ConcurrentEvent.edition_id == edition_id, ConcurrentEvent.id == event_id)
        .options(joinedload(ConcurrentEvent.hall), joinedload(ConcurrentEvent.edition).joinedload(Edition.show))
    )


def list_events(
    edition_id: int, *, states: Iterable[str] = ("draft", "published", "cancelled")
) -> list[ConcurrentEvent]:
    """By time."""
    return list(
        db.session.scalars(
            select(ConcurrentEvent)
            .where(ConcurrentEvent.edition_id == edition_id, ConcurrentEvent.state.in_(tuple(states)))
            .options(joinedload(ConcurrentEvent.hall))
            .order_by(ConcurrentEvent.starts_at, ConcurrentEvent.id)
        )
    )


def event_list(edition_id: int) -> Select[Any]:
    """For ``listing.build``."""
    return (
        select(ConcurrentEvent)
        .where(ConcurrentEvent.edition_id == edition_id)
        .options(joinedload(ConcurrentEvent.hall))
    )


def has_public(edition_id: int) -> bool:
    """Whether the edition has a programme to show."""
    return db.session.scalar(
        select(ConcurrentEvent.id)
        .where(ConcurrentEvent.edition_id == edition_id, ConcurrentEvent.state == "published")
        .limit(1)
    ) is not None  # fmt: skip


def _offered(now: dt.datetime) -> ColumnElement[bool]:
    return and_(EventBooking.state == "waiting", EventBooking.offered_until > now)


def places_of(events: Iterable[ConcurrentEvent], now: dt.datetime) -> dict[int, Places]:
    """How full each of these events is, in one statement."""
    wanted = {event.id: event.capacity for event in events}
    if not wanted:
        return {}

    def count(condition: ColumnElement[bool]) -> Any:
        return func.sum(case((condition, 1), else_=0))

    rows = db.session.execute(
        select(
            EventBooking.event_id,
            count(EventBooking.state == "booked"),
            count(EventBooking.state == "attended"),
            count(_offered(now)),
            count(EventBooking.state == "waiting"),
        )
        .where(EventBooking.event_id.in_(wanted))
        .group_by(EventBooking.event_id)
    )
    out = {event_id: Places(capacity) for event_id, capacity in wanted.items()}
    for event_id, booked, attended, offered, waiting in rows:
        out[event_id] = Places(wanted[event_id], int(booked), int(attended), int(offered), int(waiting) - int(offered))
    return out


def places_of_one(event: ConcurrentEvent, now: dt.datetime) -> Places:
    return places_of([event], now)[event.id]


def find_booking(event_id: int, registration_id: int) -> EventBooking | None:
    return db.session.scalar(
        select(EventBooking).where(EventBooking.event_id == event_id, EventBooking.registration_id == registration_id)
    )


def find_booking_of(event_id: int, booking_id: int) -> EventBooking | None:
    return db.session.scalar(
        select(EventBooking)
        .where(EventBooking.event_id == event_id, EventBooking.id == booking_id)
        .options(
            joinedload(EventBooking.registration).joinedload(Registration.person),
            joinedload(EventBooking.registration).joinedload(Registration.visitor_class),
        )
    )


def booking_list(event_id: int) -> Select[Any]:
    """Bookings with their registrations, for ``listing.build``."""
    return (
        select(EventBooking)
        .join(EventBooking.registration)
        .where(EventBooking.event_id == event_id)
        .options(
            contains_eager(EventBooking.registration).joinedload(Registration.visitor_class),
            contains_eager(EventBooking.registration).joinedload(Registration.person),
        )
    )


def list_bookings_of(registration_id: int) -> list[EventBooking]:
    """What a visitor has booked or waits for, with the events."""
    return list(
        db.session.scalars(
            select(EventBooking)
            .join(EventBooking.event)
            .where(EventBooking.registration_id == registration_id, EventBooking.state != "cancelled")
            .options(contains_eager(EventBooking.event).joinedload(ConcurrentEvent.hall))
            .order_by(ConcurrentEvent.starts_at)
        )
    )


def list_bookings_in(event_id: int, states: Iterable[str]) -> list[EventBooking]:
    """With person and edition, as a mail to each of them needs it."""
    return list(
        db.session.scalars(
            select(EventBooking)
            .where(EventBooking.event_id == event_id, EventBooking.state.in_(tuple(states)))
            .options(
                joinedload(EventBooking.registration).joinedload(Registration.person),
                joinedload(EventBooking.registration).joinedload(Registration.edition).joinedload(Edition.show),
            )
            .order_by(EventBooking.id)
        )
    )


def list_waiting(event_id: int, limit: int) -> list[EventBooking]:
    """The next in the queue to whom no place was offered."""
    return list(
        db.session.scalars(
            select(EventBooking)
            .where(
                EventBooking.event_id == event_id, EventBooking.state == "waiting", EventBooking.offered_until.is_(None)
            )
            .options(
                joinedload(EventBooking.registration).joinedload(Registration.person),
                joinedload(EventBooking.registration).joinedload(Registration.edition).joinedload(Edition.show),
            )
            .order_by(EventBooking.position, EventBooking.id)
            .limit(limit)
        )
    )


def ranks_of(bookings: Iterable[EventBooking]) -> dict[int, int]:
    """How many stand in the queue up to and with each of these waiting bookings: 1 is the next. In one statement."""
    waiting = [b for b in bookings if b.state == "waiting" and b.position is not None]
    if not waiting:
        return {}
    ahead = EventBooking.__table__.alias("ahead")
    rows = db.session.execute(
        select(EventBooking.id, func.count())
        .select_from(EventBooking)
        .join(
            ahead,
            and_(
                ahead.c.event_id == EventBooking.event_id,
                ahead.c.state == "waiting",
                or_(
                    ahead.c.position < EventBooking.position,
                    and_(ahead.c.position == EventBooking.position, ahead.c.id <= EventBooking.id),
                ),
            ),
        )
        .where(EventBooking.id.in_([b.id for b in waiting]))
        .group_by(EventBooking.id)
    )
    return {row[0]: row[1] for row in rows}


def last_position(event_id: int) -> int:
    return db.session.scalar(select(func.max(EventBooking.position)).where(EventBooking.event_id == event_id)) or 0


def list_lapsed(now: dt.datetime) -> list[EventBooking]:
    """Offers of a place that nobody took in time."""
    return list(
        db.session.scalars(
            select(EventBooking)
            .where(EventBooking.state == "waiting", EventBooking.offered_until <= now)
            .options(joinedload(EventBooking.event))
            .order_by(EventBooking.event_id, EventBooking.id)
            .limit(1000)
        )
    )


def meetings_between(registration_id: int, starts_at: dt.datetime, ends_at: dt.datetime) -> list[Meeting]:
    """Scheduled meetings of a visitor in this span."""
    return list(
        db.session.scalars(
            select(Meeting).where(
                Meeting.registration_id == registration_id,
                Meeting.state == "scheduled",
                Meeting.starts_at < ends_at,
                Meeting.ends_at > starts_at,
            )
        )
    )


def list_checkins(event_id: int, limit: int = 12) -> list[Any]:
    """The last readings at an event's door: rows of (check-in, registration or None), newest first."""
    return list(
        db.session.execute(
            select(EventCheckin, Registration)
            .outerjoin(EventBooking, EventBooking.id == EventCheckin.booking_id)
            .outerjoin(Registration, Registration.id == EventBooking.registration_id)
            .where(EventCheckin.event_id == event_id)
            .order_by(EventCheckin.at.desc(), EventCheckin.id.desc())
            .limit(limit)
        )
    )


def search_registrations(edition_id: int, words: str, limit: int = 8) -> list[Registration]:
    """Approved registrations by name, pinyin, company or number, for the door and for staff who book for somebody."""
    from expo_crm.web import listing

    return list(
        db.session.scalars(
            select(Registration)
            .where(
                Registration.edition_id == edition_id,
                Registration.state == "approved",
                listing.contains(Registration.search_key, words),
            )
            .options(joinedload(Registration.visitor_class))
            .order_by(Registration.sort_key, Registration.id)
            .limit(limit)
        )
    )


def bookings_by_registration(event_id: int, registration_ids: Iterable[int]) -> dict[int, EventBooking]:
    wanted = list(registration_ids)
    if not wanted:
        return {}
    rows = db.session.scalars(
        select(EventBooking).where(EventBooking.event_id == event_id, EventBooking.registration_id.in_(wanted))
    )
    return {b.registration_id: b for b in rows}


@dataclass(frozen=True, slots=True)
class EventFill:
    """An event as the board of fill levels shows it."""

    event: ConcurrentEvent
    places: Places


def fill_levels(edition_id: int, now: dt.datetime, *, states: Iterable[str] = ("published",)) -> list[EventFill]:
    """Every event with its places, by time, in two statements."""
    events = list_events(edition_id, states=states)
    places = places_of(events, now)
    return [EventFill(event, places[event.id]) for event in events]
