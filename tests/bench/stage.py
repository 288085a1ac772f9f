"""What is measured on: a durable PostgreSQL, filled by COPY, and web servers started as ``flask serve`` starts them."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask

from expo_crm.app import create_app
from expo_crm.db import db
from expo_crm.lib import text
from tests.support.apps import SECRET, settings_for
from tests.support.databases import ROOT, migrate
from tests.support.postgres import PostgresServer

WORKERS, THREADS = 2, 4  # as `flask serve` starts them
DEVICES = 32
SEED = 20260512
BASE_ID = 1_000_000  # of copied rows, above what the sequences give out meanwhile

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红健辉峰宁"
CITIES = text.words(
    "东浦 澄江 北辰 临海 永宁 青屿 云溪 金湖 长汀 石梁 宁川 南屏 西陵 江浦 龙泉 白塔 新桥 广陵 平湖 安丰"
)
BRANDS = [a + b for a in "禾川瑞恒嘉腾宏远" for b in "达盛源泰科明康益润丰"]
TRADES = text.words("泵业有限公司 阀门股份有限公司 密封件厂 自动化设备有限公司 贸易有限公司")


@dataclass
class Server:
    """A running gunicorn."""

    port: int
    process: subprocess.Popen[bytes]


@dataclass
class Stage:
    """A filled database with an application in this process; ``tokens`` are those of paired devices."""

    url: str
    instance: Path
    app: Flask
    server: PostgresServer
    edition_id: int = 0
    small_edition_id: int = 0
    slug: str = ""
    tokens: list[str] = field(default_factory=list)
    small_token: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The database for psycopg."""
        return self.url.replace("postgresql+psycopg://", "postgresql://")

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.address)

    def close(self) -> None:
        """Stop the servers that were started here and the connections of this process."""
        for process in self.processes:
            stop(process)
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()


def prepare(server: PostgresServer, folder: Path, name: str) -> Stage:
    """A migrated database, empty but for the cast of the tests."""
    from tests.support.cast import play

    url = server.create(name)
    instance = folder / name
    migrate(url, instance)
    app = create_app(settings_for(url, instance, testing=False))
    stage = Stage(url, instance, app, server)
    with app.app_context():
        cast = play(db.session)
        stage.edition_id, stage.slug, stage.small_edition_id = cast.edition.id, cast.edition.slug, cast.previous.id
        db.session.remove()
    return stage


def fill(stage: Stage, big: int, small: int) -> None:
    """``big`` registrations with printed badges in the edition, ``small`` in the one before; four gates, paired devices."""
    from expo_crm.onsite.models import Gate
    from expo_crm.onsite.services import devices, keys
    from expo_crm.shows.models import Edition

    with stage.connect() as connection:
        start = BASE_ID
        for edition_id, count in ((stage.small_edition_id, small), (stage.edition_id, big)):
            copy_visitors(connection, edition_id, start, count)
            start += count
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")  # what the filling left is on disk before anything is measured
    with stage.app.app_context():
        for edition_id, count in ((stage.edition_id, DEVICES), (stage.small_edition_id, 1)):
            edition = db.session.get_one(Edition, edition_id)
            gates = [
                Gate(edition_id=edition_id, code=f"N{i}", name_zh=f"北{i}门", name_en=f"North {i}", any_time=True)
                for i in range(4)
            ]
            db.session.add_all(gates)
            db.session.flush()
            for i in range(count):
                _device, pairing = devices.create_device(edition, gates[i % 4], f"iPad {i}")
                paired = devices.pair(pairing)
                assert paired is not None
                if edition_id == stage.edition_id:
                    stage.tokens.append(paired[1])
                else:
                    stage.small_token = paired[1]
            keys.ensure_key(edition.show_id)
        db.session.commit()
        db.session.remove()


def copy_visitors(connection: psycopg.Connection[Any], edition_id: int, start: int, count: int) -> None:
    random_ = random.Random(SEED + edition_id)
    names = [
        (n, text.search_key(n), text.pinyin(n)[0])
        for n in (s + a + b for s in SURNAMES for a in GIVEN[:5] for b in GIVEN)
    ]
    companies = [(n, text.search_key(n)) for n in (c + b + t for c in CITIES for b in BRANDS for t in TRADES)]
    people = [(start + i, *random_.choice(names), *random_.choice(companies)) for i in range(count)]
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    classes = [
        row[0]
        for row in connection.execute("SELECT id FROM visitor_class WHERE edition_id = %s ORDER BY id", [edition_id])
    ]
    class_of = [classes[0] if random_.random() < 0.8 else random_.choice(classes) for _ in people]
    copy(
        connection, "person",
        "id name name_latin sort_key search_key email phone locale country city created_at updated_at",
        ((i, name, "", sort, key, f"v{i}@example.com", "", "zh", "CN", "", now, now) for i, name, key, sort, _c, _k in people),
    )  # fmt: skip
    copy(
        connection, "registration",
        "id edition_id number person_id class_id name company_name job_title function buying_role sort_key search_key locale source state"
        " review_note on_site first_time looking_for answers submitted_at",
        (
            (i, edition_id, 100_001 + n, i, class_of[n], name, company, "采购经理", "", "", sort, f"{key} {company_key} {100_001 + n}",
             "zh", "web", "approved", "", False, True, "", "[]", now - random_.random() * 60 * day)
            for n, (i, name, key, sort, company, company_key) in enumerate(people)
        ),
    )  # fmt: skip
    copy(
        connection, "badge",
        "id edition_id class_id registration_id serial generation state holder holder_company sort_key issued_at printed_at state_reason",
        (
            (i, edition_id, class_of[n], i, random_.randbytes(8).hex(), 1, "active", name, company, sort[:300], now, now, "")
            for n, (i, name, _key, sort, company, _c) in enumerate(people)
        ),
    )  # fmt: skip


def copy(connection: psycopg.Connection[Any], table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows into a table; ``columns`` are separated by spaces. Columns that must not be empty get their model's default."""
    names = columns.split()
    more = _defaults(table, names)
    statement = f"COPY {table} ({', '.join([*names, *more])}) FROM STDIN"
    added = tuple(more.values())
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as stream:
        for row in rows:
            stream.write_row((*row, *added))


def _defaults(table: str, names: Sequence[str]) -> dict[str, Any]:
    found = db.metadata.tables.get(table)
    if found is None:
        return {}
    out = {}
    for column in found.columns:
        default = column.default
        if column.name in names or column.nullable or column.primary_key or default is None:
            continue
        value = default.arg if default.is_scalar else default.arg(None)  # type: ignore[attr-defined]
        out[column.name] = json.dumps(value) if isinstance(value, (dict, list)) else value
    return out


def codes(stage: Stage, edition_id: int, count: int) -> list[str]:
    """The signed codes of badges of an edition, spread over its whole range."""
    from sqlalchemy import select

    from expo_crm.onsite.domain.badge_code import Payload, Purpose, encode
    from expo_crm.onsite.models import Badge
    from expo_crm.onsite.services import keys
    from expo_crm.shows.models import Edition

    with stage.app.app_context():
        edition = db.session.get_one(Edition, edition_id)
        kid, sign = keys.signer(edition.show_id)
        found = db.session.execute(select(Badge.serial, Badge.class_id).where(Badge.edition_id == edition_id)).all()
        chosen = random.Random(SEED).sample(found, min(count, len(found)))
        made = [
            encode(
                Payload(
                    kid=kid, purpose=Purpose.BADGE, edition_id=edition_id, serial=bytes.fromhex(serial),
                    valid_from=edition.starts_on, valid_to=edition.ends_on, generation=1, class_bits=class_id & 0xFFFF,
                ),
                sign,
            )
            for serial, class_id in chosen
        ]  # fmt: skip
        db.session.remove()
    return made


def body_of(code: str, number: int) -> bytes:
    """A scan as a gate sends it."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    scan = {"client_uuid": str(uuid.uuid4()), "code": code, "device_time": now, "device_seq": number}
    return json.dumps(scan).encode()


def serve(stage: Stage, target: str) -> Server:
    """Start gunicorn with ``target`` (module:app) on this database and wait for its first answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("EXPO_", "FLASK_"))}
    env = {
        **kept,
        "EXPO_DATABASE_URL": stage.url,
        "EXPO_SECRET_KEY": SECRET,
        "EXPO_INSTANCE": str(stage.instance),
        "EXPO_BASE_URL": f"http://127.0.0.1:{port}",
        "EXPO_SCAN_RATE": "0",  # 32 devices stand for a whole venue here
        "PYTHONPATH": str(ROOT),
    }
    log = open(stage.instance / f"{target.split(':')[0]}.log", "wb")  # noqa: SIM115 - open as long as the server
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", "--no-control-socket", "--worker-class", "gthread", "--workers", str(WORKERS),
            "--threads", str(THREADS), "--bind", f"127.0.0.1:{port}", "--log-level", "warning", target,
        ],
        cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    stage.processes.append(process)
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return Server(port, process)
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{target} did not start, see {log.name}") from None
            time.sleep(0.1)


def processor_ms(process: subprocess.Popen[bytes]) -> float | None:
    """Processor time that a process and its children have used; None where the system does not tell it by files."""
    ticks, tick_ms = 0, 1000 / os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[1]) == process.pid or stat.parent.name == str(process.pid):
            ticks += int(fields[11]) + int(fields[12])
    return ticks * tick_ms if ticks else None


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
