"""The service desk, from opening to a satisfied customer."""

from __future__ import annotations

from sqlalchemy import select

from expo_crm.followup.models import Case
from tests.support.cast import play, sign_in


def test_a_case_goes_its_way(client, session):
    cast = play(session)
    sign_in(client, cast.sales)
    company = cast.companies[1]
    form = {
        "kind": "complaint",
        "subject": "展位断电",
        "body": "第二天上午",
        "company_id": str(company.id),
        "owner_id": "",
    }
    assert client.post("/e/fluid-2025/cases/new", data=form).status_code == 302
    case = session.scalar(select(Case))
    assert (case.state, case.company_id) == ("open", company.id)
    url = f"/e/fluid-2025/cases/{case.id}"
    assert client.post(f"{url}/state", data={"state": "assigned"}).status_code == 409  # nobody takes care yet
    client.post(url, data={"answer": "", "owner_id": str(cast.sales.id)})
    assert session.get(Case, case.id).state == "assigned"
    assert client.post(f"{url}/state", data={"state": "answered"}).status_code == 409  # no answer yet
    client.post(url, data={"answer": "已补偿", "owner_id": str(cast.sales.id)})
    for state in ("answered", "reviewed", "released", "confirmed"):
        assert client.post(f"{url}/state", data={"state": state}).status_code == 302, state
    assert session.get(Case, case.id).closed_at is not None
    assert client.post(f"{url}/state", data={"state": "answered"}).status_code == 409
    client.post(f"{url}/state", data={"state": "reopened"})
    assert session.get(Case, case.id).closed_at is None
    assert client.get(url).status_code == 200


def test_nonsense_opens_no_case(client, session):
    cast = play(session)
    sign_in(client, cast.sales)
    for wrong in (
        {"kind": "x"},
        {"subject": "\u200b"},
        {"subject": "a" * 301},
        {"owner_id": "999999"},
        {"owner_id": "x"},
    ):
        data = {"kind": "praise", "subject": "好", "owner_id": "", **wrong}
        assert client.post("/e/fluid-2025/cases/new", data=data).status_code == 422, wrong
    assert session.scalars(select(Case)).all() == []
    data = {"kind": "praise", "subject": "<script>alert(1)</script>", "company_id": "98765", "owner_id": ""}
    client.post("/e/fluid-2025/cases/new", data=data)
    case = session.scalar(select(Case))
    assert case.company_id is None  # no such company
    assert "<script>alert" not in client.get(f"/e/fluid-2025/cases/{case.id}").get_data(as_text=True)
    assert client.post(f"/e/fluid-2025/cases/{case.id}/state", data={"state": "../x"}).status_code == 422
    assert client.get(f"/e/fluid-2026/cases/{case.id}").status_code == 404


def test_the_company_is_found_by_pinyin(client, session):
    cast = play(session)
    sign_in(client, cast.sales)
    page = client.get("/e/fluid-2025/cases/new?q=bcfm").get_data(as_text=True)
    assert "北辰阀门" in page


def test_readers_do_not_write(client, session):
    cast = play(session)
    sign_in(client, cast.reader)
    assert client.get("/e/fluid-2025/cases").status_code == 200
    assert client.get("/e/fluid-2025/cases/new").status_code == 403
