"""Exhibitor arrival (展商报到): who has come to build up and man the stand."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, IntPk, Moment, Name
from expo_crm.directory.models import Participation


class ExhibitorArrival(Base):
    """A participation that has reported at the arrival desk, once. Undoing takes the row away and leaves an audit entry."""

    __tablename__ = "exhibitor_arrival"
    __table_args__ = (
        Index(None, "edition_id", "arrived_at"),
        CheckConstraint("badges_handed >= 0", name="badges_handed"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id"), unique=True)
    arrived_at: Mapped[Moment]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    person_name: Mapped[Name] = mapped_column(default="")
    person_phone: Mapped[str] = mapped_column(String(60), default="")
    badges_handed: Mapped[int] = mapped_column(Integer, default=0)
    note: Mapped[Name] = mapped_column(default="")

    participation: Mapped[Participation] = relationship()
    recorder: Mapped[User | None] = relationship()
