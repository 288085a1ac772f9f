"""Badges and the keys that sign their codes."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Moment, Name
from expo_crm.directory.models import Participation
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration, VisitorClass


class SigningKey(Base):
    """An Ed25519 pair of a show; the private half is encrypted with the installation's secret."""

    __tablename__ = "signing_key"
    __table_args__ = (
        UniqueConstraint("show_id", "kid"),
        CheckConstraint("state in ('active', 'verify', 'retired', 'compromised')", name="state"),
    )

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id"))
    kid: Mapped[int] = mapped_column(Integer)
    public_hex: Mapped[str] = mapped_column(String(64))
    private_sealed: Mapped[str] = mapped_column(String(400))
    state: Mapped[Code] = mapped_column(default="active")
    created_at: Mapped[Moment]


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
        # One current badge per registration, whoever issues it and how often.
        Index(
            "uq_badge_registration_current",
            "registration_id",
            unique=True,
            sqlite_where=text("state <> 'replaced'"),
            postgresql_where=text("state <> 'replaced'"),
        ),
        CheckConstraint("state in ('active', 'replaced', 'blocked', 'revoked')", name="state"),
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

    edition: Mapped[Edition] = relationship()
    visitor_class: Mapped[VisitorClass] = relationship()
    registration: Mapped[Registration | None] = relationship()
    participation: Mapped[Participation | None] = relationship()
