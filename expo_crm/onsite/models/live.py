"""What the live board keeps beside the log: hours counted once, people without a badge, and who was warned of a full zone."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, JsonList, Moment, Name


class ScanHour(Base):
    """The scans of one whole hour, counted. A pure function of the log: it holds while ``scans`` rows lie in that hour, because rows
    are only ever added; a late upload makes the number differ and the hour is counted from the log again. Annulled scans are among
    them and taken off when the board is read; a badge that changes its class makes its hours forgotten.

    ``counts`` are rows of [gate, class or 0, five minutes 0…11, entry 1 or exit 0, reason, admitted 1 or 0, number].
    """

    __tablename__ = "scan_hour"
    __table_args__ = (UniqueConstraint("edition_id", "hour"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    hour: Mapped[Moment]
    scans: Mapped[int] = mapped_column(Integer)
    counts: Mapped[JsonList]
    made_at: Mapped[Moment]


class HandTally(Base):
    """People without a badge, counted by hand at a zone: children, a delegation, rescue workers. Never visitors."""

    __tablename__ = "hand_tally"
    __table_args__ = (
        Index(None, "edition_id", "local_day", "zone"),
        CheckConstraint("delta <> 0 and delta between -1000 and 1000", name="delta"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    zone: Mapped[Code]
    local_day: Mapped[dt.date] = mapped_column(Date)
    delta: Mapped[int] = mapped_column(Integer)
    note: Mapped[Name] = mapped_column(default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[Moment]

    user: Mapped[User | None] = relationship()


class CapacityAlarm(Base):
    """A zone passed a level of its capacity, in percent. One row per crossing: open until the number has fallen well below."""

    __tablename__ = "capacity_alarm"
    __table_args__ = (
        Index(
            "uq_capacity_alarm_open",
            "edition_id",
            "zone",
            "local_day",
            "level",
            unique=True,
            sqlite_where=text("cleared_at is null"),
            postgresql_where=text("cleared_at is null"),
        ),
        CheckConstraint("level between 1 and 100", name="level"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    zone: Mapped[Code]
    local_day: Mapped[dt.date] = mapped_column(Date)
    level: Mapped[int] = mapped_column(Integer)
    inside: Mapped[int] = mapped_column(Integer)
    capacity: Mapped[int] = mapped_column(Integer)
    at: Mapped[Moment]
    cleared_at: Mapped[Moment | None]
