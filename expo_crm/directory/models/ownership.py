"""Who owns which customer: rules, the settings of the public pool, and the log of every change."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, JsonList, Moment, Name
from expo_crm.directory.models.company import Company


class OwnershipSettings(Base):
    """One row per show. Days count from the last contact; zero switches a limit or a protection off."""

    __tablename__ = "ownership_settings"
    __table_args__ = (
        CheckConstraint(
            "pool_days >= 0 and warn_days >= 0 and contact_days >= 0 and opportunity_days >= 0 and claims_per_day >= 0"
            " and claims_total >= 0 and wait_days >= 0",
            name="not_negative",
        ),
    )

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id", ondelete="CASCADE"), unique=True)
    pool_days: Mapped[int] = mapped_column(Integer, default=0)
    warn_days: Mapped[int] = mapped_column(Integer, default=7)
    exempt_key: Mapped[bool] = mapped_column(default=True)
    exempt_open: Mapped[bool] = mapped_column(default=True)
    contact_days: Mapped[int] = mapped_column(Integer, default=0)
    opportunity_days: Mapped[int] = mapped_column(Integer, default=0)
    claims_per_day: Mapped[int] = mapped_column(Integer, default=10)
    claims_total: Mapped[int] = mapped_column(Integer, default=300)
    wait_days: Mapped[int] = mapped_column(Integer, default=7)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}


class OwnershipRule(Base):
    """The first rule (by ``position``) whose filled fields all fit gives the company to its people in turn."""

    __tablename__ = "ownership_rule"
    __table_args__ = (CheckConstraint("dealt >= 0", name="dealt"),)

    id: Mapped[IntPk]
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[Name]
    country: Mapped[str] = mapped_column(String(2), default="")
    province: Mapped[Code] = mapped_column(default="")
    industry: Mapped[Name] = mapped_column(default="")
    source: Mapped[Code] = mapped_column(default="")
    user_ids: Mapped[JsonList] = mapped_column(default=list)
    dealt: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}


class OwnershipLog(Base):
    """One change of owner; nobody on either side is the public pool. Only ever added to."""

    __tablename__ = "ownership_log"
    __table_args__ = (
        Index(None, "company_id", "at"),
        Index(None, "to_id", "why", "at"),
        CheckConstraint("why in ('assign', 'claim', 'return', 'transfer', 'merge', 'rule')", name="why"),
    )

    id: Mapped[IntPk]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    from_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    to_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    why: Mapped[Code]
    reason: Mapped[Name] = mapped_column(default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[Moment]

    company: Mapped[Company] = relationship()
    before: Mapped[User | None] = relationship(foreign_keys=[from_id])
    after: Mapped[User | None] = relationship(foreign_keys=[to_id])
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
