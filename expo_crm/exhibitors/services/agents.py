"""Agents, the accounts kept for them, and their settlements."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.billing.models import Invoice, Payment
from expo_crm.billing.services import numbers
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.domain import commission
from expo_crm.exhibitors.domain.commission import AgentRefusal, Earned, Money, Sale, Territory
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Agent, AgentAccount, CommissionLine, Contract, Opportunity, Settlement
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.lib import clock
from expo_crm.shows.models import Edition, Show

SIGNED = ("signed", "in_force", "amended", "cancelled")
"""A contract that was signed once: money on it earns, and what goes back after a cancellation takes the commission back."""


def save(agent: Agent | None, show: Show, **values: Any) -> Agent:
    if agent is None:
        agent = Agent(show_id=show.id, **values)
        db.session.add(agent)
        moved = {n: [None, v] for n, v in values.items()}
    else:
        moved = audit.diff({n: getattr(agent, n) for n in values}, values)
        for name, value in values.items():
            setattr(agent, name, value)
    db.session.flush()
    if moved:
        audit.record("agent.save", "agent", agent.id, changes=moved)
    return agent


def keep_account(agent: Agent, company: Company, until: dt.date) -> AgentAccount:
    """Keep a company for this agent until a day; again with another day moves the day. Raises RuleRefused("account-kept") when
    another agent of the show has it on that day."""
    today = clock.now().date()
    # The company's row is the lock: two agents are not given one company at once.
    db.session.execute(select(Company.id).where(Company.id == company.id).with_for_update())
    other = db.session.scalar(
        select(AgentAccount)
        .join(AgentAccount.agent)
        .where(
            AgentAccount.company_id == company.id, Agent.show_id == agent.show_id, Agent.id != agent.id,
            AgentAccount.protected_until >= today,
        )
    )  # fmt: skip
    if other is not None:
        raise RuleRefused(AgentRefusal.ACCOUNT_KEPT)
    row = db.session.scalar(
        select(AgentAccount).where(AgentAccount.agent_id == agent.id, AgentAccount.company_id == company.id)
    )
    if row is None:
        row = AgentAccount(agent_id=agent.id, company_id=company.id, protected_until=until)
        db.session.add(row)
    else:
        row.protected_until = until
    db.session.flush()
    audit.record("agent.account", "agent", agent.id, changes={"company_id": company.id, "until": until})
    return row


def drop_account(account: AgentAccount) -> None:
    audit.record("agent.account", "agent", account.agent_id, changes={"company_id": account.company_id, "until": None})
    db.session.delete(account)
    db.session.flush()


# -- whose contracts, and what they earned --------------------------------------------------------------------------------


def territories(show_id: int) -> list[Territory]:
    accounts: dict[int, list[tuple[int, dt.date]]] = defaultdict(list)
    rows = db.session.execute(
        select(AgentAccount.agent_id, AgentAccount.company_id, AgentAccount.protected_until)
        .join(AgentAccount.agent)
        .where(Agent.show_id == show_id)
    )
    for agent_id, company_id, until in rows:
        accounts[agent_id].append((company_id, until))
    return [
        Territory(
            a.id, a.name, a.valid_from, a.valid_until, tuple(a.countries), tuple(a.provinces), tuple(a.sectors),
            tuple(accounts[a.id]),
        )
        for a in db.session.scalars(select(Agent).where(Agent.show_id == show_id).order_by(Agent.id))
    ]  # fmt: skip


def contracts_of(show_id: int) -> tuple[dict[int, list[Contract]], list[Contract]]:
    """Signed contracts by agent, and those that several agents may claim: a person has to keep the account for one of them."""
    agents = territories(show_id)
    rows = db.session.execute(
        select(Contract, Company, Opportunity, Participation.sector)
        .join(Edition, Edition.id == Contract.edition_id)
        .join(Company, Company.id == Contract.company_id)
        .join(Opportunity, Opportunity.id == Contract.opportunity_id)
        .outerjoin(
            Participation,
            (Participation.company_id == Contract.company_id) & (Participation.edition_id == Contract.edition_id),
        )
        .where(Edition.show_id == show_id, Contract.state.in_(SIGNED), Contract.signed_on.is_not(None))
        .order_by(Contract.signed_on, Contract.id)
    )
    mine: dict[int, list[Contract]] = defaultdict(list)
    doubtful: list[Contract] = []
    for contract, company, opportunity, sector in rows:
        assert contract.signed_on is not None  # the question leaves the others out
        sale = Sale(
            company.id, contract.signed_on, company.country, company.province, sector or company.industry, opportunity.agent,
            opportunity.source,
        )  # fmt: skip
        found = commission.agents_of(sale, agents)
        if len(found) == 1:
            mine[found[0]].append(contract)
        elif found:
            doubtful.append(contract)
    return mine, doubtful


def invoices_of(contract_ids: list[int], day: dt.date) -> dict[int, list[Money]]:
    """The invoices of these contracts as they stood at the end of ``day``, with what was paid and credited by then.

    Extras and fees (kind ``extra``) bring no commission: it is on the space.
    A credit note is an invoice of its own with negative sums that names the one it corrects; money that went back is a
    negative payment.
    """
    paid = (
        select(Payment.invoice_id, func.sum(Payment.amount).label("sum"))
        .where(Payment.received_on <= day)
        .group_by(Payment.invoice_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Invoice, paid.c.sum)
        .outerjoin(paid, paid.c.invoice_id == Invoice.id)
        .where(Invoice.contract_id.in_(contract_ids), Invoice.issued_on <= day, Invoice.kind != "extra")
    ).all()
    known = {invoice.id for invoice, _sum in rows if invoice.kind != "credit"}
    credits: dict[int, Decimal] = defaultdict(Decimal)
    for invoice, _sum in rows:
        if invoice.kind == "credit" and invoice.corrects_id:
            credits[invoice.corrects_id] += abs(invoice.net)
    out: dict[int, list[Money]] = defaultdict(list)
    for invoice, received in rows:
        if invoice.kind == "credit" and invoice.corrects_id:
            if invoice.corrects_id not in known:
                continue  # it corrects an extra
            # It counts with the invoice that it corrects; here only the money that went back with it.
            out[invoice.contract_id].append(Money(invoice.net, invoice.total, received or Decimal(0), invoice.net))
            continue
        cancelled = invoice.state == "cancelled"
        out[invoice.contract_id].append(
            Money(
                invoice.net, invoice.total, received or Decimal(0),
                invoice.net if cancelled and not credits[invoice.id] else min(credits[invoice.id], invoice.net),
            )
        )  # fmt: skip
    return out


def earnings(agent: Agent, contracts: list[Contract], day: dt.date) -> list[tuple[Contract, Earned]]:
    """What these contracts have earned the agent by ``day``, beside what approved and paid settlements gave him."""
    ids = [c.id for c in contracts]
    if not ids:
        return []
    settled = {
        contract_id: amount or Decimal(0)
        for contract_id, amount in db.session.execute(
            select(CommissionLine.contract_id, func.sum(CommissionLine.amount))
            .join(CommissionLine.settlement)
            .where(Settlement.agent_id == agent.id, Settlement.state != "draft", CommissionLine.contract_id.in_(ids))
            .group_by(CommissionLine.contract_id)
        )
    }
    invoices = invoices_of(ids, day)
    return [(c, commission.earn(invoices.get(c.id, []), agent.rate, settled.get(c.id, Decimal(0)))) for c in contracts]


# -- settlements ---------------------------------------------------------------------------------------------------------


def draft(agent: Agent, period_from: dt.date, period_to: dt.date) -> list[Settlement]:
    """Draft settlements until ``period_to``, one per currency in which something is due (also when it is negative).

    Raises RuleRefused: "settlement-open" (a draft is there already), "settlement-nothing", "settlement-days".
    """
    if period_from > period_to or period_to > clock.now().date() + dt.timedelta(days=1):
        raise RuleRefused(AgentRefusal.DAYS)
    db.session.execute(select(Agent.id).where(Agent.id == agent.id).with_for_update())
    mine, _doubtful = contracts_of(agent.show_id)
    due = [(c, e) for c, e in earnings(agent, mine.get(agent.id, []), period_to) if e.amount]
    if not due:
        raise RuleRefused(AgentRefusal.NOTHING)
    by_currency: dict[str, list[tuple[Contract, Earned]]] = defaultdict(list)
    for contract, earned in due:
        by_currency[contract.currency].append((contract, earned))
    out = []
    for currency, rows in sorted(by_currency.items()):
        made = Settlement(
            agent_id=agent.id, period_from=period_from, period_to=period_to, currency=currency,
            total=sum((e.amount for _c, e in rows), Decimal(0)), made_by=actor_id(), made_at=clock.now(),
            lines=[
                CommissionLine(
                    contract_id=c.id, paid_net=e.paid_net, base=e.base, rate=agent.rate, earned=e.earned,
                    settled_before=e.settled, amount=e.amount, storno=e.amount < 0,
                )
                for c, e in rows
            ],
        )  # fmt: skip
        try:
            with db.session.begin_nested():
                db.session.add(made)
                db.session.flush()
        except IntegrityError:
            raise RuleRefused(AgentRefusal.OPEN) from None
        audit.record("settlement.draft", "settlement", made.id, changes={"agent_id": agent.id, "total": made.total})
        out.append(made)
    return out


def _locked(settlement: Settlement) -> None:
    db.session.execute(select(Settlement.id).where(Settlement.id == settlement.id).with_for_update())
    db.session.refresh(settlement, ["state", "number", "made_by", "version"])


def discard(settlement: Settlement) -> None:
    """Throw a draft away. Raises RuleRefused("settlement-fixed")."""
    _locked(settlement)
    if settlement.state != "draft":
        raise RuleRefused(AgentRefusal.FIXED)
    audit.record("settlement.discard", "settlement", settlement.id, changes={"total": [settlement.total, None]})
    db.session.delete(settlement)
    db.session.flush()


def approve(settlement: Settlement) -> None:
    """Number it; its lines stand from now on. Raises RuleRefused: "settlement-fixed", "settlement-own" (who made it does not
    approve it), "settlement-changed" (money moved since the draft)."""
    _locked(settlement)
    if settlement.state != "draft":
        raise RuleRefused(AgentRefusal.FIXED)
    if settlement.made_by is not None and settlement.made_by == actor_id():
        raise RuleRefused(AgentRefusal.OWN)
    now_due = {
        c.id: e.amount
        for c, e in earnings(settlement.agent, [line.contract for line in settlement.lines], settlement.period_to)
    }
    if any(now_due.get(line.contract_id) != line.amount for line in settlement.lines):
        raise RuleRefused(AgentRefusal.CHANGED)
    year = clock.now().year
    settlement.number = f"CM-{year}-{numbers.take(f'settlement-{year}'):04}"
    settlement.state, settlement.approved_by, settlement.approved_at = "approved", actor_id(), clock.now()
    db.session.flush()
    audit.record("settlement.approve", "settlement", settlement.id, changes={"number": [None, settlement.number]})


def pay(settlement: Settlement, day: dt.date) -> None:
    """Paid out (or taken back) on ``day``. Raises RuleRefused("settlement-fixed") unless it is approved."""
    _locked(settlement)
    if settlement.state != "approved":
        raise RuleRefused(AgentRefusal.FIXED)
    settlement.state, settlement.paid_on = "paid", day
    db.session.flush()
    audit.record("settlement.pay", "settlement", settlement.id, changes={"paid_on": [None, day]})
