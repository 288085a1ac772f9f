"""Load in a process of its own: reads an order from standard input, runs for a bounded time, prints what it measured.

HTTP over raw sockets with keep-alive, bodies made before the clock starts; or the bare transaction on own database connections.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench.stage import ROOT, body_of

MOST_PER_SECOND = 3000  # bodies prepared, over all connections


@dataclass
class Order:
    """``port`` 0 means: straight to the database at ``address``. ``rate`` 0 means: each connection as fast as it is answered.

    ``most`` ends it after so many requests, 0 does not.
    """

    port: int
    address: str
    connections: int
    seconds: float
    tokens: list[str]
    codes: list[str]
    rate: float = 0
    most: int = 0


@dataclass
class Measured:
    """Finished requests per second, latencies in milliseconds, answers by kind."""

    per_second: float
    p50: float
    p99: float
    answers: dict[str, int]
    count: int


def measure(order: Order, processes: int = 1) -> Measured:
    """Run an order in processes beside this one, its connections divided among them."""
    part = order.connections // processes
    running = []
    for i in range(processes):
        own = asdict(order) | {
            "connections": part,
            "tokens": order.tokens[i * part :] + order.tokens[: i * part],
            "codes": order.codes[i::processes],
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        running.append((process, json.dumps(own).encode()))
    found: list[dict[str, Any]] = []
    results: list[Any] = [None] * processes

    def talk(index: int) -> None:
        process, given = running[index]
        results[index] = process.communicate(given, timeout=order.seconds + 120)[0]

    threads = [threading.Thread(target=talk, args=(i,)) for i in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (process, _given), out in zip(running, results, strict=True):
        if process.returncode or not out:
            process.kill()
            raise RuntimeError("the load process failed")
        found.append(json.loads(out))
    times = sorted(t for f in found for t in f["times"])
    answers: Counter[str] = Counter()
    for f in found:
        answers.update(f["answers"])
    return Measured(
        sum(len(f["times"]) / f["seconds"] for f in found), _part(times, 0.5), _part(times, 0.99), dict(answers), len(times)
    )  # fmt: skip


def _part(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


def _bodies(order: Order) -> list[list[bytes]]:
    total = order.most or int(order.seconds * (order.rate or MOST_PER_SECOND)) + order.connections
    made: list[list[bytes]] = [[] for _ in range(order.connections)]
    for i in range(total):
        made[i % order.connections].append(body_of(order.codes[i % len(order.codes)], i + 1))
    return made


async def _http(order: Order) -> dict[str, Any]:
    requests = [
        [
            b"POST /api/gate/scan HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (order.tokens[i % len(order.tokens)].encode(), len(body), body)
            for body in bodies
        ]
        for i, bodies in enumerate(_bodies(order))
    ]  # fmt: skip
    times: list[float] = []
    answers: Counter[str] = Counter()
    start = time.perf_counter() + 0.2
    end = start + order.seconds
    step = order.connections / order.rate if order.rate else 0.0

    async def one(number: int, mine: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", order.port)
        due = start + (step * number / order.connections)
        for request in mine:
            now = time.perf_counter()
            if step or now < start:
                await asyncio.sleep(max(0.0, (due if step else start) - now))
            began = due if step else time.perf_counter()
            due += step
            if began >= end:
                break
            if writer.is_closing() or reader.at_eof():  # the server ended an idle connection
                reader, writer = await asyncio.open_connection("127.0.0.1", order.port)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            times.append((time.perf_counter() - began) * 1000)
            status = head.split(b" ", 2)[1].decode()
            answers[json.loads(body)["status"] if status == "200" else status] += 1
            if b"connection: close" in head.lower():
                writer.close()
        writer.close()

    await asyncio.gather(*(one(i, mine) for i, mine in enumerate(requests)))
    return {"times": times, "answers": answers, "seconds": time.perf_counter() - start}


def _direct(order: Order) -> dict[str, Any]:
    import psycopg

    from tests.bench import transaction

    bodies = [[json.loads(b) for b in mine] for mine in _bodies(order)]
    connections = [psycopg.connect(order.address) for _ in bodies]
    times: list[float] = []
    start = time.perf_counter() + 0.1
    end = start + order.seconds

    def one(number: int) -> None:
        token = order.tokens[number % len(order.tokens)]
        time.sleep(max(0.0, start - time.perf_counter()))
        for body in bodies[number]:
            began = time.perf_counter()
            if began >= end:
                break
            transaction.run(connections[number], token, body)
            times.append((time.perf_counter() - began) * 1000)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(order.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    for connection in connections:
        connection.close()
    return {"times": times, "answers": {"admit": len(times)}, "seconds": seconds}


def main() -> None:
    order = Order(**json.load(sys.stdin))
    json.dump(asyncio.run(_http(order)) if order.port else _direct(order), sys.stdout)


if __name__ == "__main__":
    main()
