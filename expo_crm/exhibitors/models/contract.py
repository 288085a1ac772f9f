"""Contracts over booths. That two live contracts never share a booth is a unique index, not a habit."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Amount, Area, Base, Code, Currency, IntPk, Moment, Money, Name
from expo_crm.directory.models import Company
from expo_crm.exhibitors.models.booth import Booth
from expo_crm.exhibitors.models.opportunity import Opportunity
from expo_crm.shows.models import Edition


class Contract(Base):
    """draft → sent → signed → in_force → amended / cancelled. Net, tax, total in the contract's currency.

    ``priced_on`` is the day whose prices it has, by ``price_list`` where there was one; ``price_reason`` says why it keeps them
    (a quote, a promise). ``discount`` is in percent, ``net_home`` the net price in the edition's currency, for figures only.
    """

    __tablename__ = "contract"
    __table_args__ = (
        Index(None, "edition_id", "state"),
        Index(None, "company_id"),
        CheckConstraint("state in ('draft', 'sent', 'signed', 'in_force', 'amended', 'cancelled')", name="state"),
    )

    id: Mapped[IntPk]
    number: Mapped[Code] = mapped_column(unique=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id"))
    state: Mapped[Code] = mapped_column(default="draft")
    locale: Mapped[str] = mapped_column(String(2), default="zh")
    text_version: Mapped[Code] = mapped_column(default="2026-1")
    text_id: Mapped[int | None] = mapped_column(ForeignKey("contract_text.id"))
    currency: Mapped[Currency]
    net_m2: Mapped[Area]
    net: Mapped[Money]
    tax_rate: Mapped[Decimal] = mapped_column(Amount(4))
    tax: Mapped[Money]
    total: Mapped[Money]
    net_home: Mapped[Money] = mapped_column(default=0)
    discount: Mapped[Decimal] = mapped_column(Amount(2), default=0)
    price_list_id: Mapped[int | None] = mapped_column(ForeignKey("price_list.id", ondelete="SET NULL"))
    priced_on: Mapped[dt.date | None] = mapped_column(Date)
    price_reason: Mapped[Name] = mapped_column(default="")
    deposit_due_on: Mapped[dt.date] = mapped_column(Date)
    balance_due_on: Mapped[dt.date] = mapped_column(Date)
    signed_on: Mapped[dt.date | None] = mapped_column(Date)
    signed_by: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[Moment]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    edition: Mapped[Edition] = relationship()
    company: Mapped[Company] = relationship()
    opportunity: Mapped[Opportunity] = relationship()
    booths: Mapped[list[ContractBooth]] = relationship(back_populates="contract", cascade="all, delete-orphan")
    lines: Mapped[list[ContractLine]] = relationship(
        back_populates="contract", cascade="all, delete-orphan", order_by="ContractLine.position"
    )


class ContractBooth(Base):
    """A booth under a contract; ``live`` until the contract is cancelled."""

    __tablename__ = "contract_booth"
    __table_args__ = (
        UniqueConstraint("contract_id", "booth_id"),
        Index(
            "uq_contract_booth_sold_once",
            "booth_id",
            unique=True,
            sqlite_where=text("live"),
            postgresql_where=text("live"),
        ),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="CASCADE"))
    booth_id: Mapped[int] = mapped_column(ForeignKey("booth.id"))
    live: Mapped[bool] = mapped_column(default=True)

    contract: Mapped[Contract] = relationship(back_populates="booths")
    booth: Mapped[Booth] = relationship()


class ContractLine(Base):
    __tablename__ = "contract_line"
    __table_args__ = (UniqueConstraint("contract_id", "position"),)

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    booth_id: Mapped[int | None] = mapped_column(ForeignKey("booth.id"))
    order_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"))
    text_zh: Mapped[Name]
    text_en: Mapped[Name]
    quantity: Mapped[Area]
    unit_price: Mapped[Money]
    amount: Mapped[Money]

    contract: Mapped[Contract] = relationship(back_populates="lines")
