"""Zones, keys, devices before the doors open, and what waits for a supervisor."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select, update

from expo_crm.audit.models import AuditEntry
from expo_crm.lib import clock
from expo_crm.onsite import queries_devices
from expo_crm.onsite.models import (
    Badge,
    Device,
    Gate,
    Presence,
    QuarantinedScan,
    Scan,
    ScanResolution,
    SigningKey,
    Zone,
)
from expo_crm.onsite.services import badges, devices, keys, zones
from tests.onsite.play import add_device, add_gate, register, scan_of, send, stage, upload
from tests.support.cast import sign_in

E = "/e/fluid-2026"


def decided(code, seq, minutes_ago, status="admit", reason="ok"):
    at = clock.now() - dt.timedelta(minutes=minutes_ago)
    return scan_of(code, device_time=at.isoformat(), device_seq=seq, decided={"status": status, "reason": reason})


def test_a_zone_offers_only_what_makes_sense(client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    add_gate(session, cast, "C1", zone="C")
    zone = zones.ensure_zone(cast.edition.id, "C", name_zh="论坛", name_en="Forum")
    session.commit()
    page = client.get(f"{E}/zones/{zone.id}").text
    assert 'value="once"' in page and 'value="timed"' in page and 'value="hard"' not in page
    form = {"name_zh": "论坛", "name_en": "Forum", "hall": "", "alarm_percent": "80", "period": "day", "capacity": "50"}
    refused = client.post(f"{E}/zones/{zone.id}", data={**form, "anti_passback": "hard"})
    assert refused.status_code == 422 and session.get_one(Zone, zone.id).anti_passback == "soft"
    assert client.post(f"{E}/zones/{zone.id}", data={**form, "anti_passback": "timed"}).status_code == 422  # minutes are missing
    add_gate(session, cast, "C2", zone="C", direction="exit")
    session.commit()
    assert client.post(f"{E}/zones/{zone.id}", data={**form, "anti_passback": "hard", "restricted": "y"}).status_code == 302
    session.expire_all()
    assert (zone.anti_passback, zone.capacity, zone.restricted, zone.auto_exit) == ("hard", 50, True, False)
    page = client.get(f"{E}/zones").text
    assert "Two devices can both admit a badge" in page or "两台设备可能放行同一胸卡" in page

    # The last way out of it may not go.
    gate = {"code": "C2", "name_zh": "出口", "name_en": "Exit", "zone": "C", "direction": "entry"}
    exit_gate = session.scalar(select(Gate).where(Gate.code == "C2"))
    assert client.post(f"{E}/gates/{exit_gate.id}", data=gate).status_code == 422
    for path in (f"{E}/zones/{zone.id + 999}", f"/e/fluid-2025/zones/{zone.id}", f"{E}/zones/{2**60}"):
        assert client.get(path).status_code == 404


def test_classes_and_times_of_a_zone_decide_at_the_gate(client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    zone = zones.find_zone(cast.edition.id, "show")
    url = f"{E}/zones/classes"
    assert client.post(url, data={}).status_code == 422  # nobody could enter
    assert client.post(url, data={f"zone-{zone.id}": ["buyer", "press"]}).status_code == 302
    assert send(client, cast.token, cast.code).json["reason"] == "wrong_zone"
    every = ["trade", "buyer", "press", "exhibitor"]
    assert client.post(url, data={f"zone-{zone.id}": every}).status_code == 302
    session.expire_all()
    assert zone.classes == []  # all ticked is everybody, later classes too
    windows = f"{E}/zones/{zone.id}/windows"
    day = cast.edition.starts_on.isoformat()
    good = {"class_code": "trade", "day": day, "opens_at": "09:30", "closes_at": "12:00"}
    assert client.post(windows, data=good).status_code == 302
    assert client.post(windows, data=good).status_code == 409
    for wrong in ({"closes_at": "09:00"}, {"day": "2030-01-01"}, {"class_code": "nobody"}, {"opens_at": "25:00"}, {"opens_at": ""}):
        assert client.post(windows, data={**good, **wrong}).status_code == 422, wrong
    session.expire_all()
    window = zone.windows[0].id
    rules = client.get("/api/gate/rules", headers={"Authorization": f"Bearer {cast.token}"})
    assert rules.status_code == 200 and "09:30" in rules.text
    again = client.get("/api/gate/rules", headers={"Authorization": f"Bearer {cast.token}", "If-None-Match": rules.headers["ETag"]})
    assert again.status_code == 304
    assert client.post(f"{windows}/{window}/remove").status_code == 302
    assert client.post(f"{windows}/{window}/remove").status_code == 404
    assert client.post(f"{E}/zones/{zone.id}/delete").status_code == 409  # a gate leads into it


def test_a_missing_number_is_named_and_a_device_says_what_it_lacks(client, session):
    cast = stage(session)
    for seq in (1, 2, 4, 5, 9):
        upload(client, cast.token, [decided(cast.code, seq, 60 - seq)])
    session.execute(update(Device).values(last_seq=12, queue_length=2, missing=5))
    session.commit()
    gaps = queries_devices.gaps_of(session.get_one(Device, cast.device.id))
    assert (gaps.shown, gaps.held, gaps.missing, gaps.lost) == (12, 5, 7, 5)
    assert gaps.ranges == ((3, 3), (6, 8), (10, 12))
    sign_in(client, cast.admin)
    page = client.get(f"{E}/gates/devices/{cast.device.id}").text
    assert "3, 6–8, 10–12" in page or "3、6–8、10–12" in page
    assert "6–8" in client.get(f"{E}/inbox/panel?tab=missing").text
    overview = client.get(f"{E}/devices").text
    assert cast.device.name in overview and ("0 of 1" in overview or "1 台设备中 0 台" in overview)
    session.execute(
        update(Device).values(missing=0, queue_length=0, seen_at=clock.now(), snapshot_version=9, snapshot_age_s=3)
    )
    session.commit()
    panel = client.get(f"{E}/devices/panel").text
    assert "Ready to open" in panel or "可以开馆" in panel


def test_a_wiped_device_is_told_and_pairing_makes_it_new(client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    assert client.post(f"{E}/gates/devices/{cast.device.id}/revoke", data={"wipe": "1"}).status_code == 302
    session.expire_all()
    assert cast.device.wipe and cast.device.revoked_at is not None
    told = client.get("/api/gate/snapshot", headers={"Authorization": f"Bearer {cast.token}"})
    assert (told.status_code, told.json["error"], told.headers.get("X-Expo-Wipe")) == (401, "device_revoked", "1")
    token = devices.new_pairing(cast.device)
    assert devices.pair(token) is not None
    session.commit()
    assert not session.get_one(Device, cast.device.id).wipe


def test_a_conflict_waits_in_the_inbox_until_somebody_settles_it(app, client, session):
    cast = stage(session, anti_passback="hard", code="N1")
    _other, second = add_device(session, cast, add_gate(session, cast, "N2", zone="show"))
    upload(client, cast.token, [decided(cast.code, 1, 30)])
    upload(client, second, [decided(cast.code, 1, 20)])
    sign_in(client, cast.admin)
    panel = client.get(f"{E}/inbox/panel").text
    assert "林晓" in panel and "N2" in panel
    assert ">1</span>" in client.get(f"{E}/badges").text  # beside the navigation's entry
    scan = session.scalar(select(Scan).where(Scan.conflict))
    page = client.get(f"{E}/inbox/conflicts/{scan.id}").text
    assert "N1" in page and "N2" in page
    url = f"{E}/inbox/conflicts/{scan.id}/resolve"
    assert client.post(url, data={"note": " "}).status_code == 422
    assert client.post(url, data={"note": "复制的证件", "block": "1"}).status_code == 302
    session.expire_all()
    assert session.scalar(select(ScanResolution.note)) == "复制的证件"
    assert session.get_one(Badge, cast.badge.id).state == "blocked"
    assert "林晓" not in client.get(f"{E}/inbox/panel").text and "复制的证件" in client.get(f"{E}/inbox?tab=settled").text
    assert client.post(url, data={"note": "again"}).status_code == 404
    assert client.post(f"/e/fluid-2025/inbox/conflicts/{scan.id}/resolve", data={"note": "again"}).status_code == 404
    reader = app.test_client()
    sign_in(reader, cast.reader)
    assert reader.get(f"{E}/inbox").status_code == 403 and "/inbox" not in reader.get(f"{E}/badges").text


def test_what_a_withdrawn_device_held_is_taken_or_left_out(client, session):
    cast = stage(session)
    devices.revoke(cast.device)
    session.commit()
    others = [badges.code_of(badges.issue_badge(register(session, cast, n))) for n in ("赵敏", "孙燕")]
    session.commit()
    sent = upload(client, cast.token, [decided(c, n + 1, 30 - n) for n, c in enumerate([cast.code, *others])])
    assert sent.status_code == 200
    sign_in(client, cast.admin)
    url = f"{E}/inbox/devices/{cast.device.id}"
    page = client.get(url).text
    assert "赵敏" in page and "孙燕" in page
    waiting = session.scalars(select(QuarantinedScan).order_by(QuarantinedScan.device_seq)).all()
    assert client.post(f"{url}/settle", data={"action": "accept"}).status_code == 422
    assert client.post(f"{url}/settle", data={"action": "eat", "all": "1"}).status_code == 422
    assert client.post(f"{url}/settle", data={"action": "refuse", "scan": [str(waiting[0].id), "x", "99999999"]}).status_code == 302
    assert client.post(f"{url}/settle", data={"action": "accept", "all": "1"}).status_code == 302
    session.expire_all()
    assert sorted(w.state for w in waiting) == ["accepted", "accepted", "refused"]
    assert session.query(Presence).count() == 2
    assert client.post(f"{url}/settle", data={"action": "accept", "all": "1"}).status_code == 409


def test_staff_annul_reset_and_check_in_by_hand(client, session):
    cast = stage(session, anti_passback="hard")
    sign_in(client, cast.admin)
    first = send(client, cast.token, cast.code).json
    url = f"{E}/scans/{first['scan_id']}"
    assert client.post(f"{url}/reset", data={"reason": "x"}).status_code == 422
    assert client.post(f"{url}/reset", data={"reason": "seen outside"}).status_code == 302
    assert client.post(f"{url}/reset", data={"reason": "seen outside"}).status_code == 409
    assert client.post(f"{url}/annul", data={"reason": "by mistake"}).status_code == 302
    assert client.post(f"{url}/annul", data={"reason": "by mistake"}).status_code == 409
    session.expire_all()
    assert not any(session.scalars(select(Presence.inside)))
    assert "林晓" in client.get(f"{E}/scans/manual?q=lx").text
    form = {"badge": cast.badge.id, "gate": cast.gate.id, "direction": "entry", "reason": "reader broken"}
    for wrong in ({"badge": ""}, {"gate": "x"}, {"direction": "up"}, {"reason": ""}, {"badge": 2**50}):
        assert client.post(f"{E}/scans/manual", data={**form, **wrong}).status_code == 422, wrong
    assert client.post(f"{E}/scans/manual", data=form).status_code == 302
    session.expire_all()
    manual = session.scalar(select(Scan).where(Scan.reason == "manual"))
    assert manual.override_by == cast.admin.id and "reader broken" in manual.override_reason
    assert session.scalars(select(Presence)).one().inside
    badges.block(cast.badge, "lost")
    session.commit()
    assert client.post(f"{E}/scans/manual", data=form).status_code == 409
    assert client.get(f"{E}/scans/manual?badge={2**50}").status_code == 404


def test_keys_are_rotated_and_denied_by_administrators_only(app, client, session):
    cast = stage(session)
    badges.print_one(cast.badge)
    session.commit()
    reader = app.test_client()
    sign_in(reader, cast.reader)
    assert reader.get(f"{E}/keys").status_code == 403
    assert reader.post(f"{E}/keys/introduce").status_code == 403
    sign_in(client, cast.admin)
    page = client.get(f"{E}/keys").text
    assert keys.fingerprint(session.scalars(select(SigningKey.public_hex)).one()) in page
    assert client.post(f"{E}/keys/introduce").status_code == 302
    assert client.post(f"{E}/keys/introduce").status_code == 409
    assert cast.device.name in client.get(f"{E}/keys").text  # it does not have the key yet
    assert client.post(f"{E}/keys/activate", data={"kid": "2"}).status_code == 409
    session.execute(update(Device).values(key_ids=[1, 2]))
    session.commit()
    assert client.post(f"{E}/keys/activate", data={"kid": "2"}).status_code == 302
    for kid in ("", "x", "99", "２"):
        assert client.post(f"{E}/keys/compromise", data={"kid": kid, "reason": "stolen"}).status_code == 422, kid
    assert client.post(f"{E}/keys/compromise", data={"kid": "1", "reason": " "}).status_code == 422
    assert client.post(f"{E}/keys/reissue", data={"kid": "1"}).status_code == 409  # not compromised
    assert client.post(f"{E}/keys/compromise", data={"kid": "1", "reason": "laptop stolen"}).status_code == 302
    assert client.post(f"{E}/keys/reissue", data={"kid": "1"}).status_code == 302
    assert client.post(f"{E}/keys/mode", data={"mode": "secret"}).status_code == 422
    assert client.post(f"{E}/keys/mode", data={"mode": "opaque"}).status_code == 302
    verbs = set(session.scalars(select(AuditEntry.action)))
    assert {"signing_key.create", "signing_key.activate", "signing_key.step_down", "signing_key.compromise", "badge.code_mode"} <= verbs
