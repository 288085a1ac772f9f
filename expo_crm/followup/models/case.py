"""Service desk: complaints, suggestions, praise, enquiries."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, LongText, Moment, Name
from expo_crm.directory.models import Company, Person
from expo_crm.shows.models import Edition


class Case(Base):
    """open → assigned → answered → reviewed → released → confirmed / reopened."""

    __tablename__ = "service_case"
    __table_args__ = (
        Index(None, "edition_id", "state"),
        Index(None, "company_id"),
        CheckConstraint("kind in ('complaint', 'suggestion', 'praise', 'enquiry')", name="kind"),
        CheckConstraint(
            "state in ('open', 'assigned', 'answered', 'reviewed', 'released', 'confirmed', 'reopened')", name="state"
        ),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id", ondelete="SET NULL"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    kind: Mapped[Code]
    state: Mapped[Code] = mapped_column(default="open")
    subject: Mapped[Name]
    body: Mapped[LongText] = mapped_column(default="")
    answer: Mapped[LongText] = mapped_column(default="")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[Moment]
    closed_at: Mapped[Moment | None]

    edition: Mapped[Edition] = relationship()
    company: Mapped[Company | None] = relationship()
    person: Mapped[Person | None] = relationship()
    owner: Mapped[User | None] = relationship()
