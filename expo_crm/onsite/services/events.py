"""Concurrent events: planned, published, booked, called off. Places are given under the lock of the event's row, one after the other."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from expo_crm import jobs as ledger
from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.jobs import services as jobs
from expo_crm.lib import clock, text
from expo_crm.onsite import queries_events as queries
from expo_crm.onsite.domain import events as rules
from expo_crm.onsite.domain.events import BookingState, EventState, Refusal
from expo_crm.onsite.models import ConcurrentEvent, EventBooking
from expo_crm.onsite.services import event_mails
from expo_crm.shows.models import Edition, Hall
from expo_crm.shows.services import editions
from expo_crm.visitors.models import Registration

MAIL_JOB = "onsite.event_mails"
OFFERS_JOB = "onsite.event_offers"
FIELDS = (
    "hall_id", "title_zh", "title_en", "text_zh", "text_en", "room_zh", "room_en", "speakers_zh", "speakers_en", "starts_at", "ends_at",
    "capacity", "classes", "checkin_before", "checkin_after", "walk_in", "offer_hours",
)  # fmt: skip
_TOLD = ("starts_at", "ends_at", "hall_id", "room_zh", "room_en")  # a change of these is told to who has booked
_LOCKED = [*FIELDS, "state"]


class EventError(Exception):
    """Refused by a rule. ``code``: a ``Refusal``, or "state" (not from here), "has_bookings", "too_small" (fewer places than people
    in the room), "times". ``facts`` for the message."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = str(code), facts


def init_app(app: Flask) -> None:
    """Background work, and the programme of the next edition."""
    ledger.register(app, MAIL_JOB, lambda payload, progress: tell_all(payload, progress))
    ledger.register(app, OFFERS_JOB, lambda _payload, _progress: {"lapsed": lapse_offers()})
    editions.register_cloner(app, "events", clone_events)


# -- planning --------------------------------------------------------------------------------------------------------


def create(edition: Edition, **fields: Any) -> ConcurrentEvent:
    """A draft. ``fields`` as ``FIELDS``; times aware. Raises EventError("times")."""
    _check(fields["starts_at"], fields["ends_at"])
    event = ConcurrentEvent(edition_id=edition.id, state="draft", created_at=clock.now(), **_clean(fields))
    db.session.add(event)
    db.session.flush()
    audit.record(
        "event.create", "event", event.id, edition_id=edition.id,
        changes={"title": event.title_zh or event.title_en, "starts_at": event.starts_at.isoformat()},
    )  # fmt: skip
    return event


def update(event: ConcurrentEvent, **fields: Any) -> None:
    """Change an event. Who has booked is told of another time or room; more places move the waiting list up.

    Raises EventError("times"), EventError("too_small", taken=…) when more people have a place than it would have.
    """
    _check(fields.get("starts_at", event.starts_at), fields.get("ends_at", event.ends_at))
    now = clock.now()
    lock(event)
    places = queries.places_of_one(event, now)
    # Who moved up while others were late may be too many already; the other fields can be changed all the same.
    if fields.get("capacity", event.capacity) < min(places.taken, event.capacity):
        raise EventError("too_small", taken=places.taken)
    wanted = _clean(fields)
    before = {name: getattr(event, name) for name in wanted}
    moved = audit.diff(before, wanted)
    if not moved:
        return
    for name, value in wanted.items():
        setattr(event, name, value)
    db.session.flush()
    audit.record("event.update", "event", event.id, edition_id=event.edition_id, changes=_plain(moved))
    if event.state == EventState.PUBLISHED:
        if any(name in moved for name in _TOLD) and event.ends_at > now:
            jobs.enqueue(MAIL_JOB, {"event_id": event.id, "kind": "changed"})
        move_up(event)


def publish(event: ConcurrentEvent) -> None:
    """From now on visitors see and book it. Raises EventError("state")."""
    lock(event)
    if event.state == EventState.PUBLISHED:
        return
    if event.state != EventState.DRAFT:
        raise EventError("state")
    _move(event, EventState.PUBLISHED, "publish")


def call_off(event: ConcurrentEvent, reason: str) -> None:
    """It does not take place; who has booked or waits gets a mail. Raises EventError("state") for one that was called off."""
    lock(event)
    if event.state == EventState.CANCELLED:
        raise EventError("state")
    reason = text.clean(reason, limit=300)
    _move(event, EventState.CANCELLED, "cancel", reason=reason)
    jobs.enqueue(MAIL_JOB, {"event_id": event.id, "kind": "called_off", "reason": reason})


def delete(event: ConcurrentEvent) -> None:
    """Take back a draft that nobody has booked. Raises EventError("state", "has_bookings")."""
    lock(event)
    if event.state != EventState.DRAFT:
        raise EventError("state")
    if db.session.scalar(select(func.count()).where(EventBooking.event_id == event.id)):
        raise EventError("has_bookings")
    audit.record("event.delete", "event", event.id, edition_id=event.edition_id, changes={"title": event.title_zh})
    db.session.delete(event)
    db.session.flush()


def clone_events(previous: Edition, edition: Edition) -> None:
    """The programme of the last edition as drafts of the next: the same day of the show, the same hour, no bookings."""
    halls = {h.code: h.id for h in db.session.scalars(select(Hall).where(Hall.edition_id == edition.id))}
    for old in queries.list_events(previous.id, states=("draft", "published")):
        values = {name: getattr(old, name) for name in FIELDS}
        for name in ("starts_at", "ends_at"):
            values[name] = rules.moved(values[name], previous.starts_on, edition.starts_on, previous.zone, edition.zone)
        values |= {
            "hall_id": halls.get(old.hall.code) if old.hall else None,
            "classes": list(old.classes),
            "speakers_zh": "",  # other people speak next time
            "speakers_en": "",
        }
        db.session.add(ConcurrentEvent(edition_id=edition.id, state="draft", created_at=clock.now(), **values))
    db.session.flush()


def _check(starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    if not starts_at < ends_at or ends_at - starts_at > dt.timedelta(days=2):
        raise EventError("times")


def _clean(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise TypeError(f"no such event fields: {sorted(unknown)}")
    out = dict(fields)
    for name, value in fields.items():
        if isinstance(value, str):
            long = name.startswith(("text_", "speakers_"))
            out[name] = text.clean(value, multiline=long, limit=10_000 if long else 300)
    for one, other in (("title_zh", "title_en"), ("title_en", "title_zh")):
        if one in out and text.is_blank(out[one]):
            out[one] = out.get(other, "")
    return out


def _plain(moved: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {
        name: [v.isoformat() if isinstance(v, dt.datetime) else v for v in values] for name, values in moved.items()
    }


def _move(event: ConcurrentEvent, state: EventState, verb: str, *, reason: str = "") -> None:
    before, event.state = event.state, state.value
    db.session.flush()
    audit.record(
        f"event.{verb}", "event", event.id, edition_id=event.edition_id, changes={"state": [before, state.value]}, reason=reason
    )  # fmt: skip


def lock(event: ConcurrentEvent) -> None:
    """Whoever gives or takes a place of this event waits here for the others, and then sees what they have done."""
    db.session.flush()
    db.session.refresh(event, attribute_names=_LOCKED, with_for_update={"of": ConcurrentEvent, "key_share": True})


# -- places ----------------------------------------------------------------------------------------------------------


def book(
    event: ConcurrentEvent, registration: Registration, *, source: str = "visitor", now: dt.datetime | None = None, mail: bool = True
) -> EventBooking:  # fmt: skip
    """A place, or the end of the waiting list when all are taken. A second booking of the same pair changes nothing.

    Raises EventError with a ``Refusal``.
    """
    now = now or clock.now()
    if registration.edition_id != event.edition_id:
        raise EventError(Refusal.OTHER_EDITION)
    lock(event)
    refusal = rules.refuse_booking(
        state=event.state, ends_at=event.ends_at, classes=event.classes, registration_state=registration.state,
        class_code=registration.visitor_class.code, now=now,
    )  # fmt: skip
    if refusal is not None:
        raise EventError(refusal)
    _lapse(event, now)
    found = queries.find_booking(event.id, registration.id)
    if found is not None and found.state != BookingState.CANCELLED:
        return found
    if found is None:
        found = EventBooking(event=event, registration=registration, state="cancelled", booked_at=now)
        db.session.add(found)
    places = queries.places_of_one(event, now)
    # Nobody overtakes the queue: a place that is free while people wait is on its way to one of them.
    has_place = places.free > 0 and not places.waiting
    found.position = None if has_place else queries.last_position(event.id) + 1
    found.state = BookingState.BOOKED.value if has_place else BookingState.WAITING.value
    found.source, found.booked_at = source, now
    found.offered_until = found.moved_up_at = found.cancelled_at = None
    db.session.flush()
    _record(found, "book", found.state)
    if mail:
        event_mails.tell(found, "booked" if has_place else "waiting")
    return found


def accept(booking: EventBooking, *, now: dt.datetime | None = None) -> None:
    """Take the place that is offered. Raises EventError("no_offer") when the offer has lapsed."""
    now = now or clock.now()
    lock(booking.event)
    _again(booking)
    if booking.state == BookingState.BOOKED:
        return
    if booking.state != BookingState.WAITING or booking.offered_until is None or booking.offered_until <= now:
        raise EventError(Refusal.NO_OFFER)
    _give(booking, now)
    _record(booking, "accept", booking.state)
    event_mails.tell(booking, "booked")


def cancel(booking: EventBooking, *, by: str = "visitor", reason: str = "", now: dt.datetime | None = None) -> None:
    """Give the place or the rank back; the next in the queue moves up. Raises EventError("attended")."""
    now = now or clock.now()
    event = booking.event
    lock(event)
    _again(booking)
    if booking.state == BookingState.CANCELLED:
        return
    if booking.state == BookingState.ATTENDED:
        raise EventError(Refusal.ATTENDED)
    _drop(booking, now, reason=reason)
    if by == "staff":
        event_mails.tell(booking, "removed", reason=reason)
    move_up(event, now=now, locked=True)


def cancel_of(registration: Registration) -> None:
    """A visitor who is not coming has no place at any event."""
    # Everybody locks events in one order, so that two of these never wait for each other.
    for booking in sorted(queries.list_bookings_of(registration.id), key=lambda b: b.event_id):
        if booking.state != BookingState.ATTENDED:
            cancel(booking, by="registration")


def move_up(event: ConcurrentEvent, *, now: dt.datetime | None = None, locked: bool = False) -> int:
    """Give free places to the next in the waiting list, each with a mail; returns how many. Nobody moves up once it has begun."""
    now = now or clock.now()
    if not locked:
        lock(event)
    _lapse(event, now)
    if event.state != EventState.PUBLISHED or now >= event.starts_at:
        return 0
    free = queries.places_of_one(event, now).free
    following = queries.list_waiting(event.id, free) if free else []
    until = rules.offer_until(now, event.starts_at, event.offer_hours)
    for booking in following:
        if until is None:
            _give(booking, now)
        else:
            booking.offered_until = until
        db.session.flush()
        _record(booking, "move_up" if until is None else "offer", booking.state)
        event_mails.tell(booking, "moved_up" if until is None else "offered")
    return len(following)


def lapse_offers() -> int:
    """Offers that nobody took go to the next in the queue. Returns how many had lapsed."""
    now = clock.now()
    lapsed = queries.list_lapsed(now)
    for event in {b.event.id: b.event for b in lapsed}.values():
        move_up(event, now=now)
    return len(lapsed)


def _lapse(event: ConcurrentEvent, now: dt.datetime) -> None:
    """Under the event's lock: who did not take the offered place in time has left the queue."""
    for booking in db.session.scalars(
        select(EventBooking).where(
            EventBooking.event_id == event.id, EventBooking.state == "waiting", EventBooking.offered_until <= now
        )
    ).all():
        _drop(booking, now, reason="offer lapsed")


def _give(booking: EventBooking, now: dt.datetime) -> None:
    booking.state, booking.position, booking.offered_until = BookingState.BOOKED.value, None, None
    booking.moved_up_at = now
    db.session.flush()


def _drop(booking: EventBooking, now: dt.datetime, *, reason: str = "") -> None:
    before = booking.state
    booking.state, booking.position, booking.offered_until = BookingState.CANCELLED.value, None, None
    booking.cancelled_at = now
    db.session.flush()
    _record(booking, "cancel", booking.state, before=before, reason=text.clean(reason, limit=300))


def _again(booking: EventBooking) -> None:
    """Read the booking anew after waiting for the lock."""
    db.session.refresh(booking, ["state", "position", "offered_until", "moved_up_at", "attended_at", "cancelled_at"])


def _record(booking: EventBooking, verb: str, state: str, *, before: str = "", reason: str = "") -> None:
    audit.record(
        f"event_booking.{verb}", "event_booking", booking.id, edition_id=booking.event.edition_id,
        changes={"event": booking.event_id, "registration": booking.registration_id, "state": [before, state]}, reason=reason,
    )  # fmt: skip


# -- mails to everybody ----------------------------------------------------------------------------------------------


def tell_all(payload: dict[str, Any], progress: Any) -> dict[str, int]:
    """The mails of a change or of calling off, in the background."""
    event = db.session.get(ConcurrentEvent, payload["event_id"])
    if event is None:
        return {"mails": 0}
    bookings = queries.list_bookings_in(event.id, ("booked", "waiting"))
    done = 0
    for number, booking in enumerate(bookings, 1):
        done += event_mails.tell(booking, payload["kind"], reason=payload.get("reason", ""))
        if number % 50 == 0:
            progress(number, len(bookings))
    return {"mails": done}
