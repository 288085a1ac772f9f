"""Large workbooks are read row by row, and say the same as the reader of the small ones."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest

from expo_crm.sheets import workbook
from expo_crm.sheets.blob import IN_MEMORY, Blob, kept
from expo_crm.sheets.errors import SheetRefused
from expo_crm.sheets.read import Table, open_table, resume_table
from expo_crm.sheets.stream import StreamSource


def book() -> bytes:
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.append(["展商名单 2026"])
    sheet.merge_cells("A1:F1")
    sheet.append(["公司名称", "展位", "面积", "签约日", "时间", "已付"])
    sheet.append(["上海云岭科技有限公司", "A1", 18, dt.date(2026, 5, 1), dt.time(9, 30), True])
    sheet.append(["  Müller & Söhne <GmbH>  ", 1.5, 138001380001, dt.datetime(2026, 5, 1, 13, 5, 7), dt.timedelta(hours=30), False])
    sheet.append([None, None, None])
    sheet.append(["合并\n公司", "A2"])
    sheet.append([None, "A3", -0.25, "=1+1", "#N/A"])
    sheet.merge_cells("A6:A7")
    sheet["C8"] = 0.1
    sheet["F9"] = "𠮷野家"
    sheet["D3"].number_format = "yyyy\"年\"m\"月\"d\"日\""
    hidden = made.create_sheet("旧")
    hidden.sheet_state = "hidden"
    hidden.append(["x"])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def said(table: Table) -> tuple[object, ...]:
    return (
        table.headers, table.header_line, table.row_count, table.sheets, table.sheet, table.warnings,
        [(row.line, row.cells, row.problem) for row in table.rows()],
    )  # fmt: skip


def test_both_readers_say_the_same(monkeypatch, tmp_path):
    data = book()
    small = open_table(data)
    monkeypatch.setattr(workbook, "IN_MEMORY_CELLS", 0)
    path = tmp_path / "list.xlsx"
    path.write_bytes(data)
    large = open_table(path)
    assert isinstance(large._source, StreamSource) and not isinstance(small._source, StreamSource)
    assert said(large) == said(small)
    assert said(resume_table(path, large)) == said(small)  # nothing is guessed anew
    assert small.headers[3] == "签约日" and [r.cells[3] for r in small.rows()][:2] == ["2026-05-01", "2026-05-01 13:05:07"]


def test_the_1904_calendar_and_a_broken_part(monkeypatch):
    made = openpyxl.Workbook()
    made.epoch = openpyxl.utils.datetime.MAC_EPOCH
    made.active.append(["公司名称", "日期"])
    made.active.append(["甲公司", dt.date(2026, 5, 1)])
    out = io.BytesIO()
    made.save(out)
    monkeypatch.setattr(workbook, "IN_MEMORY_CELLS", 0)
    assert [r.cells for r in open_table(out.getvalue()).rows()] == [("甲公司", "2026-05-01")]
    with pytest.raises(SheetRefused):
        open_table(out.getvalue()[:-200])


def test_pieces_become_one_file_that_goes_away():
    small, large = [b"ab", b"c"], [b"x" * 300_000] * 5
    with kept(iter(small)) as blob:
        assert blob.path is None and blob.head(9) == b"abc"
    with kept(iter(large)) as blob:
        path = blob.path
        assert path is not None and blob.size == 1_500_000 > IN_MEMORY and b"".join(blob.chunks(start=10, length=3)) == b"xxx"
    assert not path.exists()


def test_a_sign_across_two_pieces_is_found():
    assert Blob(b"x" * (256 * 1024 - 1) + b"ab").holds(b"ab") and not Blob(b"xa" * 9).holds(b"ab")
