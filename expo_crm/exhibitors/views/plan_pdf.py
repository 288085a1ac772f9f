"""The plan of a hall as a PDF: the drawing on A3 with its legend, then the list of booths, in both languages."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal

from flask import Response, abort, g, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from reportlab.lib import colors
from reportlab.lib.pagesizes import A3, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from expo_crm.exhibitors import queries, queries_plan
from expo_crm.exhibitors.domain.booth import BoothState
from expo_crm.exhibitors.services import plan_places
from expo_crm.exhibitors.views import labels
from expo_crm.exhibitors.views.plan_drawing import Drawn, Words, draw
from expo_crm.lib import clock
from expo_crm.shows.models import Hall
from expo_crm.web import i18n, pdf
from expo_crm.web.policy import Permission, requires

FILLS = {
    BoothState.AVAILABLE: "#f3f8ff",
    BoothState.HELD: "#ffe2a3",
    BoothState.RESERVED: "#cdbff5",
    BoothState.SOLD: "#9fdcbd",
    BoothState.BLOCKED: "#cbd5e1",
}
PAGE = landscape(A3)
EDGE = 12 * mm
COLUMNS = 3


@requires(Permission.VIEW)
def plan_pdf(hall_code: str) -> ResponseReturnValue:
    hall = queries.find_hall(g.edition.id, hall_code)
    if hall is None:
        abort(404)
    now, words = clock.now(), Words()
    drawn = [draw(b, now, words=words) for b in queries_plan.list_on_plan(hall.id)]
    response: Response = make_response(render(hall, drawn))
    response.mimetype = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="plan-{hall.id}.pdf"'
    return response


def render(hall: Hall, drawn: Sequence[Drawn]) -> bytes:
    """The file: one sheet with the plan, as many as needed with the list."""
    pdf.fonts()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=PAGE, pageCompression=1)
    canvas.setTitle(f"{hall.name_zh} {hall.name_en}")
    canvas.setAuthor(i18n.bi(g.edition.show, "organizer"))
    _head(canvas, hall)
    _plan(canvas, hall, drawn)
    _legend(canvas, drawn)
    canvas.showPage()
    _list(canvas, hall, drawn)
    canvas.save()
    return out.getvalue()


def _text(
    canvas: Canvas, x: float, y: float, value: str, size: float, *, bold: bool = False, room: float = 0, centre: bool = False
) -> None:
    """A line of text, cut with an ellipsis when it is wider than ``room``."""
    font = pdf.BOLD if bold else pdf.REGULAR
    value = pdf.printable(value, font)
    if room and pdfmetrics.stringWidth(value, font, size) > room:
        while value and pdfmetrics.stringWidth(value + "…", font, size) > room:
            value = value[:-1]
        value += "…"
    canvas.setFont(font, size)
    (canvas.drawCentredString if centre else canvas.drawString)(x, y, value)


def _both(zh: str, en: str) -> str:
    return " · ".join(dict.fromkeys(part for part in (zh, en) if part))


def _head(canvas: Canvas, hall: Hall) -> None:
    canvas.setFillColor(pdf.INK)
    _text(canvas, EDGE, PAGE[1] - EDGE - 12, _both(g.edition.name_zh, g.edition.name_en), 15, bold=True, room=PAGE[0] - 2 * EDGE)
    canvas.setFillColor(pdf.GREY)
    about = f"{_both(hall.name_zh, hall.name_en)} · {hall.width_m.normalize():f} × {hall.depth_m.normalize():f} m"
    _text(canvas, EDGE, PAGE[1] - EDGE - 28, f"{about} · {i18n.datetime_(clock.now())}", 10)


def _plan(canvas: Canvas, hall: Hall, drawn: Sequence[Drawn]) -> None:
    room_w, room_h = PAGE[0] - 2 * EDGE, PAGE[1] - 2 * EDGE - 36 - 34
    scale = min(room_w / float(hall.width_m), room_h / float(hall.depth_m))
    left = (PAGE[0] - float(hall.width_m) * scale) / 2
    top = EDGE + 34 + (room_h + float(hall.depth_m) * scale) / 2

    def at(x: Decimal | float, y: Decimal | float) -> tuple[float, float]:
        return left + float(x) * scale, top - float(y) * scale

    canvas.setLineWidth(1.2)
    canvas.setStrokeColor(pdf.INK)
    x, y = at(0, hall.depth_m)
    canvas.rect(x, y, float(hall.width_m) * scale, float(hall.depth_m) * scale)
    canvas.setLineWidth(0.5)
    for item in drawn:
        outline = plan_places.outline_of(item.booth)
        path = canvas.beginPath()
        path.moveTo(*at(*outline[0]))
        for corner in outline[1:]:
            path.lineTo(*at(*corner))
        path.close()
        canvas.setFillColor(colors.HexColor(FILLS[BoothState(item.state)]))
        canvas.drawPath(path, fill=1, stroke=1)
        (cx, cy), width = item.middle, item.label_room[0] / 10 * scale
        depth = item.label_room[1] / 10 * scale
        size = min(9.0, width / max(3.0, len(item.booth.code) * 0.62), depth / 3)
        if size < 1.2:
            continue
        canvas.setFillColor(pdf.INK)
        px, py = at(cx / 10, cy / 10)
        _text(canvas, px, py + size * 0.25, item.booth.code, size, bold=True, centre=True)
        if item.letter:
            _text(canvas, px, py - size * 0.95, item.letter, size, centre=True)
        if item.who and size > 3 and depth > size * 4:
            _text(canvas, px, py - size * 1.9, item.who, size * 0.62, room=width * 0.94, centre=True)


def _legend(canvas: Canvas, drawn: Sequence[Drawn]) -> None:
    x = EDGE
    words: dict[str, list[str]] = {}
    for code in ("zh", "en"):
        with i18n.in_locale(code):
            words[code] = [str(labels.BOOTH_STATES[state]) for state in BoothState]
    for index, state in enumerate(BoothState):
        mine = [d for d in drawn if d.state == state]
        canvas.setFillColor(colors.HexColor(FILLS[state]))
        canvas.setStrokeColor(pdf.INK)
        canvas.rect(x, EDGE, 16, 12, fill=1)
        canvas.setFillColor(pdf.INK)
        if letter := labels.booth_letter(state):
            _text(canvas, x + 8, EDGE + 3, letter, 8, centre=True)
        area = sum((d.booth.area_m2 for d in mine), Decimal(0))
        told = f"{_both(words['zh'][index], words['en'][index])}: {len(mine)} · {i18n.m2(area)}"
        _text(canvas, x + 22, EDGE + 2.5, told, 9)
        x += 40 + pdfmetrics.stringWidth(told, pdf.REGULAR, 9)


def _list(canvas: Canvas, hall: Hall, drawn: Sequence[Drawn]) -> None:
    """Booths in columns: number, state, net m², company in both languages where it may be named."""
    width = (PAGE[0] - 2 * EDGE) / COLUMNS
    lines = int((PAGE[1] - 2 * EDGE - 50) // 13)
    for start in range(0, len(drawn), lines * COLUMNS):
        _head(canvas, hall)
        for column in range(COLUMNS):
            x = EDGE + column * width
            part = drawn[start + column * lines : start + (column + 1) * lines]
            if not part:
                break
            canvas.setFillColor(pdf.GREY)
            for offset, title in ((0, "展位 Booth"), (58, "m²"), (88, ""), (102, "参展商 Exhibitor")):
                _text(canvas, x + offset, PAGE[1] - EDGE - 46, title, 7.5)
            canvas.setFillColor(pdf.INK)
            for row, item in enumerate(part):
                y = PAGE[1] - EDGE - 60 - row * 13
                _text(canvas, x, y, item.booth.code, 8, bold=True, room=55)
                _text(canvas, x + 58, y, f"{item.booth.area_m2.normalize():f}", 8)
                _text(canvas, x + 88, y, item.letter, 8)
                if item.who and (company := item.booth.company):
                    _text(canvas, x + 102, y, _both(company.name_zh, company.name_en), 8, room=width - 110)
        canvas.showPage()
    if not drawn:
        _head(canvas, hall)
        _text(canvas, EDGE, PAGE[1] - EDGE - 60, _("No booths in this hall yet"), 10)
        canvas.showPage()
