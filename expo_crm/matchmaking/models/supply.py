"""Supply and demand, both tagged with nodes of the category tree."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, IntPk, LongText
from expo_crm.directory.models import Participation
from expo_crm.shows.models import Category
from expo_crm.visitors.models import Registration


class Offer(Base):
    """What an exhibitor shows in this edition."""

    __tablename__ = "offer"
    __table_args__ = (UniqueConstraint("participation_id", "category_id"), Index(None, "category_id"))

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"))
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    text: Mapped[LongText] = mapped_column(default="")

    participation: Mapped[Participation] = relationship()
    category: Mapped[Category] = relationship()


class Demand(Base):
    """What a visitor looks for in this edition."""

    __tablename__ = "demand"
    __table_args__ = (UniqueConstraint("registration_id", "category_id"), Index(None, "category_id"))

    id: Mapped[IntPk]
    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id", ondelete="CASCADE"))
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))

    registration: Mapped[Registration] = relationship()
    category: Mapped[Category] = relationship()
