"""Exports: harmless, complete, and read back as they were."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo_crm.sheets.cells import neutral, tidy
from expo_crm.sheets.read import open_table
from expo_crm.sheets.write import sheet_title, write_csv, write_xlsx

ATTACKS = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\t=1",
    "\r=1",
    "\n=1",
    "\x00=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "  =1",
    "\u200b=1",
    "'=1",
    "''+1",
]


def csv_of(*rows: list[object], headers: list[str] | None = None) -> str:
    return b"".join(write_csv(rows, headers or ["a", "b"])).decode("utf-8-sig")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ATTACKS)
def test_formulas_are_neutral_in_csv(text: str):
    line = csv_of([text, "x"]).split("\r\n", 1)[1]
    assert line.lstrip('"').startswith("'")


def test_csv_form():
    text = csv_of(
        ["a,b", 'say "hi"'], ["l1\nl2", None], [1, -2.5], [Decimal("1E+3"), True], [date(2026, 5, 1), float("nan")]
    )
    assert text == 'a,b\r\n"a,b","say ""hi"""\r\n"l1\nl2",\r\n1,-2.5\r\n1000,TRUE\r\n2026-05-01,\r\n'
    assert b"".join(write_csv([], ["公司"])).startswith(b"\xef\xbb\xbf")


def test_csv_streams():
    chunks = list(write_csv(([str(n), "x" * 50] for n in range(5000)), ["n", "x"]))
    assert len(chunks) > 3
    assert open_table(b"".join(chunks)).row_count == 5000


@settings(max_examples=100)
@given(st.text(max_size=20))
def test_neutral_is_undone(text: str):
    clean_text = tidy(text)
    assert tidy(neutral(clean_text)) == tidy(clean_text) or clean_text.startswith("'")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), min_size=1, max_size=6))
def test_export_and_import_agree(pairs: list[tuple[str, str]]):
    rows = [(f"r{place}", tidy(a), tidy(b)) for place, (a, b) in enumerate(pairs)]
    for data in (
        b"".join(write_csv(rows, ["id", "公司名称", "备注"])),
        b"".join(write_xlsx(rows, ["id", "公司名称", "备注"])),
    ):
        table = open_table(data, delimiter=",", header_line=1)
        read = [(*row.cells, "", "")[:3] for row in table.rows()]
        assert read == [tuple(tidy(cell) for cell in row) for row in rows]


@pytest.mark.parametrize("text", [*ATTACKS, "#N/A", "007", "x" * 40_000, "\ud800a\x0b", "1.38E+10"])
def test_text_stays_text_in_xlsx(text: str):
    data = b"".join(write_xlsx([[text, "x"]], ["a", "b"]))
    cell = openpyxl.load_workbook(io.BytesIO(data)).active["A2"]
    assert cell.data_type in ("s", "n")  # "n" for a text of which nothing can be written
    assert cell.data_type == "s" or cell.value is None
    if text.lstrip().startswith("=") and cell.value:
        assert cell.quotePrefix


def test_xlsx_types_and_form():
    at = datetime(2026, 5, 1, 9, 30, tzinfo=timezone(timedelta(hours=8)))
    row = ["云岭", 12, Decimal("1234.50"), 2.5, True, date(2026, 5, 1), at, None, 310101199001011234, float("inf")]
    data = b"".join(write_xlsx([row], [f"列{n}" for n in range(10)], "展商/名单"))
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    values = [cell.value for cell in sheet[2]]
    assert values[:8] == ["云岭", 12, 1234.5, 2.5, True, datetime(2026, 5, 1), datetime(2026, 5, 1, 9, 30), None]
    assert values[8] == "310101199001011234"
    assert (sheet.title, sheet.freeze_panes, sheet["A1"].font.bold, sheet.auto_filter.ref) == (
        "展商 名单",
        "A2",
        True,
        "A1:J2",
    )
    assert sheet.column_dimensions["A"].width >= 8


def test_xlsx_without_rows():
    data = b"".join(write_xlsx([], ["公司"]))
    assert openpyxl.load_workbook(io.BytesIO(data)).active["A1"].value == "公司"


@pytest.mark.parametrize(
    ("title", "shown"), [("a/b:c", "a b c"), ("", "Sheet1"), ("''", "Sheet1"), ("名" * 40, "名" * 31)]
)
def test_sheet_titles(title: str, shown: str):
    assert sheet_title(title) == shown
