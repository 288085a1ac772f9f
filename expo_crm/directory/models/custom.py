"""Fields that an organizer adds to companies and people."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expo_crm.db import Base, Code, IntPk, JsonList, LongText, Moment, Name


class CustomField(Base):
    """One field. Its values stand in the ``custom`` column of the entity under ``key``; a formula is worked out when shown."""

    __tablename__ = "custom_field"
    __table_args__ = (
        UniqueConstraint("entity", "key"),
        CheckConstraint("entity in ('company', 'person')", name="entity"),
        CheckConstraint("kind in ('text', 'number', 'date', 'choice', 'check', 'formula')", name="kind"),
    )

    id: Mapped[IntPk]
    entity: Mapped[Code]
    key: Mapped[Code]
    label_zh: Mapped[Name]
    label_en: Mapped[Name]
    kind: Mapped[Code]
    choices: Mapped[JsonList] = mapped_column(default=list)  # [{"value", "zh", "en"}]
    formula: Mapped[LongText] = mapped_column(default="")
    required: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(Integer, default=0)
    retired: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[Moment]

    __mapper_args__ = {"version_id_col": version}
