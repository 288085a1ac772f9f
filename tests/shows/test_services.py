"""Editions made and cloned, dates kept in order, and a category tree that stays a tree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from expo_crm.shows import queries
from expo_crm.shows.domain import planning
from expo_crm.shows.domain.planning import ShowError
from expo_crm.shows.services import categories, editions
from tests.support.cast import play


@pytest.fixture
def cast(session):
    return play(session)


def _code(call, *args, **kwargs):
    with pytest.raises(ShowError) as refused:
        call(*args, **kwargs)
    return refused.value.code


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (dt.date(2027, 6, 10), dt.date(2027, 6, 9), "dates-order"),
        (dt.date(2027, 6, 1), dt.date(2027, 7, 2), "dates-long"),
        (dt.date(1, 1, 1), dt.date(1, 1, 2), "dates-year"),
        (dt.date(9999, 12, 30), dt.date(9999, 12, 31), "dates-year"),
    ],
)
def test_impossible_dates_are_named(first, last, code):
    assert _code(planning.check_dates, first, last) == code


def test_names_codes_and_days_move_on():
    assert planning.next_name("2026华东流体工业展", 2026, 2027) == "2027华东流体工业展"
    assert planning.next_name("Expo 12026", 2026, 2027) == "Expo 12026"
    assert planning.next_code("1", ["1.1", "1.9", "1.x"]) == "1.10"
    assert planning.next_code("", ["1", "2"]) == "3"
    assert planning.free_slug("Fluid Expo!", dt.date(2027, 1, 1), {"fluid-expo-2027"}) == "fluid-expo-2027-2"
    start, end = planning.next_dates(dt.date(2026, 6, 9), dt.date(2026, 6, 11))
    assert (start, end) == (dt.date(2027, 6, 8), dt.date(2027, 6, 10)) and start.weekday() == 1


def test_the_next_edition_is_a_clone_and_packages_above_add_theirs(app, cast):
    calls = []
    known = dict(app.extensions.get("expo_edition_cloners", {}))
    editions.register_cloner(app, "test", lambda previous, edition: calls.append((previous.slug, edition.slug)))
    try:
        made = editions.create_edition(
            cast.show, starts_on=dt.date(2027, 6, 8), ends_on=dt.date(2027, 6, 10), previous=cast.edition
        )
    finally:
        app.extensions["expo_edition_cloners"] = known
    assert (made.slug, made.number, made.state, made.name_zh) == ("fluid-2027", 9, "planning", "2027华东流体工业展")
    assert (made.venue_zh, made.currency, made.counted_classes) == ("东浦国际会展中心", "CNY", ["trade", "buyer"])
    assert made.registration_opens_at is None
    assert [(h.code, h.width_m) for h in made.halls] == [("H1", Decimal(60))]
    assert [d.day.day for d in made.days] == [8, 9, 10]
    assert calls == [("fluid-2026", "fluid-2027")]
    assert queries.find_next_edition(cast.edition) is made and queries.find_previous_edition(made) is cast.edition


def test_new_dates_take_their_opening_days_along(cast):
    edition = cast.edition
    editions.set_hours(edition, {dt.date(2026, 6, 10): (dt.time(8, 30), dt.time(20)), dt.date(2026, 6, 9): None})
    assert [d.day.day for d in edition.days] == [10, 11]
    editions.update_edition(edition, starts_on=dt.date(2026, 6, 10), ends_on=dt.date(2026, 6, 12))
    assert sorted((d.day.day, d.opens_at.hour) for d in edition.days) == [(10, 8), (11, 9), (12, 8)]
    assert _code(editions.set_hours, edition, {dt.date(2026, 6, 9): None}) == "day-outside"
    assert _code(editions.set_hours, edition, {dt.date(2026, 6, 10): (dt.time(9), dt.time(9))}) == "day-hours"
    opens = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert _code(editions.update_edition, edition, registration_opens_at=opens, registration_closes_at=opens) == "window-order"
    assert _code(editions.update_edition, edition, timezone="../../etc/passwd") == "zone"


def test_a_hall_code_is_there_once(cast):
    values = {"name_zh": "", "name_en": "", "width_m": Decimal(10), "depth_m": Decimal(10)}
    assert _code(editions.add_hall, cast.edition, code="h1", **values) == "hall-taken"
    assert editions.add_hall(cast.edition, code="H2", **values).name_zh == "H2"


def _codes(cast, **options):
    return [c.code for c in queries.list_categories(cast.show.id, **options)]


def test_the_tree_reads_in_order_whatever_moves(cast):
    new = categories.create_category(cast.show.id, name_zh="隔膜泵", name_en="", parent_id=cast.pumps.id)
    assert (new.code, new.name_en) == ("1.3", "隔膜泵")
    assert _codes(cast) == ["1", "1.1", "1.2", "1.3", "2", "2.1"]
    assert categories.move_category(new, -1) and not categories.move_category(cast.pumps, -1)
    assert _codes(cast) == ["1", "1.1", "1.3", "1.2", "2", "2.1"]
    categories.move_category(cast.valves, -1)
    assert _codes(cast) == ["2", "2.1", "1", "1.1", "1.3", "1.2"]
    positions = [c.position for c in queries.list_categories(cast.show.id)]
    assert positions == sorted(positions)


def test_a_category_never_stands_below_itself(cast):
    same = {"name_zh": "泵", "name_en": "Pumps", "synonyms": []}
    for parent in (cast.pumps.id, cast.metering.id):
        assert _code(categories.update_category, cast.pumps, parent_id=parent, **same) == "parent-loop"
    third = categories.create_category(cast.show.id, name_zh="三", name_en="", parent_id=cast.metering.id)
    fourth = categories.create_category(cast.show.id, name_zh="四", name_en="", parent_id=third.id)
    assert _code(categories.create_category, cast.show.id, name_zh="五", name_en="", parent_id=fourth.id) == "too-deep"
    assert _code(categories.update_category, cast.pumps, parent_id=cast.valves.id, **same) == "too-deep"
    categories.update_category(cast.metering, name_zh="计量泵", name_en="", synonyms=["a", " a ", "\u200b", "b"], parent_id=None)
    assert cast.metering.synonyms == ["a", "b"] and queries.depth_of(fourth, queries.list_categories(cast.show.id)) == 2


def test_retiring_takes_the_branch_and_coming_back_brings_the_way_up(cast):
    assert categories.retire_category(cast.pumps, True) == 3
    assert _codes(cast) == ["2", "2.1"] and len(_codes(cast, retired=True)) == 5
    assert categories.retire_category(cast.metering, False) == 2
    assert _codes(cast) == ["1", "1.2", "2", "2.1"]


def test_a_code_is_never_given_twice(cast):
    categories.update_category(cast.metering, name_zh="计量泵", name_en="", synonyms=[], parent_id=cast.valves.id)
    categories.update_category(cast.centrifugal, name_zh="离心泵", name_en="", synonyms=[], parent_id=cast.valves.id)
    new = categories.create_category(cast.show.id, name_zh="新", name_en="", parent_id=cast.pumps.id)
    assert new.code not in {"1.1", "1.2"} and len(set(_codes(cast))) == len(_codes(cast))
