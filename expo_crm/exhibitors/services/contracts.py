"""Contracts: draft from held booths, send, sign, cancel; and what money makes of them.

A booth is taken from the moment a draft names it: the unique index over live ``contract_booth`` rows refuses a second
contract whatever the code thinks. It is sold when the contract is signed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.services import invoices, numbers
from expo_crm.db import db
from expo_crm.exhibitors.domain.booth import BoothState, can_sell
from expo_crm.exhibitors.domain.contract import (
    BINDING,
    TAX_RATES,
    ContractRefusal,
    ContractState,
    Totals,
    booth_lines,
    cancellation_fee,
    contract_number,
    due_dates,
    may_become,
    split,
    tax_share,
    totals,
)
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, Contract, ContractBooth, ContractLine, Opportunity
from expo_crm.exhibitors.services import booths as booth_services
from expo_crm.exhibitors.services import opportunities, participations
from expo_crm.lib import clock


def draft(
    opportunity: Opportunity,
    booth_ids: Sequence[int] | None = None,
    *,
    locale: str = "zh",
    discount: Decimal = Decimal(0),
) -> Contract:
    """A contract over booths held for the opportunity (all of them when none is named). Raises RuleRefused."""
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
    today = clock.local_day(now, edition.timezone)
    lines = booth_lines([(b.code, b.kind, b.area_m2, b.price) for b in booths], discount)
    rate = TAX_RATES.get(edition.currency, Decimal(0))
    sums = totals(lines, rate)
    deposit_due, balance_due = due_dates(today, edition.starts_on)
    scope = f"contract-{edition.show.code}-{today.year}"
    contract = Contract(
        number=contract_number(edition.show.code, today.year, numbers.take(scope)),
        edition_id=edition.id,
        company_id=opportunity.company_id,
        opportunity_id=opportunity.id,
        locale=locale,
        currency=edition.currency,
        net_m2=sum((b.area_m2 for b in booths), Decimal(0)),
        net=sums.net,
        tax_rate=rate,
        tax=sums.tax,
        total=sums.total,
        deposit_due_on=deposit_due,
        balance_due_on=balance_due,
        created_at=now,
        lines=[
            ContractLine(
                position=position,
                text_zh=line.text_zh,
                text_en=line.text_en,
                quantity=line.quantity,
                unit_price=line.unit_price,
                amount=line.amount,
            )
            for position, line in enumerate(lines, 1)
        ],
    )
    _take(contract, booths)
    opportunity.expected_m2, opportunity.expected_amount = contract.net_m2, contract.net
    audit.record(
        "contract.draft",
        "contract",
        contract.id,
        edition_id=edition.id,
        changes={"number": [None, contract.number], "booths": ", ".join(b.code for b in booths), "total": sums.total},
    )
    opportunities.follow_facts(opportunity)
    return contract


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


def send(contract: Contract) -> None:
    """It went to the exhibitor."""
    _become(contract, ContractState.SENT, "contract.send")


def sign(contract: Contract, signed_by: str, signed_on: dt.date) -> None:
    """Both signed: the booths are sold, the ledger is written, deposit and balance are invoiced."""
    if not signed_by:
        raise RuleRefused(ContractRefusal.NEEDS_SIGNER)
    if signed_on > clock.local_day(clock.now(), contract.edition.timezone):
        raise RuleRefused(ContractRefusal.SIGNED_IN_FUTURE)
    contract.signed_by, contract.signed_on = signed_by, signed_on
    _become(contract, ContractState.SIGNED, "contract.sign")
    for booth in booth_services.lock(_live_ids(contract)):
        booth.state = BoothState.SOLD.value
    db.session.flush()
    participations.settle(contract.edition_id, contract.company_id)
    _invoice(contract)
    opportunities.follow_facts(contract.opportunity)


def cancel(contract: Contract, reason: str) -> Decimal:
    """Cancel it and free its booths; the fee that stays owed. Unpaid invoices are cancelled with it."""
    if not reason:
        raise RuleRefused(ContractRefusal.NEEDS_CANCEL_REASON)
    was_binding = contract.state in BINDING
    today = clock.local_day(clock.now(), contract.edition.timezone)
    fee = cancellation_fee(contract.net, today, contract.edition.starts_on) if was_binding else Decimal(0)
    _become(contract, ContractState.CANCELLED, "contract.cancel", reason=reason)
    freed = booth_services.lock(_live_ids(contract))
    for row in contract.booths:
        row.live = False
    for booth in freed:
        booth.state, booth.opportunity_id, booth.held_until = BoothState.AVAILABLE.value, None, None
    db.session.flush()
    participations.vacate(freed)
    if was_binding:
        participations.settle(contract.edition_id, contract.company_id)
        _settle_invoices(contract, fee, today, reason)
    opportunities.follow_facts(contract.opportunity)
    return fee


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


def amounts(contract: Contract) -> Totals:
    """Deposit and balance of a contract as it stands."""
    return split(contract.net, contract.tax_rate)


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
    sums = amounts(contract)
    parts = (
        (InvoiceKind.DEPOSIT, sums.deposit, contract.deposit_due_on, "定金 50 %", "Deposit 50 %"),
        (InvoiceKind.BALANCE, sums.balance, contract.balance_due_on, "尾款 50 %", "Balance 50 %"),
    )
    for kind, amount, due_on, zh, en in parts:
        net, tax = tax_share(amount, contract.tax_rate)
        if not amount:
            continue
        line = invoices.NewLine(f"{zh}，参展合同 {contract.number}", f"{en}, contract {contract.number}", net)
        invoices.issue(contract.edition, contract.company, kind, [line], tax, due_on, contract_id=contract.id)


def _settle_invoices(contract: Contract, fee: Decimal, today: dt.date, reason: str) -> None:
    """Cancel what was invoiced. Where less came in than the fee, the rest of it is invoiced."""
    came_in = Decimal(0)
    for invoice in billing.list_invoices_of_contract(contract.id):
        if invoices.is_cancelled(invoice):
            continue
        received = sum((p.amount for p in invoice.payments), Decimal(0))
        came_in += received
        invoices.cancel(invoice, received, ever_paid=bool(invoice.payments), reason=reason)
    if fee > came_in:
        line = invoices.NewLine(
            f"取消参展费用，合同 {contract.number}", f"Cancellation fee, contract {contract.number}", fee - came_in
        )
        invoices.issue(
            contract.edition,
            contract.company,
            InvoiceKind.EXTRA,
            [line],
            Decimal(0),
            today + dt.timedelta(days=14),
            contract_id=contract.id,
        )
