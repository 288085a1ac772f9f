"""Meetings between a visitor and an exhibitor."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, JsonList, LongText, Moment, Name, Token
from expo_crm.directory.models import Participation
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration


class Meeting(Base):
    """requested → accepted → scheduled → held / no_show / cancelled; declined; expired.

    ``asked_by`` is visitor, exhibitor or staff; ``reasons`` keeps why the two were matched when it was asked.
    """

    __tablename__ = "meeting"
    __table_args__ = (
        Index(None, "edition_id", "state"),
        Index(None, "participation_id"),
        Index(None, "registration_id"),
        Index(
            "uq_meeting_one_open",
            "participation_id",
            "registration_id",
            unique=True,
            sqlite_where=text("state in ('requested', 'accepted', 'scheduled')"),
            postgresql_where=text("state in ('requested', 'accepted', 'scheduled')"),
        ),
        CheckConstraint(
            "state in ('requested','accepted','scheduled','held','no_show','cancelled','declined','expired')",
            name="state",
        ),
        CheckConstraint("asked_by in ('visitor', 'exhibitor', 'staff')", name="asked_by"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    asked_by: Mapped[Code]
    state: Mapped[Code] = mapped_column(default="requested")
    starts_at: Mapped[Moment | None]
    ends_at: Mapped[Moment | None]
    place: Mapped[Name] = mapped_column(default="")
    message: Mapped[LongText] = mapped_column(default="")
    reply: Mapped[LongText] = mapped_column(default="")
    no_show_side: Mapped[Code] = mapped_column(default="")
    reasons: Mapped[JsonList] = mapped_column(default=list)
    token_hash: Mapped[Token | None] = mapped_column(unique=True)  # opens the visitor's answer page
    created_at: Mapped[Moment]
    answered_at: Mapped[Moment | None]

    edition: Mapped[Edition] = relationship()
    participation: Mapped[Participation] = relationship()
    registration: Mapped[Registration] = relationship()
