"""Kiosks and print stations: a ticket becomes one badge, and a badge comes out once."""

from __future__ import annotations

import datetime as dt
import io
import re
import uuid

from pypdf import PdfReader
from sqlalchemy import func, select

from expo_crm.lib import clock
from expo_crm.onsite.domain.badge_code import Purpose
from expo_crm.onsite.domain.layout import label_layout
from expo_crm.onsite.models import Badge, PrintJob, Scan
from expo_crm.onsite.services import badges, devices, layouts, printing, self_print
from expo_crm.onsite.views import kiosk
from expo_crm.visitors.services import registrations
from tests.onsite.play import add_device, add_gate, register, send, stage
from tests.support.cast import sign_in

E = "/e/fluid-2026"


def floor(session, printers=1):
    """The stage with a visitor who has a ticket only, a kiosk, and print stations."""
    cast = stage(session)
    cast.visitor = register(session, cast, "周青", "青山阀门", job_title="工程师")
    cast.visitor.person.email, cast.visitor.person.phone = "zhou@qing.example", "+8613811112222"
    cast.print = badges.issue_badge(cast.visitor)
    cast.kiosk, cast.kiosk_token = add_device(session, cast, cast.gate, "kiosk")
    cast.stations = [add_device(session, cast, cast.gate, "badge_print") for _ in range(printers)]
    session.commit()
    cast.ticket = badges.code_of(cast.print, Purpose.TICKET)
    session.commit()
    return cast


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def say(client, cast, path, body):
    return client.post(f"/api/kiosk/{path}", json=body, headers=bearer(cast.kiosk_token), csrf=False)


def ask(client, cast, number=0):
    return client.get("/api/print/next", headers=bearer(cast.stations[number][1])).json


def tell(client, cast, job_id, what, number=0, body=None):
    return client.post(
        f"/api/print/jobs/{job_id}/{what}", json=body or {}, headers=bearer(cast.stations[number][1]), csrf=False
    )


def confirm(client, cast, opened, **others):
    body = {"key": str(uuid.uuid4()), **{name: opened[name] for name in ("token", "name", "company", "job_title")}}
    return say(client, cast, "print", {**body, **others})


def test_a_ticket_becomes_a_badge_and_stops_being_a_ticket(client, session):
    cast = floor(session)
    opened = say(client, cast, "ticket", {"code": cast.ticket}).json
    assert (opened["status"], opened["name"], opened["job_title"]) == ("open", "周青", "工程师")
    assert opened["contact"] == "z…@qing.example · …222" and "zhou@" not in str(opened)
    key = str(uuid.uuid4())
    done = [confirm(client, cast, opened, name="周清", key=key).json for _ in range(2)]
    assert done == [{"status": "printing", "printer": "iPad N1"}] * 2
    assert session.scalar(select(func.count()).select_from(PrintJob)) == 1
    assert (
        send(client, cast.token, cast.ticket).json["status"].startswith("admit")
    )  # until it is printed, the ticket holds
    job = ask(client, cast)["job"]
    assert (job["name"], job["form"], job["again"]) == ("周清", "pdf", False)
    answer = client.get(job["file"], headers=bearer(cast.stations[0][1]))
    assert "周清" in PdfReader(io.BytesIO(answer.data)).pages[0].extract_text()
    assert tell(client, cast, job["id"], "printed").status_code == 200
    assert tell(client, cast, job["id"], "printed").status_code == 200
    assert ask(client, cast)["job"] is None
    _gate, elsewhere = add_device(session, cast, cast.gate)
    assert send(client, elsewhere, cast.ticket).json["reason"] == "wrong_purpose"
    assert say(client, cast, "ticket", {"code": cast.ticket}).json["reason"] == "printed"
    assert (
        session.scalar(select(func.count()).select_from(Scan).where(Scan.badge_id == cast.print.id)) == 2
    )  # only the gate's


def test_every_ticket_that_does_not_work_says_why_in_both_languages(client, session):
    cast = floor(session)
    other = register(session, cast, "他人")
    codes = {
        "not_a_ticket": badges.code_of(cast.print, Purpose.BADGE),
        "malformed": cast.ticket[:-3],
        "unknown": "https://example.com/ticket",
        "cancelled": badges.ticket_code(other),
    }
    forged = cast.ticket[:100] + ("A" if cast.ticket[100] != "A" else "B") + cast.ticket[101:]
    registrations.decide(other, "cancelled", mail=False)
    waiting = register(session, cast, "待审", state="in_review")
    codes["not_approved"] = badges.ticket_code(waiting)
    stranger = badges.issue_badge(register(session, cast, "封"))
    codes["blocked"] = badges.code_of(stranger, Purpose.TICKET)
    badges.block(stranger, "x")
    session.commit()
    for reason, code in [*codes.items(), ("bad_signature", forged), ("malformed", ""), ("malformed", "A" * 600)]:
        answer = say(client, cast, "ticket", {"code": code})
        assert answer.status_code == 200 and answer.json["reason"] == reason
        assert answer.json["zh"] and answer.json["en"] and "name" not in answer.json
    assert set(self_print.REASONS) <= set(kiosk.TEXTS)
    devices.revoke(cast.stations[0][0])
    session.commit()
    assert say(client, cast, "ticket", {"code": cast.ticket}).json["reason"] == "no_printer"


def test_a_pass_is_for_this_kiosk_and_three_minutes(client, session, monkeypatch):
    cast = floor(session)
    opened = say(client, cast, "ticket", {"code": cast.ticket}).json
    second, token = add_device(session, cast, cast.gate, "kiosk")
    body = {"token": opened["token"], "key": str(uuid.uuid4()), "name": "周青", "company": "", "job_title": ""}
    answer = client.post("/api/kiosk/print", json=body, headers=bearer(token), csrf=False)
    assert answer.json["reason"] == "malformed"
    assert confirm(client, cast, opened, token="x").json["reason"] == "malformed"
    assert confirm(client, cast, opened, name=" \u200b").json["status"] == "again"
    for wrong in ({"key": ""}, {"key": "x" * 99}, {"key": 5}, {"name": None}, {"company": ["x"]}):
        assert confirm(client, cast, opened, **wrong).status_code == 400
    assert (
        client.post("/api/kiosk/ticket", json={"code": 5}, headers=bearer(cast.kiosk_token), csrf=False).status_code
        == 400
    )
    assert (
        client.post("/api/kiosk/ticket", data=b"\xff", headers=bearer(cast.kiosk_token), csrf=False).status_code == 415
    )
    monkeypatch.setattr(self_print, "PASS_SECONDS", -1)
    assert confirm(client, cast, opened).json["reason"] == "too_late"
    assert session.scalar(select(func.count()).select_from(PrintJob)) == 0 and second.profile == "kiosk"


def test_two_kiosks_with_one_ticket_make_one_badge(client, session):
    cast = floor(session)
    first = say(client, cast, "ticket", {"code": cast.ticket}).json
    again = say(client, cast, "ticket", {"code": cast.ticket}).json
    assert confirm(client, cast, first).json["status"] == "printing"
    assert confirm(client, cast, again).json["reason"] == "printed"
    assert session.scalar(select(func.count()).select_from(PrintJob)) == 1


def test_a_job_that_was_sent_is_never_printed_again_by_itself(client, session):
    cast = floor(session, printers=2)
    station, other = (d for d, _token in cast.stations)
    one = printing.enqueue(cast.print, key="first-job", device_id=station.id)
    assert printing.enqueue(cast.print, key="first-job", device_id=station.id).id == one.id  # the same key is one job
    late = badges.issue_badge(register(session, cast, "后来"))
    two = printing.enqueue(late, key="second-job", device_id=station.id)
    session.commit()
    first = ask(client, cast)
    assert first["job"]["id"] == one.id and [w["id"] for w in first["waiting"]] == [two.id]
    assert ask(client, cast)["job"] == {**first["job"], "again": True}  # the answer was lost: the same one, and marked
    assert ask(client, cast, 1)["job"] is None  # another printer gets nothing of it
    assert tell(client, cast, one.id, "printed", 1).status_code == 404
    assert tell(client, cast, two.id, "printed").status_code == 409  # was never sent
    # Nothing came out: the ticket holds again until somebody prints it once more.
    client.get(first["job"]["file"], headers=bearer(cast.stations[0][1]))
    session.expire_all()
    assert cast.print.printed_at
    assert tell(client, cast, one.id, "failed", body={"reason": "no paper"}).status_code == 200
    session.expire_all()
    assert (one.state, one.error, cast.print.printed_at) == ("failed", "no paper", None)
    assert ask(client, cast)["job"]["id"] == two.id
    sign_in(client, cast.desk)
    url = f"{E}/badges/print-jobs/{one.id}"
    assert "no paper" in client.get(f"{E}/badges/printers").text
    assert client.post(url, data={"action": "explode"}).status_code == 422
    assert client.post(url, data={"action": "again"}).status_code == 302
    assert client.post(url, data={"action": "again"}).status_code == 409
    tell(client, cast, two.id, "printed")
    assert ask(client, cast)["job"]["id"] == one.id and station.id != other.id


def test_a_replaced_badge_falls_out_of_the_queue(client, session):
    cast = floor(session)
    station = cast.stations[0][0]
    job = printing.enqueue(cast.print, key="old-print", device_id=station.id)
    badges.reprint(cast.print, "mistake")
    newer = printing.enqueue(cast.print, key="new-print", device_id=station.id)
    session.commit()
    assert ask(client, cast)["job"]["id"] == newer.id
    session.expire_all()
    assert job.state == "cancelled"
    badges.block(cast.print, "stolen")
    session.commit()
    answer = client.get(f"/api/print/jobs/{newer.id}/file", headers=bearer(cast.stations[0][1]))
    assert answer.status_code == 409 and answer.json["error"] == "gone"


def test_a_label_printer_gets_zpl(client, session):
    cast = floor(session)
    layouts.save(
        cast.edition, None, name="标签", raw=label_layout().to_json(), class_ids=[cast.class_trade.id], standard=False
    )
    printing.enqueue(cast.print, key="label-job", device_id=cast.stations[0][0].id)
    session.commit()
    job = ask(client, cast)["job"]
    assert job["form"] == "zpl"
    assert client.get(job["file"], headers=bearer(cast.stations[0][1])).data.startswith(b"^XA")


def test_each_device_has_its_own_page_and_addresses(client, session):
    cast = floor(session)
    tokens = {"kiosk": cast.kiosk_token, "badge_print": cast.stations[0][1], "gate": cast.token}
    pages = {"/kiosk": "kiosk", "/print": "badge_print"}
    for path, profile in pages.items():
        assert client.get(path).status_code == 401
        for name, token in tokens.items():
            assert client.get(path, headers=bearer(token)).status_code == (200 if name == profile else 403)
    assert client.get("/api/print/next").status_code == 401
    assert client.get("/api/print/next", headers=bearer(cast.kiosk_token)).status_code == 403
    assert (
        client.post("/api/kiosk/ticket", json={"code": "x"}, headers=bearer(cast.token), csrf=False).status_code == 403
    )
    devices.revoke(cast.kiosk)
    session.commit()
    assert say(client, cast, "ticket", {"code": cast.ticket}).json["error"] == "device_revoked"
    policy = client.get("/kiosk", headers=bearer(cast.stations[0][1])).headers["Permissions-Policy"]
    assert "camera=(self)" in policy


def test_staff_set_up_a_printer_and_a_kiosk(client, session):
    cast = floor(session, printers=2)
    sign_in(client, cast.admin)
    made = client.post(f"{E}/badges/printers/new", data={"profile": "kiosk", "name": "自助机 3"})
    page = client.get(made.location).text
    link = re.search(r"/gate/pair/[\w-]+", page)
    assert link, "the pairing code is shown once"
    tablet = client.application.test_client()
    paired = tablet.post(link.group())
    assert paired.status_code == 303 and paired.location.endswith("/kiosk")
    for wrong, status in (({"profile": "gate", "name": "x"}, 422), ({"profile": "kiosk", "name": "\u200b"}, 422)):
        assert client.post(f"{E}/badges/printers/new", data=wrong).status_code == status
    station, second = (d for d, _token in cast.stations)
    assert printing.printer_of(cast.kiosk.id, cast.edition.id) is None  # two printers: somebody must choose
    url = f"{E}/badges/printers/{cast.kiosk.id}/choose"
    assert client.post(url, data={"printer": str(second.id)}).status_code == 302
    assert printing.printer_of(cast.kiosk.id, cast.edition.id).id == second.id
    assert client.post(url, data={"printer": str(cast.device.id)}).status_code == 422
    assert client.post(f"{E}/badges/printers/{station.id}/choose", data={"printer": str(second.id)}).status_code == 422
    assert client.post(url, data={"printer": ""}).status_code == 302
    reader = client.application.test_client()
    sign_in(reader, cast.reader)
    assert reader.get(f"{E}/badges/printers").status_code == 200
    assert reader.post(url, data={"printer": ""}).status_code == 403
    assert client.post("/e/fluid-2025/badges/printers/{cast.kiosk.id}/choose").status_code == 404


def test_the_desk_sends_a_badge_to_a_printer(client, session):
    cast = floor(session)
    sign_in(client, cast.desk)
    station = cast.stations[0][0]
    data = {
        "key": "k" * 20,
        "name": "周青",
        "company": "青山阀门",
        "visitor_class": "trade",
        "printer": str(station.id),
    }
    sent = client.post(f"{E}/desk/{cast.visitor.id}", data=data)
    assert "data-print=" not in client.get(sent.location).text
    assert (
        client.post(f"{E}/desk/{cast.visitor.id}", data={**data, "key": "l" * 20}).status_code == 409
    )  # on its way already
    assert ask(client, cast)["job"]["name"] == "周青"
    assert cast.print.printed_at is None and clock.now() - station.paired_at < dt.timedelta(minutes=5)
    assert add_gate(session, cast, "N9") and session.get(Badge, cast.print.id)
