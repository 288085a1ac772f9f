"""A withdrawn device: its queue is kept, counts for nothing, and enters the log when somebody accepts it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select

from expo_crm.lib import clock
from expo_crm.onsite import queries
from expo_crm.onsite.models import Presence, QuarantinedScan, Scan
from expo_crm.onsite.services import devices, quarantine, rebuild
from tests.onsite.play import add_device, scan_of, send, stage, upload

ADMIT = {"status": "admit", "reason": "ok"}


def rows(session, model) -> int:
    return session.scalar(select(func.count()).select_from(model))


def test_the_queue_of_a_withdrawn_device_waits_and_is_accepted(client, session):
    cast = stage(session, anti_passback="hard")
    cast.device.paired_at = clock.now() - dt.timedelta(days=1)
    cast.device.clock_offset_ms = 0
    before = send(client, cast.token, cast.code, device_seq=1).json
    at = clock.now() - dt.timedelta(hours=1)
    devices.revoke(cast.device)
    cast.device.wipe = True
    session.commit()
    items = [
        scan_of(cast.code, decided=ADMIT, device_seq=2, device_time=at.isoformat()),
        scan_of("NONSENSE!", decided={"status": "deny", "reason": "unknown"}, device_seq=3),
        {"client_uuid": "x"},
        {**scan_of(cast.code), "client_uuid": before["client_uuid"]},
    ]
    answer = upload(client, cast.token, items)
    assert answer.status_code == 200 and answer.headers["X-Expo-Wipe"] == "1"
    receipts = answer.json["receipts"]
    assert [r["ok"] for r in receipts] == [True, True, False, True]
    assert [r["answer"]["replayed"] for r in receipts if r["ok"]] == [False, False, True]
    again = upload(client, cast.token, items).json["receipts"]
    assert all(r["answer"] == {"status": "quarantined", "replayed": True} for r in again if r["ok"])
    assert (rows(session, QuarantinedScan), rows(session, Scan)) == (2, 1)
    assert session.scalars(select(Presence.entries)).one() == 1
    assert queries.held(cast.device.id, cast.device.pairing_no, 3).missing_count == 0
    waiting = quarantine.list_waiting(cast.edition.id)
    assert [w.badge_id for w in waiting] == [cast.badge.id, None] and quarantine.count_waiting(cast.edition.id) == 2
    assert cast.code not in str([w.item for w in waiting])
    send_one = client.post(
        "/api/gate/heartbeat", json={}, headers={"Authorization": f"Bearer {cast.token}"}, csrf=False
    )
    assert (send_one.status_code, send_one.json["error"], send_one.headers["X-Expo-Wipe"]) == (
        401,
        "device_revoked",
        "1",
    )

    assert quarantine.accept(cast.edition.id, [w.id for w in waiting], cast.admin.id) == 2
    assert quarantine.accept(cast.edition.id, [w.id for w in waiting], cast.admin.id) == 0
    session.commit()
    accepted = session.scalars(select(Scan).where(Scan.client_uuid == items[0]["client_uuid"])).one()
    assert (accepted.corrected_at, accepted.decided_by, accepted.server_verdict) == (at, "device", "agrees")
    there = session.scalars(select(Presence)).one()
    assert (there.entries, there.first_entry_at) == (2, at)
    assert rebuild.rebuild(cast.edition.id).differences == 0
    assert queries.held(cast.device.id, cast.device.pairing_no, 3).missing_count == 0


def test_refused_scans_stay_out(client, session):
    cast = stage(session)
    devices.revoke(cast.device)
    session.commit()
    upload(client, cast.token, [scan_of(cast.code, decided=ADMIT)])
    [waiting] = quarantine.list_waiting(cast.edition.id)
    assert quarantine.refuse(cast.previous.id, [waiting.id], None) == 0  # another edition's
    assert quarantine.refuse(cast.edition.id, [waiting.id], cast.admin.id) == 1
    assert waiting.state == "refused" and rows(session, Scan) == 0
    assert quarantine.accept(cast.edition.id, [waiting.id], cast.admin.id) == 0


def test_only_the_queue_is_let_through(client, session):
    cast = stage(session)
    lead = add_device(session, cast, cast.gate, "lead")[1]
    assert upload(client, lead, [scan_of(cast.code, decided=ADMIT)]).status_code == 403
    devices.revoke(cast.device)
    session.commit()
    assert send(client, cast.token, cast.code).status_code == 401
    assert rows(session, QuarantinedScan) == 0
