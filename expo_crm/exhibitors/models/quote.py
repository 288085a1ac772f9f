"""Quotes: what a company was offered, in numbered revisions, until when it holds, and the contract that came of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Amount, Area, Base, Code, Currency, IntPk, Moment, Money, Name
from expo_crm.exhibitors.models.booth import Booth
from expo_crm.exhibitors.models.contract import Contract
from expo_crm.exhibitors.models.opportunity import Opportunity
from expo_crm.shows.models import Edition


class Quote(Base):
    """draft → sent → accepted / declined / expired; replaced by the next revision. A sent one is never edited.

    ``net`` is after the discount (percent), ``tax_rate`` a share; money in the quote's currency.
    ``priced_on`` is the day whose prices it keeps until ``valid_until``, by ``price_list_id`` where there was a list.
    """

    __tablename__ = "quote"
    __table_args__ = (
        UniqueConstraint("number", "revision"),
        Index(None, "edition_id", "state"),
        Index(None, "opportunity_id"),
        CheckConstraint("state in ('draft', 'sent', 'accepted', 'declined', 'expired', 'replaced')", name="state"),
        CheckConstraint("discount >= 0", name="discount"),
    )

    id: Mapped[IntPk]
    number: Mapped[Code]
    revision: Mapped[int] = mapped_column(Integer, default=1)
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"))
    state: Mapped[Code] = mapped_column(default="draft")
    locale: Mapped[str] = mapped_column(String(2), default="zh")
    currency: Mapped[Currency]
    net_m2: Mapped[Area]
    discount: Mapped[Decimal] = mapped_column(Amount(2), default=0)
    net: Mapped[Money]
    tax_rate: Mapped[Decimal] = mapped_column(Amount(4))
    tax: Mapped[Money]
    total: Mapped[Money]
    price_list_id: Mapped[int | None] = mapped_column(ForeignKey("price_list.id", ondelete="SET NULL"))
    priced_on: Mapped[dt.date | None] = mapped_column(Date)
    valid_until: Mapped[dt.date] = mapped_column(Date)
    created_at: Mapped[Moment]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    sent_at: Mapped[Moment | None]
    decided_at: Mapped[Moment | None]
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id", ondelete="SET NULL"))
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    edition: Mapped[Edition] = relationship()
    opportunity: Mapped[Opportunity] = relationship()
    created_by: Mapped[User | None] = relationship()
    contract: Mapped[Contract | None] = relationship()
    lines: Mapped[list[QuoteLine]] = relationship(
        back_populates="quote", cascade="all, delete-orphan", order_by="QuoteLine.position"
    )


class QuoteLine(Base):
    """A booth, or square metres without one yet, or a step of the price. ``m2`` only where the line is about space."""

    __tablename__ = "quote_line"
    __table_args__ = (UniqueConstraint("quote_id", "position"), Index(None, "booth_id"))

    id: Mapped[IntPk]
    quote_id: Mapped[int] = mapped_column(ForeignKey("quote.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    booth_id: Mapped[int | None] = mapped_column(ForeignKey("booth.id", ondelete="SET NULL"))
    kind: Mapped[Code] = mapped_column(default="")
    m2: Mapped[Decimal | None] = mapped_column(Amount(2))
    text_zh: Mapped[Name]
    text_en: Mapped[Name]
    amount: Mapped[Money]

    quote: Mapped[Quote] = relationship(back_populates="lines")
    booth: Mapped[Booth | None] = relationship()
