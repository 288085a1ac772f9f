"""The pages around the gate: set up, pair, watch, look up."""

from __future__ import annotations

import datetime as dt
import json
import re

from sqlalchemy import event, select

from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.models import Device, Gate, Scan, Zone
from expo_crm.onsite.services import devices
from expo_crm.onsite.views import principal
from tests.onsite.play import add_device, add_gate, send, stage
from tests.support.cast import play, sign_in

GATE = {
    "code": "S9",
    "name_zh": "南入口",
    "name_en": "South gate",
    "zone": "show",
    "direction": "entry",
}


def base(cast) -> str:
    return f"/e/{cast.edition.slug}"


def use_cookie(client, token: str) -> None:
    client.set_cookie("expo_device", token)


# -- gates and devices -----------------------------------------------------------------------------------------------


def test_a_gate_is_set_up_and_changed_and_both_are_recorded(client, session):
    cast = play(session)
    sign_in(client, cast.gate)
    assert "还没有入口" in client.get(f"{base(cast)}/gates").text
    done = client.post(f"{base(cast)}/gates/new", data={**GATE, "zone": cast.hall.code, "classes": ["buyer", "press"]})
    assert done.status_code == 302
    gate = session.scalars(select(Gate)).one()
    assert (gate.zone, gate.hall_id, gate.classes, gate.any_time) == ("H1", cast.hall.id, ["buyer", "press"], False)
    changed = {**GATE, "any_time": "y"}
    assert client.post(f"{base(cast)}/gates/{gate.id}", data=changed).status_code == 302
    session.expire_all()
    assert (gate.zone, gate.hall_id, gate.any_time) == ("show", None, True)
    assert set(session.scalars(select(Zone.code))) == {"H1", "show"}
    assert "S9 · 南入口" in client.get(f"{base(cast)}/gates").text
    assert {"gate.create", "gate.update"} <= set(session.scalars(select(AuditEntry.action)))


WRONG: tuple[dict[str, object], ...] = (
    {"code": ""},
    {"code": "S 9"},
    {"code": "N1"},  # taken
    {"code": "X" * 21},
    {"name_zh": "\u200b"},
    {"name_en": "x" * 101},
    {"zone": "999999"},
    {"zone": "x"},
    {"direction": "sideways"},
    {"classes": ["nobody"]},
)


def test_a_wrong_gate_is_refused_with_the_input_kept(client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    for wrong in WRONG:
        answer = client.post(f"{base(cast)}/gates/new", data={**GATE, **wrong})
        assert answer.status_code == 422, wrong
        assert "南入口" in answer.text or "name_zh" in wrong
    assert [g.code for g in session.scalars(select(Gate))] == ["N1"]


def test_readers_see_gates_but_change_nothing(client, session):
    cast = stage(session)
    sign_in(client, cast.reader)
    page = client.get(f"{base(cast)}/gates")
    assert page.status_code == 200 and "gates/new" not in page.text
    device = cast.device
    for method, path in (
        ("get", "gates/new"),
        ("post", "gates/new"),
        ("get", f"gates/{device.gate_id}"),
        ("get", f"gates/{device.gate_id}/devices"),
        ("get", f"gates/devices/{device.id}"),
        ("post", f"gates/devices/{device.id}/pairing"),
        ("post", f"gates/devices/{device.id}/move"),
        ("post", f"gates/devices/{device.id}/revoke"),
    ):
        assert getattr(client, method)(f"{base(cast)}/{path}").status_code == 403, path


def test_gates_and_devices_of_another_edition_are_not_found(client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    other = f"/e/{cast.previous.slug}"
    gate, device = f"gates/{cast.device.gate_id}", f"gates/devices/{cast.device.id}"
    for path in (gate, f"{gate}/devices", device, f"{device}/state"):
        assert client.get(f"{other}/{path}").status_code == 404, path
    assert client.post(f"{other}/gates/devices/{cast.device.id}/revoke").status_code == 404
    foreign = Gate(edition_id=cast.previous.id, code="P1", name_zh="旧", name_en="Old")
    session.add(foreign)
    session.flush()
    move = client.post(f"{base(cast)}/gates/devices/{cast.device.id}/move", data={"gate_id": str(foreign.id)})
    assert move.status_code == 404
    for nonsense in ("x", "1" * 40, "-1", "²"):
        assert client.post(f"{base(cast)}/gates/devices/{cast.device.id}/move", data={"gate_id": nonsense}).status_code in (404, 422)


# -- pairing ---------------------------------------------------------------------------------------------------------


def pairing_link(client, cast) -> str:
    """Add a device as a supervisor does, and read the address from the page."""
    gate = add_gate(db.session, cast, "P1")
    made = client.post(f"{base(cast)}/gates/{gate.id}/devices", data={"name": "iPad 7", "profile": "gate"})
    assert made.status_code == 302
    page = client.get(made.location).text
    assert "<svg class=\"pairing-code\"" in page
    found = re.search(r'value="http://localhost(/gate/pair/[\w-]+)"', page)
    assert found
    return found[1]


def test_a_pairing_link_works_once_and_looking_does_not_use_it(app, client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    link = pairing_link(client, cast)
    phone, late = app.test_client(), app.test_client()
    assert all(phone.get(link).status_code == 200 for _ in range(2))
    assert "iPad 7" in phone.get(link).text
    paired = phone.post(link)
    assert (paired.status_code, paired.location) == (303, "/gate")
    cookie = paired.headers["Set-Cookie"]
    assert "expo_device=" in cookie and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert phone.get("/gate").status_code == 200
    assert late.get(link).status_code == late.post(link).status_code == 410
    assert late.get("/gate").status_code == 401
    assert session.scalars(select(Device).where(Device.name == "iPad 7")).one().paired_at is not None


def test_a_pairing_link_ends_after_a_quarter_of_an_hour(app, client, session, monkeypatch):
    cast = stage(session)
    sign_in(client, cast.admin)
    link = pairing_link(client, cast)
    later = clock.now() + dt.timedelta(minutes=15, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    phone = app.test_client()
    assert phone.get(link).status_code == phone.post(link).status_code == 410


def test_a_new_code_ends_the_old_one_and_another_browser_does_not_see_it(app, client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    link = pairing_link(client, cast)
    device = session.scalars(select(Device).where(Device.name == "iPad 7")).one()
    other = app.test_client()
    sign_in(other, cast.admin)
    seen = other.get(f"{base(cast)}/gates/devices/{device.id}").text
    assert "pairing-code" not in seen and "配对码已在其他窗口显示" in seen
    other.post(f"{base(cast)}/gates/devices/{device.id}/pairing")
    assert app.test_client().get(link).status_code == 410


def test_nonsense_is_no_pairing_link(client, session):
    for token in ("x", "a" * 5000, "%00", "..%2f", "名"):
        assert client.get(f"/gate/pair/{token}").status_code in (404, 410), token


def test_the_waiting_page_renews_itself_until_the_device_is_paired(app, client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    link = pairing_link(client, cast)
    device = session.scalars(select(Device).where(Device.name == "iPad 7")).one()
    part = client.get(f"{base(cast)}/gates/devices/{device.id}/state")
    assert "14:5" in part.text and "HX-Refresh" not in part.headers
    app.test_client().post(link)
    assert client.get(f"{base(cast)}/gates/devices/{device.id}/state").headers["HX-Refresh"] == "true"


# -- the page of the device ------------------------------------------------------------------------------------------


def test_the_gate_page_is_only_for_gates_and_says_how_to_become_one(client, session):
    cast = stage(session)
    nobody = client.get("/gate")
    assert nobody.status_code == 401 and "尚未配对" in nobody.text
    _lead, lead_token = add_device(session, cast, session.get(Gate, cast.device.gate_id), "lead")
    use_cookie(client, lead_token)
    assert client.get("/gate").status_code == 403
    use_cookie(client, cast.token)
    assert client.get("/gate").status_code == 200
    devices.revoke(cast.device)
    gone = client.get("/gate")
    assert gone.status_code == 401 and "已停用" in gone.text


def test_only_the_scanner_may_run_webassembly_and_use_the_camera(client, session):
    cast = stage(session)
    use_cookie(client, cast.token)
    scanner = client.get("/gate")
    assert "'wasm-unsafe-eval'" in scanner.headers["Content-Security-Policy"]
    assert scanner.headers["Permissions-Policy"].startswith("camera=(self)")
    assert re.search(r'"wasm": "/static/dist/zxing_reader-[0-9A-F]+\.wasm"', scanner.text)
    sign_in(client, cast.admin)
    board = client.get(f"{base(cast)}/live")
    assert "wasm" not in board.headers["Content-Security-Policy"]
    assert board.headers["Permissions-Policy"].startswith("camera=()")


def test_a_self_service_gate_offers_nothing_to_its_visitors(client, session):
    cast = stage(session)
    _device, token = add_device(session, cast, session.get(Gate, cast.device.gate_id), "gate_kiosk")
    use_cookie(client, token)
    page = client.get("/gate").text
    assert "override-open" not in page and "manual-form" not in page and "annul-open" not in page
    assert "gate-kiosk" in page  # what staff need (gate, camera, check) is out of sight until they hold the gate's name


# -- live board ------------------------------------------------------------------------------------------------------


def open_today(session, cast) -> dt.date:
    """The show runs today."""
    today = clock.local_day(clock.now(), cast.edition.timezone)
    cast.edition.starts_on, cast.edition.ends_on = today, today + dt.timedelta(days=2)
    for number, day in enumerate(cast.edition.days):
        day.day = today + dt.timedelta(days=number)
    session.flush()
    return today


def chart_of(text: str) -> dict:
    return json.loads(re.search(r'id="live-chart-data">(.*?)</script>', text, re.S)[1])


def test_the_board_tells_persons_visits_entries_and_refusals_apart(client, session, monkeypatch):
    cast = stage(session, anti_passback="off")
    open_today(session, cast)
    send(client, cast.token, cast.code)
    later = clock.now() + dt.timedelta(seconds=10)
    monkeypatch.setattr(clock, "now", lambda: later)
    send(client, cast.token, cast.code)
    send(client, cast.token, "NO-SUCH-CODE")
    sign_in(client, cast.reader)
    page = client.get(f"{base(cast)}/live/fragment").text
    figures = re.findall(r'class="stat-value">([^<]*)<', page)
    assert figures == ["1", "1", "2", "1"]  # visitors and visits of the edition; entries and inside of today
    assert re.search(r"N1 · 北入口</td><td[^>]*>2</td><td[^>]*>0</td><td[^>]*>1</td>", page)
    chart = chart_of(page)
    assert sum(v or 0 for v in chart["series"][0]["values"]) == 2
    assert 'class="bars"' in page


def test_the_same_day_of_the_last_edition_is_drawn_beside(client, session):
    cast = stage(session)
    open_today(session, cast)
    before = add_gate(session, cast, "OLD")
    before.edition_id = cast.previous.id
    device = Device(edition_id=cast.previous.id, gate_id=before.id, name="old")
    session.add(device)
    session.flush()
    first = cast.previous.days[0].day
    at = dt.datetime.combine(first, dt.time(10, 7), cast.previous.zone)
    session.add(
        Scan(
            edition_id=cast.previous.id, device_id=device.id, gate_id=before.id, client_uuid="0" * 36, zone="show", direction="entry",
            code_hash="", corrected_at=at, received_at=at, local_day=first, decision="admit", reason="ok",
        )
    )  # fmt: skip
    sign_in(client, cast.reader)
    chart = chart_of(client.get(f"{base(cast)}/live").text)
    line = chart["series"][-1]
    assert "2025" in line["name"] and line["kind"] == "line"
    assert dict(zip(chart["categories"], line["values"], strict=True))["10:05"] == 1
    # The closed edition shows its own last day, and any day that is asked for.
    assert "2025年6月11日" in client.get(f"/e/{cast.previous.slug}/live").text
    old = client.get(f"/e/{cast.previous.slug}/live?day={first.isoformat()}")
    assert sum(v or 0 for v in chart_of(old.text)["series"][0]["values"]) == 1


def test_any_day_in_the_address_is_answered(client, session):
    cast = stage(session)
    sign_in(client, cast.reader)
    for day in ("", "x", "2026-02-30", "9999-12-31", "0001-01-01", "２０２６-０６-０９", "1" * 500):
        for path in ("live", "live/fragment", "scans"):
            assert client.get(f"{base(cast)}/{path}", query_string={"day": day}).status_code == 200, day


def test_silent_devices_stand_on_the_board(client, session):
    cast = stage(session)
    open_today(session, cast)
    sign_in(client, cast.reader)
    cast.device.seen_at = clock.now()
    silent = re.compile(r'class="live-watch-(calm|danger)">.*?无响应设备.*?<strong>(\d+)</strong>')
    page = client.get(f"{base(cast)}/live/fragment").text
    assert silent.search(page).groups() == ("calm", "0")
    cast.device.seen_at = clock.now() - dt.timedelta(seconds=70)
    page = client.get(f"{base(cast)}/live/fragment").text
    assert silent.search(page).groups() == ("danger", "1")
    assert re.search(r"无响应</span> iPad N1", page)


def test_the_wall_has_no_navigation(client, session):
    cast = stage(session)
    sign_in(client, cast.reader)
    wall = client.get(f"{base(cast)}/live?wall=1").text
    assert "layout-device" in wall and 'id="sidebar"' not in wall


def statements_of(work) -> int:
    """How many statements the database was sent."""
    seen: list[str] = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    work()
    event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


# -- scan log --------------------------------------------------------------------------------------------------------


def test_the_log_finds_filters_and_exports_what_the_gates_read(client, session):
    cast = stage(session)
    send(client, cast.token, cast.code)
    send(client, cast.token, "NO-SUCH-CODE")
    sign_in(client, cast.admin)
    url = f"{base(cast)}/scans"
    everything = client.get(url).text
    assert "林晓" in everything and everything.count("/scans/") >= 2
    refused = client.get(url, query_string={"decision": "deny"}).text
    assert "林晓" not in refused and "不是本展会的证件" in refused
    for q in ("林晓", "linxiao", "禾川", cast.badge.serial):
        found = client.get(url, query_string={"q": q}).text
        assert "林晓" in found, q
    sheet = client.get(url, query_string={"export": "csv"})
    assert cast.badge.serial in sheet.text and cast.code not in sheet.text
    assert client.get(url, query_string={"gate": "x", "reason": "'", "direction": "%", "conflict": "9"}).status_code == 200


def test_the_log_costs_the_same_with_more_scans(client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    counts = []
    log = f"{base(cast)}/scans"
    for _ in range(2):
        send(client, cast.token, cast.code)
        for number in range(3):
            send(client, cast.token, f"CODE-{number}")
        counts.append(statements_of(lambda: client.get(log)))
    assert counts[0] == counts[1]


def test_gates_cost_the_same_with_more_of_them(client, session):
    cast = stage(session)
    sign_in(client, cast.reader)
    counts = []
    pages = [f"{base(cast)}/gates", f"{base(cast)}/live/fragment"]
    for number in range(2):
        counts.append([statements_of(lambda page=page: client.get(page)) for page in pages])
        add_device(session, cast, add_gate(session, cast, f"X{number}"))
    assert counts[0] == counts[1]


def test_a_supervisor_sets_a_refusal_aside_and_the_reason_stays(client, session):
    cast = stage(session)
    cast.registration.state = "in_review"
    send(client, cast.token, cast.code)
    scan = session.scalars(select(Scan)).one()
    assert scan.decision == "deny"
    sign_in(client, cast.reader)
    assert "override" not in client.get(f"{base(cast)}/scans/{scan.id}").text
    assert client.post(f"{base(cast)}/scans/{scan.id}/override", data={"reason": "known guest"}).status_code == 403
    client.post("/sign-out")
    sign_in(client, cast.admin)
    assert client.get(f"/e/{cast.previous.slug}/scans/{scan.id}").status_code == 404
    assert client.post(f"{base(cast)}/scans/{scan.id}/override", data={"reason": " "}).status_code == 422
    assert client.post(f"{base(cast)}/scans/{scan.id}/override", data={"reason": "known guest"}).status_code == 302
    made = session.scalars(select(Scan).order_by(Scan.id.desc())).first()
    assert (made.decision, made.reason, made.override_by) == ("admit_attention", "override", cast.admin.id)
    assert "known guest" in client.get(f"{base(cast)}/scans/{made.id}").text
    assert client.post(f"{base(cast)}/scans/{made.id}/override", data={"reason": "again"}).status_code == 409


def test_the_device_cookie_has_one_name(app):
    """The tests above set it by hand."""
    with app.test_request_context():
        assert principal.cookie_name() == "expo_device"
