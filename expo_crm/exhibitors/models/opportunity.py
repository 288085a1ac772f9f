"""The recruitment pipeline: one opportunity per company and edition, every change of stage dated."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Area, Base, Code, IntPk, Moment, Money, Name
from expo_crm.directory.models import Company
from expo_crm.shows.models import Edition


class Opportunity(Base):
    """lead → contacted → intent → quoted → held → contracted → deposit_paid → paid; or lost, with a reason."""

    __tablename__ = "opportunity"
    __table_args__ = (
        UniqueConstraint("edition_id", "company_id"),
        Index(None, "edition_id", "stage"),
        Index(None, "owner_id"),
        Index(None, "company_id"),
        CheckConstraint(
            "stage in ('lead','contacted','intent','quoted','held','contracted','deposit_paid','paid','lost')",
            name="stage",
        ),
        CheckConstraint("stage <> 'lost' or lost_reason <> ''", name="lost_has_reason"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    stage: Mapped[Code] = mapped_column(default="lead")
    source: Mapped[Code] = mapped_column(default="")  # rebooking | won_back | new | import | agent | referral
    expected_m2: Mapped[Area] = mapped_column(default=0)
    expected_amount: Mapped[Money] = mapped_column(default=0)
    lost_reason: Mapped[Code] = mapped_column(default="")
    lost_to_id: Mapped[int | None] = mapped_column(ForeignKey("competitor_show.id", ondelete="SET NULL"))  # as a person said
    agent: Mapped[Name] = mapped_column(default="")  # the recruiting agent (招展代理) that brings it
    next_step: Mapped[Name] = mapped_column(default="")
    next_on: Mapped[dt.date | None] = mapped_column(Date)
    stage_at: Mapped[Moment]
    created_at: Mapped[Moment]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    edition: Mapped[Edition] = relationship()
    company: Mapped[Company] = relationship()
    owner: Mapped[User | None] = relationship()
    changes: Mapped[list[StageChange]] = relationship(
        back_populates="opportunity", order_by="StageChange.at", cascade="all, delete-orphan"
    )


class StageChange(Base):
    __tablename__ = "stage_change"
    __table_args__ = (Index(None, "opportunity_id"),)

    id: Mapped[IntPk]
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"))
    before: Mapped[Code]
    after: Mapped[Code]
    at: Mapped[Moment]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    opportunity: Mapped[Opportunity] = relationship(back_populates="changes")
