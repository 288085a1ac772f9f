"""People, who may work for several companies over time."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Json, Key, LongText, Moment, Name
from expo_crm.directory.models.company import Company


class Person(Base):
    """A person. E-mail and phone are not unique: assistants share them."""

    __tablename__ = "person"
    __table_args__ = (Index(None, "email"), Index(None, "phone"), Index(None, "sort_key"))

    id: Mapped[IntPk]
    name: Mapped[Name]
    name_latin: Mapped[Name] = mapped_column(default="")
    sort_key: Mapped[Key] = mapped_column(default="")
    search_key: Mapped[LongText] = mapped_column(default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(60), default="")
    locale: Mapped[str] = mapped_column(String(2), default="zh")
    country: Mapped[str] = mapped_column(String(2), default="")
    city: Mapped[Code] = mapped_column(default="")
    custom: Mapped[Json] = mapped_column(default=dict)  # values of custom fields by their key
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    erased_at: Mapped[Moment | None]

    employments: Mapped[list[Employment]] = relationship(back_populates="person", cascade="all, delete-orphan")


class Employment(Base):
    """Who works where, as what."""

    __tablename__ = "employment"
    __table_args__ = (Index(None, "company_id"), Index(None, "person_id"))

    id: Mapped[IntPk]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    title: Mapped[Name] = mapped_column(default="")
    department: Mapped[Name] = mapped_column(default="")
    main_contact: Mapped[bool] = mapped_column(default=False)
    until: Mapped[dt.date | None] = mapped_column(Date)

    person: Mapped[Person] = relationship(back_populates="employments")
    company: Mapped[Company] = relationship()
