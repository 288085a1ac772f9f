"""What a gate is answered, and what is stored."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

from sqlalchemy import event, func, select

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite import queries, queries_live
from expo_crm.onsite.models import Presence, Scan
from expo_crm.onsite.services import badges, devices, pace, rebuild
from tests.onsite.play import add_device, add_gate, register, scan_of, send, stage, upload
from tests.support.cast import sign_in


def count(session, model, *where):
    return session.scalar(select(func.count()).select_from(model).where(*where))


def test_a_good_badge_is_admitted_once_and_shows_no_name(client, session):
    cast = stage(session)
    answer = send(client, cast.token, cast.code)
    assert answer.status_code == 200
    body = answer.json
    assert (body["status"], body["reason"], body["direction"], body["replayed"]) == ("admit", "ok", "entry", False)
    assert body["holder"]["initials"] == "L. X." and body["holder"]["class"]["code"] == "trade"
    assert "林晓" not in answer.text and "禾川" not in answer.text
    scan = session.scalars(select(Scan)).one()
    assert (scan.badge_id, scan.decision, scan.decided_by, scan.zone) == (cast.badge.id, "admit", "server", "show")
    assert cast.code not in {str(v) for v in vars(scan).values()}
    presence = session.scalars(select(Presence)).one()
    assert (presence.entries, presence.exits, presence.inside, presence.first_gate_id) == (1, 0, True, cast.gate.id)


def test_the_same_number_again_gets_the_first_answer_and_another_content_is_refused(client, session):
    cast = stage(session, anti_passback="hard")
    key = str(uuid.uuid4())
    first = send(client, cast.token, cast.code, client_uuid=key).json
    again = send(client, cast.token, cast.code, client_uuid=key.upper()).json
    assert again["replayed"] and (again["scan_id"], again["status"]) == (first["scan_id"], "admit")
    other = send(client, cast.token, "HELLO", client_uuid=key)
    assert (other.status_code, other.json["error"]) == (422, "uuid_reused")
    assert count(session, Scan) == 1 and session.scalars(select(Presence.entries)).one() == 1


def test_a_quick_second_reading_repeats_the_first_answer(client, session, monkeypatch):
    cast = stage(session, anti_passback="hard")
    first = send(client, cast.token, cast.code).json
    second = send(client, cast.token, cast.code).json
    assert second["repeat"] and second["status"] == "admit" and second["scan_id"] == first["scan_id"]
    later = clock.now() + dt.timedelta(seconds=6)
    monkeypatch.setattr(clock, "now", lambda: later)
    third = send(client, cast.token, cast.code).json
    assert (third["status"], third["reason"], third["repeat"]) == ("deny", "already_in", False)
    rows = session.scalars(select(Scan).order_by(Scan.id)).all()
    assert [r.decision for r in rows] == ["admit", "void", "deny"] and rows[1].repeat_of_id == rows[0].id
    assert session.scalars(select(Presence.entries)).one() == 1


def test_what_a_queue_brings_is_no_first_reading_of_what_is_read_now(client, session):
    cast = stage(session, anti_passback="hard")
    cast.device.paired_at -= dt.timedelta(days=1)
    session.commit()
    for reason, ago in (("already_in", 600), ("internal", 1)):
        at = (clock.now() - dt.timedelta(seconds=ago)).isoformat()
        item = scan_of(cast.code, decided={"status": "deny", "reason": reason}, device_time=at)
        assert upload(client, cast.token, [item]).json["receipts"][0]["ok"]
    now = send(client, cast.token, cast.code).json
    assert (now["status"], now["repeat"]) == ("admit", False)


def test_two_doors_never_admit_one_more_than_there_is_room_for(app, session):
    cast = stage(session, capacity=4)
    tokens = [cast.token] + [add_device(session, cast, cast.gate)[1] for _ in range(7)]
    codes = []
    for number in range(16):
        badge = badges.issue_badge(register(session, cast, f"访客{number}"))
        badge.printed_at = clock.now()
        session.flush()
        codes.append(badges.code_of(badge))
    session.commit()
    session.remove()
    answers, barrier = [], threading.Barrier(8)

    def run(number):
        client = app.test_client()
        barrier.wait()
        answers.extend(send(client, tokens[number], code).json["reason"] for code in codes[number::8])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["capacity_full"] * 12 + ["ok"] * 4


def test_fifty_gates_at_once_admit_a_badge_once(app, session):
    cast = stage(session, anti_passback="hard")
    tokens = [cast.token] + [add_device(session, cast, cast.gate)[1] for _ in range(9)]
    session.remove()
    answers, lock = [], threading.Lock()

    def run(number):
        client = app.test_client()
        for _ in range(5):
            response = send(client, tokens[number], cast.code)
            with lock:
                answers.append((response.status_code, response.json.get("reason")))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _reason in answers} == {200} and len(answers) == 50
    with app.app_context():
        assert count(db.session, Scan, Scan.decision == "admit") == 1
        assert db.session.scalars(select(Presence.entries)).one() == 1
        assert set(db.session.scalars(select(Scan.reason))) == {"ok", "already_in", "repeat"}
        assert count(db.session, Scan) == 50


FOREIGN = [
    ("", "malformed"),
    ("A", "malformed"),
    ("A" * 10_000, "malformed"),
    ("' OR 1=1--", "unknown"),
    ("%00", "unknown"),
    ("../../etc/passwd", "unknown"),
    ('{"a": 1}', "unknown"),
    ("__proto__", "unknown"),
    ("\ud800", "unknown"),
    ("\x00", "malformed"),
    ("https://example.com/pay", "unknown"),
    ("BEGIN:VCARD", "unknown"),
]


def test_foreign_codes_are_refused_and_kept_without_their_text(client, session):
    cast = stage(session)
    for text, reason in FOREIGN:
        answer = send(client, cast.token, text)
        assert (answer.status_code, answer.json["status"], answer.json["reason"]) == (200, "deny", reason), text
        assert answer.json["holder"] is None
    rows = session.scalars(select(Scan)).all()
    assert {(r.badge_id, r.decision, len(r.code_hash)) for r in rows} == {(None, "deny", 64)} and len(rows) == len(
        FOREIGN
    )


def test_scanner_additions_are_cleaned(client, session):
    cast = stage(session, anti_passback="off")
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in cast.code)
    for text in (f"]Q1{cast.code}\r", f"\\000026{cast.code}\t\n", cast.code.lower(), wide):
        assert send(client, cast.token, text).json["status"] == "admit", text
    assert len(set(session.scalars(select(Scan.code_hash)))) == 1


def test_states_of_badge_and_registration_refuse(client, session, monkeypatch):
    cast = stage(session, anti_passback="off")
    moments = iter(clock.now() + dt.timedelta(seconds=10 * n) for n in range(20))

    def reason():
        moment = next(moments)
        monkeypatch.setattr(clock, "now", lambda: moment)
        return send(client, cast.token, cast.code).json["reason"]

    badges.block(cast.badge, "lost")
    assert reason() == "blocked"
    badges.unblock(cast.badge, "found")
    cast.registration.state = "in_review"
    assert reason() == "pending_approval"
    cast.registration.state = "cancelled"
    assert reason() == "cancelled"
    cast.registration.state = "approved"
    badges.reprint(cast.badge, "torn")
    assert reason() == "replaced"
    fresh = badges.code_of(cast.badge)
    assert send(client, cast.token, fresh).json["status"] == "admit"  # at once after the old print was refused
    badges.revoke(cast.badge, "misuse")
    cast.code = fresh
    assert reason() == "revoked"


def test_another_edition_and_a_forged_signature(client, session):
    cast = stage(session)
    old = register(session, cast, "旧人")
    old.edition_id = cast.previous.id
    session.flush()
    foreign = badges.code_of(badges.issue_badge(old))
    answer = send(client, cast.token, foreign).json
    assert (answer["reason"], answer["holder"]) == ("wrong_show", None)
    forged = cast.code[:60] + ("A" if cast.code[60] != "A" else "B") + cast.code[61:]
    assert send(client, cast.token, forged).json["reason"] == "bad_signature"


def test_a_ticket_admits_until_the_badge_is_printed(client, session):
    cast = stage(session, anti_passback="off")
    visitor = register(session, cast, "赵敏")
    ticket = badges.ticket_code(visitor)
    assert send(client, cast.token, ticket).json["status"] == "admit"
    badges.print_one(badges.issue_badge(visitor))
    session.commit()
    other = add_device(session, cast, cast.gate)[1]
    assert send(client, other, ticket).json["reason"] == "wrong_purpose"


def test_a_gate_keeps_days_hours_and_classes(client, session, monkeypatch):
    cast = stage(session, any_time=False, classes=["trade"])
    zone = cast.edition.zone

    def at(*when):
        moment = dt.datetime(*when, tzinfo=zone).astimezone(dt.UTC)
        monkeypatch.setattr(clock, "now", lambda: moment)
        return send(client, cast.token, cast.code).json["reason"]

    assert at(2026, 6, 8, 12) == "not_yet_valid"
    assert at(2026, 6, 9, 7, 30) == "not_yet_valid"
    assert at(2026, 6, 9, 8, 1) == "ok"
    assert at(2026, 6, 9, 17, 0) == "expired"
    assert at(2026, 6, 12, 12) == "expired"
    cast.gate.classes = ["press"]
    assert at(2026, 6, 10, 12) == "wrong_zone"


def test_exit_and_both_directions(client, session):
    cast = stage(session, direction="both")
    out = send(client, cast.token, cast.code, direction="exit").json
    assert (out["status"], out["reason"], out["direction"]) == ("admit_attention", "exit_without_entry", "exit")
    assert send(client, cast.token, cast.code, direction="entry").json["reason"] == "ok"
    presence = session.scalars(select(Presence)).one()
    assert (presence.entries, presence.exits, presence.inside) == (1, 1, True)


BROKEN = [
    "",
    "[]",
    "null",
    "{",
    '{"client_uuid": 1, "code": "A"}',
    '{"client_uuid": "x", "code": "A"}',
    '{"client_uuid": "00000000-0000-4000-8000-000000000000"}',
    '{"client_uuid": "00000000-0000-4000-8000-000000000000", "code": {}}',
    '{"client_uuid": "00000000-0000-4000-8000-000000000000", "code": "A", "code": "B"}',
    '{"client_uuid": "00000000-0000-4000-8000-000000000000", "code": "A", "device_seq": NaN}',
    '{"client_uuid": "00000000-0000-4000-8000-000000000000", "code": "A", "device_seq": 1e400}',
    '{"client_uuid": "00000000-0000-4000-8000-000000000000", "code": "A", "device_seq": true}',
    '{"client_uuid": "00000000-0000-4000-8000-000000000000", "code": "A", "device_seq": -1}',
    '{"client_uuid": "00000000-0000-4000-8000-000000000000", "code": "A", "direction": "sideways"}',
    "[" * 10_000,
    '{"a":' * 6_000,
]


def test_a_broken_request_is_told_so_and_stores_nothing(client, session):
    cast = stage(session)
    head = {"Authorization": f"Bearer {cast.token}"}
    for body in BROKEN:
        answer = client.post("/api/gate/scan", data=body, content_type="application/json", headers=head)
        assert (answer.status_code, answer.json["error"]) == (400, "schema"), body[:80]
    assert count(session, Scan) == 0


def test_transport_limits(client, session):
    cast = stage(session)
    head = {"Authorization": f"Bearer {cast.token}"}
    assert client.post("/api/gate/scan", data="{}", content_type="text/plain", headers=head).status_code == 415
    assert (
        client.post(
            "/api/gate/scan", data="{}", content_type="application/json; charset=utf-7", headers=head
        ).status_code
        == 415
    )
    assert send(client, cast.token, "A" * 1_000_000).status_code == 413
    assert upload(client, cast.token, [{}] * 501).status_code == 400
    assert client.get("/api/gate/scan", headers=head).status_code == 405


CLOCKS = [
    "1970-01-01T00:00:00Z",
    "2106-02-07T06:28:16Z",
    "2026-03-29T02:30:00",
    "NaN",
    "24:00",
    5,
    [],
    "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00",
]


def test_no_clock_keeps_a_scan_out(client, session):
    cast = stage(session)
    items = [scan_of(cast.code, device_time=when, decided={"status": "admit", "reason": "ok"}) for when in CLOCKS]
    receipts = upload(client, cast.token, items).json["receipts"]
    assert [r["ok"] and r["answer"]["status"] for r in receipts] == ["stored"] * len(CLOCKS)
    rows = session.scalars(select(Scan)).all()
    assert all(r.clock_suspect and r.corrected_at <= r.received_at for r in rows) and len(rows) == len(CLOCKS)


def test_devices_are_told_when_unknown_or_revoked(client, session):
    cast = stage(session)
    assert client.get("/api/gate/state").json["error"] == "device_unknown"
    assert send(client, "wrong", cast.code).status_code == 401
    devices.revoke(cast.device)
    answer = send(client, cast.token, cast.code)
    assert (answer.status_code, answer.json["error"]) == (401, "device_revoked")
    assert count(session, Scan) == 0
    lead = add_device(session, cast, cast.gate, "lead")[1]
    assert send(client, lead, cast.code).status_code == 403


def test_a_device_wins_over_a_staff_session_and_staff_cannot_scan(client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    assert send(client, cast.token, cast.code).status_code == 200
    assert client.post("/api/gate/scan", json=scan_of(cast.code)).status_code == 401


def test_pairing_works_once_and_only_for_a_while(session, monkeypatch):
    cast = stage(session)
    token = devices.new_pairing(cast.device)
    assert devices.find_pairing(token).id == cast.device.id
    assert devices.pair(token) is not None
    assert devices.pair(token) is None and devices.find_pairing(token) is None
    late = devices.new_pairing(cast.device)
    after = clock.now() + dt.timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: after)
    assert devices.pair(late) is None


def test_an_unattended_screen_shows_no_initials(client, session):
    cast = stage(session)
    token = add_device(session, cast, cast.gate, "gate_kiosk")[1]
    holder = send(client, token, cast.code).json["holder"]
    assert holder["initials"] is None and holder["company"] is None and holder["class"]["code"] == "trade"


def test_override_needs_a_reason_and_an_overridable_refusal(client, session):
    cast = stage(session, anti_passback="hard")
    send(client, cast.token, cast.code)
    _device, other = add_device(session, cast, cast.gate)
    refused = send(client, other, cast.code).json
    assert refused["overridable"] and refused["reason"] == "already_in"

    def ask(token, **body):
        body = {
            "client_uuid": str(uuid.uuid4()),
            "scan_id": refused["scan_id"],
            "reason": "Came back from the car",
            "by": "Wang",
            **body,
        }
        return client.post("/api/gate/override", json=body, headers={"Authorization": f"Bearer {token}"}, csrf=False)

    assert ask(other, reason=" ").json["error"] == "reason_required"
    assert ask(cast.token).status_code == 404
    key = str(uuid.uuid4())
    made = ask(other, client_uuid=key)
    assert (made.json["status"], made.json["reason"], made.json["replayed"]) == ("admit_attention", "override", False)
    assert ask(other, client_uuid=key).json["replayed"]
    row = session.get(Scan, made.json["scan_id"])
    assert row.decided_by == "staff" and "Came back" in row.override_reason and "Wang" in row.override_reason
    assert session.scalars(select(Presence.entries)).one() == 2
    unknown = send(client, other, "NOTHING").json
    assert not unknown["overridable"] and ask(other, scan_id=unknown["scan_id"]).json["error"] == "not_overridable"


def test_a_batch_stores_all_but_the_bad_item(client, session):
    cast = stage(session)
    good = [
        scan_of(cast.code if i == 0 else f"X{i}", decided={"status": "deny", "reason": "unknown"}) for i in range(20)
    ]
    items = [*good[:10], {"client_uuid": "nonsense"}, 7, *good[10:], good[0]]
    answer = upload(client, cast.token, items).json
    receipts = answer["receipts"]
    assert [r["index"] for r in receipts] == list(range(23))
    assert [r["ok"] for r in receipts] == [True] * 10 + [False] * 2 + [True] * 11
    assert receipts[-1]["answer"]["replayed"] and count(session, Scan) == 20
    again = upload(client, cast.token, items).json["receipts"]
    assert all(r["answer"]["replayed"] for r in again if r["ok"]) and count(session, Scan) == 20


def test_an_offline_admission_stands_and_the_difference_is_marked(client, session):
    cast = stage(session, anti_passback="hard")
    badges.block(cast.badge, "lost")
    admit = {"status": "admit", "reason": "ok"}
    receipt = upload(client, cast.token, [scan_of(cast.code, decided=admit)]).json["receipts"][0]["answer"]
    assert (receipt["status"], receipt["server_verdict"], receipt["conflict"]) == ("stored", "blocked", True)
    scan = session.scalars(select(Scan)).one()
    assert (scan.decision, scan.decided_by, scan.conflict) == ("admit", "device", True)
    assert session.scalars(select(Presence.entries)).one() == 1


def test_a_late_answer_keeps_the_servers_decision_and_notes_the_devices(client, session):
    cast = stage(session)
    badges.block(cast.badge, "lost")
    item = scan_of(cast.code)
    assert send(client, cast.token, item["code"], client_uuid=item["client_uuid"]).json["reason"] == "blocked"
    late = upload(client, cast.token, [{**item, "decided": {"status": "admit", "reason": "ok"}}]).json["receipts"][0][
        "answer"
    ]
    assert late["replayed"] and late["conflict"] and late["status"] == "deny"
    scan = session.scalars(select(Scan)).one()
    assert (scan.decision, scan.device_verdict, scan.conflict) == ("deny", "ok", True)
    assert count(session, Presence) == 0


def test_figures_equal_the_log_and_rebuild_finds_nothing(client, session, runner):
    cast = stage(session, direction="both", anti_passback="off")
    codes = [cast.code] + [
        badges.code_of(
            badges.issue_badge(
                register(session, cast, name, class_id=cast.class_press.id if name == "记者" else cast.class_trade.id)
            )
        )
        for name in ("周一", "吴二", "记者")
    ]
    for code in codes:
        send(client, cast.token, code, direction="entry")
    send(client, cast.token, codes[1], direction="exit")
    send(client, cast.token, "nonsense!")
    today = clock.local_day(clock.now(), cast.edition.timezone)
    live = queries_live.live(cast.edition, today)
    assert (live.today.visitors, live.today.entries, live.today.inside) == (3, 3, 2)  # the press does not count
    assert live.edition.entries == 3 and live.refused == [("unknown", 1)]
    assert [(g.entries, g.exits, g.refused) for g in live.gates] == [(4, 1, 1)]
    assert sum(live.total_per_slot) == 4
    assert session.scalar(select(func.count()).where(queries.attended(cast.registration.id))) == 1
    assert rebuild.rebuild(cast.edition.id).differences == 0
    session.execute(Presence.__table__.update().values(entries=9))
    session.commit()
    result = runner.invoke(args=["onsite", "rebuild"])
    assert result.exit_code == 0 and "4" in result.output, result.output
    session.expire_all()
    assert set(session.scalars(select(Presence.entries))) == {1}


def test_the_number_of_statements_is_constant(client, session):
    cast = stage(session, anti_passback="hard")
    other = add_device(session, cast, cast.gate)[1]

    def statements(token, code):
        seen = []

        def note(conn, cursor, statement, *_):
            seen.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        send(client, token, code)
        event.remove(db.engine, "before_cursor_execute", note)
        return len([s for s in seen if not s.startswith(("SAVEPOINT", "RELEASE", "BEGIN"))])

    send(client, cast.token, cast.code)  # keys are read once per process
    few = statements(other, cast.code)
    for number in range(30):
        visitor = badges.code_of(badges.issue_badge(register(session, cast, f"观众{number}")))
        session.commit()
        pace._saved.clear()  # nobody scans thirty badges at once
        last = statements(cast.token, visitor)
    # Device, context, log; presence goes with the log on PostgreSQL.
    assert (few, last) == ((3, 3) if db.engine.dialect.name == "postgresql" else (3, 4))


def test_state_heartbeat_and_choosing_a_gate(client, session):
    cast = stage(session)
    south = add_gate(session, cast, "S1", name_zh="南入口", name_en="South gate")
    session.commit()
    head = {"Authorization": f"Bearer {cast.token}"}
    send(client, cast.token, cast.code, device_seq=5)
    state = client.get("/api/gate/state", headers=head).json
    assert state["gate"]["code"] == "N1" and state["counts"] == {"entries": 1, "exits": 0, "refused": 0, "inside": 1}
    moved = client.post("/api/gate/choose", json={"gate_id": south.id}, headers=head).json
    assert moved["gate"]["code"] == "S1"
    assert client.post("/api/gate/choose", json={"gate_id": 10**30}, headers=head).status_code == 400
    assert client.post("/api/gate/choose", json={"gate_id": 999}, headers=head).status_code == 422
    behind = (clock.now() - dt.timedelta(days=20_000)).isoformat()
    beat = client.post(
        "/api/gate/heartbeat", json={"device_time": behind, "queue": 3, "version": "1"}, headers=head
    ).json
    assert beat["held_seq"] == 5 and beat["offset_ms"] > 10**9
    assert client.post("/api/gate/heartbeat", json={"queue": -1}, headers=head).status_code == 400
