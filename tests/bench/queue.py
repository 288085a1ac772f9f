"""A day's queue of one gate, uploaded in batches: the whole application against the database's work for the same rows."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import time
import uuid
from statistics import median
from typing import Any

import psycopg

from expo_crm.db import db
from tests.bench import stage
from tests.bench.report import Line, say
from tests.bench.stage import Server, Stage

BATCH = 500


def run(on: Stage, app: Server, *, count: int, rounds: int) -> list[Line]:
    """Each round uses a device of its own and scans of other badges than the round before."""
    stored, replayed, database = [], [], []
    codes = stage.codes(on, on.edition_id, count)
    for number in range(rounds):
        say(f"{count:,} queued scans, round {number + 1} of {rounds}")
        device_id, token = _device(on, number)
        items = _queue(codes)
        took, receipts = _upload(app.port, token, items)
        bad = [r for r in receipts if not r["ok"] or r["answer"]["replayed"]]
        if bad:
            raise RuntimeError(f"{len(bad)} of {len(receipts)} items were not stored: {bad[0]}")
        stored.append(took)
        took, receipts = _upload(app.port, token, items)
        if not all(r["ok"] and r["answer"]["replayed"] for r in receipts):
            raise RuntimeError("a replay was stored again")
        replayed.append(took)
        database.append(_same_rows(on, device_id))
    whole, again, alone = median(stored), median(replayed), median(database)
    name = f"{count:,} queued scans in batches of {BATCH}"
    against = f"the same rows in {BATCH}-row statements {alone:.2f} s"
    return [
        Line(name, f"{whole:.1f} s", against, f"{whole / alone:.1f} ×", "≤ 10 ×"),
        Line(
            "  the same queue once more",
            f"{again:.1f} s",
            f"stored the first time in {whole:.1f} s",
            f"{again / whole:.0%}",
            "≤ 50 %",
        ),
    ]


def _device(on: Stage, number: int) -> tuple[int, str]:
    """A device at a gate of a zone of its own, paired this morning."""
    from expo_crm.onsite.models import Gate
    from expo_crm.onsite.services import devices, zones
    from expo_crm.shows.models import Edition

    with on.app.app_context():
        edition = db.session.get_one(Edition, on.edition_id)
        code = f"Q{number}-{uuid.uuid4().hex[:4]}"
        zones.ensure_zone(edition.id, code)
        gate = Gate(edition_id=edition.id, code=code, name_zh=code, name_en=code, zone=code, any_time=True)
        db.session.add(gate)
        db.session.flush()
        device, pairing = devices.create_device(edition, gate, code)
        paired = devices.pair(pairing)
        assert paired is not None
        device.paired_at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=9)
        made = device.id, paired[1]
        db.session.commit()
        db.session.remove()
    return made


def _queue(codes: list[str]) -> list[dict[str, Any]]:
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(hours=8)
    return [
        {
            "client_uuid": str(uuid.uuid4()),
            "code": code,
            "device_time": (begin + dt.timedelta(seconds=number))
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "device_seq": number + 1,
            "decided": {"status": "admit", "reason": "ok"},
        }
        for number, code in enumerate(codes)
    ]


def _upload(port: int, token: str, items: list[dict[str, Any]]) -> tuple[float, list[dict[str, Any]]]:
    """Seconds from the first request to the last receipt; bodies are made before."""
    bodies = [json.dumps({"scans": items[i : i + BATCH]}).encode() for i in range(0, len(items), BATCH)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    texts = []
    begin = time.perf_counter()
    for body in bodies:
        connection.request("POST", "/api/gate/scans", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"a batch was answered {answer.status}: {text[:200]!r}")
        texts.append(text)
    took = time.perf_counter() - begin
    connection.close()
    return took, [receipt for text in texts for receipt in json.loads(text)["receipts"]]


def _same_rows(on: Stage, device_id: int) -> float:
    """Seconds that storing what was just stored takes by hand-written statements of 500 rows each, log and presence, each
    batch in a transaction of its own, with all indexes and constraints. The rows are taken out first and put back by it."""
    with on.connect() as connection:
        zone = connection.execute("SELECT zone FROM scan WHERE device_id = %s LIMIT 1", [device_id]).fetchone()
        assert zone is not None
        # Nothing refers to these rows; looking whether something does would take far longer than what is measured.
        connection.execute("SET LOCAL session_replication_role = replica")
        scans = _take_out(connection, "scan", "device_id = %s", device_id)
        presences = _take_out(connection, "presence", "zone = %s", zone[0])
        connection.commit()
        connection.execute("ANALYZE scan, presence")
        connection.commit()
        seconds = 0.0
        key = "(badge_id, zone, local_day) DO UPDATE SET entries = presence.entries + excluded.entries, last_at = excluded.last_at"
        for start in range(0, max(len(scans.rows), len(presences.rows)), BATCH):
            first, second = scans.part(start), presences.part(start)
            begin = time.perf_counter()
            connection.execute(*scans.insert(first, "(device_id, client_uuid) DO NOTHING"))
            connection.execute(*presences.insert(second, key))
            connection.commit()
            seconds += time.perf_counter() - begin
    return seconds


class _Rows:
    """Rows of a table with the types of its columns."""

    def __init__(self, table: str, types: list[tuple[str, str]], rows: list[tuple[Any, ...]]) -> None:
        self.table, self.types, self.rows = table, types, rows

    def part(self, start: int) -> list[list[Any]]:
        return [list(column) for column in zip(*self.rows[start : start + BATCH], strict=True)]

    def insert(self, columns: list[list[Any]], on_conflict: str) -> tuple[bytes, list[Any]]:
        names = ", ".join(name for name, _type in self.types)
        arrays = ", ".join(f"%s::{kind}[]" for _name, kind in self.types)
        statement = (
            f"INSERT INTO {self.table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT {on_conflict} RETURNING id"
        )
        return statement.encode(), columns


def _take_out(connection: psycopg.Connection[Any], table: str, where: str, value: Any) -> _Rows:
    types = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped ORDER BY attnum",
        [table],
    ).fetchall()
    names = ", ".join(name for name, _type in types)
    rows = connection.execute(f"SELECT {names} FROM {table} WHERE {where} ORDER BY id".encode(), [value]).fetchall()
    connection.execute(f"DELETE FROM {table} WHERE {where}".encode(), [value])
    return _Rows(table, types, rows)
