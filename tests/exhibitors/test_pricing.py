"""Prices by a list: every figure worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from expo_crm.exhibitors.domain import geometry, space_draw
from expo_crm.exhibitors.domain.neighbours import too_near
from expo_crm.exhibitors.domain.pricing import Facts, Fee, PricingError, PricingRefusal, Rule, Rules, price
from expo_crm.exhibitors.domain.waiting import Offered, Wanted, satisfies
from expo_crm.exhibitors.services.price_lists import fees_text, parse_fees

D = Decimal
EARLY = dt.date(2026, 1, 31)
SHELL = Rule(
    "shell", D(1480), corners=((2, D(10)), (3, D("12.5")), (4, D(15))), early_until=EARLY, early_percent=D(5),
    fees=(Fee("报名费", "Registration fee", D(800)),),
)  # fmt: skip
RAW = Rule("raw", D(1180), minimum_m2=D(36), corners=((4, D(10)),), early_until=EARLY, early_m2=D(1080))
LIST = Rules("CNY", D("0.06"), dt.date(2025, 9, 1), dt.date(2026, 6, 30), (SHELL, RAW))


def quote(kind="shell", area="9", sides=1, day=dt.date(2026, 3, 1), hall=None, sector="", rules=LIST):
    return price(Facts(kind, D(area), sides, hall, sector), rules, day)


@pytest.mark.parametrize(
    ("given", "net"),
    [
        ({}, "14120.00"),  # 9 × 1480 + 800
        ({"sides": 2}, "15452.00"),  # 13320 + 1332 + 800
        ({"sides": 3}, "15785.00"),  # 13320 + 1665 + 800
        ({"sides": 2, "day": EARLY}, "14719.40"),  # (13320 + 1332) × 0.95 + 800
        ({"sides": 2, "day": dt.date(2026, 2, 1)}, "15452.00"),  # the day after
        ({"kind": "raw", "area": "54", "sides": 4}, "70092.00"),  # 54 × 1180 × 1.1
        ({"kind": "raw", "area": "54", "sides": 4, "day": EARLY}, "64152.00"),  # 54 × 1080 × 1.1
        ({"kind": "raw", "area": "20"}, "42480.00"),  # at least 36 m²
    ],
)
def test_a_price_is_base_corner_early_bird_and_fees(given, net):
    found = quote(**given)
    assert found.net == D(net)
    assert found.net == sum(line.amount for line in found.lines)
    assert all(line.text_zh and line.text_en for line in found.lines)


def test_tax_is_of_the_list_and_halves_are_rounded_up():
    assert (quote().tax, quote().total) == (D("847.20"), D("14967.20"))
    odd = Rules(
        "USD", D("0.05"), LIST.valid_from, LIST.valid_until, (Rule("shell", D("33.35"), corners=((2, D(10)),)),)
    )
    found = quote(area="3", sides=2, rules=odd)  # 100.05 + 10.005
    assert [line.amount for line in found.lines] == [D("100.05"), D("10.01")]
    assert found.tax == D("5.50")  # 5.503


def test_the_closest_rule_wins():
    general, hall, sector = Rule("shell", D(100)), Rule("shell", D(200), hall_id=3), Rule("shell", D(300), sector="泵")
    rules = Rules("CNY", D(0), LIST.valid_from, LIST.valid_until, (general, hall, sector))
    assert quote(rules=rules).net == 900
    assert quote(rules=rules, hall=3).net == 1800
    assert quote(rules=rules, hall=3, sector="泵").net == 2700


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"area": "0"}, PricingRefusal.BAD_FACTS),
        ({"area": "-9"}, PricingRefusal.BAD_FACTS),
        ({"area": "100001"}, PricingRefusal.BAD_FACTS),
        ({"sides": 5}, PricingRefusal.BAD_FACTS),
        ({"sides": -1}, PricingRefusal.BAD_FACTS),
        ({"kind": "tent"}, PricingRefusal.NO_RULE),
        ({"day": dt.date(2026, 7, 1)}, PricingRefusal.LIST_NOT_VALID),
    ],
)
def test_absurd_booths_have_no_price(given, reason):
    with pytest.raises(PricingError) as refused:
        quote(**given)
    assert refused.value.reason is reason


def test_fees_are_read_line_by_line():
    fees = parse_fees("报名费 | Registration fee | 1,000\n\n ｜Insurance｜ 12.5")
    assert fees == [
        {"zh": "报名费", "en": "Registration fee", "amount": "1000.00"},
        {"zh": "", "en": "Insurance", "amount": "12.50"},
    ]
    assert parse_fees(fees_text(fees)) == fees
    for bad in ("报名费 1000", "a | b | -5", "a | b | 0", "| | 5", "a | b | 99999999999"):
        with pytest.raises(ValueError):
            parse_fees(bad)


def test_turns_go_by_points_and_equal_ones_by_a_lot_that_can_be_repeated():
    start = dt.datetime(2026, 3, 1, 1, tzinfo=dt.UTC)
    entrants = [space_draw.Entrant(i, D(points)) for i, points in ((1, 5), (2, 9), (3, 5), (4, 5), (5, "9.004"))]
    turns = space_draw.draw(entrants, "seed", start, 20, 2)
    assert [t.points for t in turns] == [9, 9, 5, 5, 5]
    assert turns == space_draw.draw(reversed(entrants), "seed", start, 20, 2)
    assert [(t.at - start).seconds // 60 for t in turns] == [0, 0, 20, 20, 40]
    assert [t.tie for t in turns] == [space_draw.lot("seed", t.opportunity_id) for t in turns]
    assert [t.tie for t in turns[2:]] == sorted(t.tie for t in turns[2:])
    orders = {tuple(t.opportunity_id for t in space_draw.draw(entrants, str(s), start, 20, 2)) for s in range(30)}
    assert len(orders) > 5
    assert space_draw.draw([space_draw.Entrant(1, D(1))], "s", start, 20, 1)[0].tie == ""


def test_loyalty_counts_editions_in_a_row():
    assert [space_draw.loyalty(mine, [5, 4, 3]) for mine in ([5, 4, 3], [5, 3], [4, 3], [])] == [3, 1, 0, 0]


def square(x, y, size=3):
    return geometry.rectangle(D(x), D(y), D(size), D(size))


def test_distances_are_from_wall_to_wall():
    here = square(0, 0)
    assert geometry.distance(here, square(3, 0)) == 0
    assert geometry.distance(here, square(6, 7)) == 5  # 3-4-5
    assert geometry.distance(here, square(3, 3)) == 0  # corner to corner
    assert too_near(D(0), D(0))
    assert not too_near(D(3), D(3))
    assert too_near(D(3), D("3.01"))


def test_distances_follow_the_drawn_walls_and_not_the_rectangle_around_them():
    corner = geometry.outline([(0, 0), (10, 0), (10, 2), (2, 2), (2, 10), (0, 10)])  # an L; its box is 10 × 10
    inner = square(5, 5, 2)  # in the crook of the L
    assert geometry.distance(corner, inner) == 3
    assert geometry.distance(inner, corner) == 3
    slope = geometry.outline([(20, 0), (30, 0), (20, 10)])
    assert geometry.distance(slope, geometry.outline([(30, 10), (30, 5), (25, 10)])) == D("3.54")  # 5 / √2, between parallel slopes
    assert geometry.distance(corner, square(1, 1, 5)) == 0  # shares ground


def test_a_wish_names_a_booth_or_says_what_fits():
    booth = Offered(7, 1, "shell", D(18), 2)
    assert satisfies(booth, Wanted(7))
    assert not satisfies(booth, Wanted(8))
    assert satisfies(booth, Wanted(hall_id=1, kind="shell", min_m2=D(9), max_m2=D(18), open_sides=2))
    for wanted in (
        Wanted(hall_id=2),
        Wanted(kind="raw"),
        Wanted(min_m2=D(19)),
        Wanted(max_m2=D(17)),
        Wanted(open_sides=3),
    ):
        assert not satisfies(booth, wanted)
