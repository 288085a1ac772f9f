"""F11 and F13: a full disk, and the database in one file."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from tests.faults.cases import Result, Scene, Sizes, finish
from tests.faults.checker import check
from tests.faults.cluster import Cluster, SmallDisk
from tests.faults.gates import HANG, Gate, Traffic, Unreachable, part, total
from tests.faults.house import House

# Segments that were kept for later use are given up, or they would take the writing that the full disk shall refuse.
SMALL_WAL = (
    "ALTER SYSTEM SET max_wal_size = '64MB'",
    "ALTER SYSTEM SET min_wal_size = '32MB'",
    "SELECT pg_reload_conf()",
    "SELECT pg_sleep(0.5)",
    *("SELECT pg_switch_wal()", "CHECKPOINT") * 2,
)


def f11(scene: Scene) -> Result:
    """The disk is full: where the scans are kept, where the log of the database is, and the folder of the application."""
    result = Result(
        "F11", "disk full: table space of the scans; WAL; folder of the application (small file systems of their own)",
        "503 and no receipt, reads go on, gates decide; good again ≤ 30 s after room is made; I1–I3",
    )  # fmt: skip
    if why := SmallDisk.possible():
        result.skipped = why
        return result
    said = [_full_data(scene, result), _full_folder(scene, result), _full_wal(scene, result)]
    result.seen = "; ".join(said)
    return result


def _full_data(scene: Scene, result: Result) -> str:
    disk = SmallDisk(96, scene.cluster.user)
    gates = scene.gates("F11", 4)
    try:
        scene.cluster.run(f"CREATE TABLESPACE small LOCATION '{disk.path}'")
        scene.house.rows("ALTER TABLE scan SET TABLESPACE small")
        for (name,) in scene.house.rows("SELECT indexname FROM pg_indexes WHERE tablename = 'scan'"):
            scene.house.rows(f'ALTER INDEX "{name}" SET TABLESPACE small')
        refused, back = _fill(scene, result, disk, gates, "scans")
        finish(result, scene, gates)
        result.want(result.finding is not None and result.finding.clean, f"full table space: {result.finding}")
        scene.house.rows("ALTER TABLE scan SET TABLESPACE pg_default")
        for (name,) in scene.house.rows("SELECT indexname FROM pg_indexes WHERE tablename = 'scan'"):
            scene.house.rows(f'ALTER INDEX "{name}" SET TABLESPACE pg_default')
        scene.cluster.run("CHECKPOINT", "DROP TABLESPACE small")
        return f"scans: {refused} × 503, good again {back:.1f} s after room was made"
    finally:
        disk.close()


def _fill(scene: Scene, result: Result, disk: SmallDisk, gates: list[Gate], what: str) -> tuple[int, float]:
    """Scan until nothing more fits, look, make room, wait for the next good answer: refusals, seconds."""
    with Traffic(gates, scene.house.take(int(scene.sizes.rate * 30)), scene.sizes.rate, scene.seed):
        time.sleep(1)
        disk.fill()
        before = total(gates).statuses[503]
        end = time.monotonic() + 20
        while total(gates).statuses[503] < before + 10 and time.monotonic() < end:
            time.sleep(0.05)
        refused = total(gates).statuses[503] - before
        result.want(refused >= 10, f"{what}: the disk never was full")
        if what == "scans":
            result.want(scene.house.answers(), f"{what}: nothing can be read on a full disk")
        disk.free()
        begin = time.monotonic()
        if what == "WAL" and not _accepts(scene.cluster):
            with contextlib.suppress(subprocess.CalledProcessError):
                scene.cluster.kill()
            scene.cluster.restart()
        good = len(total(gates).times)
        while len(total(gates).times) < good + 3 and time.monotonic() - begin < 40:
            time.sleep(0.05)
        back = time.monotonic() - begin
        result.want(back <= 30, f"{what}: good again only after {back:.0f} s")
    return refused, back


def _accepts(cluster: Cluster) -> bool:
    try:
        cluster.run("SELECT 1")
    except Exception:
        return False
    return True


def _full_wal(scene: Scene, result: Result) -> str:
    """The database's own log on a full disk: PostgreSQL stops itself rather than forget, and comes back."""
    wal = scene.cluster.data / "pg_wal"
    gates = scene.gates("F11W", 4)
    scene.cluster.run(*SMALL_WAL)
    taken = sum(path.stat().st_size for path in wal.rglob("*") if path.is_file()) // 2**20
    disk = SmallDisk(taken + 96, scene.cluster.user)
    try:
        scene.cluster.stop_now("fast")
        inside = disk.path / "pg_wal"
        shutil.copytree(wal, inside, symlinks=True)
        _own(inside, scene.cluster.user)
        wal.rename(scene.cluster.data / "pg_wal.before")
        wal.symlink_to(inside)
        scene.cluster.restart()
        scene.house.disconnect()
        for _ in range(50):
            if scene.house.answers():
                break
            time.sleep(0.1)
        # The segment under way is on disk already; the next one does not fit.
        stop = threading.Event()
        filler = threading.Thread(target=_write_much, args=(scene, stop))
        filler.start()
        refused, back = _fill(scene, result, disk, gates, "WAL")
        stop.set()
        filler.join()
        scene.house.disconnect()
        finding = check_drained(scene, gates)
        result.want(finding == "", f"full WAL: {finding}")
        return f"WAL: {refused} × 503, good again {back:.1f} s after room was made"
    finally:
        disk.free()
        with contextlib.suppress(subprocess.CalledProcessError):
            scene.cluster.stop_now("fast")
        if wal.is_symlink():
            wal.unlink()
            shutil.copytree(disk.path / "pg_wal", wal, symlinks=True)
            _own(wal, scene.cluster.user)
        scene.cluster.restart()
        scene.house.disconnect()
        disk.close()


def _own(folder: Path, user: str | None) -> None:
    if user:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user, user)
    folder.chmod(0o700)


def _write_much(scene: Scene, stop: threading.Event) -> None:
    """Other writing that uses up the log, as an import would."""
    import psycopg

    while not stop.is_set():
        try:
            with psycopg.connect(scene.house.address, autocommit=True) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS faults_filler (body text)")
                while not stop.is_set():
                    connection.execute(
                        "INSERT INTO faults_filler SELECT repeat(md5(random()::text), 60) FROM generate_series(1, 2000)"
                    )
                    connection.execute("TRUNCATE faults_filler")
        except psycopg.Error:
            stop.wait(0.2)
    with contextlib.suppress(psycopg.Error):
        scene.house.rows("DROP TABLE IF EXISTS faults_filler")


def check_drained(scene: Scene, gates: list[Gate]) -> str:
    """Bring home the queues; what the checker did not like, or nothing."""
    for gate in gates:
        gate.drain()
    finding = check(scene.house, gates)
    for gate in gates:
        gate.close()
    return "" if finding.clean else str(finding)


def _full_folder(scene: Scene, result: Result) -> str:
    """The application's own folder is full: scanning does not need it."""
    disk = SmallDisk(24)
    house = House(scene.house.url, workers=2, instance=disk.path)
    house.edition_id = scene.house.edition_id
    try:
        house.start()
        disk.fill()
        gates = [Gate(scene.house, d, port=house.port) for d in scene.house.add_gates("F11I", 2)]
        for gate in gates:
            for badge in scene.house.take(10):
                gate.scan(badge)
        good = len(total(gates).times)
        result.want(good == 20, f"full folder: {good} of 20 scans answered")
        disk.free()
        finding = check_drained(scene, gates)
        result.want(finding == "", f"full folder: {finding}")
        return f"folder: {good} of 20 scans answered"
    finally:
        house.kill_tree()
        house.disconnect()
        disk.close()


# -- one file ----------------------------------------------------------------------------------------------------------


def f13(scene: Scene) -> Result:
    """SQLite: another writer holds the lock, a worker is killed while it writes, the file is copied while it is written."""
    result = Result(
        "F13", "SQLite: a second writer holds the lock for 10 s; kill -9 while writing; backup while writing",
        "busy: 503 before 10 s, gates decide; integrity_check ok; the copy is whole; I1–I3",
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(prefix="expo-faults-sqlite-"))
    file = folder / "expo.sqlite3"
    house = House(f"sqlite:///{file}", workers=2, instance=folder)
    try:
        house.furnish(1200, scene.seed)
        house.start()
        here = Scene(house, scene.cluster, Sizes(rate=20), scene.seed)
        gates = here.gates("F13", 3)
        waits = _second_writer(here, result, gates[0])
        kills = 0
        with Traffic(gates[1:], house.take(500), 20, scene.seed):
            time.sleep(1.5)
            copy = _copy_while(file, folder / "copy.sqlite3")
            for _ in range(3):
                time.sleep(0.8)
                for worker in house.web_workers()[:1]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        worker.kill()
                        kills += 1
            time.sleep(1)
        finish(result, here, gates)
        whole = _integrity(file)
        result.want(whole == "ok", f"integrity_check: {whole}")
        rows, problem = copy
        result.want(problem == "" and rows > 0, f"the copy: {problem or 'it is empty'}")
        talk = total(gates)
        result.seen = (
            f"second writer: 503 after {waits:.1f} s; {kills} kills; integrity_check {whole}; a copy made meanwhile holds {rows} scans and"
            f" equals its log; p95 {part(talk.times, 0.95) * 1000:.0f} ms"
        )
    finally:
        house.close()
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _second_writer(scene: Scene, result: Result, gate: Gate) -> float:
    program = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN IMMEDIATE');"
        " print('held', flush=True); time.sleep(10)"
    )
    file = scene.house.url.removeprefix("sqlite:///")
    with subprocess.Popen([sys.executable, "-c", program, file], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        item = gate.item(scene.house.take()[0])
        begin = time.monotonic()
        try:
            status = gate.send("/api/gate/scan", item, HANG).status
        except Unreachable as error:
            status = str(error)
        waited = time.monotonic() - begin
        writer.kill()
    gate.keep(item)
    result.want(status == 503, f"a scan beside a second writer was answered {status}")
    return waited


def _copy_while(file: Path, target: Path) -> tuple[int, str]:
    """The copy that SQLite's backup makes, checked: scans in it, and what is wrong with it."""
    with contextlib.closing(sqlite3.connect(file)) as source, contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy, pages=50)
        integrity = copy.execute("PRAGMA integrity_check").fetchone()[0]
        scans = copy.execute("SELECT count(*) FROM scan").fetchone()[0]
        entries = copy.execute("SELECT coalesce(sum(entries + exits), 0) FROM presence").fetchone()[0]
        counted = copy.execute(
            "SELECT count(*) FROM scan WHERE badge_id IS NOT NULL AND decision IN ('admit', 'admit_attention')"
        ).fetchone()[0]
    if integrity != "ok":
        return scans, str(integrity)
    return scans, "" if entries == counted else f"{entries} passages projected, {counted} in the log"


def _integrity(file: Path) -> str:
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
