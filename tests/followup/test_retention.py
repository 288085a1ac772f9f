"""Retention, risk, the plan and its calls, through the pages, on a series of editions with numbers worked out by hand."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from expo_crm.directory.models import Activity, Company
from expo_crm.exhibitors.models import Opportunity
from expo_crm.followup.models import Case, RetentionCase
from expo_crm.followup.queries import retention as queries
from expo_crm.jobs.models import Job
from expo_crm.lib import clock
from expo_crm.shows.models import Edition
from tests.followup.play import company, exhibit, work
from tests.support.cast import play, sign_in


def series(session: Any) -> SimpleNamespace:
    """Three past editions (2023, 2024, 2025) and the coming 2026 of the cast, with the companies of the money oracle.

    2025 against 2024: A100→120, B80→60, C50→–, D20→20, new E40; F was in 2023 only and comes back in 2025.
    """
    cast = play(session)
    for row in session.query(__import__("expo_crm.directory.models", fromlist=["Participation"]).Participation):
        session.delete(row)
    session.delete(cast.opportunity)
    session.flush()
    cast.first = _edition(session, cast, 2023)
    cast.second = _edition(session, cast, 2024)
    cast.by = {name: company(session, f"公司{name}", cast.sales.id) for name in "ABCDEF"}
    for name in "AF":
        exhibit(session, cast.first, cast.by[name], 10, 10)
    for name, amount in {"A": 100, "B": 80, "C": 50, "D": 20}.items():
        exhibit(session, cast.second, cast.by[name], amount, amount)
    for name, amount in {"A": 120, "B": 60, "D": 20, "E": 40, "F": 5}.items():
        exhibit(session, cast.previous, cast.by[name], amount, amount)
    session.commit()
    return cast


def _edition(session: Any, cast: SimpleNamespace, year: int) -> Edition:
    made = Edition(
        show_id=cast.show.id,
        slug=f"fluid-{year}",
        number=year - 2018,
        name_zh=f"{year}展",
        name_en=f"Show {year}",
        starts_on=dt.date(year, 6, 9),
        ends_on=dt.date(year, 6, 11),
        state="closed",
        counted_classes=["trade"],
    )
    session.add(made)
    session.flush()
    return made


@pytest.fixture
def before_the_show(monkeypatch):
    """Whatever the day is: half a year before the coming edition."""
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2026, 1, 5, 2, 0, tzinfo=dt.UTC))


def test_the_page_shows_the_hand_oracle(client, session, before_the_show):
    cast = series(session)
    sign_in(client, cast.reader)
    page = client.get("/e/fluid-2025/retention?lang=en").get_data(as_text=True)
    assert "72.0%" in page and "80.0%" in page and "75.0%" in page
    rows = re.findall(r'id="list-retention-row-\d+"', page)
    assert len(rows) == 6
    won_back = client.get("/e/fluid-2025/retention?lang=en&flow=won_back").get_data(as_text=True)
    assert "公司F" in won_back and won_back.count("list-retention-row-") >= 1 and "公司E" not in won_back
    export = client.get("/e/fluid-2025/retention?lang=en&flow=lost&export=csv")
    assert export.status_code == 200 and "公司" not in export.mimetype


def test_the_drill_down_exports_one_class(client, session, before_the_show):
    cast = series(session)
    sign_in(client, cast.sales)
    lines = (
        client.get("/e/fluid-2025/retention?lang=en&flow=lost&export=csv").get_data(as_text=True).strip().splitlines()
    )
    assert len(lines) == 2 and "公司C" in lines[1] and "50" in lines[1]


def test_a_coming_edition_counts_commitments_and_says_so(client, session, before_the_show):
    cast = series(session)
    session.add(
        Opportunity(
            edition_id=cast.edition.id,
            company_id=cast.by["A"].id,
            stage="contracted",
            expected_m2=Decimal(30),
            expected_amount=Decimal(60),
            stage_at=clock.now(),
            created_at=clock.now(),
        )
    )
    session.add(
        Opportunity(
            edition_id=cast.edition.id,
            company_id=cast.by["B"].id,
            stage="quoted",
            stage_at=clock.now(),
            created_at=clock.now(),
        )
    )
    session.commit()
    found = queries.development_of(cast.edition, dt.date(2026, 1, 5))
    assert found.coming and found.current.count.retained_now == 1 and found.current.count.prior == 5
    assert found.current.amount.gross == pytest.approx(60 / 245)
    sign_in(client, cast.reader)
    page = client.get("/e/fluid-2026/retention?lang=en").get_data(as_text=True)
    assert "Returned so far" in page and "Not back yet" in page and "Jan 5, 2026" in page


def test_a_represented_or_cancelled_company_is_no_exhibitor(client, session, before_the_show):
    cast = series(session)
    exhibit(session, cast.previous, company(session, "只有名字"), role="represented")
    exhibit(session, cast.previous, company(session, "取消了"), outcome="cancelled")
    exhibit(session, cast.previous, company(session, "没有合同"), outcome="planned")
    session.commit()
    found = queries.development_of(cast.previous, dt.date(2026, 1, 5))
    assert found.current.count.current == 5


def test_a_cancelled_edition_is_no_chance_to_return(client, session, before_the_show):
    cast = series(session)
    cast.second.state = "cancelled"
    session.commit()
    found = queries.development_of(cast.previous, dt.date(2026, 1, 5))
    assert [e.slug for e in found.editions] == ["fluid-2023", "fluid-2025"]
    assert found.current.count.gross == 1.0  # A and F of 2023 are both back


def test_no_edition_before_is_an_empty_state(client, session, before_the_show):
    cast = series(session)
    sign_in(client, cast.reader)
    for path in ("retention",):
        answer = client.get(f"/e/fluid-2023/{path}?lang=en")
        assert answer.status_code == 200 and "no earlier edition" in answer.get_data(as_text=True)


def test_at_risk_names_its_reasons(client, session, before_the_show):
    cast = series(session)
    session.add(
        Case(
            edition_id=cast.previous.id,
            company_id=cast.by["D"].id,
            kind="complaint",
            subject="灯坏了",
            created_at=dt.datetime(2025, 6, 10, tzinfo=dt.UTC),
        )
    )
    session.commit()
    outlook = queries.outlook_of(queries.Base(cast.previous, cast.edition), clock.now())
    codes = {name: {r.code for r in outlook.risks[c.id].reasons} for name, c in cast.by.items() if name != "C"}
    assert codes == {
        "A": set(),
        "B": {"smaller_stand"},
        "D": {"complaint_open"},
        "E": {"first_time"},
        "F": {"absent_before"},
    }
    sign_in(client, cast.reader)
    page = client.get("/e/fluid-2026/at-risk?lang=en").get_data(as_text=True)
    assert "1 open complaint" in page and "80 m² → 60 m²" in page
    only = client.get("/e/fluid-2025/at-risk?lang=en&reason=first_time").get_data(as_text=True)
    assert "公司E" in only and "公司D" not in only


def test_who_is_back_is_not_at_risk(client, session, before_the_show):
    cast = series(session)
    session.add(
        Opportunity(
            edition_id=cast.edition.id,
            company_id=cast.by["E"].id,
            stage="deposit_paid",
            stage_at=clock.now(),
            created_at=clock.now(),
        )
    )
    session.commit()
    sign_in(client, cast.reader)
    assert "公司E" not in client.get("/e/fluid-2026/at-risk").get_data(as_text=True)


PLAN = {"first_on": "2026-01-06", "per_day": "2", "won_back": "y"}


def test_one_click_makes_the_list_and_a_second_adds_nothing(client, session, before_the_show):
    cast = series(session)
    cast.by["B"].owner_id = None
    session.commit()
    sign_in(client, cast.sales)
    preview = client.get("/e/fluid-2025/plan-next?lang=en").get_data(as_text=True)
    assert "公司A" in preview and session.scalar(select(func.count(Opportunity.id))) == 0  # looking makes nothing
    assert client.post("/e/fluid-2025/plan-next", data=PLAN).status_code == 302
    work(session, cast)
    made = session.scalars(select(Opportunity).where(Opportunity.edition_id == cast.edition.id)).all()
    names = {session.get(Company, o.company_id).name_zh: o for o in made}
    assert set(names) == {"公司A", "公司B", "公司C", "公司D", "公司E", "公司F"}
    assert names["公司C"].source == "won_back" and names["公司C"].expected_amount == 50
    assert names["公司A"].source == "rebooking" and names["公司A"].expected_m2 == 120
    assert {o.owner_id for o in made} == {cast.sales.id}  # B had no owner: the only sales person gets it
    assert sorted(o.next_on for o in made) == [dt.date(2026, 1, d) for d in (6, 6, 7, 7, 8, 8)]
    calls = session.scalars(select(Activity).where(Activity.kind == "call")).all()
    assert len(calls) == 6 and all(c.due_at is not None and c.done_at is None for c in calls)
    client.post("/e/fluid-2025/plan-next", data=PLAN)
    work(session, cast)
    assert session.scalar(select(func.count(Opportunity.id))) == 6
    assert session.scalar(select(func.count(Activity.id))) == 6


def test_the_plan_is_taken_back_but_not_what_was_worked_on(client, session, before_the_show):
    cast = series(session)
    session.add(
        Activity(
            kind="visit",
            company_id=cast.by["B"].id,
            edition_id=cast.edition.id,
            subject="早先拜访",
            done_at=clock.now() - dt.timedelta(days=9),
            created_at=clock.now(),
        )
    )
    session.commit()
    sign_in(client, cast.sales)
    client.post("/e/fluid-2025/plan-next", data=PLAN)
    work(session, cast)
    job = session.scalar(select(Job.id).where(Job.kind == "followup.plan_next"))
    kept = session.scalar(select(Opportunity).where(Opportunity.company_id == cast.by["A"].id))
    number = kept.id
    assert (
        client.post(f"/e/fluid-2026/calls/{number}", data={"result": "interested", "note": "要大一点"}).status_code
        == 302
    )
    assert client.post(f"/e/fluid-2025/plan-next/{job}/undo").status_code == 302
    left = session.scalars(select(Opportunity)).all()
    assert [o.id for o in left] == [number] and left[0].stage == "intent"
    activities = session.scalars(select(Activity).order_by(Activity.id)).all()
    assert [(a.kind, a.outcome, a.done_at is not None) for a in activities] == [
        ("visit", "", True),  # before the plan: no work on it
        ("call", "interested", True),
        ("call", "", False),
    ]
    assert session.scalars(select(RetentionCase)).all() == []


def test_without_a_coming_edition_the_plan_makes_one(client, session, before_the_show):
    cast = series(session)
    cast.edition.state = "cancelled"
    session.commit()
    sign_in(client, cast.sales)
    page = client.get("/e/fluid-2025/plan-next?lang=en").get_data(as_text=True)
    assert "2026-06-08" in page  # 52 weeks after 9 June 2025
    bad = client.post("/e/fluid-2025/plan-next", data={**PLAN, "starts_on": "2026-06-20", "ends_on": "2026-06-08"})
    assert bad.status_code == 422 and session.scalar(select(func.count(Job.id))) == 0
    assert client.post("/e/fluid-2025/plan-next", data={**PLAN, "starts_on": "", "ends_on": ""}).status_code == 422
    client.post("/e/fluid-2025/plan-next", data={**PLAN, "starts_on": "2026-06-08", "ends_on": "2026-06-10"})
    work(session, cast)
    made = session.scalars(select(Edition).order_by(Edition.id.desc())).first()
    assert made.starts_on == dt.date(2026, 6, 8) and made.previous_id == cast.previous.id
    assert session.scalar(select(func.count(Opportunity.id)).where(Opportunity.edition_id == made.id)) == 6


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_day": "0"},
        {"per_day": "-3"},
        {"per_day": "x"},
        {"per_day": "1e9"},
        {"first_on": "2026-02-30"},
        {"first_on": "0001-01-01"},
    ],
)
def test_nonsense_makes_no_plan(client, session, before_the_show, wrong):
    cast = series(session)
    sign_in(client, cast.sales)
    assert client.post("/e/fluid-2025/plan-next", data={**PLAN, **wrong}).status_code == 422
    assert client.get("/e/fluid-2025/plan-next", query_string={**PLAN, **wrong}).status_code == 422
    assert session.scalar(select(func.count(Job.id))) == 0


def test_a_refusal_needs_its_reason_and_closes_the_call(client, session, before_the_show):
    cast = series(session)
    sign_in(client, cast.sales)
    client.post("/e/fluid-2025/plan-next", data=PLAN)
    work(session, cast)
    number = session.scalar(select(Opportunity.id).where(Opportunity.company_id == cast.by["E"].id))
    url = f"/e/fluid-2026/calls/{number}"
    assert client.get(url).status_code == 200
    assert client.post(url, data={"result": "refused"}).status_code == 422
    assert client.post(url, data={"result": "nonsense"}).status_code == 422
    client.post(url, data={"result": "refused", "reason": "results"})
    lost = session.get(Opportunity, number)
    assert (lost.stage, lost.lost_reason, lost.next_on) == ("lost", "results", None)
    assert "公司E" not in client.get("/e/fluid-2026/calls").get_data(as_text=True)
    not_reached = session.scalar(select(Opportunity.id).where(Opportunity.company_id == cast.by["D"].id))
    client.post(f"/e/fluid-2026/calls/{not_reached}", data={"result": "not_reached"})
    again = session.get(Opportunity, not_reached)
    assert again.stage == "lead" and again.next_on == dt.date(2026, 1, 7)


def test_the_call_list_is_ordered_by_risk_times_value(client, session, before_the_show):
    cast = series(session)
    sign_in(client, cast.sales)
    client.post("/e/fluid-2025/plan-next", data=PLAN)
    work(session, cast)
    page = client.get("/e/fluid-2026/calls").get_data(as_text=True)
    order = re.findall(r"公司[A-F]", page)
    first = list(dict.fromkeys(order))
    # B (15+10)×61, A 10×121, E (20+10)×41, C 10×51, D 10×21, F (15+10)×6
    assert first[:6] == ["公司B", "公司E", "公司A", "公司C", "公司D", "公司F"]


def test_readers_look_and_sales_people_call(client, session, before_the_show):
    cast = series(session)
    sign_in(client, cast.sales)
    client.post("/e/fluid-2025/plan-next", data=PLAN)
    work(session, cast)
    number = session.scalar(select(Opportunity.id).limit(1))
    reader = client.application.test_client()
    sign_in(reader, cast.reader)
    assert reader.get("/e/fluid-2025/plan-next").status_code == 200
    assert reader.get("/e/fluid-2026/calls").status_code == 200
    assert reader.get(f"/e/fluid-2026/calls/{number}").status_code == 200
    assert reader.post("/e/fluid-2025/plan-next", data=PLAN).status_code == 403
    assert reader.post(f"/e/fluid-2026/calls/{number}", data={"result": "reached"}).status_code == 403
    assert client.get(f"/e/fluid-2025/calls/{number}").status_code == 404  # another edition's


def test_more_companies_cost_no_more_queries(client, session, before_the_show, app):
    cast = series(session)
    sign_in(client, cast.sales)
    client.post("/e/fluid-2025/plan-next", data=PLAN)
    work(session, cast)
    paths = (
        "/e/fluid-2025/retention",
        "/e/fluid-2026/at-risk",
        "/e/fluid-2025/plan-next",
        "/e/fluid-2026/calls",
        "/e/fluid-2025/cases",
    )
    few = {path: _queries(app, client, path) for path in paths}
    for n in range(12):
        exhibit(session, cast.previous, company(session, f"更多{n}", cast.sales.id), 9, 9)
    session.add_all(
        [Case(edition_id=cast.previous.id, kind="praise", subject=f"好{n}", created_at=clock.now()) for n in range(5)]
    )
    session.commit()
    client.post("/e/fluid-2025/plan-next", data=PLAN)
    work(session, cast)
    assert {path: _queries(app, client, path) for path in paths} == few


def _queries(app: Any, client: Any, path: str) -> int:
    from sqlalchemy import event

    from expo_crm.db import db

    count = 0

    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return count
