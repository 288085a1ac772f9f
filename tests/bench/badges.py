"""A thousand badges as PDF on one core, against the matrices of their codes alone."""

from __future__ import annotations

import time
from statistics import median

from sqlalchemy import select

from expo_crm.db import db
from tests.bench import stage
from tests.bench.report import Line, say
from tests.bench.stage import Stage


def run(on: Stage, *, quick: bool, rounds: int) -> list[Line]:
    from expo_crm.onsite.models import Badge
    from expo_crm.onsite.services import badge_draw, badges
    from expo_crm.shows.models import Edition

    count = 200 if quick else 1000
    codes = stage.codes(on, on.edition_id, count)
    whole, cpu, alone = [], [], []
    size = 0
    with on.app.app_context():
        edition = db.session.get_one(Edition, on.edition_id)
        found = list(
            db.session.scalars(select(Badge.id).where(Badge.edition_id == edition.id).order_by(Badge.id).limit(count))
        )
        badges.print_many(edition, found[:10])  # loads the fonts
        for number in range(rounds):
            say(f"{count} badges, round {number + 1} of {rounds}")
            start, used = time.perf_counter(), time.process_time()
            made, done = badges.print_many(edition, found)
            whole.append(count / (time.perf_counter() - start))
            cpu.append(count / (time.process_time() - used))
            assert done == count
            size = len(made)
            used = time.process_time()
            for code in codes:
                badge_draw.matrix(code)
            alone.append(count / (time.process_time() - used))
            db.session.rollback()
    per_core = median(cpu)
    return [
        Line(
            f"{count:,} badges as PDF, on one core", f"{per_core:.0f}/s", f"QR matrices alone {median(alone):.0f}/s",
            f"{per_core / median(alone):.0%}", "≥ 150/s",
        ),
        Line("  by the clock, sharing the machine", f"{median(whole):.0f}/s", f"{size / count / 1024:.1f} kB a badge"),
    ]  # fmt: skip
