"""Badges on paper, roll and label: what is printed is read back."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageChops
from pypdf import PdfReader

from expo_crm.onsite.domain.layout import Element, Layout, Media, default_layout, label_layout, parse, sheet_layout
from expo_crm.onsite.services import badge_bitmap, badge_draw, badge_pdf, badge_text, badge_zpl
from expo_crm.onsite.services.badge_draw import Face, Heading, Run
from expo_crm.web import pdf
from tests.support import codes

CODE = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 5)[:141]
HEADING = Heading("2026华东流体工业展", "East China Fluid Expo 2026", "2026-06-09 – 06-11")


def face(name="林晓", company="禾川泵业", **others):
    return Face(
        CODE, name, company, others.pop("job_title", "经理"), "专业观众", "Trade visitor", "blue", "100001", **others
    )


def smallest() -> Layout:
    """A code of just 25 mm on a label, the hardest that the rules allow."""
    found, faults = parse(
        {
            "media": {"kind": "label", "width": 60, "height": 40, "dpi": 203},
            "elements": [{"kind": "qr", "x": 3, "y": 3, "w": 25, "h": 25}],
        }
    )
    assert found, faults
    return found


def unpack_zpl(zpl: str) -> Image.Image:
    """The graphic of a label as a printer draws it, from the description of ^GF and its compression."""
    head = re.search(r"\^GFA,(\d+),(\d+),(\d+),\n([^^]*)\^FS", zpl)
    assert head
    total, same, per_row = (int(head.group(i)) for i in (1, 2, 3))
    assert total == same
    rows, before = [], ""
    for line in head.group(4).split("\n"):
        if line == ":":
            rows.append(before)
            continue
        row, times = "", 0
        for sign in line:
            if "G" <= sign <= "Y":
                times += ord(sign) - ord("F")
            elif "g" <= sign <= "z":
                times += (ord(sign) - ord("f")) * 20
            elif sign in ",!":
                row = row.ljust(per_row * 2, "0" if sign == "," else "F")
            else:
                assert sign in "0123456789ABCDEF"
                row, times = row + sign * (times or 1), 0
        assert len(row) == per_row * 2
        rows.append(row)
        before = row
    assert len(rows) * per_row == total
    raw = bytes(b ^ 0xFF for b in bytes.fromhex("".join(rows)))
    width = int(re.search(r"\^PW(\d+)", zpl).group(1))
    return Image.frombytes("1", (width, len(rows)), raw)


def test_every_output_carries_a_code_that_the_gate_reads(tmp_path):
    pictures = [
        badge_bitmap.picture(default_layout(), face(), HEADING, dpi=200),
        badge_bitmap.picture(smallest(), face(), HEADING, dpi=203, mono=True),
        unpack_zpl(badge_zpl.label(badge_bitmap.picture(label_layout(), face("长" * 60), HEADING, dpi=300, mono=True))),
    ]
    made = badge_pdf.render([(sheet_layout(), face()) for _ in range(5)], HEADING)
    pages = PdfReader(io.BytesIO(made)).pages
    assert [len(page.images) for page in pages] == [4, 1]
    module = pages[0].images[0].image.convert("L")
    pictures.append(Image.new("L", (500, 500), 255))
    pictures[-1].paste(module.resize((410, 410), Image.Resampling.NEAREST), (45, 45))
    assert codes.read(tmp_path, pictures) == [[CODE]] * 4


def test_a_label_is_drawn_by_the_printer_as_it_is_drawn_here():
    for dpi in (203, 300):
        drawn = badge_bitmap.picture(label_layout(), face("阿依古丽·买买提江", "W" * 80), HEADING, dpi=dpi, mono=True)
        assert drawn.mode == "1" and drawn.size == (round(100 * dpi / 25.4), round(70 * dpi / 25.4))
        zpl = badge_zpl.label(drawn)
        assert ImageChops.difference(unpack_zpl(zpl).convert("L"), drawn.convert("L")).getbbox() is None
        assert (
            zpl.isascii()
            and zpl.startswith("^XA")
            and zpl.rstrip().endswith("^XZ")
            and len(zpl) < drawn.width * drawn.height / 8
        )
    wide = Image.new("1", (8000, 2), 1)
    wide.paste(0, (0, 0, 7000, 1))
    assert ImageChops.difference(unpack_zpl(badge_zpl.label(wide)).convert("L"), wide.convert("L")).getbbox() is None


def test_sheets_are_filled_and_cut_and_rolls_have_the_size_of_the_badge():
    sheet = PdfReader(io.BytesIO(badge_pdf.render([(sheet_layout(), face(f"人{i}")) for i in range(6)], HEADING))).pages
    assert len(sheet) == 2 and [round(float(v)) for v in sheet[0].mediabox[2:]] == [595, 842]
    assert all(f"人{i}" in sheet[i // 4].extract_text() for i in range(6))
    roll, label = default_layout(), label_layout()
    pages = PdfReader(io.BytesIO(badge_pdf.render([(roll, face()), (label, face()), (label, face())], HEADING))).pages
    assert [round(float(p.mediabox[2]) * 25.4 / 72) for p in pages] == [105, 100, 100]


@pytest.mark.parametrize(
    ("raw", "printed"),
    [
        ("𠮷田", "〓田"),
        ("👨‍👩‍👧 Family", "〓 Family"),
        ("བོད་", "〓〓〓"),
        ("عربي", "〓〓〓〓"),
        ("Łukasz Żółć", "Lukasz Zólc"),
        ("Nguyễn", "Nguyễn"),
        ("a\u202eevil\u2066", "aevil"),
        ("一\u0000二\ud800", "一二"),
        ("é e\u0301", "é é"),
    ],
)
def test_what_cannot_be_printed_is_seen(raw, printed):
    assert badge_text.printable(raw, pdf.fonts()[0]) == printed


@pytest.mark.parametrize(
    "name",
    [
        "李",
        "M" * 200,
        "长" * 200,
        "a b " * 70,
        "Wolfeschlegelsteinhausenbergerdorff-Montgomery",
        "🇨🇳" * 40,
        "",
        "）" * 50,
    ],
)
def test_words_stay_in_their_place_and_are_as_large_as_they_fit(name):
    for layout in (default_layout(), label_layout()):
        for element in layout.elements:
            if element.kind != "text" or element.source not in {"name", "company", "job_title"}:
                continue
            runs = [r for r in badge_draw._text(element, name, face()) if isinstance(r, Run)]
            assert len(runs) <= element.lines
            for run in runs:
                assert element.least - 0.01 <= run.size <= element.size
                assert run.x >= element.x - 0.05
                assert (
                    run.x + badge_text.width(run.text, run.font, run.size) * badge_text.POINT
                    <= element.x + element.w + 0.05
                )
                assert element.y - 0.2 <= run.y <= element.y + element.h + 0.2
    short = list(badge_draw._text(default_layout().elements[3], "李", face()))
    assert not name or short[0].size == 34


def test_a_long_name_is_cut_between_signs_and_says_so():
    element = Element("text", 0, 0, 30, 6, size=12, least=12)
    run = next(iter(badge_draw._text(element, "e\u0301" * 40 + "👩‍🚀" * 9, face())))
    assert run.text.endswith("…") and not run.text[:-1].strip("é")


def test_own_text_and_second_languages_follow_the_holder():
    free = Element("text", 0, 0, 50, 10, source="free", text_zh="请佩戴", text_en="Please wear")
    only = Element("text", 0, 0, 50, 10, source="free", text_en="Staff only")
    assert badge_draw.words_of(free, face(locale="zh"), HEADING) == "请佩戴"
    assert badge_draw.words_of(free, face(locale="en"), HEADING) == "Please wear"
    assert badge_draw.words_of(only, face(locale="zh"), HEADING) == "Staff only"
    alone = Face(CODE, "x", "", "", "", "Crew", "gray")
    zh, en = (Element("text", 0, 0, 9, 9, source=s) for s in ("class_zh", "class_en"))
    assert (badge_draw.words_of(zh, alone, HEADING), badge_draw.words_of(en, alone, HEADING)) == ("Crew", "")


def test_pictures_lines_and_boxes_are_drawn(tmp_path):
    logo = Image.new("RGB", (200, 100), "#ff0000")
    layout = Layout(
        Media("roll", 60, 60, 1, 1, marks=False),
        (
            Element("box", 1, 1, 58, 58, weight=0.5, colour="class"),
            Element("image", 5, 5, 20, 20, image=7),
            Element("line", 5, 30, 50, 0, weight=1, colour="black"),
            Element("qr", 30, 32, 26, 26),
        ),
    )
    drawn = badge_bitmap.picture(layout, face(), HEADING, dpi=254, pictures={7: logo})
    assert drawn.getpixel((150, 150)) == (255, 0, 0) and drawn.getpixel((150, 60)) == (
        255,
        255,
        255,
    )  # centred, not stretched
    assert drawn.getpixel((300, 300)) == (0, 0, 0) and drawn.getpixel((12, 300)) == (11, 95, 192)
    made = PdfReader(io.BytesIO(badge_pdf.render([(layout, face())], HEADING, pictures={7: logo})))
    assert len(made.pages[0].images) == 2
