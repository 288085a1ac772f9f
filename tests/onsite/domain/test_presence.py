"""Presence and the worth of devices' decisions, as functions of a set."""

from __future__ import annotations

import datetime as dt
import random

from hypothesis import given
from hypothesis import strategies as st

from expo_crm.onsite.domain.presence import AGREES, NOBODY, Row, advance, in_order, settle

START = dt.datetime(2026, 6, 9, 1, tzinfo=dt.UTC)


def at(minutes: float) -> dt.datetime:
    return START + dt.timedelta(minutes=minutes)


def row(number: int, minutes: float, **others) -> Row:
    values = {
        "device_id": 1,
        "direction": "entry",
        "gate_id": 1,
        "seq": number,
        "judged": True,
        "rule": "hard",
        **others,
    }
    return Row(uuid=f"{values['device_id']}-{number:03}", at=at(minutes), **values)


rows = st.lists(
    st.builds(
        row,
        st.integers(1, 9),
        st.integers(0, 6),
        device_id=st.integers(1, 3),
        direction=st.sampled_from(["entry", "exit"]),
        gate_id=st.integers(1, 3),
        suspect=st.sampled_from([False, False, True]),
        counted=st.sampled_from([True, True, False]),
        admitted=st.booleans(),
        judged=st.booleans(),
        rule=st.sampled_from(["off", "soft", "hard", "once", "timed:2"]),
        badge_verdict=st.sampled_from(["", "", "blocked"]),
    ),
    max_size=9,
    unique_by=lambda r: r.uuid,
)


@given(rows, st.randoms())
def test_order_changes_nothing(found: list[Row], rng: random.Random):
    shuffled = list(found)
    rng.shuffle(shuffled)
    assert settle(shuffled) == settle(found)
    state, verdicts = settle(found)
    standing = [r for r in found if r.counted]
    assert state.entries == sum(r.direction == "entry" for r in standing)
    assert state.exits == sum(r.direction == "exit" for r in standing)
    assert set(verdicts) == {r.uuid for r in found if r.judged}
    assert 0 <= state.duplicates <= state.entries


@given(rows)
def test_numbers_keep_their_order_where_the_clock_is_doubtful(found: list[Row]):
    doubtful = {r.device_id for r in found if r.suspect}
    for device in doubtful:
        own = [r for r in in_order(found) if r.device_id == device]
        assert [r.seq for r in own] == sorted(r.seq for r in own)


@given(rows)
def test_the_newest_may_be_added_alone(found: list[Row]):
    sure = [r for r in found if not r.suspect]
    state, _verdicts = settle(sure)
    newest = row(99, 10, judged=False, direction="exit")
    assert advance(state, newest) == settle([*sure, newest])[0]
    assert settle([])[0] == NOBODY and not NOBODY.inside


def test_the_later_of_two_offline_admissions_is_the_one_too_many():
    first, second = row(1, 0), row(1, 5, device_id=2)
    for found in ([first, second], [second, first]):
        state, verdicts = settle(found)
        assert verdicts == {first.uuid: AGREES, second.uuid: "already_in"}
        assert (state.entries, state.duplicates, state.first_entry_at, state.inside) == (2, 1, at(0), True)


def test_an_exit_between_makes_both_right():
    out = row(2, 3, direction="exit")
    _state, verdicts = settle([row(1, 5, device_id=2), out, row(1, 0)])
    assert set(verdicts.values()) == {AGREES}


def test_a_refusal_that_we_would_not_have_made_is_told():
    _state, verdicts = settle([row(1, 0, admitted=False, counted=False)])
    assert verdicts == {"1-001": "ok"}


def test_what_the_badge_was_refused_for_comes_first():
    _state, verdicts = settle(
        [row(1, 0, badge_verdict="blocked"), row(2, 1, badge_verdict="blocked", admitted=False, counted=False)]
    )
    assert verdicts == {"1-001": "blocked", "1-002": AGREES}


def test_rules_of_each_row_hold():
    soft = [row(n, n, rule="soft") for n in (1, 2)]
    assert set(settle(soft)[1].values()) == {AGREES} and settle(soft)[0].duplicates == 0
    timed = [row(1, 0, rule="timed:5"), row(2, 4, rule="timed:5"), row(3, 9, rule="timed:5")]
    assert list(settle(timed)[1].values()) == [AGREES, "cooldown", AGREES]
    once = [row(1, 0, rule="once"), row(2, 1, rule="once", direction="exit"), row(3, 2, rule="once")]
    assert list(settle(once)[1].values()) == [AGREES, AGREES, "already_used"]


def test_a_reset_is_an_exit_that_nobody_walked():
    state, _verdicts = settle([row(1, 0), row(2, 1, direction="exit", walked=False, judged=False)])
    assert (state.entries, state.exits, state.inside) == (1, 0, False)
