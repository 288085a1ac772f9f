"""The importer's first half on real exhibitor lists; skipped where they are absent."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from expo_crm.lib.companies import company_key
from expo_crm.lib.stands import split_stands
from expo_crm.sheets.fields import EXHIBITOR_FIELDS
from expo_crm.sheets.map import SURE, suggest_mapping
from expo_crm.sheets.read import open_table
from expo_crm.sheets.write import write_csv, write_xlsx

ROOT = Path(os.environ.get("EXPO_SHARED_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data")
FILES = {
    "exhibitors/waic-2026-zh.csv": (1011, {"company_zh", "company_en", "hall", "booth", "intro_zh"}),
    "exhibitors/gamescom-2026.csv": (1783, {"company", "country", "booth", "categories", "category_codes"}),
    "exhibitors/esri-uc-2026.csv": (299, {"company", "booth", "website", "intro_en"}),
    "editions/air-shows-biennial.csv": (19117, {"company", "country", "website", "categories"}),
}

pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="no shared data (EXPO_SHARED_DATA)")


def read(name: str) -> bytes:
    return (ROOT / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_every_row_arrives_in_every_encoding(name: str, encoding: str):
    count, fields = FILES[name]
    table = open_table(read(name).decode("utf-8-sig").encode(encoding), name)
    rows = list(table.rows())
    assert (table.row_count, len(rows), table.header_line, table.warnings) == (count, count, 1, ())
    assert not any(row.problem for row in rows)
    assert fields <= {f.key for f in suggest_mapping(table.headers, EXHIBITOR_FIELDS) if f.confidence >= SURE}


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("exhibitors")])
def test_exports_bring_every_cell_back(name: str):
    table = open_table(read(name))
    rows = [row.cells for row in table.rows()]
    for data in (b"".join(write_csv(rows, table.headers)), b"".join(write_xlsx(rows, table.headers))):
        again = open_table(data)
        assert again.headers == table.headers
        assert [row.cells for row in again.rows()] == rows


def test_stands_of_a_two_tier_show():
    table = open_table(read("exhibitors/gamescom-2026.csv"))
    on_stand = Counter(stand.key for row in table.rows() for stand in split_stands(row.cells[3]))
    assert on_stand["10.2:F010/E019"] == 172
    assert all(split_stands(row.cells[3]) for row in table.rows() if row.cells[3])
    assert all(stand.hall for row in table.rows() for stand in split_stands(row.cells[3]))


def test_stands_of_a_chinese_show():
    rows = list(open_table(read("exhibitors/waic-2026-zh.csv")).rows())
    unread = [row.cells[4] for row in rows if row.cells[4] and not split_stands(row.cells[4])]
    assert unread == ["000"]
    assert all(company_key(row.cells[1]) for row in rows)
