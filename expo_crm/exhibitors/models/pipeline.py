"""Chances of the stages, targets of an edition, and where else its customers exhibit."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Amount, Area, Base, Code, IntPk, Moment, Money, Name
from expo_crm.directory.models import Company
from expo_crm.shows.models import Show


class StageWeight(Base):
    """How likely a stage ends in a contract, in percent, and after how many days in it a card is too old (0: never)."""

    __tablename__ = "stage_weight"
    __table_args__ = (
        UniqueConstraint("edition_id", "stage"),
        CheckConstraint("percent >= 0", name="percent"),
        CheckConstraint("limit_days between 0 and 1000", name="limit_days"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    stage: Mapped[Code]
    percent: Mapped[Decimal] = mapped_column(Amount(2))
    limit_days: Mapped[int] = mapped_column(Integer)


class SalesTeam(Base):
    """A team of sales people; a person is in one team at most."""

    __tablename__ = "sales_team"

    id: Mapped[IntPk]
    name: Mapped[Name] = mapped_column(unique=True)

    members: Mapped[list[SalesTeamMember]] = relationship(back_populates="team", cascade="all, delete-orphan")


class SalesTeamMember(Base):
    __tablename__ = "sales_team_member"
    __table_args__ = (Index(None, "team_id"),)

    id: Mapped[IntPk]
    team_id: Mapped[int] = mapped_column(ForeignKey("sales_team.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), unique=True)

    team: Mapped[SalesTeam] = relationship(back_populates="members")
    user: Mapped[User] = relationship()


class SalesTarget(Base):
    """What is to be sold: by the edition as a whole, or by one person, team, agent, sector or hall (``key``).

    ``key``: "" for the edition, the id of the person or team, the name of the agent or sector, the code of the hall.
    """

    __tablename__ = "sales_target"
    __table_args__ = (
        UniqueConstraint("edition_id", "scope", "key"),
        CheckConstraint("scope in ('edition', 'person', 'team', 'agent', 'sector', 'hall')", name="scope"),
        CheckConstraint("m2 >= 0 and amount >= 0 and companies >= 0", name="not_negative"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    scope: Mapped[Code]
    key: Mapped[Name] = mapped_column(default="")
    m2: Mapped[Area]
    amount: Mapped[Money]
    companies: Mapped[int] = mapped_column(Integer, default=0)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}


class CompetitorShow(Base):
    """A show of somebody else that the customers of our show exhibit at."""

    __tablename__ = "competitor_show"
    __table_args__ = (CheckConstraint("ends_on is null or starts_on is null or ends_on >= starts_on", name="days_in_order"),)

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id", ondelete="CASCADE"))
    name_zh: Mapped[Name] = mapped_column(default="")
    name_en: Mapped[Name] = mapped_column(default="")
    city: Mapped[Name] = mapped_column(default="")
    starts_on: Mapped[dt.date | None] = mapped_column(Date)
    ends_on: Mapped[dt.date | None] = mapped_column(Date)
    url: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[Moment]

    show: Mapped[Show] = relationship()


class CompetitorPresence(Base):
    """A company at a competitor's show, once per show. ``source``: list | seen | told."""

    __tablename__ = "competitor_presence"
    __table_args__ = (
        UniqueConstraint("competitor_show_id", "company_id"),
        Index(None, "company_id"),
        CheckConstraint("m2 is null or m2 > 0", name="m2"),
    )

    id: Mapped[IntPk]
    competitor_show_id: Mapped[int] = mapped_column(ForeignKey("competitor_show.id", ondelete="CASCADE"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    stand: Mapped[Name] = mapped_column(default="")
    m2: Mapped[Decimal | None] = mapped_column(Amount(2))
    seen_on: Mapped[dt.date] = mapped_column(Date)
    source: Mapped[Code] = mapped_column(default="list")

    competitor: Mapped[CompetitorShow] = relationship()
    company: Mapped[Company] = relationship()
