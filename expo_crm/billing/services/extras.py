"""Extras and sponsorship: products with stock, and orders of them.

The stock is taken in one statement that also checks it, so that of many orders of the last piece one gets it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.models import Invoice, OrderLine, Product
from expo_crm.billing.services import invoices, terms
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.lib import clock, money
from expo_crm.shows.models import Edition

KINDS = ("power", "furniture", "advert", "lanyard", "sponsorship", "other")
MOST = 100_000
"""Largest quantity of one order."""


class OrderRefusal(StrEnum):
    QUANTITY = "order_quantity"
    SOLD_OUT = "order_sold_out"
    TOO_LATE = "order_too_late"
    RETIRED = "order_retired"
    CURRENCY = "order_currency"
    NOT_OPEN = "order_not_open"
    CODE_TAKEN = "product_code_taken"
    STOCK_BELOW = "product_stock_below"
    TOO_MUCH = "order_too_much"
    PRICE_MOVED = "order_price_moved"


class OrderRefused(Exception):
    """An order or a change of a product was refused; nothing was stored."""

    def __init__(self, reason: OrderRefusal, **facts: Any) -> None:
        super().__init__(reason.value)
        self.reason, self.facts = reason, facts


def find_product(edition_id: int, product_id: int) -> Product | None:
    return db.session.scalar(select(Product).where(Product.id == product_id, Product.edition_id == edition_id))


def list_on_sale(edition_id: int, today: dt.date) -> list[Product]:
    """What may be ordered today, sold out ones too, by kind and code."""
    return list(
        db.session.scalars(
            select(Product)
            .where(
                Product.edition_id == edition_id,
                Product.retired.is_(False),
                or_(Product.available_until.is_(None), Product.available_until >= today),
            )
            .order_by(Product.kind, Product.code)
        )
    )


def save_product(edition: Edition, values: dict[str, Any], product: Product | None = None) -> Product:
    """Make or change a product; orders keep text and price they were made with. Raises OrderRefused."""
    before = {name: getattr(product, name) for name in values} if product else {}
    try:
        with db.session.begin_nested():
            if product is None:
                product = Product(edition_id=edition.id, **values)
                db.session.add(product)
            else:
                for name, value in values.items():
                    setattr(product, name, value)
            db.session.flush()
    except IntegrityError as error:
        low = "in_stock" in str(error.orig) or "CHECK" in str(error.orig)
        raise OrderRefused(OrderRefusal.STOCK_BELOW if low else OrderRefusal.CODE_TAKEN) from None
    changes = audit.diff(before, values) if before else {"code": product.code}
    audit.record("product.save", "product", product.id, edition_id=edition.id, changes=changes)
    return product


def order(
    edition: Edition,
    company: Company,
    product: Product,
    quantity: int,
    *,
    contract_id: int | None = None,
    currency: str | None = None,
    tax_rate: Decimal | None = None,
    user_id: int | None = None,
) -> OrderLine:
    """Order so many pieces at the product's price; whatever a form says of prices is not asked. Raises OrderRefused.

    ``currency`` is the contract's, which the product's must be; ``tax_rate`` (a share) the contract's, else the edition's is kept.
    """
    if not 1 <= quantity <= MOST:
        raise OrderRefused(OrderRefusal.QUANTITY, most=MOST)
    if product.retired or product.edition_id != edition.id:
        raise OrderRefused(OrderRefusal.RETIRED)
    today = clock.local_day(clock.now(), edition.timezone)
    if product.available_until is not None and product.available_until < today:
        raise OrderRefused(OrderRefusal.TOO_LATE)
    if currency is not None and product.currency != currency:
        raise OrderRefused(OrderRefusal.CURRENCY)
    amount = money.quantize(product.price * quantity)
    if amount > money.MAX_AMOUNT / 10:
        raise OrderRefused(OrderRefusal.TOO_MUCH)
    _take(product.id, quantity)
    text_zh, text_en = _texts(product, quantity)
    line = OrderLine(
        edition_id=edition.id,
        company_id=company.id,
        contract_id=contract_id,
        product_id=product.id,
        quantity=quantity,
        text_zh=text_zh,
        text_en=text_en,
        unit_price=product.price,
        amount=amount,
        currency=product.currency,
        tax_rate=terms.tax_rate(edition.id) if tax_rate is None else tax_rate,
        ordered_by=user_id,
        ordered_at=clock.now(),
    )
    db.session.add(line)
    db.session.flush()
    audit.record(
        "order.place",
        "order",
        line.id,
        edition_id=edition.id,
        changes={"company": company.id, "product": product.code, "quantity": quantity, "amount": amount},
    )
    return line


def _take(product_id: int, quantity: int) -> None:
    taken = db.session.execute(
        update(Product)
        .where(Product.id == product_id, or_(Product.stock.is_(None), Product.ordered + quantity <= Product.stock))
        .values(ordered=Product.ordered + quantity)
        .execution_options(synchronize_session=False)
    )
    if not taken.rowcount:  # type: ignore[attr-defined]
        found = db.session.get_one(Product, product_id, populate_existing=True)
        left = (found.stock or 0) - found.ordered
        raise OrderRefused(OrderRefusal.SOLD_OUT, left=left)
    db.session.expire(db.session.get_one(Product, product_id), ["ordered"])


def change(line: OrderLine, quantity: int) -> None:
    """Another number of pieces of an order that is not invoiced; what is more is taken from the stock, what is less goes back.

    Further pieces need a product that is still on sale at the price of the order. Raises OrderRefused.
    """
    locked = db.session.execute(
        select(OrderLine.state, OrderLine.quantity).where(OrderLine.id == line.id).with_for_update()
    ).one()
    if locked.state not in {"open", "on_contract"} or locked.quantity != line.quantity:
        raise OrderRefused(OrderRefusal.NOT_OPEN)
    if not 1 <= quantity <= MOST:
        raise OrderRefused(OrderRefusal.QUANTITY, most=MOST)
    product, before, more = line.product, line.quantity, quantity - line.quantity
    if more > 0:
        if product.retired:
            raise OrderRefused(OrderRefusal.RETIRED)
        if (product.price, product.currency) != (line.unit_price, line.currency):
            raise OrderRefused(OrderRefusal.PRICE_MOVED)
        if line.unit_price * quantity > money.MAX_AMOUNT / 10:
            raise OrderRefused(OrderRefusal.TOO_MUCH)
        _take(product.id, more)
    elif more < 0:
        _put_back(product.id, -more)
    line.quantity, line.amount = quantity, money.quantize(line.unit_price * quantity)
    line.text_zh, line.text_en = _texts(product, quantity)
    db.session.flush()
    audit.record("order.change", "order", line.id, edition_id=line.edition_id, changes={"quantity": [before, quantity]})


def _texts(product: Product, quantity: int) -> tuple[str, str]:
    return (
        f"{product.name_zh} × {quantity}{(' ' + product.unit_zh) if product.unit_zh else ''}"[:300],
        f"{product.name_en} × {quantity}{(' ' + product.unit_en) if product.unit_en else ''}"[:300],
    )


def _put_back(product_id: int, quantity: int) -> None:
    db.session.execute(
        update(Product)
        .where(Product.id == product_id)
        .values(ordered=Product.ordered - quantity)
        .execution_options(synchronize_session=False)
    )
    db.session.flush()
    db.session.expire(db.session.get_one(Product, product_id), ["ordered"])


def cancel(line: OrderLine) -> None:
    """Give the pieces back; only before they are invoiced. Raises OrderRefused."""
    locked = db.session.scalar(select(OrderLine.state).where(OrderLine.id == line.id).with_for_update())
    if locked not in {"open", "on_contract"}:
        raise OrderRefused(OrderRefusal.NOT_OPEN)
    _give_back(line)


def _give_back(line: OrderLine) -> None:
    line.state = "cancelled"
    _put_back(line.product_id, line.quantity)
    audit.record("order.cancel", "order", line.id, edition_id=line.edition_id, changes={"quantity": line.quantity})


def cancel_of(contract_id: int) -> None:
    """The contract is cancelled: what was ordered with it goes back to the stock."""
    rows = select(OrderLine).where(OrderLine.contract_id == contract_id, OrderLine.state != "cancelled").with_for_update()
    for line in db.session.scalars(rows):
        _give_back(line)


def mark_invoiced(contract_id: int) -> None:
    """The lines that stand on the contract were invoiced with it."""
    db.session.execute(
        update(OrderLine).where(OrderLine.contract_id == contract_id, OrderLine.state == "on_contract").values(state="invoiced")
    )


def find_line(edition_id: int, line_id: int) -> OrderLine | None:
    return db.session.scalar(select(OrderLine).where(OrderLine.id == line_id, OrderLine.edition_id == edition_id))


def list_of_company(edition_id: int, company_id: int) -> list[OrderLine]:
    """Newest first, with their products and invoices."""
    return list(
        db.session.scalars(
            select(OrderLine)
            .where(OrderLine.edition_id == edition_id, OrderLine.company_id == company_id)
            .options(joinedload(OrderLine.product), joinedload(OrderLine.invoice))
            .order_by(OrderLine.id.desc())
        )
    )


def invoice_open(edition: Edition, company: Company, *, due_days: int = 14) -> list[Invoice]:
    """Invoice the company's open orders, one invoice per contract, currency and tax rate; the invoices made."""
    rows = db.session.scalars(
        select(OrderLine)
        .where(OrderLine.edition_id == edition.id, OrderLine.company_id == company.id, OrderLine.state == "open")
        .order_by(OrderLine.id)
        .with_for_update()
    ).all()
    usual = terms.tax_rate(edition.id)
    groups: dict[tuple[int | None, str, Decimal], list[OrderLine]] = {}
    for row in rows:
        groups.setdefault((row.contract_id, row.currency, usual if row.tax_rate is None else row.tax_rate), []).append(row)
    return [_invoice(edition, company, *key, lines, due_days) for key, lines in groups.items()]


def _invoice(
    edition: Edition,
    company: Company,
    contract_id: int | None,
    currency: str,
    rate: Decimal,
    lines: Sequence[OrderLine],
    due_days: int,
) -> Invoice:
    net = sum((line.amount for line in lines), Decimal(0))
    tax = money.quantize(net * rate)
    today = clock.local_day(clock.now(), edition.timezone)
    made = invoices.issue(
        edition,
        company,
        InvoiceKind.EXTRA,
        [
            invoices.NewLine(line.text_zh, line.text_en, line.amount, Decimal(line.quantity), line.unit_price)
            for line in lines
        ],
        tax,
        today + dt.timedelta(days=due_days),
        contract_id=contract_id,
        currency=currency,
    )
    for line in lines:
        line.state, line.invoice_id = "invoiced", made.id
    db.session.flush()
    return made
