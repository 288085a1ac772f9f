"""The organizer's own fields: defined on a page, filled in a form, computed by formulas, shown and filtered in the list."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

import pytest

from expo_crm.directory.domain import custom as rules
from expo_crm.directory.domain.custom import CustomError, Field
from expo_crm.directory.models import Company
from expo_crm.directory.services import companies, custom
from tests.support.cast import play, sign_in


@pytest.fixture
def cast(session):
    return play(session)


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("number", "１２,5", "12.5"),
        ("number", "1,234.50", "1234.5"),
        ("number", "100", "100"),
        ("number", "", None),
        ("date", "2026-05-12", "2026-05-12"),
        ("choice", "大", "大"),
        ("check", "y", True),
        ("check", "no", None),
        ("text", "  a\u202eb ", "ab"),
        ("text", "\u3164", None),
    ],
)
def test_what_is_stored(kind, typed, stored):
    assert rules.read(Field("x", kind, ("大", "小")), typed) == stored


@pytest.mark.parametrize(
    ("kind", "typed", "code"),
    [
        ("number", "NaN", "number"),
        ("number", "1e9", "number"),
        ("number", "十", "number"),
        ("date", "2026-02-30", "date"),
        ("date", "0001-01-01", "date"),
        ("choice", "中", "choice"),
    ],
)
def test_what_is_refused(kind, typed, code):
    with pytest.raises(CustomError) as refused:
        rules.read(Field("x", kind, ("大", "小")), typed)
    assert refused.value.code == code


def test_formulas_use_what_stands_before_them_and_never_break_a_page():
    fields = [
        Field("turnover", "number"),
        Field("per_m2", "formula", formula="turnover / total_m2"),
        Field("rank", "formula", formula="if(per_m2 > 10, 'A', 'B')"),
        Field("broken", "formula", formula="nobody + 1"),
    ]
    facts = {"total_m2": Decimal(50)}
    assert rules.compute(fields, "company", {"turnover": "1000"}, facts) == {
        "turnover": Decimal(1000),
        "per_m2": Decimal(20),
        "rank": "A",
        "broken": None,
    }
    assert rules.compute(fields, "company", {"turnover": "1000"}, {"total_m2": 0})["per_m2"] is None
    assert rules.compute(fields, "company", {"turnover": "abc"}, facts)["turnover"] is None


def make(client, entity="company", **values):
    given = {"label_zh": "年营业额", "label_en": "Turnover", "key": "turnover", "kind": "number"}
    return client.post(f"/settings/fields/{entity}/new", data={**given, **values})


def test_a_field_from_its_definition_to_the_list(client, session, cast):
    sign_in(client, cast.admin)
    assert make(client).status_code == 302
    assert make(client).status_code == 422  # the short name is taken
    assert make(client, key="to tal").status_code == 422 and make(client, key="country").status_code == 422
    assert make(client, key="size", kind="choice", choices="").status_code == 422
    assert (
        make(
            client, key="size", label_zh="规模", label_en="Size", kind="choice", choices="大 | Large\n小|Small\n大"
        ).status_code
        == 302
    )
    wrong = make(client, key="score", kind="formula", formula="turnover / profit")
    assert wrong.status_code == 422 and "profit" in wrong.get_data(as_text=True)
    assert (
        make(
            client, key="score", label_zh="得分", label_en="Score", kind="formula", formula="turnover * 2 + total_m2"
        ).status_code
        == 302
    )

    one = cast.companies[0]
    page = client.get(f"/companies/{one.id}/edit?lang=en").get_data(as_text=True)
    assert 'name="custom_turnover"' in page and "Large" in page and "custom_score" not in page
    form = {
        "name_zh": one.name_zh,
        "name_en": one.name_en,
        "country": "CN",
        "version": one.version,
        "source": "",
        "owner_id": "",
        "parent": "",
    }
    bad = client.post(f"/companies/{one.id}/edit", data=form | {"custom_turnover": "viel", "custom_size": "大"})
    assert bad.status_code == 422 and "viel" in bad.get_data(as_text=True)
    assert (
        client.post(
            f"/companies/{one.id}/edit", data=form | {"custom_turnover": "1,000", "custom_size": "大"}
        ).status_code
        == 302
    )
    session.expire_all()
    assert session.get(Company, one.id).custom == {"turnover": "1000", "size": "大"}
    assert "2,009" in client.get(f"/companies/{one.id}?lang=en").get_data(as_text=True)  # 1000 × 2 + 9 m²

    other = cast.companies[1]
    custom.set_values(other, {"turnover": "9"})
    session.commit()
    columns = client.get("/companies?col=owner&col=custom_score&lang=en")
    assert columns.status_code == 302
    page = client.get("/companies?cols=owner,custom_score&lang=en").get_data(as_text=True)
    assert "2,009" in page and "Last participation" not in page.split("<thead")[1].split("</thead>")[0]
    assert "禾川" not in client.get("/companies?custom_size=小&lang=zh").get_data(as_text=True).split("<tbody")[-1]
    page = client.get("/companies?custom_size=大&lang=zh").get_data(as_text=True)
    assert "禾川" in page and "北辰" not in page.split("<tbody")[-1]
    by_number = client.get("/companies?sort=custom_turnover&lang=zh").get_data(as_text=True).split("<tbody")[-1]
    assert by_number.index("北辰") < by_number.index("禾川")


def test_the_choices_of_a_field_are_lines_again(client, session, cast):
    sign_in(client, cast.admin)
    assert make(client, key="size", kind="choice", choices="大型 | Large\nXL").status_code == 302
    field = custom.list_fields("company")[0]
    page = client.get(f"/settings/fields/{field.id}").get_data(as_text=True)
    assert re.search(r"<textarea[^>]*>\s*大型 \| Large\r?\nXL</textarea>", page)


def test_two_editors_of_one_field(client, session, cast):
    sign_in(client, cast.admin)
    make(client)
    field = custom.list_fields("company")[0]
    data = {"label_zh": "营业额", "label_en": "Revenue", "version": field.version}
    assert client.post(f"/settings/fields/{field.id}", data=data).status_code == 302
    assert client.post(f"/settings/fields/{field.id}", data=data | {"label_en": "Other"}).status_code == 409
    sign = client.post(f"/settings/fields/{field.id}", data=data | {"version": 2, "retired": "y"})
    assert sign.status_code == 302 and custom.list_fields("company") == []


def test_only_settings_may_define_fields(client, cast):
    sign_in(client, cast.sales)
    assert client.get("/settings/fields").status_code == 403 and make(client).status_code == 403


def test_a_person_has_own_fields_too(client, session, cast):
    sign_in(client, cast.admin)
    make(client, entity="person", label_zh="生日", label_en="Birthday", key="birthday", kind="date")
    form = {"name": "陈思远", "locale": "zh", "country": "CN", "custom_birthday": "1980-05-04"}
    assert client.post(f"/people/{cast.contact.id}/edit", data=form).status_code == 302
    assert "1980" in client.get(f"/people/{cast.contact.id}").get_data(as_text=True)


def test_facts_of_a_company(session, cast):
    one = cast.companies[1]
    facts = custom._facts("company", [one])[one.id]
    assert (facts["editions"], facts["total_m2"], facts["last_edition_on"]) == (1, 18, dt.date(2025, 6, 9))
    bare = companies.create_company(name_zh="新公司")
    assert custom._facts("company", [bare])[bare.id]["editions"] == 0
