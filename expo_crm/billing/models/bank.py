"""Statements of a bank account and the money that came in on it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column, relationship

from expo_crm.db import Base, Code, Currency, IntPk, Json, LongText, Moment, Money, Name, Token


class BankStatement(Base):
    """An uploaded file. ``state``: columns (waits for the mapping) → taken. The file itself goes when it was taken."""

    __tablename__ = "bank_statement"
    __table_args__ = (CheckConstraint("state in ('columns', 'taken')", name="state"),)

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id", ondelete="CASCADE"))
    filename: Mapped[Name]
    format: Mapped[Code]
    account: Mapped[Code]
    currency: Mapped[Currency]
    state: Mapped[Code] = mapped_column(default="columns")
    mapping: Mapped[Json] = mapped_column(default=dict)
    data: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    rows: Mapped[int] = mapped_column(Integer, default=0)
    added: Mapped[int] = mapped_column(Integer, default=0)
    known: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    uploaded_at: Mapped[Moment]


class BankTransaction(Base):
    """Money that came in, once per account and fingerprint. What is matched are payments that point here."""

    __tablename__ = "bank_transaction"
    __table_args__ = (
        UniqueConstraint("show_id", "account", "fingerprint"),
        Index(None, "show_id", "state"),
        CheckConstraint("state in ('open', 'matched', 'ignored')", name="state"),
        CheckConstraint("amount > 0", name="came_in"),
    )

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id", ondelete="CASCADE"))
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statement.id"))
    account: Mapped[Code]
    fingerprint: Mapped[Token]
    booked_on: Mapped[dt.date] = mapped_column(Date)
    amount: Mapped[Money]
    currency: Mapped[Currency]
    payer: Mapped[Name] = mapped_column(default="")
    remittance: Mapped[LongText] = mapped_column(default="")
    reference: Mapped[Name] = mapped_column(default="")
    state: Mapped[Code] = mapped_column(default="open")
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    statement: Mapped[BankStatement] = relationship()
