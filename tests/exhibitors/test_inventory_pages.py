"""The pages of the inventory through the real application, for staff and in the portal."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest
from sqlalchemy import select

from expo_crm.accounts.models import User
from expo_crm.accounts.services import hasher
from expo_crm.directory.models import Company
from expo_crm.directory.services import participations as ledger
from expo_crm.exhibitors.models import (
    BoothRequest,
    BoothWish,
    Contract,
    DrawSlot,
    NeighbourRule,
    Pavilion,
    PavilionEntry,
    PortalMember,
    PriceList,
    PriceOverride,
    Quote,
    SpaceDraw,
)
from expo_crm.exhibitors.services import (
    booths,
    contracts,
    neighbours,
    opportunities,
    pavilions,
    price_lists,
    space_draw,
    waiting,
)
from expo_crm.lib import clock
from tests.support.cast import PASSWORD, play, sign_in

E = "/e/fluid-2026"
I = f"{E}/inventory"  # noqa: E741
NOW = dt.datetime(2026, 3, 2, 2, tzinfo=dt.UTC)
HEAD = {
    "name_zh": "国内价", "name_en": "Domestic", "currency": "CNY", "tax_percent": "6", "valid_from": "2026-01-01",
    "valid_until": "2026-06-30",
}  # fmt: skip
RULE = {"kind": "shell", "hall": "", "base_m2": "1,500", "corner_2": "10", "fees": "报名费 | Registration fee | 800"}


@pytest.fixture(autouse=True)
def fixed(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def cast(session):
    return play(session)


def published(cast) -> PriceList:
    made = price_lists.create(
        cast.edition, name_zh="国内价", name_en="Domestic", currency="CNY", tax_rate=Decimal("0.06"),
        valid_from=dt.date(2026, 1, 1), valid_until=dt.date(2026, 6, 30),
    )  # fmt: skip
    price_lists.save_rule(
        made, None, kind="shell", hall_id=None, sector="", base_m2=Decimal(1500), minimum_m2=None, corner_2=Decimal(10),
        corner_3=Decimal(0), corner_4=Decimal(0), fees=[], early_until=dt.date(2026, 3, 31), early_percent=Decimal(5), early_m2=None,
    )  # fmt: skip
    price_lists.publish(made)
    return made


def whole(session, cast):
    """Something on every page."""
    made = published(cast)
    other = opportunities.create_opportunity(cast.edition, cast.companies[1])
    for index in (0, 1):
        booths.hold(cast.booths[index], cast.opportunity, NOW + dt.timedelta(days=3))
    contracts.sign(contracts.draft(cast.opportunity), "A", dt.date(2026, 3, 1))
    host = session.scalar(select(ledger.Participation).where(ledger.Participation.edition_id == cast.edition.id))
    pavilion = pavilions.save(
        cast.edition, None, host, name_zh="德国展团", name_en="German Pavilion", entry_limit=5, closes_on=None,
        booth_ids=[cast.booths[0].id],
    )  # fmt: skip
    pavilions.enter(pavilion, dt.date(2026, 3, 2), name_zh="", name_en="Nordhafen Dosiertechnik GmbH", website="nordhafen.example")
    waiting.add(other, booth=cast.booths[0])
    waiting.add(other, min_m2=Decimal(9), kind="shell")
    neighbours.add(cast.edition, cast.companies[0], cast.companies[1], Decimal(3), "同类产品")
    space_draw.save_formula(cast.edition, "years * 10")
    space_draw.hold_draw(cast.edition, seed="s", starts_at=NOW + dt.timedelta(days=9), minutes=15, at_once=1)
    session.commit()
    return made, pavilion, host


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens(client, session, cast, lang):
    made, pavilion, host = whole(session, cast)
    sign_in(client, cast.admin)
    for path in (
        "", "?hall=H1&kind=shell", f"/booths/{cast.booths[0].id}", f"/booths/{cast.booths[3].id}", "/agreed-prices", "/price-lists",
        "/price-lists/new", f"/price-lists/{made.id}", f"/price-lists/{made.id}/booths", "/waiting-list", "/requests", "/draw",
        "/draw/order", "/neighbours", "/pavilions", "/pavilions/new", f"/pavilions/{pavilion.id}", f"/pavilions/{pavilion.id}/edit",
    ):  # fmt: skip
        page = client.get(f"{I}{path}{'&' if '?' in path else '?'}lang={lang}")
        assert page.status_code == 200, path
    page = client.get(f"{E}/exhibitors/{host.id}/stand?lang={lang}")
    assert page.status_code == 200
    panel = client.get(f"{E}/plan/booths/{cast.booths[3].id}?lang={lang}", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert {"zh": "早鸟优惠 5 %", "en": "Early bird 5 %"}[lang] in panel


def test_forms_open_with_what_is_stored(client, session, cast):
    made, pavilion, host = whole(session, cast)
    rule = made.rules[0]
    rule.fees = [{"zh": "报名费", "en": "Registration fee", "amount": "800.00"}]
    session.commit()
    sign_in(client, cast.admin)
    page = client.get(f"{I}/price-lists/{made.id}/prices/{rule.id}").get_data(as_text=True)
    assert "报名费 | Registration fee | 800.00" in page
    page = client.get(f"{I}/pavilions/{pavilion.id}/edit").get_data(as_text=True)
    assert re.search(rf'<option selected value="{host.id}">', page)


def test_a_price_list_from_draft_to_booth(client, session, cast):
    sign_in(client, cast.admin)
    assert client.post(f"{I}/price-lists/new", data={**HEAD, "valid_until": "2025-01-01"}).status_code == 422
    assert client.post(f"{I}/price-lists/new", data={**HEAD, "tax_percent": "-6"}).status_code == 422
    there = client.post(f"{I}/price-lists/new", data=HEAD).location
    for bad in (
        {"base_m2": "-1"}, {"base_m2": "0"}, {"base_m2": "1e9"}, {"base_m2": "NaN"}, {"corner_2": "-10"}, {"corner_2": "101"},
        {"minimum_m2": "-3"}, {"fees": "报名费 800"}, {"early_until": "2026-03-31"}, {"early_percent": "5"}, {"kind": "tent"},
        {"early_until": "2026-03-31", "early_percent": "5", "early_m2": "1"}, {"hall": "99999"}, {"hall": "x"},
    ):  # fmt: skip
        assert client.post(f"{there}/prices/new", data={**RULE, **bad}).status_code == 422, bad
    assert client.post(f"{there}/prices/new", data=RULE).status_code == 302
    assert client.post(f"{there}/prices/new", data=RULE).status_code == 422, "the same twice"
    assert client.post(f"{there}/booths").status_code == 409, "a draft sets no prices"
    client.post(f"{there}/change", data={"action": "publish"})
    assert "14,300" in client.get(f"{there}/booths?lang=en").get_data(as_text=True)
    assert client.post(f"{there}/booths").status_code == 302
    session.expire_all()
    assert cast.booths[0].price == Decimal("14300.00")
    assert client.post(f"{there}/prices/new", data={**RULE, "kind": "raw"}).status_code == 422


def test_a_price_in_the_form_is_never_the_booths_price(client, session, cast):
    """Sales ask, money decides; what the form says is only a question."""
    booth = cast.booths[0].id
    sign_in(client, cast.sales)
    for bad in ("-5", "abc", "1e12", ""):
        assert client.post(f"{I}/booths/{booth}/price", data={"new": bad, "reason": "x"}).status_code == 422
    assert client.post(f"{I}/booths/{booth}/price", data={"new": "9000", "reason": " "}).status_code == 422
    assert client.post(f"{I}/booths/{booth}/price", data={"new": "9000", "reason": "老客户"}).status_code == 302
    asked = session.scalar(select(PriceOverride))
    assert client.post(f"{I}/agreed-prices/{asked.id}", data={"decision": "approve"}).status_code == 403
    session.expire_all()
    assert cast.booths[0].price == 12000
    client.post("/sign-out")
    sign_in(client, cast.finance)
    assert client.post(f"{I}/agreed-prices/{asked.id}", data={"decision": "refuse"}).status_code == 422
    assert client.post(f"{I}/agreed-prices/{asked.id}", data={"decision": "approve"}).status_code == 302
    assert client.post(f"{I}/agreed-prices/{asked.id}", data={"decision": "approve"}).status_code == 409
    session.expire_all()
    assert cast.booths[0].price == 9000


def test_waiting_list_and_neighbours_by_hand(client, session, cast):
    sign_in(client, cast.sales)
    wish = {"opportunity": cast.opportunity.id, "min_m2": "50", "open_sides": "1"}
    for bad in ({"min_m2": "-1"}, {"min_m2": "60", "max_m2": "50"}, {"booth_code": "Z99"}, {"open_sides": "9"}, {"opportunity": "0"}):
        assert client.post(f"{I}/waiting-list", data={**wish, **bad}).status_code == 422, bad
    assert client.post(f"{I}/waiting-list", data=wish).status_code == 302
    assert client.post(f"{I}/waiting-list", data=wish).status_code == 422
    one = session.scalar(select(BoothWish))
    assert client.post(f"{I}/waiting-list/{one.id}", data={"action": "remove"}).status_code == 302
    assert client.post(f"{I}/waiting-list/{one.id}", data={"action": "remove"}).status_code == 409
    rule = {"company_a": "北辰阀门股份有限公司", "company_b": "禾川泵业（上海）有限公司", "distance_m": "6", "reason": "x"}
    assert client.post(f"{I}/neighbours", data={**rule, "company_b": "无此公司"}).status_code == 422
    assert client.post(f"{I}/neighbours", data={**rule, "distance_m": "-1"}).status_code == 422
    assert client.post(f"{I}/neighbours", data=rule).status_code == 302
    assert session.scalar(select(NeighbourRule)).distance_m == 6
    booths.hold(cast.booths[0], cast.opportunity, NOW + dt.timedelta(days=3))
    other = opportunities.create_opportunity(cast.edition, cast.companies[1])
    session.commit()
    data = {"opportunity": other.id, "days": "7"}
    assert client.post(f"{E}/plan/booths/{cast.booths[1].id}/hold", data=data).status_code == 409
    assert client.post(f"{I}/booths/{cast.booths[1].id}/hold", data={**data, "despite": "双方书面同意"}).status_code == 302


def test_the_draw_day(client, session, cast):
    whole(session, cast)
    sign_in(client, cast.admin)
    for bad in ("", "years +", "import os", "turnover", "years.real", "x" * 1001):
        assert client.post(f"{I}/draw/formula", data={"formula": bad}).status_code == 422, bad
    hold = {"starts_at": "2026-03-20T09:00", "slot_minutes": "10", "at_once": "1", "seed": "abc"}
    for bad in ({"slot_minutes": "0"}, {"at_once": "-1"}, {"starts_at": "2026-01-01T09:00"}, {"starts_at": "x"}):
        assert client.post(f"{I}/draw/hold", data={**hold, **bad}).status_code == 422, bad
    assert client.post(f"{I}/draw/hold", data=hold).status_code == 302
    slot = session.scalar(select(DrawSlot).order_by(DrawSlot.position))
    assert slot.at == dt.datetime(2026, 3, 20, 1, tzinfo=dt.UTC), "nine in Shanghai"
    assert client.post(f"{I}/draw/turns/{slot.id}", data={"state": "called"}).status_code == 302
    assert client.post(f"{I}/draw/turns/{slot.id}", data={"state": "asleep"}).status_code == 404
    assert client.post(f"{I}/draw/mail").status_code == 302
    assert session.scalar(select(SpaceDraw)).seed == "abc"


def test_sharing_a_stand_asks_before_a_company_is_made_twice(client, session, cast):
    _made, _pavilion, host = whole(session, cast)
    sign_in(client, cast.sales)
    before = len(session.scalars(select(Company)).all())
    data = {"name": "澄江密封件厂", "role": "co", "booths": [cast.booths[0].id], "fascia_zh": "澄江密封"}
    page = client.post(f"{E}/exhibitors/{host.id}/stand?lang=en", data=data)
    assert page.status_code == 200
    assert "There are companies with such a name" in page.get_data(as_text=True)
    answer = client.post(f"{E}/exhibitors/{host.id}/stand", data={**data, "company": cast.companies[3].id})
    assert answer.status_code == 302
    assert len(session.scalars(select(Company)).all()) == before
    assert client.post(f"{E}/exhibitors/{host.id}/stand", data={**data, "name": "x", "booths": ["999"]}).status_code == 422
    entry = session.scalar(select(PavilionEntry))
    assert client.post(f"{I}/pavilion-entries/{entry.id}", data={"decision": "refuse"}).status_code == 422
    answer = client.post(f"{I}/pavilion-entries/{entry.id}", data={"decision": str(cast.companies[2].id)})
    assert answer.status_code == 302
    assert len(session.scalars(select(Company)).all()) == before


def test_in_the_portal_a_booth_is_asked_for_and_a_pavilion_filled(client, session, cast):
    _made, _pavilion, host = whole(session, cast)
    user = User(
        email="chen@hechuan.example", name="陈思远", kind="exhibitor", password_hash=hasher.hash(PASSWORD), created_at=NOW
    )
    session.add_all([user, PortalMember(user=user, company_id=cast.companies[0].id, role="main")])
    foreign = ledger.set_participation(cast.edition.id, cast.companies[1].id)
    session.commit()
    sign_in(client, user)
    P = f"/portal/{host.id}"
    page = client.get(f"{P}/choose?lang=en&kind=shell&min=9&max=-3&sides=7").get_data(as_text=True)
    offered = [i for i, b in enumerate(cast.booths) if f"/choose/{b.id}\"" in page]
    assert offered == [3, 4, 5], "two are sold, the third is offered to somebody who waits"
    assert client.post(f"/portal/{foreign.id}/choose/{cast.booths[3].id}").status_code == 404
    assert client.post(f"{P}/choose/{cast.booths[3].id}", data={"note": "靠主通道"}).status_code == 302
    assert client.post(f"{P}/choose/{cast.booths[0].id}").status_code == 409
    assert client.post(f"{P}/choose/999999").status_code == 404
    asked = session.scalar(select(BoothRequest))
    assert (asked.state, asked.booth.state) == ("asked", "reserved")
    assert client.post(f"/portal/{foreign.id}/requests/{asked.id}/withdraw").status_code == 404
    assert client.get(f"{P}/pavilion?lang=zh").status_code == 200
    assert client.post(f"{P}/pavilion", data={"name_en": "Elbe Ventile GmbH", "country": "de"}).status_code == 302
    assert client.post(f"{P}/pavilion", data={"name_en": "elbe ventile gmbh"}).status_code == 422
    assert client.post(f"{P}/pavilion", data={"name_en": "New", "booth": str(cast.booths[4].id)}).status_code == 422
    last = session.scalars(select(PavilionEntry).order_by(PavilionEntry.id.desc())).first()
    assert (last.country, last.pavilion_id) == ("DE", session.scalar(select(Pavilion.id)))
    assert client.post(f"{P}/pavilion/{last.id}/withdraw").status_code == 302
    client.post("/sign-out")
    sign_in(client, cast.sales)
    assert "1" in client.get(f"{I}/requests").get_data(as_text=True)
    assert client.post(f"{I}/requests/{asked.id}", data={"decision": "refuse"}).status_code == 422
    assert client.post(f"{I}/requests/{asked.id}", data={"decision": "approve"}).status_code == 409, "a neighbour rule"
    agreed = {"decision": "approve", "reason": "双方书面同意"}
    assert client.post(f"{I}/requests/{asked.id}", data=agreed).status_code == 302
    session.expire_all()
    assert asked.booth.state == "held"


def test_a_price_in_the_form_is_never_believed_and_a_draft_is_decided_upon(client, session, cast, monkeypatch):
    published(cast)
    booths.hold(cast.booths[0], cast.opportunity, NOW + dt.timedelta(days=30))
    session.commit()
    sign_in(client, cast.sales)
    lies = {"locale": "en", "price": "1", "net": "1", "amount": "1", f"price-{cast.booths[0].id}": "1", "tax_rate": "0"}
    opportunity = f"{E}/recruitment/{cast.opportunity.id}"
    assert client.post(f"{opportunity}/contract", data={**lies, "currency": "EUR"}).status_code == 422
    offer = {"booths": cast.booths[0].id, "valid_until": "2026-03-20", "kind": "shell", "open_sides": "1"}
    quoted = client.post(f"{opportunity}/quote", data=lies | offer)
    assert quoted.status_code == 302
    assert session.scalar(select(Quote)).net == Decimal("12825.00")  # 9 × 1500 less 5 %
    assert client.post(f"{opportunity}/contract", data=lies).status_code == 302
    made = session.scalar(select(Contract))
    assert (made.net, made.tax_rate) == (Decimal("12825.00"), Decimal("0.06"))
    page = f"{E}/contracts/{made.id}"
    later = dt.datetime(2026, 4, 1, 2, tzinfo=dt.UTC)
    monkeypatch.setattr(clock, "now", lambda: later)
    sign_in(client, cast.sales)
    shown = client.get(f"{page}?lang=en").text
    assert "The prices have changed since this draft" in shown
    assert "¥13,500" in shown
    assert client.post(f"{page}/send").status_code == 409
    assert client.post(f"{page}/prices", data={"expected": "1", "version": made.version}).status_code == 409
    assert client.post(f"{page}/prices", data={"expected": "much", "version": made.version}).status_code == 422
    assert client.post(f"{page}/prices", data={"expected": "13500.00", "version": "99"}).status_code == 409
    assert client.post(f"{page}/prices/keep", data={"reason": "I want to", "version": made.version}).status_code == 403
    session.expire_all()
    assert made.net == Decimal("12825.00")
    assert client.post(f"{page}/prices", data={"expected": "13500.00", "version": made.version}).status_code == 302
    session.expire_all()
    assert made.net == Decimal("13500.00")
    client.post("/sign-out")
    sign_in(client, cast.finance)
    assert client.post(f"{page}/prices/keep", data={"reason": "", "version": made.version}).status_code == 422
    assert client.get(f"{page}/plan?lang=zh").status_code == 200
