"""The recurring show, its editions, their days and halls."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, Date, ForeignKey, Integer, String, Time, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Area, Base, Code, Currency, IntPk, JsonList, LongText, Moment, Name


class Show(Base):
    """A recurring show (展会). Editions are its occurrences."""

    __tablename__ = "show"

    id: Mapped[IntPk]
    code: Mapped[Code] = mapped_column(unique=True)
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    organizer_zh: Mapped[Name] = mapped_column(default="")
    organizer_en: Mapped[Name] = mapped_column(default="")
    privacy_contact: Mapped[str] = mapped_column(String(254), default="")

    editions: Mapped[list[Edition]] = relationship(back_populates="show", order_by="Edition.starts_on")


class Edition(Base):
    """One occurrence (届) of a show. Everything that is counted belongs to an edition."""

    __tablename__ = "edition"
    __table_args__ = (
        CheckConstraint("starts_on <= ends_on", name="days_in_order"),
        CheckConstraint("state in ('planning', 'open', 'live', 'closed', 'cancelled')", name="state"),
    )

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id"))
    slug: Mapped[Code] = mapped_column(unique=True)
    number: Mapped[int] = mapped_column(Integer)
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    venue_zh: Mapped[Name] = mapped_column(default="")
    venue_en: Mapped[Name] = mapped_column(default="")
    address_zh: Mapped[Name] = mapped_column(default="")
    address_en: Mapped[Name] = mapped_column(default="")
    starts_on: Mapped[dt.date] = mapped_column(Date)
    ends_on: Mapped[dt.date] = mapped_column(Date)
    timezone: Mapped[str] = mapped_column(String(60), default="Asia/Shanghai")
    currency: Mapped[Currency] = mapped_column(default="CNY")
    state: Mapped[Code] = mapped_column(default="planning")
    registration_opens_at: Mapped[Moment | None]
    registration_closes_at: Mapped[Moment | None]
    # Visitor classes that count as visitors in this edition's figures: the counting profile.
    counted_classes: Mapped[JsonList] = mapped_column(default=list)
    intro_zh: Mapped[LongText] = mapped_column(default="")
    intro_en: Mapped[LongText] = mapped_column(default="")
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("edition.id"))

    show: Mapped[Show] = relationship(back_populates="editions")
    previous: Mapped[Edition | None] = relationship(remote_side="Edition.id")
    halls: Mapped[list[Hall]] = relationship(back_populates="edition", order_by="Hall.code")
    days: Mapped[list[OpeningDay]] = relationship(back_populates="edition", order_by="OpeningDay.day")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class OpeningDay(Base):
    """A day on which the show is open, in the venue's local time."""

    __tablename__ = "opening_day"
    __table_args__ = (UniqueConstraint("edition_id", "day"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    day: Mapped[dt.date] = mapped_column(Date)
    opens_at: Mapped[dt.time] = mapped_column(Time)
    closes_at: Mapped[dt.time] = mapped_column(Time)

    edition: Mapped[Edition] = relationship(back_populates="days")


class Hall(Base):
    """A hall of an edition, in metres; also an access zone of the gates."""

    __tablename__ = "hall"
    __table_args__ = (UniqueConstraint("edition_id", "code"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    code: Mapped[Code]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    width_m: Mapped[Area]
    depth_m: Mapped[Area]
    capacity: Mapped[int | None] = mapped_column(Integer)

    edition: Mapped[Edition] = relationship(back_populates="halls")
