"""Badge layouts in the browser's eyes: drawn, refused, kept, given to classes, and worn."""

from __future__ import annotations

import copy
import io
import json

from PIL import Image
from pypdf import PdfReader
from sqlalchemy import func, select

from expo_crm.onsite.domain.layout import default_layout, label_layout, sheet_layout
from expo_crm.onsite.models import BadgeImage, BadgeLayout
from expo_crm.onsite.services import badges, layouts
from tests.onsite.play import register, stage
from tests.support.cast import sign_in

E = "/e/fluid-2026"
URL = f"{E}/badges/layouts"


def form(layout=None, **others):
    raw = layout if isinstance(layout, dict) else (layout or default_layout()).to_json()
    return {"name": "VIP 卡", "spec": json.dumps(raw), **others}


def test_a_layout_is_drawn_given_to_a_class_and_worn(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)
    for start in ("roll", "sheet", "label"):
        assert client.get(f"{URL}/new?start={start}").status_code == 200
    assert client.get(f"{URL}/new?start=vellum").status_code == 404
    assert client.post(f"{URL}/new", data=form(name="标准")).status_code == 302
    made = client.post(f"{URL}/new", data=form(sheet_layout(), classes=[cast.class_trade.id, cast.class_buyer.id]))
    assert made.status_code == 302
    first, second = session.scalars(select(BadgeLayout).order_by(BadgeLayout.id)).all()
    assert first.standard and not second.standard
    page = client.get(URL).text
    assert "VIP 卡" in page and f"{URL}/{second.id}" in page
    assert client.get(f"{URL}/{second.id}").status_code == 200
    assert client.get(f"{URL}/{second.id}/picture.png").mimetype == "image/png"
    printed = PdfReader(io.BytesIO(badges.print_one(cast.badge)))
    assert round(float(printed.pages[0].mediabox[3])) == 842  # the trade visitor wears the sheet
    press = badges.issue_badge(register(session, cast, "记者", class_id=cast.class_press.id))
    assert round(float(PdfReader(io.BytesIO(badges.print_one(press))).pages[0].mediabox[3])) == 420
    # A class has one layout: the other one loses it.
    assert (
        client.post(f"{URL}/{first.id}", data=form(name="标准", version=1, classes=[cast.class_buyer.id])).status_code
        == 302
    )
    worn = layouts.wardrobe(cast.edition.id)
    assert worn.of(cast.class_buyer.id).media.kind == "roll" and worn.of(cast.class_trade.id).media.kind == "sheet"
    assert client.post(f"{URL}/{second.id}/delete").status_code == 302
    assert layouts.wardrobe(cast.edition.id).of(cast.class_trade.id).media.kind == "roll"


def test_what_breaks_a_rule_is_refused_and_kept(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)
    raw = copy.deepcopy(default_layout().to_json())
    raw["elements"][6].update(w=20, h=20)
    raw["elements"][3].update(text_zh="<b>内容</b>", x=70)
    answer = client.post(f"{URL}/new?lang=en", data=form(raw, name="太小", classes=[cast.class_trade.id]))
    assert answer.status_code == 422
    text = answer.text
    assert "25" in text and 'value="太小"' in text and "\\u003cb\\u003e" in text and "<b>内容" not in text
    for spec in ("", "{", "[]", "null", "[" * 5000, json.dumps(raw) + " " * 60_001, '{"media": {}, "elements": []}'):
        assert client.post(f"{URL}/new", data={"name": "x", "spec": spec}).status_code == 422
    assert client.post(f"{URL}/new", data=form(name="\u200b ")).status_code == 422
    assert session.scalar(select(func.count()).select_from(BadgeLayout)) == 0
    assert client.post(f"{URL}/new", data=form()).status_code == 302
    assert client.post(f"{URL}/new", data=form()).status_code == 422  # the name is taken
    answer = client.post(f"{URL}/preview", json={"spec": raw, "sample": "zh"})
    assert answer.status_code == 422
    assert {f["element"] for f in answer.json["faults"]} == {3, 6}
    for nonsense in ({"spec": None}, {"spec": 7, "class_id": "9" * 99}, []):
        assert client.post(f"{URL}/preview", json=nonsense).status_code == 422


def test_of_two_editors_the_later_is_told(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)
    client.post(f"{URL}/new", data=form())
    row = session.scalars(select(BadgeLayout)).one()
    assert client.post(f"{URL}/{row.id}", data=form(name="甲", version=1)).status_code == 302
    late = client.post(f"{URL}/{row.id}", data=form(sheet_layout(), name="乙", version=1))
    assert late.status_code == 409 and 'value="乙"' in late.text and 'value="2"' in late.text
    assert session.get(BadgeLayout, row.id, populate_existing=True).name == "甲"
    assert client.post(f"{URL}/{row.id}", data=form(name="乙", version=2)).status_code == 302


def test_previews_are_the_real_thing(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)
    body = {"spec": label_layout().to_json(), "sample": "en", "class_id": str(cast.class_press.id)}
    shown = client.post(f"{URL}/preview", json=body)
    assert shown.mimetype == "image/png" and Image.open(io.BytesIO(shown.data)).width > 400
    sent = {"spec": json.dumps(sheet_layout().to_json()), "class_id": str(cast.class_press.id), "form": "pdf"}
    answer = client.post(f"{URL}/preview", data=sent)
    assert answer.mimetype == "application/pdf" and "媒体" in PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
    answer = client.post(f"{URL}/preview", data={**sent, "spec": json.dumps(label_layout().to_json()), "form": "zpl"})
    assert answer.data.count(b"^XA") == 2
    assert client.post(f"{URL}/preview", data={**sent, "spec": "no"}).status_code == 422


def png(size=(300, 100), kind="PNG", **options):
    out = io.BytesIO()
    Image.new("RGBA" if kind == "PNG" else "RGB", size, "#0000ff").save(out, kind, **options)
    return out.getvalue()


def send(client, data, name="logo.png"):
    return client.post(f"{URL}/images", data={"file": (io.BytesIO(data), name)}, content_type="multipart/form-data",
                       headers={"Accept": "application/json"})  # fmt: skip


def test_a_logo_is_drawn_anew_and_printed(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)
    jpeg = Image.Exif()
    jpeg[0x010E] = "secret place"
    sent = send(client, png((3000, 1000), "JPEG", exif=jpeg), "../../etc/厂标.jpg")
    assert sent.status_code == 200 and (sent.json["width"], sent.json["height"]) == (1600, 533)
    assert send(client, png((3000, 1000), "JPEG", exif=jpeg)).json["id"] == sent.json["id"]  # the same picture is one
    kept = session.scalars(select(BadgeImage)).one()
    assert b"secret" not in kept.png and client.get(f"{URL}/images/{kept.id}.png").mimetype == "image/png"
    raw = default_layout().to_json()
    raw["elements"].append({"kind": "image", "x": 5, "y": 5, "w": 20, "h": 7, "image": kept.id})
    assert client.post(f"{URL}/new", data=form(raw)).status_code == 302
    assert len(PdfReader(io.BytesIO(badges.print_one(cast.badge))).pages[0].images) == 2
    raw["elements"][-1]["image"] = kept.id + 1
    assert client.post(f"{URL}/new", data=form(raw, name="fremd")).status_code == 422


def test_what_is_no_picture_is_refused_in_words(client, session, monkeypatch):
    cast = stage(session)
    sign_in(client, cast.desk)
    many = io.BytesIO()
    Image.new("1", (9000, 9000)).save(many, "PNG")  # a bomb: small as a file, large in memory
    broken = (
        b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 100, png()[:90], many.getvalue(),
    )  # fmt: skip
    for data in broken:
        answer = send(client, data)
        assert answer.status_code == 422 and answer.json["message"]
    monkeypatch.setattr(layouts, "UPLOAD_BYTES", 50)
    assert send(client, png()).status_code == 422
    assert client.post(f"{URL}/images", data={}).status_code == 422
    assert session.scalar(select(func.count()).select_from(BadgeImage)) == 0


def test_who_may_and_what_is_not_there(client, session):
    cast = stage(session)
    sign_in(client, cast.desk)
    client.post(f"{URL}/new", data=form())
    row = session.scalars(select(BadgeLayout)).one()
    assert client.get(f"/e/fluid-2025/badges/layouts/{row.id}").status_code == 404
    assert client.get(f"{URL}/{10**20}").status_code == 404
    assert client.get(f"{URL}/images/999.png").status_code == 404
    reader = client.application.test_client()
    sign_in(reader, cast.reader)
    assert reader.get(URL).status_code == 200
    assert reader.get(f"{URL}/{row.id}").status_code == 403
    assert reader.post(f"{URL}/{row.id}/delete").status_code == 403
