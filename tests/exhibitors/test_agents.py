"""Agents: whose sale it is, commission on paid net money, storno, settlements that cannot be paid twice."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal as D

import pytest
from sqlalchemy import func, select

from expo_crm.billing import queries as billing
from expo_crm.billing.services import invoices, payments
from expo_crm.db import db, unit_of_work
from expo_crm.exhibitors.domain import commission
from expo_crm.exhibitors.domain.commission import AgentRefusal, Money, Sale, Territory
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Agent, CommissionLine, Settlement
from expo_crm.exhibitors.services import agents, booths, contracts
from expo_crm.lib import clock
from tests.support.cast import play, sign_in

NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)
TODAY = NOW.date()


@pytest.fixture
def cast(session, monkeypatch):
    cast = play(session)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return cast


def _agent(cast, rate="10", **values):
    base = {
        "name": "粤展商务",
        "countries": ["CN"],
        "provinces": [],
        "sectors": [],
        "rate": D(rate),
        "valid_from": dt.date(2026, 1, 1),
    }
    return agents.save(None, cast.show, **(base | values))


def _sold(cast):
    booths.hold(cast.booths[0], cast.opportunity, NOW + dt.timedelta(days=3))
    contract = contracts.draft(cast.opportunity)
    contracts.sign(contract, "陈思远", TODAY)
    return contract


def _pay(contract, share=D(1)):
    found = [i for i in billing.list_invoices_of_contract(contract.id) if i.state == "open"]
    for invoice in found:
        payments.record(invoice, (invoice.total * share).quantize(D("0.01")), TODAY)
    db.session.commit()
    return found


DAY = dt.date(2026, 5, 1)
ANNA = Territory(1, "Anna", dt.date(2026, 1, 1), None, ("DE", "AT"))
BO = Territory(2, "Bo", dt.date(2026, 1, 1), dt.date(2026, 4, 30), ("DE",), (), ("pump",), ((7, dt.date(2026, 6, 1)),))
CAI = Territory(
    3,
    "蔡",
    dt.date(2026, 1, 1),
    dt.date(2026, 12, 31),
    ("CN",),
    ("广东",),
    (),
    ((7, dt.date(2026, 6, 1)), (8, dt.date(2026, 4, 30))),
)


@pytest.mark.parametrize(
    ("sale", "whose"),
    [
        (Sale(1, DAY, "DE", source="new"), []),
        (Sale(1, DAY, "DE", source="agent"), [1]),
        (Sale(1, dt.date(2026, 4, 30), "DE", sector="Pumps", source="agent"), [1, 2]),
        (Sale(1, dt.date(2025, 12, 31), "DE", source="agent"), []),
        (Sale(1, DAY, "US", agent="anna "), [1]),
        (Sale(1, DAY, "DE", agent="Nobody", source="agent"), []),
        (Sale(7, DAY, "DE", agent="Anna"), [3]),
        (Sale(8, DAY, "CN", "广东省", source="agent"), [3]),
        (Sale(8, DAY, "CN", "广东省"), []),
    ],
)
def test_whose_sale_it_is(sale, whose):
    assert commission.agents_of(sale, [ANNA, BO, CAI]) == whose


@pytest.mark.parametrize(
    ("rows", "rate", "settled", "base", "amount"),
    [
        ([Money(D(1000), D(1060), D(0))], "10", "0", "0", "0"),
        ([Money(D(1000), D(1060), D(530))], "10", "0", "500", "50.00"),
        ([Money(D(1000), D(1060), D(1060))], "10", "50", "1000", "50.00"),
        ([Money(D(1000), D(1060), D(1060), D(400))], "10", "100", "600", "-40.00"),
        ([Money(D(1000), D(1060), D(0))], "10", "100", "0", "-100.00"),
        ([Money(D("333.33"), D("353.33"), D("353.33"))], "8.5", "0", "333.33", "28.33"),
        ([Money(D(0), D(0), D(10))], "10", "0", "0", "0"),
    ],
)
def test_commission_is_on_paid_net_money_and_taken_back(rows, rate, settled, base, amount):
    earned = commission.earn(rows, D(rate), D(settled))
    assert (earned.base, earned.amount) == (D(base), D(amount))


def test_a_settlement_from_the_payment_to_the_storno(client, session, cast):
    agent = _agent(cast)
    agents.keep_account(agent, cast.companies[0], dt.date(2026, 12, 31))
    other = _agent(cast, name="Rheintal")
    with pytest.raises(RuleRefused) as refused:
        agents.keep_account(other, cast.companies[0], dt.date(2026, 12, 31))
    assert refused.value.reason is AgentRefusal.ACCOUNT_KEPT
    contract = _sold(cast)
    session.commit()
    with pytest.raises(RuleRefused):
        agents.draft(agent, dt.date(2026, 1, 1), TODAY)
    paid = _pay(contract)
    net = sum(i.net for i in paid)
    sign_in(client, cast.finance)
    base = f"/e/{cast.edition.slug}/agents/{agent.id}"
    assert "粤展商务" in client.get(base).get_data(as_text=True)
    answer = client.post(f"{base}/settlements", data={"period_from": "2026-01-01", "period_to": TODAY.isoformat()})
    assert answer.status_code == 302
    made = session.scalars(select(Settlement)).one()
    assert (made.total, made.state, made.number) == ((net / 10).quantize(D("0.01")), "draft", None)
    one = f"{base}/settlements/{made.id}"
    assert (
        client.post(
            f"{base}/settlements", data={"period_from": "2026-01-01", "period_to": TODAY.isoformat()}
        ).status_code
        == 409
    )
    assert client.post(f"{one}/approve").status_code == 409  # who made it does not approve it
    assert client.post(f"{one}/pay").status_code == 409
    made.made_by = cast.admin.id
    session.commit()
    assert client.post(f"{one}/approve").status_code == 302
    assert client.post(f"{one}/approve").status_code == 409 and client.post(f"{one}/discard").status_code == 409
    session.refresh(made)
    assert made.number == "CM-2026-0001"
    assert client.post(f"{one}/pay", data={"day": "2027-01-01"}).status_code == 422
    assert client.post(f"{one}/pay", data={"day": "x"}).status_code == 422
    assert client.post(f"{one}/pay").status_code == 302
    for name, start in (("settlement.pdf", b"%PDF"), ("settlement.xlsx", b"PK")):
        answer = client.get(f"{one}/{name}")
        assert answer.status_code == 200 and answer.data.startswith(start)
    # A credit note over the whole first invoice, its money moved to the company's credit: what was earned on it is taken back.
    invoices.credit_rest(paid[0], "缩小面积")
    payments.release_surplus(paid[0], "缩小面积")
    session.commit()
    [storno] = agents.draft(agent, dt.date(2026, 1, 1), TODAY)
    session.commit()
    assert storno.total == -(paid[0].net / 10).quantize(D("0.01")) and storno.lines[0].storno
    assert sum(session.scalars(select(CommissionLine.amount))) == ((net - paid[0].net) / 10).quantize(D("0.01"))


def test_a_draft_is_not_approved_when_money_moved_since(client, session, cast):
    agent = _agent(cast)
    agents.keep_account(agent, cast.companies[0], dt.date(2026, 12, 31))
    contract = _sold(cast)
    paid = _pay(contract, D("0.5"))
    [made] = agents.draft(agent, dt.date(2026, 1, 1), TODAY)
    payments.record(paid[0], D(100), TODAY)
    session.commit()
    with pytest.raises(RuleRefused) as refused:
        agents.approve(made)
    assert refused.value.reason is AgentRefusal.CHANGED


def test_two_drafts_at_once_settle_once(app, session, cast):
    agent = _agent(cast)
    agents.keep_account(agent, cast.companies[0], dt.date(2026, 12, 31))
    _pay(_sold(cast))
    start, outcome = threading.Barrier(2), []

    def go():
        with app.app_context():
            try:
                start.wait(5)
                with unit_of_work():
                    agents.draft(db.session.get(Agent, agent.id), dt.date(2026, 1, 1), TODAY)
                outcome.append("made")
            except RuleRefused as error:
                outcome.append(error.reason.value)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcome) == ["made", "settlement-open"]
    session.expire_all()
    assert session.scalar(select(func.count(Settlement.id))) == 1


def test_forms_refuse_nonsense_and_pages_keep_to_their_rights(app, client, session, cast):
    agent = _agent(cast)
    session.commit()
    sign_in(client, cast.sales)
    base = f"/e/{cast.edition.slug}/agents"
    good = {
        "name": "Rheintal",
        "rate": "12,5",
        "valid_from": "2026-01-01",
        "countries": ["DE", "AT"],
        "provinces": "广东，江苏、广东",
    }
    for bad in (
        {"name": "\u200b"}, {"rate": "101"}, {"rate": "-1"}, {"rate": "x"}, {"rate": ""}, {"valid_from": "0001-01-01"},
        {"countries": ["XX"]},
        {"valid_until": "2025-01-01"}, {"company": "没有这家"}, {"email": "x"},
    ):  # fmt: skip
        assert client.post(f"{base}/new", data={**good, **bad}).status_code == 422, bad
    assert client.post(f"{base}/new", data=good).status_code == 302
    made = session.scalars(select(Agent).where(Agent.name == "Rheintal")).one()
    assert (made.rate, made.provinces, made.countries) == (D("12.50"), ["广东", "江苏"], ["DE", "AT"])
    assert client.post(f"{base}/{made.id}/edit", data={**good, "version": "9"}).status_code == 409
    for bad in ({"company": ""}, {"company": "没有这家"}, {"until": "1900-01-01"}):
        assert (
            client.post(
                f"{base}/{made.id}/accounts", data={"company": str(cast.companies[1].id), "until": "2026-12-31", **bad}
            ).status_code
            == 422
        )
    assert (
        client.post(
            f"{base}/{made.id}/accounts", data={"company": str(cast.companies[1].id), "until": "2026-12-31"}
        ).status_code
        == 302
    )
    assert "Rheintal" in client.get(f"/companies/{cast.companies[1].id}").get_data(as_text=True)
    assert (
        client.post(
            f"{base}/{agent.id}/settlements", data={"period_from": "2026-01-01", "period_to": "2026-03-02"}
        ).status_code
        == 403
    )
    assert (
        client.get(f"{base}/999999").status_code == 404
        and client.get(f"{base}/{agent.id}/settlements/1").status_code == 404
    )
    reader = app.test_client()
    sign_in(reader, cast.reader)
    assert reader.get(base).status_code == 200 and reader.get(f"{base}/{agent.id}").status_code == 200
    assert reader.get(f"{base}/new").status_code == 403
