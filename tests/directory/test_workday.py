"""Call mode, scripts and results, visits with reports, and the totals of a span."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from expo_crm.directory import queries_day
from expo_crm.directory.domain import calls
from expo_crm.directory.models import Activity, CallResult, CallScript
from expo_crm.directory.services import activities, companies
from expo_crm.directory.services import calls as services
from expo_crm.lib import clock
from tests.directory.test_views import counted
from tests.support.cast import play, sign_in

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def cast(session):
    return play(session)


def _call(cast, company=0, hours=-1):
    return activities.plan_next_action(
        cast.companies[company].id,
        kind="call",
        subject="回访",
        due_at=clock.now() + dt.timedelta(hours=hours),
        owner_id=cast.sales.id,
    )


def test_a_script_is_filled_in_and_its_questions_are_known():
    text = "您好 {contact}，这里是 {edition}。\n？您用过{ company }吗\n? Size\n\n{nothing}"
    assert calls.unknown_places(text) == ["nothing"]
    filled = calls.fill(text, {"contact": "陈", "edition": "", "company": "禾川"})
    ltd = {"company": "Beichen Co., Ltd."}
    assert calls.fill("We missed {company}. And {company}, too.", ltd) == "We missed Beichen Co., Ltd. And Beichen Co., Ltd., too."
    assert calls.lines(filled) == [(False, "您好 陈，这里是 …。"), (True, "您用过禾川吗"), (True, "Size"), (False, "…")]


def test_when_the_next_action_is_due():
    now = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
    results = {r.code: r for r in calls.RESULTS}
    assert calls.next_moment(results["not_interested"], now, ZONE) is None
    assert calls.next_moment(results["busy"], now, ZONE) == now + dt.timedelta(hours=2)
    assert calls.next_moment(results["no_answer"], now, ZONE) == dt.datetime(2026, 3, 3, 1, tzinfo=dt.UTC)
    assert calls.next_moment(results["not_interested"], now, ZONE, now) == now
    assert calls.duration(now - dt.timedelta(minutes=3), now, None) == 180 and calls.duration(None, now, 4) == 240
    assert (
        calls.duration(now + dt.timedelta(minutes=3), now, None) is None
        and calls.duration(now - dt.timedelta(days=1), now, None) is None
    )


def test_one_touch_stores_the_call_and_what_follows(client, session, cast):
    first, second = _call(cast, 0, -30), _call(cast, 1)
    services.save_script(
        None,
        purpose="rebooking",
        edition_id=None,
        name_zh="复展",
        name_en="Rebooking",
        body_zh="您好{contact}\n？明年面积",
        body_en="Hi {contact}\n? Area",
        retired=False,
    )
    session.commit()
    sign_in(client, cast.sales)
    page = client.get("/my-day/calls").get_data(as_text=True)
    assert "禾川泵业" in page and "明年面积" in page and 'value="interested"' in page  # the longest overdue first
    path = f"/companies/{cast.companies[0].id}/call/result"
    data = {
        "activity": str(first.id),
        "result": "interested",
        "note": "要大一点",
        "q1": "明年面积",
        "a1": "36 平方米",
        "minutes": "4",
    }
    for bad in (
        {"result": "nonsense"},
        {"result": ""},
        {"minutes": "-1"},
        {"minutes": "9999"},
        {"next_on": "0001-01-01"},
        {"next_time": "25:99"},
    ):
        answer = client.post(path, data={**data, **bad})
        assert answer.status_code == 422 and "要大一点" in answer.get_data(as_text=True), bad
    assert client.post(path, data=data).status_code == 302
    session.expire_all()
    done = session.get(Activity, first.id)
    assert (done.result_code, done.duration_s) == ("interested", 240) and done.body == "要大一点\n明年面积 36 平方米"
    following = session.scalar(
        select(Activity).where(Activity.company_id == cast.companies[0].id, Activity.done_at.is_(None))
    )
    assert following.kind == "mail" and following.owner_id == cast.sales.id
    assert client.post(path, data=data).status_code == 409
    assert client.post(path, data={**data, "activity": str(second.id)}).status_code == 404  # of another company
    assert "北辰阀门" in client.get("/my-day/calls").get_data(as_text=True)
    assert client.get(f"/my-day/calls?skip={second.id}").status_code == 200
    assert "北辰阀门" not in client.get(f"/my-day/calls?skip={second.id}.x.{'9' * 40}").get_data(as_text=True)
    soon = (clock.now() + dt.timedelta(days=5)).date().isoformat()
    answer = client.post(
        f"/companies/{cast.companies[1].id}/call/result",
        data={"activity": str(second.id), "result": "call_back", "next_on": soon, "next_time": "15:30"},
    )  # fmt: skip
    assert answer.status_code == 302
    back = session.scalar(
        select(Activity).where(Activity.company_id == cast.companies[1].id, Activity.done_at.is_(None))
    )
    assert clock.to_local(back.due_at, ZONE).strftime("%H:%M") == "15:30" and back.kind == "call"


def test_a_visit_is_planned_and_reported(client, session, cast):
    sign_in(client, cast.sales)
    path = f"/companies/{cast.companies[0].id}/visits/new"
    day = (clock.now() + dt.timedelta(days=3)).date().isoformat()
    data = {"subject": "看样", "day": day, "at": "14:00", "place": "上海市浦东新区1号", "owner_id": str(cast.sales.id)}
    for bad in (
        {"day": ""},
        {"day": "1999-01-01"},
        {"at": "03:00"},
        {"subject": "\u200b"},
        {"owner_id": "777"},
        {"person_id": "777"},
    ):
        assert client.post(path, data={**data, **bad}).status_code == 422, bad
    assert client.post(path, data=data).status_code == 302
    visit = session.scalars(select(Activity).where(Activity.kind == "visit")).one()
    assert visit.place == "上海市浦东新区1号"
    report = f"/activities/{visit.id}/report"
    assert client.get(report).status_code == 200
    assert client.post(report, data={"body": "谈得好", "next_subject": "报价"}).status_code == 422
    assert client.post(report, data={"body": "谈得好", "next_subject": "报价", "next_on": day}).status_code == 302
    assert client.post(report, data={"body": "第二次"}).status_code == 409
    page = client.get(f"/companies/{cast.companies[0].id}").get_data(as_text=True)
    assert "谈得好" in page and "上海市浦东新区1号" in page and "报价" in page


def test_totals_count_by_person_and_span(client, session, cast):
    own = services.save_result(
        None, name_zh="转介绍", name_en="Referred", reached=True, next_kind="", next_days=0, retired=False
    )
    now = clock.now()
    for code, who, at in (
        ("interested", cast.sales, now), ("no_answer", cast.sales, now), (own.code, cast.admin, now), ("", cast.sales, now),
        ("reached", cast.sales, now - dt.timedelta(days=40)),
    ):  # fmt: skip
        activities.log_activity(
            cast.companies[0].id, kind="call", subject="电话", owner_id=who.id, at=at, result_code=code, duration_s=120
        )
    activities.log_activity(cast.companies[0].id, kind="visit", subject="拜访", owner_id=cast.sales.id, at=now)
    session.commit()
    found = queries_day.totals(now - dt.timedelta(hours=1), now + dt.timedelta(hours=1))
    assert found[cast.sales.id].counts == {
        "calls": 3,
        "reached": 1,
        "visits": 1,
        "mails": 0,
        "opportunities": 0,
        "talk_s": 360,
    }
    assert found[cast.admin.id].reached == 1
    sign_in(client, cast.reader)
    for address in (
        "",
        "?span=day",
        "?span=month&day=2026-02-30",
        "?span=nonsense&day=9999-12-31",
        "?day=0001-01-01&span=week",
    ):
        assert client.get(f"/my-day/totals{address}").status_code == 200, address


def test_scripts_and_results_refuse_what_nobody_can_fill_in(client, session, cast):
    sign_in(client, cast.admin)
    good = {
        "purpose": "new",
        "edition_id": "",
        "name_zh": "新客户",
        "name_en": "New",
        "body_zh": "您好",
        "body_en": "Hi {contact}",
    }
    for bad in (
        {"body_en": "{password}"},
        {"purpose": "x"},
        {"edition_id": "777"},
        {"name_zh": ""},
        {"body_zh": "\u200b"},
    ):
        assert client.post("/settings/calls/scripts/new", data={**good, **bad}).status_code == 422, bad
    assert client.post("/settings/calls/scripts/new", data=good).status_code == 302
    script = session.scalars(select(CallScript)).one()
    assert client.post(f"/settings/calls/scripts/{script.id}", data={**good, "version": "9"}).status_code == 409
    result = {"name_zh": "转介绍", "name_en": "Referred", "next_kind": "call", "next_days": "3"}
    for bad in ({"next_days": "-1"}, {"next_days": "400"}, {"next_kind": "x"}, {"name_en": ""}):
        assert client.post("/settings/calls/results/new", data={**result, **bad}).status_code == 422, bad
    assert client.post("/settings/calls/results/new", data=result).status_code == 302
    row = session.scalars(select(CallResult)).one()
    assert client.get(f"/settings/calls/results/{row.id}").status_code == 200
    assert client.get("/settings/calls").status_code == 200


def test_pages_of_the_day_cost_the_same_for_one_and_for_many(app, client, session, cast):
    _call(cast)
    session.commit()
    sign_in(client, cast.sales)
    pages = ("/my-day", "/my-day/calls", "/my-day/totals", "/pool")
    costs = []
    activities.log_activity(cast.companies[0].id, kind="call", subject="电话", owner_id=cast.sales.id)
    companies.create_company(name_zh="公海泵业")
    session.commit()
    for round_ in range(2):
        for page in pages:
            client.get(page)
            with counted(app) as seen:
                assert client.get(page).status_code == 200
            costs.append((page, len(seen)))
        if round_ == 0:
            for number in range(25):
                _call(cast, number % 4)
                activities.log_activity(cast.companies[0].id, kind="call", subject="电话", owner_id=cast.sales.id)
                if number < 10:
                    companies.create_company(name_zh=f"公海第{number}号泵业")
            session.commit()
    assert costs[: len(pages)] == costs[len(pages) :]
