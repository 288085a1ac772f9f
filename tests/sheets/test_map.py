"""Columns suggested for fields."""

from __future__ import annotations

import pytest

from expo_crm.sheets.fields import EXHIBITOR_FIELDS, VISITOR_FIELDS
from expo_crm.sheets.map import SURE, Field, header_key, suggest_mapping


def mapping(*headers: str, fields: tuple[Field, ...] = EXHIBITOR_FIELDS) -> dict[str, str]:
    return {found.header: found.key for found in suggest_mapping(headers, fields)}


def test_chinese_headers():
    found = mapping(
        "序号",
        "企业名称*",
        "英文名称",
        "展位号（必填）",
        "国家/地区",
        "联系人",
        "手机号码",
        "邮箱",
        "展位面积(㎡)",
        "备注",
    )
    assert list(found.values()) == [
        "external_id", "company_zh", "company_en", "booth", "country", "contact", "mobile", "email", "net_area", "notes",
    ]  # fmt: skip


def test_english_headers():
    found = mapping(
        "Exhibitor ID", "Company Name", "Stand No.", "COUNTRY", "E-mail Address", "Web Site", "Mobile Phone"
    )
    assert list(found.values()) == ["external_id", "company", "booth", "country", "email", "website", "mobile"]


def test_exact_beats_part_and_each_is_used_once():
    found = suggest_mapping(["公司名称", "公司地址", "公司名称 (2)", "公司"], EXHIBITOR_FIELDS)
    assert [(f.header, f.key) for f in found if f.confidence >= SURE] == [
        ("公司名称", "company_zh"),
        ("公司地址", "address"),
    ]
    assert len({f.key for f in found}) == len(found)


def test_typing_slip_is_only_proposed():
    (found,) = suggest_mapping(["Comapny name"], EXHIBITOR_FIELDS)
    assert found.key == "company"
    assert found.confidence < SURE


def test_nothing_for_foreign_headers():
    assert suggest_mapping(["start", "xyz", "", "[D]", "💥"], EXHIBITOR_FIELDS) == []


def test_visitors():
    assert list(mapping("姓名", "公司", "职位", "手机", "观众类型", fields=VISITOR_FIELDS).values()) == [
        "name", "company", "job_title", "mobile", "visitor_class",
    ]  # fmt: skip


@pytest.mark.parametrize("fields", [EXHIBITOR_FIELDS, VISITOR_FIELDS])
def test_every_synonym_finds_its_own_field(fields: tuple[Field, ...]):
    for field in fields:
        for word in (field.key, *field.synonyms):
            (found,) = suggest_mapping([word], fields)
            assert (found.key, found.reason) == (field.key, "exact"), word


def test_marks_of_a_required_column_do_not_count():
    assert header_key(" 展位号 *（必填） ") == "展位号"
