"""Simulated gates. Each keeps a journal on disk: what was attempted, what the person at the door saw, what the server receipted.

They follow the product's protocol: a scan has its uuid before anything is asked; when the server does not answer within the
budget, the gate decides by itself under the same uuid, shows that, and uploads it later until a receipt names it.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.house import BadgeCode, House

BUDGET = 1.5  # seconds that a person is kept waiting for the server
HANG = 10.0
ADMITTED = {"admit", "admit_attention"}


class Journal:
    """Lines that are on disk before anything else happens."""

    def __init__(self, path: Path) -> None:
        self.file = open(path, "ab")  # noqa: SIM115 - open as long as the gate
        self.path = path
        self.lock = threading.Lock()

    def write(self, event: str, key: str, **more: Any) -> None:
        line = json.dumps({"event": event, "uuid": key, **more}).encode() + b"\n"
        with self.lock:
            self.file.write(line)
            self.file.flush()
            os.fsync(self.file.fileno())

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_bytes().splitlines()]


@dataclass
class Talk:
    """How the server behaved towards one gate."""

    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)  # seconds of good answers
    slowest: float = 0.0
    cut: int = 0  # connections that broke with a request on its way
    again: int = 0  # of them, those that broke on a fresh connection too
    local: int = 0  # decided by the gate itself
    faults: list[str] = field(default_factory=list)  # what no server may ever do

    def add(self, other: Talk) -> None:
        self.statuses.update(other.statuses)
        self.times += other.times
        self.slowest = max(self.slowest, other.slowest)
        self.cut += other.cut
        self.again += other.again
        self.local += other.local
        self.faults += other.faults


@dataclass
class Answer:
    status: int
    body: Any


class Unreachable(Exception):
    """No answer: refused, cut off, or too late."""


class Gate:
    """One device. Not for several threads, but ``scan`` and ``sync`` may run in two."""

    def __init__(
        self, house: House, device: tuple[int, str], *, port: int | None = None, budget: float = BUDGET
    ) -> None:
        self.house = house
        self.device_id, self.token = device
        self.port = port or house.port
        self.budget = budget
        folder = house.instance / "journals"
        folder.mkdir(exist_ok=True)
        self.journal = Journal(folder / f"{self.device_id}-{uuid.uuid4().hex[:6]}.jsonl")
        self.seq = 0
        self.queue: list[dict[str, Any]] = []
        self.talk = Talk()
        self.lines: dict[int, http.client.HTTPConnection] = {}
        self.clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    # -- the wire ------------------------------------------------------------------------------------------------------

    def send(self, path: str, body: Any, timeout: float, *, raw: bytes | None = None) -> Answer:
        """POST JSON. A connection that had been idle and broke is opened once more, as browsers do. Raises Unreachable."""
        data = raw if raw is not None else json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        me = threading.get_ident()
        for attempt in (1, 2):
            line = self.lines.get(me) if attempt == 1 else None
            reused = line is not None
            if line is None:
                line = self.lines[me] = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            begin = time.perf_counter()
            try:
                if line.sock is not None:
                    line.sock.settimeout(timeout)
                line.request("POST", path, data, headers)
                answer = line.getresponse()
                text = answer.read()
                if answer.headers.get("Connection", "").lower() == "close":
                    self._drop()
                return self._judge(path, answer, text, time.perf_counter() - begin)
            except TimeoutError:
                self._drop()
                self.talk.slowest = max(self.talk.slowest, time.perf_counter() - begin)
                if timeout >= HANG:
                    self.talk.faults.append(f"{path}: no answer in {HANG:.0f} s")
                raise Unreachable("timeout") from None
            except (http.client.HTTPException, OSError) as error:
                self._drop()
                self.talk.cut += 1
                if not reused:
                    self.talk.again += 1
                    raise Unreachable(type(error).__name__) from None
        raise Unreachable("cut")

    def _judge(self, path: str, answer: http.client.HTTPResponse, text: bytes, took: float) -> Answer:
        talk = self.talk
        talk.statuses[answer.status] += 1
        talk.slowest = max(talk.slowest, took)
        if answer.status >= 500 and (answer.status != 503 or not answer.headers.get("Retry-After")):
            talk.faults.append(f"{path}: {answer.status} {text[:120]!r}")
        if b"Traceback" in text:
            talk.faults.append(f"{path}: a stack trace")
        if answer.status == 200:
            talk.times.append(took)
        try:
            if "json" not in answer.headers.get("Content-Type", ""):
                raise ValueError
            return Answer(answer.status, json.loads(text))
        except ValueError:
            return Answer(answer.status, None)

    def _drop(self) -> None:
        line = self.lines.pop(threading.get_ident(), None)
        if line is not None:
            line.close()

    # -- at the door ---------------------------------------------------------------------------------------------------

    def item(self, badge: BadgeCode, direction: str | None = None, **more: Any) -> dict[str, Any]:
        """A reading with its uuid and number, journalled before anything happens."""
        self.seq += 1
        key = str(uuid.uuid4())
        self.journal.write("attempt", key, badge=badge.badge_id, seq=self.seq, direction=direction)
        at = self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "client_uuid": key,
            "code": badge.code,
            "device_time": at,
            "device_seq": self.seq,
            "direction": direction,
            **more,
        }

    def scan(self, badge: BadgeCode, direction: str | None = None) -> str:
        """Read a badge: ask the server, or decide alone. Gives what the screen showed."""
        item = self.item(badge, direction)
        key = item["client_uuid"]
        try:
            answer = self.send("/api/gate/scan", item, self.budget)
        except Unreachable:
            return self._alone(item)
        if answer.status == 200 and isinstance(answer.body, dict) and answer.body.get("client_uuid") == key:
            shown = str(answer.body["status"])
            self.journal.write("shown", key, status=shown, by="server", repeat=answer.body.get("repeat", False))
            self.journal.write("receipt", key)
            return shown
        if answer.status not in (200, 429, 503) and not _in_flight(answer):
            self.talk.faults.append(f"a good scan was answered {answer.status} {str(answer.body)[:100]}")
        return self._alone(item)

    def _alone(self, item: dict[str, Any]) -> str:
        self.talk.local += 1
        self.keep(item)
        return "admit"

    def keep(self, item: dict[str, Any], status: str = "admit", reason: str = "ok") -> None:
        """Decide alone, show it, and put it into the queue."""
        item["decided"] = {"status": status, "reason": reason}
        self.queue.append(item)
        self.journal.write("shown", item["client_uuid"], status=status, by="device")

    def upload(self, items: list[dict[str, Any]], timeout: float = HANG) -> list[dict[str, Any]]:
        """One batch; its receipts are journalled. Raises Unreachable when there are none, also for an HTML page with 200."""
        answer = self.send("/api/gate/scans", {"scans": items}, timeout)
        receipts = answer.body.get("receipts") if isinstance(answer.body, dict) else None
        if answer.status != 200 or not isinstance(receipts, list):
            if answer.status not in (200, 429, 503):
                self.talk.faults.append(f"a batch was answered {answer.status} {str(answer.body)[:100]}")
            raise Unreachable(str(answer.status))
        if len(receipts) != len(items) or [r["index"] for r in receipts] != list(range(len(items))):
            self.talk.faults.append(f"{len(items)} items got {len(receipts)} receipts, or in another order")
        for receipt in receipts:
            if receipt["client_uuid"] and not receipt.get("retry"):
                self.journal.write("receipt" if receipt["ok"] else "refused", receipt["client_uuid"])
        return receipts

    def sync(self, size: int = 500) -> bool:
        """Upload what is in the queue, once; what has a receipt leaves it. False when something remains."""
        while self.queue:
            part = self.queue[:size]
            try:
                receipts = self.upload(part)
            except Unreachable:
                return False
            done = {r["client_uuid"] for r in receipts if not r.get("retry")}
            self.queue = [item for item in self.queue if item["client_uuid"] not in done]
            if not done:
                return False
        return True

    def drain(self, seconds: float = 60) -> None:
        """Upload until nothing remains. Raises AssertionError when that does not end."""
        end = time.monotonic() + seconds
        while not self.sync():
            if time.monotonic() > end:
                raise AssertionError(f"gate {self.device_id}: {len(self.queue)} scans could not be uploaded")
            time.sleep(0.3)

    def close(self) -> None:
        """No more scans: close its connections and its journal, which stays on disk."""
        for line in self.lines.values():
            line.close()
        self.lines.clear()
        self.journal.file.close()

    def heartbeat(self) -> Answer:
        at = self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return self.send("/api/gate/heartbeat", {"device_time": at, "queue": len(self.queue), "version": "faults"}, 5)


def _in_flight(answer: Answer) -> bool:
    """The same uuid is being stored at this moment, by the request that we gave up waiting for."""
    return answer.status == 409 and isinstance(answer.body, dict) and answer.body.get("error") == "in_flight"


class Traffic:
    """Gates that scan one badge after the other at a rate, each in its thread, until stopped; their queues are synced on the way."""

    def __init__(self, gates: Iterable[Gate], badges: list[BadgeCode], per_second: float, seed: int) -> None:
        self.gates = list(gates)
        self.badges = iter(badges)
        self.step = len(self.gates) / per_second
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.random = random.Random(seed)
        self.errors: list[BaseException] = []
        self.threads = [threading.Thread(target=self._run, args=(gate, i)) for i, gate in enumerate(self.gates)]

    def __enter__(self) -> Traffic:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _run(self, gate: Gate, number: int) -> None:
        random_ = random.Random(self.random.random() + number)
        seen: list[BadgeCode] = []
        due = time.monotonic() + self.step * number / len(self.gates)
        calm = 0.0
        try:
            while not self.ending.wait(max(0.0, due - time.monotonic())):
                due = max(due + self.step, time.monotonic() - 1)
                if seen and random_.random() < 0.1:
                    gate.scan(seen.pop(random_.randrange(len(seen))), "exit")
                else:
                    with self.lock:
                        badge = next(self.badges, None)
                    if badge is None:
                        return
                    seen.append(badge)
                    gate.scan(badge, "entry")
                if gate.queue and time.monotonic() > calm and not gate.sync():
                    calm = time.monotonic() + 0.5
        except BaseException as error:  # shown by the thread that waits
            self.errors.append(error)


def total(gates: Iterable[Gate]) -> Talk:
    """How the server behaved towards all of them."""
    talk = Talk()
    for gate in gates:
        talk.add(gate.talk)
    return talk


def part(values: list[float], share: float) -> float:
    """A quantile, 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
