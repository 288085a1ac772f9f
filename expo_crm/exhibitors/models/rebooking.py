"""First refusal: an exhibitor's right to its own stand in the next edition, until a date."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Moment, Name
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.models.booth import Booth


class FirstRefusal(Base):
    """open (until the end of ``until``) → taken | waived | expired. One open right per booth, held by the database."""

    __tablename__ = "first_refusal"
    __table_args__ = (
        Index(
            "uq_first_refusal_open_booth",
            "booth_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "participation_id"),
        CheckConstraint("state in ('open', 'taken', 'waived', 'expired')", name="state"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))  # the coming one
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"))  # in the last one
    booth_id: Mapped[int] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    until: Mapped[dt.date] = mapped_column(Date)
    state: Mapped[Code] = mapped_column(default="open")
    note: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[Moment]
    settled_at: Mapped[Moment | None]

    participation: Mapped[Participation] = relationship()
    booth: Mapped[Booth] = relationship()
