"""Changes of a contract: amendment, downsizing, extras on it, acceptance. Issued invoices are never edited."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.domain.plan import Step
from expo_crm.billing.domain.plan import fee as cancellation_fee
from expo_crm.billing.models import Invoice, OrderLine, Product
from expo_crm.billing.services import extras, invoices, payments, terms
from expo_crm.db import db
from expo_crm.exhibitors.domain.booth import BoothState, can_sell
from expo_crm.exhibitors.domain.contract import (
    BINDING,
    ContractRefusal,
    ContractState,
    Line,
    discount_line,
    split,
    tax_share,
)
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, Contract, ContractBooth, ContractLine
from expo_crm.exhibitors.services import (
    booth_hooks,
    booth_prices,
    contracts,
    first_refusal,
    opportunities,
    participations,
    versions,
)
from expo_crm.exhibitors.services import booths as booth_services
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.lib import clock, money

DUE_DAYS = 14


@dataclass(frozen=True)
class Outcome:
    """What an amendment came to. Money with tax; ``fee`` is owed for what was given back."""

    difference: Decimal
    fee: Decimal
    invoice: Invoice | None
    notes: tuple[Invoice, ...]


def amend(
    contract: Contract,
    *,
    add: Sequence[int] = (),
    release: Sequence[int] = (),
    discount: Decimal | None = None,
    reason: str,
    despite: str = "",
    version: int | None = None,
) -> Outcome:
    """A new version of a binding contract: booths held for its company come in, others are given back, a price is let down.

    ``discount`` is an amount off the net price. What is given back costs the fee of the edition's table on its part. A higher total
    is invoiced, a lower one credited, last due invoices first. Raises RuleRefused.
    """
    if not reason:
        raise RuleRefused(ContractRefusal.NEEDS_CANCEL_REASON)
    contracts.lock(contract, version)
    if contract.state not in BINDING:
        raise RuleRefused(ContractRefusal.WRONG_STATE)
    if not add and not release and not discount:
        raise RuleRefused(ContractRefusal.NOTHING_CHANGED)
    new, gone = _lock_booths(contract, list(dict.fromkeys(add)), list(dict.fromkeys(release)))
    versions.current(contract)  # what it said until now, also where it was made before there were versions
    for booth in new:
        booth_hooks.ask_before_hold(booth, contract.opportunity, despite)
    before = split(contract.net, contract.tax_rate)
    part = _take_out(contract, gone)
    _put_in(contract, new)
    if discount:
        _append(contract, Line("协议折扣", "Agreed discount", Decimal(1), -money.quantize(discount)))
    after = resum(contract)
    version_made = versions.next_version(contract, "downsizing" if gone and not new else "amendment", reason)
    audit.record(
        "contract.amend",
        "contract",
        contract.id,
        edition_id=contract.edition_id,
        changes={
            "version": version_made.number,
            "total": [before.total, after.total],
            "added": ", ".join(b.code for b in new),
            "released": ", ".join(b.code for b in gone),
        },
        reason=reason,
    )
    outcome = _settle(contract, after.total - before.total, part, reason)
    participations.settle(contract.edition_id, contract.company_id)
    opportunities.follow_facts(contract.opportunity)
    return outcome


def preview(contract: Contract, release: Sequence[int]) -> Decimal:
    """The fee that giving these booths back today would cost."""
    part = sum((_part_of(contract, row.booth) for row in contract.booths if row.live and row.booth_id in set(release)), Decimal(0))
    today = clock.local_day(clock.now(), contract.edition.timezone)
    return cancellation_fee(part, terms.rules_of(contract.edition), today)


def _lock_booths(contract: Contract, add: list[int], release: list[int]) -> tuple[list[Booth], list[Booth]]:
    live = {row.booth_id for row in contract.booths if row.live}
    if not set(release) <= live:
        raise RuleRefused(ContractRefusal.NOT_ITS_BOOTH)
    if not add and live == set(release):
        raise RuleRefused(ContractRefusal.NEEDS_A_BOOTH)
    locked = {b.id: b for b in booth_services.lock([*add, *release])} if add or release else {}
    new = [locked[i] for i in add if i in locked and locked[i].edition_id == contract.edition_id]
    if len(new) != len(add):
        raise RuleRefused(ContractRefusal.NOT_ITS_BOOTH)
    now = clock.now()
    for booth in new:
        refused = can_sell(booth_services.facts_of(booth), contract.opportunity_id, now)
        if refused:
            raise RuleRefused(refused, code=booth.code)
    if new:
        first_refusal.check(new, contract.opportunity)
    return new, [locked[i] for i in release]


def _line_of(contract: Contract, booth: Booth) -> ContractLine | None:
    """The booth's line; contracts from before lines named their booth are read by its code."""
    for line in contract.lines:
        if line.booth_id == booth.id:
            return line
    return next((line for line in contract.lines if line.booth_id is None and booth.code in line.text_en.replace(",", " ").split()), None)


def _discount_share(contract: Contract) -> Decimal:
    """What discounts leave of the price of booths, between 0 and 1."""
    gross = sum((line.amount for line in contract.lines if line.amount > 0 and line.order_line_id is None), Decimal(0))
    off = -sum((line.amount for line in contract.lines if line.amount < 0), Decimal(0))
    return (gross - off) / gross if gross else Decimal(1)


def _part_of(contract: Contract, booth: Booth) -> Decimal:
    line = _line_of(contract, booth)
    return money.quantize((line.amount if line else booth.price) * _discount_share(contract))


def _take_out(contract: Contract, gone: list[Booth]) -> Decimal:
    """Take booths off the contract; the net price of what was given back, its share of the discounts taken off."""
    if not gone:
        return Decimal(0)
    part = sum((_part_of(contract, booth) for booth in gone), Decimal(0))
    share = _discount_share(contract)
    lost = Decimal(0)
    for booth in gone:
        line = _line_of(contract, booth)
        if line is not None:
            lost += line.amount
            contract.lines.remove(line)
    # Discounts fall with the price that they were given on.
    if lost and share != 1:
        gross = sum((x.amount for x in contract.lines if x.amount > 0 and x.order_line_id is None), Decimal(0))
        off = [x for x in contract.lines if x.amount < 0]
        keep = money.quantize(gross * (1 - share))
        for x in off[1:]:
            keep += x.amount
        off[0].amount = off[0].unit_price = -max(keep, Decimal(0))
    ids = {b.id for b in gone}
    for row in contract.booths:
        if row.booth_id in ids:
            row.live = False
    for booth in gone:
        booth.state, booth.opportunity_id, booth.held_until = BoothState.AVAILABLE.value, None, None
    db.session.flush()
    contracts.give_up_prices(gone, contract.opportunity_id)
    participations.vacate(gone)
    return part


def _put_in(contract: Contract, new: list[Booth]) -> None:
    if not new:
        return
    lines = contracts.lines_of(new, prices_today(contract, new))
    there = {row.booth_id: row for row in contract.booths}
    for booth, line in zip(new, lines, strict=True):
        _append(contract, line, booth_id=booth.id)
        if booth.id in there:  # it was given back before and comes again
            there[booth.id].live = True
        else:
            contract.booths.append(ContractBooth(booth_id=booth.id, booth=booth, live=True))
        booth.state, booth.held_until = BoothState.SOLD.value, None
        if contract.currency == contract.edition.currency:
            booth.price = line.amount
    db.session.flush()


def prices_today(contract: Contract, booths: Sequence[Booth]) -> booth_prices.Sheet:
    """What booths that are added to the contract cost today, in its currency. Raises RuleRefused."""
    today = clock.local_day(clock.now(), contract.edition.timezone)
    return booth_prices.sheet(contract.edition, booths, today, currency=contract.currency, opportunity_id=contract.opportunity_id)


def reprice(contract: Contract, expected_net: Decimal, *, currency: str = "", version: int | None = None) -> None:
    """Put today's prices on a draft, or those of another currency. ``expected_net`` is the sum that was shown to who decides.

    Raises RuleRefused, also when the prices have moved again since they were shown.
    """
    contracts.lock(contract, version)
    if contract.state != ContractState.DRAFT:
        raise RuleRefused(ContractRefusal.WRONG_STATE)
    if currency and currency != contract.currency and any(line.order_line_id for line in contract.lines):
        raise RuleRefused(ContractRefusal.HAS_EXTRAS)
    moved = contracts.price_moved(contract, currency)
    if moved is None:
        raise RuleRefused(ContractRefusal.PRICE_AS_IS)
    if moved.after != expected_net:
        raise RuleRefused(ContractRefusal.PRICE_NOT_SHOWN)
    booths = [booth for booth, _, _ in moved.rows]
    before = (contract.total, contract.currency)
    for booth, made in zip(booths, contracts.lines_of(booths, moved.sheet), strict=True):
        line = _line_of(contract, booth)
        if line is not None:
            line.text_zh, line.text_en, line.unit_price, line.amount = made.text_zh, made.text_en, made.unit_price, made.amount
    for line in contract.lines:
        if line.booth_id is None and line.order_line_id is None and contract.discount:
            off = discount_line(sum((m.amount for m in contracts.lines_of(booths, moved.sheet)), Decimal(0)), contract.discount)
            line.unit_price = line.amount = off.amount
    contract.currency, contract.tax_rate = moved.sheet.currency, moved.sheet.tax_rate
    contract.price_list_id, contract.priced_on, contract.price_reason = moved.sheet.list_id, moved.sheet.day, ""
    contracts.keep_prices(booths, moved.sheet, contract.edition.currency)
    resum(contract)
    if contract.currency != before[1] and terms.has_own_plan(contract.id):  # its amounts were in other money
        terms.set_own_plan(contract.edition_id, contract.id, (), contract.total, moved.sheet.day)
    contract.opportunity.expected_amount = contract.net_home
    versions.refresh(contract)
    contracts.redate(contract)
    audit.record(
        "contract.reprice",
        "contract",
        contract.id,
        edition_id=contract.edition_id,
        changes={"total": [before[0], contract.total], "currency": [before[1], contract.currency], "day": str(moved.sheet.day)},
    )


def keep_price(contract: Contract, reason: str, version: int | None = None) -> None:
    """A draft keeps the prices of the day on which it was written; by who answers for the money, with the reason. Raises RuleRefused."""
    contracts.lock(contract, version)
    if not reason.strip():
        raise RuleRefused(ContractRefusal.NEEDS_REASON)
    if contract.state != ContractState.DRAFT:
        raise RuleRefused(ContractRefusal.WRONG_STATE)
    contract.price_reason = reason.strip()[:300]
    db.session.flush()
    audit.record("contract.keep_price", "contract", contract.id, edition_id=contract.edition_id, reason=contract.price_reason)


def _append(contract: Contract, line: Line, *, booth_id: int | None = None, order_line_id: int | None = None) -> None:
    position = max((x.position for x in contract.lines), default=0) + 1
    contract.lines.append(
        ContractLine(
            position=position,
            booth_id=booth_id,
            order_line_id=order_line_id,
            text_zh=line.text_zh,
            text_en=line.text_en,
            quantity=line.quantity,
            unit_price=line.unit_price,
            amount=line.amount,
        )
    )


def resum(contract: Contract):  # type: ignore[no-untyped-def]
    """Sums and area of the contract by its lines and live booths. Raises RuleRefused below zero."""
    net = sum((line.amount for line in contract.lines), Decimal(0))
    if net < 0:
        raise RuleRefused(ContractRefusal.BELOW_ZERO)
    sums = split(net, contract.tax_rate)
    contract.net, contract.tax, contract.total = sums.net, sums.tax, sums.total
    contract.net_home = booth_prices.in_home_currency(contract.edition, sums.net, contract.currency)
    contract.net_m2 = sum((row.booth.area_m2 for row in contract.booths if row.live), Decimal(0))
    db.session.flush()
    return sums


def _settle(contract: Contract, difference: Decimal, part: Decimal, reason: str) -> Outcome:
    today = clock.local_day(clock.now(), contract.edition.timezone)
    made: Invoice | None = None
    notes: list[Invoice] = []
    freed = Decimal(0)
    number = versions.current(contract).number
    zh, en = f"合同 {contract.number} 第 {number} 版变更", f"Contract {contract.number}, version {number}"
    if difference > 0:
        net, tax = tax_share(difference, contract.tax_rate)
        due = today + dt.timedelta(days=DUE_DAYS)
        made = invoices.issue(
            contract.edition, contract.company, InvoiceKind.EXTRA, [invoices.NewLine(zh, en, net)], tax, due,
            contract_id=contract.id, currency=contract.currency,
        )  # fmt: skip
    elif difference < 0:
        rest = -difference
        for invoice in reversed(billing.list_invoices_of_contract(contract.id)):
            asked = invoice.total - invoice.credited
            if invoice.kind == InvoiceKind.CREDIT or invoices.is_cancelled(invoice) or asked <= 0 or not rest:
                continue
            taken = min(rest, asked)
            tax = money.quantize(taken * invoice.tax / invoice.total)
            notes.append(invoices.credit(invoice, [invoices.NewLine(zh, en, taken - tax)], tax, reason))
            freed += payments.release_surplus(invoice, reason, recorded_by=actor_id())
            rest -= taken
    fee = cancellation_fee(part, terms.rules_of(contract.edition), today) if part else Decimal(0)
    if fee:
        contracts.charge_fee(contract, fee, today, freed, "缩减展位费用", "Fee for space given back")
    return Outcome(difference, fee, made, tuple(notes))


def set_plan(contract: Contract, steps: Sequence[Step], version: int | None = None) -> None:
    """Instalments of this contract alone, in its currency; none means the edition's plan. Raises RuleRefused or PlanRefused."""
    contracts.lock(contract, version)
    if contract.state != ContractState.DRAFT:
        raise RuleRefused(ContractRefusal.WRONG_STATE)
    today = clock.local_day(clock.now(), contract.edition.timezone)
    terms.set_own_plan(contract.edition_id, contract.id, steps, contract.total, today)
    contracts.redate(contract)
    versions.refresh(contract)


def add_extra(contract: Contract, product: Product, quantity: int, *, user_id: int | None = None) -> OrderLine:
    """Order an extra for the contract: on its lines as long as it is a draft, else as an order that is invoiced apart.

    ``user_id``: who orders, where it is not staff. Raises OrderRefused or RuleRefused.
    """
    contracts.lock(contract)
    if contract.state in {ContractState.CANCELLED, ContractState.AMENDED}:
        raise RuleRefused(ContractRefusal.WRONG_STATE)
    line = extras.order(
        contract.edition, contract.company, product, quantity, contract_id=contract.id, currency=contract.currency,
        tax_rate=contract.tax_rate, user_id=user_id or actor_id(),
    )  # fmt: skip
    if contract.state == ContractState.DRAFT:
        _append(
            contract, Line(line.text_zh, line.text_en, Decimal(quantity), line.unit_price), order_line_id=line.id
        )
        line.state = "on_contract"
        resum(contract)
        versions.refresh(contract)
    return line


def change_extra(contract: Contract, line: OrderLine, quantity: int) -> None:
    """Another quantity of an extra that is not invoiced; on the lines of a draft too. Raises OrderRefused or RuleRefused."""
    contracts.lock(contract)
    if line.state == "on_contract" and contract.state != ContractState.DRAFT:
        raise RuleRefused(ContractRefusal.WRONG_STATE)
    extras.change(line, quantity)
    stands = next((x for x in contract.lines if x.order_line_id == line.id), None)
    if stands is not None:
        stands.text_zh, stands.text_en = line.text_zh, line.text_en
        stands.quantity, stands.amount = Decimal(line.quantity), line.amount
        resum(contract)
        versions.refresh(contract)


def drop_extra(contract: Contract, line: OrderLine) -> None:
    """Take an extra back that is not invoiced. Raises OrderRefused or RuleRefused."""
    contracts.lock(contract)
    if line.state == "on_contract" and contract.state != ContractState.DRAFT:
        raise RuleRefused(ContractRefusal.WRONG_STATE)
    extras.cancel(line)
    stands = next((x for x in contract.lines if x.order_line_id == line.id), None)
    if stands is not None:
        contract.lines.remove(stands)
        resum(contract)
        versions.refresh(contract)


def accept(contract: Contract, number: int, name: str, user_id: int | None) -> None:
    """The exhibitor accepts this version in the portal; the first acceptance of a sent contract is its signature.

    Raises RuleRefused, also when a newer version stands by now.
    """
    contracts.lock(contract)
    version = versions.current(contract)
    if version.number != number or contract.state not in {ContractState.SENT, *BINDING}:
        raise RuleRefused(ContractRefusal.ALREADY_ACCEPTED)
    versions.accept(version, name, user_id)
    if contract.state == ContractState.SENT:
        contracts.sign(contract, version.accepted_name, clock.local_day(clock.now(), contract.edition.timezone))


def list_addable(contract: Contract) -> list[Booth]:
    """Booths held for the contract's opportunity now."""
    held = select(Booth).where(
        Booth.opportunity_id == contract.opportunity_id, Booth.state == BoothState.HELD.value, Booth.held_until > clock.now()
    )
    return list(db.session.scalars(held.order_by(Booth.sort_key)))
