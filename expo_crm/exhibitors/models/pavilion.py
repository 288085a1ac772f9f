"""Pavilions (展团): several booths under one organizer, who brings the companies that stand on them."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, IntPk, Name
from expo_crm.directory.models import Participation


class Pavilion(Base):
    """A country's or an association's pavilion of an edition. ``entry_limit``: companies its organizer may enter; 0 = as many as
    it has booths. After ``closes_on`` the organizer can only look."""

    __tablename__ = "pavilion"
    __table_args__ = (
        UniqueConstraint("edition_id", "name_zh"),
        CheckConstraint("entry_limit between 0 and 2000", name="entry_limit"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    name_zh: Mapped[Name]
    name_en: Mapped[Name] = mapped_column(default="")
    organizer_id: Mapped[int] = mapped_column(ForeignKey("participation.id"), index=True)
    entry_limit: Mapped[int] = mapped_column(Integer, default=0)
    closes_on: Mapped[dt.date | None] = mapped_column(Date)

    organizer: Mapped[Participation] = relationship()
