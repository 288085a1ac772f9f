"""How good the customer file was at a time: figures that are kept, so that a trend can be seen."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from expo_crm.db import Base, IntPk, Json, Moment


class QualitySnapshot(Base):
    """The figures of one look at the whole file (``domain.quality.measure``)."""

    __tablename__ = "quality_snapshot"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[IntPk]
    at: Mapped[Moment]
    figures: Mapped[Json] = mapped_column(default=dict)
