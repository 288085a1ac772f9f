"""Extras and sponsorship from stock, and what was ordered of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.billing.models.invoice import Invoice
from expo_crm.db import Amount, Base, Code, Currency, IntPk, Moment, Money, Name
from expo_crm.directory.models import Company


class Product(Base):
    """``ordered`` is counted up in the statement that checks the stock; the database refuses more than there is."""

    __tablename__ = "product"
    __table_args__ = (
        UniqueConstraint("edition_id", "code"),
        CheckConstraint("kind in ('power', 'furniture', 'advert', 'lanyard', 'sponsorship', 'other')", name="kind"),
        CheckConstraint("stock is null or ordered <= stock", name="in_stock"),
        CheckConstraint("ordered >= 0 and price >= 0", name="not_negative"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    code: Mapped[Code]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    kind: Mapped[Code]
    unit_zh: Mapped[str] = mapped_column(String(30), default="")
    unit_en: Mapped[str] = mapped_column(String(30), default="")
    price: Mapped[Money]
    currency: Mapped[Currency]
    stock: Mapped[int | None] = mapped_column(Integer)
    ordered: Mapped[int] = mapped_column(Integer, default=0)
    available_until: Mapped[dt.date | None] = mapped_column(Date)
    retired: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}


class OrderLine(Base):
    """An order of one product: open → invoiced, or cancelled. Text, price and tax rate are frozen at the moment of the order.

    ``tax_rate`` is a share; orders from before it was kept have none and follow the edition's.
    """

    __tablename__ = "order_line"
    __table_args__ = (
        Index(None, "edition_id", "company_id"),
        Index(None, "product_id"),
        CheckConstraint("state in ('open', 'on_contract', 'invoiced', 'cancelled')", name="state"),
        CheckConstraint("quantity > 0", name="quantity"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    contract_id: Mapped[int | None] = mapped_column(BigInteger)  # contracts live in the package above
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))
    quantity: Mapped[int] = mapped_column(Integer)
    text_zh: Mapped[Name]
    text_en: Mapped[Name]
    unit_price: Mapped[Money]
    amount: Mapped[Money]
    currency: Mapped[Currency]
    tax_rate: Mapped[Decimal | None] = mapped_column(Amount(4))
    state: Mapped[Code] = mapped_column(default="open")
    ordered_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    ordered_at: Mapped[Moment]

    company: Mapped[Company] = relationship()
    product: Mapped[Product] = relationship()
    invoice: Mapped[Invoice | None] = relationship()
