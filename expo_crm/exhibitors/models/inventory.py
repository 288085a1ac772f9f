"""What the hall costs, who waits for a booth, who asked for one, and in which order space is drawn."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Amount, Area, Base, Code, Currency, IntPk, JsonList, LongText, Moment, Money, Name
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.models.booth import Booth
from expo_crm.exhibitors.models.opportunity import Opportunity
from expo_crm.exhibitors.models.pavilion import Pavilion
from expo_crm.shows.models import Hall


class PriceList(Base):
    """A price list of an edition. A published one is never changed: a new version is drawn up and takes its place.

    ``tax_rate`` is a share (0.06), ``valid_from`` and ``valid_until`` are days, both included.
    """

    __tablename__ = "price_list"
    __table_args__ = (
        UniqueConstraint("edition_id", "code", "number"),
        CheckConstraint("state in ('draft', 'published', 'retired')", name="state"),
        CheckConstraint("valid_from <= valid_until", name="days_in_order"),
        CheckConstraint("tax_rate >= 0", name="tax_rate"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    code: Mapped[Code]  # the versions of one list share it
    number: Mapped[int] = mapped_column(Integer, default=1)  # of the version
    name_zh: Mapped[Name]
    name_en: Mapped[Name] = mapped_column(default="")
    currency: Mapped[Currency]
    tax_rate: Mapped[Decimal] = mapped_column(Amount(4))
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_until: Mapped[dt.date] = mapped_column(Date)
    state: Mapped[Code] = mapped_column(default="draft")
    published_at: Mapped[Moment | None]
    created_at: Mapped[Moment]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    rules: Mapped[list[PriceRule]] = relationship(
        back_populates="price_list", cascade="all, delete-orphan", order_by="PriceRule.id"
    )


class PriceRule(Base):
    """What a kind of booth costs. Prices per m² and fees without tax, surcharges in percent of the base.

    ``fees``: a list of {"zh", "en", "amount"}, the amount as text so that it stays exact.
    """

    __tablename__ = "price_rule"
    __table_args__ = (
        Index(None, "price_list_id"),
        CheckConstraint("kind in ('shell', 'raw')", name="kind"),
        CheckConstraint("base_m2 > 0 and (minimum_m2 is null or minimum_m2 > 0)", name="sizes"),
        CheckConstraint("corner_2 >= 0 and corner_3 >= 0 and corner_4 >= 0", name="corners"),
    )

    id: Mapped[IntPk]
    price_list_id: Mapped[int] = mapped_column(ForeignKey("price_list.id", ondelete="CASCADE"))
    kind: Mapped[Code]
    hall_id: Mapped[int | None] = mapped_column(ForeignKey("hall.id", ondelete="CASCADE"))
    sector: Mapped[Name] = mapped_column(default="")
    base_m2: Mapped[Money]
    minimum_m2: Mapped[Decimal | None] = mapped_column(Amount(2))
    corner_2: Mapped[Decimal] = mapped_column(Amount(2), default=0)
    corner_3: Mapped[Decimal] = mapped_column(Amount(2), default=0)
    corner_4: Mapped[Decimal] = mapped_column(Amount(2), default=0)
    fees: Mapped[JsonList] = mapped_column(default=list)
    early_until: Mapped[dt.date | None] = mapped_column(Date)
    early_percent: Mapped[Decimal | None] = mapped_column(Amount(2))
    early_m2: Mapped[Decimal | None] = mapped_column(Amount(2))

    price_list: Mapped[PriceList] = relationship(back_populates="rules")
    hall: Mapped[Hall | None] = relationship()


class PriceOverride(Base):
    """Another price for a booth than the list says, asked for with a reason and approved by somebody else.

    State: asked | approved | refused | ended (the company it was meant for gave the booth back).
    """

    __tablename__ = "price_override"
    __table_args__ = (
        Index(None, "booth_id"),
        Index(
            "uq_price_override_asked",
            "booth_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
        CheckConstraint("state in ('asked', 'approved', 'refused', 'ended')", name="state"),
        CheckConstraint("new >= 0 and old >= 0", name="not_negative"),
        CheckConstraint("decided_by_id is null or decided_by_id <> asked_by_id", name="two_people"),
    )

    id: Mapped[IntPk]
    booth_id: Mapped[int] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    opportunity_id: Mapped[int | None] = mapped_column(ForeignKey("opportunity.id", ondelete="SET NULL"))
    old: Mapped[Money]
    new: Mapped[Money]
    reason: Mapped[Name]
    state: Mapped[Code] = mapped_column(default="asked")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    asked_at: Mapped[Moment]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    decided_at: Mapped[Moment | None]
    answer: Mapped[Name] = mapped_column(default="")

    booth: Mapped[Booth] = relationship()
    opportunity: Mapped[Opportunity | None] = relationship()
    asked_by: Mapped[User | None] = relationship(foreign_keys=asked_by_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)


class BoothWish(Base):
    """A place on the waiting list: for one booth, or for any that fits. State: waiting | offered | taken | gone."""

    __tablename__ = "booth_wish"
    __table_args__ = (
        Index(None, "edition_id", "state", "position"),
        Index(None, "opportunity_id"),
        CheckConstraint("state in ('waiting', 'offered', 'taken', 'gone')", name="state"),
        CheckConstraint("min_m2 > 0 and (max_m2 is null or max_m2 >= min_m2)", name="sizes"),
        CheckConstraint("open_sides between 1 and 4", name="open_sides"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"))
    booth_id: Mapped[int | None] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    hall_id: Mapped[int | None] = mapped_column(ForeignKey("hall.id", ondelete="CASCADE"))
    kind: Mapped[Code] = mapped_column(default="")
    min_m2: Mapped[Area]
    max_m2: Mapped[Decimal | None] = mapped_column(Amount(2))
    open_sides: Mapped[int] = mapped_column(Integer, default=1)
    position: Mapped[int] = mapped_column(Integer)
    state: Mapped[Code] = mapped_column(default="waiting")
    note: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[Moment]

    opportunity: Mapped[Opportunity] = relationship()
    booth: Mapped[Booth | None] = relationship()
    hall: Mapped[Hall | None] = relationship()
    offers: Mapped[list[BoothOffer]] = relationship(
        back_populates="wish", cascade="all, delete-orphan", order_by="BoothOffer.id"
    )


class BoothOffer(Base):
    """A booth that was offered to somebody who waits; it is held for them until ``until``."""

    __tablename__ = "booth_offer"
    __table_args__ = (
        UniqueConstraint("wish_id", "booth_id"),
        Index(
            "uq_booth_offer_open",
            "booth_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        CheckConstraint("state in ('open', 'accepted', 'declined', 'lapsed')", name="state"),
    )

    id: Mapped[IntPk]
    wish_id: Mapped[int] = mapped_column(ForeignKey("booth_wish.id", ondelete="CASCADE"))
    booth_id: Mapped[int] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    made_at: Mapped[Moment]
    until: Mapped[Moment]
    state: Mapped[Code] = mapped_column(default="open")
    mailed: Mapped[bool] = mapped_column(default=False)

    wish: Mapped[BoothWish] = relationship(back_populates="offers")
    booth: Mapped[Booth] = relationship()


class BoothRequest(Base):
    """An exhibitor asked for a booth in the portal; it is reserved until staff decide. State: asked | approved | refused | withdrawn."""

    __tablename__ = "booth_request"
    __table_args__ = (
        Index(None, "opportunity_id"),
        Index(
            "uq_booth_request_asked",
            "booth_id",
            unique=True,
            sqlite_where=text("state = 'asked'"),
            postgresql_where=text("state = 'asked'"),
        ),
        CheckConstraint("state in ('asked', 'approved', 'refused', 'withdrawn')", name="state"),
    )

    id: Mapped[IntPk]
    booth_id: Mapped[int] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"))
    price: Mapped[Money]  # as it was shown when it was asked for
    note: Mapped[Name] = mapped_column(default="")
    state: Mapped[Code] = mapped_column(default="asked")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    asked_at: Mapped[Moment]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    decided_at: Mapped[Moment | None]
    answer: Mapped[Name] = mapped_column(default="")

    booth: Mapped[Booth] = relationship()
    opportunity: Mapped[Opportunity] = relationship()
    asked_by: Mapped[User | None] = relationship(foreign_keys=asked_by_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)


class PavilionEntry(Base):
    """A company that the pavilion's organizer entered; staff find or make it in the customer file. State: entered | taken | refused."""

    __tablename__ = "pavilion_entry"
    __table_args__ = (
        Index(None, "pavilion_id"),
        CheckConstraint("state in ('entered', 'taken', 'refused')", name="state"),
    )

    id: Mapped[IntPk]
    pavilion_id: Mapped[int] = mapped_column(ForeignKey("pavilion.id", ondelete="CASCADE"))
    booth_id: Mapped[int | None] = mapped_column(ForeignKey("booth.id", ondelete="SET NULL"))
    name_zh: Mapped[Name] = mapped_column(default="")
    name_en: Mapped[Name] = mapped_column(default="")
    country: Mapped[Code] = mapped_column(default="")
    website: Mapped[Name] = mapped_column(default="")
    state: Mapped[Code] = mapped_column(default="entered")
    answer: Mapped[Name] = mapped_column(default="")
    participation_id: Mapped[int | None] = mapped_column(ForeignKey("participation.id", ondelete="SET NULL"))
    entered_at: Mapped[Moment]

    pavilion: Mapped[Pavilion] = relationship()
    booth: Mapped[Booth | None] = relationship()
    participation: Mapped[Participation | None] = relationship()


class SpaceDraw(Base):
    """The order in which exhibitors choose their space: the organizer's formula, the seed that breaks ties, the times."""

    __tablename__ = "space_draw"
    __table_args__ = (
        CheckConstraint("slot_minutes between 1 and 240", name="slot_minutes"),
        CheckConstraint("at_once between 1 and 50", name="at_once"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), unique=True)
    formula: Mapped[LongText] = mapped_column(default="")
    seed: Mapped[Code] = mapped_column(default="")
    starts_at: Mapped[Moment | None]
    slot_minutes: Mapped[int] = mapped_column(Integer, default=15)
    at_once: Mapped[int] = mapped_column(Integer, default=1)
    drawn_at: Mapped[Moment | None]

    slots: Mapped[list[DrawSlot]] = relationship(
        back_populates="draw", cascade="all, delete-orphan", order_by="DrawSlot.position"
    )


class DrawSlot(Base):
    """The turn of one company. State: waiting | called | done | passed."""

    __tablename__ = "draw_slot"
    __table_args__ = (
        UniqueConstraint("draw_id", "opportunity_id"),
        UniqueConstraint("draw_id", "position"),
        CheckConstraint("state in ('waiting', 'called', 'done', 'passed')", name="state"),
    )

    id: Mapped[IntPk]
    draw_id: Mapped[int] = mapped_column(ForeignKey("space_draw.id", ondelete="CASCADE"))
    opportunity_id: Mapped[int] = mapped_column(ForeignKey("opportunity.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    points: Mapped[Decimal] = mapped_column(Amount(2))
    tie: Mapped[Code] = mapped_column(default="")  # "" where the points alone decided
    at: Mapped[Moment]
    mailed_at: Mapped[Moment | None]
    state: Mapped[Code] = mapped_column(default="waiting")

    draw: Mapped[SpaceDraw] = relationship(back_populates="slots")
    opportunity: Mapped[Opportunity] = relationship()


class NeighbourRule(Base):
    """Two companies that should not stand side by side: nearer than ``distance_m`` metres from wall to wall."""

    __tablename__ = "neighbour_rule"
    __table_args__ = (
        UniqueConstraint("edition_id", "company_a_id", "company_b_id"),
        CheckConstraint("company_a_id <> company_b_id", name="two"),
        CheckConstraint("distance_m >= 0", name="distance"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    company_a_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    company_b_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    distance_m: Mapped[Area]
    reason: Mapped[Name]

    company_a: Mapped[Company] = relationship(foreign_keys=company_a_id)
    company_b: Mapped[Company] = relationship(foreign_keys=company_b_id)


class NeighbourException(Base):
    """Two booths on which a rule is passed over, with the reason that was given; what is agreed upon once is not asked again."""

    __tablename__ = "neighbour_exception"
    __table_args__ = (
        UniqueConstraint("rule_id", "booth_id", "near_id"),
        Index(None, "booth_id"),
        Index(None, "near_id"),
        CheckConstraint("booth_id <> near_id", name="two"),
    )

    id: Mapped[IntPk]
    rule_id: Mapped[int] = mapped_column(ForeignKey("neighbour_rule.id", ondelete="CASCADE"))
    booth_id: Mapped[int] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    near_id: Mapped[int] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    reason: Mapped[Name]
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    accepted_at: Mapped[Moment]
