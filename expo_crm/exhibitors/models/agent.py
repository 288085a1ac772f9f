"""Agents who recruit exhibitors for commission, the accounts kept for them, and what was settled."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Amount, Base, Code, Currency, IntPk, JsonList, Moment, Money, Name
from expo_crm.directory.models import Company, Person
from expo_crm.exhibitors.models.contract import Contract
from expo_crm.shows.models import Show


class Agent(Base):
    """An agent of a show: a territory of countries, provinces and sectors (empty: all), a rate in per cent, from day to day."""

    __tablename__ = "agent"
    __table_args__ = (
        Index(None, "show_id"),
        Index(None, "company_id"),
        CheckConstraint("rate >= 0", name="rate"),
        CheckConstraint("valid_until is null or valid_from <= valid_until", name="days_in_order"),
    )

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id", ondelete="CASCADE"))
    name: Mapped[Name]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    email: Mapped[str] = mapped_column(String(254), default="")
    countries: Mapped[JsonList] = mapped_column(default=list)
    provinces: Mapped[JsonList] = mapped_column(default=list)
    sectors: Mapped[JsonList] = mapped_column(default=list)
    rate: Mapped[Decimal] = mapped_column(Amount(2))
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_until: Mapped[dt.date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    show: Mapped[Show] = relationship()
    company: Mapped[Company | None] = relationship()
    person: Mapped[Person | None] = relationship()
    accounts: Mapped[list[AgentAccount]] = relationship(back_populates="agent", cascade="all, delete-orphan")


class AgentAccount(Base):
    """A company kept for one agent until a day: its contracts signed by then are the agent's, whatever the territory."""

    __tablename__ = "agent_account"
    __table_args__ = (UniqueConstraint("agent_id", "company_id"), Index(None, "company_id"))

    id: Mapped[IntPk]
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id", ondelete="CASCADE"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    protected_until: Mapped[dt.date] = mapped_column(Date)

    agent: Mapped[Agent] = relationship(back_populates="accounts")
    company: Mapped[Company] = relationship()


class Settlement(Base):
    """What an agent gets for the money that came in until a day, in one currency: draft → approved (numbered, frozen) → paid."""

    __tablename__ = "settlement"
    __table_args__ = (
        Index(None, "agent_id"),
        Index(
            "uq_settlement_one_draft", "agent_id", "currency", unique=True,
            sqlite_where=text("state = 'draft'"), postgresql_where=text("state = 'draft'"),
        ),
        CheckConstraint("state in ('draft', 'approved', 'paid')", name="state"),
        CheckConstraint("(state = 'draft') = (number is null)", name="numbered_when_approved"),
        CheckConstraint("period_from <= period_to", name="days_in_order"),
    )  # fmt: skip

    id: Mapped[IntPk]
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    number: Mapped[str | None] = mapped_column(String(60), unique=True)
    period_from: Mapped[dt.date] = mapped_column(Date)
    period_to: Mapped[dt.date] = mapped_column(Date)
    currency: Mapped[Currency]
    total: Mapped[Money]
    state: Mapped[Code] = mapped_column(default="draft")
    made_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    made_at: Mapped[Moment]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    approved_at: Mapped[Moment | None]
    paid_on: Mapped[dt.date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    agent: Mapped[Agent] = relationship()
    lines: Mapped[list[CommissionLine]] = relationship(
        back_populates="settlement", cascade="all, delete-orphan", order_by="CommissionLine.id"
    )


class CommissionLine(Base):
    """One contract in one settlement: commission base reached by the day, what was settled before, and the difference."""

    __tablename__ = "commission_line"
    __table_args__ = (UniqueConstraint("settlement_id", "contract_id"), Index(None, "contract_id"))

    id: Mapped[IntPk]
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id", ondelete="CASCADE"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    paid_net: Mapped[Money]
    base: Mapped[Money]
    rate: Mapped[Decimal] = mapped_column(Amount(2))
    earned: Mapped[Money]
    settled_before: Mapped[Money]
    amount: Mapped[Money]
    storno: Mapped[bool] = mapped_column(Boolean, default=False)

    settlement: Mapped[Settlement] = relationship(back_populates="lines")
    contract: Mapped[Contract] = relationship()
