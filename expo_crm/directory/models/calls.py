"""What is said on the telephone, and what may come of a call."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, LongText, Moment, Name
from expo_crm.shows.models import Edition


class CallScript(Base):
    """A script in both languages. Lines that begin with ``?`` are questions; ``{company}`` and the like are filled in."""

    __tablename__ = "call_script"
    __table_args__ = (
        Index(None, "edition_id"),
        CheckConstraint("purpose in ('new', 'rebooking', 'won_back', 'visitor', 'service', 'other')", name="purpose"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    purpose: Mapped[Code]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    body_zh: Mapped[LongText]
    body_en: Mapped[LongText]
    retired: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[Moment]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    edition: Mapped[Edition | None] = relationship()


class CallResult(Base):
    """An own result beside the closed list of ``domain.calls``, with the next action that follows by itself."""

    __tablename__ = "call_result"
    __table_args__ = (
        CheckConstraint("next_kind in ('', 'call', 'mail', 'visit', 'task')", name="next_kind"),
        CheckConstraint("next_days between 0 and 366", name="next_days"),
    )

    id: Mapped[IntPk]
    code: Mapped[Code] = mapped_column(unique=True)
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    reached: Mapped[bool] = mapped_column(default=True)
    next_kind: Mapped[Code] = mapped_column(default="")
    next_days: Mapped[int] = mapped_column(Integer, default=1)
    retired: Mapped[bool] = mapped_column(default=False)
