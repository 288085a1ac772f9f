"""``flask import exhibitors`` on small files and, where they are, on three real lists."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from sqlalchemy import func, select

from expo_crm.directory.models import Company, Employment, Participation, Person
from expo_crm.exhibitors.models import Booth, BoothOccupant, ImportBatch
from expo_crm.matchmaking.models import Offer
from tests.support.cast import play

REAL = Path(os.environ.get("EXPO_SHARED_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data") / "exhibitors"


@pytest.fixture
def cast(session):
    cast = play(session)
    cast.edition_id, cast.previous_id = cast.edition.id, cast.previous.id
    cast.centrifugal_id = cast.centrifugal.id
    session.commit()
    return cast


def load(runner, path, *more):
    return runner.invoke(args=["import", "exhibitors", str(path), "--edition", "fluid-2026", *more])


def write(path, *rows):
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, delimiter=";").writerows(rows)
    return path


def test_people_offers_and_booths_come_with_their_company(runner, session, cast, tmp_path):
    rows = [
        ("Company", "Country", "Stand", "Contact person", "E-mail", "Category", "m2"),
        (
            "Quellwerk GmbH",
            "Germany",
            "H1:A03 | A04",
            "Ada Quell",
            "ada@quellwerk.example",
            "Centrifugal pumps",
            "12,5",
        ),
        ("Zuber AG", "Switzerland", "A03", "", "info@zuber.example", "叶片泵;unknown", "9"),
    ]
    for _ in range(2):
        done = load(runner, write(tmp_path / "list.csv", *rows))
        assert done.exit_code == 0, done.output
    companies = {c.name_en: c for c in session.scalars(select(Company).where(Company.source == "import"))}
    assert {name: c.country for name, c in companies.items()} == {"Quellwerk GmbH": "DE", "Zuber AG": "CH"}
    assert all(c.search_key and c.name_key and c.sort_key for c in companies.values())
    people = session.execute(
        select(Person.name, Person.email, Employment.main_contact)
        .join(Employment, Employment.person_id == Person.id)
        .where(Employment.company_id.in_([c.id for c in companies.values()]))
    )
    assert sorted(tuple(p) for p in people) == [
        ("Ada Quell", "ada@quellwerk.example", True),
        ("info@zuber.example", "info@zuber.example", True),
    ]
    placed = session.execute(
        select(Booth.code, Company.name_en, BoothOccupant.host)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .join(Participation, Participation.id == BoothOccupant.participation_id)
        .join(Company, Company.id == Participation.company_id)
    )
    assert sorted(tuple(p) for p in placed) == [
        ("A03", "Quellwerk GmbH", True),
        ("A03", "Zuber AG", False),
        ("A04", "Quellwerk GmbH", True),
    ]
    offers = session.scalars(select(Offer.category_id)).all()
    assert offers == [cast.centrifugal_id] * 2
    assert "nothing new" in done.output or "companies new" not in done.output


def test_a_known_company_is_completed_and_never_overwritten(runner, session, cast, tmp_path):
    first = session.get(Company, cast.companies[0].id)
    first.website, first.domain = "old.example", "old.example"
    session.commit()
    rows = [
        ("公司名称", "英文名称", "网址", "城市"),
        ("禾川泵业（上海）有限公司", "Another Name Ltd", "old.example", "上海"),
    ]
    assert load(runner, write(tmp_path / "list.csv", *rows)).exit_code == 0
    session.expire_all()
    first = session.scalar(select(Company).where(Company.name_zh == "禾川泵业（上海）有限公司"))
    assert (first.name_en, first.website, first.city) == ("Hechuan Pumps (Shanghai) Co., Ltd.", "old.example", "上海")
    assert [n.name for n in first.names] == ["Another Name Ltd"]
    assert "another name" in first.search_key


def test_a_dry_run_stores_nothing(runner, session, cast, tmp_path):
    done = load(runner, write(tmp_path / "list.csv", ("Company",), ("Quellwerk GmbH",)), "--dry-run")
    assert done.exit_code == 0 and "nothing was stored" in done.output
    assert session.scalar(select(func.count()).select_from(Company)) == 4
    assert session.scalar(select(func.count()).select_from(ImportBatch)) == 0


def test_a_past_edition_has_exhibited(runner, session, cast, tmp_path):
    path = write(tmp_path / "list.csv", ("Company", "Country"), ("Quellwerk GmbH", "Germany"))
    assert runner.invoke(args=["import", "exhibitors", str(path), "--edition", "fluid-2025"]).exit_code == 0
    outcome = (
        select(Participation.outcome)
        .join(Company, Company.id == Participation.company_id)
        .where(Company.name_en == "Quellwerk GmbH")
    )
    assert session.scalar(outcome) == "exhibited"


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        (b"", (), "The file is empty."),
        (b"%PDF-1.7", (), "This is a PDF."),
        (b"Company;Stand\nA;1\n", ("--map", "company=Nowhere"), "There is no column"),
        (b"Stand;m2\nA1;9\n", (), "company name"),
        (b"Company;Stand\nA;1\n", ("--edition", "nowhere"), "no edition"),
    ],
)
def test_what_cannot_be_read_is_said(runner, session, cast, tmp_path, content, more, said):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    done = load(runner, path, *more)
    assert done.exit_code == 1 and said in done.output, done.output
    assert session.scalar(select(func.count()).select_from(Company)) == 4


@pytest.mark.skipif(not REAL.is_dir(), reason="no shared data (EXPO_SHARED_DATA)")
@pytest.mark.parametrize(("name", "count"), [("waic-2026-zh", 1011), ("gamescom-2026", 1783), ("esri-uc-2026", 299)])
def test_every_row_of_a_real_list_lands_or_is_refused_with_its_reason(runner, session, cast, tmp_path, name, count):
    refused = tmp_path / "refused.csv"
    done = load(runner, REAL / f"{name}.csv", "--refused", str(refused))
    assert done.exit_code == 0, done.output
    batch = session.scalar(select(ImportBatch))
    with refused.open(encoding="utf-8-sig") as file:
        left = list(csv.DictReader(file))
    assert all(row["reason"] and row["line"] for row in left)
    landed = session.scalars(select(Participation.company_id).where(Participation.edition_id == cast.edition_id)).all()
    followers = batch.totals.get("match", 0)
    assert len(landed) + len(left) == count - followers + sum("line" in row["reason"] for row in left)
    if name == "gamescom-2026":
        shared = session.scalar(
            select(func.count()).where(
                Participation.edition_id == cast.edition_id, Participation.stands.contains("10.2:F010/E019")
            )
        )
        assert shared >= 170
    again = load(runner, REAL / f"{name}.csv")
    assert "new" not in again.output.split("stored:")[1].split("(")[0].replace("nothing new", ""), again.output
