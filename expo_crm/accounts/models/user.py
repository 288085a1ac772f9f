"""People who sign in: staff of the organizer and contacts of exhibitors."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.domain.roles import permissions_of
from expo_crm.db import Base, Code, IntPk, Moment, Name, Token
from expo_crm.web.policy import Permission


class User(Base):
    """An account. ``kind`` is staff or exhibitor; an exhibitor's companies are in ``portal_member``."""

    __tablename__ = "user"
    __table_args__ = (CheckConstraint("kind in ('staff', 'exhibitor')", name="kind"),)

    id: Mapped[IntPk]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[Name]
    kind: Mapped[Code] = mapped_column(default="staff")
    password_hash: Mapped[str | None] = mapped_column(String(200))
    totp_secret: Mapped[str | None] = mapped_column(String(200))
    locale: Mapped[str] = mapped_column(String(2), default="zh")
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    created_at: Mapped[Moment]
    signed_in_at: Mapped[Moment | None]

    roles: Mapped[list[UserRole]] = relationship(back_populates="user", cascade="all, delete-orphan")

    @property
    def role_codes(self) -> list[str]:
        return sorted(r.role for r in self.roles)

    @property
    def permissions(self) -> frozenset[Permission]:
        return permissions_of(self.role_codes)


class UserRole(Base):
    __tablename__ = "user_role"
    __table_args__ = (UniqueConstraint("user_id", "role"),)

    id: Mapped[IntPk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    role: Mapped[Code]

    user: Mapped[User] = relationship(back_populates="roles")


class UserSession(Base):
    """A signed-in browser, kept on the server so that it can be listed and ended."""

    __tablename__ = "user_session"
    __table_args__ = (Index(None, "user_id"),)

    id: Mapped[IntPk]
    token_hash: Mapped[Token] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    created_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    ended_at: Mapped[Moment | None]

    user: Mapped[User] = relationship()


class OneTimeLink(Base):
    """A link that works once: first administrator, staff invitation, portal invitation, password reset."""

    __tablename__ = "one_time_link"

    id: Mapped[IntPk]
    token_hash: Mapped[Token] = mapped_column(unique=True)
    purpose: Mapped[Code]
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[Name] = mapped_column(default="")
    role: Mapped[Code] = mapped_column(default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    company_id: Mapped[int | None]  # portal invitation; checked by the exhibitors package, which knows companies
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]


class SignInAttempt(Base):
    """Failed sign-ins, for the throttle. In the database because several processes share it."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index(None, "subject", "at"),)

    id: Mapped[IntPk]
    subject: Mapped[str] = mapped_column(String(300))
    at: Mapped[Moment]
