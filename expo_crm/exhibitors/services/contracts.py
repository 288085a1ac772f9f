"""Contracts: draft from held booths, send, sign, cancel; and what money makes of them.

A booth is taken from the moment a draft names it: the unique index over live ``contract_booth`` rows refuses a second
contract whatever the code thinks. It is sold when the contract is signed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.domain.plan import Instalment, instalments
from expo_crm.billing.domain.plan import fee as cancellation_fee
from expo_crm.billing.services import extras, invoices, numbers, payments, terms
from expo_crm.db import db
from expo_crm.exhibitors.domain.booth import BoothState, can_sell
from expo_crm.exhibitors.domain.contract import (
    BINDING,
    ContractRefusal,
    ContractState,
    Line,
    booth_lines,
    contract_number,
    may_become,
    tax_share,
    totals,
)
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, Contract, ContractBooth, ContractLine, Opportunity
from expo_crm.exhibitors.services import (
    booth_hooks,
    booth_prices,
    contract_texts,
    first_refusal,
    opportunities,
    participations,
    price_overrides,
    versions,
)
from expo_crm.exhibitors.services import booths as booth_services
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.exhibitors.services.booth_prices import Sheet
from expo_crm.lib import clock

FEE_DAYS = 14


@dataclass(frozen=True)
class Quoted:
    """Prices that a quote keeps for its company until its last day. ``number``: the quote's, as the contract names it."""

    number: str
    sheet: Sheet


def draft(
    opportunity: Opportunity,
    booth_ids: Sequence[int] | None = None,
    *,
    locale: str = "zh",
    discount: Decimal = Decimal(0),
    currency: str = "",
    despite: str = "",
    quoted: Quoted | None = None,
) -> Contract:
    """A contract over booths held for the opportunity (all of them when none is named), at the prices of today or as ``quoted``.

    ``currency``: another than the edition's needs a price list. ``despite``: why a neighbour rule is passed over. Raises RuleRefused.
    """
    edition = opportunity.edition
    ids = list(booth_ids) if booth_ids is not None else _held_ids(opportunity)
    booths = booth_services.lock(ids) if ids else []
    if not booths or len(booths) != len(set(ids)):
        raise RuleRefused(ContractRefusal.NO_BOOTHS)
    now = clock.now()
    for booth in booths:
        refused = can_sell(booth_services.facts_of(booth), opportunity.id, now)
        if refused:
            raise RuleRefused(refused, code=booth.code)
    first_refusal.check(booths, opportunity)
    for booth in booths:
        booth_hooks.ask_before_hold(booth, opportunity, despite)
    today = clock.local_day(now, edition.timezone)
    sheet = quoted.sheet if quoted else booth_prices.sheet(edition, booths, today, currency=currency, opportunity_id=opportunity.id)
    lines = lines_of(booths, sheet, discount)
    sums = totals(lines, sheet.tax_rate)
    home = booth_prices.in_home_currency(edition, sums.net, sheet.currency)
    parts = instalments(sums.total, terms.plan_of(edition.id), today, edition.starts_on)
    text = contract_texts.newest(edition.show_id)
    scope = f"contract-{edition.show.code}-{today.year}"
    contract = Contract(
        number=contract_number(edition.show.code, today.year, numbers.take(scope)),
        edition_id=edition.id,
        company_id=opportunity.company_id,
        opportunity_id=opportunity.id,
        locale=locale,
        currency=sheet.currency,
        net_m2=sum((b.area_m2 for b in booths), Decimal(0)),
        net=sums.net,
        tax_rate=sheet.tax_rate,
        tax=sums.tax,
        total=sums.total,
        net_home=home,
        discount=discount,
        price_list_id=sheet.list_id,
        priced_on=sheet.day,
        price_reason=quoted.number if quoted else "",
        deposit_due_on=parts[0].due_on if parts else today,
        balance_due_on=parts[-1].due_on if parts else today,
        text_id=text.id if text else None,
        text_version=str(text.number) if text else contract_texts.BUILT_IN,
        created_at=now,
        lines=[
            ContractLine(
                position=position,
                booth_id=booth.id if booth else None,
                text_zh=line.text_zh,
                text_en=line.text_en,
                quantity=line.quantity,
                unit_price=line.unit_price,
                amount=line.amount,
            )
            for position, (line, booth) in enumerate(zip_longest(lines, booths), 1)
        ],
    )
    _take(contract, booths)
    keep_prices(booths, sheet, edition.currency)
    versions.first(contract)
    opportunity.expected_m2, opportunity.expected_amount = contract.net_m2, home
    audit.record(
        "contract.draft",
        "contract",
        contract.id,
        edition_id=edition.id,
        changes={"number": [None, contract.number], "booths": ", ".join(b.code for b in booths), "total": sums.total},
    )
    opportunities.follow_facts(opportunity)
    return contract


def lines_of(booths: Sequence[Booth], sheet: Sheet, discount: Decimal = Decimal(0)) -> list[Line]:
    """A line per booth at the sheet's price, with what makes it up, and the discount."""
    return booth_lines(
        [(b.code, b.kind, b.area_m2, sheet.prices[b.id].amount) for b in booths],
        discount,
        [booth_prices.remark(sheet.prices[b.id]) for b in booths],
    )


def keep_prices(booths: Sequence[Booth], sheet: Sheet, home: str) -> None:
    """The price under the contract stands on the booth as long as it is there; the plan shows no other."""
    if sheet.currency == home:
        for booth in booths:
            booth.price = sheet.prices[booth.id].amount
        db.session.flush()


def _held_ids(opportunity: Opportunity) -> list[int]:
    held = select(Booth.id).where(
        Booth.opportunity_id == opportunity.id, Booth.state == "held", Booth.held_until > clock.now()
    )
    return list(db.session.scalars(held))


def _take(contract: Contract, booths: Sequence[Booth]) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(contract)
            db.session.flush()
            for booth in booths:
                db.session.add(ContractBooth(contract_id=contract.id, booth_id=booth.id))
                booth.state, booth.held_until = BoothState.RESERVED.value, None
            db.session.flush()
    except IntegrityError:
        raise RuleRefused(ContractRefusal.SOLD_TWICE, code=", ".join(b.code for b in booths)) from None


def send(contract: Contract, file: bytes = b"") -> None:
    """It went to the exhibitor; ``file`` is the PDF that did and is kept with its hash. Raises RuleRefused at prices of another day."""
    _refuse_old_price(contract)
    if file:
        versions.keep_file(versions.current(contract), file)
    _become(contract, ContractState.SENT, "contract.send")


def sign(contract: Contract, signed_by: str, signed_on: dt.date) -> None:
    """Both signed: the booths are sold, the ledger is written, deposit and balance are invoiced."""
    if not signed_by:
        raise RuleRefused(ContractRefusal.NEEDS_SIGNER)
    if signed_on > clock.local_day(clock.now(), contract.edition.timezone):
        raise RuleRefused(ContractRefusal.SIGNED_IN_FUTURE)
    lock(contract)
    _refuse_old_price(contract)
    contract.signed_by, contract.signed_on = signed_by, signed_on
    _become(contract, ContractState.SIGNED, "contract.sign")
    for booth in booth_services.lock(_live_ids(contract)):
        booth.state = BoothState.SOLD.value
    db.session.flush()
    participations.settle(contract.edition_id, contract.company_id)
    _invoice(contract)
    opportunities.follow_facts(contract.opportunity)


@dataclass(frozen=True)
class Moved:
    """What today's prices would change of a draft. ``rows``: (booth, old, new) without tax; sums without tax before and after."""

    rows: tuple[tuple[Booth, Decimal, Decimal], ...]
    sheet: Sheet
    before: Decimal
    after: Decimal
    tax_rate: Decimal


def price_moved(contract: Contract, currency: str = "") -> Moved | None:
    """What a draft would cost at today's prices, or in another currency; None when nothing would change.

    A contract that was sent keeps its prices, so does one that was made from a quote or that was decided to keep them.
    Raises RuleRefused where a currency has no list.
    """
    currency = currency or contract.currency
    if contract.state != ContractState.DRAFT or contract.priced_on is None or (contract.price_reason and currency == contract.currency):
        return None
    booths = sorted((row.booth for row in contract.booths if row.live), key=lambda b: b.sort_key)
    if sorted(line.booth_id for line in contract.lines if line.booth_id) != sorted(b.id for b in booths):
        return None  # booths that were merged or split under the contract: it says the price of them together
    today = clock.local_day(clock.now(), contract.edition.timezone)
    sheet = booth_prices.sheet(contract.edition, booths, today, currency=currency, opportunity_id=contract.opportunity_id)
    lines = {line.booth_id: line.amount for line in contract.lines if line.booth_id}
    rows = tuple((b, lines[b.id], sheet.prices[b.id].amount) for b in booths)
    if currency == contract.currency and sheet.tax_rate == contract.tax_rate and all(old == new for _, old, new in rows):
        return None
    extra = sum((line.amount for line in contract.lines if line.order_line_id), Decimal(0))
    after = totals(lines_of(booths, sheet, contract.discount), sheet.tax_rate).net + extra
    return Moved(rows, sheet, contract.net, after, sheet.tax_rate)


def _refuse_old_price(contract: Contract) -> None:
    if price_moved(contract) is not None:
        raise RuleRefused(ContractRefusal.PRICE_OLD)


def lock(contract: Contract, version: int | None = None) -> None:
    """Lock the contract; refuse when ``version``, as the form had it, is no longer the one that stands."""
    db.session.execute(select(Contract.id).where(Contract.id == contract.id).with_for_update())
    stands = db.session.scalar(select(Contract.version).where(Contract.id == contract.id))
    if stands != (contract.version if version is None else version):
        raise RuleRefused(ContractRefusal.STALE)


def fee_today(contract: Contract) -> Decimal:
    """What stays owed when the whole contract is cancelled today."""
    today = clock.local_day(clock.now(), contract.edition.timezone)
    return cancellation_fee(contract.net, terms.rules_of(contract.edition), today)


def cancel(contract: Contract, reason: str, version: int | None = None) -> Decimal:
    """Cancel it and free its booths; the fee that stays owed by the edition's table. Its invoices get credit notes, what had come
    in pays the fee and the rest is credit of the company. Raises RuleRefused, also when somebody changed it since."""
    if not reason:
        raise RuleRefused(ContractRefusal.NEEDS_CANCEL_REASON)
    lock(contract, version)
    was_binding = contract.state in BINDING
    today = clock.local_day(clock.now(), contract.edition.timezone)
    fee = fee_today(contract) if was_binding else Decimal(0)
    extras.cancel_of(contract.id)
    versions.close(contract)
    _become(contract, ContractState.CANCELLED, "contract.cancel", reason=reason)
    freed = booth_services.lock(_live_ids(contract))
    for row in contract.booths:
        row.live = False
    for booth in freed:
        booth.state, booth.opportunity_id, booth.held_until = BoothState.AVAILABLE.value, None, None
    db.session.flush()
    give_up_prices(freed, contract.opportunity_id)
    participations.vacate(freed)
    if was_binding:
        participations.settle(contract.edition_id, contract.company_id)
        _settle_invoices(contract, fee, today, reason)
    opportunities.follow_facts(contract.opportunity)
    return fee


def give_up_prices(booths: Sequence[Booth], opportunity_id: int) -> None:
    """Booths that came out of a contract: what was agreed for its company ends, and they cost what today's list says."""
    for booth in booths:
        price_overrides.follow_freed(booth, opportunity_id)
    booth_prices.put_back(booths)


def follow_payment(contract_id: int) -> None:
    """Money came or went: the deposit puts a signed contract in force, the stage of the opportunity follows."""
    contract = db.session.get(Contract, contract_id)
    if contract is None or contract.state not in BINDING:
        return
    deposit_paid = billing.standing_of(contract_id).deposit_paid
    wanted = ContractState.IN_FORCE if deposit_paid else ContractState.SIGNED
    if contract.state != wanted:
        _become(contract, wanted, "contract.follow_payment")
    opportunities.follow_facts(contract.opportunity)


def redate(contract: Contract) -> None:
    """Days of the first and the last payment, after price or plan have changed."""
    parts = amounts(contract)
    if parts:
        contract.deposit_due_on, contract.balance_due_on = parts[0].due_on, parts[-1].due_on
    db.session.flush()


def amounts(contract: Contract) -> list[Instalment]:
    """The instalments of a contract as it stands."""
    drafted = clock.now() if contract.state == ContractState.DRAFT else contract.created_at
    day = contract.signed_on or clock.local_day(drafted, contract.edition.timezone)
    steps = terms.plan_of(contract.edition_id, contract.id)
    return instalments(contract.total, steps, day, contract.edition.starts_on)


def numbers_of(contract_ids: set[int]) -> dict[int, str]:
    """Numbers by id, for the bank statement: exhibitors often write the contract's number."""
    return dict(db.session.execute(select(Contract.id, Contract.number).where(Contract.id.in_(contract_ids))).all())


def _live_ids(contract: Contract) -> list[int]:
    return [row.booth_id for row in contract.booths if row.live]


def _become(contract: Contract, after: ContractState, action: str, *, reason: str = "") -> None:
    before = contract.state
    if not may_become(before, after):
        raise RuleRefused(ContractRefusal.WRONG_STATE, state=before)
    contract.state = after.value
    db.session.flush()
    audit.record(
        action,
        "contract",
        contract.id,
        edition_id=contract.edition_id,
        changes={"state": [before, after.value]},
        reason=reason,
    )


def _invoice(contract: Contract) -> None:
    """One invoice per instalment; net and tax of all of them add up to the contract's."""
    parts = amounts(contract)
    tax_left = contract.tax
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        tax = tax_left if last else tax_share(part.amount, contract.tax_rate)[1]
        tax_left -= tax
        if last:
            kind = InvoiceKind.FULL if number == 1 else InvoiceKind.BALANCE
        else:
            kind = InvoiceKind.DEPOSIT if number == 1 else InvoiceKind.INSTALMENT
        line = invoices.NewLine(
            f"{part.label_zh}，参展合同 {contract.number}", f"{part.label_en}, contract {contract.number}", part.amount - tax
        )
        invoices.issue(
            contract.edition, contract.company, kind, [line], tax, part.due_on, contract_id=contract.id, currency=contract.currency
        )
    redate(contract)
    extras.mark_invoiced(contract.id)


def _settle_invoices(contract: Contract, fee: Decimal, today: dt.date, reason: str) -> None:
    """Credit notes over what was invoiced, then the fee as an invoice of its own, paid from what had come in."""
    freed = Decimal(0)
    for invoice in billing.list_invoices_of_contract(contract.id):
        if invoice.kind == InvoiceKind.CREDIT or invoices.is_cancelled(invoice):
            continue
        invoices.credit_rest(invoice, reason)
        freed += payments.release_surplus(invoice, reason, recorded_by=actor_id())
    if fee:
        charge_fee(contract, fee, today, freed, "取消参展费用", "Cancellation fee")


def charge_fee(contract: Contract, fee: Decimal, today: dt.date, freed: Decimal, zh: str, en: str) -> None:
    """The fee as an invoice without tax (it is no price of a service), paid at once from what credit notes have freed."""
    line = invoices.NewLine(f"{zh}，合同 {contract.number}", f"{en}, contract {contract.number}", fee)
    issued = invoices.issue(
        contract.edition,
        contract.company,
        InvoiceKind.EXTRA,
        [line],
        Decimal(0),
        today + dt.timedelta(days=FEE_DAYS),
        contract_id=contract.id,
        currency=contract.currency,
    )
    if freed:
        payments.pay_from_credit(issued, min(freed, fee), recorded_by=actor_id())
