"""At-risk exhibitors and what is done about them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, JsonList, Moment, Name
from expo_crm.directory.models import Company
from expo_crm.shows.models import Edition


class RetentionCase(Base):
    """flagged → assigned → contacted → saved / reduced / lost. ``edition`` is the coming one; ``reasons`` say why it was flagged."""

    __tablename__ = "retention_case"
    __table_args__ = (
        UniqueConstraint("edition_id", "company_id"),
        CheckConstraint("state in ('flagged', 'assigned', 'contacted', 'saved', 'reduced', 'lost')", name="state"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    state: Mapped[Code] = mapped_column(default="flagged")
    score: Mapped[int] = mapped_column(Integer, default=0)
    reasons: Mapped[JsonList] = mapped_column(default=list)  # [{"code": …, "params": {…}}]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    outcome_reason: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[Moment]

    edition: Mapped[Edition] = relationship()
    company: Mapped[Company] = relationship()
    owner: Mapped[User | None] = relationship()
