"""An exhibitor list: judged row by row and stored, against COPY of the same rows into a table of texts."""

from __future__ import annotations

import csv
import io
import random
import time
from statistics import median

from expo_crm.db import db, unit_of_work
from tests.bench.report import Line, say
from tests.bench.stage import BRANDS, CITIES, SEED, TRADES, Stage, copy

HEADERS = ("公司名称", "英文名称", "国家", "城市", "网址", "电话", "面积", "联系人", "邮箱")


def rows_of(count: int) -> list[tuple[str, ...]]:
    """Companies that differ, of which one in fifty comes twice."""
    random_ = random.Random(SEED)
    out: list[tuple[str, ...]] = []
    for n in range(count):
        if n % 50 == 49:
            out.append(out[random_.randrange(len(out))])
            continue
        brand = random_.choice(BRANDS) + random_.choice(BRANDS)
        word = f"{random_.choice('bcdfgklmnprstvz')}{random_.choice('aeiou')}{n:x}"
        own = chr(0x4E00 + n % 6000) + chr(0x4E00 + n // 6000 * 37)  # so that no two names are the same
        out.append(
            (
                f"{random_.choice(CITIES)}{brand}{own}{random_.choice(TRADES)}", f"{word.title()} Works {n} Ltd.",
                random_.choice(("中国", "德国", "Italy")), random_.choice(CITIES), f"https://www.{word}{n}.example",
                f"+86 21 5{n:07d}", str(9 + n % 90), "陈思远", f"info@{word}{n}.example",
            )
        )  # fmt: skip
    return out


def run(on: Stage, *, quick: bool, rounds: int) -> list[Line]:
    from expo_crm.exhibitors.services import importing

    count = 2_000 if quick else 50_000
    rows = rows_of(count)
    text = io.StringIO()
    csv.writer(text).writerows([HEADERS, *rows])
    data = text.getvalue().encode("utf-8-sig")

    copies = []
    with on.connect() as connection:
        columns = [f"c{i}" for i in range(len(HEADERS))]
        for number in range(rounds):
            connection.execute(f"CREATE TABLE bench_rows_{number} ({', '.join(f'{c} text' for c in columns)})".encode())
            connection.commit()
            start = time.perf_counter()
            copy(connection, f"bench_rows_{number}", " ".join(columns), rows)
            connection.commit()
            copies.append(time.perf_counter() - start)

    def again(label: str) -> tuple[float, float, dict[str, int], dict[str, int]]:
        say(f"import of {count:,} rows, {label}")
        with on.app.app_context():
            start = time.perf_counter()
            with unit_of_work():
                batch = importing.create_batch(on.edition_id, "list.csv", data)
                batch.mapping = importing.check_mapping(
                    importing.open_batch(batch), importing.sure_mapping(importing.open_batch(batch))
                )
                batch.state = "mapped"
                totals = importing.preview(batch)
                batch_id = batch.id
            middle = time.perf_counter()
            with unit_of_work():
                batch = db.session.get_one(importing.ImportBatch, batch_id)
                importing.decide_all(batch, "new")
                loaded = importing.load(batch)
            return middle - start, time.perf_counter() - middle, dict(totals), dict(loaded)

    copied = median(copies)
    previewed, loaded, totals, changed = again("all of them new")
    say(f"{totals} {changed}")
    preview_again, load_again, totals_again, _changed = again("the same list again")
    say(f"{totals_again} {_changed}")
    whole, whole_again = previewed + loaded, preview_again + load_again
    value, value_again = (f"{count / seconds:.0f} rows/s ({seconds:.1f} s)" for seconds in (whole, whole_again))
    return [
        Line(f"import of {count:,} exhibitors", value, f"COPY {count / copied:.0f} rows/s", f"{whole / copied:.0f} ×"),
        Line("  of which preview / load", f"{previewed:.1f} / {loaded:.1f} s"),
        Line("  the same list again, nothing new", value_again, "", f"{whole_again / copied:.0f} ×"),
    ]
