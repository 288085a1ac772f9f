"""What an import makes of a row, and of two names. No database."""

from __future__ import annotations

import pytest

from expo_crm.exhibitors.domain.import_match import Known, Verdict, decide, judge, ranked
from expo_crm.exhibitors.domain.import_rows import RowReason, RowRefused, parse, split_list
from expo_crm.exhibitors.services.import_preview import country_codes


@pytest.mark.parametrize(
    ("cells", "reason", "field"),
    [
        ({}, "name-missing", "company"),
        ({"company_zh": "-"}, "name-missing", "company"),
        ({"company_zh": "\u3164"}, "name-unreadable", "company_zh"),
        ({"company": "sales@acme.example"}, "name-email", "company"),
        ({"company": "Test Company 3"}, "name-test", "company"),
        ({"company_zh": "测试公司"}, "name-test", "company_zh"),
        ({"company": "???!"}, "name-unreadable", "company"),
        ({"company": "1.38E+10"}, "name-unreadable", "company"),
        ({"company": "M\ufffdller GmbH"}, "name-damaged", "company"),
        ({"company": "x" * 301}, "too-long", "company"),
        ({"company": "Acme", "city": "x" * 61}, "too-long", "city"),
        ({"company": "Acme", "net_area": "big"}, "number", "net_area"),
        ({"company": "Acme", "net_area": "-5"}, "number-range", "net_area"),
        ({"company": "Acme", "net_area": "1e9"}, "number", "net_area"),
        ({"company": "Acme", "amount": "999999999999"}, "number-range", "amount"),
        ({"company": "Acme", "email": "nobody at all"}, "email", "email"),
        ({"company": "Acme", "email": "a@b.c%0aBcc:x@y.z"}, "email", "email"),
        ({"company": "Acme", "mobile": "1.38E+10"}, "phone-rounded", "mobile"),
        ({"company": "Acme", "booth": "2026-01-02"}, "stand-date", "booth"),
    ],
)
def test_a_row_is_refused_with_its_reason_and_column(cells, reason, field):
    with pytest.raises(RowRefused) as refused:
        parse(cells, {})
    assert (refused.value.reason, refused.value.field) == (RowReason(reason), field)


@pytest.mark.parametrize(
    "name", ["3M", "360", "1&1 AG", "Test Rite Ltd", "Testo SE", "O'Brien", "李", "𠮷野家", "شركة", "{{7*7}} Ltd"]
)
def test_odd_names_are_names(name):
    row, _notes = parse({"company": name}, {})
    assert name in row.values()


def test_a_full_row_is_read_whole():
    row, notes = parse(
        {
            "company_zh": "禾川泵业（上海）有限公司",
            "company_en": "Hechuan Pumps",
            "country": "中国",
            "website": "https://www.hechuan.example/zh",
            "booth": "H2-B101|Z1A-603",
            "net_area": "36 ㎡",
            "amount": "¥ 43,200.50",
            "categories": "泵;阀门；泵",
            "contact": "陈思远",
            "mobile": "138 0013 8000",
            "email": "Chen@Hechuan.example; other@hechuan.example",
        },
        country_codes(),
    )
    assert row["stands"] == "H2-B101; Z1A-603" and len(row["stand_keys"]) == 2
    assert (row["country"], row["domain"]) == ("CN", "hechuan.example")
    assert (row["net_m2"], row["amount"], row["sector"]) == ("36.00", "43200.50", "泵; 阀门")
    assert (row["mobile"], row["email"]) == ("+8613800138000", "chen@hechuan.example")
    assert [n["code"] for n in notes] == ["email-several"]


def test_what_is_left_out_is_said():
    row, notes = parse({"company": "Acme", "booth": "TBC", "country": "Atlantis", "email": "x@acme.example"}, {})
    assert {n["code"] for n in notes} == {"stand-unread", "country-unknown", "contact-unnamed"}
    assert "country" not in row and row["contact"] == "x@acme.example"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Germany", "DE"),
        ("德国", "DE"),
        ("Deutschland", "DE"),
        ("USA", "US"),
        ("Korea, Republic of", "KR"),
        ("中国台湾", "TW"),
        ("cz", "CZ"),
    ],
)
def test_countries_by_any_name(written, code):
    from expo_crm.lib import text

    assert country_codes()[text.fold(written)] == code


def test_lists_in_a_cell():
    assert split_list("a | b;；b、c\nd") == ["a", "b", "c", "d"]


def verdict(row, *known):
    return decide(ranked(c for k in known if (c := judge(row, k))))[:2]


GMBH = Known(name_en="Nordhafen GmbH", id=1)


@pytest.mark.parametrize(
    ("row", "known", "expected"),
    [
        ({"name_en": "Quelle AG"}, [GMBH], (Verdict.NEW, "")),
        ({"name_en": "NORDHAFEN  GmbH"}, [GMBH], (Verdict.MATCH, "name")),
        ({"name_en": "Nordhafen AG"}, [GMBH], (Verdict.CONFLICT, "similar")),
        (
            {"name_en": "Nordhafen GmbH", "country": "AT"},
            [Known(name_en="Nordhafen GmbH", country="DE", id=1)],
            (Verdict.CONFLICT, "contradiction"),
        ),
        ({"name_en": "Nordhafen GmbH"}, [GMBH, Known(name_en="Nordhafen GmbH", id=2)], (Verdict.CONFLICT, "several")),
        (
            {"name_en": "Nordhafen GmbH", "country": "DE"},
            [Known(name_en="Nordhafen GmbH", country="DE", id=1), Known(name_en="Nordhafen GmbH", country="AT", id=2)],
            (Verdict.MATCH, "name"),
        ),
        (
            {"name_en": "Nordhafen Pumps", "domain": "nh.example"},
            [Known(name_en="Nordhafen GmbH", domain="nh.example", id=1)],
            (Verdict.MATCH, "domain"),
        ),
        (
            {"name_en": "Quelle AG", "domain": "nh.example"},
            [Known(name_en="Nordhafen GmbH", domain="nh.example", id=1)],
            (Verdict.CONFLICT, "domain-other-name"),
        ),
        (
            {"name_zh": "禾川泵业有限公司", "tax_id": "T1"},
            [Known(name_zh="禾川泵业（上海）有限公司", tax_id="T1", id=1)],
            (Verdict.MATCH, "tax-id"),
        ),
        (
            {"name_zh": "北辰阀门有限公司", "tax_id": "T1"},
            [Known(name_zh="禾川泵业有限公司", tax_id="T1", id=1)],
            (Verdict.CONFLICT, "tax-id-other-name"),
        ),
        (
            {"name_zh": "禾川泵业有限公司", "tax_id": "T2"},
            [Known(name_zh="禾川泵业有限公司", tax_id="T1", id=1)],
            (Verdict.CONFLICT, "contradiction"),
        ),
        (
            {"name_en": "Old Name Ltd"},
            [Known(name_en="New Name Ltd", aliases=("Old Name Ltd",), id=1)],
            (Verdict.MATCH, "name"),
        ),
        (
            {"name_zh": "澄江密封件厂", "name_en": "Acme"},
            [Known(name_zh="北辰阀门有限公司", name_en="Acme", id=1)],
            (Verdict.CONFLICT, "similar"),
        ),
        ({"name_en": "Nordhafen GmbH"}, [Known(name_en="Nordhafen GmbH", line=3)], (Verdict.MATCH, "line")),
        ({"name_en": "University of Malta"}, [Known(name_en="University of Denver", id=1)], (Verdict.NEW, "")),
    ],
)
def test_who_a_row_is(row, known, expected):
    assert verdict(row, *known) == expected
