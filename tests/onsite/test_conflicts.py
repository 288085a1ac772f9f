"""What devices decided without us: conflicts in every order of upload, annulments, resets, work by hand."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import threading
import uuid

import pytest
from sqlalchemy import delete, func, select, update

from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite import queries
from expo_crm.onsite.models import Device, Presence, Scan, ScanResolution
from expo_crm.onsite.services import badges, by_hand, conflicts, rebuild, zones
from tests.onsite.play import add_device, add_gate, register, scan_of, send, stage, upload

ADMIT = {"status": "admit", "reason": "ok"}


def ago(minutes: float) -> str:
    return (clock.now() - dt.timedelta(minutes=minutes)).isoformat()


def paired_long_ago(session) -> None:
    for device in session.scalars(select(Device)):
        device.paired_at = clock.now() - dt.timedelta(days=2)
        device.clock_offset_ms = 0
    session.commit()


def verdicts(session, uuids):
    found = dict(session.execute(select(Scan.client_uuid, Scan.server_verdict)).all())
    return [found[u] for u in uuids]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_three_offline_gates_in_every_order_of_upload(client, session, order):
    """The first admission stands, the two later ones are too many, whichever comes here first."""
    cast = stage(session, anti_passback="hard")
    tokens = [cast.token, *(add_device(session, cast, cast.gate)[1] for _ in range(2))]
    paired_long_ago(session)
    items = [scan_of(cast.code, decided=ADMIT, device_time=ago(30 - 10 * n), device_seq=1) for n in range(3)]
    for number in order:
        assert upload(client, tokens[number], [items[number]]).json["receipts"][0]["answer"]["status"] == "stored"
    assert verdicts(session, [i["client_uuid"] for i in items]) == ["agrees", "already_in", "already_in"]
    there = session.scalars(select(Presence)).one()
    assert (there.entries, there.duplicates, there.inside) == (3, 2, True)
    assert queries.duplicate_admissions(cast.edition.id) == 2
    assert [s.client_uuid for s in conflicts.list_open(cast.edition.id)] == [i["client_uuid"] for i in items[:0:-1]]
    assert rebuild.rebuild(cast.edition.id).differences == 0


def test_a_late_exit_takes_the_conflict_back(client, session):
    cast = stage(session, direction="both", anti_passback="hard")
    other = add_device(session, cast, cast.gate)[1]
    paired_long_ago(session)
    first, again = (scan_of(cast.code, decided=ADMIT, device_time=ago(m)) for m in (30, 10))
    upload(client, cast.token, [first, again])
    assert len(conflicts.list_open(cast.edition.id)) == 1
    upload(client, other, [scan_of(cast.code, decided=ADMIT, direction="exit", device_time=ago(20))])
    assert conflicts.list_open(cast.edition.id) == [] and queries.duplicate_admissions(cast.edition.id) == 0


def test_what_the_server_admitted_counts_before_a_queue(client, session):
    cast = stage(session, anti_passback="hard")
    other = add_device(session, cast, cast.gate)[1]
    paired_long_ago(session)
    send(client, cast.token, cast.code)
    early = upload(client, other, [scan_of(cast.code, decided=ADMIT, device_time=ago(5))]).json["receipts"][0]["answer"]
    assert (early["server_verdict"], early["conflict"]) == ("agrees", False)  # it was there before the server's
    there = session.scalars(select(Presence)).one()
    assert (there.entries, there.first_entry_at < clock.now() - dt.timedelta(minutes=4)) == (2, True)
    assert rebuild.rebuild(cast.edition.id).differences == 0


def test_a_conflict_is_closed_once_with_a_note(client, session):
    cast = stage(session)
    badges.block(cast.badge, "lost")
    session.commit()
    upload(client, cast.token, [scan_of(cast.code, decided=ADMIT)])
    [scan] = conflicts.list_open(cast.edition.id)
    assert scan.server_verdict == "blocked" and conflicts.find_open(cast.edition.id, scan.id) is scan
    with pytest.raises(conflicts.NoteMissing):
        conflicts.resolve(scan, " \u200b ", None)
    made = conflicts.resolve(scan, "Known to the desk", cast.admin.id)
    assert conflicts.resolve(scan, "Once more", cast.admin.id).id == made.id
    assert conflicts.list_open(cast.edition.id) == [] and conflicts.list_resolved(cast.edition.id) == [made]
    assert session.scalar(select(func.count()).select_from(ScanResolution)) == 1
    assert "scan.resolve" in set(session.scalars(select(AuditEntry.action)))


def annul(client, token, **body):
    body = {"client_uuid": str(uuid.uuid4()), "reason": "Wrong door", "by": "Wang", **body}
    return client.post("/api/gate/annul", json=body, headers={"Authorization": f"Bearer {token}"}, csrf=False)


def test_a_gate_annuls_its_own_admission_within_a_quarter_of_an_hour(client, session, monkeypatch):
    cast = stage(session, anti_passback="hard")
    admitted = send(client, cast.token, cast.code, device_seq=1).json
    key = str(uuid.uuid4())
    done = annul(client, cast.token, client_uuid=key, annuls=admitted["client_uuid"], device_seq=2)
    assert (done.status_code, done.json["status"], done.json["counts"]["inside"]) == (200, "annulled", 0)
    assert annul(client, cast.token, client_uuid=key, annuls=admitted["client_uuid"]).json["replayed"]
    session.expire_all()
    scan = session.get(Scan, admitted["scan_id"])
    assert scan.annulled and session.scalars(select(Presence)).all() == []
    assert queries.held(cast.device.id, cast.device.pairing_no, 2).missing == []
    assert annul(client, cast.token, scan_id=scan.id).json["error"] == "not_annullable_annulled"
    later = clock.now() + dt.timedelta(seconds=6)
    monkeypatch.setattr(clock, "now", lambda: later)
    again = send(client, cast.token, cast.code).json
    assert (again["status"], again["reason"]) == ("admit", "ok")  # as if the first had never been
    refused = send(client, cast.token, "NONSENSE!").json
    assert annul(client, cast.token, scan_id=refused["scan_id"]).json["error"] == "not_annullable_refused"
    assert annul(client, cast.token, scan_id=again["scan_id"], reason=" ").json["error"] == "reason_required"
    for wrong in ({"scan_id": 10**15}, {"annuls": str(uuid.uuid4())}):
        assert annul(client, cast.token, **wrong).status_code == 404
    for wrong in ({}, {"scan_id": -1}, {"annuls": "x"}, {"scan_id": True}, {"scan_id": 10**30}):
        assert annul(client, cast.token, **wrong).status_code == 400, wrong
    late = later + dt.timedelta(minutes=16)
    monkeypatch.setattr(clock, "now", lambda: late)
    assert annul(client, cast.token, scan_id=again["scan_id"]).json["error"] == "not_annullable_late"
    assert by_hand.annul(session.get(Scan, again["scan_id"]), "asked by phone", user_id=cast.admin.id).annuls_id
    assert rebuild.rebuild(cast.edition.id).differences == 0


def test_nobody_annuls_scan_after_scan(client, session, monkeypatch):
    cast = stage(session, anti_passback="off")
    monkeypatch.setattr(by_hand, "ANNULS_OF_DEVICE", 2)
    monkeypatch.setattr(by_hand, "ANNULS_OF_PERSON", 1)
    start, made, errors = clock.now(), [], []
    for number in range(3):
        monkeypatch.setattr(clock, "now", lambda n=number: start + dt.timedelta(seconds=10 * n))
        made.append(send(client, cast.token, cast.code).json["scan_id"])
        errors.append(annul(client, cast.token, scan_id=made[-1]).json.get("error"))
    assert errors == [None, None, "not_annullable_often"]
    assert by_hand.annul(session.get(Scan, made[2]), "the office looked", user_id=cast.admin.id).annuls_id
    monkeypatch.setattr(clock, "now", lambda: start + dt.timedelta(seconds=60))
    last = session.get(Scan, send(client, cast.token, cast.code).json["scan_id"])
    with pytest.raises(by_hand.NotAnnullable, match="often"):
        by_hand.annul(last, "again", user_id=cast.admin.id)
    monkeypatch.setattr(clock, "now", lambda: start + dt.timedelta(hours=2))
    assert by_hand.annul(last, "much later", user_id=cast.admin.id).annuls_id


def test_another_gate_annuls_nothing(client, session):
    cast = stage(session)
    south = add_gate(session, cast, "S1")
    _device, other = add_device(session, cast, south)
    admitted = send(client, cast.token, cast.code).json
    assert annul(client, other, scan_id=admitted["scan_id"]).status_code == 404
    kiosk = add_device(session, cast, cast.gate, "gate_kiosk")[1]
    assert annul(client, kiosk, scan_id=admitted["scan_id"]).status_code == 403


def test_an_annulled_admission_no_longer_stands_in_the_way_of_others(client, session):
    cast = stage(session, anti_passback="hard")
    other = add_device(session, cast, cast.gate)[1]
    paired_long_ago(session)
    first, second = (scan_of(cast.code, decided=ADMIT, device_time=ago(m)) for m in (9, 5))
    upload(client, cast.token, [first])
    upload(client, other, [second])
    [conflict] = conflicts.list_open(cast.edition.id)
    assert conflict.client_uuid == second["client_uuid"]
    by_hand.annul(session.scalars(select(Scan).where(Scan.client_uuid == first["client_uuid"])).one(), "a test")
    session.expire_all()
    assert conflicts.list_open(cast.edition.id) == [] and queries.duplicate_admissions(cast.edition.id) == 0
    assert session.scalars(select(Presence.entries)).one() == 1


def test_reset_and_check_in_by_hand_are_rows_with_a_person(client, session, monkeypatch):
    cast = stage(session, anti_passback="hard")
    with pytest.raises(by_hand.NotInside):
        by_hand.reset_inside(cast.badge, "show", "no exit was read", user_id=cast.desk.id)
    made = by_hand.check_in(cast.badge, cast.gate, "badge forgotten", user_id=cast.desk.id, by="Li")
    assert (made.decided_by, made.reason, made.override_by, made.override_reason) == (
        "staff", "manual", cast.desk.id, "badge forgotten — Li",
    )  # fmt: skip
    assert send(client, cast.token, cast.code).json["reason"] == "already_in"
    reset = by_hand.reset_inside(cast.badge, "show", "no exit was read", user_id=cast.desk.id)
    session.commit()
    there = session.scalars(select(Presence)).one()
    assert (reset.reason, there.entries, there.exits, there.inside) == ("reset", 1, 0, False)
    later = clock.now() + dt.timedelta(seconds=6)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert send(client, cast.token, cast.code).json["reason"] == "ok_reentry"
    today = clock.local_day(clock.now(), cast.edition.timezone)
    counts = queries.gate_counts(cast.edition.id, cast.gate.id, "show", today, cast.edition.timezone)
    assert counts == {"entries": 2, "exits": 0, "refused": 1, "inside": 1}
    assert "office" not in {d.profile for d in queries.list_devices(cast.edition.id)}
    assert rebuild.rebuild(cast.edition.id).differences == 0


def test_once_a_period_over_the_whole_show(client, session, monkeypatch):
    cast = stage(session, zone="congress", anti_passback="once", period="show", direction="both")
    assert send(client, cast.token, cast.code).json["reason"] == "ok"
    send(client, cast.token, cast.code, direction="exit")
    tomorrow = clock.now() + dt.timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert send(client, cast.token, cast.code).json["reason"] == "already_used"
    assert session.scalars(select(Presence.local_day)).all() == [cast.edition.starts_on]


def test_rules_of_zone_device_and_badge_refuse(client, session, monkeypatch):
    cast = stage(session, anti_passback="off")
    zone = zones.find_zone(cast.edition.id, "show")
    moments = iter(clock.now() + dt.timedelta(seconds=10 * n) for n in range(20))

    def reason():
        session.commit()
        moment = next(moments)
        monkeypatch.setattr(clock, "now", lambda: moment)
        return send(client, cast.token, cast.code).json["reason"]

    zone.classes = ["press"]
    assert reason() == "wrong_zone"
    zone.classes = []
    cast.device.zones = ["H1"]
    assert reason() == "device_not_allowed"
    cast.device.zones = ["show"]
    for hold in ("unpaid", "need_input"):
        cast.badge.hold = hold
        assert reason() == hold
    cast.badge.hold = ""
    zone.capacity = 1
    assert reason() == "ok"
    visitor = register(session, cast, "周一")
    cast.code = badges.code_of(badges.issue_badge(visitor))
    assert reason() == "capacity_full"
    zone.capacity = 2
    assert reason() == "ok"


def test_windows_of_a_class(client, session, monkeypatch):
    from expo_crm.onsite.models import AccessWindow

    cast = stage(session, anti_passback="off", any_time=False)
    zone = zones.find_zone(cast.edition.id, "show")
    zone.windows.append(
        AccessWindow(class_code="trade", day=dt.date(2026, 6, 8), opens_at=dt.time(13), closes_at=dt.time(15, 30))
    )
    session.commit()

    def at(*when):
        moment = dt.datetime(*when, tzinfo=cast.edition.zone).astimezone(dt.UTC)
        monkeypatch.setattr(clock, "now", lambda: moment)
        return send(client, cast.token, cast.code).json["reason"]

    assert at(2026, 6, 8, 12, 59) == "not_yet_valid"
    assert at(2026, 6, 8, 13, 0) == "ok"
    assert at(2026, 6, 8, 15, 30) == "expired"
    assert at(2026, 6, 9, 14, 0) == "wrong_day"


def test_rebuild_puts_right_whatever_was_tampered_with(client, session, runner):
    cast = stage(session, anti_passback="hard")
    other = add_device(session, cast, cast.gate)[1]
    paired_long_ago(session)
    first, second = (scan_of(cast.code, decided=ADMIT, device_time=ago(m)) for m in (9, 5))
    upload(client, cast.token, [first])
    upload(client, other, [second])
    lost = badges.issue_badge(register(session, cast, "周一"))
    session.commit()
    send(client, cast.token, badges.code_of(lost))
    annulled = send(client, cast.token, badges.code_of(badges.issue_badge(register(session, cast, "吴二")))).json[
        "scan_id"
    ]
    by_hand.annul(session.get(Scan, annulled), "a test")
    session.commit()
    session.execute(update(Presence).where(Presence.badge_id == cast.badge.id).values(entries=7))
    session.execute(delete(Presence).where(Presence.badge_id == lost.id))
    session.execute(
        update(Scan).where(Scan.client_uuid == second["client_uuid"]).values(conflict=False, server_verdict="agrees")
    )
    session.execute(update(Scan).where(Scan.id == annulled).values(annulled=False))
    session.commit()
    found = rebuild.rebuild(cast.edition.id)
    assert (found.rows, found.missing, found.different, found.surplus, found.verdicts) == (2, 1, 1, 0, 2)
    session.commit()
    assert rebuild.rebuild(cast.edition.id).differences == 0
    assert session.scalars(select(Presence.entries).where(Presence.badge_id == cast.badge.id)).one() == 2
    said = runner.invoke(args=["onsite", "rebuild", "--edition", cast.edition.slug])
    assert said.exit_code == 0 and "0 different" in said.output
    assert runner.invoke(args=["onsite", "rebuild", "--edition", "nothing"]).exit_code != 0


def test_queues_and_live_gates_at_once_leave_presence_equal_to_the_log(app, client, session):
    cast = stage(session, anti_passback="hard", direction="both")
    tokens = [cast.token, *(add_device(session, cast, cast.gate)[1] for _ in range(3))]
    codes = [cast.code, *(badges.code_of(badges.issue_badge(register(session, cast, f"观众{n}"))) for n in range(5))]
    paired_long_ago(session)
    edition_id = cast.edition.id
    session.remove()
    answers: list[int] = []

    def run(number: int) -> None:
        own, rng = app.test_client(), random.Random(number)
        for turn in range(6):
            if number < 2:
                items = [
                    scan_of(
                        rng.choice(codes),
                        decided=ADMIT,
                        direction=rng.choice(["entry", "exit"]),
                        device_time=ago(rng.randrange(90)),
                    )
                    for _ in range(12)
                ]
                answers.append(upload(own, tokens[number], items).status_code)
            else:
                answers.append(
                    send(
                        own, tokens[number], codes[turn % len(codes)], direction=rng.choice(["entry", "exit"])
                    ).status_code
                )

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 24
    with app.app_context():
        assert rebuild.rebuild(edition_id).differences == 0
        db.session.rollback()
