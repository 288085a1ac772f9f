"""Zones: the areas behind the gates, and what each of them wants of a badge."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Integer, Time, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, JsonList, Name
from expo_crm.shows.models import Edition, Hall


class Zone(Base):
    """An area: the whole show (code ``show``), a hall, a congress room. Gates and presence name it by its code.

    ``anti_passback`` is what happens to a badge that comes again: off, soft (let in with a warning), hard (refused until it
    has left), timed (refused for ``cooldown_minutes``), once (one entry a period). A period is a day or the show; visitors
    are counted per day at the doors of the show, so that zone's period is a day. ``restricted`` fails closed: a device
    without network whose list is older than ``stale_hours`` admits nobody. ``capacity`` empty takes that of the hall.
    Everybody inside counts as gone at ``resets_at`` (venue time), empty at the end of the opening hours.
    """

    __tablename__ = "zone"
    __table_args__ = (
        UniqueConstraint("edition_id", "code"),
        CheckConstraint("anti_passback in ('off', 'soft', 'hard', 'timed', 'once')", name="anti_passback"),
        CheckConstraint("period in ('day', 'show')", name="period"),
        CheckConstraint("code <> 'show' or period = 'day'", name="doors_count_by_day"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    hall_id: Mapped[int | None] = mapped_column(ForeignKey("hall.id"))
    code: Mapped[Code]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    capacity: Mapped[int | None] = mapped_column(Integer)
    alarm_percent: Mapped[int] = mapped_column(Integer, default=90)
    period: Mapped[Code] = mapped_column(default="day")
    anti_passback: Mapped[Code] = mapped_column(default="soft")
    cooldown_minutes: Mapped[int] = mapped_column(Integer, default=0)
    classes: Mapped[JsonList] = mapped_column(default=list)  # codes; empty admits every class
    restricted: Mapped[bool] = mapped_column(default=False)
    stale_hours: Mapped[int] = mapped_column(Integer, default=4)
    auto_exit: Mapped[bool] = mapped_column(default=True)
    resets_at: Mapped[dt.time | None] = mapped_column(Time)

    edition: Mapped[Edition] = relationship()
    hall: Mapped[Hall | None] = relationship()
    windows: Mapped[list[AccessWindow]] = relationship(
        back_populates="zone", cascade="all, delete-orphan", order_by="AccessWindow.day, AccessWindow.opens_at"
    )


class AccessWindow(Base):
    """A time during which a class may enter a zone, venue time: ``class_code`` empty is every class, ``day`` empty every
    opening day. A class with windows of its own has only those. ``closes_at`` not after ``opens_at`` is midnight."""

    __tablename__ = "access_window"
    __table_args__ = (UniqueConstraint("zone_id", "class_code", "day", "opens_at"),)

    id: Mapped[IntPk]
    zone_id: Mapped[int] = mapped_column(ForeignKey("zone.id", ondelete="CASCADE"))
    class_code: Mapped[Code] = mapped_column(default="")
    day: Mapped[dt.date | None] = mapped_column(Date)
    opens_at: Mapped[dt.time] = mapped_column(Time)
    closes_at: Mapped[dt.time] = mapped_column(Time)

    zone: Mapped[Zone] = relationship(back_populates="windows")
