"""Badges and the keys that sign their codes."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Moment, Name
from expo_crm.directory.models import Participation
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration, VisitorClass


class SigningKey(Base):
    """An Ed25519 pair of a show; the private half is encrypted with the installation's secret.

    next (devices learn it, nothing is signed with it yet) → active → verify (old codes still hold) → retired. A compromised key
    proves nothing any more: devices ask the server, which looks the serial up.
    """

    __tablename__ = "signing_key"
    __table_args__ = (
        UniqueConstraint("show_id", "kid"),
        CheckConstraint("state in ('next', 'active', 'verify', 'retired', 'compromised')", name="state"),
    )

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id"))
    kid: Mapped[int] = mapped_column(Integer)
    public_hex: Mapped[str] = mapped_column(String(64))
    private_sealed: Mapped[str] = mapped_column(String(400))
    state: Mapped[Code] = mapped_column(default="active")
    state_reason: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[Moment]
    changed_at: Mapped[Moment | None]


class BadgeSetup(Base):
    """Per edition: how badge codes are made, and the version of the feed from which devices know the badges.

    Who changes what a device must know raises ``feed_version`` at the end of the transaction (``services.feed``); its row lock
    gives the versions the order of the commits. ``lineage`` tells this feed from another one that counted as far.
    """

    __tablename__ = "badge_setup"
    __table_args__ = (CheckConstraint("code_mode in ('signed', 'opaque')", name="code_mode"),)

    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), primary_key=True)
    feed_version: Mapped[int] = mapped_column(default=0)
    lineage: Mapped[str] = mapped_column(String(16), default="")
    code_mode: Mapped[Code] = mapped_column(default="signed")


class OpaqueCode(Base):
    """A code that says nothing by itself: 128 random bits that only the server can look up."""

    __tablename__ = "opaque_code"
    __table_args__ = (
        UniqueConstraint("badge_id", "purpose", "generation"),
        CheckConstraint("purpose in ('ticket', 'badge', 'lead')", name="purpose"),
    )

    id: Mapped[IntPk]
    code: Mapped[str] = mapped_column(String(26), unique=True)
    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id", ondelete="CASCADE"))
    purpose: Mapped[Code]
    generation: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[Moment]


class Badge(Base):
    """A badge of a registration, or of an exhibitor's stand staff. Its code carries serial and generation, nothing personal.

    active | replaced | blocked | revoked. A reprint raises ``generation`` and keeps the row, so that what the holder did with
    the old print stays one person's; a code with an older generation is refused as replaced. Printing is not entry.
    """

    __tablename__ = "badge"
    __table_args__ = (
        Index(None, "edition_id", "sort_key"),
        Index(None, "registration_id"),
        Index(None, "participation_id"),
        Index(None, "edition_id", "feed_version"),
        # One current badge per registration, whoever issues it and how often.
        Index(
            "uq_badge_registration_current",
            "registration_id",
            unique=True,
            sqlite_where=text("state <> 'replaced'"),
            postgresql_where=text("state <> 'replaced'"),
        ),
        CheckConstraint("state in ('active', 'replaced', 'blocked', 'revoked')", name="state"),
        CheckConstraint("hold in ('', 'unpaid', 'need_input')", name="hold"),
        CheckConstraint("registration_id is not null or participation_id is not null", name="has_holder"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    class_id: Mapped[int] = mapped_column(ForeignKey("visitor_class.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    participation_id: Mapped[int | None] = mapped_column(ForeignKey("participation.id"))
    serial: Mapped[str] = mapped_column(String(16), unique=True)  # 8 random bytes, hex
    generation: Mapped[int] = mapped_column(Integer, default=1)
    state: Mapped[Code] = mapped_column(default="active")
    holder: Mapped[Name]
    holder_company: Mapped[Name] = mapped_column(default="")
    sort_key: Mapped[Name] = mapped_column(default="")
    issued_at: Mapped[Moment]
    printed_at: Mapped[Moment | None]
    state_reason: Mapped[Name] = mapped_column(default="")
    hold: Mapped[Code] = mapped_column(default="")  # send to the service desk first: "", unpaid or need_input
    key_id: Mapped[int | None] = mapped_column(Integer)  # of the key that signed the print in the field
    feed_version: Mapped[int] = mapped_column(default=0)  # 0: no device has been told

    edition: Mapped[Edition] = relationship()
    visitor_class: Mapped[VisitorClass] = relationship()
    registration: Mapped[Registration | None] = relationship()
    participation: Mapped[Participation | None] = relationship()
