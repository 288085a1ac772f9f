"""What a device takes along: the feed of changes, the signed snapshot, and who may have it."""

from __future__ import annotations

import gzip
import hashlib
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import update

from expo_crm.lib import clock
from expo_crm.onsite import queries_presence
from expo_crm.onsite.domain.badge_code import Purpose
from expo_crm.onsite.models import Badge, BadgeSetup, Scan, SigningKey
from expo_crm.onsite.services import badges, by_hand, feed, keys, opaque, reissue, snapshots
from expo_crm.visitors.services import registrations
from tests.onsite.play import add_device, add_gate, register, scan_of, send, stage, upload


def get(client, token, path):
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


def signature_holds(manifest, public_hex):
    body = {k: v for k, v in manifest.items() if k != "signature"}
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_hex)).verify(
            bytes.fromhex(manifest["signature"]), snapshots.SIGNED + snapshots.canonical(body)
        )
    except InvalidSignature:
        return False
    return True


def test_every_change_that_a_device_must_know_raises_the_version_once(app, session):
    cast = stage(session)
    badge, registration = cast.badge, cast.registration
    seen = feed.version(cast.edition.id)
    assert seen > 0 and session.get(Badge, badge.id).feed_version in {0, seen}

    def step(change):
        nonlocal seen
        change()
        session.commit()
        session.expire_all()
        now = feed.version(cast.edition.id)
        assert (now, session.get_one(Badge, badge.id).feed_version) == (seen + 1, seen + 1), change
        seen = now

    step(lambda: badges.block(badge, "lost"))
    step(lambda: badges.unblock(badge, "found"))
    step(lambda: badges.set_hold(badge, "unpaid", "invoice open"))
    row = snapshots.changes(cast.edition.id, cast.show.id, seen - 1)["rows"][0]
    assert row[4] & snapshots.HOLDS["unpaid"]
    step(lambda: badges.set_hold(badge, "", "paid"))
    step(lambda: badges.print_one(badge))
    step(lambda: badges.print_many(cast.edition, [badge.id]))
    step(lambda: badges.reprint(badge, "torn"))
    step(lambda: registrations.change_class(registration, cast.class_buyer))
    step(lambda: registrations.correct(registration, name="林小晓"))
    step(lambda: registrations.decide(registration, "cancelled", reason="ill", mail=False))
    step(lambda: badges.revoke(badge, "misused"))
    badges.refresh(badge)  # nothing new
    session.commit()
    assert feed.version(cast.edition.id) == seen
    badges.block(badges.issue_badge(register(session, cast, "周舟")), "x")
    session.rollback()
    session.commit()
    assert feed.version(cast.edition.id) == seen  # what was taken back is not told


def test_a_snapshot_is_signed_and_its_chunks_are_what_it_says(client, session, monkeypatch):
    monkeypatch.setattr(snapshots, "CHUNK_ROWS", 2)
    monkeypatch.setattr(snapshots, "READ_AHEAD", 2)
    cast = stage(session)
    for name in ("Ada Lovelace", "赵敏", "孙燕", "李雷"):
        badges.issue_badge(register(session, cast, name, "禾川泵业", locale="en" if name.isascii() else "zh"))
    badges.block(cast.badge, "lost")
    session.commit()
    answer = get(client, cast.token, "/api/gate/snapshot")
    assert answer.status_code == 200
    manifest = answer.json
    assert manifest["count"] == 5 and [c["count"] for c in manifest["chunks"]] == [2, 2, 1]
    assert manifest["version"] == feed.version(cast.edition.id) and manifest["edition_id"] == cast.edition.id
    key = manifest["keys"][0]
    assert key["state"] == "active" and signature_holds(manifest, key["public_hex"])
    for field, value in (("version", 1), ("count", 4), ("sha256", "0" * 64), ("keys", []), ("edition_id", 99)):
        assert not signature_holds(manifest | {field: value}, key["public_hex"])
    other = keys.Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    assert not signature_holds(manifest, other)

    rows, hashes = [], []
    for chunk in manifest["chunks"]:
        found = get(client, cast.token, chunk["url"])
        plain = gzip.decompress(found.data) if found.headers.get("Content-Encoding") == "gzip" else found.data
        assert len(plain) == chunk["bytes"] and hashlib.sha256(plain).hexdigest() == chunk["sha256"]
        assert "immutable" in found.headers["Cache-Control"] and "private" in found.headers["Cache-Control"]
        hashes.append(chunk["sha256"])
        rows += json.loads(plain)
        assert b"Lovelace" not in plain and "赵敏".encode() not in plain and "禾川".encode() not in plain
    assert hashlib.sha256("\n".join(hashes).encode()).hexdigest() == manifest["sha256"]
    mine = hashlib.sha256(bytes.fromhex(cast.badge.serial)).hexdigest()[:16]
    assert rows[0] == [mine, cast.class_trade.id, 2, 1, 1, "L. X.", 0]
    assert rows[1][5:] == ["A. L.", 1]
    assert cast.badge.serial not in json.dumps(rows)
    assert {c["index"]: c["code"] for c in manifest["classes"]}[cast.class_trade.id] == "trade"


def test_changes_follow_the_snapshot_and_say_when_they_do_not_reach(client, session, monkeypatch):
    cast = stage(session)
    start = get(client, cast.token, "/api/gate/snapshot").json
    none = get(client, cast.token, f"/api/gate/changes?since={start['version']}").json
    assert (none["rows"], none["full"], none["version"]) == ([], False, start["version"])
    badges.revoke(cast.badge, "misused")
    session.commit()
    after = get(client, cast.token, f"/api/gate/changes?since={start['version']}&lineage={start['lineage']}").json
    assert after["version"] == start["version"] + 1 and [r[2] for r in after["rows"]] == [3]
    assert send(client, cast.token, cast.code).json["snapshot_version"] == after["version"]

    # A version is told whole: three changes of one, two and one badges, two rows at a time.
    others = [badges.issue_badge(register(session, cast, name)) for name in ("赵敏", "孙燕")]
    session.commit()
    badges.block(others[0], "x")
    session.commit()
    monkeypatch.setattr(snapshots, "CHANGES_ROWS", 2)
    badges.unblock(others[0], "x")
    session.commit()
    first = get(client, cast.token, f"/api/gate/changes?since={start['version']}").json
    assert first["more"] and len(first["rows"]) < 3
    rest = get(client, cast.token, f"/api/gate/changes?since={first['version']}").json
    assert not rest["more"] and rest["version"] == feed.version(cast.edition.id)
    assert {r[0] for r in first["rows"] + rest["rows"]} == {
        snapshots.serial_hash(b.serial) for b in (cast.badge, *others)
    }
    session.execute(update(Badge).values(feed_version=rest["version"]))  # three badges that changed together
    session.commit()
    assert get(client, cast.token, f"/api/gate/changes?since={rest['version'] - 1}").json["full"]

    for query in (f"since={rest['version'] + 1}", "since=0", f"since={rest['version']}&lineage=another"):
        assert get(client, cast.token, f"/api/gate/changes?{query}").json["full"], query
    for query in ("since=", "since=-1", "since=x", "since=１", "since=" + "9" * 30, "since=1&lineage=" + "x" * 17):
        assert get(client, cast.token, f"/api/gate/changes?{query}").status_code == 400, query


def test_an_old_damaged_or_foreign_chunk_is_never_given(app, client, session):
    cast = stage(session)
    manifest = get(client, cast.token, "/api/gate/snapshot").json
    url = manifest["chunks"][0]["url"]
    file = next((snapshots_home(app) / str(cast.edition.id)).glob("*/0.json.gz"))
    good = file.read_bytes()
    file.write_bytes(good[:-9])
    assert get(client, cast.token, url).status_code == 404  # truncated on disk: thrown away
    again = get(client, cast.token, "/api/gate/snapshot").json
    assert again["chunks"] == manifest["chunks"] and get(client, cast.token, url).status_code == 200
    for path in (url.replace("/0", "/1"), "/api/gate/snapshot/999/0", f"/api/gate/snapshot/{2**70}/0"):
        assert get(client, cast.token, path).status_code == 404, path

    # A database that was set up anew counts from one again: what lies on disk is of another feed.
    session.execute(update(BadgeSetup).values(lineage="fedcba9876543210"))
    session.execute(update(Badge).values(state="revoked"))
    session.commit()
    new = get(client, cast.token, "/api/gate/snapshot").json
    assert new["version"] == manifest["version"] and new["sha256"] != manifest["sha256"]
    assert get(client, cast.token, f"/api/gate/changes?since={new['version']}&lineage={manifest['lineage']}").json["full"]


def snapshots_home(app):
    from pathlib import Path

    return Path(app.instance_path) / "snapshots"


def test_only_gates_of_the_edition_get_it(client, session):
    cast = stage(session)
    _lead, lead = add_device(session, cast, cast.gate, "lead")
    for path in ("/api/gate/snapshot", "/api/gate/changes?since=0", "/api/gate/snapshot/1/0"):
        assert client.get(path).status_code == 401
        assert get(client, "x" * 43, path).status_code == 401
        assert get(client, lead, path).status_code == 403
    from expo_crm.onsite.services import devices

    devices.revoke(cast.device)
    session.commit()
    assert get(client, cast.token, "/api/gate/snapshot").json["error"] == "device_revoked"


def test_rotation_waits_for_the_devices_and_a_stolen_key_is_denied(client, session):
    cast = stage(session)
    show, old_code = cast.show.id, cast.code
    first = keys.ensure_key(show)
    before = get(client, cast.token, "/api/gate/snapshot").json
    second = keys.introduce(show)
    session.commit()
    with pytest.raises(keys.NotPossible):
        keys.introduce(show)
    told = get(client, cast.token, f"/api/gate/changes?since={before['version']}").json
    assert told["version"] == before["version"] + 1 and told["keys_id"] != before["keys_id"]
    manifest = get(client, cast.token, "/api/gate/snapshot").json
    assert {k["kid"]: k["state"] for k in manifest["keys"]} == {first.kid: "active", second.kid: "verify"}
    assert manifest["kid"] == first.kid and signature_holds(manifest, first.public_hex)  # the key that devices know

    cast.device.key_ids = [first.kid]
    session.commit()
    assert [d.id for d in keys.late_devices(show, second.kid)] == [cast.device.id]
    cast.device.key_ids = [first.kid, second.kid]
    session.commit()
    assert keys.late_devices(show, second.kid) == []
    keys.activate(second)
    session.commit()
    assert [(k.kid, k.state) for k in keys.list_keys(show)] == [(second.kid, "active"), (first.kid, "verify")]
    assert get(client, cast.token, "/api/gate/snapshot").json["kid"] == second.kid
    assert badges.code_of(cast.badge) != old_code
    assert send(client, cast.token, old_code).json["reason"] == "ok"

    # Compromised: online the serial is looked up; devices are told to ask.
    keys.compromise(first, "laptop stolen")
    session.commit()
    assert get(client, cast.token, f"/api/gate/changes?since={told['version']}").json["denied_kids"] == [first.kid]
    assert send(client, cast.token, old_code).json["status"] in {"admit", "admit_attention"}
    keys.retire(first)
    session.commit()
    assert send(client, cast.token, old_code).json["reason"] == "unknown_key"
    third = keys.compromise(second, "again")
    session.commit()
    assert third.state == "active" and third.kid == 3
    assert get(client, cast.token, "/api/gate/snapshot").json["kid"] == 3
    for kind in ("activate", "retire"):
        with pytest.raises(keys.NotPossible):
            getattr(keys, kind)(third)
    assert session.query(SigningKey).filter_by(state="active").count() == 1


def test_an_opaque_code_is_looked_up_and_its_reprint_is_another(client, session):
    cast = stage(session)
    signed, other = cast.code, add_device(session, cast, cast.gate)[1]
    opaque.set_mode(cast.edition, "opaque")
    session.commit()
    code = badges.code_of(cast.badge)
    ticket = badges.code_of(cast.badge, Purpose.TICKET)
    session.commit()
    assert len(code) == len(ticket) == 26 and code != ticket and code == badges.code_of(cast.badge)
    assert badges.print_one(cast.badge) and cast.badge.key_id is None
    session.commit()
    answer = send(client, cast.token, f"]Q1{code.lower()}\r").json
    assert (answer["status"], answer["reason"], answer["holder"]["initials"]) == ("admit", "ok", "L. X.")
    assert send(client, cast.token, ticket).json["reason"] == "wrong_purpose"  # the badge is printed
    assert send(client, cast.token, signed).json["status"] == "admit_attention"  # a print from before stays good
    for nothing in (code[:-1] + ("E" if code[-1] != "E" else "A"), "A" * 26):
        assert send(client, cast.token, nothing).json["reason"] == "unknown"
    receipts = upload(client, cast.token, [scan_of(code), scan_of("A" * 26), scan_of(signed)]).json["receipts"]
    reasons = [r["answer"]["reason"] for r in receipts]
    assert reasons[1] == "unknown" and {reasons[0], reasons[2]} <= {"ok", "already_in"}  # the same reading at once is one
    badges.reprint(cast.badge, "torn")
    session.commit()
    assert badges.code_of(cast.badge) != code
    session.commit()
    assert send(client, other, code).json["reason"] == "replaced"
    assert send(client, other, badges.code_of(cast.badge)).json["status"] == "admit_attention"


def test_badges_of_a_stolen_key_are_issued_anew(session):
    cast = stage(session)
    badges.print_one(cast.badge)
    other = badges.issue_badge(register(session, cast, "赵敏"))  # not printed: its next print is by another key anyway
    session.commit()
    kid = keys.ensure_key(cast.show.id).kid
    assert keys.count_prints(cast.edition.id) == {kid: 1}
    before = feed.version(cast.edition.id)
    assert reissue.reissue(cast.edition.id, kid, "stolen") == 1
    session.commit()
    session.expire_all()
    assert (cast.badge.generation, cast.badge.printed_at, other.generation) == (2, None, 1)
    assert feed.version(cast.edition.id) == before + 1
    assert reissue.reissue(cast.edition.id, kid, "stolen") == 0


def test_a_device_hears_of_its_zone_and_only_of_what_was_read_since(client, session, monkeypatch):
    cast = stage(session, anti_passback="hard")
    monkeypatch.setattr(queries_presence, "MARGIN", 0)
    other = badges.issue_badge(register(session, cast, "陈晨"))
    other.printed_at = clock.now()
    session.commit()

    def hear(since=0, after=0, token=cast.token):
        return get(client, token, f"/api/gate/presence?since={since}&after={after}").json

    assert hear()["rows"] == []
    first = send(client, cast.token, cast.code).json
    body = hear()
    [[name, entries, inside, begun, last]] = body["rows"]
    assert (name, entries, inside, begun) == (snapshots.serial_hash(cast.badge.serial), 1, 1, last)
    assert body["after"] is None and "林" not in str(body)
    assert hear(body["newest"])["rows"] == []
    send(client, cast.token, badges.code_of(other))
    assert [row[0] for row in hear(body["newest"])["rows"]] == [snapshots.serial_hash(other.serial)]
    monkeypatch.setattr(queries_presence, "PAGE", 1)
    page = hear()
    assert len(page["rows"]) == 1 and hear(0, page["after"])["rows"][0][0] == snapshots.serial_hash(other.serial)
    monkeypatch.setattr(queries_presence, "PAGE", 100)
    newest = hear()["newest"]
    by_hand.annul(session.get(Scan, first["scan_id"]), "went home", user_id=cast.admin.id)
    session.commit()
    assert hear(newest)["rows"] == [[snapshots.serial_hash(cast.badge.serial), 0, 0, None, None]]
    elsewhere = add_device(session, cast, add_gate(session, cast, "V1", zone="vip"))[1]
    assert hear(token=elsewhere)["rows"] == []
    for wrong in ("since=x", "after=-1", "since=" + "9" * 30):
        assert get(client, cast.token, f"/api/gate/presence?{wrong}").status_code == 400
