"""Offline queues: whatever the order, however often, the log's set decides; and lost numbers are noticed."""

from __future__ import annotations

import datetime as dt
import random

from sqlalchemy import delete, select

from expo_crm.lib import clock
from expo_crm.onsite import queries
from expo_crm.onsite.models import Device, Presence, Scan
from expo_crm.onsite.services import badges, rebuild
from tests.onsite.play import add_device, register, scan_of, stage, upload


def projection(session):
    columns = [c for c in Presence.__table__.c if c.name != "id"]
    return sorted(tuple(row) for row in session.execute(select(*columns)))


def queue(cast, codes, rng):
    """What two devices recorded while they were offline, some of it at the very same second."""
    start = clock.now() - dt.timedelta(hours=5)
    out = []
    for device in (0, 1):
        for number in range(12):
            at = start + dt.timedelta(seconds=rng.randrange(0, 40))
            item = scan_of(
                rng.choice(codes),
                direction=rng.choice(["entry", "exit"]),
                device_time=at.isoformat(),
                device_seq=number + 1,
                decided={"status": rng.choice(["admit", "admit", "deny"]), "reason": "ok"},
            )
            out.append((device, item))
    return out


def test_order_and_repetition_of_uploads_change_nothing(client, session):
    cast = stage(session, direction="both", anti_passback="off")
    tokens = [cast.token, add_device(session, cast, cast.gate)[1]]
    for device in session.scalars(select(Device)):
        device.paired_at = clock.now() - dt.timedelta(days=1)
    codes = [cast.code, badges.code_of(badges.issue_badge(register(session, cast, "周一")))]
    edition = cast.edition.id
    rng = random.Random(11)
    recorded = queue(cast, codes, rng)
    seen = []
    for _ in range(4):
        session.execute(delete(Presence))
        session.execute(delete(Scan))
        session.commit()
        sent = [*recorded, *rng.sample(recorded, 8)]
        rng.shuffle(sent)
        for start in range(0, len(sent), 7):
            for device in (0, 1):
                items = [item for d, item in sent[start : start + 7] if d == device]
                assert all(r["ok"] for r in upload(client, tokens[device], items).json["receipts"])
        assert len(session.scalars(select(Scan.id)).all()) == len(recorded)
        seen.append(projection(session))
        assert rebuild.rebuild(edition).differences == 0
    assert seen[0] and all(s == seen[0] for s in seen)


def test_a_badge_that_two_offline_gates_admitted_is_one_visitor_and_marked(client, session):
    cast = stage(session, anti_passback="hard")
    other = add_device(session, cast, cast.gate)[1]
    for device in session.scalars(select(Device)):
        device.paired_at = clock.now() - dt.timedelta(days=1)
    admit = {"status": "admit", "reason": "ok"}
    first, second = (
        scan_of(cast.code, decided=admit, device_time=(clock.now() - dt.timedelta(minutes=m)).isoformat()) for m in (9, 5)
    )
    upload(client, cast.token, [first])
    upload(client, other, [second])
    assert sorted(session.scalars(select(Scan.conflict))) == [False, True]
    presence = session.scalars(select(Presence)).one()
    assert (presence.entries, presence.inside) == (2, True)
    assert queries.figures(cast.edition).visitors == 1


def test_a_gap_in_the_numbers_shows_a_loss(client, session):
    cast = stage(session)
    upload(client, cast.token, [scan_of("X", device_seq=n, decided={"status": "deny", "reason": "unknown"}) for n in (1, 2, 4)])
    head = {"Authorization": f"Bearer {cast.token}"}
    beat = client.post("/api/gate/heartbeat", json={"last_seq": 5}, headers=head).json
    assert beat["held_seq"] == 4 and beat["held_count"] == 3
