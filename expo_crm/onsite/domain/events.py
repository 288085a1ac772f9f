"""Concurrent events: who may book, when the door is open, and what a reading at the door means. No database, no clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_CAPACITY = 20_000
MAX_OFFER_HOURS = 72


class EventState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class BookingState(StrEnum):
    BOOKED = "booked"
    WAITING = "waiting"
    ATTENDED = "attended"
    CANCELLED = "cancelled"


class Refusal(StrEnum):
    """Why a booking is refused."""

    NOT_PUBLISHED = "not_published"
    CALLED_OFF = "called_off"
    OVER = "over"
    NOT_APPROVED = "not_approved"
    WRONG_CLASS = "wrong_class"
    ATTENDED = "attended"
    NO_OFFER = "no_offer"
    OTHER_EDITION = "other_edition"


class Outcome(StrEnum):
    """What a reading at the door ended in. The first three let the person in."""

    ADMITTED = "admitted"
    FROM_WAITING = "from_waiting"
    WALK_IN = "walk_in"
    ALREADY_IN = "already_in"
    ASK_WAITING = "ask_waiting"  # on the waiting list, and a place is free: staff decide
    ASK_WALK_IN = "ask_walk_in"  # not booked, and a place is free: staff decide
    WAITING = "waiting"  # on the waiting list, no place
    FULL = "full"
    NOT_BOOKED = "not_booked"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    CALLED_OFF = "called_off"
    NOT_PUBLISHED = "not_published"
    WRONG_CLASS = "wrong_class"
    WRONG_SHOW = "wrong_show"
    NO_REGISTRATION = "no_registration"  # a badge of stand staff
    NOT_APPROVED = "not_approved"
    UNREADABLE = "unreadable"
    NOT_GENUINE = "not_genuine"
    UNKNOWN = "unknown"
    REPLACED = "replaced"
    BLOCKED = "blocked"
    UNDONE = "undone"  # a check-in taken back by staff


LETS_IN = frozenset({Outcome.ADMITTED, Outcome.FROM_WAITING, Outcome.WALK_IN})
ASKS = frozenset({Outcome.ASK_WAITING, Outcome.ASK_WALK_IN})


@dataclass(frozen=True, slots=True)
class Window:
    """When an event takes place and its door is open. All moments aware."""

    starts_at: dt.datetime
    ends_at: dt.datetime
    opens_at: dt.datetime
    closes_at: dt.datetime


def window(starts_at: dt.datetime, ends_at: dt.datetime, before: int, after: int) -> Window:
    """The door opens ``before`` minutes before the start and closes ``after`` minutes after it, at the end at the latest."""
    closes = min(starts_at + dt.timedelta(minutes=after), ends_at)
    return Window(starts_at, ends_at, starts_at - dt.timedelta(minutes=before), closes)


@dataclass(frozen=True, slots=True)
class Places:
    """How full an event is. ``offered`` places are kept for people of the waiting list who have not answered yet."""

    capacity: int
    booked: int = 0
    attended: int = 0
    offered: int = 0
    waiting: int = 0

    @property
    def taken(self) -> int:
        """Places that somebody has or is being offered."""
        return self.booked + self.attended + self.offered

    @property
    def free(self) -> int:
        return max(0, self.capacity - self.taken)

    def free_at_door(self, started: bool) -> int:
        """Places that staff may give away: from the start on, those of people who have not come are free too."""
        return max(0, self.capacity - self.attended) if started else self.free


def refuse_booking(
    *,
    state: str,
    ends_at: dt.datetime,
    classes: Sequence[str],
    registration_state: str,
    class_code: str,
    now: dt.datetime,
) -> Refusal | None:
    """Why this registration cannot book; None when it can. Whether there is a place is asked afterwards."""
    if state == EventState.CANCELLED:
        return Refusal.CALLED_OFF
    if state != EventState.PUBLISHED:
        return Refusal.NOT_PUBLISHED
    if ends_at <= now:
        return Refusal.OVER
    if registration_state != "approved":
        return Refusal.NOT_APPROVED
    return Refusal.WRONG_CLASS if classes and class_code not in classes else None


@dataclass(frozen=True, slots=True)
class DoorFacts:
    """What is known of a reading at the door.

    ``fault``: what is wrong with the badge, as an Outcome, or empty. ``booking``: the booking's state or empty.
    ``agreed``: staff have answered the question of an ASK outcome with yes.
    """

    event_state: str
    window: Window
    places: Places
    fault: str = ""
    booking: str = ""
    offered: bool = False
    class_fits: bool = True
    walk_in: bool = True
    agreed: bool = False


def decide(facts: DoorFacts, now: dt.datetime) -> Outcome:
    """The badge first, then the event, the hour, the booking, and at last whether there is a place."""
    if facts.fault:
        return Outcome(facts.fault)
    if facts.event_state != EventState.PUBLISHED:
        return Outcome.CALLED_OFF if facts.event_state == EventState.CANCELLED else Outcome.NOT_PUBLISHED
    if facts.booking == BookingState.ATTENDED:
        return Outcome.ALREADY_IN
    if now < facts.window.opens_at:
        return Outcome.TOO_EARLY
    if now > facts.window.closes_at:
        return Outcome.TOO_LATE
    started = now >= facts.window.starts_at
    free = facts.places.free_at_door(started)
    if facts.booking == BookingState.BOOKED or facts.offered:
        # A place that was kept until the start may have been given away since.
        return Outcome.ADMITTED if not started or free else Outcome.FULL
    if facts.booking == BookingState.WAITING:
        if not free:
            return Outcome.WAITING
        return Outcome.FROM_WAITING if facts.agreed else Outcome.ASK_WAITING
    if not facts.class_fits:
        return Outcome.WRONG_CLASS
    if not facts.walk_in:
        return Outcome.NOT_BOOKED
    if not free:
        return Outcome.FULL
    return Outcome.WALK_IN if facts.agreed else Outcome.ASK_WALK_IN


def overlaps(one: tuple[dt.datetime, dt.datetime], other: tuple[dt.datetime, dt.datetime]) -> bool:
    """Two spans share a moment; one that ends when the other begins does not."""
    return one[0] < other[1] and other[0] < one[1]


def offer_until(now: dt.datetime, starts_at: dt.datetime, hours: int) -> dt.datetime | None:
    """Until when a freed place is kept for the next on the waiting list: never past the start; None gives it at once."""
    return min(now + dt.timedelta(hours=hours), starts_at) if hours and now < starts_at else None


def moved(
    at: dt.datetime, old_start: dt.date, new_start: dt.date, old_zone: dt.tzinfo, new_zone: dt.tzinfo
) -> dt.datetime:
    """The same hour on the clocks of the venue, on the same day of the next edition."""
    here = at.astimezone(old_zone)
    day = new_start + (here.date() - old_start)
    return dt.datetime.combine(day, here.time(), new_zone).astimezone(dt.UTC)
