"""The import in the browser: file → columns → rows → loaded, and every file that is none."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import func, select

from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.models import BoothOccupant, ImportBatch, ImportRow
from expo_crm.jobs import services as jobs
from tests.support.cast import play, sign_in

LIST = """展商名单 2026,,,,
公司名称,英文名称,展位号,面积,邮箱
澄江密封件厂,,A01,9,
杭州云澜泵业有限公司,Hangzhou Yunlan Pumps Co. Ltd.,A01、A02,18,info@yunlan.example
杭州云澜泵业有限公司,,A03,9,
北辰阀门有限公司,,TBC,,
sales@nobody.example,,A04,9,
青川仪表有限公司,,A05,很大,
"""
PATH = "/e/fluid-2026/imports"


def upload(client, data, name="list.csv"):
    content = data.encode("gb18030") if isinstance(data, str) else data
    return client.post(PATH, data={"file": (io.BytesIO(content), name)}, content_type="multipart/form-data")


@pytest.fixture
def cast(session, client):
    cast = play(session)
    sign_in(client, cast.sales)
    # Jobs close the session, so what the tests compare with is kept as numbers.
    cast.edition_id = cast.edition.id
    cast.company_ids = [c.id for c in cast.companies]
    cast.first_booth_id = cast.booths[0].id
    return cast


def walk(client, data=LIST):
    """Upload, confirm the columns, run the preview; the address of the import."""
    at = upload(client, data).headers["Location"].removesuffix("/file")
    client.post(at + "/file", data={"go": "1"})
    page = client.get(at + "/columns").get_data(as_text=True)
    assert '<option value="公司名称" selected>' in page
    mapping = {
        "map-company_zh": "公司名称",
        "map-company_en": "英文名称",
        "map-booth": "展位号",
        "map-net_area": "面积",
        "map-email": "邮箱",
    }
    assert client.post(at + "/columns", data=mapping).status_code == 302
    assert "hx-get" in client.get(at + "/rows").get_data(as_text=True)
    jobs.run_all()
    return at


def test_a_list_goes_the_whole_way(client, session, cast):
    at = walk(client)
    page = client.get(at + "/rows?lang=en").get_data(as_text=True)
    assert "The company name is an e-mail address" in page
    assert "“面积” is no number: “很大”." in page
    verdicts = list(
        session.execute(select(ImportRow.line, ImportRow.verdict, ImportRow.reason).order_by(ImportRow.line))
    )
    assert [tuple(v) for v in verdicts] == [
        (3, "match", "name"),
        (4, "new", ""),
        (5, "match", "line"),
        (6, "conflict", "similar"),
        (7, "refused", "name-email"),
        (8, "refused", "number"),
    ]
    assert session.scalar(select(func.count()).select_from(Company)) == 4  # a preview stores nothing
    assert client.post(at + "/load").status_code == 409
    row = session.scalar(select(ImportRow).where(ImportRow.line == 6))
    assert "北辰阀门股份有限公司" in client.get(f"{at}/rows/{row.id}").get_data(as_text=True)
    assert client.post(f"{at}/rows/{row.id}", data={"decision": "match", "candidate": "0"}).status_code == 302
    assert client.post(at + "/load").status_code == 302
    jobs.run_all()
    result = client.get(at + "/result?lang=en").get_data(as_text=True)
    assert "Not taken" in result
    new = session.scalar(select(Company).where(Company.name_zh == "杭州云澜泵业有限公司"))
    assert (new.name_en, new.domain) == ("Hangzhou Yunlan Pumps Co. Ltd.", "")
    ledger = dict(
        session.execute(
            select(Participation.company_id, Participation.net_m2).where(Participation.edition_id == cast.edition_id)
        ).all()
    )
    assert ledger[new.id] == 27 and ledger[cast.company_ids[1]] == 0 and len(ledger) == 3
    assert [n.name for n in session.get(Company, cast.company_ids[1]).names] == ["北辰阀门有限公司"]
    links = session.execute(
        select(Participation.company_id, BoothOccupant.host)
        .join(Participation, Participation.id == BoothOccupant.participation_id)
        .where(BoothOccupant.booth_id == cast.first_booth_id)
    )
    assert dict(links.all()) == {cast.company_ids[3]: True, new.id: False}


def test_rows_that_did_not_land_come_back_as_a_file(client, session, cast):
    at = walk(client)
    client.post(at + "/decide", data={"decision": "skip"})
    client.post(at + "/load")
    jobs.run_all()
    text = client.get(at + "/not-taken.csv?lang=en").get_data().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["Line"], r["公司名称"]) for r in rows] == [
        ("6", "北辰阀门有限公司"),
        ("7", "sales@nobody.example"),
        ("8", "青川仪表有限公司"),
    ]
    assert all(r["Why"] for r in rows)


def test_the_same_file_again_changes_nothing(client, session, cast):
    for _ in range(2):
        at = walk(client)
        client.post(at + "/decide", data={"decision": "new"})
        client.post(at + "/load")
        jobs.run_all()
    batches = session.scalars(select(ImportBatch).order_by(ImportBatch.id)).all()
    assert batches[0].totals["loaded"]["companies_new"] == 2
    again = {k: v for k, v in batches[1].totals["loaded"].items() if v and k not in {"refused", "stands_unknown"}}
    assert again == {}


def test_a_load_that_breaks_stores_nothing_and_can_be_started_again(client, session, cast, monkeypatch):
    from expo_crm.exhibitors.services import import_load

    at = walk(client)
    client.post(at + "/decide", data={"decision": "new"})
    client.post(at + "/load")
    whole = import_load._people

    def breaks(_targets):
        raise RuntimeError("power cut")

    monkeypatch.setattr(import_load, "_people", breaks)
    jobs.run_all()
    session.expire_all()
    assert session.scalar(select(func.count()).select_from(Company)) == 4
    assert session.scalar(select(func.count()).where(Participation.edition_id == cast.edition_id)) == 0
    assert "nothing was stored" in client.get(at + "/rows?lang=en").get_data(as_text=True)
    monkeypatch.setattr(import_load, "_people", whole)
    client.post(at + "/again")
    client.post(at + "/load")
    jobs.run_all()
    assert session.scalar(select(func.count()).select_from(Company)) == 6


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty.csv"),
        (b"\n\n \n", "blank.csv"),
        ("公司名称,展位号\n".encode(), "header-only.csv"),
        (b"%PDF-1.7 nothing", "list.csv"),
        (b"PK\x03\x04broken", "list.xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "list.xls"),
        (b"<html><table><tr><td>x</td></tr></table></html>", "list.xls"),
        (bytes(range(256)) * 40, "noise.csv"),
    ],
)
def test_a_file_that_is_no_list_is_refused_kindly(client, session, cast, data, name):
    response = upload(client, data, name)
    assert response.status_code == 422
    assert session.scalar(select(func.count()).select_from(ImportBatch)) == 0


def test_no_file_at_all(client, cast):
    assert client.post(PATH, data={}).status_code == 422


def test_a_wrong_guess_can_be_corrected(client, session, cast):
    at = upload(client, "Firma;Stand\nNordhafen GmbH;A1\n".encode("cp1252")).headers["Location"]
    wrong = client.post(at, data={"delimiter": ",", "encoding": "utf-16"})
    assert wrong.status_code == 422
    assert client.post(at, data={"delimiter": ";", "header_line": "0"}).status_code == 302
    assert "[A]" in client.get(at).get_data(as_text=True)
    assert client.post(at, data={"header_line": "77"}).status_code == 422
    assert client.post(at, data={"header_line": "-1"}).status_code == 422


def test_columns_need_a_name_and_no_column_twice(client, session, cast):
    at = upload(client, LIST).headers["Location"].removesuffix("/file")
    for mapping in (
        {},
        {"map-booth": "展位号"},
        {"map-company_zh": "nowhere"},
        {"map-company_zh": "公司名称", "map-city": "公司名称"},
    ):
        assert client.post(at + "/columns", data=mapping).status_code == 422


def test_only_those_who_may_import(client, session):
    cast = play(session)
    assert client.get(PATH).status_code == 302
    sign_in(client, cast.reader)
    assert client.get(PATH).status_code == 403
    assert upload(client, LIST).status_code == 403


def test_an_import_of_another_edition_is_not_found(client, session, cast):
    at = upload(client, LIST).headers["Location"]
    assert client.get(at).status_code == 200
    assert client.get(at.replace("fluid-2026", "fluid-2025")).status_code == 404
    assert client.get(f"{PATH}/999999").status_code == 404


def test_nonsense_decisions_are_refused(client, session, cast):
    at = walk(client)
    conflict = session.scalar(select(ImportRow.id).where(ImportRow.verdict == "conflict"))
    refused = session.scalar(select(ImportRow.id).where(ImportRow.verdict == "refused"))
    assert client.post(f"{at}/rows/{conflict}", data={"decision": "explode"}).status_code == 422
    assert client.post(f"{at}/rows/{conflict}", data={"decision": "match", "candidate": "9"}).status_code == 409
    assert client.post(f"{at}/rows/{refused}", data={"decision": "new"}).status_code == 409
    assert client.post(at + "/decide", data={"decision": ""}).status_code == 422


def test_names_from_a_file_are_shown_and_never_run(client, session, cast):
    evil = '公司名称,展位号\n"<script>alert(1)</script>公司","=HYPERLINK(1)"\n{{7*7}} Ltd,%s\n'
    at = upload(client, evil).headers["Location"].removesuffix("/file")
    client.post(at + "/columns", data={"map-company_zh": "公司名称", "map-booth": "展位号"})
    jobs.run_all()
    page = client.get(at + "/rows").get_data(as_text=True)
    assert "<script>alert(1)" not in page and "{{7*7}} Ltd" in page


def test_throwing_an_upload_away(client, session, cast):
    at = walk(client)
    assert client.post(at + "/delete").status_code == 302
    assert session.scalar(select(func.count()).select_from(ImportRow)) == 0
    assert client.get(at).status_code == 404
