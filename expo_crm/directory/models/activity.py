"""Calls, mails, visits, notes, tasks: what was done and what is next."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, LongText, Moment, Name
from expo_crm.directory.models.company import Company
from expo_crm.directory.models.person import Person


class Activity(Base):
    """``due_at`` without ``done_at`` is the next action; with ``done_at`` it is history."""

    __tablename__ = "activity"
    __table_args__ = (
        CheckConstraint("kind in ('call', 'mail', 'visit', 'meeting', 'note', 'task')", name="kind"),
        Index(None, "company_id", "done_at"),
        Index(None, "person_id"),
        Index(None, "owner_id", "due_at"),
        Index(None, "done_at", "owner_id"),
    )

    id: Mapped[IntPk]
    kind: Mapped[Code]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("edition.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    subject: Mapped[Name]
    body: Mapped[LongText] = mapped_column(default="")
    outcome: Mapped[Code] = mapped_column(default="")
    result_code: Mapped[Code] = mapped_column(default="")  # of a call: domain.calls, or an own one
    duration_s: Mapped[int | None] = mapped_column(Integer)
    place: Mapped[Name] = mapped_column(default="")  # where a visit is
    due_at: Mapped[Moment | None]
    done_at: Mapped[Moment | None]
    created_at: Mapped[Moment]

    company: Mapped[Company] = relationship()
    person: Mapped[Person | None] = relationship()
    owner: Mapped[User | None] = relationship()
