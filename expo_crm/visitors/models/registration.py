"""Visitors of an edition: classes and registrations."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, JsonList, Key, LongText, Moment, Name, Token
from expo_crm.directory.models import Company, Person
from expo_crm.exhibitors.models import InvitationLink
from expo_crm.shows.models import Edition


class VisitorClass(Base):
    """Badge class of an edition: trade, buyer, vip, press, speaker, exhibitor, crew …"""

    __tablename__ = "visitor_class"
    __table_args__ = (UniqueConstraint("edition_id", "code"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    code: Mapped[Code]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    colour: Mapped[Code] = mapped_column(default="blue")
    position: Mapped[int] = mapped_column(Integer, default=0)


class Registration(Base):
    """A person's registration for one edition, with name and company as they shall stand on the badge.

    State: submitted | in_review | approved | returned | rejected | cancelled. That somebody attended is read from the scans.
    ``token_hash`` opens the visitor's own page; the token itself is only in the mail.
    """

    __tablename__ = "registration"
    __table_args__ = (
        UniqueConstraint("edition_id", "number"),
        Index(None, "edition_id", "state"),
        Index(None, "edition_id", "sort_key"),
        Index(None, "edition_id", "submitted_at"),
        Index(None, "person_id"),
        Index(None, "company_id"),
        Index(None, "invitation_link_id"),
        # The same form sent twice (double click, back button) is one registration.
        Index(
            "uq_registration_form_key",
            "edition_id",
            "form_key",
            unique=True,
            sqlite_where=text("form_key is not null"),
            postgresql_where=text("form_key is not null"),
        ),
        CheckConstraint(
            "state in ('submitted', 'in_review', 'approved', 'returned', 'rejected', 'cancelled')", name="state"
        ),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    number: Mapped[int] = mapped_column(Integer)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    class_id: Mapped[int] = mapped_column(ForeignKey("visitor_class.id"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id", ondelete="SET NULL"))
    name: Mapped[Name]
    company_name: Mapped[Name] = mapped_column(default="")
    job_title: Mapped[Name] = mapped_column(default="")
    function: Mapped[Code] = mapped_column(default="")
    buying_role: Mapped[Code] = mapped_column(default="")
    sort_key: Mapped[Key] = mapped_column(default="")
    search_key: Mapped[LongText] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(String(2), default="zh")
    source: Mapped[Code] = mapped_column(default="web")  # web | invitation | onsite | import | desk | group
    invitation_link_id: Mapped[int | None] = mapped_column(ForeignKey("invitation_link.id", ondelete="SET NULL"))
    state: Mapped[Code] = mapped_column(default="submitted")
    review_note: Mapped[Name] = mapped_column(default="")
    on_site: Mapped[bool] = mapped_column(default=False)
    first_time: Mapped[bool] = mapped_column(default=True)
    form_key: Mapped[Token | None]
    token_hash: Mapped[Token | None] = mapped_column(unique=True)
    looking_for: Mapped[LongText] = mapped_column(default="")
    answers: Mapped[JsonList] = mapped_column(default=list)
    submitted_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]

    edition: Mapped[Edition] = relationship()
    person: Mapped[Person] = relationship()
    visitor_class: Mapped[VisitorClass] = relationship()
    company: Mapped[Company | None] = relationship()
    invitation_link: Mapped[InvitationLink | None] = relationship()
