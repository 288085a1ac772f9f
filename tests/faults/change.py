"""F20 and F23: an upgrade killed half-way, old devices at a new server, and the network between."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from tests.faults.cases import Result, Scene, finish
from tests.faults.gates import HANG, Gate, Unreachable
from tests.faults.wire import Wire
from tests.support.apps import SECRET
from tests.support.databases import ROOT


def f20(scene: Scene) -> Result:
    """The upgrade of a database with data is killed at random moments; devices speak as they did before it."""
    kills = 2 if not scene.strict else 6
    result = Result(
        "F20", f"flask db upgrade killed at a random place, {kills} × on each kind of database; devices of the first version",
        "the next upgrade goes through, nothing is lost; a queue of the first version is accepted",
    )  # fmt: skip
    random_ = random.Random(scene.seed)
    stages = []
    for kind in ("postgresql", "sqlite"):
        folder = Path(tempfile.mkdtemp(prefix="expo-faults-upgrade-"))
        try:
            url = (
                scene.cluster.create("expo_faults_upgrade")
                if kind == "postgresql"
                else f"sqlite:///{folder}/old.sqlite3"
            )
            stages.append(f"{kind}: killed at {_upgrade(url, folder, kills, random_, result)}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    result.seen = "; ".join(stages) + "; " + _old_device(scene, result)
    return result


def _upgrade(url: str, folder: Path, kills: int, random_: random.Random, result: Result) -> str:
    env = {
        "PATH": "/usr/bin:/bin",
        "EXPO_DATABASE_URL": url,
        "EXPO_SECRET_KEY": SECRET,
        "EXPO_INSTANCE": str(folder),
        "PYTHONPATH": str(ROOT),
    }

    def flask(*arguments: str, kill_after: str = "") -> str:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", *arguments], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip
        assert process.stdout is not None
        out = ""
        for line in process.stdout:
            out += line
            if kill_after and f"-> {kill_after}," in line:
                time.sleep(random_.random() * 0.05)
                process.kill()
        process.wait()
        if process.returncode not in ((0, -9) if kill_after else (0,)):
            raise AssertionError(f"flask {' '.join(arguments)} failed:\n{out[-3000:]}")
        return out

    versions = sorted(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py"))
    flask("db", "upgrade", versions[0])
    _seed(url)
    places = sorted(random_.sample(versions[1:], min(kills, len(versions) - 1)))
    for place in places:
        flask("db", "upgrade", kill_after=place)
    flask("db", "upgrade")
    now = flask("db", "current")
    result.want(versions[-1] in now and "(head)" in now, f"after the kills the version is {now.strip()[-40:]}")
    result.want(_seeded(url) == 1, "data of the old version was lost")
    return ", ".join(places)


def _execute(url: str, statement: str) -> Any:
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            found = connection.execute(text(statement))
            return found.scalar() if found.returns_rows else None
    finally:
        engine.dispose()


def _seed(url: str) -> None:
    _execute(
        url,
        "INSERT INTO show (code, name_zh, name_en, organizer_zh, organizer_en, privacy_contact) VALUES ('kept', 'K', 'K', '', '', '')",
    )


def _seeded(url: str) -> int:
    return int(_execute(url, "SELECT count(*) FROM show WHERE code = 'kept'"))


def _old_device(scene: Scene, result: Result) -> str:
    """What a device of the first version sends: no boot, no monotonic clock, no snapshot, no gate."""
    (gate,) = scene.gates("F20", 1, paired_ago=dt.timedelta(hours=2))
    at = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    one, *queued = scene.house.take(5)
    answers = [
        gate.send("/api/gate/scan", {"client_uuid": str(uuid.uuid4()), "code": one.code, "device_time": at, "device_seq": 1}, HANG),
        gate.send("/api/gate/heartbeat", {"device_time": at, "queue": 4, "version": "0.1.0"}, HANG),
        gate.send(
            "/api/gate/scans",
            {
                "scans": [
                    {
                        "client_uuid": str(uuid.uuid4()), "code": badge.code, "direction": "entry", "device_time": at, "device_seq": n,
                        "decided": {"status": "admit", "reason": "ok"},
                    }
                    for n, badge in enumerate(queued, 2)
                ]
            },
            HANG,
        ),
    ]  # fmt: skip
    statuses = [answer.status for answer in answers]
    result.want(statuses == [200, 200, 200], f"a device of the first version was answered {statuses}")
    if statuses == [200, 200, 200]:
        needed = {
            "client_uuid",
            "status",
            "reason",
            "text",
            "direction",
            "holder",
            "overridable",
            "replayed",
            "server_time",
        }
        result.want(needed <= answers[0].body.keys(), f"fields gone: {needed - answers[0].body.keys()}")
        result.want({"held_seq", "held_count", "counts"} <= answers[1].body.keys(), "the heartbeat lost fields")
        result.want(all(r["ok"] for r in answers[2].body["receipts"]), "an old queue was refused")
    return f"a device of the first version: answers {statuses}"


def f23(scene: Scene) -> Result:
    """A slow, lossy wire, a captive portal that answers a page with 200, a link that flaps."""
    result = Result(
        "F23", "2 s latency; 20 % of connections lost; captive portal answering HTML 200; link flapping every 0.5 s",
        "decided ≤ 1.5 s after reading; a page is no receipt; everything uploaded once afterwards",
    )  # fmt: skip
    with Wire(scene.house.port, scene.seed) as wire:
        gates = [Gate(scene.house, device, port=wire.port) for device in scene.house.add_gates("F23", 4)]
        slowest: dict[str, float] = {}
        for name, gate in zip(("latency", "loss", "portal", "flapping"), gates, strict=True):
            wire.delay = 1.0 if name == "latency" else 0.0  # each way
            wire.loss = 0.2 if name == "loss" else 0.0
            wire.portal = name == "portal"
            for number, badge in enumerate(scene.house.take(4 if name == "latency" else 20)):
                wire.down = name == "flapping" and number // 5 % 2 == 0
                if name == "loss":
                    gate._drop()  # every scan needs a connection, which may be lost
                begin = time.monotonic()
                gate.scan(badge)
                slowest[name] = max(slowest.get(name, 0), time.monotonic() - begin)
            if name == "portal":
                with contextlib.suppress(Unreachable):
                    gate.upload(gate.queue)
                    result.want(False, "a page with 200 was taken for receipts")
                result.want(len(gate.queue) == 20, "something left the queue although the server never saw it")
        wire.delay, wire.loss, wire.portal, wire.down = 0.0, 0.0, False, False
        result.want(max(slowest.values()) < 1.8, f"decided only after {max(slowest.values()):.1f} s")
        result.seen = "slowest decision: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in slowest.items())
        result.seen += f"; {sum(g.talk.local for g in gates)} decided at the gate"
        return finish(result, scene, gates)
