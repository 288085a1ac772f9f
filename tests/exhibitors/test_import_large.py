"""Imports in portions: several of them say what one says, a stopped worker goes on, a load that fails leaves nothing."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import func, select

from expo_crm.db import db
from expo_crm.directory.models import Company, MatchKey, Participation, Person
from expo_crm.exhibitors.models import ImportBatch, ImportChange, ImportPart, ImportRow
from expo_crm.exhibitors.services import import_files, import_journal, import_load, import_preview, importing
from expo_crm.jobs import services as jobs
from expo_crm.jobs.models import Job
from tests.exhibitors.test_import_roll_back import everything
from tests.support.apps import SECRET
from tests.support.cast import play, sign_in
from tests.support.databases import ROOT

HEADER = "公司名称,英文名称,网址,电话,展位号,面积,联系人,手机\n"
MARK = "一丁七三上不中丰主义之乐九也习书了二于云五井亚产京人仁今介从令以"


def name(n: int) -> str:
    return f"{MARK[n % 30]}{MARK[n // 30]}泵业有限公司"


def rows(count: int) -> str:
    """Every seventh row is the company of five rows before, with another stand; one is nothing, one looks like a known one."""
    out = []
    for n in range(count):
        own = n - 5 if n % 7 == 6 else n
        out.append(f"{name(own)},Firm {own:03x},https://f{own}.example,,A{n:02d},9,联系{MARK[n % 30]},\n")
    out[3] = "test,,,,,,,\n"
    out[5] = "北辰阀门有限公司,,,,A01,9,,\n"
    return HEADER + "".join(out)


@pytest.fixture
def cast(session):
    return play(session)


@pytest.fixture
def small_portions(monkeypatch):
    monkeypatch.setattr(import_preview, "PORTION", 7)
    monkeypatch.setattr(import_load, "CHUNK", 7)
    monkeypatch.setattr(import_files, "PART", 999)


def previewed(edition_id, data, *, decision="new"):
    batch = importing.create_batch(edition_id, "list.csv", data.encode("gb18030"))
    batch.mapping = importing.check_mapping(importing.open_batch(batch), importing.sure_mapping(importing.open_batch(batch)))
    importing.preview(batch)
    importing.decide_all(batch, decision)
    db.session.commit()
    return batch


def told(batch_id):
    found = select(ImportRow.line, ImportRow.verdict, ImportRow.reason, ImportRow.match_line, ImportRow.decision)
    return db.session.execute(found.where(ImportRow.batch_id == batch_id).order_by(ImportRow.line)).all()


def ledger(edition_id):
    found = select(Company.name_zh, Participation.net_m2, Participation.stands).join(Company, Company.id == Participation.company_id)
    return sorted(db.session.execute(found.where(Participation.edition_id == edition_id)).all())


def test_portions_say_what_one_pass_says(session, cast, monkeypatch):
    whole = previewed(cast.edition.id, rows(60))
    one = told(whole.id)
    counts = importing.load(whole)
    stored = ledger(cast.edition.id)
    import_journal.roll_back(whole)
    session.commit()
    for module, setting, value in ((import_preview, "PORTION", 7), (import_load, "CHUNK", 7), (import_files, "PART", 999)):
        monkeypatch.setattr(module, setting, value)
    parts = previewed(cast.edition.id, rows(60))
    assert session.scalar(select(func.count()).select_from(ImportPart)) > 3
    assert told(parts.id) == one and len({r.verdict for r in one}) == 4
    assert importing.load(parts) == counts
    assert ledger(cast.edition.id) == stored
    assert any(stand.count("; ") for _name, _m2, stand in stored)  # a later portion's row came to its company
    assert session.scalar(select(func.count()).select_from(ImportPart)) == 0


def test_a_decision_may_follow_a_row_that_follows_another(session, cast):
    data = HEADER + "甲云海科技有限公司,,,,A1,9,,\n甲云海科技有限公司,,,,A2,9,,\n乙山河科技有限公司,,,,A3,9,,\n"
    batch = importing.create_batch(cast.edition.id, "a.csv", data.encode())
    batch.mapping = importing.sure_mapping(importing.open_batch(batch))
    importing.preview(batch)
    third = session.scalar(select(ImportRow).where(ImportRow.line == 4))
    third.verdict, third.decision, third.match_line = "conflict", "match", 3
    importing.load(batch)
    assert ledger(cast.edition.id) == [("甲云海科技有限公司", 27, "A1; A2; A3")]


def test_a_company_that_came_meanwhile_is_not_made_twice(session, cast):
    from expo_crm.directory.services import companies

    batch = previewed(cast.edition.id, rows(20))
    companies.create_company(name_zh=name(1))
    session.commit()
    importing.load(batch)
    assert session.scalar(select(func.count()).where(Company.name_zh == name(1))) == 1
    assert batch.totals["match"] == 2 + 1


def test_a_load_that_fails_half_way_leaves_nothing(session, cast, small_portions, monkeypatch):
    before = everything()
    batch = previewed(cast.edition.id, rows(60))
    batch_id = batch.id
    importing.start_load(batch, "en")
    session.commit()
    whole, seen = import_load._people, []

    def breaks(targets, journal):
        seen.append(session.scalar(select(func.count()).select_from(Company)))
        if len(seen) == 4:
            raise RuntimeError("disk full")
        return whole(targets, journal)

    monkeypatch.setattr(import_load, "_people", breaks)
    jobs.run_all()
    assert seen[-1] > seen[0] > 4  # earlier portions were stored
    after = everything()
    assert {table for table in before if before[table] != after[table]} <= {"import_part"}
    batch = session.get_one(ImportBatch, batch_id)
    assert (batch.state, "loading" in batch.totals) == ("loading", False)
    importing.reopen(batch)
    monkeypatch.setattr(import_load, "_people", whole)
    importing.start_load(batch, "en")
    session.commit()
    jobs.run_all()
    session.expire_all()
    assert session.get_one(ImportBatch, batch_id).state == "done"
    assert len(ledger(2)) == 60 - 8 - 1


WORKER = """
import sys
from expo_crm.app import create_app
from expo_crm.jobs import services as jobs
from expo_crm.exhibitors.services import import_load
import_load.CHUNK = 7
app = create_app()
with app.app_context():
    print(jobs.run_all())
"""


def work(app, plan):
    """A worker in a process of its own, as the supervisor starts it; how it ended."""
    settings = app.config["SETTINGS"]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("EXPO_", "FLASK_"))}
    env = {
        **kept, "EXPO_TESTING": "1", "EXPO_SECRET_KEY": SECRET, "EXPO_DATABASE_URL": settings.database_url,
        "EXPO_INSTANCE": str(settings.instance_path), "EXPO_FAULTS": str(plan), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    return subprocess.run([sys.executable, "-c", WORKER], env=env, cwd=ROOT, timeout=60, check=False).returncode


def test_a_killed_worker_goes_on_where_it_was(app, session, cast, small_portions, tmp_path):
    people = session.scalar(select(func.count()).select_from(Person))
    batch = previewed(cast.edition.id, rows(60))
    batch_id = batch.id
    importing.start_load(batch, "en")
    session.commit()
    plan = tmp_path / "plan.txt"
    plan.write_text("mid_import_portion kill at=4\n")
    session.remove()
    assert work(app, plan) == -signal.SIGKILL
    half = session.get_one(ImportBatch, batch_id)
    begun = half.totals["loading"]
    assert half.state == "loading" and 15 < begun["rows"] < 28  # the portion at hand is gone, those before it are there
    assert session.scalar(select(func.count()).select_from(ImportChange)) > 0
    # Two minutes of silence, and the job is given to the next worker.
    job = session.get_one(Job, half.job_id)
    assert job.state == "running" and job.beat_at is not None
    job.beat_at -= 2 * jobs.SILENT_AFTER
    session.commit()
    assert jobs.run_all() == 1
    done = session.get_one(ImportBatch, batch_id)
    assert done.state == "done" and done.totals["loaded"]["companies_new"] == 60 - 8 - 1
    assert done.totals["loaded"]["people_new"] == session.scalar(select(func.count()).select_from(Person)) - people
    assert len(ledger(2)) == session.scalar(select(func.count()).select_from(Participation).where(Participation.edition_id == 2))
    assert all(m2 in (9, 18) for _n, m2, _s in ledger(2))


def test_a_job_that_dies_three_times_has_failed_and_its_part_is_taken_back(session, cast, small_portions, client, monkeypatch):
    batch = previewed(cast.edition.id, rows(60))
    batch_id, before = batch.id, everything()
    importing.start_load(batch, "en")
    session.commit()
    whole, seen = import_load._people, []

    def stops(targets, journal):
        seen.append(1)
        if len(seen) % 3 == 0:
            raise KeyboardInterrupt  # nothing of the job's own end runs, as when it is killed
        return whole(targets, journal)

    monkeypatch.setattr(import_load, "_people", stops)
    for _ in range(jobs.MAX_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            jobs.run_all()
        job = session.get_one(Job, session.get_one(ImportBatch, batch_id).job_id)
        job.beat_at -= 2 * jobs.SILENT_AFTER
        session.commit()
    assert jobs.run_all() == 0
    sign_in(client, play_sales(session))
    at = f"/e/fluid-2026/imports/{batch_id}"
    page = client.get(f"{at}/rows?lang=en").get_data(as_text=True)
    assert "interrupted half-way" in page
    assert client.post(f"{at}/again").status_code == 302
    jobs.run_all()
    session.expire_all()
    assert session.get_one(ImportBatch, batch_id).state == "previewed"
    after = everything()
    assert {t for t in before if before[t] != after[t]} <= {"user_session", "user"}


def play_sales(session):
    from expo_crm.accounts.models import User

    return session.scalar(select(User).where(User.kind == "staff").order_by(User.id).limit(1))


def test_a_long_import_is_taken_back_by_a_job(session, cast, client, small_portions, monkeypatch):
    before = everything()
    keys = session.scalar(select(func.count()).select_from(MatchKey))
    batch = previewed(cast.edition.id, rows(60))
    batch_id = batch.id
    importing.load(batch)
    session.commit()
    monkeypatch.setattr(importing, "AT_ONCE", 10)
    monkeypatch.setattr(import_journal, "PORTION", 7)
    sign_in(client, cast.sales)
    at = f"/e/fluid-2026/imports/{batch_id}"
    assert client.post(f"{at}/roll-back").headers["Location"].endswith("/rows")
    assert client.post(f"{at}/roll-back").status_code == 409
    page = client.get(f"{at}/rows?lang=en").get_data(as_text=True)
    assert "Taking back" in page and "hx-get" in page
    jobs.run_all()
    session.expire_all()
    assert session.get_one(ImportBatch, batch_id).state == "rolled_back"
    after = everything()
    assert {t for t in before if before[t] != after[t]} <= {"user_session", "user"}
    assert session.scalar(select(func.count()).select_from(MatchKey)) == keys


def test_a_large_file_is_read_by_a_job(session, cast, client, monkeypatch):
    monkeypatch.setattr(import_files, "READ_AT_ONCE", 100)
    sign_in(client, cast.sales)
    upload = {"file": (io.BytesIO(rows(30).encode()), "list.csv")}
    at = client.post("/e/fluid-2026/imports", data=upload, content_type="multipart/form-data").headers["Location"]
    assert at.endswith("/rows")
    page = client.get(at + "?lang=en").get_data(as_text=True)
    assert "Reading the file" in page and "hx-get" in page
    base = at.removesuffix("/rows")
    assert client.get(base + "/columns").headers["Location"].endswith("/rows")
    jobs.run_all()
    page = client.get(base + "/file?lang=en").get_data(as_text=True)
    assert "一一泵业有限公司" in page and "30" in page
    assert client.post(base + "/file", data={"encoding": "utf-16"}).headers["Location"].endswith("/rows")
    jobs.run_all()
    assert client.get(base + "/file?lang=en").get_data(as_text=True).count("cannot be read") == 1
    client.post(base + "/file", data={"encoding": ""})
    jobs.run_all()
    assert client.get(base + "/columns").status_code == 200


def test_what_was_left_out_goes_back_as_it_stood_in_the_file(session, cast, client):
    batch = previewed(cast.edition.id, rows(30), decision="skip")
    for line in (3, 4):  # a new company whose follower in line 8 goes with it, and one more
        importing.decide_row(batch, session.scalar(select(ImportRow).where(ImportRow.line == line)), "skip")
    importing.load(batch)
    session.commit()
    sign_in(client, cast.sales)
    found = client.get(f"/e/fluid-2026/imports/{batch.id}/not-taken.csv?lang=en").get_data().decode("utf-8-sig")
    source = list(csv.DictReader(io.StringIO(rows(30))))
    back = list(csv.DictReader(io.StringIO(found)))
    assert [int(r["Line"]) for r in back] == [3, 4, 5, 7, 8]
    for row in back:
        assert {k: v for k, v in row.items() if k not in ("Line", "Why")} == source[int(row["Line"]) - 2]
