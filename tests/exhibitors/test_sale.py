"""From a held booth to a paid contract, and the second sale that cannot be."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import PaymentRefused
from expo_crm.billing.services import numbers, payments
from expo_crm.db import db, unit_of_work
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.booth import BoothRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, Contract, ContractBooth, Opportunity, StageChange
from expo_crm.exhibitors.services import booths, contracts, opportunities
from expo_crm.jobs import services as jobs
from expo_crm.lib import clock
from tests.support.cast import play


@pytest.fixture
def cast(session):
    return play(session)


@pytest.fixture
def other(cast):
    return opportunities.create_opportunity(cast.edition, cast.companies[1], owner_id=cast.sales.id, source="new")


def soon(days: int = 3) -> dt.datetime:
    return clock.now() + dt.timedelta(days=days)


def sell(cast) -> Contract:
    for booth in cast.booths[:2]:
        booths.hold(booth, cast.opportunity, soon())
    contract = contracts.draft(cast.opportunity)
    contracts.sign(contract, "陈思远", clock.now().date() - dt.timedelta(days=1))
    return contract


def test_one_opportunity_per_company_and_edition(session, cast):
    again = opportunities.create_opportunity(cast.edition, cast.companies[0], source="new", next_step="x")
    assert again.id == cast.opportunity.id
    assert again.next_step == ""


def test_a_sale_moves_booth_ledger_invoices_and_stage(session, cast):
    contract = sell(cast)
    assert [cast.booths[i].state for i in range(3)] == ["sold", "sold", "available"]
    ledger = queries.find_participation(cast.edition.id, cast.companies[0].id)
    assert (ledger.net_m2, ledger.amount, ledger.stands) == (Decimal(18), Decimal(24000), "A01; A02")
    assert [o.host for o in cast.booths[0].occupants] == [True]
    assert contract.total == Decimal("25440.00")
    deposit, balance = billing.list_invoices_of_contract(contract.id)
    assert (deposit.total, balance.total) == (Decimal("12720.00"), Decimal("12720.00"))
    assert cast.opportunity.stage == "contracted"

    payments.record(deposit, Decimal(5000), clock.now().date())
    assert (deposit.state, cast.opportunity.stage) == ("partly_paid", "contracted")
    with pytest.raises(PaymentRefused):
        payments.record(deposit, Decimal("7720.01"), clock.now().date())
    rest = payments.record(deposit, Decimal(7720), clock.now().date())
    assert (deposit.state, contract.state, cast.opportunity.stage) == ("paid", "in_force", "deposit_paid")
    payments.record(balance, balance.total, clock.now().date())
    assert cast.opportunity.stage == "paid"
    payments.reverse(deposit, rest, "wrong company")
    assert (deposit.state, contract.state, cast.opportunity.stage) == ("partly_paid", "signed", "contracted")
    with pytest.raises(PaymentRefused):
        payments.reverse(deposit, rest, "again")
    stages = [c.after for c in session.scalars(select(StageChange).order_by(StageChange.id))]
    assert stages == ["held", "contracted", "deposit_paid", "paid", "contracted"]


def test_the_database_itself_refuses_a_second_sale(session, cast, other):
    first = sell(cast)
    second = Contract(
        number="X-1", edition_id=cast.edition.id, company_id=other.company_id, opportunity_id=other.id, currency="CNY",
        net_m2=9, net=1, tax_rate=0, tax=0, total=1, deposit_due_on=first.deposit_due_on,
        balance_due_on=first.balance_due_on, created_at=clock.now(),
    )  # fmt: skip
    session.add(second)
    session.flush()
    session.add(ContractBooth(contract_id=second.id, booth_id=cast.booths[0].id))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_taken_booth_is_refused_with_its_reason(session, cast, other):
    booths.hold(cast.booths[0], cast.opportunity, soon())
    with pytest.raises(RuleRefused) as refused:
        booths.hold(cast.booths[0], other, soon())
    assert refused.value.reason is BoothRefusal.HELD_BY_OTHER
    with pytest.raises(RuleRefused):
        contracts.draft(other, [cast.booths[0].id])
    booths.release(cast.booths[0])
    assert (cast.booths[0].state, cast.opportunity.stage) == ("available", "quoted")


def test_a_cancelled_contract_frees_booths_and_asks_for_the_fee(session, cast, other, monkeypatch):
    contract = sell(cast)
    day = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)  # eight days before opening: the whole price is owed
    monkeypatch.setattr(clock, "now", lambda: day)
    assert contracts.cancel(contract, "insolvent") == Decimal(24000)
    assert cast.booths[0].state == "available"
    assert cast.booths[0].occupants == []
    ledger = queries.find_participation(cast.edition.id, cast.companies[0].id)
    assert (ledger.net_m2, ledger.outcome) == (0, "cancelled")
    states = [(i.kind, i.state) for i in billing.list_invoices_of_contract(contract.id)]
    assert sorted(states) == [
        ("balance", "cancelled"), ("credit", "paid"), ("credit", "paid"), ("deposit", "cancelled"), ("extra", "open"),
    ]  # fmt: skip
    booths.hold(cast.booths[0], other, day + dt.timedelta(days=2))
    assert contracts.draft(other).number != contract.number


def test_an_expired_hold_counts_as_free_at_once_and_a_job_tidies_it(session, cast, other, monkeypatch):
    booths.hold(cast.booths[0], cast.opportunity, soon(2))
    booths.hold(cast.booths[1], cast.opportunity, soon(2))
    later = clock.now() + dt.timedelta(days=2, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    booths.hold(cast.booths[0], other, later + dt.timedelta(days=1))
    assert cast.booths[0].opportunity_id == other.id
    session.commit()
    jobs.enqueue("exhibitors.expire_holds")
    session.commit()
    assert jobs.run_next()
    states = dict(session.execute(select(Booth.code, Booth.state)).all())
    assert (states["A01"], states["A02"]) == ("held", "available")
    assert session.get_one(Opportunity, cast.opportunity.id).stage == "quoted"


def test_two_sales_at_once_leave_one(app, session, cast, other):
    """Two people press the button at the same moment, on two connections."""
    booth_id, ids = cast.booths[0].id, (cast.opportunity.id, other.id)
    session.commit()
    session.remove()
    barrier, results = threading.Barrier(2), []

    def attempt(opportunity_id: int) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work():
                    opportunity = db.session.get_one(type(cast.opportunity), opportunity_id)
                    booths.hold(db.session.get_one(Booth, booth_id), opportunity, soon())
                    contracts.sign(contracts.draft(opportunity), "A", clock.now().date() - dt.timedelta(days=1))
                results.append("won")
            except RuleRefused as refused:
                results.append(refused.reason.value)

    threads = [threading.Thread(target=attempt, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert sorted(results) == ["sold", "won"], results
    live = session.scalars(select(ContractBooth).where(ContractBooth.booth_id == booth_id, ContractBooth.live)).all()
    assert len(live) == 1


def test_numbers_have_no_gaps_after_a_rollback(app, session, cast):
    session.remove()
    with unit_of_work():
        assert numbers.take("test") == 1
    with pytest.raises(RuntimeError), unit_of_work():
        numbers.take("test")
        raise RuntimeError
    with unit_of_work():
        assert numbers.take("test") == 2
