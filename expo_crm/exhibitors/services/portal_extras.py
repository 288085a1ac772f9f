"""Extras in the portal: the exhibitor orders, changes and cancels until the deadline, from the organizer's stock, on its contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import case, select

from expo_crm.billing.models import OrderLine, Product
from expo_crm.billing.services import extras
from expo_crm.billing.services.extras import OrderRefusal, OrderRefused
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_tasks
from expo_crm.exhibitors.domain.contract import LIVE, ContractState
from expo_crm.exhibitors.domain.portal import TaskKey
from expo_crm.exhibitors.models import Contract
from expo_crm.exhibitors.services import contract_changes, portal_tasks


class ProductRefused(Exception):
    """One product of an order was refused and nothing was stored; ``reason`` says why."""

    def __init__(self, product_id: int, reason: OrderRefused) -> None:
        super().__init__(reason.reason.value)
        self.product_id, self.reason = product_id, reason


@dataclass(frozen=True)
class Offer:
    """A product as exhibitors see it. ``until`` is its last day where the show is, ``left`` how many there are, None for any number."""

    product: Product
    until: dt.date
    left: int | None
    open: bool


def last_day(participation: Participation, product: Product) -> dt.date:
    """The product's own last day, else that of the task "services"."""
    return product.available_until or queries_tasks.task_rules(participation.edition)[TaskKey.SERVICES].due_on


def contract_of(participation: Participation) -> Contract | None:
    """The contract that extras go on: a binding one before one that was sent, that before a draft; the newest of its kind."""
    rank = case((Contract.state == ContractState.DRAFT.value, 2), (Contract.state == ContractState.SENT.value, 1), else_=0)
    return db.session.scalar(
        select(Contract)
        .where(
            Contract.edition_id == participation.edition_id,
            Contract.company_id == participation.company_id,
            Contract.state.in_([s.value for s in LIVE]),
        )
        .order_by(rank, Contract.id.desc())
        .limit(1)
    )


def list_offers(participation: Participation) -> list[Offer]:
    """What is offered in the money of the contract, by kind and code; what is sold out or too late is shown as such."""
    contract = contract_of(participation)
    currency = contract.currency if contract else participation.edition.currency
    today = portal_tasks.today_at(participation.edition)
    usual = queries_tasks.task_rules(participation.edition)[TaskKey.SERVICES].due_on
    rows = db.session.scalars(
        select(Product)
        .where(Product.edition_id == participation.edition_id, Product.retired.is_(False), Product.currency == currency)
        .order_by(Product.kind, Product.code)
    )
    out = []
    for product in rows:
        until = product.available_until or usual
        left = None if product.stock is None else product.stock - product.ordered
        out.append(Offer(product, until, left, until >= today and left != 0))
    return out


def list_orders(participation: Participation) -> list[OrderLine]:
    return extras.list_of_company(participation.edition_id, participation.company_id)


def can_change(participation: Participation, line: OrderLine, today: dt.date) -> bool:
    """Whether the exhibitor may still change or cancel it: not invoiced, not on a contract that went out, its last day not over."""
    if line.state not in {"open", "on_contract"} or last_day(participation, line.product) < today:
        return False
    return line.state == "open" or _contract(line).state == ContractState.DRAFT


def order(participation: Participation, wanted: Mapping[int, int]) -> list[OrderLine]:
    """Order so many pieces of each product, all or nothing, and confirm it by mail. Raises ProductRefused."""
    contract = contract_of(participation)
    today = portal_tasks.today_at(participation.edition)
    made = []
    with db.session.begin_nested():
        for product_id in sorted(wanted):  # one order of locks for everybody
            product = extras.find_product(participation.edition_id, product_id)
            try:
                if product is None or (contract is None and participation.outcome == "cancelled"):
                    raise OrderRefused(OrderRefusal.RETIRED)
                if last_day(participation, product) < today:
                    raise OrderRefused(OrderRefusal.TOO_LATE)
                made.append(_order(participation, contract, product, wanted[product_id]))
            except OrderRefused as refused:
                raise ProductRefused(product_id, refused) from None
    _tell(participation, "ordered", made)
    return made


def _order(participation: Participation, contract: Contract | None, product: Product, quantity: int) -> OrderLine:
    if contract is not None:
        return contract_changes.add_extra(contract, product, quantity, user_id=portal_tasks.who())
    edition = participation.edition
    return extras.order(edition, participation.company, product, quantity, currency=edition.currency, user_id=portal_tasks.who())


def change(participation: Participation, line: OrderLine, quantity: int) -> None:
    """Another quantity until the last day, confirmed by mail. Raises OrderRefused."""
    _refuse_late(participation, line)
    if quantity == line.quantity:
        return
    if line.contract_id is None:
        extras.change(line, quantity)
    else:
        contract_changes.change_extra(_contract(line), line, quantity)
    _tell(participation, "changed", [line])


def cancel(participation: Participation, line: OrderLine) -> None:
    """Give it back until the last day, confirmed by mail. Raises OrderRefused."""
    _refuse_late(participation, line)
    if line.contract_id is None:
        extras.cancel(line)
    else:
        contract_changes.drop_extra(_contract(line), line)
    _tell(participation, "cancelled", [line])


def _contract(line: OrderLine) -> Contract:
    return db.session.get_one(Contract, line.contract_id)


def _refuse_late(participation: Participation, line: OrderLine) -> None:
    today = portal_tasks.today_at(participation.edition)
    if line.state not in {"open", "on_contract"} or (line.state == "on_contract" and _contract(line).state != ContractState.DRAFT):
        raise OrderRefused(OrderRefusal.NOT_OPEN)
    if last_day(participation, line.product) < today:
        raise OrderRefused(OrderRefusal.TOO_LATE)


def _tell(participation: Participation, what: str, lines: Sequence[OrderLine]) -> None:
    """One mail to each account that may open the page of services, in its language."""
    total = sum((line.amount for line in lines), Decimal(0))
    shown = {"what": what, "lines": lines, "total": total, "currency": lines[0].currency}
    portal_tasks.tell(participation, "exhibitors_order", shown, "portal_services")
