"""What an exhibitor does for itself: members, directory entry, invitation of own customers."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, JsonList, LongText, Moment, Name
from expo_crm.directory.models import Company, Participation


class PortalMember(Base):
    """An account that may act for a company in the portal."""

    __tablename__ = "portal_member"
    __table_args__ = (
        UniqueConstraint("user_id", "company_id"),
        CheckConstraint("role in ('main', 'finance', 'staff')", name="role"),
    )

    id: Mapped[IntPk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    role: Mapped[Code] = mapped_column(default="main")

    user: Mapped[User] = relationship()
    company: Mapped[Company] = relationship()


class DirectoryEntry(Base):
    """The exhibitor's entry in the show directory (会刊) of one edition, in two languages."""

    __tablename__ = "directory_entry"

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"), unique=True)
    name_zh: Mapped[Name] = mapped_column(default="")
    name_en: Mapped[Name] = mapped_column(default="")
    intro_zh: Mapped[LongText] = mapped_column(default="")
    intro_en: Mapped[LongText] = mapped_column(default="")
    website: Mapped[Name] = mapped_column(default="")
    brands: Mapped[JsonList] = mapped_column(default=list)
    updated_at: Mapped[Moment]

    participation: Mapped[Participation] = relationship()


class InvitationLink(Base):
    """A personal link with which an exhibitor invites its customers; registrations point back to it.

    ``label`` names the stand member whose link it is; the company's own one has none.
    """

    __tablename__ = "invitation_link"
    __table_args__ = (UniqueConstraint("participation_id", "label"),)

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"))
    label: Mapped[Name] = mapped_column(default="")
    code: Mapped[Code] = mapped_column(unique=True)
    opened: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Moment]

    participation: Mapped[Participation] = relationship()
