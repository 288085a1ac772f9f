"""Online scans: the whole application against a bare Flask view and against the database alone, in rounds that alternate."""

from __future__ import annotations

from statistics import median
from typing import Any

from sqlalchemy import event

from expo_crm.db import db
from tests.bench import load, stage
from tests.bench.load import Measured, Order
from tests.bench.report import Line, say
from tests.bench.stage import Stage

CONNECTIONS = (8, 32)
HOLD_RATE = 150


def run(on: Stage, codes: list[str], ports: tuple[int, int], *, seconds: float, rounds: int, hold: float) -> list[Line]:
    """``ports`` of the application and of the bare one."""
    out: list[Line] = []
    place = 0

    def measure(port: int, connections: int, length: float, processes: int = 1, rate: float = 0) -> Measured:
        nonlocal place
        place = (place + 4001) % len(codes)
        order = Order(port, on.address, connections, length, on.tokens, codes[place:] + codes[:place], rate)
        return load.measure(order, processes)

    stored = _stored(on)
    for port in ports:
        measure(port, 32, 2)
    answered = {"warm-up"}
    for connections in CONNECTIONS:
        found: dict[str, list[Measured]] = {"app": [], "bare": [], "db": []}
        for number in range(rounds):
            say(f"scans, {connections} connections, round {number + 1} of {rounds}")
            found["app"].append(measure(ports[0], connections, seconds))
            found["bare"].append(measure(ports[1], connections, seconds))
            found["db"].append(measure(0, connections, seconds, processes=2))
        wrong = {a for m in found["app"] for a in m.answers} - {"admit", "admit_attention"}
        answered |= wrong
        app, bare, direct = (median(m.per_second for m in found[arm]) for arm in ("app", "bare", "db"))
        name = f"online scans, {connections} connections"
        aim = "≥ 60 %" if not wrong else f"answers {wrong}"
        out += [
            Line(name, f"{app:.0f}/s", f"bare Flask view {bare:.0f}/s", f"{app / bare:.0%}", aim),
            Line("", f"{app:.0f}/s", f"transaction alone {direct:.0f}/s", f"{app / direct:.0%}"),
            Line(f"  latency p50 / p99, {connections} connections", _latency(found["app"]), f"bare {_latency(found['bare'])}"),
        ]  # fmt: skip
    if hold:
        say(f"scans, {HOLD_RATE} a second for {hold:.0f} s")
        held = measure(ports[0], 32, hold, rate=HOLD_RATE)
        name = f"scans at {HOLD_RATE}/s held for {hold:.0f} s"
        out.append(Line(name, f"p99 {held.p99:.0f} ms", f"p50 {held.p50:.0f} ms, {held.count:,} scans", "", "p99 < 400 ms"))
    say(f"{_stored(on) - stored} scans stored")
    return out


def _latency(found: list[Measured]) -> str:
    return f"{median(m.p50 for m in found):.0f} / {median(m.p99 for m in found):.0f} ms"


def _stored(on: Stage) -> int:
    with on.connect() as connection:
        row = connection.execute("SELECT count(*) FROM scan").fetchone()
    return int(row[0]) if row else 0


def statements(on: Stage, codes: list[str], small_codes: list[str], big: int, small: int) -> Line:
    """How many statements one scan takes, in the small and in the large edition."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        seen.append(statement)

    with on.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    counts = []
    try:
        for token, chosen in ((on.small_token, small_codes), (on.tokens[0], codes)):
            per_scan = []
            for number, code in enumerate(chosen[:5]):
                seen.clear()
                response = on.app.test_client().post(
                    "/api/gate/scan",
                    data=stage.body_of(code, number + 1),
                    headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                )
                assert response.status_code == 200, response.get_data(as_text=True)
                per_scan.append(len(seen))
            counts.append(max(per_scan[1:]))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    same = "same" if counts[0] == counts[1] else "different"
    return Line(f"statements per scan, {big:,} badges", str(counts[1]), f"{small:,} badges: {counts[0]}", same, "the same")
