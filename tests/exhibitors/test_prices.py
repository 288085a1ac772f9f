"""What is priced when: quotes, contracts, new booths; the price list, its early bird, its tax and its currency. Worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

from expo_crm.billing import queries as billing
from expo_crm.billing.domain.plan import DueFrom, PlanRefusal, Rule, Step
from expo_crm.billing.models import Product
from expo_crm.billing.services import extras, invoices, payments, terms
from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.contract import ContractRefusal
from expo_crm.exhibitors.domain.quote import QuoteRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import BoothRequest, PriceList
from expo_crm.exhibitors.services import (
    booth_requests,
    booths,
    contract_changes,
    contracts,
    neighbours,
    opportunities,
    plan_edit,
    plan_moves,
    price_lists,
    price_overrides,
    quotes,
    schedule,
)
from expo_crm.exhibitors.services.plan_edit import NewBooth, Seen
from expo_crm.lib import clock
from expo_crm.shows.services import editions
from tests.support.cast import play, sign_in

D = Decimal
DAY = dt.date(2026, 3, 2)
EARLY = dt.date(2026, 3, 10)
RULE = {
    "kind": "shell", "hall_id": None, "sector": "", "base_m2": D(1500), "minimum_m2": None, "corner_2": D(10), "corner_3": D(0),
    "corner_4": D(0), "fees": [{"zh": "报名费", "en": "Registration fee", "amount": "800.00"}], "early_until": EARLY,
    "early_percent": D(5), "early_m2": None,
}  # fmt: skip


def at(monkeypatch, day: dt.date) -> None:
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(day.year, day.month, day.day, 2, tzinfo=dt.UTC))


@pytest.fixture(autouse=True)
def fixed(monkeypatch):
    at(monkeypatch, DAY)


@pytest.fixture
def cast(session):
    return play(session)


@pytest.fixture
def listed(cast):
    """Published lists: 1,500 per m² in CNY with 13 % tax and 5 % early bird; 400 in USD without tax."""
    for currency, tax, base in (("CNY", "0.13", 1500), ("USD", "0", 400)):
        made = price_lists.create(
            cast.edition, name_zh="价目表", name_en="List", currency=currency, tax_rate=D(tax), valid_from=dt.date(2026, 1, 1),
            valid_until=dt.date(2026, 6, 30),
        )  # fmt: skip
        price_lists.save_rule(made, None, **{**RULE, "base_m2": D(base), "fees": RULE["fees"] if currency == "CNY" else []})
        price_lists.publish(made)
    return cast


def hold(cast, *places, one=None, days=20):
    for place in places:
        booths.hold(cast.booths[place], one or cast.opportunity, clock.now() + dt.timedelta(days=days))


def refused(call, *args, **kw):
    with pytest.raises(RuleRefused) as caught:
        call(*args, **kw)
    return caught.value.reason


def quote(cast, *places, **more):
    chosen = [cast.booths[p] for p in places]
    sheet = quotes.sheet_of(cast.edition, chosen, more.get("currency", ""), cast.opportunity.id)
    made = quotes.create(
        cast.opportunity, quotes.lines_of_booths(chosen, sheet), discount=D(0), valid_until=DAY + dt.timedelta(days=14), locale="zh",
        can=lambda _p: True, **more,
    )  # fmt: skip
    quotes.send(made)
    return made


def test_a_draft_takes_list_corner_early_bird_fee_and_tax(listed):
    listed.booths[1].open_sides = 2
    hold(listed, 0, 1)
    made = contracts.draft(listed.opportunity, discount=D(10))
    # 13500 × 0.95 + 800 = 13625;  (13500 + 1350) × 0.95 + 800 = 14907.50;  10 % off the sum
    assert [line.amount for line in made.lines] == [D("13625.00"), D("14907.50"), D("-2853.25")]
    assert (made.net, made.tax_rate, made.tax) == (D("25679.25"), D("0.13"), D("3338.30"))
    assert "早鸟价至 2026-03-10" in made.lines[0].text_zh
    assert "2 open sides" in made.lines[1].text_en
    assert listed.booths[0].price == D("13625.00")


def test_without_a_list_the_booths_own_price_and_the_editions_rate_count(cast):
    terms.update(cast.edition.id, {"tax_rate": D("0.09")})
    hold(cast, 0)
    made = contracts.draft(cast.opportunity)
    assert (made.net, made.tax_rate) == (D(12000), D("0.09"))


def test_an_agreed_price_goes_before_the_list_and_only_for_its_company(listed):
    hold(listed, 0)
    asked = price_overrides.ask(listed.booths[0], D(11111), "five years", listed.sales.id)
    price_overrides.decide(asked, approve=True, answer="", user_id=listed.finance.id)
    made = contracts.draft(listed.opportunity)
    assert made.net == D(11111)
    contracts.cancel(made, "changed their mind")
    assert listed.booths[0].price == D(13625)
    assert asked.state == "ended"


def test_a_draft_of_the_early_bird_is_decided_upon_before_it_goes_out(listed, monkeypatch):
    others = [opportunities.create_opportunity(listed.edition, c, source="new") for c in listed.companies[1:3]]
    hold(listed, 0)
    hold(listed, 1, one=others[0])
    hold(listed, 2, one=others[1])
    made, kept, sent = (contracts.draft(one) for one in (listed.opportunity, *others))
    contracts.send(sent)
    at(monkeypatch, EARLY)
    assert contracts.price_moved(made) is None  # its last day counts whole
    at(monkeypatch, EARLY + dt.timedelta(days=1))
    moved = contracts.price_moved(made)
    assert (moved.before, moved.after) == (D(13625), D(14300))
    assert refused(contracts.send, made) is ContractRefusal.PRICE_OLD
    assert refused(contracts.sign, made, "陈", EARLY) is ContractRefusal.PRICE_OLD
    assert refused(contract_changes.reprice, made, D(13625)) is ContractRefusal.PRICE_NOT_SHOWN
    contract_changes.reprice(made, moved.after)
    assert (made.net, made.total, listed.booths[0].price) == (D(14300), D(16159), D(14300))
    contracts.send(made)
    assert made.state == "sent"
    # Who answers for the money may keep the prices of the draft, and what was sent keeps them.
    assert refused(contract_changes.keep_price, kept, " ") is ContractRefusal.NEEDS_REASON
    contract_changes.keep_price(kept, "promised by phone")
    contracts.send(kept)
    contracts.sign(sent, "陈", EARLY)
    assert (kept.state, kept.net, sent.state, sent.net) == ("sent", D(13625), "signed", D(13625))


def test_a_quote_keeps_its_price_until_its_last_day(listed, monkeypatch):
    hold(listed, 0)
    made = quote(listed, 0)
    at(monkeypatch, EARLY + dt.timedelta(days=3))  # the early bird is over, the quote still holds
    contract = quotes.accept(made)
    assert (contract.net, contract.tax_rate, contract.price_reason) == (D(13625), D("0.13"), made.number)
    contracts.send(contract)


def test_space_without_a_booth_is_quoted_by_the_list_and_met_by_a_booth_of_its_size(listed, monkeypatch):
    lines = quotes.lines_of_area(listed.edition, "shell", D(9))
    made = quotes.create(
        listed.opportunity, lines, discount=D(0), valid_until=DAY + dt.timedelta(days=14), locale="zh", can=lambda _p: True
    )
    assert (made.net, made.tax_rate) == (D(13625), D("0.13"))
    quotes.send(made)
    hold(listed, 0)
    other = quote(listed, 0)
    listed.booths[0].area_m2 = D(12)  # drawn anew since
    assert refused(quotes.accept, other) is QuoteRefusal.SPACE_CHANGED
    listed.booths[0].area_m2 = D(9)
    at(monkeypatch, EARLY + dt.timedelta(days=3))
    assert quotes.accept(made).net == D(13625)


def test_another_currency_has_its_own_list_tax_and_a_noted_rate(listed):
    hold(listed, 0)
    assert refused(contracts.draft, listed.opportunity, currency="USD") is QuoteRefusal.NO_RATE
    terms.note_rate(listed.edition.id, "USD", D("7.1"), DAY)
    assert refused(contracts.draft, listed.opportunity, currency="EUR") is QuoteRefusal.NO_LIST
    made = contracts.draft(listed.opportunity, currency="USD")
    assert (made.currency, made.net, made.tax, made.net_home) == ("USD", D(3420), 0, D(24282))  # 9 × 400 × 0.95
    assert listed.opportunity.expected_amount == D(24282)
    contract_changes.reprice(made, D(13625), currency="CNY")
    assert (made.currency, made.net, made.tax_rate, made.net_home) == ("CNY", D(13625), D("0.13"), D(13625))
    contracts.sign(made, "陈", DAY)


def test_a_booth_that_is_added_costs_what_the_list_says_on_that_day(listed, monkeypatch):
    hold(listed, 0, 1)
    made = contracts.draft(listed.opportunity, [listed.booths[0].id])
    contracts.sign(made, "陈", DAY)
    at(monkeypatch, EARLY + dt.timedelta(days=1))
    done = contract_changes.amend(made, add=[listed.booths[1].id], reason="more space")
    assert (made.net, done.difference) == (D(27925), D(16159))  # 13625 + 14300; with 13 % tax


def test_when_the_early_bird_has_passed_booths_show_what_they_are_sold_for(client, listed, monkeypatch):
    hold(listed, 0)
    contracts.sign(contracts.draft(listed.opportunity), "陈", DAY)
    assert price_lists.follow_day() == 5
    assert [b.price for b in listed.booths] == [13625] * 6  # 1,500 × 9 less 5 % and the fee; one is sold for it
    at(monkeypatch, EARLY + dt.timedelta(days=1))
    sign_in(client, listed.sales)
    panel = f"/e/{listed.edition.slug}/plan/booths/{{}}"
    free, sold = (client.get(panel.format(listed.booths[n].id), headers={"HX-Request": "true"}).text for n in (1, 0))
    assert free.index("14,300") < free.index("13,625")  # at once; lists and colours follow within the hour
    assert sold.index("13,625") < sold.index("14,300")
    assert price_lists.follow_day() == 5
    assert [b.price for b in listed.booths] == [13625] + [14300] * 5
    assert price_lists.follow_day() == 0


def steps(*rows):
    return [Step(f"第 {n} 期", f"Part {n}", rule, D(value), DueFrom.DATE, 0, day) for n, (rule, value, day) in enumerate(rows, 1)]


def test_a_draft_gets_a_payment_plan_of_its_own_whose_sum_is_checked(listed):
    hold(listed, 0)
    made = contracts.draft(listed.opportunity)  # 13625 + 13 % = 15396.25
    april, may, june = dt.date(2026, 4, 1), dt.date(2026, 5, 1), dt.date(2026, 6, 1)

    def no(*rows):
        with pytest.raises(terms.PlanRefused) as caught:
            contract_changes.set_plan(made, steps(*rows))
        return caught.value.reason, caught.value.difference

    fixed, rest, percent = Rule.FIXED, Rule.REST, Rule.PERCENT
    assert no((fixed, 5000, april), (fixed, "10396.24", may)) == (PlanRefusal.NOT_THE_TOTAL, D("-0.01"))
    assert no((fixed, 15000, april), (fixed, 1000, may)) == (PlanRefusal.NOT_THE_TOTAL, D("603.75"))
    assert no((fixed, "15396.25", april), (rest, 0, may)) == (PlanRefusal.OVER_TOTAL, 0)
    assert no((rest, 0, april), (fixed, 1, may))[0] is PlanRefusal.REST_NOT_LAST
    assert no((percent, 50, may), (rest, 0, april))[0] is PlanRefusal.DATES
    assert no((percent, 50, dt.date(2026, 3, 1)), (rest, 0, may))[0] is PlanRefusal.IN_PAST
    assert no((percent, 50, None), (rest, 0, may))[0] is PlanRefusal.NO_DATE
    contract_changes.set_plan(made, steps((fixed, 5000, april), (percent, 30, may), (fixed, "5777.37", june)))
    parts = [(p.amount, p.due_on) for p in contracts.amounts(made)]
    assert parts == [(D(5000), april), (D("4618.88"), may), (D("5777.37"), june)]
    assert (made.deposit_due_on, made.balance_due_on) == (april, june)
    contracts.sign(made, "陈", DAY)
    found = billing.list_invoices_of_contract(made.id)
    assert [(i.total, i.due_on) for i in found] == parts
    assert (sum(i.net for i in found), sum(i.tax for i in found)) == (made.net, made.tax)
    payments.record(found[0], D(2000), DAY, method="bank", reference="", recorded_by=None)
    shown = [(d.label_en, d.amount, d.due_on, d.received, d.state, d.late) for d in schedule.of(made, dt.date(2026, 4, 2))]
    assert shown == [
        ("Part 1", D(5000), april, D(2000), "partly_paid", True),
        ("Part 2", D("4618.88"), may, D(0), "open", False),
        ("Part 3", D("5777.37"), june, D(0), "open", False),
    ]
    assert refused(contract_changes.set_plan, made, []) is ContractRefusal.WRONG_STATE
    # What a credit note takes off is not asked for again as a further instalment.
    invoices.credit(found[1], [invoices.NewLine("减免", "Goodwill", D(600))], D("18.88"), "goodwill")
    assert [d.amount for d in schedule.of(made, DAY)] == [D(5000), D(4000), D("5777.37")]


def test_the_next_edition_begins_with_draft_lists_and_extras_whose_days_move(listed, session):
    rule = {**RULE, "hall_id": listed.hall.id, "base_m2": D(1700)}
    more = price_lists.new_version(session.scalar(select(PriceList).where(PriceList.currency == "CNY")))
    price_lists.save_rule(more, None, **rule)
    price_lists.publish(more)
    extras.save_product(
        listed.edition,
        {
            "code": "P", "name_zh": "电", "name_en": "Power", "kind": "power", "unit_zh": "", "unit_en": "", "price": D(9),
            "currency": "CNY", "stock": 4, "available_until": DAY, "retired": False,
        },
    )  # fmt: skip
    session.scalar(select(Product)).ordered = 3
    session.flush()
    year = dt.timedelta(days=366)
    coming = editions.create_edition(
        listed.show, starts_on=dt.date(2027, 6, 10), ends_on=dt.date(2027, 6, 12), previous=listed.edition
    )
    lists = session.scalars(select(PriceList).where(PriceList.edition_id == coming.id).order_by(PriceList.code)).all()
    assert [(one.code, one.number, one.state, one.currency) for one in lists] == [("P1", 1, "draft", "CNY"), ("P2", 1, "draft", "USD")]
    assert (lists[0].tax_rate, lists[0].valid_from) == (D("0.13"), dt.date(2026, 1, 1) + year)
    assert [(r.base_m2, r.early_until, r.hall.edition_id if r.hall else None) for r in lists[0].rules] == [
        (1500, EARLY + year, None), (1700, EARLY + year, coming.id),
    ]  # fmt: skip
    copied = session.scalar(select(Product).where(Product.edition_id == coming.id))
    assert (copied.stock, copied.ordered, copied.available_until) == (4, 0, DAY + year)


# --- new booths ----------------------------------------------------------------------------------------------------------


def seen(*found):
    return [Seen(b.id, b.version) for b in found]


def test_new_booths_cost_what_the_list_says(listed, session):
    shape = geometry.rectangle(D(10), D(20), D(4), D(3))
    step = plan_edit.draw(listed.hall, [NewBooth("N01", shape, price=D(1))])  # a price in the file does not count
    (drawn,) = step.touched
    assert (drawn.open_sides, drawn.price) == (4, D("17900.00"))  # 12 × 1500 × 0.95 + 800; no surcharge for 4 sides
    one, two = plan_edit.split(listed.hall, seen(drawn)[0], (D(12), D(0)), (D(12), D(40))).touched[1:]
    assert [b.price for b in (one, two)] == [D("9350.00")] * 2  # the fee stands on each
    session.flush()
    whole = plan_edit.merge(listed.hall, seen(one, two)).touched[-1]
    assert whole.price == D("17900.00")
    plan_edit.reshape(listed.hall, [(seen(whole)[0], geometry.rectangle(D(10), D(20), D(2), D(3)))])
    assert whole.price == D("9350.00")
    made = booths.create_booth(listed.hall, booths.BoothFields("N09", "shell", booths.Rect(D(30), D(30), D(3), D(3)), 2, D(1)))
    assert made.price == D("14907.50")


def test_booths_under_a_contract_keep_what_it_says_when_they_are_moved_or_split(listed, session, monkeypatch):
    hold(listed, 5)
    made = contracts.draft(listed.opportunity)
    at(monkeypatch, EARLY + dt.timedelta(days=1))
    plan_moves.move(listed.booths[5], listed.booths[0])  # both cost the same by today's list
    assert (listed.booths[0].price, listed.booths[5].price, made.net) == (D(13625), D(14300), D(13625))
    whole = listed.booths[0]
    parts = plan_edit.split(listed.hall, seen(whole)[0], (D("7.5"), D(0)), (D("7.5"), D(40))).touched[1:]
    assert sum(b.price for b in parts) == D(13625)


# --- neighbours ----------------------------------------------------------------------------------------------------------


def test_neighbours_are_asked_on_move_swap_and_contract(cast, session):
    one = opportunities.create_opportunity(cast.edition, cast.companies[1], source="new")
    rule = neighbours.add(cast.edition, cast.companies[0], cast.companies[1], D(0), "dispute")
    cast.booths[1].x_m = cast.booths[0].x_m + 3  # wall to wall with A01
    cast.booths[4].x_m = cast.booths[3].x_m + 3
    session.flush()
    hold(cast, 0)
    hold(cast, 4, one=one)
    assert refused(plan_moves.move, cast.booths[4], cast.booths[1]) is No.NEIGHBOUR
    plan_moves.move(cast.booths[4], cast.booths[1], despite="both agreed")
    booths.hold(cast.booths[1], one, clock.now() + dt.timedelta(days=9))  # what was agreed upon is not asked again
    contracts.draft(one)
    third = opportunities.create_opportunity(cast.edition, cast.companies[2], source="new")
    hold(cast, 3, one=third)
    session.delete(rule)
    session.flush()
    neighbours.add(cast.edition, cast.companies[1], cast.companies[2], D(0), "again")
    hold(cast, 4, one=cast.opportunity)
    # The first company would come beside nobody, the third beside the second.
    assert refused(plan_moves.swap, cast.booths[3], cast.booths[0]) is No.NEIGHBOUR


def test_a_contract_is_refused_beside_a_rival_that_came_after_the_hold(cast, session):
    one = opportunities.create_opportunity(cast.edition, cast.companies[1], source="new")
    cast.booths[1].x_m = cast.booths[0].x_m + 3
    session.flush()
    hold(cast, 0)
    hold(cast, 1, one=one)
    neighbours.add(cast.edition, cast.companies[0], cast.companies[1], D(0), "dispute")
    assert refused(contracts.draft, one) is No.NEIGHBOUR
    assert contracts.draft(one, despite="separated by a wall").net == D(12000)


def test_what_a_lost_company_asked_for_is_on_sale_again(listed, session):
    from expo_crm.directory.services import participations as ledger

    mine = ledger.set_participation(listed.edition.id, listed.companies[0].id, role="main")
    asked = booth_requests.ask(mine, listed.booths[2], "", listed.sales.id)
    assert (asked.price, listed.booths[2].state) == (D(13625), "reserved")
    opportunities.lose(asked.opportunity, "budget")
    assert (session.get_one(BoothRequest, asked.id).state, listed.booths[2].state) == ("withdrawn", "available")
