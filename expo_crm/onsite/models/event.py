"""Concurrent events (同期活动): places, who has one, and who came."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, JsonList, LongText, Moment, Name
from expo_crm.shows.models import Edition, Hall
from expo_crm.visitors.models import Registration


class ConcurrentEvent(Base):
    """A forum, seminar or tour beside the exhibition, with a limited number of places.

    State: draft (staff only) | published (visitors book) | cancelled. ``classes`` empty: every visitor class may book.
    Check-in opens ``checkin_before`` minutes before the start and closes ``checkin_after`` minutes after it.
    ``offer_hours`` 0: who moves up from the waiting list has the place at once; otherwise it is offered for so many hours.
    """

    __tablename__ = "concurrent_event"
    __table_args__ = (
        Index(None, "edition_id", "starts_at"),
        CheckConstraint("state in ('draft', 'published', 'cancelled')", name="state"),
        CheckConstraint("starts_at < ends_at", name="times_in_order"),
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("checkin_before >= 0 and checkin_after >= 0 and offer_hours >= 0", name="not_negative"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    hall_id: Mapped[int | None] = mapped_column(ForeignKey("hall.id", ondelete="SET NULL"))
    title_zh: Mapped[Name]
    title_en: Mapped[Name]
    text_zh: Mapped[LongText] = mapped_column(default="")
    text_en: Mapped[LongText] = mapped_column(default="")
    room_zh: Mapped[Name] = mapped_column(default="")
    room_en: Mapped[Name] = mapped_column(default="")
    speakers_zh: Mapped[LongText] = mapped_column(default="")
    speakers_en: Mapped[LongText] = mapped_column(default="")
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    capacity: Mapped[int] = mapped_column(Integer)
    classes: Mapped[JsonList] = mapped_column(default=list)
    state: Mapped[Code] = mapped_column(default="draft")
    checkin_before: Mapped[int] = mapped_column(Integer, default=30)
    checkin_after: Mapped[int] = mapped_column(Integer, default=45)
    walk_in: Mapped[bool] = mapped_column(default=True)
    offer_hours: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[Moment]

    edition: Mapped[Edition] = relationship()
    hall: Mapped[Hall | None] = relationship()


class EventBooking(Base):
    """A registration's place at an event: booked | waiting (with ``position``) | attended | cancelled; one row per pair.

    A waiting one with ``offered_until`` in the future holds a place that its person has not accepted yet.
    """

    __tablename__ = "event_booking"
    __table_args__ = (
        UniqueConstraint("event_id", "registration_id"),
        Index(None, "registration_id"),
        Index(None, "event_id", "state", "position"),
        CheckConstraint("state in ('booked', 'waiting', 'attended', 'cancelled')", name="state"),
        CheckConstraint("state <> 'waiting' or position is not null", name="waiting_has_position"),
    )

    id: Mapped[IntPk]
    event_id: Mapped[int] = mapped_column(ForeignKey("concurrent_event.id", ondelete="CASCADE"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    state: Mapped[Code]
    position: Mapped[int | None] = mapped_column(Integer)
    offered_until: Mapped[Moment | None]
    source: Mapped[Code] = mapped_column(default="visitor")  # visitor | staff | walk_in
    booked_at: Mapped[Moment]
    moved_up_at: Mapped[Moment | None]
    attended_at: Mapped[Moment | None]
    cancelled_at: Mapped[Moment | None]

    event: Mapped[ConcurrentEvent] = relationship()
    registration: Mapped[Registration] = relationship()


class EventCheckin(Base):
    """One reading at the door of an event, refused ones too. (origin, client_uuid) is the idempotency key: a repeat gets this answer.

    ``origin`` is who sends: ``u`` and the user's id from the staff page. The outcome's words are in ``domain.events``.
    """

    __tablename__ = "event_checkin"
    __table_args__ = (
        UniqueConstraint("origin", "client_uuid"),
        Index(None, "event_id", "at"),
        Index(None, "booking_id"),
    )

    id: Mapped[IntPk]
    event_id: Mapped[int] = mapped_column(ForeignKey("concurrent_event.id", ondelete="CASCADE"))
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("event_booking.id", ondelete="CASCADE"))
    badge_id: Mapped[int | None] = mapped_column(ForeignKey("badge.id"))
    origin: Mapped[str] = mapped_column(String(24))
    client_uuid: Mapped[str] = mapped_column(String(36))
    body_hash: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    outcome: Mapped[Code]
    at: Mapped[Moment]
