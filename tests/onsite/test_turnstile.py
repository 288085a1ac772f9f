"""Turnstiles written from docs/turnstiles.md against the real server, on a line that drops, delays, doubles, or is a portal's."""

from __future__ import annotations

import http.server
import random
import threading
from collections import Counter

import pytest
from sqlalchemy import select

from expo_crm.lib import clock
from expo_crm.onsite import queries_live
from expo_crm.onsite.domain.reasons import ADMITTED
from expo_crm.onsite.models import Device, Scan
from expo_crm.onsite.services import badges, rebuild
from expo_crm.shows.models import Edition
from tests.onsite.play import add_device, add_gate, register, stage
from tests.support import turnstile
from tests.support.turnstile import Faults, Journal, Line, Turnstile

PASSAGES = 40


@pytest.fixture(scope="module")
def house(serve):
    """A server with three entrances (two fail open, one fails closed), an exit, and forty badges."""
    server = serve("postgresql", workers=2, EXPO_SCAN_RATE="0")
    with server.database() as session:
        cast = stage(session, code="T0", anti_passback="off")
        gates = [cast.gate] + [add_gate(session, cast, f"T{i}") for i in (1, 2)] + [add_gate(session, cast, "OUT", direction="exit")]
        tokens = [cast.token] + [add_device(session, cast, gate)[1] for gate in gates[1:]]
        codes = [badges.code_of(badges.issue_badge(register(session, cast, f"观众{i}"))) for i in range(40)]
        server.edition_id = cast.edition.id
    return server, tokens, codes


@pytest.fixture
def bar(house, tmp_path):
    """Make a turnstile of a gate; its journal is closed at the end."""
    server, tokens, _codes = house
    journals: list[Journal] = []

    def make(number: int, faults: Faults | None = None, token: str = "", **others) -> Turnstile:
        journals.append(Journal(tmp_path / f"{number}.jsonl"))
        return Turnstile(Line(server.url, token or tokens[number], faults), journals[-1], **others)

    yield make
    for journal in journals:
        journal.close()


def test_a_broken_line_loses_nothing_and_counts_nothing_twice(house, bar):
    server, tokens, codes = house
    faults = {"drop": 0.08, "lose": 0.08, "late": 0.05, "twice": 0.08, "portal": 0.05}
    bars = [bar(i, Faults(**faults, seed=i), fail_open=i != 1) for i in range(len(tokens))]
    chance = random.Random(7)
    turnstile.run_together(bars, [chance.choices([*codes, "NOT-OURS"], k=PASSAGES) for _ in bars], turns_round=0.05)
    assert sum(len(b.queue) for b in bars) > 10, "the line was not broken"
    for one in bars:
        one.journal.close()
    # The controllers lose power: each starts again from its disk.
    bars = [bar(i, fail_open=i != 1) for i in range(len(tokens))]
    assert sum(len(b.queue) for b in bars) > 10
    assert turnstile.finish(bars)
    steps = [row for b in bars for row in b.journal.steps]
    read = {row["uuid"] for row in steps if row["step"] == "read"}
    opened = {row["uuid"] for row in steps if row["step"] == "open"}
    taken_back = {row["uuid"] for row in steps if row["step"] == "annulled" and row["status"] == 200}
    with server.database() as session:
        rows = {s.client_uuid: s for s in session.scalars(select(Scan)) if s.annuls_id is None and s.client_uuid in read}
        logged = Counter(session.scalars(select(Scan.client_uuid)))
        assert set(rows) == read and max(logged.values()) == 1
        admitted = {key for key, s in rows.items() if s.decision in ADMITTED and not s.annulled}
        # Openings and admissions are the same, but for what is written down: people who turned round, and bars that opened by
        # themselves while the server, whose answer got lost, had refused.
        against = {key for key, s in rows.items() if s.decision not in ADMITTED and s.decision != "void" and s.conflict}
        repeats = {key for key, s in rows.items() if s.repeat_of_id is not None}
        assert opened - taken_back - against - repeats == admitted - repeats
        assert {key for key, s in rows.items() if s.annulled} == taken_back
        assert taken_back and admitted
        board = queries_live.live(session.get_one(Edition, server.edition_id), clock.local_day(clock.now(), "Asia/Shanghai"))
        walked_in = [s for s in rows.values() if s.client_uuid in admitted - repeats and s.direction == "entry"]
        assert board.entries == len(walked_in) == sum(line.entries for line in board.gates)
        assert rebuild.rebuild(server.edition_id).differences == 0
    for one in bars:
        answer = one.heartbeat()
        assert answer is not None and answer["missing"] == [] and answer["held_seq"] == answer["held_count"] == one.seq
    with server.database() as session:
        assert set(session.scalars(select(Device.missing))) == {0}


def test_repeating_an_upload_changes_nothing(house, bar):
    server, _tokens, codes = house
    one = bar(0, Faults(down=True), fail_open=True)
    one.seq = 10_000
    assert all(one.read(code) for code in codes[:5])
    items = list(one.queue.values())
    assert one.upload() == 5  # still no network
    one.line.faults = Faults()
    first = one.line.post("/api/gate/scans", {"scans": items}, 10)[1]["receipts"]
    again = one.line.post("/api/gate/scans", {"scans": list(reversed(items))}, 10)[1]["receipts"]
    assert [r["answer"]["scan_id"] for r in first] == [r["answer"]["scan_id"] for r in reversed(again)]
    assert one.upload() == 0 and not one.queue
    with server.database() as session:
        mine = session.scalars(select(Scan).where(Scan.client_uuid.in_([i["client_uuid"] for i in items]))).all()
        assert [(s.decided_by, s.reason) for s in mine] == [("device", "stale_snapshot")] * 5


def test_a_wrong_token_opens_nothing(house, bar):
    _server, _tokens, codes = house
    foreign = bar(2, token="x" * 43)
    assert not foreign.read(codes[0]) and foreign.openings == 0


class Portal(http.server.BaseHTTPRequestHandler):
    """The hall's Wi-Fi: 200 and a page of its own, whatever is asked."""

    def do_POST(self) -> None:
        page = b'<!doctype html><p>{"status": "admit"}</p>'
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_arguments) -> None:
        pass


def test_a_page_of_another_server_is_no_answer(house, bar):
    _server, _tokens, codes = house
    with http.server.HTTPServer(("127.0.0.1", 0), Portal) as portal:
        threading.Thread(target=portal.serve_forever, daemon=True).start()
        one = bar(2)
        one.line = Line(f"http://127.0.0.1:{portal.server_address[1]}", "token")
        assert not one.read(codes[0]) and one.openings == 0 and len(one.queue) == 1
        portal.shutdown()
