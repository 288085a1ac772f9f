"""Time, ids, money, statistics."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo_crm.lib import clock, ids, money, stats


def test_now_is_aware_utc():
    assert clock.now().utcoffset() == timedelta(0)


def test_local_day_follows_the_venue():
    at = datetime(2026, 5, 1, 16, 30, tzinfo=UTC)
    assert clock.local_day(at, "Asia/Shanghai") == date(2026, 5, 2)
    assert clock.local_day(at, "Europe/Berlin") == date(2026, 5, 1)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 10, 25), 25), (date(2026, 3, 29), 23), (date(2026, 6, 1), 24)])
def test_day_bounds_on_clock_changes(day: date, hours: int):
    start, end = clock.day_bounds(day, "Europe/Berlin")
    assert end - start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-05-01T10:00:00", "time-naive"),
        ("2026-05-01T24:00:00+08:00", "time-format"),
        ("2026-05-01T10:00:60+08:00", "time-format"),
        ("NaN", "time-format"),
        ("", "time-format"),
        ("0001-01-01T00:00:00+14:00", "time-format"),
    ],
)
def test_unreadable_instants(text: str, code: str):
    with pytest.raises(clock.TimeError) as caught:
        clock.parse_aware(text)
    assert caught.value.code == code


def test_parse_aware_answers_in_utc():
    assert clock.parse_aware("2026-05-01T10:00:00+08:00") == datetime(2026, 5, 1, 2, tzinfo=UTC)
    assert clock.parse_aware("2026-05-01T02:00:00Z").tzinfo is UTC


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "Mars/Base", "\x00"])
def test_unknown_zone(name: str):
    with pytest.raises(clock.TimeError, match="time-zone"):
        clock.zone(name)


def test_tokens_are_long_and_hashed():
    assert len(ids.new_token()) == 22
    assert len(ids.hash_token("x")) == 64
    assert ids.hash_token("\ud800")
    assert len(ids.new_serial()) == 8
    with pytest.raises(ValueError, match="guessed"):
        ids.new_token(32)


@settings(max_examples=60)
@given(st.integers(0, 32**8 - 1), st.integers(0, 8), st.sampled_from(ids.ALPHABET))
def test_code_finds_every_single_slip(value: int, place: int, sign: str):
    code = ids.encode_code(value, 8)
    assert ids.read_code(f"{code[:4]}-{code[4:]}".lower()) == code
    wrong = code[:place] + sign + code[place + 1 :]
    if wrong != code:
        with pytest.raises(ids.CodeError, match="code-check"):
            ids.read_code(wrong)


@settings(max_examples=60)
@given(st.integers(0, 32**8 - 1), st.integers(0, 7))
def test_code_finds_every_swap_of_neighbours(value: int, place: int):
    code = ids.encode_code(value, 8)
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if wrong != code:
        with pytest.raises(ids.CodeError, match="code-check"):
            ids.read_code(wrong)


def test_code_forgives_look_alikes_and_full_width():
    code = ids.encode_code(1, 4)  # 0001 and its check sign
    assert ids.read_code("ＯＯ-oI" + code[-1].lower(), 4) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "code-empty"), ("AU123", "code-characters"), ("1" * 200, "code-length"), ("A", "code-length")],
)
def test_codes_that_cannot_be(text: str, code: str):
    with pytest.raises(ids.CodeError, match=code):
        ids.read_code(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("１２", "12"),
        ("12,5", "12.5"),
        ("12，5", "12.5"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,5", "1234.5"),
        ("¥ 1,200", "1200"),
        ("￥3.00元", "3.00"),
        ("RMB 20", "20"),
        ("-0", "0"),
        (".5", "0.5"),
    ],
)
def test_amounts_as_typed(text: str, value: str):
    assert money.parse_decimal(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "amount-empty"),
        ("¥", "amount-empty"),
        ("NaN", "amount-format"),
        ("Infinity", "amount-format"),
        ("1e400", "amount-format"),
        ("1,23,4", "amount-format"),
        ("=1+1", "amount-format"),
        ("٣", "amount-format"),
        ("9" * 61, "amount-format"),
        ("1000000000000", "amount-high"),
        ("-5", "amount-low"),
        ("9.999", "amount-places"),
    ],
)
def test_amounts_refused(text: str, code: str):
    with pytest.raises(money.AmountError) as caught:
        money.parse_money(text)
    assert caught.value.code == code


def test_quantize_rounds_half_up():
    assert money.quantize(Decimal("2.675")) == Decimal("2.68")
    assert money.quantize(Decimal("-2.675")) == Decimal("-2.68")


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (30, 50, 0.4618, 0.7239),
    ],
)
def test_wilson_published(hits: int, n: int, low: float, high: float):
    """Newcombe 1998."""
    found = stats.wilson(hits, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_wilson_without_answers():
    assert stats.wilson(0, 0) is None
    with pytest.raises(ValueError, match="3 of 2"):
        stats.wilson(3, 2)


def test_nps_published():
    found = stats.nps(60, 25, 15)
    assert found is not None and found.interval is not None
    assert round(found.score, 4) == 45.0
    assert round(found.standard_error, 4) == 7.3993
    assert (round(found.interval.low, 2), round(found.interval.high, 2)) == (30.50, 59.50)
    assert round(found.adjusted_score, 2) == 43.69
    assert (round(found.adjusted_interval.low, 2), round(found.adjusted_interval.high, 2)) == (29.34, 58.04)


def test_nps_of_few_and_of_one_kind():
    few = stats.nps(5, 3, 2)
    assert few is not None and few.interval is not None and few.small
    assert (round(few.interval.low, 1), round(few.interval.high, 1)) == (-18.4, 78.4)
    alike = stats.nps(10, 0, 0)
    assert alike is not None
    assert alike.interval is None
    assert round(alike.adjusted_score, 2) == 76.92
    assert (round(alike.adjusted_interval.low, 1), alike.adjusted_interval.high) == (47.5, 100.0)
    assert stats.nps(0, 0, 0) is None


def test_nps_of_ratings():
    found = stats.nps_of([10, 9, 8, 7, 6, 0])
    assert found is not None
    assert (found.n, round(found.score, 6)) == (6, 0.0)
    with pytest.raises(ValueError, match="outside"):
        stats.nps_of([11])
