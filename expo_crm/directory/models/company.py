"""Companies: one row per legal or trading entity over all editions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, Json, Key, LongText, Moment, Name

if TYPE_CHECKING:
    from expo_crm.directory.models.duplicate import CompanyDomain


class Company(Base):
    """A company in two languages. ``name_key`` compares names, ``search_key`` finds them, ``sort_key`` orders them."""

    __tablename__ = "company"
    __table_args__ = (
        CheckConstraint("name_zh <> '' or name_en <> ''", name="named"),
        Index(None, "name_key"),
        Index(None, "domain"),
        Index(None, "sort_key"),
        Index(None, "owner_id"),
        Index(None, "phone"),
        Index(None, "parent_id"),
    )

    id: Mapped[IntPk]
    name_zh: Mapped[Name] = mapped_column(default="")
    name_en: Mapped[Name] = mapped_column(default="")
    name_key: Mapped[Key] = mapped_column(default="")
    sort_key: Mapped[Key] = mapped_column(default="")
    search_key: Mapped[LongText] = mapped_column(default="")
    tax_id: Mapped[str | None] = mapped_column(String(40), unique=True)
    website: Mapped[Name] = mapped_column(default="")
    domain: Mapped[str] = mapped_column(String(253), default="")
    phone: Mapped[str] = mapped_column(String(60), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    province: Mapped[Code] = mapped_column(default="")
    city: Mapped[Code] = mapped_column(default="")
    address: Mapped[Name] = mapped_column(default="")
    industry: Mapped[Name] = mapped_column(default="")
    intro_zh: Mapped[LongText] = mapped_column(default="")
    intro_en: Mapped[LongText] = mapped_column(default="")
    source: Mapped[Code] = mapped_column(default="")
    key_account: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    owner_since: Mapped[Moment | None]
    protected_until: Mapped[dt.date | None] = mapped_column(Date)  # its owner's until the end of this day
    pool_since: Mapped[Moment | None]  # returned to the public pool; nobody's and empty: never had an owner
    pool_warned_at: Mapped[Moment | None]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    custom: Mapped[Json] = mapped_column(default=dict)  # values of custom fields by their key
    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]

    __mapper_args__ = {"version_id_col": version}

    owner: Mapped[User | None] = relationship()
    names: Mapped[list[CompanyName]] = relationship(back_populates="company", cascade="all, delete-orphan")
    domains: Mapped[list[CompanyDomain]] = relationship(back_populates="company", cascade="all, delete-orphan")
    parent: Mapped[Company | None] = relationship(remote_side="Company.id")


class CompanyName(Base):
    """A further written form: former name, brand, spelling seen in an import."""

    __tablename__ = "company_name"
    __table_args__ = (Index("ix_company_alias_key", "key"), Index("ix_company_alias_company", "company_id"))

    id: Mapped[IntPk]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    name: Mapped[Name]
    key: Mapped[Key]
    kind: Mapped[Code] = mapped_column(default="other")  # former | brand | other

    company: Mapped[Company] = relationship(back_populates="names")
