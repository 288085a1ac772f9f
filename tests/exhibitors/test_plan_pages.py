"""The plan's pages: what others did meanwhile, colours, the drawing steps over HTTP, files, the public plan, the PDF, the next edition."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import event, select

from expo_crm.db import db
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain import geometry, plan_files
from expo_crm.exhibitors.models import Booth, DirectoryEntry, PortalRules
from expo_crm.exhibitors.services import booths, contracts, plan_edit
from expo_crm.exhibitors.services.plan_edit import NewBooth
from expo_crm.lib import clock
from expo_crm.shows.services import editions
from tests.support.cast import play, sign_in

E = "/e/fluid-2026"
STEPS = f"{E}/plan/halls/H1/steps"
DATA = Path(os.environ.get("EXPO_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "floorplans"


@pytest.fixture
def cast(session):
    return play(session)


@pytest.fixture
def sales(client, cast):
    sign_in(client, cast.sales)
    return client


def soon():
    return clock.now() + dt.timedelta(days=3)


def do(client, status=200, **body):
    answer = client.post(STEPS, json=body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def square(x, y, w=3, d=3):
    return [[x, y], [x + w, y], [x + w, y + d], [x, y + d]]


def count(client, path):
    seen = []
    with client.application.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    answer = client.get(path)
    assert answer.status_code == 200
    return len(seen)


def test_steps_over_http_are_saved_undone_and_refused_with_the_other_booth(sales, cast):
    made = do(sales, do="draw", booths=[{"code": "B01", "shape": square(10, 20), "kind": "raw"}])
    booth = made["booths"][0]
    assert (booth["code"], booth["version"], made["next"]) == ("B01", 1, "B02")
    over = do(sales, 422, do="draw", booths=[{"code": "B02", "shape": square(11, 21)}])
    assert (over["error"], over["other"]) == ("overlaps", "B01")
    out = do(sales, 422, do="draw", booths=[{"code": "B02", "shape": square(59, 21)}])
    assert out["error"] == "outside_hall"
    undone = do(sales, do="revert", step=made["step"])
    assert undone["gone"] == [booth["id"]]
    again = do(sales, do="revert", step=undone["step"])
    assert [b["code"] for b in again["booths"]] == ["B01"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"do": "nothing"},
        {"do": "draw", "booths": "x"},
        {"do": "draw", "booths": []},
        {"do": "draw", "booths": [{"code": "B1", "shape": [[0, 0], [1, "x"], [2, 2]]}]},
        {"do": "draw", "booths": [{"code": "B1", "shape": [[0, 0], [1e300, 0], [2, 2]]}]},
        {"do": "reshape", "booths": [{"id": -1, "version": 1, "shape": []}]},
        {"do": "reshape", "booths": [{"id": 10**12, "version": 1, "shape": square(0, 0)}]},
        {"do": "split", "booths": [{"id": 1, "version": 1}], "line": [[0], 1]},
        {"do": "merge", "booths": [{"id": True, "version": 1}]},
        {"do": "number", "booths": [{"id": 1, "version": 1}], "first": -3},
        {"do": "revert", "step": None},
    ],
)
def test_absurd_steps_are_refused(sales, body):
    assert sales.post(STEPS, json=body).status_code in {409, 422}


def test_who_draws_on_an_old_picture_sees_what_is_different(sales, cast):
    booth = cast.booths[0]
    old = {"id": booth.id, "version": booth.version, "code": "A01", "shape": square(6, 30)}
    booths.hold(booth, cast.opportunity, soon())
    stale = do(sales, 409, do="reshape", booths=[old])
    assert stale["error"] == "stale"
    assert "On hold" in stale["differences"][0]["changes"][0] or "预留" in stale["differences"][0]["changes"][0]
    assert stale["booths"][0]["version"] > old["version"]


def test_the_second_of_two_sales_people_gets_a_clear_conflict(sales, cast):
    booth = cast.booths[0]
    seen = booth.version
    booths.hold(booth, cast.opportunity, soon())
    answer = sales.post(f"{E}/plan/booths/{booth.id}/release", data={"version": seen}, headers={"Accept-Language": "en"})
    assert answer.status_code == 409
    assert "On hold" in answer.get_data(as_text=True) or "预留" in answer.get_data(as_text=True)
    assert sales.post(f"{E}/plan/booths/{booth.id}/release", data={"version": booth.version}).status_code == 302


def test_a_company_is_moved_and_two_swap_from_the_panel(sales, cast):
    a, b, c = cast.booths[:3]
    booths.hold(a, cast.opportunity, soon())
    page = sales.get(f"{E}/plan/booths/{a.id}", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert f"/plan/booths/{a.id}/move" in page
    assert sales.post(f"{E}/plan/booths/{a.id}/move", data={"other": "a03", "version": a.version}).status_code == 302
    assert (a.state, c.state) == ("available", "held")
    assert sales.post(f"{E}/plan/booths/{c.id}/move", data={"other": "Z99"}).status_code == 422
    assert sales.post(f"{E}/plan/booths/{c.id}/swap", data={"other": "A02"}).status_code == 409
    assert sales.get(f"{E}/plan/booths/{a.id}/history").status_code == 200
    assert b.state == "available"


def test_what_people_wrote_is_text_on_plan_lists_and_board(sales, cast):
    """These pages are put together without a template, which would have escaped it."""
    company = cast.companies[0]
    company.name_zh = company.name_en = company.city = '<i>"x"</i>&'
    booths.hold(cast.booths[0], cast.opportunity, soon())
    cast.booths[0].code = "A<b>"
    db.session.commit()
    for path in (f"{E}/plan", f"{E}/plan?view=list", "/companies", f"{E}/recruitment", "/r/fluid-2026/plan"):
        page = sales.get(path).get_data(as_text=True)
        assert "<i>" not in page and "<b>" not in page, path
        assert "&lt;i&gt;" in page or "A&lt;b&gt;" in page, path


@pytest.mark.parametrize("mode", ["state", "sector", "price", "rebooked", "paid", "arrived"])
def test_the_plan_asks_a_constant_number_of_queries_in_each_colour(sales, cast, mode):
    booths.hold(cast.booths[0], cast.opportunity, soon())
    contracts.draft(cast.opportunity)
    path = f"{E}/plan?colour={mode}"
    first = count(sales, path)
    plan_edit.draw(cast.hall, [NewBooth(f"B{i:02}", geometry.outline(square(2 + 3 * i, 20))) for i in range(18)])
    db.session.commit()
    assert count(sales, path) <= first
    assert count(sales, f"{E}/plan/halls/H1/states?colour={mode}") <= first
    assert count(sales, f"{E}/plan/halls/H1") <= first


def test_the_public_plan_names_only_published_exhibitors_of_sold_booths(client, cast):
    booths.hold(cast.booths[0], cast.opportunity, soon())
    contract = contracts.draft(cast.opportunity)
    page = client.get("/r/fluid-2026/plan?lang=zh").get_data(as_text=True)
    assert "禾川" not in page
    contracts.sign(contract, "陈思远", clock.now().date() - dt.timedelta(days=1))
    assert "禾川" not in client.get("/r/fluid-2026/plan?lang=zh").get_data(as_text=True)
    row = queries.find_participation(cast.edition.id, cast.companies[0].id)
    db.session.add(DirectoryEntry(participation_id=row.id, name_zh="禾川泵业", name_en="Hechuan", updated_at=clock.now()))
    rules = PortalRules(edition_id=cast.edition.id, badges=3, badge_m2=9, published_on=clock.now().date() + dt.timedelta(days=2))
    db.session.add(rules)
    db.session.flush()
    assert "禾川" not in client.get("/r/fluid-2026/plan?lang=zh").get_data(as_text=True)  # the directory is not published yet
    rules.published_on = clock.now().date() - dt.timedelta(days=1)
    page = client.get("/r/fluid-2026/plan?lang=zh&q=hechuan").get_data(as_text=True)
    assert "禾川泵业" in page and "booth-found" in page
    assert "12,000" not in page and "12000" not in page


def test_the_pdf_has_the_plan_and_the_list(sales, cast):
    answer = sales.get(f"{E}/plan/halls/H1/plan.pdf")
    found = PdfReader(io.BytesIO(answer.data))
    assert [round(float(v)) for v in found.pages[0].mediabox[2:]] == [1191, 842]
    assert "A06" in found.pages[1].extract_text()


def test_a_file_is_looked_at_first_and_drawn_then(sales, cast):
    svg = """<svg xmlns="http://www.w3.org/2000/svg"><rect id="C01" x="10" y="20" width="3" height="3"/>
      <polygon id="C02" points="13,20 16,20 16,26 13,26"/><path id="C03" d="M20 20h6v3h-3v3h-3z"/><circle id="C04" r="3"/>
      <rect id="C05" x="11" y="21" width="3" height="3"/><path id="C06" d="M0 0 C 1 1 2 2 3 3 z"/>
      <g transform="rotate(3)"><rect id="C07" x="30" y="20" width="3" height="3"/></g></svg>"""
    data = {"file": (io.BytesIO(svg.encode()), "plan.svg"), "scale": "1"}
    page = sales.post(f"{E}/plan/halls/H1/import", data=data, content_type="multipart/form-data")
    text = page.get_data(as_text=True)
    for code in ("C04", "C05", "C06", "C07"):
        assert f"<strong>{code}</strong>" in text
    assert db.session.scalar(select(Booth.id).where(Booth.code == "C01")) is None
    raw = text.split('name="shapes" value="')[1].split('"')[0].replace("&#34;", '"')
    assert [b["code"] for b in json.loads(raw)] == ["C01", "C02", "C03"]
    answer = sales.post(f"{E}/plan/halls/H1/import", data={"shapes": raw}, content_type="multipart/form-data")
    assert answer.status_code == 302
    areas = {b.code: b.area_m2 for b in queries.list_booths(cast.hall.id) if b.code.startswith("C")}
    assert areas == {"C01": Decimal(9), "C02": Decimal(18), "C03": Decimal(27)}
    assert sales.post(f"{E}/plan/halls/H1/import", data={"shapes": '[{"code": 1}]'}).status_code == 422


DXF = """0\nSECTION\n2\nENTITIES\n0\nLWPOLYLINE\n8\nbooths\n70\n1\n10\n100\n20\n50\n10\n103\n20\n50\n10\n103\n20\n47\n10\n100\n20\n47
0\nTEXT\n10\n101\n20\n48\n1\nD01\n0\nLWPOLYLINE\n8\nD02\n70\n0\n10\n0\n20\n0\n10\n3\n20\n0\n10\n3\n20\n3\n0\nENDSEC\n0\nEOF\n"""


def test_text_and_dxf_are_read_and_pixels_are_asked_about():
    plan = plan_files.read(b"# hall\nA01 0,0 3,0 3,3 0,3\nA02: (3 0) (6 0) (6 3)\nA03 1,1 2,2\n")
    assert [(s.code, geometry.area(s.outline)) for s in plan.shapes] == [("A01", 9), ("A02", Decimal("4.5"))]
    assert [code for code, _why in plan.refused] == ["A03"]
    plan = plan_files.read(DXF.encode())
    assert [(s.code, geometry.area(s.outline)) for s in plan.shapes] == [("D01", 9)]
    assert plan.refused == [("D02", plan_files.Odd.OPEN)]
    pixels = json.dumps({"unit": "pixels of an image", "booths": [{"booth": "S1", "poly": square(0, 0, 250, 150)}]}).encode()
    with pytest.raises(plan_files.BadFile):
        plan_files.read(pixels)
    assert geometry.area(plan_files.read(pixels, Decimal("0.01")).shapes[0].outline) == Decimal("3.75")
    for bad in (b"\0\1", b"{", b'<!DOCTYPE x [<!ENTITY a "b">]><svg/>', b"hello", b"[" * 100_000):
        with pytest.raises(plan_files.BadFile):
            plan_files.read(bad)


@given(st.text(max_size=200), st.sampled_from(["", "{", "<svg>", "0\nSECTION\n", "[", "A1 "]))
@settings(max_examples=80)
def test_no_file_breaks_the_reader(text, head):
    with contextlib.suppress(plan_files.BadFile):
        plan_files.read((head + text).encode())


@pytest.mark.skipif(not DATA.exists(), reason="the shared data is not there")
def test_the_published_hall_plan_is_read_whole():
    plan = plan_files.read((DATA / "gamescom-2026-hall-2.2-sample.json").read_bytes())
    given = json.loads((DATA / "gamescom-2026-hall-2.2-sample.json").read_text())
    assert len(plan.shapes) + len(plan.refused) == len(given["stands"])
    said = {s["nr"]: s["area_m2"] for s in given["stands"]}
    off = [s.code for s in plan.shapes if abs(float(geometry.area(s.outline)) - said[s.code]) > 1]
    assert len(off) <= len(plan.shapes) // 10, off


def test_the_next_edition_starts_with_the_same_booths_and_nobody_on_them(session, cast):
    booths.hold(cast.booths[0], cast.opportunity, soon())
    plan_edit.remove(cast.hall, [plan_edit.Seen(cast.booths[5].id, cast.booths[5].version)])
    new = editions.create_edition(
        cast.show, starts_on=dt.date(2027, 6, 8), ends_on=dt.date(2027, 6, 10), previous=cast.edition
    )
    found = db.session.scalars(select(Booth).where(Booth.edition_id == new.id).order_by(Booth.code)).all()
    assert [b.code for b in found] == ["A01", "A02", "A03", "A04", "A05"]
    assert {b.state for b in found} == {"available"}
    assert found[0].hall.code == "H1" and found[0].hall_id != cast.hall.id
