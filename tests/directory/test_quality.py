"""The figures of the customer file, against records counted by hand, and the queue of what nobody touches."""

from __future__ import annotations

import datetime as dt

import pytest

from expo_crm.directory.domain.quality import Record, measure
from expo_crm.directory.services import activities, companies, people, quality
from expo_crm.lib import clock
from tests.support.cast import play, sign_in

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def record(**more) -> Record:
    given = {
        "country": "CN",
        "source": "import",
        "owner_id": 1,
        "tax_id": "91350100M000100Y43",
        "website": "x.cn",
        "domain": "x.cn",
        "phone": "+86",
        "phone_valid": True,
        "address": "a",
        "industry": "i",
        "contacts": 1,
        "reachable": 1,
        "touched_at": NOW,
        "doubtful": False,
    }
    return Record(**{**given, **more})


def test_every_record_counts_once_in_each_group():
    found = measure(
        [
            record(),
            record(tax_id="91350100M000100Y44", owner_id=None, contacts=2, reachable=0),
            record(
                country="DE",
                tax_id="DE123",
                source="fair",
                phone="x",
                phone_valid=False,
                touched_at=NOW - dt.timedelta(days=366),
                doubtful=True,
            ),
            record(tax_id="", website="", phone="", address="", industry="", owner_id=None, contacts=0, reachable=0),
        ],
        NOW,
    )
    everything = found.all
    assert (
        everything.companies,
        everything.bad_tax_id,
        everything.bad_phone,
        everything.stale,
        everything.doubtful,
    ) == (4, 1, 1, 1, 1)
    assert everything.has == {
        "tax_id": 3,
        "website": 3,
        "phone": 3,
        "address": 3,
        "industry": 3,
        "owner": 2,
        "contact": 2,
    }
    assert everything.complete == pytest.approx(19 / 28)
    assert {k: t.companies for k, t in found.by_source.items()} == {"import": 3, "fair": 1}
    assert {k: t.companies for k, t in found.by_owner.items()} == {1: 2, 0: 2}
    assert measure([], NOW).all.complete == 0


def test_the_board_and_the_lists_behind_it(client, session):
    cast = play(session)
    sign_in(client, cast.sales)
    assert "尚未" in client.get("/companies/quality?lang=zh").get_data(as_text=True)
    bad = companies.create_company(name_zh="错码公司", tax_id="91350100M000100Y44", website="bad.cn")
    people.employ(people.create_person(name="李雷", email="li@bad.cn"), bad)
    made = quality.measure()
    session.commit()
    assert made.figures["all"]["bad_tax_id"] == 1
    assert made.figures["all"]["has"]["contact"] == 2 and made.figures["all"]["has"]["website"] == 1
    assert client.post("/companies/quality/measure").status_code == 302
    page = client.get("/companies/quality?lang=en").get_data(as_text=True)
    assert "Wrong tax ids" in page and "Sales 王" in page
    for name, there in (("contact", False), ("website", False), ("address", True), ("owner", True), ("tax_id", False)):
        assert ("错码公司" in client.get(f"/companies?missing={name}&lang=zh").get_data(as_text=True)) is there


def test_the_queue_of_untouched_records(client, session, monkeypatch):
    cast = play(session)  # its companies were last changed in March 2026
    sign_in(client, cast.sales)
    called = cast.companies[1]
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2026, 10, 1, tzinfo=dt.UTC))
    activities.log_activity(called.id, kind="call", subject="问候")
    session.commit()
    page = client.get("/companies/untouched?lang=zh").get_data(as_text=True)
    assert "禾川泵业" in page and "北辰阀门" not in page
    assert "禾川泵业" not in client.get("/companies/untouched?months=12&lang=zh").get_data(as_text=True)
