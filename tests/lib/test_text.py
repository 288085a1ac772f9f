"""Cleaning, folding, searching, sorting, stand codes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo_crm.lib.stands import parse_stand, split_stands, stand_key
from expo_crm.lib.text import (
    clean,
    fold,
    graphemes,
    is_blank,
    like_pattern,
    natural_key,
    pinyin,
    search_key,
    search_terms,
    simplified,
    truncate,
)  # fmt: skip

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)
FAMILY, CHINA = "👨‍👩‍👧", "🇨🇳"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  a \t b\n c ", "a b c"),
        ("a\x00b\x08c\x7f", "abc"),
        ("a\x0bb", "a b"),
        ("a\u202eb\u2066c", "abc"),
        ("a\ud800b\ufffe", "ab"),
        ("ＡＢＣ１２３　公司（上海）", "ABC123 公司（上海）"),
        ("PepiX™-①", "PepiX™-①"),
        ("O'Brien 𠮷野家 محمد བོད", "O'Brien 𠮷野家 محمد བོད"),
        (f"{FAMILY} {CHINA}", f"{FAMILY} {CHINA}"),
        ("上海\u200d公司\u200b", "上海公司"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("<script>{{7*7}}%s", "<script>{{7*7}}%s"),
        ("e\u0301", "é"),
    ],
)
def test_clean(typed: str, stored: str):
    assert clean(typed) == stored


def test_clean_keeps_lines_when_asked():
    assert clean("a \r\n b\n\n\n\nc", multiline=True) == "a\nb\n\nc"


@settings(max_examples=150)
@given(ANY_TEXT)
def test_clean_never_fails_and_is_idempotent(text: str):
    once = clean(text)
    assert clean(once) == once
    once.encode("utf-8")
    fold(text), search_key(text), natural_key(text), is_blank(text)


@pytest.mark.parametrize("text", [None, "", " ", "\u200b", "\u3164", "\u3000\u200b \ufeff", "\u2800", "\u202e"])
def test_blank(text: str | None):
    assert is_blank(text)


def test_not_blank():
    assert not is_blank("0")
    assert not is_blank("𠮷")


@settings(max_examples=80)
@given(ANY_TEXT, st.integers(0, 20))
def test_truncate_cuts_between_graphemes(text: str, limit: int):
    cut = truncate(text, limit)
    assert len(cut) <= limit
    assert text.startswith(cut)
    assert "".join(graphemes(text)) == text


def test_graphemes_stay_whole():
    assert list(graphemes(f"{FAMILY}{CHINA}🇩🇪a\u0301👍🏽")) == [FAMILY, CHINA, "🇩🇪", "a\u0301", "👍🏽"]
    assert truncate(f"{FAMILY}abc", 4) == ""
    assert truncate(f"{FAMILY}abc", 6) == f"{FAMILY}a"
    assert truncate("上海展览中心", 4, "…") == "上海展…"


def test_fold():
    assert fold("ÉCLAIR Straße Łódź Øre") == "eclair strasse lodz ore"
    assert fold("臺灣ＡＢＣ（上海）") == "台湾abc(上海)"
    assert simplified("香港生產力促進局") == "香港生产力促进局"


def test_pinyin_reads_phrases():
    assert pinyin("重庆长安") == ("chongqingchangan", "cqca")
    assert pinyin("华为ABC") == ("huaweiabc", "hwabc")


@pytest.mark.parametrize(
    "query", ["华为", "為技", "huawei", "HWJS", "jishu", "ＨＷ", "technolog", "华为 Huawei", "Huawei Tech"]
)
def test_two_characters_or_initials_find_a_company(query: str):
    key = search_key("华为技术有限公司", "Huawei Technologies Co., Ltd.", None)
    terms = search_terms(query)
    assert terms
    assert all(term in key for term in terms)


def test_like_pattern_escapes():
    assert like_pattern("50%_\\") == r"%50\%\_\\%"
    assert search_terms(" % _ ' ") == []


def test_natural_order():
    assert sorted(["A10", "a2", "B1", "A1", "A2/3", "A002"], key=natural_key) == [
        "A1",
        "a2",
        "A002",
        "A2/3",
        "A10",
        "B1",
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("50768", "50768"),
        ("F010/E019", "F010/E019"),
        ("Hall 17, Stand F60", "17:F60"),
        ("hall 17 / booth f60", "17:F60"),
        ("9.1D30-31", "9.1:D30-31"),
        ("9.1:D30-31", "9.1:D30-31"),
        ("H2-B101", "H2-B101"),
        ("20D- 106", "20D-106"),
        ("ES3 - 12", "ES3-12"),
        ("ES3 12", "ES3-12"),
        ("H4  FT  D001", "H4-FT-D001"),
        ("H4-FT D001", "H4-FT-D001"),
        ("H3-C521`", "H3-C521"),
        ("１号馆 Ａ０１", "1:A01"),
        ("E3馆A12展位", "E3:A12"),
        ("展位号：A12", "A12"),
        ("Booth 12", "12"),
        ("10.2:D045g", "10.2:D045G"),
    ],
)
def test_stand_keys(text: str, key: str):
    assert stand_key(text) == key
    assert [stand.key for stand in split_stands(text)] == [key]


@pytest.mark.parametrize(
    "text", ["", "TBC, TBC", "tbd", "待定", "-", "/", "000", "N/A", "Info Desk", "\u200b", "x1" * 40]
)
def test_no_stand(text: str):
    assert stand_key(text) is None
    assert split_stands(text) == []


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("H2-B101|Z1A-603", ["H2-B101", "Z1A-603"]),
        ("X1A-501-03、X1A-501-04", ["X1A-501-03", "X1A-501-04"]),
        ("10.2:F040/E057|4.1:B041/C050", ["10.2:F040/E057", "4.1:B041/C050"]),
        ("3.2:D050, D052", ["3.2:D050", "3.2:D052"]),
        ("Hall 17, Stand F60; Hall 2, Stand A1", ["17:F60", "2:A1"]),
        ("A1;A2\nA1", ["A1", "A2"]),
        ("A1, TBC", ["A1"]),
    ],
)
def test_several_stands_in_a_cell(text: str, keys: list[str]):
    assert [stand.key for stand in split_stands(text)] == keys


def test_halls_from_a_parallel_cell():
    assert [stand.key for stand in split_stands("B101|A603", "H2|Z1")] == ["H2:B101", "Z1:A603"]
    assert [stand.key for stand in split_stands("B101|A603", "H2")] == ["B101", "A603"]
    assert parse_stand("B101", "2").hall == "2"  # type: ignore[union-attr]


@settings(max_examples=100)
@given(ANY_TEXT)
def test_stand_codes_never_fail(text: str):
    for stand in split_stands(text, text):
        assert stand.key == clean(stand.key)
