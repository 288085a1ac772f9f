"""Shows of others and who exhibits there; lists of names are matched with the customer file, never merged silently."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory.models import Company
from expo_crm.directory.services import companies
from expo_crm.exhibitors.models import CompetitorPresence, CompetitorShow, Opportunity
from expo_crm.exhibitors.services import opportunities
from expo_crm.lib import clock, money, text
from expo_crm.sheets.read import open_table
from expo_crm.shows.models import Edition, Show

MOST_LINES = 200
"""Names of one list: each is looked for in the whole file, and the page waits for it."""
MOST_M2 = Decimal(100_000)
AREA_UNIT = re.compile(r"\s*(m²|m2|㎡|sqm|平米|平方米)\s*$", re.I)
SEPARATORS = re.compile(r"\s*[\t;；|]\s*")
NAME = ("company", "exhibitor", "name", "企业", "公司", "展商", "单位", "名称")
STAND = ("stand", "booth", "展位", "展台")
AREA = ("m²", "m2", "area", "sqm", "面积")


@dataclass(frozen=True)
class Entry:
    """One line of a list: a company's name, its stand and m² where they are told; ``problem`` says what was not understood."""

    name: str
    stand: str = ""
    m2: Decimal | None = None
    problem: str = ""


@dataclass
class Matched:
    """A line with what the customer file knows. ``verdict``: same | maybe | new."""

    entry: Entry
    verdict: str
    found: list[Company] = field(default_factory=list)


def save_show(show: Show, found: CompetitorShow | None = None, **values: Any) -> CompetitorShow:
    """Make or change a competitor's show: name_zh, name_en, city, starts_on, ends_on, url."""
    made = found or CompetitorShow(show_id=show.id, created_at=clock.now())
    changes = audit.diff({k: getattr(made, k, None) for k in values}, values)
    for key, value in values.items():
        setattr(made, key, value)
    db.session.add(made)
    db.session.flush()
    audit.record("competitor.save", "competitor_show", made.id, changes=changes)
    return made


def delete_show(found: CompetitorShow) -> None:
    """Remove a show with its list."""
    audit.record(
        "competitor.delete", "competitor_show", found.id, changes={"name": [found.name_zh or found.name_en, None]}
    )
    for row in db.session.scalars(select(CompetitorPresence).where(CompetitorPresence.competitor_show_id == found.id)):
        db.session.delete(row)
    db.session.flush()
    db.session.delete(found)
    db.session.flush()


def read_lines(pasted: str) -> list[Entry]:
    """Lines of pasted text: name, then stand and m², parted by tab, semicolon or bar. The same name twice counts once."""
    rows = (SEPARATORS.split(line.strip()) for line in pasted.splitlines())
    return _entries([row[0], row[1] if len(row) > 1 else "", row[2] if len(row) > 2 else ""] for row in rows if row)


def read_file(data: bytes, filename: str) -> list[Entry]:
    """The lines of a CSV or XLSX, its columns found by their heads. Raises SheetRefused."""
    table = open_table(data, filename)
    heads = [h.lower() for h in table.headers]

    def place(words: Sequence[str], fallback: int | None) -> int | None:
        return next((i for word in words for i, head in enumerate(heads) if word in head), fallback)

    name, stand, area = place(NAME, 0), place(STAND, None), place(AREA, None)

    def cell(cells: Sequence[str], at: int | None) -> str:
        return cells[at] if at is not None and at < len(cells) else ""

    return _entries([cell(r.cells, name), cell(r.cells, stand), cell(r.cells, area)] for r in table.rows())


def _entries(rows: Iterable[Sequence[str]]) -> list[Entry]:
    out: dict[str, Entry] = {}
    for name, stand, area in rows:
        name = text.clean(name)[:300]
        if text.is_blank(name):
            continue
        m2, problem = None, ""
        if area.strip():
            try:
                m2 = money.parse_decimal(AREA_UNIT.sub("", area), places=2, minimum=0, maximum=MOST_M2) or None
            except ValueError:
                problem = area.strip()[:60]
        out.setdefault(text.fold(name), Entry(name, text.clean(stand)[:60], m2, problem))
    return list(out.values())


def match(entries: Iterable[Entry]) -> list[Matched]:
    """Each name against the customer file. Four queries per name."""
    out = []
    for entry in entries:
        zh, en = split_name(entry.name)
        similar = directory.find_similar_companies(zh, en, limit=4)
        same = [s.company for s in similar if s.verdict == "same"]
        # Two that are both the same are a duplicate in the file; a person chooses.
        verdict = "same" if len(same) == 1 else "maybe" if similar else "new"
        out.append(Matched(entry, verdict, same if verdict == "same" else [s.company for s in similar]))
    return out


def split_name(name: str) -> tuple[str, str]:
    """(Chinese, other) of a name as it was written."""
    return (name, "") if re.search(r"[\u3400-\u9fff]", name) else ("", name)


def note(
    found: CompetitorShow,
    company: Company,
    *,
    stand: str = "",
    m2: Decimal | None = None,
    seen_on: dt.date,
    source: str = "list",
) -> CompetitorPresence:
    """The company exhibits there; a second look brings stand and area up to date."""
    row = db.session.scalar(
        select(CompetitorPresence).where(
            CompetitorPresence.competitor_show_id == found.id, CompetitorPresence.company_id == company.id
        )
    )
    if row is None:
        row = CompetitorPresence(
            competitor_show_id=found.id, company_id=company.id, stand=stand, m2=m2, seen_on=seen_on, source=source
        )
        db.session.add(row)
    else:
        row.stand, row.m2, row.seen_on, row.source = stand or row.stand, m2 or row.m2, seen_on, source
    db.session.flush()
    return row


def take_list(
    found: CompetitorShow, chosen: Iterable[tuple[Entry, Company | None]], seen_on: dt.date, source: str
) -> tuple[int, int]:
    """Store a list that a person has looked through; None makes a new company. (noted, of them new companies)."""
    noted = new = 0
    for entry, company in chosen:
        if company is None:
            zh, en = split_name(entry.name)
            company = companies.create_company(name_zh=zh, name_en=en, source="list")
            new += 1
        note(found, company, stand=entry.stand, m2=entry.m2, seen_on=seen_on, source=source)
        noted += 1
    audit.record(
        "competitor.list", "competitor_show", found.id, changes={"companies": [None, noted], "new": [None, new]}
    )
    return noted, new


def forget(row: CompetitorPresence) -> None:
    audit.record(
        "competitor.forget", "competitor_show", row.competitor_show_id, changes={"company": [row.company_id, None]}
    )
    db.session.delete(row)
    db.session.flush()


def take_up(edition: Edition, chosen: Iterable[Company], owner_id: int | None) -> int:
    """An opportunity with each company that has none yet, for its owner or else for ``owner_id``; how many were made."""
    chosen = list(chosen)
    there = set(
        db.session.scalars(
            select(Opportunity.company_id).where(
                Opportunity.edition_id == edition.id, Opportunity.company_id.in_([c.id for c in chosen])
            )
        )
    )
    made = 0
    for company in chosen:
        if company.id not in there:
            opportunities.create_opportunity(edition, company, owner_id=company.owner_id or owner_id, source="new")
            made += 1
    return made
