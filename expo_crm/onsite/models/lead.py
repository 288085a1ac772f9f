"""Leads: an exhibitor scanned a visitor."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, LongText, Moment, Name
from expo_crm.directory.models import Participation
from expo_crm.visitors.models import Registration


class Lead(Base):
    """One per visitor and exhibitor; further scans of the same pair raise ``scans``."""

    __tablename__ = "lead"
    __table_args__ = (
        UniqueConstraint("participation_id", "registration_id"),
        Index(None, "registration_id"),
        CheckConstraint("state in ('new', 'contacted', 'qualified', 'quoted', 'won', 'lost')", name="state"),
        CheckConstraint("temperature in ('', 'hot', 'warm', 'cold')", name="temperature"),
    )

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id"))
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    state: Mapped[Code] = mapped_column(default="new")
    temperature: Mapped[Code] = mapped_column(default="")
    scans: Mapped[int] = mapped_column(default=1)
    note: Mapped[LongText] = mapped_column(default="")
    captured_by: Mapped[Name] = mapped_column(default="")
    captured_at: Mapped[Moment]

    participation: Mapped[Participation] = relationship()
    registration: Mapped[Registration] = relationship()
