"""The live board equals the log, whatever was counted before; it is cheap; it warns once; people without a badge are no visitors."""

from __future__ import annotations

import datetime as dt
import random
import re
import uuid
from collections import Counter
from pathlib import Path

from sqlalchemy import event, func, insert, select

from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.messaging.models import Message
from expo_crm.onsite import queries, queries_hours, queries_live, queries_zones
from expo_crm.onsite.domain import occupancy
from expo_crm.onsite.domain.occupancy import Crossings
from expo_crm.onsite.domain.reasons import ADMITTED
from expo_crm.onsite.models import Badge, CapacityAlarm, HandTally, Presence, Scan, ScanHour
from expo_crm.onsite.services import badges, by_hand, live, rebuild, zones
from tests.onsite.play import add_device, add_gate, register, scan_of, send, stage, upload
from tests.support.cast import sign_in

DAY = dt.date(2026, 6, 10)  # the second of three
REFUSED = ("unknown", "replaced", "already_in")


def a_show(session, cast, number: int = 400, seed: int = 5) -> random.Random:
    """Scans of three days at two gates by badges of three classes, straight into the log, and presence from it."""
    chance = random.Random(seed)
    cast.south = add_gate(session, cast, "S1", name_en="South gate", direction="both")
    cast.other_device, _token = add_device(session, cast, cast.south)
    classes = [cast.class_trade.id, cast.class_buyer.id, cast.class_press.id]
    cast.badges = [badges.issue_badge(register(session, cast, f"观众{i}", class_id=classes[i % 3])).id for i in range(30)]
    add_scans(session, cast, chance, number)
    return chance


def add_scans(session, cast, chance, number, hours=(8, 18)) -> None:
    first = session.scalar(select(func.count()).select_from(Scan)) or 0
    rows = [a_scan(cast, chance, first + i, hours) for i in range(number)]
    session.execute(insert(Scan), rows)
    session.flush()
    rebuild.rebuild(cast.edition.id)
    session.commit()


def a_scan(cast, chance, number, hours):
    day = chance.choice([d.day for d in cast.edition.days])
    local = dt.datetime.combine(day, dt.time(chance.randrange(*hours), chance.randrange(60), chance.randrange(60)), cast.edition.zone)
    at = local.astimezone(dt.UTC)
    refused = chance.random() < 0.1
    gate, device = chance.choice([(cast.gate, cast.device), (cast.south, cast.other_device)])
    return {
        "edition_id": cast.edition.id, "device_id": device.id, "client_uuid": str(uuid.UUID(int=chance.getrandbits(128))),
        "device_seq": number + 1, "pairing_no": device.pairing_no, "gate_id": gate.id, "zone": "show",
        "direction": chance.choice(["entry", "entry", "exit"]), "code_hash": "0" * 64,
        "badge_id": None if refused and chance.random() < 0.5 else chance.choice(cast.badges), "device_time": at, "corrected_at": at,
        "received_at": at, "local_day": day, "decision": "deny" if refused else chance.choice(["admit", "admit_attention"]),
        "reason": chance.choice(REFUSED) if refused else "ok",
    }  # fmt: skip


def annul(session, cast, scan: Scan) -> None:
    """As ``scans.annul`` leaves the log: a row that decides nothing, and a mark on the one it takes back."""
    row = a_scan(cast, random.Random(scan.id), 90_000 + scan.id, (8, 18))
    session.execute(
        insert(Scan), [{**row, "decision": "void", "reason": "annulled", "annuls_id": scan.id, "badge_id": scan.badge_id}]
    )
    scan.annulled = True
    session.flush()
    rebuild.rebuild(cast.edition.id)
    session.commit()


def assert_equals_the_log(session, cast) -> queries_live.Live:
    """Recompute from the rows one by one, and compare."""
    board = queries_live.live(cast.edition, DAY)
    rows = [s for s in session.scalars(select(Scan).where(Scan.edition_id == cast.edition.id)) if not s.annulled and s.decision != "void"]
    today = [s for s in rows if clock.local_day(s.corrected_at, "Asia/Shanghai") == DAY]
    entries = [s for s in today if s.decision in ADMITTED and s.direction == "entry"]
    per_gate = Counter(s.gate_id for s in entries)
    assert {line.gate.id: line.entries for line in board.gates} == {g.id: per_gate[g.id] for g in (cast.gate, cast.south)}
    exits = Counter(s.gate_id for s in today if s.decision in ADMITTED and s.direction == "exit")
    assert {line.gate.id: line.exits for line in board.gates} == {g.id: exits[g.id] for g in (cast.gate, cast.south)}
    refused = Counter(s.reason for s in today if s.decision not in ADMITTED)
    assert dict(board.refused) == dict(refused)
    class_of = dict([tuple(row) for row in session.execute(select(Badge.id, Badge.class_id))])
    per_class = Counter(class_of[s.badge_id] for s in entries)
    assert {line.visitor_class.id: line.entries for line in board.classes} == dict(per_class)
    slots = Counter(int(s.corrected_at.timestamp()) // 300 * 300 for s in entries)
    drawn = {int(slot.timestamp()): n for slot, n in zip(board.slots, board.total_per_slot, strict=True) if n}
    assert drawn == dict(slots)
    counted = {cast.class_trade.id, cast.class_buyer.id}
    ours = [s for s in rows if s.badge_id and class_of[s.badge_id] in counted and s.decision in ADMITTED and s.direction == "entry"]
    days = {(s.badge_id, clock.local_day(s.corrected_at, "Asia/Shanghai")) for s in ours}
    assert (board.edition.visitors, board.edition.visits, board.edition.entries) == (len({b for b, _d in days}), len(days), len(ours))
    assert board.today.visitors == len({b for b, d in days if d == DAY})
    last: dict[int, tuple[dt.datetime, bool]] = {}
    for s in today:
        if s.badge_id and s.decision in ADMITTED:
            last[s.badge_id] = max(last.get(s.badge_id, (s.corrected_at, False)), (s.corrected_at, s.direction == "exit"))
    assert board.inside == sum(not left for _at, left in last.values())
    return board


def hours_used(session, cast) -> int:
    """How many hours of the day the board may take from what was counted."""
    start, end = clock.day_bounds(DAY, "Asia/Shanghai")
    there = queries_hours.rows_by_hour(cast.edition.id, start, end)
    kept = {int(h.hour.timestamp()): h.scans for h in session.scalars(select(ScanHour).where(ScanHour.edition_id == cast.edition.id))}
    return sum(kept.get(hour) == number for hour, number in there.items())


def test_the_board_equals_the_log_before_and_after_hours_are_counted(app, session):
    cast = stage(session, direction="both")
    chance = a_show(session, cast)
    plain = assert_equals_the_log(session, cast)
    assert plain.entries > 50 and plain.refused and hours_used(session, cast) == 0
    assert live.count_hours(cast.edition) > 20
    session.commit()
    assert_equals_the_log(session, cast)
    assert hours_used(session, cast) == 10
    # A queue of yesterday arrives: the hours it touches no longer hold, and are read from the log until they are counted again.
    add_scans(session, cast, chance, 60, hours=(10, 12))
    assert_equals_the_log(session, cast)
    assert hours_used(session, cast) == 8
    live.count_hours(cast.edition)
    session.commit()
    assert hours_used(session, cast) == 10
    assert_equals_the_log(session, cast)


def test_an_annulled_scan_of_a_counted_hour_is_taken_out(app, session):
    cast = stage(session, direction="both")
    a_show(session, cast)
    live.count_hours(cast.edition)
    session.commit()
    before = assert_equals_the_log(session, cast)
    start, end = clock.day_bounds(DAY, "Asia/Shanghai")
    some = select(Scan).where(Scan.corrected_at.between(start, end), Scan.direction == "entry", Scan.decision == "admit").limit(2)
    for scan in session.scalars(some).all():
        annul(session, cast, scan)
    after = assert_equals_the_log(session, cast)
    assert after.entries == before.entries - 2


def test_a_finished_hour_follows_the_gate_its_queue_and_a_change_of_class(client, session, monkeypatch):
    """Through the doors that the product has: a batch, an annulment by staff, a corrected registration."""
    cast = stage(session, anti_passback="off", direction="both")
    cast.south = add_gate(session, cast, "S1")
    cast.device.paired_at = clock.now() - dt.timedelta(days=400)
    guest = register(session, cast, "周一")
    badge = badges.issue_badge(guest)
    codes = [cast.code, badges.code_of(badge)]
    at = dt.datetime.combine(DAY, dt.time(10, 20), cast.edition.zone)
    session.commit()
    monkeypatch.setattr(clock, "now", lambda: at)
    first = [send(client, cast.token, code).json["scan_id"] for code in codes]
    evening = at + dt.timedelta(hours=8)
    monkeypatch.setattr(clock, "now", lambda: evening)
    assert live.count_hours(cast.edition) == 1
    session.commit()
    assert assert_equals_the_log(session, cast).entries == 2 and hours_used(session, cast) == 1
    by_hand.annul(session.get(Scan, first[0]), "stood in the wrong queue", user_id=cast.admin.id)
    session.commit()
    assert assert_equals_the_log(session, cast).entries == 1
    late = scan_of(codes[0], decided={"status": "admit", "reason": "ok"}, device_time=(at + dt.timedelta(minutes=5)).isoformat())
    assert upload(client, cast.token, [late]).json["receipts"][0]["ok"]
    assert assert_equals_the_log(session, cast).entries == 2
    assert live.count_hours(cast.edition) == 1 and live.count_hours(cast.edition) == 0
    session.commit()
    guest.visitor_class = cast.class_buyer
    badges.refresh_registration(guest)
    session.commit()
    assert assert_equals_the_log(session, cast).entries == 2
    assert live.count_hours(cast.edition) == 1
    assert rebuild.rebuild(cast.edition.id).differences == 0
    session.execute(ScanHour.__table__.update().values(counts=[]))
    assert (rebuild.rebuild(cast.edition.id).hours, rebuild.rebuild(cast.edition.id).differences) == (1, 0)
    session.commit()
    session.expire_all()
    assert_equals_the_log(session, cast)


def test_counted_hours_are_a_function_of_the_log(app, session, runner):
    cast = stage(session, direction="both")
    a_show(session, cast, 150)

    def kept():
        return {(h.hour, h.scans, str(h.counts)) for h in session.scalars(select(ScanHour))}

    live.count_hours(cast.edition)
    once = kept()
    assert live.count_hours(cast.edition) == 0 and kept() == once
    session.execute(ScanHour.__table__.update().values(scans=1, counts=[]))
    assert live.count_hours(cast.edition, afresh=True) == len(once)
    session.expire_all()
    assert kept() == once


def test_the_last_edition_stands_beside_by_day_and_hour(app, session):
    cast = stage(session)
    now = cast.previous
    day = sorted(d.day for d in now.days)[1]
    old_gate = add_gate(session, cast, "OLD")
    old_gate.edition_id = now.id
    device, _token = add_device(session, cast, cast.gate)
    at = dt.datetime.combine(day, dt.time(10, 3), now.zone).astimezone(dt.UTC)
    row = {
        "edition_id": now.id, "device_id": device.id, "gate_id": old_gate.id, "zone": "show", "direction": "entry", "code_hash": "0" * 64,
        "corrected_at": at, "received_at": at, "local_day": day, "decision": "admit", "reason": "ok",
    }  # fmt: skip
    session.execute(insert(Scan), [{**row, "client_uuid": str(uuid.uuid4())} for _ in range(7)])
    session.commit()
    board = queries_live.live(cast.edition, DAY)
    assert board.before is not None and board.before.day == day and board.before.total == board.before.so_far == 7
    drawn = {slot.strftime("%H:%M"): n for slot, n in zip(board.slots, board.before.per_slot, strict=True) if n}
    assert drawn == {"10:00": 7}
    assert queries_live.live(cast.edition, dt.date(2026, 6, 9)).before is None  # nothing on that first day


def test_the_board_asks_the_same_number_of_times_and_answers_304(client, session):
    cast = stage(session)
    sign_in(client, cast.reader)
    url = f"/e/{cast.edition.slug}/live/fragment?day={DAY}"

    client.get(url)
    few = count_statements(lambda: client.get(url))
    a_show(session, cast)
    live.count_hours(cast.edition)
    add_scans(session, cast, random.Random(9), 40)
    many = count_statements(lambda: client.get(url))
    assert many <= few + 2, (few, many)  # the hours that do not hold, and the other gate's opening days
    first = client.get(url)
    assert dt.datetime.fromisoformat(first.headers["Live-As-Of"]).utcoffset() == dt.timedelta(hours=8)
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.headers["Live-As-Of"] and not again.data
    add_scans(session, cast, random.Random(10), 5)
    assert client.get(url, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def count_statements(work) -> int:
    seen: list[str] = []

    def note(_conn, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_pages_in_both_languages_and_on_the_wall(client, session):
    cast = stage(session)
    a_show(session, cast, 80)
    sign_in(client, cast.admin)
    base = f"/e/{cast.edition.slug}"
    for address in ("live", "live?wall=1", f"live?day={DAY}&by=class", "live?day=2026-13-45&by=x", "live?day=9999-01-01&wall=x"):
        for language in ("zh", "en"):
            page = client.get(f"{base}/{address}{'&' if '?' in address else '?'}lang={language}")
            assert page.status_code == 200, address
    assert "sidebar" not in client.get(f"{base}/live?wall=1").text


# -- capacity --------------------------------------------------------------------------------------------------------


def test_levels_are_crossed_once_and_end_well_below():
    assert occupancy.levels(90) == (80, 90, 100) and occupancy.levels(70) == (70, 100)
    assert occupancy.crossings(79, 100, 90, []) == Crossings()
    assert occupancy.crossings(80, 100, 90, []) == Crossings((80,))
    assert occupancy.crossings(101, 100, 90, [80]) == Crossings((90, 100))
    assert occupancy.crossings(79, 100, 90, [80]) == Crossings()  # swings around the level
    assert occupancy.crossings(74, 100, 90, [80, 90]) == Crossings((), (80, 90))
    assert occupancy.crossings(500, None, 90, [80]) == Crossings((), (80,))
    assert (occupancy.reached(89, 100, 90), occupancy.reached(100, 100, 90), occupancy.percent(3, 0)) == (80, 100, None)


def today_is_open(session, cast) -> None:
    today = clock.local_day(clock.now(), cast.edition.timezone)
    cast.edition.starts_on = cast.edition.ends_on = today
    cast.edition.days[0].day = today
    session.commit()


def test_a_full_zone_is_told_once_by_mail_and_on_the_board(client, session):
    cast = stage(session)
    today_is_open(session, cast)
    zone = zones.ensure_zone(cast.edition.id, "show")
    zone.capacity, zone.alarm_percent = 10, 90
    session.commit()
    live.tally(cast.edition, "show", 8, note="学生团")
    assert live.watch_capacity() == 1  # 80 %: on the board only
    assert session.scalar(select(func.count()).select_from(Message)) == 0
    assert send(client, cast.token, cast.code).json["status"] == "admit"
    assert live.watch_capacity() == 1 and live.watch_capacity() == 0
    told = session.scalars(select(Message)).all()
    assert {m.to_email for m in told} == {"admin@example.com", "gate@example.com"}
    assert "9" in told[0].text and "/live" in told[0].text
    assert session.scalar(select(func.count()).where(AuditEntry.action == "capacity.alarm")) == 2
    sign_in(client, cast.admin)
    page = client.get(f"/e/{cast.edition.slug}/live/fragment?lang=en").text
    assert 'role="alert"' in page and "9 of 10 people, 90 %" in page
    live.tally(cast.edition, "show", -5)
    live.watch_capacity()
    assert session.scalar(select(func.count()).where(CapacityAlarm.cleared_at.is_(None))) == 0
    live.tally(cast.edition, "show", 5)
    assert live.watch_capacity() == 2  # a new crossing of both levels
    assert session.scalar(select(func.count()).select_from(Message)) == 4


# -- people without a badge ------------------------------------------------------------------------------------------


def test_people_counted_by_hand_fill_the_zone_and_are_no_visitors(client, session):
    cast = stage(session)
    today_is_open(session, cast)
    send(client, cast.token, cast.code)
    sign_in(client, cast.admin)
    url = f"/e/{cast.edition.slug}/live/tally"
    form = {"zone": "show", "number": "12", "direction": "in", "note": "小学生"}
    assert client.post(url, data=form).status_code == 302
    board = queries_live.live(cast.edition)
    assert (board.zones[0].present, board.zones[0].by_hand, board.inside, board.edition.visitors) == (13, 12, 1, 1)
    assert "小学生" in client.get(f"/e/{cast.edition.slug}/live").text
    assert client.post(url, data={**form, "number": "20", "direction": "out"}).status_code == 409
    for wrong in ("", "0", "-1", "501", "1e2", "²", "9" * 40):
        assert client.post(url, data={**form, "number": wrong}).status_code == 422, wrong
    assert client.post(url, data={**form, "zone": "nowhere"}).status_code == 404
    assert queries_zones.by_hand(cast.edition.id, board.day) == {"show": 12}
    assert session.scalar(select(func.count()).where(AuditEntry.action == "tally.add")) == 1
    other = client.application.test_client()
    sign_in(other, cast.reader)
    assert other.post(url, data=form).status_code == 403
    assert session.scalar(select(func.count()).select_from(HandTally)) == 1


def test_figures_of_the_overview_are_those_of_the_board(app, session):
    cast = stage(session, direction="both")
    a_show(session, cast, 200)
    board = queries_live.live(cast.edition, DAY)
    assert queries.figures(cast.edition).visitors == board.edition.visitors
    by_day = queries.figures_by_day(cast.edition)
    assert by_day[DAY] == board.today and sum(f.visitors for f in by_day.values()) == board.edition.visits
    assert session.scalar(select(func.sum(Presence.entries))) >= board.edition.entries


# -- the gate card ---------------------------------------------------------------------------------------------------


def test_the_gate_card_and_its_page_say_the_same(client, session):
    cast = stage(session)
    sign_in(client, cast.admin)
    page = client.get(f"/e/{cast.edition.slug}/gates/card").text
    written = Path(__file__).resolve().parents[2].joinpath("docs/gate-card.md").read_text()
    found = re.findall(r'<(?:p|span) lang="(zh-CN|en)">([^<]+)</', page)
    said = [text.replace("&#39;", "'").replace("&amp;", "&").strip() for _language, text in found]
    said = [text for text in said if text not in (cast.edition.name_zh, cast.edition.name_en)]
    assert len(said) > 40
    assert [text for text in said if text not in written] == []


def test_screens_share_the_count_of_persons_for_a_moment(app, client, session, monkeypatch):
    cast = stage(session, anti_passback="off")
    cast.edition.counted_classes = ["trade"]
    session.commit()
    monkeypatch.setattr(queries_live, "_kept_people", {})
    app.testing = False
    start = clock.now()
    today = clock.local_day(start, cast.edition.timezone)
    seen = []
    for second in (0, 5, 11):
        monkeypatch.setattr(clock, "now", lambda s=second: start + dt.timedelta(seconds=s))
        board = queries_live.live(cast.edition, today)
        seen.append((board.edition.entries, board.entries))
        if not second:
            assert send(client, cast.token, cast.code).json["status"] == "admit"
    app.testing = True
    assert [persons for persons, _entries in seen] == [0, 0, 1]
    assert [entries for _persons, entries in seen] == [0, 1, 1]
