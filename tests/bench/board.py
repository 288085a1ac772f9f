"""The live board in the middle of a show: all its statements together, with 250,000 scans of two days in the log."""

from __future__ import annotations

import datetime as dt
import random
import time
import uuid
from statistics import median
from typing import Any

from sqlalchemy import event

from expo_crm.db import db
from expo_crm.lib import clock
from tests.bench.report import Line, say
from tests.bench.stage import SEED, Stage, copy

SHARE = 4  # scans of a badge
FULL = 250_000


def run(on: Stage, *, scans: int = FULL, rounds: int = 15) -> list[Line]:
    from expo_crm.onsite import queries_live
    from expo_crm.onsite.services import live, zones
    from expo_crm.shows.models import Edition

    with on.connect() as connection:  # what other parts left would come twice
        connection.execute("TRUNCATE scan, presence CASCADE")
    say(f"filling the log: {scans:,} scans")
    today = _fill(on, scans)
    with on.app.app_context():
        edition = db.session.get_one(Edition, on.edition_id)
        zones.ensure_zone(edition.id, "show", capacity=100_000)
        live.count_hours(edition)
        db.session.commit()
        spent: list[tuple[float, str]] = []
        begun: list[float] = []

        def before(*_: Any) -> None:
            begun.append(time.perf_counter())

        def after(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            spent.append((time.perf_counter() - begun.pop(), " ".join(statement.split())[:90]))

        event.listen(db.engine, "before_cursor_execute", before)
        event.listen(db.engine, "after_cursor_execute", after)
        say("live board")
        taken: dict[bool, list[float]] = {True: [], False: []}
        whole, worst = [], ""
        for number in range(2 * rounds):
            anew = number % 2 == 0  # every other one finds the persons as the one before has counted them
            if anew:
                queries_live._kept_people.clear()
            db.session.expire_all()
            spent.clear()
            start = time.perf_counter()
            board = queries_live.live(edition, today)
            whole.append((time.perf_counter() - start) * 1000)
            taken[anew].append(sum(took for took, _text in spent) * 1000)
            if not anew:
                continue
            statements = len(spent)
            worst = "; ".join(f"{took * 1000:.0f} ms {text}" for took, text in sorted(spent, reverse=True)[:4])
        event.remove(db.engine, "before_cursor_execute", before)
        event.remove(db.engine, "after_cursor_execute", after)
        assert board.entries and board.inside and board.edition.visitors, (board.entries, board.inside, board.edition)
        db.session.remove()
    say(f"the slowest: {worst}")
    return [
        Line(
            f"live board of a running day, {scans:,} scans: its {statements} statements, persons counted within the last ten seconds",
            f"{median(taken[False]):.0f} ms", "", "", "< 100 ms",
        ),
        Line("  the same, persons counted anew", f"{median(taken[True]):.0f} ms"),
        Line("  both with what Python does of them, on average", f"{sum(whole) / len(whole):.0f} ms"),
    ]  # fmt: skip


def _fill(on: Stage, scans: int) -> dt.date:
    """Two days of scans with their presence, the second one being today; gives today."""
    now = clock.now()
    dice = random.Random(SEED)
    with on.connect() as connection:
        rows = connection.execute("SELECT timezone FROM edition WHERE id = %s", [on.edition_id]).fetchone()
        today = clock.local_day(now, rows[0] if rows else "UTC")
        connection.execute("UPDATE edition SET starts_on = %s, ends_on = %s WHERE id = %s", [today - dt.timedelta(1), today, on.edition_id])
        connection.execute("DELETE FROM opening_day WHERE edition_id = %s", [on.edition_id])
        for day in (today - dt.timedelta(1), today):
            connection.execute(
                "INSERT INTO opening_day (edition_id, day, opens_at, closes_at) VALUES (%s, %s, '00:00', '23:59')", [on.edition_id, day]
            )
        query = "SELECT id FROM badge WHERE edition_id = %s ORDER BY id LIMIT %s"
        badges = [row[0] for row in connection.execute(query, [on.edition_id, scans // SHARE])]
        found = connection.execute(
            "SELECT g.id, d.id FROM gate g JOIN device d ON d.gate_id = g.id WHERE g.edition_id = %s ORDER BY d.id", [on.edition_id]
        ).fetchall()
        posts = dict(found)
        first = (connection.execute("SELECT coalesce(max(id), 0) FROM scan").fetchone() or (0,))[0]
        log, there = [], []
        for badge in badges:
            gate = dice.choice(list(posts))
            for day, back in ((today - dt.timedelta(1), 86_400), (today, 0)):
                begin = now - dt.timedelta(seconds=back + 60 + dice.random() * 6 * 3600)
                passages = [(begin, "entry"), (begin + dt.timedelta(seconds=30 + dice.random() * 3000), dice.choice(("exit", "entry")))]
                for at, direction in passages:
                    refused = direction == "entry" and at != begin
                    log.append((badge, gate, at, direction, day, "deny" if refused else "admit", "already_in" if refused else "ok"))
                out = passages[1][1] == "exit"
                there.append((badge, day, begin, gate, passages[1][0] if out else begin, "exit" if out else "entry", 1, int(out), not out))
        log.sort(key=lambda row: row[2])  # as they come, so that those of an hour lie side by side
        there.sort(key=lambda row: row[2])
        copy(
            connection, "scan",
            "id edition_id device_id client_uuid gate_id zone direction code_hash badge_id corrected_at received_at local_day decision"
            " reason",
            (
                (first + n, on.edition_id, posts[gate], str(uuid.UUID(int=dice.getrandbits(128))), gate, "show", direction, "0" * 64,
                 badge, at, at, day, decision, reason)
                for n, (badge, gate, at, direction, day, decision, reason) in enumerate(log, 1)
            ),
        )  # fmt: skip
        copy(
            connection, "presence",
            "edition_id badge_id local_day first_entry_at first_gate_id last_at last_direction entries exits inside zone",
            ((on.edition_id, *row, "show") for row in there),
        )
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
    return today
