"""Who owns a company: rules, protection, the pool with its daily round, claims and their limits, and the log of it all."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import func, select

from expo_crm.db import db, unit_of_work
from expo_crm.directory.domain import ownership as rules
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.domain.ownership import Limits, Rule
from expo_crm.directory.models import Company, OwnershipLog
from expo_crm.directory.services import activities, companies, ownership
from expo_crm.exhibitors.models import Opportunity
from expo_crm.lib import clock
from expo_crm.messaging.models import Message
from tests.support.cast import play, sign_in


@pytest.fixture
def cast(session):
    return play(session)


def _settings(cast, **values):
    base = {
        "pool_days": 60, "warn_days": 10, "exempt_key": True, "exempt_open": True, "contact_days": 30, "opportunity_days": 90,
        "claims_per_day": 2, "claims_total": 50, "wait_days": 7,
    }  # fmt: skip
    ownership.save_settings(cast.show, **(base | values))
    db.session.commit()


def _old(company, days=400):
    company.owner_since = clock.now() - dt.timedelta(days=days)
    company.created_at = company.owner_since
    db.session.flush()


def test_rules_deal_in_turn_and_skip_what_does_not_fit():
    east, rest = Rule(1, (7, 8), country="CN", province="江苏"), Rule(2, (9,))
    given = rules.deal(
        [east, Rule(3, ()), rest],
        [{"country": "CN", "province": "江苏省"}, {"country": "cn", "province": "江苏"}, {"country": "DE"},
         {"country": "CN", "province": "江苏"}],
    )  # fmt: skip
    assert [(d.user_id, d.rule_id) for d in given] == [(7, 1), (8, 1), (9, 2), (7, 1)]
    assert rules.deal([Rule(1, (7, 8), dealt=1)], [{}])[0].user_id == 8
    assert rules.deal([east], [{"country": "DE"}, {}]) == [None, None]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"today": 1, "owned": 9, "own_return_days": None}, ""),
        ({"today": 2, "owned": 0, "own_return_days": None}, "day-limit"),
        ({"today": 0, "owned": 10, "own_return_days": None}, "total-limit"),
        ({"today": 0, "owned": 0, "own_return_days": 6.9}, "just-returned"),
        ({"today": 0, "owned": 0, "own_return_days": 7.0}, ""),
    ],
)
def test_limits_of_claims(facts, code):
    assert rules.refuse_claim(Limits(claims_per_day=2, claims_total=10, wait_days=7), **facts) == code


def test_a_new_company_goes_by_the_rules_and_the_log_says_so(client, session, cast):
    ownership.save_rule(
        None,
        name="江苏",
        country="CN",
        province="江苏",
        industry="",
        source="",
        user_ids=[cast.sales.id, cast.admin.id],
        active=True,
    )
    session.commit()
    first = companies.create_company(name_zh="苏州一号泵业", country="CN", province="江苏省")
    second = companies.create_company(name_zh="无锡二号阀业", country="CN", province="江苏")
    third = companies.create_company(name_zh="杭州三号密封", country="CN", province="浙江")
    own = companies.create_company(name_zh="南京四号仪表", country="CN", province="江苏", owner_id=cast.sales.id)
    session.commit()
    assert [c.owner_id for c in (first, second, third, own)] == [cast.sales.id, cast.admin.id, None, cast.sales.id]
    log = {row.company_id: row.why for row in session.scalars(select(OwnershipLog))}
    assert log[first.id] == "rule" and log[own.id] == "assign" and third.id not in log
    sign_in(client, cast.admin)
    page = client.get("/settings/ownership/preview").get_data(as_text=True)
    assert "杭州三号密封" in page
    companies.update_company(third, province="江苏")
    session.commit()
    assert client.post("/settings/ownership/apply").status_code == 302
    session.expire_all()
    assert session.get(Company, third.id).owner_id == cast.sales.id


def test_a_contact_protects_and_a_protected_company_blocks_a_colleague(client, session, cast):
    _settings(cast)
    company = cast.companies[1]
    activities.log_activity(company.id, kind="note", subject="笔记")
    assert session.get(Company, company.id).protected_until is None
    activities.log_activity(company.id, kind="call", subject="电话")
    session.commit()
    session.refresh(company)
    today = clock.local_day(clock.now(), cast.edition.timezone)
    assert company.protected_until == today + dt.timedelta(days=30) and company.version == 1
    sign_in(client, cast.admin)
    data = {
        "name_zh": company.name_zh,
        "country": "CN",
        "source": "",
        "owner_id": "",
        "confirmed": "y",
        "reason": "另一家",
    }
    answer = client.post("/companies/new", data=data)
    assert answer.status_code == 422 and "Sales 王" in answer.get_data(as_text=True)
    assert session.scalar(select(func.count(Company.id)).where(Company.name_zh == company.name_zh)) == 1
    company.protected_until = today - dt.timedelta(days=1)
    session.commit()
    assert client.post("/companies/new", data=data).status_code == 302


def test_the_daily_round_warns_then_returns_and_spares_what_is_exempt(app, session, cast):
    _settings(cast)
    busy, key, quiet, fresh = cast.companies  # busy has an open opportunity
    for company in (busy, key, quiet, fresh):
        _old(company)
    cast.edition.ends_on = clock.now().date() + dt.timedelta(days=90)
    key.key_account = True
    activities.log_activity(fresh.id, kind="visit", subject="拜访", at=clock.now() - dt.timedelta(days=55))
    fresh.protected_until = None
    session.commit()
    warn = app.extensions["expo_pool_warning"]
    with app.test_request_context():
        assert ownership.run_pool(warn=warn) == {"returned": 1, "warned": 1}
    session.commit()
    assert [c.owner_id is None for c in (busy, key, quiet, fresh)] == [False, False, True, False]
    assert fresh.pool_warned_at is not None and quiet.pool_since is not None
    mail = session.scalars(select(Message)).one()
    assert mail.to_email == cast.sales.email and "澄江密封件厂" in mail.text
    assert session.scalars(select(OwnershipLog.why)).all() == ["return"]
    assert ownership.run_pool(warn=warn) == {"returned": 0, "warned": 0}
    activities.log_activity(fresh.id, kind="call", subject="电话")
    session.commit()
    session.refresh(fresh)
    assert fresh.pool_warned_at is None
    session.delete(session.scalar(select(Opportunity)))
    session.commit()
    assert ownership.run_pool()["returned"] == 1
    session.commit()
    assert busy.owner_id is None


def test_claiming_keeps_the_limits(app, client, session, cast):
    _settings(cast)
    ownership.transfer(cast.companies, None, why="return")
    session.commit()
    sign_in(client, cast.sales)
    answer = client.post(f"/companies/{cast.companies[0].id}/claim")
    assert (
        answer.status_code == 409 and session.get(Company, cast.companies[0].id).owner_id is None
    )  # it came from himself
    client = app.test_client()
    sign_in(client, cast.admin)
    one, two, three, _four = cast.companies
    assert client.post(f"/companies/{one.id}/claim").status_code == 302
    assert client.post(f"/companies/{one.id}/claim").status_code == 409
    answer = client.post("/pool/claim", data={"ids": [str(two.id), str(three.id), "x", "9" * 30]})
    assert answer.status_code == 302  # two a day: one more was possible
    session.expire_all()
    mine = session.scalar(select(func.count(Company.id)).where(Company.owner_id == cast.admin.id))
    assert mine == 2 and session.get(Company, one.id).protected_until is not None
    assert client.post("/pool/claim", data={"ids": [str(three.id)]}).status_code == 409
    assert client.post("/pool/claim", data={}).status_code == 422
    assert client.get("/pool").status_code == 200
    client = app.test_client()
    sign_in(client, cast.reader)
    assert client.post(f"/companies/{three.id}/claim").status_code == 403


def test_of_two_who_claim_at_once_one_gets_it(app, session, cast):
    company, users = cast.companies[3], [cast.admin.id, cast.finance.id]
    company.owner_id = None
    session.commit()
    start, outcome = threading.Barrier(2), []

    def go(user_id):
        with app.app_context():
            try:
                start.wait(5)
                with unit_of_work():
                    ownership.claim(db.session.get(Company, company.id), user_id)
                outcome.append("won")
            except DirectoryError as error:
                outcome.append(error.code)

    threads = [threading.Thread(target=go, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcome) == ["owned", "won"]
    session.expire_all()
    assert session.get(Company, company.id).owner_id in users
    assert session.scalar(select(func.count(OwnershipLog.id)).where(OwnershipLog.why == "claim")) == 1


def test_a_transfer_needs_no_more_than_a_reason_and_is_shown(client, session, cast):
    sign_in(client, cast.admin)
    company = cast.companies[0]
    data = {"ids": str(company.id), "owner": str(cast.admin.id), "reason": "区域调整<script>"}
    assert client.post("/companies/assign", data=data).status_code == 302
    row = session.scalars(select(OwnershipLog)).one()
    assert (row.why, row.from_id, row.to_id, row.by_id) == ("transfer", cast.sales.id, cast.admin.id, cast.admin.id)
    page = client.get(f"/companies/{company.id}").get_data(as_text=True)
    assert "区域调整&lt;script&gt;" in page and "<script>区" not in page


def test_settings_and_rules_refuse_nonsense(app, client, session, cast):
    sign_in(client, cast.admin)
    good = {
        "contact_days": "30", "opportunity_days": "90", "pool_days": "60", "warn_days": "7", "claims_per_day": "5", "claims_total": "100",
        "wait_days": "7", "exempt_key": "y",
    }  # fmt: skip
    for bad in (
        {"pool_days": "-1"},
        {"pool_days": "1e9"},
        {"warn_days": "60"},
        {"wait_days": ""},
        {"contact_days": "9" * 40},
        {"claims_total": "x"},
    ):
        assert client.post("/settings/ownership", data={**good, **bad}).status_code == 422, bad
    assert client.post("/settings/ownership", data=good).status_code == 302
    assert client.post("/settings/ownership", data={**good, "version": "77"}).status_code == 409
    rule = {"name": "华东", "country": "CN", "user_ids": [str(cast.sales.id)], "active": "y", "source": ""}
    for bad in ({"name": "\u200b"}, {"user_ids": []}, {"user_ids": ["99999"]}, {"user_ids": ["x"]}, {"country": "XX"}):
        assert client.post("/settings/ownership/rules/new", data={**rule, **bad}).status_code == 422, bad
    assert client.post("/settings/ownership/rules/new", data=rule).status_code == 302
    assert client.get("/settings/ownership").status_code == 200
    client = app.test_client()
    sign_in(client, cast.sales)
    assert client.get("/settings/ownership").status_code == 403
