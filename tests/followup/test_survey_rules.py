"""What counts as an answer, when a survey is open, what the answers say. Hand oracles."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from expo_crm.followup.domain import results
from expo_crm.followup.domain import survey as rules

OPTIONS = [{"code": "a", "zh": "甲", "en": "A"}, {"code": "b", "zh": "乙", "en": "B"}]


@pytest.mark.parametrize(
    ("kind", "given", "code"),
    [
        ("nps", ["11"], "out_of_range"),
        ("nps", ["-1"], "out_of_range"),
        ("nps", ["NaN"], "not_a_number"),
        ("nps", ["５"], "not_a_number"),
        ("nps", ["5.0"], "not_a_number"),
        ("nps", ["5", "6"], "not_a_number"),
        ("nps", ["9" * 400], "not_a_number"),
        ("nps", [], "required"),
        ("nps", ["\u200b"], "required"),
        ("scale", ["0"], "out_of_range"),
        ("scale", ["6"], "out_of_range"),
        ("choice", ["c"], "not_a_choice"),
        ("choice", ["a", "b"], "not_a_choice"),
        ("choices", ["a", "zz"], "not_a_choice"),
        ("text", [" \u3164 "], "required"),
    ],
)
def test_nonsense_is_no_answer(kind: str, given: list[str], code: str) -> None:
    with pytest.raises(rules.AnswerError) as refusal:
        rules.read_answer(kind, OPTIONS, True, given)
    assert refusal.value.code == code


def test_answers_are_read_as_they_were_meant() -> None:
    assert rules.read_answer("nps", [], True, ["0"]).number == 0
    assert rules.read_answer("nps", [], True, ["10"]).number == 10
    assert rules.read_answer("choices", OPTIONS, True, ["b", "a"]).text == "a,b"
    assert rules.read_answer("nps", [], False, [""]).empty
    long = rules.read_answer("text", [], True, ["<b>" + "长" * 200_000])
    assert long.text.startswith("<b>长") and len(long.text) <= rules.TEXT_LIMIT


def test_the_last_day_ends_at_midnight_of_the_show() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    closes = rules.closing_moment(dt.date(2026, 6, 30), zone)
    assert closes == dt.datetime(2026, 6, 30, 16, 0, tzinfo=dt.UTC)
    second = dt.timedelta(seconds=1)
    assert rules.is_open("open", closes, closes - second)
    assert not rules.is_open("open", closes, closes)
    assert not rules.is_open("closed", None, closes)
    assert rules.last_day(closes, zone) == dt.date(2026, 6, 30)


def test_options_are_typed_one_a_line() -> None:
    assert rules.parse_options("采购 | Buy\n\n了解｜Learn\nOnly one") == [
        {"code": "o1", "zh": "采购", "en": "Buy"},
        {"code": "o2", "zh": "了解", "en": "Learn"},
        {"code": "o3", "zh": "Only one", "en": "Only one"},
    ]


def test_nps_carries_n_and_the_adjusted_interval() -> None:
    found = results.summarise("nps", [], [(9, "")] * 60 + [(7, "")] * 25 + [(6, "")] * 15)
    assert (found.n, found.promoters, found.passives, found.detractors) == (100, 60, 25, 15)
    assert found.nps is not None and round(found.nps.score, 1) == 45.0
    assert round(found.nps.adjusted_interval.low, 2) == 29.34 and round(found.nps.adjusted_interval.high, 2) == 58.04
    assert not found.small and results.summarise("nps", [], [(9, "")] * 29).small


def test_satisfaction_is_the_top_two_with_wilson() -> None:
    found = results.summarise("scale", [], [(5, "")] * 20 + [(4, "")] * 10 + [(3, "")] * 20)
    assert found.satisfied is not None and found.satisfied.interval is not None
    assert found.mean == pytest.approx(4.0)
    assert (round(found.satisfied.interval.low, 4), round(found.satisfied.interval.high, 4)) == (0.4618, 0.7239)


def test_several_choices_count_each_and_n_counts_people() -> None:
    found = results.summarise("choices", ["a", "b"], [(None, "a,b"), (None, "a"), (None, "")])
    assert found.n == 2 and [(b.code, b.count, b.share) for b in found.bars] == [("a", 2, 1.0), ("b", 1, 0.5)]


def test_every_template_is_bilingual_and_asks_for_recommendation() -> None:
    for template in rules.TEMPLATES.values():
        assert [q.kind for q in template.questions].count(rules.Kind.NPS) == 1
        for question in template.questions:
            assert question.zh and question.en and question.zh != question.en
            assert (question.kind in {"choice", "choices"}) == bool(question.options)
