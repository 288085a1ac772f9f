"""How badges look, and the jobs that bring them to a printer."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Json, Moment, Name, Token
from expo_crm.onsite.models.badge import Badge
from expo_crm.onsite.models.device import Device
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import VisitorClass


class BadgeLayout(Base):
    """A drawn badge: paper and elements as ``domain.layout`` reads them. ``version`` rises with each save, so that the later
    of two editors is told instead of overwriting. ``standard`` serves the classes that have no layout of their own."""

    __tablename__ = "badge_layout"
    __table_args__ = (UniqueConstraint("edition_id", "name"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    name: Mapped[Name]
    medium: Mapped[Code]
    spec: Mapped[Json]
    standard: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(Integer, default=1)
    updated_at: Mapped[Moment]

    edition: Mapped[Edition] = relationship()
    classes: Mapped[list[BadgeLayoutClass]] = relationship(back_populates="layout", cascade="all, delete-orphan")


class BadgeLayoutClass(Base):
    """Which class wears which layout; a class has one."""

    __tablename__ = "badge_layout_class"

    class_id: Mapped[int] = mapped_column(ForeignKey("visitor_class.id", ondelete="CASCADE"), primary_key=True)
    layout_id: Mapped[int] = mapped_column(ForeignKey("badge_layout.id", ondelete="CASCADE"), index=True)

    layout: Mapped[BadgeLayout] = relationship(back_populates="classes")
    visitor_class: Mapped[VisitorClass] = relationship()


class BadgeImage(Base):
    """A logo for layouts, drawn anew by us from what was uploaded: PNG without metadata."""

    __tablename__ = "badge_image"
    __table_args__ = (UniqueConstraint("edition_id", "digest"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    digest: Mapped[Token]
    name: Mapped[Name]
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    png: Mapped[bytes] = mapped_column(LargeBinary)


class PrintJob(Base):
    """One badge for one printer. ``key`` makes a second click the same job.

    queued → sent (a station has fetched it) → printed | failed; cancelled by a person. A job that was sent and never
    acknowledged is not sent to paper a second time by itself: a person looks whether the badge came out.
    """

    __tablename__ = "print_job"
    __table_args__ = (
        Index(None, "device_id", "state"),
        Index(None, "edition_id", "created_at"),
        Index(None, "badge_id"),
        CheckConstraint("state in ('queued', 'sent', 'printed', 'failed', 'cancelled')", name="state"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id"))
    device_id: Mapped[int | None] = mapped_column(
        ForeignKey("device.id", ondelete="SET NULL")
    )  # None: the person's own browser
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    kiosk_id: Mapped[int | None] = mapped_column(ForeignKey("device.id", ondelete="SET NULL"))
    key: Mapped[str] = mapped_column(String(64), unique=True)
    generation: Mapped[int] = mapped_column(Integer)
    state: Mapped[Code] = mapped_column(default="queued")
    error: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[Moment]
    sent_at: Mapped[Moment | None]
    settled_at: Mapped[Moment | None]

    badge: Mapped[Badge] = relationship()
    device: Mapped[Device | None] = relationship(foreign_keys=[device_id])
    kiosk: Mapped[Device | None] = relationship(foreign_keys=[kiosk_id])


class KioskPrinter(Base):
    """The print station that serves a kiosk."""

    __tablename__ = "kiosk_printer"

    kiosk_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), primary_key=True)
    printer_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), index=True)
