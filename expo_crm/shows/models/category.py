"""The category tree: the bilingual bridge between what exhibitors offer and what visitors look for."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expo_crm.db import Base, Code, IntPk, JsonList, Name


class Category(Base):
    """A node: code as ``3.2``, two names, synonyms in both languages."""

    __tablename__ = "category"
    __table_args__ = (UniqueConstraint("show_id", "code"),)

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    code: Mapped[Code]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    synonyms: Mapped[JsonList] = mapped_column(default=list)
    position: Mapped[int] = mapped_column(Integer, default=0)
    retired: Mapped[bool] = mapped_column(default=False)
