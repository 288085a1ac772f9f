"""Price lists, agreed prices, the waiting list, requests from the portal, shared stands, pavilions, the draw, neighbours."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from expo_crm.db import db, unit_of_work
from expo_crm.directory.models import Participation
from expo_crm.directory.services import participations as ledger
from expo_crm.exhibitors.domain.booth import BoothRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, BoothOffer, BoothRequest, Opportunity
from expo_crm.exhibitors.services import (
    booth_prices,
    booth_requests,
    booths,
    contracts,
    neighbours,
    opportunities,
    pavilions,
    price_lists,
    price_overrides,
    space_draw,
    stand_sharing,
    waiting,
)
from expo_crm.lib import clock
from expo_crm.lib.formula import FormulaError
from expo_crm.messaging.models import Message
from tests.support.cast import play

D = Decimal
DAY = dt.date(2026, 3, 2)
NOW = dt.datetime(2026, 3, 2, 2, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def fixed(monkeypatch):
    """The day of the cast, three months before its opening."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def cast(session):
    return play(session)


@pytest.fixture
def others(cast):
    return [opportunities.create_opportunity(cast.edition, c, source="new") for c in cast.companies[1:]]


def later(monkeypatch, **delta) -> dt.datetime:
    now = clock.now() + dt.timedelta(**delta)
    monkeypatch.setattr(clock, "now", lambda: now)
    return now


def soon(days: int = 3) -> dt.datetime:
    return clock.now() + dt.timedelta(days=days)


def refused(call, *args, **kw):
    with pytest.raises(RuleRefused) as caught:
        call(*args, **kw)
    return caught.value.reason


RULE = {
    "kind": "shell", "hall_id": None, "sector": "", "base_m2": D(1500), "minimum_m2": None, "corner_2": D(10), "corner_3": D(0),
    "corner_4": D(0), "fees": [], "early_until": None, "early_percent": None, "early_m2": None,
}  # fmt: skip


def price_list(cast, *, publish: bool = True, **rule):
    made = price_lists.create(
        cast.edition, name_zh="国内价", name_en="Domestic", currency="CNY", tax_rate=D("0.06"), valid_from=dt.date(2026, 1, 1),
        valid_until=dt.date(2026, 6, 30),
    )  # fmt: skip
    price_lists.save_rule(made, None, **{**RULE, **rule})
    if publish:
        price_lists.publish(made)
    return made


def stand(cast, company, *indexes) -> Participation:
    """The company with these booths sold to it."""
    one = opportunities.create_opportunity(cast.edition, company)
    for index in indexes:
        booths.hold(cast.booths[index], one, soon())
    contracts.sign(contracts.draft(one), "A", DAY - dt.timedelta(days=1))
    return db.session.scalar(
        select(Participation).where(Participation.edition_id == cast.edition.id, Participation.company_id == company.id)
    )


# --- prices --------------------------------------------------------------------------------------------------------------


def test_unsold_booths_take_the_price_of_the_list_and_sold_ones_keep_theirs(session, cast):
    stand(cast, cast.companies[0], 0)
    cast.booths[1].open_sides = 2
    cast.booths[2].kind = "raw"
    made = price_list(cast)
    seen = {r.booth.code: (r.new, r.why) for r in price_lists.preview(cast.edition, made, DAY)}
    assert "A01" not in seen
    assert seen["A02"] == (D(14850), "")
    assert seen["A03"] == (None, "no_rule")
    assert price_lists.reprice(cast.edition, made, DAY) == 4
    assert [b.price for b in cast.booths] == [12000, 14850, 12000, 13500, 13500, 13500]
    assert price_lists.reprice(cast.edition, made, DAY) == 0


def test_a_published_list_is_replaced_and_never_changed(session, cast):
    made = price_list(cast)
    assert refused(price_lists.save_rule, made, None, **{**RULE, "kind": "raw"}) is No.LIST_FROZEN
    assert refused(price_lists.delete, made) is No.LIST_FROZEN
    second = price_lists.new_version(made)
    assert price_lists.new_version(made) is second
    assert refused(price_lists.save_rule, second, None, **RULE) is No.RULE_TWICE
    price_lists.save_rule(second, second.rules[0], **{**RULE, "base_m2": D(1600)})
    price_lists.publish(second)
    assert (made.state, second.state, second.number, made.rules[0].base_m2) == ("retired", "published", 2, 1500)
    assert booth_prices.find_current(cast.edition, DAY).id == second.id
    assert booth_prices.find_current(cast.edition, dt.date(2026, 7, 1)) is None
    assert booth_prices.find_current(cast.edition, DAY, "USD") is None


def test_another_price_needs_a_reason_and_a_second_person(session, cast):
    booth = cast.booths[0]
    booths.hold(booth, cast.opportunity, soon())
    assert refused(price_overrides.ask, booth, D(10000), " ", cast.sales.id) is No.NEEDS_REASON
    assert refused(price_overrides.ask, booth, D(-1), "x", cast.sales.id) is No.BAD_PRICE
    assert refused(price_overrides.ask, booth, D(12000), "x", cast.sales.id) is No.SAME_PRICE
    asked = price_overrides.ask(booth, D(10000), "三年合作", cast.sales.id)
    assert refused(price_overrides.ask, booth, D(9000), "x", cast.sales.id) is No.OVERRIDE_OPEN
    assert refused(price_overrides.decide, asked, approve=True, answer="", user_id=cast.sales.id) is No.OVERRIDE_OWN
    assert booth.price == 12000
    price_overrides.decide(asked, approve=True, answer="", user_id=cast.finance.id)
    assert (booth.price, asked.state) == (10000, "approved")
    assert refused(price_overrides.decide, asked, approve=True, answer="", user_id=cast.admin.id) is No.OVERRIDE_DECIDED
    made = price_list(cast)
    why = {r.booth.code: r.why for r in price_lists.preview(cast.edition, made, DAY)}
    assert (why["A01"], why["A02"]) == ("agreed", "")
    booths.release(booth)
    assert (booth.price, asked.state) == (12000, "ended"), "the price was meant for who held it"


def test_a_price_that_moved_meanwhile_is_not_approved(session, cast):
    asked = price_overrides.ask(cast.booths[0], D(10000), "x", cast.sales.id)
    price_lists.reprice(cast.edition, price_list(cast), DAY)
    assert refused(price_overrides.decide, asked, approve=True, answer="", user_id=cast.finance.id) is No.OVERRIDE_STALE
    assert refused(price_overrides.decide, asked, approve=False, answer="", user_id=cast.finance.id) is No.NEEDS_REASON
    price_overrides.decide(asked, approve=False, answer="no", user_id=cast.finance.id)
    assert cast.booths[0].price == 13500


# --- the waiting list ----------------------------------------------------------------------------------------------------


def hold_all(cast, days: int = 2) -> None:
    for booth in cast.booths:
        booths.hold(booth, cast.opportunity, soon(days))


def test_an_expired_hold_goes_to_the_first_who_waits_and_on_to_the_next(session, cast, others, monkeypatch):
    hold_all(cast)
    first = waiting.add(others[0], booth=cast.booths[0])
    second = waiting.add(others[1], min_m2=D(9), max_m2=D(9), kind="shell")
    assert [w.position for w in (first, second)] == [1, 2]
    assert refused(waiting.add, others[0], booth=cast.booths[0]) is No.WISH_EXISTS
    now = later(monkeypatch, days=2)
    assert booths.expire_holds() == 6
    offers = {o.booth.code: o for o in session.scalars(select(BoothOffer))}
    assert {c: o.wish_id for c, o in offers.items()} == {"A01": first.id, "A02": second.id}
    booth = cast.booths[0]
    assert (booth.state, booth.opportunity_id, booth.held_until) == ("held", others[0].id, now + dt.timedelta(days=3))
    assert (first.state, second.state) == ("offered", "offered")
    waiting.decline(offers["A02"])  # they wait for any: the place stays, the booth is not offered twice
    assert second.state == "offered"
    assert {o.booth.code for o in second.offers if o.state == "open"} == {"A03"}, (
        "the next free one is offered at the next run"
    )


def test_an_offer_lapses_at_its_deadline_and_no_moment_before(session, cast, others, monkeypatch):
    hold_all(cast, 1)
    first = waiting.add(others[0], booth=cast.booths[0])
    second = waiting.add(others[1], booth=cast.booths[0])
    later(monkeypatch, days=1)
    waiting.run()
    offer = first.offers[0]
    monkeypatch.setattr(clock, "now", lambda: offer.until)
    assert refused(waiting.accept, offer) is No.OFFER_OVER
    waiting.run()
    assert (offer.state, first.state, second.state) == ("lapsed", "gone", "offered")
    at = second.offers[0].until - dt.timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: at)
    waiting.accept(second.offers[0])
    assert (second.state, cast.booths[0].opportunity_id) == ("taken", others[1].id)
    assert cast.booths[0].held_until == at + dt.timedelta(days=7)
    waiting.run()
    assert (second.state, cast.booths[0].state) == ("taken", "held")


def test_the_main_contact_is_written_to_once(session, cast, others):
    booths.hold(cast.booths[0], others[0], soon())
    waiting.add(cast.opportunity, booth=cast.booths[0])
    booths.release(cast.booths[0])
    waiting.run()
    mails = session.scalars(select(Message)).all()
    assert [(m.template, m.to_email) for m in mails] == [("exhibitors_booth_offer", "chen@hechuan.example")]
    assert "A01" in mails[0].subject
    assert "2026" in mails[0].text


def test_a_booth_of_a_cancelled_contract_is_offered_by_the_tick(session, cast, others):
    booths.hold(cast.booths[0], cast.opportunity, soon())
    contract = contracts.draft(cast.opportunity)
    wish = waiting.add(others[0], booth=cast.booths[0])
    contracts.cancel(contract, "changed their mind")
    waiting.run()
    assert (wish.state, cast.booths[0].opportunity_id) == ("offered", others[0].id)
    opportunities.lose(others[0], "budget")
    waiting.run()
    assert (wish.state, cast.booths[0].state) == ("gone", "available")


def test_places_are_moved_and_nonsense_is_refused(session, cast, others):
    hold_all(cast)
    wishes = [waiting.add(o, min_m2=D(50)) for o in others]
    waiting.move(wishes[2], -1)
    assert [w.position for w in wishes] == [1, 3, 2]
    waiting.move(wishes[0], -1)
    assert wishes[0].position == 1
    for bad in ({"min_m2": D(0)}, {"min_m2": D(-9)}, {"min_m2": D(9), "max_m2": D(8)}):
        assert refused(waiting.add, others[0], **bad) is No.WISH_BAD


# --- requests from the portal --------------------------------------------------------------------------------------------


def asking(cast, index: int = 0) -> Participation:
    company = cast.companies[index]
    return ledger.set_participation(cast.edition.id, company.id)


def test_an_exhibitor_reserves_a_booth_until_staff_decide(session, cast, others):
    here = asking(cast)
    assert refused(booth_requests.ask, here, cast.booths[0], "", None) is No.REQUEST_CLOSED
    price_list(cast)
    asked = booth_requests.ask(here, cast.booths[0], "靠近主通道", None)
    assert (cast.booths[0].state, cast.booths[0].opportunity_id) == ("reserved", cast.opportunity.id)
    assert refused(booths.hold, cast.booths[0], others[0], soon()) is BoothRefusal.RESERVED
    assert refused(booth_requests.refuse, asked, cast.sales.id, "") is No.NEEDS_REASON
    booth_requests.approve(asked, cast.sales.id)
    assert (cast.booths[0].state, cast.opportunity.stage, asked.state) == ("held", "held", "approved")
    assert refused(booth_requests.approve, asked, cast.sales.id) is No.REQUEST_DECIDED
    second = booth_requests.ask(here, cast.booths[1], "", None)
    third = booth_requests.ask(here, cast.booths[2], "", None)
    assert refused(booth_requests.ask, here, cast.booths[3], "", None) is No.REQUEST_LIMIT
    wish = waiting.add(others[0], booth=cast.booths[1])
    booth_requests.refuse(second, cast.sales.id, "留给展团")
    assert (wish.state, cast.booths[1].opportunity_id) == ("offered", others[0].id)
    booth_requests.withdraw(third)
    assert cast.booths[2].state == "available"
    assert [m.template for m in session.scalars(select(Message).where(Message.to_email == "chen@hechuan.example"))] == [
        "exhibitors_booth_request"
    ] * 2


def test_of_fifty_parallel_orders_of_one_booth_one_wins(app, session, cast):
    """Requests from the portal and holds by staff at the same moment, on fifty connections."""
    from expo_crm.directory.services.companies import create_company

    price_list(cast)
    companies = [create_company(name_zh=f"第{i}号泵业有限公司") for i in range(50)]
    ids = [ledger.set_participation(cast.edition.id, c.id).id for c in companies]
    sales = [opportunities.create_opportunity(cast.edition, c).id for c in companies]
    booth_id = cast.booths[0].id
    session.commit()
    session.remove()
    gate, results = threading.Barrier(50, timeout=60), []

    def order(index: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                with unit_of_work():
                    booth = db.session.get_one(Booth, booth_id)
                    if index % 2:
                        booth_requests.ask(db.session.get_one(Participation, ids[index]), booth, "", None)
                    else:
                        booths.hold(booth, db.session.get_one(Opportunity, sales[index]), soon())
                results.append("won")
            except RuleRefused as no:
                results.append(no.reason.value)

    threads = [threading.Thread(target=order, args=(i,)) for i in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count("won") == 1, results
    assert set(results) - {"won"} <= {"held_by_other", "reserved"}
    assert len(results) == 50
    booth = session.get_one(Booth, booth_id)
    assert booth.state in {"held", "reserved"}
    assert session.scalar(select(func.count()).select_from(BoothRequest)) == (booth.state == "reserved")


# --- shared stands and pavilions -----------------------------------------------------------------------------------------


def test_who_shares_a_stand_is_counted_as_exhibitor_and_its_metres_once(session, cast, others):
    host = stand(cast, cast.companies[0], 0, 1)
    co = stand_sharing.add(
        host, cast.companies[1], "co", [cast.booths[0].id], fascia_zh="北辰阀门", fascia_en="BEICHEN"
    )
    stand_sharing.add(host, cast.companies[2], "represented", [cast.booths[0].id, cast.booths[1].id])
    assert stand_sharing.figures(cast.edition.id) == {
        "exhibitors": 2,
        "main": 1,
        "co": 1,
        "represented": 1,
        "net_m2": D(18),
    }
    assert (co.host_id, co.net_m2, co.stands) == (host.id, 0, "A01")
    assert [(o.host, o.fascia_zh) for o in sorted(cast.booths[0].occupants, key=lambda o: o.id)] == [
        (True, ""),
        (False, "北辰阀门"),
        (False, ""),
    ]
    assert refused(stand_sharing.add, host, cast.companies[0], "co", [cast.booths[0].id]) is No.SELF_HOST
    assert refused(stand_sharing.add, co, cast.companies[3], "co", [cast.booths[0].id]) is No.HOST_NOT_MAIN
    assert refused(stand_sharing.add, host, cast.companies[3], "co", [cast.booths[5].id]) is No.NO_STAND
    other = stand(cast, cast.companies[3], 3)
    assert refused(stand_sharing.add, other, cast.companies[1], "co", [cast.booths[3].id]) is No.OTHER_HOST
    assert refused(stand_sharing.add, host, cast.companies[3], "co", [cast.booths[0].id]) is No.HAS_CONTRACT
    stand_sharing.remove(host, co)
    assert stand_sharing.figures(cast.edition.id)["exhibitors"] == 2
    assert len(cast.booths[0].occupants) == 2


def test_a_pavilion_takes_as_many_companies_as_agreed(session, cast):
    host = stand(cast, cast.companies[0], 0, 1)
    made = pavilions.save(
        cast.edition, None, host, name_zh="德国展团", name_en="German Pavilion", entry_limit=0, closes_on=dt.date(2026, 4, 1),
        booth_ids=[cast.booths[0].id, cast.booths[1].id],
    )  # fmt: skip
    assert (pavilions.limit_of(made), cast.booths[0].pavilion_id) == (2, made.id)
    first = pavilions.enter(made, DAY, name_zh="", name_en="Nordhafen Dosiertechnik GmbH", booth_id=cast.booths[1].id)
    assert refused(pavilions.enter, made, DAY, name_zh="", name_en="NORDHAFEN dosiertechnik gmbh") is No.NAME_TAKEN
    assert refused(pavilions.enter, made, DAY, name_zh="", name_en=" ") is No.NAME_MISSING
    assert refused(pavilions.enter, made, DAY, name_zh="", name_en="X", booth_id=cast.booths[4].id) is No.PAVILION_BOOTH
    second = pavilions.enter(made, DAY, name_zh="", name_en="Elbe Ventile GmbH")
    assert refused(pavilions.enter, made, DAY, name_zh="", name_en="Third GmbH") is No.PAVILION_FULL
    assert refused(pavilions.enter, made, dt.date(2026, 4, 2), name_zh="", name_en="Late") is No.PAVILION_CLOSED
    row = pavilions.take(first, cast.companies[2])
    assert (row.role, row.host_id, row.stands, row.net_m2) == ("co", host.id, "A02", 0)
    assert refused(pavilions.take, first, cast.companies[3]) is No.ENTRY_DECIDED
    assert refused(pavilions.withdraw, first, DAY) is No.ENTRY_DECIDED
    pavilions.refuse(second, "not German")
    pavilions.enter(made, DAY, name_zh="", name_en="Third GmbH")


# --- the draw and the neighbours -----------------------------------------------------------------------------------------


def test_points_follow_the_formula_and_the_turns_follow_the_points(session, cast, others):
    assert {s.opportunity.company_id: s.points for s in space_draw.score(cast.edition, "years * 10 + area")} == {
        cast.companies[0].id: 19, cast.companies[1].id: 28, cast.companies[2].id: 37, cast.companies[3].id: 0,
    }  # fmt: skip
    with pytest.raises(FormulaError):
        space_draw.save_formula(cast.edition, "__import__('os')")
    with pytest.raises(FormulaError):
        space_draw.save_formula(cast.edition, "turnover * 2")
    assert space_draw.score(cast.edition, "area / co_exhibitors")[0].error == "divide-by-zero"
    found = space_draw.save_formula(cast.edition, "min(years, 1)")
    start = NOW + dt.timedelta(days=5)
    args = {"starts_at": start, "minutes": 15, "at_once": 1}
    assert refused(space_draw.hold_draw, cast.edition, seed="s", **{**args, "starts_at": NOW}) is No.DRAW_PAST
    slots = space_draw.hold_draw(cast.edition, seed="2026-03-07", **args)
    assert [s.points for s in slots] == [1, 1, 1, 0]
    assert slots[3].opportunity_id == others[2].id
    assert (bool(slots[0].tie), slots[3].tie, slots[3].at) == (True, "", start + dt.timedelta(minutes=45))
    again = space_draw.hold_draw(cast.edition, seed="2026-03-07", **args)
    assert [s.opportunity_id for s in again] == [s.opportunity_id for s in slots]
    assert space_draw.mail_slots(found) == (1, 3)
    assert space_draw.mail_slots(found) == (0, 3)
    assert session.scalar(select(Message.template)) == "exhibitors_draw_slot"


def test_two_who_should_not_stand_side_by_side(session, cast, others):
    one, two = cast.companies[0], cast.companies[1]
    neighbours.add(cast.edition, two, one, D(6), "同类产品纠纷")
    assert refused(neighbours.add, cast.edition, one, two, D(0), "x") is No.RULE_EXISTS
    assert refused(neighbours.add, cast.edition, one, one, D(0), "x") is No.SAME_COMPANY
    booths.hold(cast.booths[0], cast.opportunity, soon())
    found = neighbours.conflicts(cast.booths[1], two.id)
    assert [(c.booth.code, c.metres) for c in found] == [("A01", 1)]
    assert refused(booths.hold, cast.booths[1], others[0], soon()) is No.NEIGHBOUR
    booths.hold(cast.booths[2], others[1], soon())  # somebody else may
    booths.hold(cast.booths[4], others[0], soon())  # 13 m away
    booths.hold(cast.booths[1], others[0], soon(), despite="both agreed in writing")
    assert cast.booths[1].opportunity_id == others[0].id
