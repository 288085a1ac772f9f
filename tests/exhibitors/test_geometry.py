"""Outlines of booths: what they cover, where they touch, how they join and part."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo_crm.exhibitors.domain import geometry as g

D = Decimal
L_SHAPE = [(0, 0), (6, 0), (6, 3), (3, 3), (3, 6), (0, 6)]
small = st.integers(0, 12)
sizes = st.integers(1, 8)
rects = st.builds(lambda x, y, w, d: g.rectangle(D(x), D(y), D(w), D(d)), small, small, sizes, sizes)


@st.composite
def staircases(draw):
    """A polygon of steps: no rectangle, never crossing itself; with the unit squares that it covers."""
    heights = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    ox, oy = draw(small), draw(small)
    top = [(0, 0), (len(heights), 0)]
    for i in range(len(heights), 0, -1):
        top += [(i, heights[i - 1]), (i - 1, heights[i - 1])]
    shape = g.outline([(x + ox, y + oy) for x, y in top])
    return shape, {(ox + i, oy + j) for i, h in enumerate(heights) for j in range(h)}


@given(staircases(), staircases())
@settings(max_examples=150)
def test_overlap_is_what_unit_squares_say(one, other):
    assert g.overlap(one[0], other[0]) == bool(one[1] & other[1])
    assert g.overlap(other[0], one[0]) == g.overlap(one[0], other[0])


@given(staircases())
@settings(max_examples=60)
def test_area_and_contains_are_what_unit_squares_say(made):
    shape, squares = made
    assert g.area(shape) == len(squares)
    for x in range(-1, 25, 2):
        assert g.contains(shape, (D(x) + D("0.5"), D("4.5"))) == ((x, 4) in squares)


@given(rects, rects)
@settings(max_examples=150)
def test_union_keeps_the_ground(one, other):
    joined = g.union([one, other])
    if g.overlap(one, other) or joined is None:
        return
    assert g.area(joined) == g.area(one) + g.area(other)
    assert g.overlap(joined, one) and g.overlap(joined, other)


@given(staircases(), small, small, small, small)
@settings(max_examples=150)
def test_split_loses_nothing_and_overlaps_nothing(made, ax, ay, bx, by):
    shape = made[0]
    parts = g.split(shape, (D(ax), D(ay)), (D(bx), D(by)))
    if parts is None:
        return
    assert abs(g.area(parts[0]) + g.area(parts[1]) - g.area(shape)) <= D("0.2")  # corners are put on whole centimetres
    if ax == bx or ay == by:
        assert g.area(parts[0]) + g.area(parts[1]) == g.area(shape)
        assert not g.overlap(*parts)
        assert g.union(parts) is not None and g.area(g.union(parts)) == g.area(shape)


def test_touching_is_not_overlapping_and_one_inside_the_other_is():
    ell = g.outline(L_SHAPE)
    notch = g.rectangle(D(3), D(3), D(3), D(3))
    assert not g.overlap(ell, notch)
    assert g.overlap(ell, g.moved(notch, D("-0.01"), D(0)))
    assert g.overlap(g.rectangle(D(0), D(0), D(9), D(9)), ell)
    assert g.overlap(ell, ell)
    assert g.is_rectangle(g.union([ell, notch]))


def test_union_refuses_corners_gaps_and_courts():
    a = g.rectangle(D(0), D(0), D(3), D(3))
    assert g.union([a, g.rectangle(D(3), D(3), D(3), D(3))]) is None
    assert g.union([a, g.rectangle(D(4), D(0), D(3), D(3))]) is None
    ring = [g.rectangle(D(x), D(y), D(3), D(3)) for x in (0, 3, 6) for y in (0, 3, 6) if (x, y) != (3, 3)]
    assert g.union(ring) is None


@pytest.mark.parametrize(
    ("corners", "fault"),
    [
        ([(0, 0), (4, 4), (4, 0), (0, 4)], g.Fault.CROSSES_ITSELF),
        ([(0, 0), (4, 0)], g.Fault.TOO_FEW),
        ([(0, 0), (4, 0), (8, 0)], g.Fault.TOO_FEW),
        ([(0, 0), (0.1, 0), (0, 0.1)], g.Fault.TOO_SMALL),
        ([(0, 0), ("NaN", 0), (3, 3)], g.Fault.NOT_NUMBERS),
        ([(0, 0), ("1e400000", 0), (3, 3)], g.Fault.TOO_FAR),
        ([(0, 0), (True, 0), (3, 3)], g.Fault.NOT_NUMBERS),
        ([(0, 0), (-9000, 0), (3, 3)], g.Fault.TOO_FAR),
        ("0,0 1,1", g.Fault.NOT_NUMBERS),
        ([[0, 0]] * 9999, g.Fault.TOO_MANY_CORNERS),
    ],
)
def test_absurd_outlines_are_refused(corners, fault):
    with pytest.raises(g.BadOutline) as refused:
        g.outline(corners)
    assert refused.value.fault == fault


def test_snap_prefers_a_neighbours_wall_to_the_grid():
    assert g.snap(D("3.12"), D("0.5")) == 3
    assert g.snap(D("3.12"), D("0.5"), [D("3.2"), D(9)]) == D("3.2")


def test_open_sides_are_those_without_a_neighbour():
    shape = g.rectangle(D(3), D(3), D(3), D(3))
    assert g.open_to(shape, []) == 4
    assert g.open_to(shape, [g.moved(shape, D(3), D(0)), g.moved(shape, D(0), D(-3)), g.moved(shape, D(3), D(3))]) == 2
