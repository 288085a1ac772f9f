"""The rules of recruitment without a database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pytest

from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.booth import (
    BoothFacts,
    BoothRefusal,
    BoothState,
    Grid,
    can_hold,
    can_sell,
    effective_state,
)
from expo_crm.exhibitors.domain.contract import booth_lines, tax_share, totals
from expo_crm.exhibitors.domain.opportunity import Facts, MoveRefusal, refuse_move

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=3)


@pytest.mark.parametrize(
    ("after", "facts", "reason", "refusal"),
    [
        ("quoted", Facts(), "", None),
        ("lead", Facts(), "", None),
        ("held", Facts(), "", MoveRefusal.NEEDS_HOLD),
        ("held", Facts(holds=1), "", None),
        ("lead", Facts(holds=1), "", MoveRefusal.HAS_HOLD),
        ("contracted", Facts(holds=1), "", MoveRefusal.NEEDS_CONTRACT),
        ("paid", Facts(live_contract=True, signed=True), "", MoveRefusal.NEEDS_PAYMENT),
        ("deposit_paid", Facts(live_contract=True, signed=True), "", MoveRefusal.NEEDS_DEPOSIT),
        ("deposit_paid", Facts(live_contract=True, signed=True, deposit_paid=True), "", None),
        ("lost", Facts(), "", MoveRefusal.NEEDS_REASON),
        ("lost", Facts(), "nonsense", MoveRefusal.NEEDS_REASON),
        ("lost", Facts(holds=2), "price", None),
        ("lost", Facts(live_contract=True), "price", MoveRefusal.HAS_CONTRACT),
        ("__proto__", Facts(), "", MoveRefusal.UNKNOWN_STAGE),
    ],
)
def test_later_stages_are_earned(after, facts, reason, refusal):
    assert refuse_move(after, facts, reason) is refusal


def test_a_hold_ends_by_itself():
    assert effective_state("held", NOW, NOW) is BoothState.AVAILABLE
    assert effective_state("held", LATER, NOW) is BoothState.HELD
    expired = BoothFacts("held", NOW, holder=7)
    assert can_hold(expired, 8, False, LATER, NOW) is None
    assert can_sell(expired, 7, NOW) is BoothRefusal.NOT_HELD


@pytest.mark.parametrize(
    ("booth", "refusal"),
    [
        (BoothFacts("available"), None),
        (BoothFacts("held", LATER, 1), None),
        (BoothFacts("held", LATER, 2), BoothRefusal.HELD_BY_OTHER),
        (BoothFacts("reserved", None, 1), BoothRefusal.RESERVED),
        (BoothFacts("sold", None, 2), BoothRefusal.SOLD),
        (BoothFacts("blocked"), BoothRefusal.BLOCKED),
    ],
)
def test_who_may_hold(booth, refusal):
    assert can_hold(booth, 1, False, LATER, NOW) is refusal


def test_holds_have_an_end_that_makes_sense():
    free = BoothFacts("available")
    assert can_hold(free, 1, False, NOW, NOW) is BoothRefusal.HOLD_IN_PAST
    assert can_hold(free, 1, False, NOW + dt.timedelta(days=31), NOW) is BoothRefusal.HOLD_TOO_LONG
    assert can_hold(free, 1, True, LATER, NOW) is BoothRefusal.OPPORTUNITY_LOST


def test_a_grid_stands_back_to_back_and_overlaps_nowhere():
    grid = Grid("A", 98, 3, 2, D(0), D(0), D(3), D(3), D(4)).booths()
    assert [b.code for b in grid] == ["A098", "A099", "A100", "A101", "A102", "A103"]
    assert [b.rect.y for b in grid] == [0, 0, 3, 3, 10, 10]
    shapes = [(b.code, geometry.rectangle(b.rect.x, b.rect.y, b.rect.width, b.rect.depth)) for b in grid]
    assert geometry.first_overlap(shapes, []) is None
    assert geometry.first_overlap([("X", shapes[3][1])], shapes) == ("X", "A101")


def test_money_adds_up_to_the_cent():
    lines = booth_lines([("A1", "shell", D(9), D("9999.99")), ("A2", "raw", D(36), D("0.01"))], D("12.5"))
    sums = totals(lines, D("0.06"))
    assert sums.net == D("8750.00")
    assert sums.total == sums.net + sums.tax
    net, tax = tax_share(D("6360.00"), D("0.06"))
    assert (net, tax) == (D("6000.00"), D("360.00"))
