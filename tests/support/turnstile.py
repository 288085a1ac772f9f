"""Turnstiles as a controller programs them from docs/turnstiles.md, on a line that can be broken on purpose.

    .venv/bin/python -m tests.support.turnstile https://expo.example.com --token TOKEN [--token …] --code CODE [--code …]

runs one turnstile per device token against a server: passages with faults, then the upload of what waited, then a summary. Only the
standard library is used, so that a maker of turnstiles can read this file as an example.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import json
import os
import random
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

BUDGET = 1.5  # seconds that a person waits at the bar
UPLOAD_TIMEOUT = 15.0
BATCH = 500
ADMITTED = {"admit", "admit_attention"}
FINAL = {200, 404, 422}
RECEIVED_FOR_GOOD = {"schema", "uuid_reused"}  # errors of one item that no repetition mends


class NoAnswer(Exception):
    """Refused, cut off, too late, or an answer that is not ours (a captive portal)."""


class Journal:
    """One line a step, on the disk before the step takes effect. What has no receipt is sent again after a crash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[dict[str, Any]] = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        self._file = open(path, "ab")  # noqa: SIM115 - open as long as the turnstile

    def write(self, step: str, key: str, **more: Any) -> None:
        """Append one step and wait for the disk."""
        row = {"step": step, "uuid": key, **more}
        self._file.write(json.dumps(row).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.steps.append(row)

    def close(self) -> None:
        self._file.close()

    def keys(self, *steps: str) -> set[str]:
        """The uuids for which one of these steps was written."""
        return {row["uuid"] for row in self.steps if row["step"] in steps}


@dataclass
class Faults:
    """How often a request meets which fault; the rest goes through. Made from a seed, so that a run can be repeated."""

    drop: float = 0.0  # never leaves
    lose: float = 0.0  # is handled, the answer gets lost
    late: float = 0.0  # is handled, the answer comes after the budget
    twice: float = 0.0  # arrives twice
    portal: float = 0.0  # the hall's Wi-Fi answers with its own page
    seed: int = 1
    down: bool = False  # nothing goes through

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def next(self) -> str:
        """The fault of the next request, empty for none."""
        if self.down:
            return "drop"
        kinds = ("drop", "lose", "late", "twice", "portal")
        weights = [getattr(self, kind) for kind in kinds]
        return self._random.choices((*kinds, ""), weights=[*weights, max(0.0, 1 - sum(weights))])[0]


class Line:
    """HTTP to the server, with faults. Everything is JSON; anything else is no answer."""

    def __init__(self, url: str, token: str, faults: Faults | None = None) -> None:
        self.parts = urlsplit(url)
        self.token = token
        self.faults = faults or Faults()
        self.sent = 0

    def post(self, path: str, body: dict[str, Any], timeout: float = BUDGET) -> tuple[int, dict[str, Any]]:
        """(status, body). Raises NoAnswer."""
        fault = self.faults.next()
        if fault == "drop":
            raise NoAnswer("dropped")
        if fault == "portal":
            raise NoAnswer("text/html from a portal")
        status, answer = self._send(path, body, timeout)
        if fault == "twice":
            status, answer = self._send(path, body, timeout)
        if fault in {"lose", "late"}:
            raise NoAnswer(fault)
        return status, answer

    def _send(self, path: str, body: dict[str, Any], timeout: float) -> tuple[int, dict[str, Any]]:
        kind = http.client.HTTPSConnection if self.parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.parts.hostname or "", self.parts.port, timeout=timeout)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        self.sent += 1
        try:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            raw = response.read()
            if response.headers.get_content_type() != "application/json":
                raise NoAnswer(response.headers.get_content_type())
            return response.status, json.loads(raw)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(str(error)) from error
        finally:
            connection.close()


@dataclass
class Turnstile:
    """One bar with a reader. ``fail_open``: what happens to a person while there is no network (the organizer's choice per gate)."""

    line: Line
    journal: Journal
    fail_open: bool = False
    direction: str | None = None
    boot_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    queue: dict[str, dict[str, Any]] = field(default_factory=dict)
    openings: int = 0

    def __post_init__(self) -> None:
        """After a crash: everything that was read and has no receipt waits again, under its own uuid and number."""
        done = self.journal.keys("receipt")
        decided = {row["uuid"]: row["decided"] for row in self.journal.steps if row["step"] == "alone"}
        for row in self.journal.steps:
            if row["step"] == "read" and row["uuid"] not in done:
                # Whether the bar opened is on the disk; a reading that was cut off before is one that stayed shut.
                self.queue[row["uuid"]] = {**row["scan"], "decided": decided.get(row["uuid"], _alone(False))}
        self.seq = max((row["seq"] for row in self.journal.steps if "seq" in row), default=0)

    def read(self, code: str, *, passes: bool = True) -> bool:
        """A badge is held to the reader. True when the bar opened; ``passes`` False is somebody who turned round."""
        key, seq = str(uuid.uuid4()), self._next()
        scan = {"client_uuid": key, "code": code, "device_seq": seq, "device_time": _now(), "boot_id": self.boot_id}
        if self.direction:
            scan["direction"] = self.direction
        self.journal.write("read", key, seq=seq, scan=scan)
        try:
            status, answer = self.line.post("/api/gate/scan", scan)
        except NoAnswer:
            return self._alone(key, scan)
        if status != 200:  # 429, 503, 409: the server cannot now; 401: withdrawn
            return self._alone(key, scan)
        opened = answer["status"] in ADMITTED
        if opened:
            self._open(key, "server")
        self.journal.write("receipt", key, scan_id=answer["scan_id"], status=answer["status"], reason=answer["reason"])
        if opened and not passes:
            self.annul(key, "nobody passed")
        return opened

    def _alone(self, key: str, scan: dict[str, Any]) -> bool:
        decided = _alone(self.fail_open)
        self.journal.write("alone", key, decided=decided)
        if self.fail_open:
            self._open(key, "turnstile")
        self.queue[key] = {**scan, "decided": decided}
        return self.fail_open

    def _open(self, key: str, by: str) -> None:
        self.journal.write("open", key, by=by)  # on the disk before the relay closes: no opening without a line
        self.openings += 1

    def annul(self, key: str, why: str) -> bool:
        """Take back a reading of this turnstile: nobody went through. False when the server could not be asked."""
        known = [row for row in self.journal.steps if row["step"] == "annul" and row["annuls"] == key]
        if not known:
            self.journal.write("annul", str(uuid.uuid4()), annuls=key, why=why)
            known = self.journal.steps[-1:]
        step = known[0]
        # Without a number: only readings are numbered, and an annulment may be refused.
        body = {"client_uuid": step["uuid"], "device_time": _now(), "annuls": key, "reason": why, "by": "turnstile"}
        try:
            status, _answer = self.line.post("/api/gate/annul", body, UPLOAD_TIMEOUT)
        except NoAnswer:
            return False
        if status in FINAL:  # annulled, or never to be: too late, refused, annulled by somebody else
            self.journal.write("annulled", key, status=status)
        return status in FINAL

    def upload(self) -> int:
        """Send what waits, oldest first, until a receipt names each. Returns how many still wait."""
        while self.queue:
            items = list(self.queue.values())[:BATCH]
            try:
                status, answer = self.line.post("/api/gate/scans", {"scans": items}, UPLOAD_TIMEOUT)
            except NoAnswer:
                return len(self.queue)
            if status != 200:
                return len(self.queue)
            before = len(self.queue)
            for receipt in answer["receipts"]:
                self._settle(receipt)
            if len(self.queue) == before:
                return before
        return 0

    def _settle(self, receipt: dict[str, Any]) -> None:
        key = receipt.get("client_uuid")
        if key not in self.queue:
            return
        if not receipt["ok"]:
            if receipt["error"] in RECEIVED_FOR_GOOD:
                self.journal.write("receipt", key, error=receipt["error"])
                del self.queue[key]
            return
        stored = receipt["answer"]
        decision = stored.get("decision", stored["status"])
        self.journal.write("receipt", key, scan_id=stored["scan_id"], status=decision, conflict=receipt.get("conflict", False))
        del self.queue[key]

    def settle(self) -> int:
        """Annul what the server admitted although this bar stayed shut, and openings without a passage whose annulment got lost.
        Returns how many are left."""
        opened = self.journal.keys("open")
        receipts = {row["uuid"]: row for row in self.journal.steps if row["step"] == "receipt"}
        shut = {key for key, row in receipts.items() if row.get("status") in ADMITTED and key not in opened}
        wanted = {row["annuls"]: row["why"] for row in self.journal.steps if row["step"] == "annul"}
        wanted |= {key: "stayed shut" for key in shut if key not in wanted}
        done = self.journal.keys("annulled")
        return sum(not self.annul(key, why) for key, why in wanted.items() if key not in done)

    def heartbeat(self) -> dict[str, Any] | None:
        """Tell the server what waits; its answer names scans that it misses."""
        body = {
            "device_time": _now(), "queue": len(self.queue), "version": "turnstile-sim 1", "boot_id": self.boot_id, "last_seq": self.seq,
        }  # fmt: skip
        try:
            status, answer = self.line.post("/api/gate/heartbeat", body, UPLOAD_TIMEOUT)
        except NoAnswer:
            return None
        return answer if status == 200 else None

    def _next(self) -> int:
        self.seq += 1
        return self.seq


def _alone(opens: bool) -> dict[str, str]:
    """What a bar without a list of badges decides by itself: it knows nothing of the badge, and says so."""
    return {"status": "admit_attention" if opens else "deny", "reason": "stale_snapshot"}


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def run_together(turnstiles: list[Turnstile], codes: list[list[str]], *, turns_round: float = 0.0, seed: int = 1) -> None:
    """Each turnstile reads its codes, all at the same time. ``turns_round``: the share of people who do not walk through."""

    def passages(number: int) -> None:
        chance = random.Random(seed + number)
        for code in codes[number]:
            turnstiles[number].read(code, passes=chance.random() >= turns_round)

    threads = [threading.Thread(target=passages, args=(number,)) for number in range(len(turnstiles))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def finish(turnstiles: list[Turnstile], tries: int = 20) -> bool:
    """The network is back: upload and annul until nothing is left."""
    for turnstile in turnstiles:
        turnstile.line.faults = Faults()
    for _try in range(tries):
        left = sum(turnstile.upload() + turnstile.settle() for turnstile in turnstiles)
        if not left:
            return True
        time.sleep(0.1)
    return False


def main(arguments: list[str]) -> int:
    """Run from the command line; see the top of this file."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.turnstile", description="Simulated turnstiles.")
    parser.add_argument("url")
    parser.add_argument("--token", action="append", required=True, help="token of a paired device; once per turnstile")
    parser.add_argument("--code", action="append", required=True, help="text of a badge's code; repeat")
    parser.add_argument("--passages", type=int, default=100, help="readings per turnstile")
    parser.add_argument("--faults", type=float, default=0.2, help="share of requests that meet a fault")
    parser.add_argument("--fail-open", action="store_true", help="open while there is no network")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="turnstiles-"))
    each = given.faults / 5
    turnstiles = [
        Turnstile(
            Line(given.url, token, Faults(each, each, each, each, each, seed=given.seed + number)),
            Journal(folder / f"{number}.jsonl"), fail_open=given.fail_open,
        )
        for number, token in enumerate(given.token)
    ]  # fmt: skip
    chance = random.Random(given.seed)
    run_together(turnstiles, [chance.choices(given.code, k=given.passages) for _ in turnstiles], turns_round=0.03, seed=given.seed)
    waited = sum(len(turnstile.queue) for turnstile in turnstiles)
    done = finish(turnstiles)
    for turnstile in turnstiles:
        turnstile.heartbeat()
    print(f"{sum(t.openings for t in turnstiles)} openings, {waited} readings waited and were uploaded, journals in {folder}")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
