"""Online scans: the whole application against a bare Flask view and against the database alone, in rounds that alternate."""

from __future__ import annotations

from statistics import median
from typing import Any

from sqlalchemy import event

from expo_crm.db import db
from tests.bench import load, stage
from tests.bench.load import Measured, Order
from tests.bench.report import Line, say
from tests.bench.stage import Server, Stage

CONNECTIONS = (8, 32)
HOLD_RATE = 150
WARM_UP = 1500  # requests: each connection of each worker has prepared its statements by then


def run(
    on: Stage, codes: list[str], app: Server, bare: Server, *, seconds: float, rounds: int, hold: float
) -> list[Line]:
    """Rounds of application, bare view and database in turn, so that a busy moment of the machine meets all three."""
    out: list[Line] = []
    place = 0
    used: dict[str, list[tuple[float, int]]] = {"app": [], "bare": []}

    def measure(server: Server | None, connections: int, length: float, rate: float = 0, most: int = 0) -> Measured:
        nonlocal place
        place = (place + 4001) % len(codes)  # other badges than a moment ago: the same one again would be a repeat
        port = server.port if server else 0
        order = Order(port, on.address, connections, length, on.tokens, codes[place:] + codes[:place], rate, most)
        return load.measure(order, processes=1 if server else 2)

    def measure_server(name: str, server: Server, connections: int) -> Measured:
        before = stage.processor_ms(server.process)
        found = measure(server, connections, seconds)
        after = stage.processor_ms(server.process)
        if before is not None and after is not None:
            used[name].append((after - before, found.count))
        return found

    for server in (app, bare):
        say("scans, warming up")
        measure(server, 32, 30, most=WARM_UP)
    with on.connect() as connection:  # as the server does by itself within a minute: plans made for empty tables end
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE scan, presence")
    for connections in CONNECTIONS:
        found: dict[str, list[Measured]] = {"app": [], "bare": [], "db": []}
        for number in range(rounds):
            say(f"scans, {connections} connections, round {number + 1} of {rounds}")
            found["app"].append(measure_server("app", app, connections))
            found["bare"].append(measure_server("bare", bare, connections))
            found["db"].append(measure(None, connections, seconds))
        wrong = {a for m in found["app"] for a in m.answers} - {"admit", "admit_attention"}
        if wrong:
            raise RuntimeError(f"scans were answered {', '.join(sorted(wrong))}")
        whole, plain, direct = (median(m.per_second for m in found[arm]) for arm in ("app", "bare", "db"))
        name = f"online scans, {connections} connections"
        to_plain, to_direct = (
            median(a.per_second / b.per_second for a, b in zip(found["app"], found[arm], strict=True))
            for arm in ("bare", "db")
        )
        out += [
            Line(name, f"{whole:.0f}/s", f"bare Flask view {plain:.0f}/s", f"{to_plain:.0%}", "≥ 60 %"),
            Line(name, f"{whole:.0f}/s", f"transaction alone {direct:.0f}/s", f"{to_direct:.0%}"),
            Line("  latency p50 / p99", _latency(found["app"]), f"bare Flask view {_latency(found['bare'])}"),
        ]
    if used["app"] and used["bare"]:
        ours, theirs = (sum(ms for ms, _n in used[arm]) / sum(n for _ms, n in used[arm]) for arm in ("app", "bare"))
        name = "  processor time of a scan in the web workers"
        out.append(Line(name, f"{ours:.2f} ms", f"bare Flask view {theirs:.2f} ms", f"{ours / theirs:.1f} ×"))
    if hold:
        say(f"scans, {HOLD_RATE} a second for {hold:.0f} s")
        held = measure(app, 32, hold, rate=HOLD_RATE)
        name = f"scans at {HOLD_RATE}/s held for {hold:.0f} s"
        out.append(
            Line(name, f"p99 {held.p99:.0f} ms", f"p50 {held.p50:.0f} ms, {held.count:,} scans", "", "p99 < 400 ms")
        )
    return out


def _latency(found: list[Measured]) -> str:
    return f"{median(m.p50 for m in found):.0f} / {median(m.p99 for m in found):.0f} ms"


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
    return Line(
        f"statements per scan, {big:,} badges", str(counts[1]), f"{small:,} badges: {counts[0]}", same, "the same"
    )
