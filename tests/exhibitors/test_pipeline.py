"""Forecast, targets, competitors' shows, quotes and the weekly sheet."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, select

from expo_crm.db import db
from expo_crm.exhibitors import queries_pipeline
from expo_crm.exhibitors.domain import forecast, targets, weekly
from expo_crm.exhibitors.domain.forecast import StageSum, Weight
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.quote import QuoteRefusal, discount_limit
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.targets import Deal, Scope, Sum
from expo_crm.exhibitors.domain.weekly import Kind
from expo_crm.exhibitors.models import (
    CompetitorPresence,
    CompetitorShow,
    Contract,
    Opportunity,
    Quote,
    SalesTarget,
    StageChange,
)
from expo_crm.exhibitors.services import booths, competitors, contracts, opportunities, quotes
from expo_crm.exhibitors.services import targets as target_services
from expo_crm.exhibitors.views import weekly as weekly_views
from expo_crm.lib import clock
from expo_crm.lib.permissions import Permission
from tests.support.cast import play, sign_in

D = dt.date
UTC = dt.UTC


# --- rules ---------------------------------------------------------------------------------------------------------------


def test_the_forecast_weighs_each_stage_and_adds_up():
    sums = [
        StageSum(Stage.QUOTED, 3, Decimal("27.15"), Decimal("1000.01")),
        StageSum(Stage.PAID, 1, Decimal(9), Decimal(12000)),
        StageSum(Stage.LOST, 5, Decimal(500), Decimal(900000)),
    ]
    found = forecast.forecast(sums, {Stage.QUOTED: Weight(Decimal("33.33"), 14)})
    line = {item.stage: item for item in found.lines}
    assert line[Stage.QUOTED].weighted_m2 == Decimal("9.05")  # 9.049… half up
    assert line[Stage.QUOTED].weighted_amount == Decimal("333.30")
    assert found.total("weighted_m2") == Decimal("18.05")
    assert Stage.LOST not in line
    assert found.total("count") == 4


def test_cards_age_in_their_stage():
    now = dt.datetime(2026, 3, 20, tzinfo=UTC)
    weights = {Stage.QUOTED: Weight(Decimal(50), 14), Stage.LEAD: Weight(Decimal(5), 0)}
    assert forecast.overdue_days("quoted", now - dt.timedelta(days=14), now, weights) == 0
    assert forecast.overdue_days("quoted", now - dt.timedelta(days=17), now, weights) == 3
    assert forecast.overdue_days("lead", now - dt.timedelta(days=900), now, weights) == 0
    assert forecast.overdue_days("paid", now - dt.timedelta(days=900), now, weights) == 0


def test_a_target_is_measured_against_the_same_distance():
    half = ((Scope.HALL, (("H1", Decimal("0.5")), ("H2", Decimal("0.5")))),)
    deals = [
        Deal(1, 7, D(2025, 1, 1), Decimal(100), Decimal(1000), dict(half)),
        Deal(1, 8, D(2025, 3, 1), Decimal(300), Decimal(3000)),
        Deal(2, 7, D(2026, 1, 5), Decimal(90), Decimal(900), dict(half)),
        Deal(2, 7, D(2026, 1, 6), Decimal(10), Decimal(100)),
    ]
    then = targets.same_distance(D(2026, 1, 10), D(2026, 6, 9), D(2025, 6, 9))
    assert then == D(2025, 1, 10)
    now = targets.total(deals, 2, Scope.EDITION, "")
    assert now == Sum(Decimal(100), Decimal(1000), 1)
    assert targets.total(deals, 2, Scope.HALL, "H1") == Sum(Decimal(45), Decimal(450), 1)
    before, last = targets.total(deals, 1, Scope.EDITION, "", then), targets.total(deals, 1, Scope.EDITION, "")
    found = targets.Progress(
        Sum(Decimal(500), Decimal(5000), 4), now, before, last, targets.weeks_left(D(2026, 6, 1), D(2026, 6, 9))
    )
    assert (found.share, found.expected, found.ahead) == (0.2, Decimal(125), Decimal(-25))
    assert found.weeks_left == 2
    assert found.per_week(lambda s: s.m2) == Decimal(200)
    assert found.per_week(lambda s: s.companies) == Decimal("1.50")
    assert targets.weeks_left(D(2026, 6, 10), D(2026, 6, 9)) == 0


@pytest.mark.parametrize(
    ("typed", "monday"),
    [
        ("2026-W09", D(2026, 2, 23)),
        ("2026-W60", D(2026, 3, 2)),
        ("x'--", D(2026, 3, 2)),
        ("２０２６-W09", D(2026, 3, 2)),
        ("2020-W53", D(2020, 12, 28)),
    ],
)
def test_a_week_is_read_or_is_this_one(typed, monday):
    assert weekly.parse_week(typed, D(2026, 3, 5)) == monday


def test_discounts_by_role():
    assert discount_limit(lambda p: p is Permission.SELL) == 10
    assert discount_limit(lambda p: p in {Permission.SELL, Permission.MONEY}) == 25
    assert discount_limit(lambda p: False) == 0


def test_a_pasted_list_is_read_as_it_comes():
    text = "禾川泵业（上海）有限公司; B12; 36㎡\n\nAcme Co., Ltd.\tA1\t-5\n  acme co., ltd. | A2\nＡ社;;viel"
    found = competitors.read_lines(text)
    assert [(e.name, e.stand, e.m2, e.problem) for e in found] == [
        ("禾川泵业（上海）有限公司", "B12", Decimal(36), ""),
        ("Acme Co., Ltd.", "A1", None, "-5"),
        ("A社" if found[2].name == "A社" else "Ａ社", "", None, "viel"),
    ]


# --- with a database -----------------------------------------------------------------------------------------------------


@pytest.fixture
def cast(session):
    return play(session)


def everything(_permission):
    return True


def in_days(days: int) -> dt.date:
    return clock.local_day(clock.now(), "Asia/Shanghai") + dt.timedelta(days=days)


def hold(cast, place=0):
    booths.hold(cast.booths[place], cast.opportunity, clock.now() + dt.timedelta(days=3))
    return cast.booths[place]


def test_a_quote_becomes_the_contract(session, cast):
    booth = hold(cast)
    made = quotes.create(
        cast.opportunity,
        quotes.lines_of_booths([booth]),
        discount=Decimal(5),
        valid_until=in_days(7),
        locale="en",
        can=everything,
    )
    assert made.net == Decimal(11400)
    assert made.number.startswith("FLUID-Q")
    quotes.send(made)
    contract = quotes.accept(made)
    assert (contract.net, contract.net_m2, contract.locale) == (made.net, Decimal(9), "en")
    assert (made.state, made.contract_id) == ("accepted", contract.id)
    with pytest.raises(RuleRefused):
        quotes.accept(made)


def test_nobody_signs_for_other_space_than_was_quoted(session, cast):
    lines = quotes.lines_of_area(cast.edition, "shell", Decimal(18))
    made = quotes.create(cast.opportunity, lines, discount=Decimal(0), valid_until=in_days(7), locale="zh", can=everything)
    quotes.send(made)
    hold(cast)
    with pytest.raises(RuleRefused) as refused, session.begin_nested():
        quotes.accept(made)
    assert refused.value.reason is QuoteRefusal.PRICE_CHANGED
    assert session.scalar(select(Contract)) is None


def test_terms_beyond_the_role_are_refused(session, cast):
    booth = hold(cast)
    lines = quotes.lines_of_booths([booth])

    def refused(**terms):
        values = {
            "discount": Decimal(0),
            "valid_until": in_days(5),
            "locale": "zh",
            "can": lambda p: p is Permission.SELL,
            **terms,
        }
        with pytest.raises(RuleRefused) as found:
            quotes.create(cast.opportunity, values.pop("lines", lines), **values)
        return found.value.reason

    assert refused(discount=Decimal("10.01")) is QuoteRefusal.DISCOUNT
    assert refused(discount=Decimal(-1)) is QuoteRefusal.DISCOUNT
    assert refused(valid_until=in_days(-1)) is QuoteRefusal.VALIDITY
    assert refused(valid_until=in_days(91)) is QuoteRefusal.VALIDITY
    assert refused(lines=[]) is QuoteRefusal.NO_LINES
    for m2 in (Decimal(0), Decimal(-9), Decimal(10001)):
        with pytest.raises(RuleRefused):
            quotes.lines_of_area(cast.edition, "shell", m2)
    (line,) = quotes.lines_of_area(cast.edition, "shell", Decimal(18))
    assert line.amount == Decimal("23999.94")  # mean of the booths: 1333.33 per m²


def test_a_quote_ends_after_its_last_day(session, cast):
    booth = hold(cast)
    made = quotes.create(
        cast.opportunity,
        quotes.lines_of_booths([booth]),
        discount=Decimal(0),
        valid_until=in_days(1),
        locale="zh",
        can=everything,
    )
    session.commit()
    assert quotes.expire(clock.now()) == 0
    assert quotes.expire(clock.now() + dt.timedelta(days=3)) == 1
    assert quotes.expire(clock.now() + dt.timedelta(days=3)) == 0
    session.refresh(made)
    assert made.state == "expired"


def test_the_weekly_sheet_equals_a_plain_count_of_the_changes(session, cast):
    second = opportunities.create_opportunity(
        cast.edition, cast.companies[1], cast.sales.id, expected_m2=18, expected_amount=24000
    )
    third = opportunities.create_opportunity(
        cast.edition, cast.companies[2], cast.admin.id, expected_m2=36, expected_amount=40000
    )
    opportunities.move(second, "contacted")
    opportunities.move(second, "quoted")
    opportunities.lose(third, "price")
    hold(cast)
    contract = contracts.draft(cast.opportunity)
    contracts.sign(contract, "陈", clock.local_day(clock.now(), "Asia/Shanghai"))
    late = StageChange(
        opportunity_id=second.id, before="lead", after="contacted", at=clock.now() - dt.timedelta(days=8), user_id=None
    )
    session.add(late)
    session.commit()
    monday = weekly.monday_of(clock.local_day(clock.now(), "Asia/Shanghai"))
    sheet = weekly_views.collect(cast.edition, monday, clock.now())
    plain: dict = defaultdict(set)
    start, end = weekly.bounds(monday, cast.edition.zone)
    for change in session.scalars(select(StageChange)):
        owner = session.get(Opportunity, change.opportunity_id).owner_id
        if start <= change.at < end:
            won, was = (
                change.after in {"contracted", "deposit_paid", "paid"},
                change.before in {"contracted", "deposit_paid", "paid"},
            )
            kind = (
                "new" if not change.before else "lost" if change.after == "lost" else "contracted" if won and not was
                else "held" if change.after == "held" else "moved"
            )  # fmt: skip
            plain[owner, kind].add(change.opportunity_id)
    for person in sheet.people:
        for kind, tally in person.week.tallies.items():
            cards = [session.get(Opportunity, i) for i in plain[person.owner_id, kind.value]]
            assert tally.count == len(cards)
            assert tally.m2 == sum(c.expected_m2 for c in cards)
            assert tally.amount == sum(c.expected_amount for c in cards)
    assert {k.value: t.count for k, t in sheet.totals.items()} == {
        "new": 2,
        "moved": 1,
        "held": 1,
        "contracted": 1,
        "lost": 1,
    }
    assert sheet.signed_week == Sum(Decimal(9), Decimal(12000), 1)
    before = weekly_views.collect(cast.edition, monday - dt.timedelta(days=7), clock.now())
    assert sum(t.count for t in before.totals.values()) == 1 or late.at < start - dt.timedelta(days=7)


def test_targets_are_set_and_taken_away(session, cast):
    target_services.set_target(cast.edition, Scope.PERSON, str(cast.sales.id), Sum(Decimal(900), Decimal(1), 3))
    target_services.set_target(cast.edition, Scope.PERSON, str(cast.sales.id), Sum(Decimal(800), Decimal(1), 3))
    assert session.scalars(select(SalesTarget.m2)).all() == [Decimal(800)]
    target_services.set_target(cast.edition, Scope.PERSON, str(cast.sales.id), Sum())
    assert session.scalars(select(SalesTarget)).all() == []


# --- pages ---------------------------------------------------------------------------------------------------------------


def test_chances_are_entered_and_nonsense_is_kept_on_the_page(client, session, cast):
    sign_in(client, cast.admin)
    url = "/e/fluid-2026/pipeline"
    form = {f"percent-{s.value}": "50" for s in Stage if s is not Stage.LOST} | {f"limit-{s.value}": "5" for s in Stage}
    assert client.post(f"{url}/chances", data=form).status_code == 302
    assert queries_pipeline.weights_of(cast.edition.id)[Stage.LEAD] == Weight(Decimal(50), 5)
    for bad in (
        {"percent-lead": "-1"},
        {"percent-lead": "101"},
        {"percent-lead": "1e3"},
        {"limit-lead": "-3"},
        {"limit-lead": "9999"},
    ):
        answer = client.post(f"{url}/chances", data={**form, **bad})
        assert answer.status_code == 422
        assert f'value="{next(iter(bad.values()))}"' in answer.text
    other = client.application.test_client()
    sign_in(other, cast.sales)
    assert other.post(f"{url}/chances", data=form).status_code == 403
    assert other.get(url).status_code == 200


def test_targets_by_the_page(client, session, cast):
    sign_in(client, cast.admin)
    post = "/e/fluid-2026/targets/set"
    assert (
        client.post(post, data={"scope": "edition", "m2": "5 000", "amount": "1000000", "companies": "80"}).status_code
        == 302
    )
    assert client.post(post, data={"scope": "hall", "key": "H1", "m2": "54"}).status_code == 302
    assert client.post(post, data={"scope": "agent", "key-agent": "海风代理", "m2": "54"}).status_code == 302
    for bad in ({"m2": "-5"}, {"m2": "1e9"}, {"companies": "2.5"}, {"amount": "many"}, {"m2": "99999999999999"}):
        assert client.post(post, data={"scope": "edition", **bad}).status_code == 422
    assert client.post(post, data={"scope": "hall", "key": "H9", "m2": "5"}).status_code == 422
    assert client.post(post, data={"scope": "galaxy", "m2": "5"}).status_code == 404
    page = client.get("/e/fluid-2026/targets").text
    assert "海风代理" in page
    assert (
        client.post(
            "/e/fluid-2026/targets/teams", data={"name": "北区", "people": [str(cast.sales.id), "x"]}
        ).status_code
        == 302
    )
    assert client.post("/e/fluid-2026/targets/teams", data={"name": "北区"}).status_code == 409
    assert queries_pipeline.team_of_people() == {cast.sales.id: queries_pipeline.teams()[0].id}


def test_a_list_is_matched_looked_through_and_recruited(client, session, cast):
    sign_in(client, cast.sales)
    assert client.post("/e/fluid-2026/competitors/new", data={"name_zh": " ", "url": "javascript:x"}).status_code == 422
    assert (
        client.post("/e/fluid-2026/competitors/new", data={"name_zh": "华北泵阀展", "city": "天津"}).status_code == 302
    )
    show = session.scalars(select(CompetitorShow)).one()
    url = f"/e/fluid-2026/competitors/{show.id}"
    lines = "北辰阀门股份有限公司; C3; 72\n天工新阀门有限公司\n"
    page = client.post(f"{url}/match", data={"lines": lines})
    assert page.status_code == 200
    assert f'value="{cast.companies[1].id}" selected' in page.text
    assert session.scalar(select(CompetitorPresence)) is None
    assert client.post(f"{url}/match", data={"lines": "\n".join(f"公司{i}" for i in range(201))}).status_code == 422
    assert client.post(f"{url}/match", data={"lines": " "}).status_code == 422
    file = (BytesIO(b"%PDF-1.7"), "list.xlsx")
    assert client.post(f"{url}/match", data={"file": file}, content_type="multipart/form-data").status_code == 422
    taken = client.post(
        f"{url}/list",
        data={
            "count": "3", "name-0": "北辰阀门股份有限公司", "stand-0": "C3", "m2-0": "72.00", "choice-0": str(cast.companies[1].id),
            "name-1": "天工新阀门有限公司", "choice-1": "new", "name-2": "谁", "choice-2": "999999",
        },
    )  # fmt: skip
    assert taken.status_code == 302
    rows = session.scalars(select(CompetitorPresence).order_by(CompetitorPresence.id)).all()
    assert [(r.stand, r.m2) for r in rows] == [("C3", Decimal(72)), ("", None)]
    prospects = client.get("/e/fluid-2026/competitors").text
    assert "天工新阀门有限公司" in prospects
    ids = [str(r.company_id) for r in rows]
    assert client.post("/e/fluid-2026/competitors/take", data={"ids": ids}).status_code == 302
    assert client.post("/e/fluid-2026/competitors/take", data={"ids": ["x"]}).status_code == 422
    made = session.scalars(select(Opportunity.company_id).where(Opportunity.edition_id == cast.edition.id)).all()
    assert set(map(int, ids)) <= set(made)
    assert "天工新阀门有限公司" not in client.get("/e/fluid-2026/competitors").text
    assert client.get(f"/e/fluid-2025/competitors/{show.id}").status_code == 200
    assert client.post(f"{url}/delete").status_code == 302
    assert session.scalar(select(CompetitorPresence)) is None


def test_a_quote_by_the_pages(client, session, cast):
    hold(cast)
    session.commit()
    sign_in(client, cast.sales)
    write = f"/e/fluid-2026/recruitment/{cast.opportunity.id}/quote"
    assert client.get(write).status_code == 200
    form = {
        "booths": [str(cast.booths[0].id)],
        "kind": "shell",
        "open_sides": "1",
        "locale": "zh",
        "valid_until": in_days(10).isoformat(),
    }
    for bad in (
        {"discount": "11"},
        {"discount": "-1"},
        {"m2": "-9"},
        {"m2": "1e5"},
        {"valid_until": "2019-01-01"},
        {"booths": ["99999"]},
    ):
        assert client.post(write, data={**form, **bad}).status_code == 422
    assert client.post(write, data={**form, "price": "1", "discount": "10"}).status_code == 302
    quote = session.scalars(select(Quote)).one()
    assert quote.net == Decimal(10800)
    url = f"/e/fluid-2026/quotes/{quote.id}"
    assert client.get("/e/fluid-2026/quotes").status_code == 200
    assert client.post(f"{url}/accept", data={"version": "77"}).status_code == 409
    assert client.post(f"{url}/send").status_code == 302
    for language in ("zh", "en"):
        assert client.get(f"{url}/quote.pdf?language={language}").data.startswith(b"%PDF")
    assert client.post(f"{write}?of={quote.id}", data=form).status_code == 302
    first, second = session.scalars(select(Quote).order_by(Quote.revision)).all()
    assert (first.state, second.revision, second.number) == ("replaced", 2, first.number)
    assert client.get(f"/e/fluid-2025/quotes/{second.id}").status_code == 404
    assert client.post(f"/e/fluid-2026/quotes/{second.id}/send").status_code == 302
    answer = client.post(f"/e/fluid-2026/quotes/{second.id}/accept")
    assert "/contracts/" in answer.location
    assert client.get(f"/e/fluid-2026/quotes/{second.id}").status_code == 200


def test_the_weekly_sheet_as_page_workbook_and_paper(client, session, cast):
    sign_in(client, cast.sales)
    assert client.get("/e/fluid-2026/weekly?week=2026-W10").status_code == 200
    book = client.get("/e/fluid-2026/weekly/sheet.xlsx?week=2026-W10")
    rows = list(load_workbook(BytesIO(book.data)).active.values)
    assert rows[-1][0] in {"Together", "合计"}
    assert rows[1][0] == cast.sales.name
    assert rows[-1][16:19] == (1, 9, 12000)
    assert client.get("/e/fluid-2026/weekly/sheet.pdf").data.startswith(b"%PDF")
    other = client.application.test_client()
    sign_in(other, cast.reader)
    assert other.get("/e/fluid-2026/weekly/sheet.xlsx").status_code == 403


@pytest.mark.parametrize("path", ["pipeline", "targets", "weekly", "competitors", "quotes"])
def test_queries_do_not_grow_with_the_cards(client, session, cast, path):
    sign_in(client, cast.admin)

    def count() -> int:
        seen = []
        listen = lambda *args: seen.append(args[2])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listen)
        try:
            assert client.get(f"/e/fluid-2026/{path}").status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", listen)
        return len(seen)

    show = competitors.save_show(cast.show, name_zh="别处展")
    session.commit()
    count()
    before = count()
    for company in cast.companies[1:]:
        chance = opportunities.create_opportunity(cast.edition, company, cast.sales.id, expected_m2=9)
        competitors.note(show, company, seen_on=D(2026, 1, 1))
        lines = quotes.lines_of_area(cast.edition, "shell", Decimal(9))
        quotes.create(chance, lines, discount=Decimal(0), valid_until=in_days(3), locale="zh", can=everything)
    session.commit()
    assert count() <= before + 2  # the page's own rows and what they load


def test_kinds_of_changes():
    assert weekly.kind_of("held", "deposit_paid") is Kind.CONTRACTED
    assert weekly.kind_of("contracted", "paid") is Kind.MOVED
    assert weekly.kind_of("contracted", "held") is Kind.MOVED
    assert weekly.kind_of("quoted", "held") is Kind.HELD
