"""What may be drawn on a badge: every rule once, and nothing that is sent makes it fall over."""

from __future__ import annotations

import copy
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo_crm.onsite.domain import layout as domain
from expo_crm.onsite.domain.layout import default_layout, label_layout, parse, sheet_layout

TEXT, QR = 3, 6  # where the name and the code stand in the default layout


@pytest.mark.parametrize("layout", [default_layout(), label_layout(), sheet_layout()])
def test_ours_are_good_and_come_back_as_they_are(layout):
    again, faults = parse(layout.to_json())
    assert not faults and again == layout


def changed(element=None, **values):
    raw = copy.deepcopy(sheet_layout().to_json())
    (raw["media"] if element is None else raw["elements"][element]).update(values)
    return raw


@pytest.mark.parametrize(
    ("raw", "code", "element"),
    [
        (None, "shape", None),
        ([], "shape", None),
        ({"media": {}, "elements": "x"}, "shape", None),
        ({"media": {}, "elements": []}, "no_code", None),
        ({"media": {}, "elements": [None]}, "shape", 0),
        ({"media": {}, "elements": [{"kind": "qr", "w": 30, "h": 30}] * 2}, "codes", None),
        ({"media": {}, "elements": [{"kind": "line", "w": 5}] * 41}, "many", None),
        (changed(width=110), "sheet", None),
        (changed(columns=3), "sheet", None),
        (changed(columns=1.5), "number", None),
        (changed(width=math.nan), "number", None),
        (changed(width=True), "number", None),
        (changed(width=10**400), "range", None),
        (changed(height=-1), "range", None),
        (changed(kind="vellum"), "choice", None),
        (changed(kind=["sheet"]), "choice", None),
        (changed(kind="label", width=180), "range", None),
        (changed(kind="label", dpi=9600), "choice", None),
        (changed(TEXT, x=60), "outside", TEXT),
        (changed(TEXT, x="8"), "number", TEXT),
        (changed(TEXT, size=10, least=12), "least", TEXT),
        (changed(TEXT, source="phone"), "choice", TEXT),
        (changed(TEXT, source="free", text_zh=" "), "no_text", TEXT),
        (changed(TEXT, source="free", text_zh="长" * 201), "long", TEXT),
        (changed(TEXT, text_en=5), "choice", TEXT),
        (changed(TEXT, bold="yes"), "choice", TEXT),
        (changed(QR, w=24.9, h=24.9), "small_code", QR),
        (changed(QR, w=42, h=30), "square", QR),
        (changed(TEXT, kind="line", w=0, h=0), "no_length", TEXT),
        (changed(TEXT, kind="image", image=0), "range", TEXT),
    ],
)
def test_each_fault_is_named_with_its_element(raw, code, element):
    found, faults = parse(raw)
    assert found is None
    assert (code, element) in [(f.code, f.element) for f in faults]


def test_the_smallest_code_is_25_mm_and_passes():
    assert parse(changed(QR, w=25, h=25))[0] is not None


def test_a_sheet_has_its_badges_where_the_knife_goes():
    media = parse(changed(width=90, height=60, columns=2, rows=4, margin_x=10, margin_y=15, gap_x=5, gap_y=2))[0]
    assert media is None  # elements of A6 do not fit on 90 × 60
    media = {"kind": "sheet", "width": 90, "height": 60, "columns": 2, "rows": 4, "margin_x": 10, "margin_y": 15, "gap_x": 5, "gap_y": 2}
    small = {"media": media, "elements": [{"kind": "qr", "x": 1, "y": 1, "w": 30, "h": 30}]}
    places = list(parse(small)[0].media.places())
    assert len(places) == 8 and places[0] == (10, 15) and places[1] == (105, 15) and places[-1] == (105, 201)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*domain.KINDS, *domain.MEDIA]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["media", "elements", "kind", "x", "w", "h", "width", "source", "size", "image"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(JSON)
def test_nothing_that_is_sent_breaks_it(raw):
    found, faults = parse(raw)
    assert (found is None) == bool(faults)
