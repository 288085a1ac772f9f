"""The demonstration show: it loads on both databases, its magnitudes are the published ones, and it is the same for the same seed."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from expo_crm.demo.load import NotEmpty, load
from expo_crm.demo.world import World
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.models import Booth, Contract, ContractBooth
from expo_crm.onsite.models import Badge, Presence, Scan
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration

TODAY = dt.date(2026, 11, 21)
STAFF = {"sales": [1, 2, 3, 4], "finance": [5], "desk": [6], "gate": [7]}  # as load() numbers them in an empty database


@pytest.fixture(scope="module")
def world() -> World:
    made = World(2026, TODAY)
    made.run(STAFF)
    return made


@pytest.mark.postgres
def test_it_loads_once_and_the_database_accepts_every_row(session, world, monkeypatch):
    # Making the show costs most of this test: it is there already.
    ready = SimpleNamespace(rows=world.rows, editions=world.editions, now=world.now, run=lambda _staff: None)
    monkeypatch.setattr("expo_crm.demo.load.World", lambda *_args: ready)
    counts = load(2026, TODAY, lambda _text: None, lambda _rows: None)
    session.commit()
    assert session.scalar(select(func.count()).select_from(Edition)) == 5
    assert counts["registration"] == session.scalar(select(func.count()).select_from(Registration))
    # The next row gets a fresh id, also where the database counts by itself.
    session.add(Company(name_zh="新公司", created_at=dt.datetime.now(dt.UTC), updated_at=dt.datetime.now(dt.UTC)))
    session.flush()
    with pytest.raises(NotEmpty):
        load(2026, TODAY, lambda _text: None, lambda _rows: None)


def test_the_command_makes_the_same_show_for_the_same_seed(demo_file, world):
    """On SQLite, in a process of its own."""

    def every(column, model):
        with closing(sqlite3.connect(f"file:{demo_file}?mode=ro", uri=True)) as connection:
            return [value for (value,) in connection.execute(f"SELECT {column} FROM {model.__tablename__} ORDER BY id")]

    assert len(every("id", Edition)) == 5
    for model, column in ((Company, "name_zh"), (Badge, "serial"), (Registration, "search_key"), (Scan, "client_uuid")):
        made = [row[column] for row in world.rows[model]]
        assert every(column, model)[: len(made)] == made, column


def last(world: World) -> dict:
    return world.editions[-2]


def of(world: World, model: type, edition: dict) -> list[dict]:
    return [r for r in world.rows[model] if r["edition_id"] == edition["id"]]


def test_the_last_edition_has_its_size(world):
    edition = last(world)
    assert len(of(world, Participation, edition)) == 400
    assert len(of(world, Registration, edition)) == 8000


def test_seven_in_ten_come_and_six_in_ten_return(world):
    edition, before = last(world), world.editions[-3]
    ahead = {r["id"] for r in of(world, Registration, edition) if r["state"] == "approved" and not r["on_site"]}
    there = {r["badge_id"] for r in of(world, Presence, edition)}
    came = {b["registration_id"] for b in of(world, Badge, edition) if b["id"] in there}
    assert 0.64 < len(came & ahead) / len(ahead) < 0.75
    now, then = ({r["company_id"] for r in of(world, Participation, e)} for e in (edition, before))
    assert 0.5 < len(now & then) / len(then) < 0.68


def test_entries_peak_in_the_morning(world):
    hours = [r["corrected_at"].hour for r in of(world, Scan, last(world)) if r["direction"] == "entry" and r["decision"] == "admit"]
    by_hour = {h: hours.count(h) for h in range(8, 17)}
    assert by_hour[10] > by_hour[12] > by_hour[16]


def test_no_booth_is_sold_twice_and_every_sold_booth_has_a_contract(world):
    booths = [r["booth_id"] for r in world.rows[ContractBooth]]
    assert len(booths) == len(set(booths))
    assert {r["id"] for r in world.rows[Booth] if r["state"] == "sold"} == set(booths)
    numbers = [r["number"] for r in world.rows[Contract]]
    assert len(numbers) == len(set(numbers))


def test_presence_is_what_the_log_says(world):
    edition = last(world)
    entries: dict[tuple, int] = {}
    for scan in of(world, Scan, edition):
        if scan["badge_id"] and scan["direction"] == "entry" and scan["decision"] == "admit":
            key = (scan["badge_id"], scan["local_day"])
            entries[key] = entries.get(key, 0) + 1
    assert entries == {(r["badge_id"], r["local_day"]): r["entries"] for r in of(world, Presence, edition)}


def test_every_address_is_one_that_cannot_exist(world):
    from expo_crm.directory.models import Person

    assert all(r["email"].endswith(".example") for r in world.rows[Person])
