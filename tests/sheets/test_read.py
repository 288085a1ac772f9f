"""Opening tables: what is refused, what is guessed, what is warned about."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expo_crm.sheets.errors import Limits, SheetRefused
from expo_crm.sheets.read import Table, column_letters, open_table

CHINESE = "公司名称,展位号,国家\n上海云岭科技有限公司,H2-B101,中国\n北京河川智能有限公司,A1|A2,中国\n"
GERMAN = "Firma;Stand;Land\nMüller Präzision GmbH;A1;Österreich\nCafé Größe;A2;Suisse\n"


def workbook(build: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    build(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def sheet_of(*rows: list[Any]) -> bytes:
    def build(book: Any) -> None:
        for row in rows:
            book.active.append(row)

    return workbook(build)


def repacked(data: bytes, **changes: Callable[[bytes], bytes] | bytes) -> bytes:
    """An archive with some members changed or added; keys are member names with `__` for `/`."""
    changed = {name.replace("__", "/"): change for name, change in changes.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            change = changed.pop(member.filename, None)
            content = old.read(member)
            new.writestr(member.filename, change(content) if callable(change) else change or content)
        for name, content in changed.items():
            assert isinstance(content, bytes)
            new.writestr(name, content)
    return buffer.getvalue()


SHEET = "xl__worksheets__sheet1.xml"


def cells(table: Table) -> list[tuple[str, ...]]:
    return [row.cells for row in table.rows()]


def codes(table: Table) -> set[str]:
    return {warning.code for warning in table.warnings}


def refusal(data: bytes, **options: Any) -> str:
    with pytest.raises(SheetRefused) as caught:
        open_table(data, "list.xlsx", **options)
    return caught.value.code


@pytest.mark.parametrize(
    ("encoded", "encoding"),
    [
        (CHINESE.encode(), "utf-8-sig"),
        (CHINESE.encode("utf-8-sig"), "utf-8-sig"),
        (CHINESE.encode("gbk"), "gb18030"),
        (b"\xef\xbb\xbf" + CHINESE.encode("gbk"), "gb18030"),  # some programs put the mark of UTF-8 before anything
        (CHINESE.encode("utf-16"), "utf-16"),
        (CHINESE.encode("utf-16-le"), "utf-16-le"),
        (CHINESE.replace("上海", "㐀𠮷").encode("gb18030"), "gb18030"),
    ],
)
def test_encodings(encoded: bytes, encoding: str):
    table = open_table(encoded)
    assert (table.encoding, table.delimiter, table.header_line) == (encoding, ",", 1)
    assert table.headers == ("公司名称", "展位号", "国家")
    assert cells(table)[1] == ("北京河川智能有限公司", "A1|A2", "中国")


def test_windows_1252_is_not_taken_for_chinese():
    table = open_table(GERMAN.encode("cp1252"))
    assert (table.encoding, table.delimiter) == ("cp1252", ";")
    assert cells(table)[0][2] == "Österreich"


def test_encoding_can_be_overridden():
    data = "公司名稱,攤位\n臺北電機,A1\n".encode("big5")
    assert cells(open_table(data, encoding="big5"))[0][0] == "臺北電機"
    assert refusal(CHINESE.encode("gbk"), encoding="utf-8-sig") == "encoding-wrong"
    assert refusal(CHINESE.encode(), encoding="rot13") == "encoding-unknown"


def test_damaged_utf8_shows_where():
    data = (CHINESE * 20).encode().replace("河川".encode(), "河川".encode()[:-1], 1)
    table = open_table(data)
    assert table.encoding == "utf-8-sig"
    assert [(w.line, w.column) for w in table.warnings if w.code == "replacement-character"] == [(3, 1)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "，", "|"])
def test_delimiters(delimiter: str):
    text = f"company{delimiter}stand{delimiter}country\nFoo{delimiter}A1{delimiter}DE\nBar{delimiter}A2{delimiter}FR\n"
    table = open_table(text.encode())
    assert table.delimiter == delimiter
    assert cells(table) == [("Foo", "A1", "DE"), ("Bar", "A2", "FR")]


def test_sep_line_of_excel():
    table = open_table(b"sep=;\r\ncompany;stand\r\nFoo, Inc;A1\r\n")
    assert (table.delimiter, table.header_line, cells(table)) == (";", 2, [("Foo, Inc", "A1")])
    assert table.sample()[0].line == 3


def test_title_lines_and_empty_columns():
    text = "第十届展会参展商名单,,,,\n导出时间 2026-05-01,,,,\n\n企业名称,展位,国家,,\n云岭,A1,中国,,\n河川,A2,中国,,\n"
    table = open_table(text.encode())
    assert (table.header_line, table.headers, table.row_count) == (4, ("企业名称", "展位", "国家"), 2)
    assert [row.line for row in table.rows()] == [5, 6]


def test_lines_count_through_multi_line_cells():
    table = open_table(b'company,note\n"Foo\nBar","a\r\nb"\nBaz,c\n')
    assert [(row.line, row.cells) for row in table.rows()] == [(2, ("Foo\nBar", "a\nb")), (5, ("Baz", "c"))]


def test_doubled_nbsp_and_missing_headers():
    table = open_table("Company\u00a0name,E-mail,e-mail,\nFoo,a@b.cn,c@d.cn,x\nBar,,,y\n".encode())
    assert table.headers == ("Company name", "E-mail", "e-mail (2)", "[D]")
    assert "header-doubled" in codes(table)


def test_a_list_without_header():
    table = open_table("上海云岭科技有限公司,H2-B101,13800138000\n北京河川有限公司,H2-B102,13900139000\n".encode())
    assert (table.header_line, table.headers, table.row_count) == (0, ("[A]", "[B]", "[C]"), 2)
    assert "header-missing" in codes(table)
    assert open_table(b"a,b\n1,2\n3,4\n", header_line=2).headers == ("1", "2")
    assert refusal(b"a,b\n1,2\n", header_line=9) == "header-unknown"


def test_rows_of_another_width():
    table = open_table(b"company,stand\n" + b"Foo,A1\n" * 60 + b"Foo\nFoo,A1,stray\n")
    rows = list(table.rows())
    assert rows[-2].cells == ("Foo", "")
    assert (rows[-1].problem, rows[-1].cells, rows[-1].line) == ("too-many-cells", ("Foo", "A1"), 63)


def test_long_cells_are_refused_by_row():
    text = "company,note\nFoo," + "x" * 40_000 + "\nBar," + "y" * 5_000_000 + "\nBaz,ok\n"
    found = [(row.line, row.problem) for row in open_table(text.encode()).rows()]
    assert found == [(2, "cell-too-long"), (3, "cell-too-long"), (4, "")]


def test_a_lost_quote_is_reported():
    table = open_table(b'company,note\n"Foo,1\n' + b"Bar,2\n" * 500)
    assert "quote-open" in codes(table)


def test_warnings_of_spreadsheets():
    table = open_table(b"company,phone\nFoo,1.38E+10\nBar,13800138000\n")
    warning = table.warnings[0]
    assert (warning.code, warning.line, warning.column, warning.params["total"]) == ("phone-science", 2, 2, 1)


def test_formulas_stay_text():
    table = open_table(b"company,note\n=HYPERLINK(1),+1\n@x,'-1\n")
    assert cells(table) == [("=HYPERLINK(1)", "+1"), ("@x", "-1")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\t\n", "empty"),
        (b",,,\n,,\n", "empty"),
        ("\u3000,\u200b\n".encode(), "empty"),
        (b"company,stand\n", "no-rows"),
        (b"company,stand\n,\n ,\n", "no-rows"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "format-xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        (b"%PDF-1.7\n", "format-pdf"),
        (b"\x89PNG\r\n\x1a\n", "format-image"),
        (b"\x1f\x8b\x08", "format-archive"),
        (b"{\\rtf1 x}", "format-document"),
        (b"<!DOCTYPE html><table><tr><td>a</td></tr></table>", "format-html"),
        (b"\xef\xbb\xbf  <html xmlns:x='y'><body>", "format-html"),
        (b"<?xml version='1.0'?><Workbook/>", "format-xml"),
        (b"PK\x03\x04garbage", "corrupt"),
        (b"a,b\n" + bytes(range(256)) * 20 + b"\0" * 500, "format-binary"),
        (b"a" * 2000, "too-large"),
    ],
)
def test_refusals_by_content(data: bytes, code: str):
    assert refusal(data, limits=Limits(size=1999) if code == "too-large" else Limits()) == code


def test_row_and_column_limits():
    assert refusal(b"a,b\n" + b"1,2\n" * 11, limits=Limits(rows=10)) == "too-many-rows"
    assert refusal(b",".join(b"x%d" % i for i in range(300)) + b"\n" + b"1," * 300 + b"\n") == "too-many-columns"


def test_xlsx_types():
    table = open_table(
        sheet_of(
            ["company", "mobile", "since", "at", "share", "paid", "long", "none"],
            [
                "Foo",
                13800138000,
                date(2026, 5, 1),
                datetime(2026, 5, 1, 9, 30),
                0.1 + 0.2,
                True,
                310101199001011234,
                None,
            ],
            ["007", "0086", None, None, -2.5, False, 1e20, None],
        ),
        "x.csv",
    )
    assert table.kind == "xlsx"
    assert table.headers[-1] == "none"
    assert cells(table)[0][:6] == ("Foo", "13800138000", "2026-05-01", "2026-05-01 09:30:00", "0.3", "TRUE")
    assert cells(table)[1] == ("007", "0086", "", "", "-2.5", "FALSE", "100000000000000000000", "")
    assert "number-precision" in codes(table)


def test_xlsx_sheets_hidden_rows_and_offsets():
    def build(book: Any) -> None:
        book.active.title = "说明"
        book.active["A1"] = "hello"
        data = book.create_sheet("数据")
        for place, row in enumerate((["公司名称", "展位号"], ["云岭", "A1"], ["河川", "A2"]), start=4):
            for column, value in enumerate(row, start=2):
                data.cell(place, column, value)
        data.row_dimensions[5].hidden = True
        secret = book.create_sheet("secret")
        secret.sheet_state = "hidden"
        for row in range(50):
            secret.append([row, row])

    table = open_table(workbook(build))
    assert [(s.name, s.values, s.hidden) for s in table.sheets] == [
        ("说明", 1, False),
        ("数据", 6, False),
        ("secret", 100, True),
    ]
    assert (table.sheet, table.header_line, table.headers) == ("数据", 4, ("[A]", "公司名称", "展位号"))
    assert [(row.line, row.cells) for row in table.rows()] == [(5, ("", "云岭", "A1")), (6, ("", "河川", "A2"))]
    assert "hidden-sheet-used" in codes(open_table(workbook(build), sheet="secret"))
    assert refusal(workbook(build), sheet="nope") == "sheet-unknown"


def test_xlsx_merged_cells():
    def build(book: Any) -> None:
        sheet = book.active
        for row in (
            ["2026 展商名单"],
            ["企业名称", "联系人", None, "展位号"],
            [None, "姓名", "电话", None],
            ["云岭", "王一", "1", "A1"],
            [None, "李二", "2", "A2"],
            ["河川", "赵三", "3", "A3"],
        ):
            sheet.append(row)
        for area in ("A1:D1", "A2:A3", "D2:D3", "B2:C2", "A4:A5"):
            sheet.merge_cells(area)

    table = open_table(workbook(build))
    assert table.headers == ("企业名称", "联系人 姓名", "联系人 电话", "展位号")
    assert table.header_line == 3
    assert [row[0] for row in cells(table)] == ["云岭", "云岭", "河川"]
    assert "merged-cells" in codes(table)


def test_xlsx_wrong_dimension_and_errors():
    data = sheet_of(["company", "x"], ["Foo", "=1/0"], ["Bar", "#N/A"], ["Baz", 1])
    wrong = repacked(data, **{SHEET: lambda xml: xml.replace(b'ref="A1:B4"', b'ref="A1"')})
    table = open_table(wrong)
    assert table.row_count == 3
    assert [(w.line, w.column) for w in table.warnings if w.code == "excel-error"] == [(3, 2)]


TYPES = "[Content_Types].xml"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({TYPES: lambda xml: xml.replace(b"sheet.main+xml", b"sheet.macroEnabled.main+xml")}, "format-macro"),
        ({"xl__vbaProject.bin": b"x"}, "format-macro"),
        (
            {TYPES: lambda xml: xml.replace(b"spreadsheetml.sheet.main+xml", b"wordprocessingml.document.main+xml")},
            "format-document",
        ),
        ({SHEET: lambda xml: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + xml}, "xml-doctype"),
        ({SHEET: lambda xml: b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x">' + xml}, "xml-doctype"),
        ({"xl__styles.xml": lambda xml: b"<!DOCTYPE x>" + xml}, "xml-doctype"),
        ({SHEET: lambda xml: xml[: len(xml) // 2]}, "corrupt"),
        ({SHEET: lambda xml: xml.replace(b'r="A1"', b'r="A-1"')}, "corrupt"),
        ({SHEET: lambda xml: xml.replace(b'r="B2"', b'r="XFD1048576"')}, "too-many-rows"),
        ({SHEET: lambda xml: xml.replace(b'r="B2"', b'r="XFD2"')}, "too-many-columns"),
        ({SHEET: lambda xml: xml.replace(b'r="B2"', b'r="IA150000"')}, "too-many-cells"),
        ({SHEET: lambda xml: b"<worksheet/>"}, "empty"),
        ({"xl__workbook.xml": b"<workbook/>"}, "empty"),
    ],
)
def test_xlsx_refusals(changes: dict[str, Any], code: str):
    assert refusal(repacked(sheet_of(["company", "stand"], ["Foo", "A1"]), **changes)) == code


def test_other_archives():
    def archive(**members: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as new:
            for name, content in members.items():
                new.writestr(name, content)
        return buffer.getvalue()

    assert refusal(archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet")) == "format-ods"
    assert refusal(archive(readme=b"x")) == "format-archive"
    assert refusal(archive(**{f"m{i}": b"" for i in range(1001)})) == "too-many-members"


def test_bombs_are_refused_before_unpacking():
    data = sheet_of(["company", "stand"], ["Foo", "A1"])
    assert refusal(repacked(data, xl__big=b"\0" * 30_000_000)) == "packed-too-tightly"
    assert refusal(repacked(data, xl__big=b"\0" * 30_000_000), limits=Limits(unpacked=1_000_000)) == "unpacks-too-large"


def test_a_declared_size_that_lies_is_refused():
    data = bytearray(sheet_of(["company", "stand"], *([["Foo", "A1"]] * 500)))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    start = 0
    while (start := data.find(struct.pack("<I", size), start)) >= 0:
        data[start : start + 4] = struct.pack("<I", 100)
        start += 4
    assert refusal(bytes(data)) == "corrupt"


def test_encrypted_members_are_refused():
    data = bytearray(sheet_of(["company", "stand"], ["Foo", "A1"]))
    place = data.find(b"PK\x01\x02")
    data[place + 8] |= 1
    assert refusal(bytes(data)) == "encrypted"


def test_column_letters():
    assert [column_letters(n) for n in (1, 26, 27, 702, 703)] == ["A", "Z", "AA", "ZZ", "AAA"]


@settings(max_examples=120, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes):
    try:
        table = open_table(data)
    except SheetRefused:
        return
    assert sum(1 for _ in table.rows()) == table.row_count


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
def test_any_damage_to_a_workbook_is_read_or_refused(place: int, noise: bytes):
    data = bytearray(WORKBOOK)
    place %= len(data)
    data[place : place + len(noise)] = noise
    try:
        list(open_table(bytes(data)).rows())
    except SheetRefused:
        return


WORKBOOK = sheet_of(["company", "stand"], *([["Foo", "A1"]] * 5))
