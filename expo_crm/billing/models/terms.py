"""What an edition's money follows: tax rate, payment plan, cancellation table, noted exchange rates, dunning."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expo_crm.db import Amount, Base, Code, Currency, IntPk, Moment, Money, Name


class BillingTerms(Base):
    """One row per edition: its tax rate, and how many days after the due day each dunning step follows."""

    __tablename__ = "billing_terms"
    __table_args__ = (
        CheckConstraint("tax_rate >= 0", name="tax_rate"),
        CheckConstraint("friendly_days < first_days and first_days < final_days", name="steps_in_order"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), unique=True)
    tax_rate: Mapped[Decimal] = mapped_column(Amount(4))
    dunning: Mapped[bool] = mapped_column(default=False)
    friendly_days: Mapped[int] = mapped_column(Integer, default=3)
    first_days: Mapped[int] = mapped_column(Integer, default=14)
    final_days: Mapped[int] = mapped_column(Integer, default=28)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}


class PlanStep(Base):
    """A step of the payment plan of an edition, or of one contract where ``contract_id`` is set.

    ``rule``: percent of the total, fixed amount, or the rest. Due ``days`` after signing or before the opening, or ``due_on`` a date.
    """

    __tablename__ = "plan_step"
    __table_args__ = (
        UniqueConstraint("edition_id", "contract_id", "position"),
        CheckConstraint("rule in ('percent', 'fixed', 'rest')", name="rule"),
        CheckConstraint("due_from in ('signing', 'opening', 'date')", name="due_from"),
        CheckConstraint("due_from <> 'date' or due_on is not null", name="date_given"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    contract_id: Mapped[int | None] = mapped_column(BigInteger)  # contracts live in the package above
    position: Mapped[int] = mapped_column(Integer)
    label_zh: Mapped[Name]
    label_en: Mapped[Name]
    rule: Mapped[Code]
    value: Mapped[Money] = mapped_column(default=0)
    due_from: Mapped[Code]
    days: Mapped[int] = mapped_column(Integer)
    due_on: Mapped[dt.date | None] = mapped_column(Date)


class CancellationRule(Base):
    """Who cancels until this day (included) owes this per cent of the net price; after the last day all of it."""

    __tablename__ = "cancellation_rule"
    __table_args__ = (
        UniqueConstraint("edition_id", "until"),
        CheckConstraint("percent >= 0", name="percent"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    until: Mapped[dt.date] = mapped_column(Date)
    percent: Mapped[Money]


class CurrencyRate(Base):
    """A rate somebody noted: one unit of ``currency`` in the edition's currency. For reading reports only."""

    __tablename__ = "currency_rate"
    __table_args__ = (UniqueConstraint("edition_id", "currency"), CheckConstraint("rate > 0", name="rate"))

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    currency: Mapped[Currency]
    rate: Mapped[Decimal] = mapped_column(Amount(6))
    noted_on: Mapped[dt.date] = mapped_column(Date)


class Dunning(Base):
    """A reminder that was written. One row per invoice and step, so that no step goes out twice."""

    __tablename__ = "dunning"
    __table_args__ = (
        UniqueConstraint("invoice_id", "step"),
        CheckConstraint("step in ('friendly', 'first', 'final')", name="step"),
    )

    id: Mapped[IntPk]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="CASCADE"))
    step: Mapped[Code]
    to_email: Mapped[str] = mapped_column(String(254))
    open_amount: Mapped[Money]
    sent_at: Mapped[Moment]


class CompanyCredit(Base):
    """Money that a company has with the organizer beyond its invoices; a signed ledger, its sum is the balance."""

    __tablename__ = "company_credit"
    __table_args__ = (Index(None, "company_id", "currency"), CheckConstraint("amount <> 0", name="not_zero"))

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    currency: Mapped[Currency]
    amount: Mapped[Money]
    transaction_id: Mapped[int | None] = mapped_column(ForeignKey("bank_transaction.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    reason: Mapped[Name] = mapped_column(default="")
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[Moment]
