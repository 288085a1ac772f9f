"""Invoices and payments; all money in Decimal, each invoice in one currency."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Area, Base, Code, Currency, IntPk, Moment, Money, Name
from expo_crm.directory.models import Company
from expo_crm.shows.models import Edition


class NumberSequence(Base):
    """Last number given per scope (``invoice-2026``); taken under a row lock, so numbers have no gaps."""

    __tablename__ = "number_sequence"

    id: Mapped[IntPk]
    scope: Mapped[Code] = mapped_column(unique=True)
    last: Mapped[int] = mapped_column(Integer, default=0)


class Invoice(Base):
    """open → partly_paid → paid; cancelled; refunded. ``kind``: deposit, instalment, balance, full, extra, credit."""

    __tablename__ = "invoice"
    __table_args__ = (
        Index(None, "edition_id", "company_id"),
        Index(None, "corrects_id"),
        Index(None, "state", "due_on"),
        CheckConstraint("state in ('open', 'partly_paid', 'paid', 'cancelled', 'refunded')", name="state"),
    )

    id: Mapped[IntPk]
    number: Mapped[Code] = mapped_column(unique=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    contract_id: Mapped[int | None] = mapped_column(BigInteger)  # contracts live in the package above
    kind: Mapped[Code]
    state: Mapped[Code] = mapped_column(default="open")
    currency: Mapped[Currency]
    net: Mapped[Money]
    tax: Mapped[Money]
    total: Mapped[Money]
    # What credit notes took off, and for a credit note the invoice it corrects. The invoice itself never changes.
    credited: Mapped[Money] = mapped_column(default=0)
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    dunning_stopped: Mapped[bool] = mapped_column(default=False)
    issued_on: Mapped[dt.date] = mapped_column(Date)
    due_on: Mapped[dt.date] = mapped_column(Date)
    created_at: Mapped[Moment]

    edition: Mapped[Edition] = relationship()
    company: Mapped[Company] = relationship()
    corrects: Mapped[Invoice | None] = relationship(remote_side="Invoice.id")
    lines: Mapped[list[InvoiceLine]] = relationship(back_populates="invoice", cascade="all, delete-orphan")
    payments: Mapped[list[Payment]] = relationship(back_populates="invoice", order_by="Payment.received_on")


class InvoiceLine(Base):
    __tablename__ = "invoice_line"
    __table_args__ = (UniqueConstraint("invoice_id", "position"),)

    id: Mapped[IntPk]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    text_zh: Mapped[Name]
    text_en: Mapped[Name]
    quantity: Mapped[Area]
    unit_price: Mapped[Money]
    amount: Mapped[Money]

    invoice: Mapped[Invoice] = relationship(back_populates="lines")


class Payment(Base):
    """Money received, matched to an invoice; never typed over, only reversed by a negative one with its reason."""

    __tablename__ = "payment"
    __table_args__ = (Index(None, "invoice_id"), CheckConstraint("amount <> 0", name="not_zero"))

    id: Mapped[IntPk]
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"))
    amount: Mapped[Money]
    received_on: Mapped[dt.date] = mapped_column(Date)
    method: Mapped[Code] = mapped_column(default="bank")
    reference: Mapped[Name] = mapped_column(default="")
    reason: Mapped[Name] = mapped_column(default="")
    bank_transaction_id: Mapped[int | None] = mapped_column(ForeignKey("bank_transaction.id"), index=True)
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[Moment]

    invoice: Mapped[Invoice] = relationship(back_populates="payments")
