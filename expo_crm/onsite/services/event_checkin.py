"""At the door of an event: one reading becomes one answer and one row in the log, however often it is sent."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite import queries_events as queries
from expo_crm.onsite.domain import events as rules
from expo_crm.onsite.domain.events import ASKS, LETS_IN, BookingState, DoorFacts, Outcome
from expo_crm.onsite.models import ConcurrentEvent, EventBooking, EventCheckin
from expo_crm.onsite.services import badge_reader, events
from expo_crm.visitors.models import Registration

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class CheckinError(Exception):
    """``code``: uuid (none, or of another form), reused (the same one came with another content), state (nothing to undo)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """What the door is told. ``registration`` is whose badge it is, where that is known."""

    outcome: Outcome
    registration: Registration | None
    booking: EventBooking | None
    checkin_id: int
    replayed: bool = False

    @property
    def asks(self) -> bool:
        return self.outcome in ASKS


def check_in(
    event: ConcurrentEvent,
    *,
    user_id: int,
    client_uuid: str,
    code: str = "",
    registration: Registration | None = None,
    agreed: bool = False,
) -> Answer:
    """Decide on a badge that was read (``code``) or a registration that was found by hand, and log it.

    The same ``client_uuid`` of the same person gets the first answer again. Raises CheckinError("uuid", "reused").
    """
    client_uuid = client_uuid.strip().lower()
    if not _UUID.fullmatch(client_uuid):
        raise CheckinError("uuid")
    origin = f"u{user_id}"
    content = f"{event.id}\0{code}\0{registration.id if registration else ''}\0{agreed}"
    body_hash = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    # The lock also makes two copies of one reading wait for each other.
    events.lock(event)
    known = db.session.scalar(
        select(EventCheckin).where(EventCheckin.origin == origin, EventCheckin.client_uuid == client_uuid)
    )
    if known is not None:
        if known.body_hash != body_hash:
            raise CheckinError("reused")
        return _replay(known)
    now = clock.now()
    fault, badge_id = "", None
    if registration is None:
        read = badge_reader.read(event.edition_id, code)
        fault, badge_id = read.fault, read.badge.id if read.badge else None
        registration = read.badge.registration if read.badge else None
        if not fault and registration is None:
            fault = Outcome.NO_REGISTRATION.value
    if not fault and registration is not None and registration.state != "approved":
        fault = Outcome.NOT_APPROVED.value
    booking = queries.find_booking(event.id, registration.id) if registration else None
    outcome = rules.decide(_facts(event, registration, booking, fault, agreed), now)
    if outcome in LETS_IN:
        assert registration is not None
        booking = _let_in(event, registration, booking, outcome)
    row = EventCheckin(
        event_id=event.id, booking_id=booking.id if booking else None, badge_id=badge_id, origin=origin, client_uuid=client_uuid,
        body_hash=body_hash, user_id=user_id, outcome=outcome.value, at=now,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return Answer(outcome, registration, booking, row.id)


def _facts(
    event: ConcurrentEvent, registration: Registration | None, booking: EventBooking | None, fault: str, agreed: bool
) -> DoorFacts:
    now = clock.now()
    fits = not event.classes or (registration is not None and registration.visitor_class.code in event.classes)
    return DoorFacts(
        event_state=event.state,
        window=rules.window(event.starts_at, event.ends_at, event.checkin_before, event.checkin_after),
        places=queries.places_of_one(event, now),
        fault=fault,
        booking=booking.state if booking and booking.state != BookingState.CANCELLED else "",
        offered=booking is not None and booking.offered_until is not None and booking.offered_until > now,
        class_fits=fits,
        walk_in=event.walk_in,
        agreed=agreed,
    )


def _let_in(
    event: ConcurrentEvent, registration: Registration, booking: EventBooking | None, outcome: Outcome
) -> EventBooking:
    now = clock.now()
    if booking is None:
        booking = EventBooking(event=event, registration=registration, state="cancelled", booked_at=now)
        db.session.add(booking)
    if outcome is Outcome.WALK_IN:
        booking.source, booking.booked_at, booking.cancelled_at = "walk_in", now, None
    booking.state, booking.position, booking.offered_until = BookingState.ATTENDED.value, None, None
    booking.attended_at = now
    db.session.flush()
    return booking


def undo(booking: EventBooking, *, user_id: int, reason: str = "") -> None:
    """Take a check-in back: the place stays booked, a walk-in has none. Raises CheckinError("state")."""
    events.lock(booking.event)
    db.session.refresh(booking, ["state", "attended_at", "source"])
    if booking.state != BookingState.ATTENDED:
        raise CheckinError("state")
    walked_in = booking.source == "walk_in"
    booking.state = BookingState.CANCELLED.value if walked_in else BookingState.BOOKED.value
    booking.cancelled_at = clock.now() if walked_in else None
    booking.attended_at = None
    db.session.add(
        EventCheckin(
            event_id=booking.event_id,
            booking_id=booking.id,
            origin=f"u{user_id}",
            client_uuid=str(uuid.uuid4()),
            body_hash="",
            user_id=user_id,
            outcome=Outcome.UNDONE.value,
            at=clock.now(),
        )
    )
    db.session.flush()
    audit.record(
        "event_booking.undo_check_in", "event_booking", booking.id, edition_id=booking.event.edition_id,
        changes={"state": ["attended", booking.state]}, reason=reason,
    )  # fmt: skip


def _replay(row: EventCheckin) -> Answer:
    booking = None
    if row.booking_id:
        booking = db.session.scalar(
            select(EventBooking).where(EventBooking.id == row.booking_id).options(joinedload(EventBooking.registration))
        )
    return Answer(Outcome(row.outcome), booking.registration if booking else None, booking, row.id, replayed=True)
