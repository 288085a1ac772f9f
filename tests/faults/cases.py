"""The faults F1–F13, F20 and F23 of the design, each a function that breaks something and says what it saw."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psutil
import psycopg

from tests.faults.checker import Finding, check
from tests.faults.cluster import Cluster
from tests.faults.gates import HANG, Gate, Talk, Traffic, Unreachable, part, total
from tests.faults.house import House

POINTS = (
    "after_read", "after_lock", "after_decide", "after_insert", "mid_batch_item", "before_commit", "after_commit_before_reply",
)  # fmt: skip


@dataclass
class Sizes:
    """How much of each. The defaults are the small set that runs within `make test`."""

    kill_seconds: float = 6
    rate: float = 60
    seeds: int = 1
    bursts: int = 2
    queue: int = 2_000
    rounds: int = 12
    cut_every: tuple[int, ...] = (1, 2)
    hold_seconds: float = 4


@dataclass
class Result:
    """What one fault did. ``wanted`` are the expectations that did not hold; empty is good."""

    number: str
    fault: str
    expect: str
    seen: str = ""
    wanted: list[str] = field(default_factory=list)
    finding: Finding | None = None
    seconds: float = 0.0
    skipped: str = ""

    @property
    def ok(self) -> bool:
        return not self.wanted and (self.finding is None or self.finding.clean)

    def want(self, holds: bool, what: str) -> None:
        """Note an expectation that does not hold."""
        if not holds:
            self.wanted.append(what)


@dataclass
class Scene:
    """Where the faults happen."""

    house: House
    cluster: Cluster
    sizes: Sizes
    seed: int
    strict: bool = False  # times are judged too; not on a machine that does other things meanwhile
    devices: dict[str, list[tuple[int, str]]] = field(default_factory=dict)

    def gates(self, code: str, count: int, **options: Any) -> list[Gate]:
        """Fresh gates of a zone of their own."""
        return [Gate(self.house, device) for device in self.house.add_gates(code, count, **options)]


def finish(result: Result, scene: Scene, gates: list[Gate]) -> Result:
    """Bring home every queue, and let the checker look."""
    for gate in gates:
        gate.drain()
    result.finding = check(scene.house, gates)
    for gate in gates:
        gate.close()
    return result


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _answers(talk: Talk) -> str:
    statuses = ", ".join(f"{n:,} × {status}" for status, n in sorted(talk.statuses.items()))
    return f"answers {statuses}; {talk.cut} cut off, {talk.local} decided at the gate"


def _error_share(talk: Talk) -> float:
    """Requests that got no answer, or a 503, of all."""
    asked = sum(talk.statuses.values()) + talk.cut
    return (talk.cut + talk.statuses[503]) / max(1, asked)


# -- processes ---------------------------------------------------------------------------------------------------------


def f1(scene: Scene) -> Result:
    """SIGKILL to one web worker every two seconds."""
    sizes = scene.sizes
    result = Result(
        "F1", f"kill -9 one of {scene.house.workers} web workers every 2 s for {sizes.kill_seconds:.0f} s at {sizes.rate:.0f} scans/s",
        "I1–I3; errors < 2 %, all retried; p95 ≤ 300 ms",
    )  # fmt: skip
    gates = scene.gates("F1", 10)
    badges = scene.house.take(int(sizes.rate * sizes.kill_seconds) + 20)
    random_ = random.Random(scene.seed)
    kills = 0
    with Traffic(gates, badges, sizes.rate, scene.seed):
        end = time.monotonic() + sizes.kill_seconds
        while time.monotonic() < end:
            time.sleep(2)
            workers = scene.house.web_workers()
            if workers:
                with contextlib.suppress(psutil.NoSuchProcess):
                    random_.choice(workers).kill()
                    kills += 1
    talk = total(gates)
    share, p95 = _error_share(talk), part(talk.times, 0.95)
    result.seen = f"{kills} kills; {_answers(talk)}; errors {share:.1%}; p95 {_ms(p95)}"
    result.want(kills > 0, "nothing was killed")
    if scene.strict:
        result.want(share < 0.02, f"errors {share:.1%}")
        result.want(p95 <= 0.3, f"p95 {_ms(p95)}")
    return finish(result, scene, gates)


def f2(scene: Scene) -> Result:
    """SIGKILL at each point of the scan path, in single scans and in batches."""
    seeds = scene.sizes.seeds
    result = Result(
        "F2", f"kill -9 at each of {len(POINTS)} points of the scan path, single and batch, {seeds} seeds",
        "I1, I2; killed after the commit: the retry is replayed; before it: stored once",
    )  # fmt: skip
    gates = scene.gates("F2", 4)
    outcomes: Counter[str] = Counter()
    for seed in range(seeds):
        random_ = random.Random(scene.seed * 1000 + seed)
        for name in POINTS:
            for batch in (False, True):
                if name == "mid_batch_item" and not batch:
                    continue
                gate = random_.choice(gates)
                badges = scene.house.take(random_.randint(3, 12) if batch else 1)
                place = f" at={random_.randrange(len(badges))}" if name == "mid_batch_item" else ""
                scene.house.plan(f"{name} kill count=1{place}")
                outcomes[_killed_once(result, scene, gate, badges, name, batch)] += 1
    scene.house.plan("")
    result.seen = "; ".join(f"{n} × {what}" for what, n in sorted(outcomes.items()))
    return finish(result, scene, gates)


def _killed_once(result: Result, scene: Scene, gate: Gate, badges: list[Any], name: str, batch: bool) -> str:
    items = [gate.item(badge) for badge in badges]
    for item in items:
        if batch:
            gate.keep(item)
    retried = 0
    end = time.monotonic() + 20
    while True:
        try:
            if batch:
                shown = [r["answer"] for r in gate.upload(items)]
            else:
                answer = gate.send("/api/gate/scan", items[0], HANG)
                if answer.status != 200:
                    raise Unreachable(str(answer.status))
                gate.journal.write("receipt", items[0]["client_uuid"])
                gate.journal.write("shown", items[0]["client_uuid"], status=answer.body["status"], by="server")
                shown = [answer.body]
            break
        except Unreachable:
            retried += 1
            if time.monotonic() > end:
                result.want(False, f"{name}: no answer within 20 s")
                return "no answer"
            time.sleep(0.02)
    gate.queue.clear()  # every receipt is here
    replayed = all(one["replayed"] for one in shown)
    # The gate's own connection is retried once on the way, so the fault and not the retry is counted.
    result.want(scene.house.fired() == 1, f"{name}: {scene.house.fired()} kills")
    late = name == "after_commit_before_reply"
    result.want(replayed == late, f"{name} ({'batch' if batch else 'one'}): replayed={replayed}")
    return "replayed" if replayed else "stored by the retry"


def f3(scene: Scene) -> Result:
    """SIGKILL to the whole service tree."""
    result = Result(
        "F3",
        "kill -9 the whole tree (supervisor, web, worker) at full rate, start again",
        "first good scan ≤ 5 s after the start; I1–I3",
    )
    gates = scene.gates("F3", 6)
    with Traffic(gates, scene.house.take(int(scene.sizes.rate * 12)), scene.sizes.rate, scene.seed):
        time.sleep(2)
        scene.house.kill_tree()
        time.sleep(1)
        took = scene.house.start()
        time.sleep(2)
    talk = total(gates)
    result.seen = f"answering again {took:.1f} s after the start; {_answers(talk)}"
    if scene.strict:
        result.want(took <= 5, f"first good answer after {took:.1f} s")
    return finish(result, scene, gates)


def f4(scene: Scene) -> Result:
    """SIGKILL to PostgreSQL in a burst, and an immediate stop."""
    bursts = scene.sizes.bursts
    result = Result(
        "F4", f"kill -9 the PostgreSQL tree × {bursts}, one more by pg_ctl stop -m immediate, under load",
        "I1–I3; 503 meanwhile; recovered ≤ 10 s; dead connections leave the pool",
    )  # fmt: skip
    gates = scene.gates("F4", 8)
    slowest = 0.0
    refused = 0
    with Traffic(gates, scene.house.take(int(scene.sizes.rate * 8 * (bursts + 1))), scene.sizes.rate, scene.seed):
        random_ = random.Random(scene.seed)
        for number in range(bursts + 1):
            time.sleep(0.6 + random_.random())
            before = total(gates).statuses[503]
            if number < bursts:
                scene.cluster.kill()
            else:
                scene.cluster.stop_now()
            time.sleep(0.3)
            begin = time.monotonic()
            scene.cluster.restart()
            probe = len(total(gates).times)
            while len(total(gates).times) < probe + 5 and time.monotonic() - begin < 30:
                time.sleep(0.02)
            slowest = max(slowest, time.monotonic() - begin)
            refused += total(gates).statuses[503] - before
    scene.house.disconnect()
    talk = total(gates)
    result.seen = f"recovered within {slowest:.1f} s each time; {_answers(talk)}"
    result.want(slowest <= 10, f"recovery took {slowest:.1f} s")
    result.want(refused > 0, "nobody was told 503, so nothing was broken")
    return finish(result, scene, gates)


# -- queues ------------------------------------------------------------------------------------------------------------


def f5(scene: Scene) -> Result:
    """A day's queue, shuffled and with duplicates, while other gates scan live."""
    count = scene.sizes.queue
    result = Result(
        "F5", f"{count:,} queued scans of 8 h, 5 % sent twice, shuffled, uploaded while 10 gates scan live",
        "stored ≤ 60 s, replay ≤ 30 s; live p95 ≤ 300 ms; I1–I3; one receipt each",
    )  # fmt: skip
    offline = scene.gates("F5", 1, paired_ago=dt.timedelta(hours=9))[0]
    live = [Gate(scene.house, d) for d in scene.house.add_gates("F5L", 10, zone="F5")]
    badges = scene.house.take(count)
    random_ = random.Random(scene.seed)
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(hours=8)
    for number, badge in enumerate(badges):
        at = begin + dt.timedelta(hours=8) * number / count
        offline.clock = lambda at=at: at
        offline.keep(offline.item(badge))
    sent = offline.queue + random_.sample(offline.queue, count // 20)
    random_.shuffle(sent)
    fresh = scene.house.take(2000 if count > 5000 else 400)
    # Some badges come in at a live gate too, while their earlier scan is still on its way.
    shared = random_.sample(badges, len(fresh) // 50)
    together = fresh + shared
    random_.shuffle(together)
    with Traffic(live, together, min(30.0, scene.sizes.rate), scene.seed):
        first, wrong = _send_all(offline, sent)
        second, replays = _send_all(offline, sent, replay=True)
    offline.queue.clear()
    talk = total(live)
    p95 = part(talk.times, 0.95)
    result.seen = f"stored in {first:.1f} s, replayed in {second:.1f} s ({replays} of {len(sent):,}); live p95 {_ms(p95)}, {_answers(talk)}"
    result.want(not wrong, f"{wrong} items without a good receipt")
    result.want(replays == len(sent), f"{len(sent) - replays} were not replayed")
    if scene.strict:
        result.want(first <= 60, f"stored in {first:.1f} s")
        result.want(second <= 30, f"replayed in {second:.1f} s")
        result.want(p95 <= 0.3, f"live p95 {_ms(p95)}")
    return finish(result, scene, [offline, *live])


def _send_all(gate: Gate, items: list[dict[str, Any]], *, replay: bool = False) -> tuple[float, int]:
    """Seconds, and how many were not good (or, for a replay, how many were replayed)."""
    begin = time.monotonic()
    counted = 0
    for start in range(0, len(items), 500):
        batch = items[start : start + 500]
        while True:
            try:
                receipts = gate.upload(batch)
                break
            except Unreachable:
                time.sleep(0.1)
        for receipt in receipts:
            counted += receipt["answer"]["replayed"] if replay else not receipt["ok"]
    return time.monotonic() - begin, counted


def f6(scene: Scene) -> Result:
    """The link is cut after every k-th batch, and everything is sent again."""
    from tests.faults.wire import Wire

    sizes = scene.sizes
    count = max(300, sizes.queue // 10)
    result = Result(
        "F6", f"{count:,} queued scans, cut off after every k-th batch (k = {', '.join(map(str, sizes.cut_every))}), all sent again",
        "the same final state for every k",
    )  # fmt: skip
    badges = scene.house.take(count)
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(hours=3)
    gates, states = [], []
    for k in sizes.cut_every:
        with Wire(scene.house.port) as wire:
            (device,) = scene.house.add_gates(f"F6-{k}", paired_ago=dt.timedelta(hours=4))
            gate = Gate(scene.house, device, port=wire.port)
            for number, badge in enumerate(badges):
                at = begin + dt.timedelta(seconds=number % 97 * 60)
                gate.clock = lambda at=at: at
                gate.keep(gate.item(badge, "exit" if number % 11 == 0 else "entry"))
            again = list(gate.queue)
            batches = [again[i : i + 50] for i in range(0, len(again), 50)]
            for number, batch in enumerate(batches, 1):
                wire.cut_answers = number % k == 0
                with contextlib.suppress(Unreachable):
                    gate.upload(batch)
                wire.cut_answers = False
            gate.queue = again
            gate.drain()
            gate.port = scene.house.port
        gates.append(gate)
        states.append(_presence(scene, f"F6-{k}"))
    same = all(state == states[0] for state in states)
    result.seen = f"{len(states[0]):,} rows of presence each, {'equal' if same else 'different'}"
    result.want(same and bool(states[0]), "the final states differ")
    return finish(result, scene, gates)


def _presence(scene: Scene, zone: str) -> list[tuple[Any, ...]]:
    return scene.house.rows(
        "SELECT badge_id, local_day, first_entry_at, last_at, last_direction, entries, exits, inside FROM presence"
        " WHERE edition_id = %s AND zone = %s ORDER BY badge_id, local_day",
        scene.house.edition_id,
        zone,
    )


# -- clocks ------------------------------------------------------------------------------------------------------------


def last_autumn(zone: str, now: dt.datetime) -> dt.datetime:
    """The last instant before ``now`` at which clocks of the zone went back, with a day to spare."""
    from zoneinfo import ZoneInfo

    at = now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(days=2)
    here = ZoneInfo(zone)
    hour = dt.timedelta(hours=1)
    while (at.astimezone(here).utcoffset() or hour) >= ((at - hour).astimezone(here).utcoffset() or hour):
        at -= hour
    return at


def f7(scene: Scene) -> Result:
    """Clocks that are wrong, jump, or live through the night when they change."""
    house = scene.house
    result = Result(
        "F7", "clocks +3 d, −1 h, 1970, 2106, none, jump back mid-shift, other zone on the device; the night the clocks change in Berlin",
        "I1–I3; doubtful ones flagged; order inside a device kept; day totals by the zone of the show",
    )  # fmt: skip
    now = dt.datetime.now(dt.UTC)
    offsets = {
        "+3 d": dt.timedelta(days=3), "-1 h": -dt.timedelta(hours=1), "1970": dt.datetime(1970, 1, 2, tzinfo=dt.UTC) - now,
        "2106": dt.datetime(2106, 2, 7, tzinfo=dt.UTC) - now,
    }  # fmt: skip
    gates = scene.gates("F7", len(offsets) + 2, paired_ago=dt.timedelta(hours=10))
    off = 0
    for gate, (name, offset) in zip(gates, offsets.items(), strict=False):
        gate.clock = lambda offset=offset: dt.datetime.now(dt.UTC) + offset
        gate.heartbeat()  # the server learns the offset
        for badge in house.take(20):
            gate.keep(gate.item(badge))
        gate.drain()
        rows = house.rows(
            "SELECT corrected_at, received_at, clock_suspect, device_seq FROM scan WHERE device_id = %s ORDER BY device_seq",
            gate.device_id,
        )
        late = max(abs(_seconds(r[0]) - _seconds(r[1])) for r in rows)
        off = max(off, round(late))
        result.want(late < 30, f"{name}: corrected {late:.0f} s beside the truth")
        result.want(all(r[2] for r in rows), f"{name}: not flagged as doubtful")
        result.want([r[0] for r in rows] == sorted(r[0] for r in rows), f"{name}: order of the device not kept")
    result.want(_jump_back(scene, gates[-2]), "a clock that jumps back changed the order or lost a scan")
    result.want(_no_clock(scene, gates[-1]), "readings without or with nonsense times were not all stored")
    night = _night(scene, result)
    result.seen = f"corrected within {off} s of the truth, all flagged; the night of {night.seen}"
    return finish(result, scene, [*gates, *night.gates])


def _seconds(at: Any) -> float:
    if isinstance(at, str):
        at = dt.datetime.fromisoformat(at)
    return float((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp())


def _jump_back(scene: Scene, gate: Gate) -> bool:
    """Forty readings; in the middle the clock goes back by two hours. device_seq still says what came first."""
    now = dt.datetime.now(dt.UTC)
    for number, badge in enumerate(scene.house.take(40)):
        at = now - dt.timedelta(hours=3) + dt.timedelta(minutes=number) - dt.timedelta(hours=2 if number >= 20 else 0)
        gate.clock = lambda at=at: at
        gate.keep(gate.item(badge))
    random.Random(scene.seed).shuffle(gate.queue)
    gate.drain()
    rows = scene.house.rows("SELECT device_seq FROM scan WHERE device_id = %s ORDER BY device_seq", gate.device_id)
    return [r[0] for r in rows] == list(range(1, 41))


def _no_clock(scene: Scene, gate: Gate) -> bool:
    times = (
        None,
        "",
        "yesterday",
        "2026-02-30T25:00:00Z",
        "1970-01-01",
        17,
        "9999-12-31T23:59:59Z",
        "2026-10-25T02:30:00",
        "NaN",
    )
    for badge, text in zip(scene.house.take(len(times)), times, strict=True):
        gate.keep({**gate.item(badge), "device_time": text})
    gate.drain()
    return scene.house.rows("SELECT count(*) FROM scan WHERE device_id = %s", gate.device_id)[0][0] == len(times)


@dataclass
class Night:
    seen: str
    gates: list[Gate]


def _night(scene: Scene, result: Result) -> Night:
    """Scans on both sides of both 02:30s and of both midnights, in a show that stands in Berlin for a moment."""
    house = scene.house
    zone = "Europe/Berlin"
    change = last_autumn(zone, dt.datetime.now(dt.UTC))
    day = change.date()
    before = house.rows("SELECT timezone FROM edition WHERE id = %s", house.edition_id)[0][0]
    house.rows("UPDATE edition SET timezone = %s WHERE id = %s", zone, house.edition_id)
    try:
        (gate,) = scene.gates("F7N", 1, paired_ago=dt.datetime.now(dt.UTC) - change + dt.timedelta(days=2))
        # Midnight is 22:00 UTC before the change and 23:00 UTC after it.
        moments = {
            dt.datetime.combine(day - dt.timedelta(days=1), dt.time(21, 59, 59), dt.UTC): -1,
            dt.datetime.combine(day - dt.timedelta(days=1), dt.time(22, 0, 1), dt.UTC): 0,
            change - dt.timedelta(minutes=30): 0,  # 02:30 for the first time
            change + dt.timedelta(minutes=30): 0,  # 02:30 for the second time
            dt.datetime.combine(day, dt.time(22, 59, 59), dt.UTC): 0,
            dt.datetime.combine(day, dt.time(23, 0, 1), dt.UTC): 1,
        }
        badge = house.take()[0]
        for at in moments:
            gate.clock = lambda at=at: at
            gate.keep(gate.item(badge))
        gate.drain()
        rows = house.rows(
            "SELECT local_day, entries FROM presence WHERE badge_id = %s ORDER BY local_day", badge.badge_id
        )
        wanted = Counter(day + dt.timedelta(days=shift) for shift in moments.values())
        seen = {_day(row[0]): row[1] for row in rows}
        result.want(seen == dict(wanted), f"the days of the night: {seen} instead of {dict(wanted)}")
        return Night(f"{day}: {', '.join(f'{d:%d.%m.} {n}' for d, n in sorted(seen.items()))} entries", [gate])
    finally:
        house.rows("UPDATE edition SET timezone = %s WHERE id = %s", before, house.edition_id)


def _day(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


# -- two at once -------------------------------------------------------------------------------------------------------


def f8(scene: Scene) -> Result:
    """Two gates without network admit the same badge; their queues arrive in every order."""
    rounds = max(3, scene.sizes.rounds // 3)
    result = Result(
        "F8", f"two offline gates admit one badge, uploaded A,B / B,A / together, {rounds} × each",
        "the same projection and verdicts; one visitor, one duplicate admission, one conflict",
    )  # fmt: skip
    first, second = scene.gates("F8", 2, anti_passback="hard", paired_ago=dt.timedelta(hours=2))
    pictures: dict[str, set[tuple[Any, ...]]] = {}
    used = []
    for order in ("A,B", "B,A", "together"):
        for _ in range(rounds):
            (badge,) = scene.house.take()
            used.append(badge.badge_id)
            for gate, minutes in ((first, 40), (second, 30)):
                at = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
                gate.clock = lambda at=at: at
                gate.keep(gate.item(badge))
            if order == "together":
                threads = [threading.Thread(target=g.drain) for g in (first, second)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            else:
                for gate in (first, second) if order == "A,B" else (second, first):
                    gate.drain()
            pictures.setdefault(order, set()).add(_picture(scene, badge.badge_id, first.device_id))
    every = set().union(*pictures.values())
    result.want(len(every) == 1, f"orders differ: {pictures}")
    expected = (1, 2, 1, ("first", False), ("second", True))
    result.want(every == {expected}, f"seen {every} instead of {expected}")
    result.seen = (
        f"{3 * rounds} badges: every order gives one visitor, two passages, the later one marked as conflict"
        if result.ok
        else str(every)
    )
    return finish(result, scene, [first, second])


def _picture(scene: Scene, badge_id: int, first_device: int) -> tuple[Any, ...]:
    """Visitors, passages, conflicts, and of each device whether its scan is in conflict, first entry at the first gate."""
    house = scene.house
    rows = house.rows("SELECT device_id, conflict FROM scan WHERE badge_id = %s ORDER BY corrected_at", badge_id)
    presence = house.rows("SELECT entries FROM presence WHERE badge_id = %s", badge_id)
    named = [("first" if device == first_device else "second", bool(conflict)) for device, conflict in rows]
    return (len(presence), presence[0][0] if presence else 0, sum(c for _d, c in named), *named)


def f9(scene: Scene) -> Result:
    """Fifty gates read one badge at the same moment."""
    rounds = scene.sizes.rounds
    result = Result(
        "F9",
        f"50 parallel online scans of one badge, hard anti-passback, {rounds} rounds",
        "exactly one admitted, the others already in",
    )
    gates = scene.gates("F9", 50, anti_passback="hard")
    for gate in gates:
        gate.budget = HANG
    barrier = threading.Barrier(len(gates))
    badges = scene.house.take(rounds)
    shown: list[list[str]] = [[] for _ in badges]

    def run(gate: Gate) -> None:
        for number, badge in enumerate(badges):
            barrier.wait(60)
            shown[number].append(_ask(gate, badge))

    threads = [threading.Thread(target=run, args=(gate,)) for gate in gates]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begin
    counts = Counter(tuple(sorted(Counter(one).items())) for one in shown)
    result.seen = f"{rounds * 50:,} scans in {took:.0f} s; " + "; ".join(
        f"{n} × ({', '.join(f'{c} {what}' for what, c in kinds)})" for kinds, n in counts.items()
    )
    result.want(set(counts) == {(("admit ok", 1), ("deny already_in", 49))}, "more or less than one was admitted")
    return finish(result, scene, gates)


def _ask(gate: Gate, badge: Any) -> str:
    """A scan that is asked again, under the same uuid, until the server has answered it."""
    item = gate.item(badge)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(Unreachable):
            answer = gate.send("/api/gate/scan", item, HANG)
            if answer.status == 200:
                gate.journal.write("shown", item["client_uuid"], status=answer.body["status"], by="server")
                return f"{answer.body['status']} {answer.body['reason']}"
        time.sleep(0.05)
    return "no answer"


# -- poison ------------------------------------------------------------------------------------------------------------


def f10(scene: Scene) -> Result:
    """One item that cannot be stored, among 500 that can."""
    result = Result(
        "F10",
        "a batch of 500 with one poisoned item, of each kind; a withdrawn device",
        "499 stored, one terminal receipt; the next batch goes on",
    )
    (gate,) = scene.gates("F10", 1, paired_ago=dt.timedelta(hours=1))
    poisons: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no object": lambda item: 17,
        "null": lambda item: None,
        "no uuid": lambda item: {k: v for k, v in item.items() if k != "client_uuid"},
        "code is a list": lambda item: {**item, "code": ["x"]},
        "direction sideways": lambda item: {**item, "direction": "sideways"},
        "seq −1": lambda item: {**item, "device_seq": -1},
        "decided by nobody": lambda item: {**item, "decided": {"status": "admit", "reason": "because"}},
        "uuid of another item": lambda item: {**item, "client_uuid": first_key},
    }
    random_ = random.Random(scene.seed)
    size = 500 if scene.strict else 100
    badges = scene.house.take(size)
    first_key = gate.item(badges[0])["client_uuid"]
    kept = 0
    for name, poison in poisons.items():
        good = [gate.item(badge) for badge in badges[1:]]
        for item in good:
            gate.keep(item)
        place = random_.randrange(size)
        bad = poison(
            {
                "client_uuid": first_key,
                "code": badges[0].code,
                "decided": {"status": "admit", "reason": "ok"},
                "device_seq": 1,
            }
        )
        if name == "uuid of another item":
            gate.upload([{"client_uuid": first_key, "code": badges[0].code}])
            gate.journal.write("shown", first_key, status="admit", by="server")
            bad = {**bad, "code": badges[1].code}
        receipts = gate.upload([*good[:place], bad, *good[place:]])
        gate.queue.clear()
        failed = [r["index"] for r in receipts if not r["ok"]]
        result.want(failed == [place], f"{name}: refused {failed[:5]} instead of {place}")
        kept += len(receipts) - len(failed)
    result.seen = f"{len(poisons)} batches of {size}: {kept:,} stored, {len(poisons)} terminal receipts"
    gates = [gate, *_unreadable_text(scene, result), *_withdrawn(scene, result)]
    return finish(result, scene, [g for g in gates if g is not None])


def _unreadable_text(scene: Scene, result: Result) -> list[Gate]:
    """Codes that are no codes are stored as refusals, never as errors."""
    (gate,) = scene.gates("F10T", 1)
    codes = [
        "",
        "\x00",
        "\ud800",
        "A" * 400,
        "' OR 1=1--",
        "__proto__",
        "𠮷" * 100,
        "https://example.com/x",
        "]Q1",
        "%00../",
        "\u202eABC",
        "ＡＢＣ",
    ]
    items = []
    for code in codes:
        item = gate.item(scene.house.take()[0])
        items.append({**item, "code": code})
        gate.keep(items[-1], "deny", "malformed")
    receipts = gate.upload(items)
    gate.queue.clear()
    result.want(
        all(r["ok"] and r["answer"].get("decision", r["answer"]["status"]) == "deny" for r in receipts),
        "an unreadable text was not stored as a refusal",
    )
    return [gate]


def _withdrawn(scene: Scene, result: Result) -> list[Gate]:
    """A withdrawn device may only hand in its queue, which waits for a supervisor."""
    (gate,) = scene.gates("F10R", 1)
    scene.house.rows("UPDATE device SET revoked_at = %s WHERE id = %s", "2026-01-01 00:00:00+00", gate.device_id)
    items = [{**gate.item(badge), "decided": {"status": "admit", "reason": "ok"}} for badge in scene.house.take(3)]
    answer = gate.send("/api/gate/scans", {"scans": items}, HANG)
    stored = scene.house.rows("SELECT count(*) FROM scan WHERE device_id = %s", gate.device_id)[0][0]
    result.want(stored == 0, f"{stored} scans of a withdrawn device were counted")
    held = scene.house.rows("SELECT count(*) FROM quarantined_scan WHERE device_id = %s", gate.device_id)[0][0]
    result.want(answer.status == 200 and held == 3, f"withdrawn: answer {answer.status}, {held} of 3 in quarantine")
    result.seen += f"; {held} scans of a withdrawn device in quarantine"
    online = gate.send("/api/gate/scan", items[0], HANG)
    gate.close()
    result.want(online.status == 401, f"withdrawn: a scan was answered {online.status}")
    return []


# -- disk and locks ----------------------------------------------------------------------------------------------------


def f12(scene: Scene) -> Result:
    """Hot rows locked, connections used up, and people waiting for a table that somebody holds."""
    hold = scene.sizes.hold_seconds
    result = Result(
        "F12", f"rows of hot badges locked for {hold:.0f} s; PostgreSQL out of connections; staff pages that hang on a locked table",
        "lock_timeout 2 s → 503, gates decide; other scans go on, no worker starves",
    )  # fmt: skip
    house = scene.house
    gates = scene.gates("F12", 6)
    hot = house.take(4)
    talk = Talk()
    with (
        psycopg.connect(house.address) as blocker,
        Traffic(gates[1:], house.take(int(scene.sizes.rate * hold)), scene.sizes.rate / 2, scene.seed),
    ):
        blocker.execute("SELECT id FROM badge WHERE id = ANY(%s) FOR UPDATE", [[b.badge_id for b in hot]])
        begin = time.monotonic()
        waits = []
        while time.monotonic() - begin < hold:
            item = gates[0].item(hot[len(waits) % len(hot)])
            start = time.monotonic()
            answer = gates[0].send("/api/gate/scan", item, HANG)
            waits.append(time.monotonic() - start)
            result.want(answer.status == 503, f"a scan of a locked badge was answered {answer.status}")
            gates[0].keep(item)
        blocker.rollback()
    talk = total(gates[1:])
    locked = max(waits)
    result.want(locked < 3.5, f"a locked row was waited for {locked:.1f} s")
    result.want(not gates[0].talk.faults, "; ".join(gates[0].talk.faults))
    p95 = part(talk.times, 0.95)
    if scene.strict:
        result.want(p95 <= 0.5, f"other scans: p95 {_ms(p95)} beside locked rows")
    result.seen = f"locked rows: 503 after {locked:.1f} s at most, others p95 {_ms(p95)}"
    result.seen += "; " + _no_connections(scene, result, gates[1:]) + "; " + _slow_pages(scene, result, gates[1:])
    return finish(result, scene, gates)


def _no_connections(scene: Scene, result: Result, gates: list[Gate]) -> str:
    """Somebody takes every connection that PostgreSQL has left."""
    before = total(gates).statuses
    taken: list[psycopg.Connection[Any]] = []
    with Traffic(gates, scene.house.take(500), scene.sizes.rate / 2, scene.seed + 1):
        with contextlib.suppress(psycopg.OperationalError):
            while len(taken) < 500:
                taken.append(psycopg.connect(scene.cluster.address))
        time.sleep(1.5)
        for connection in taken:
            connection.close()
        time.sleep(0.5)
    after = total(gates).statuses
    good, refused = after[200] - before[200], after[503] - before[503]
    result.want(good > 0, "no scan went on while connections were used up")
    return f"no connection left: {good} scans answered, {refused} × 503"


def _slow_pages(scene: Scene, result: Result, gates: list[Gate]) -> str:
    """Twelve people open pages that wait for a locked table, again and again, while gates scan."""
    house = scene.house
    hold = scene.sizes.hold_seconds
    ending = threading.Event()
    statuses: Counter[int] = Counter()

    def stare() -> None:
        import urllib.error
        import urllib.request

        while not ending.is_set():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{house.port}/{SLOW_PAGE}", timeout=15) as answer:
                    statuses[answer.status] += 1
            except urllib.error.HTTPError as error:
                statuses[error.code] += 1
                ending.wait(0.1)
            except OSError:
                statuses[0] += 1

    people = [threading.Thread(target=stare) for _ in range(12)]
    marks = [len(g.talk.times) for g in gates]
    local = total(gates).local
    with psycopg.connect(house.address) as blocker:
        blocker.execute("LOCK TABLE one_time_link IN ACCESS EXCLUSIVE MODE")
        for person in people:
            person.start()
        time.sleep(0.5)
        with Traffic(gates, house.take(int(scene.sizes.rate * max(3.0, hold))), scene.sizes.rate / 2, scene.seed + 2):
            time.sleep(max(3.0, hold))
        ending.set()
        blocker.rollback()
    for person in people:
        person.join()
    times = [t for g, mark in zip(gates, marks, strict=True) for t in g.talk.times[mark:]]
    alone = total(gates).local - local
    p95 = part(times, 0.95)
    result.want(len(times) > alone * 3, f"hanging pages: {len(times)} scans answered, {alone} left to the gates")
    result.want(statuses[503] > 0, f"the pages did not hang: {dict(statuses)}")
    if scene.strict:
        result.want(p95 <= 1.0, f"hanging pages: p95 of scans {_ms(p95)}")
    return f"12 people on hanging pages: {len(times)} scans answered, {alone} left to the gates, p95 {_ms(p95)}"


SLOW_PAGE = "welcome/nobody"  # reads one_time_link, which no gate does


@contextmanager
def scene_of(sizes: Sizes, seed: int, *, badges: int, durable: bool, strict: bool, workers: int = 3) -> Iterator[Scene]:
    """A cluster, a house on it with so many badges, started; all of it gone at the end."""
    cluster = Cluster(durable=durable)
    try:
        house = House(cluster.create("expo_faults"), workers=workers)
        try:
            house.furnish(badges, seed)
            house.start()
            yield Scene(house, cluster, sizes, seed, strict)
        finally:
            house.close()
    finally:
        cluster.close()


Case = Callable[[Scene], Result]
