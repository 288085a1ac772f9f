"""A plan from a file: first the picture of what would be drawn and the list of what cannot, then, on a second press, drawn in one step."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import StrEnum
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain import geometry, plan_files
from expo_crm.exhibitors.domain.plan_files import BadFile, Odd, Plan, Trouble
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.services import plan_edit, plan_places
from expo_crm.exhibitors.services.plan_edit import NewBooth
from expo_crm.exhibitors.views import labels, plan_words
from expo_crm.exhibitors.views.plan import SCALE
from expo_crm.exhibitors.views.plan_editor import outline
from expo_crm.lib import stands
from expo_crm.shows.models import Hall
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, requires

TROUBLES: dict[Trouble, Any] = {
    Trouble.NOT_READABLE: _l("This file could not be read as JSON, SVG, DXF or a text with one booth a line."),
    Trouble.NO_SHAPES: _l("There is no booth in this file."),
    Trouble.TOO_MANY: _l("The file holds more than 5,000 shapes."),
    Trouble.PIXELS: _l("The file counts in pixels. Please say how many metres one pixel is."),
}
ODDS: dict[StrEnum, Any] = {
    Odd.CURVED: _l("it has curved walls"),
    Odd.TURNED: _l("it is moved or turned by a transform; save the drawing with plain coordinates"),
    Odd.OPEN: _l("it is not one closed line"),
    Odd.NO_CODE: _l("it has no number"),
}


def _hall(code: str) -> Hall:
    hall = queries.find_hall(g.edition.id, code)
    if hall is None:
        abort(404)
    return hall


@requires(Permission.SELL)
def upload(hall_code: str) -> ResponseReturnValue:
    """The form; with a file the preview; with a confirmed preview the booths."""
    hall = _hall(hall_code)
    if request.method == "GET":
        return render_template("exhibitors/plan_import.html", hall=hall, error="", scale="1", preview=None)
    if "shapes" in request.form:
        return _load(hall, request.form["shapes"])
    raw = request.form.get("scale", "1").strip() or "1"
    file = request.files.get("file")
    error = ""
    plan = None
    try:
        scale = Decimal(raw.replace(",", ".")[:20])
        if not Decimal("0.0001") <= scale <= 1000:
            raise ArithmeticError
    except ArithmeticError:
        error = _("Metres per unit is a number such as 1, 0.01 or 0.0254.")
    else:
        content = file.read() if file else b""
        if not content:
            error = _("Please choose a file.")
        else:
            try:
                plan = plan_files.read(content, scale)
            except BadFile as bad:
                error = str(TROUBLES[bad.trouble])
    if plan is None:
        return render_template("exhibitors/plan_import.html", hall=hall, error=error, scale=raw[:20], preview=None), 422
    return render_template("exhibitors/plan_import.html", hall=hall, error="", scale=raw[:20], preview=_preview(hall, plan))


def _preview(hall: Hall, plan: Plan) -> dict[str, Any]:
    """What would be drawn, and everything else with its reason."""
    refused = [(code, str(plan_words.FAULTS.get(why) or ODDS.get(why, why))) for code, why in plan.refused]
    taken = {stands.stand_key(code) for code, _shape in plan_places.standing(hall.id)}
    there = plan_places.standing(hall.id)
    good = []
    for shape in plan.shapes:
        key = stands.stand_key(shape.code)
        if key is None:
            refused.append((shape.code, _("it has no number with a digit")))
        elif key in taken:
            refused.append((shape.code, _("there is already a booth of this number")))
        elif not geometry.inside(shape.outline, hall.width_m, hall.depth_m):
            refused.append((shape.code, _("it lies outside the hall")))
        else:
            taken.add(key)
            good.append(shape)
    kept: list[plan_files.Shape] = []
    placed = geometry.Placing(there)
    for shape in good:
        if met := placed.put(shape.code, shape.outline):
            refused.append((shape.code, _("it overlaps %(other)s", other=met)))
        else:
            kept.append(shape)
    data = [
        {
            "code": s.code,
            "shape": [[str(x), str(y)] for x, y in s.outline],
            "kind": s.kind,
            "price": None if s.price is None else str(s.price),
        }
        for s in kept
    ]
    drawn = [(" ".join(f"{float(x) * SCALE:g},{float(y) * SCALE:g}" for x, y in s.outline), s) for s in kept]
    old = [" ".join(f"{float(x) * SCALE:g},{float(y) * SCALE:g}" for x, y in shape) for _code, shape in there]
    small = bool(plan.size and (plan.size[0] > hall.width_m or plan.size[1] > hall.depth_m))
    return {
        "kept": kept, "refused": refused, "drawn": drawn, "old": old, "shapes": json.dumps(data), "scale": SCALE,
        "m2": sum((geometry.area(s.outline) for s in kept), Decimal(0)), "size": plan.size if small else None,
    }  # fmt: skip


def _load(hall: Hall, raw: str) -> ResponseReturnValue:
    try:
        items = json.loads(raw)
        if not isinstance(items, list) or len(items) > plan_files.MOST_SHAPES:
            raise ValueError
        with labels.answering():
            new = [_booth(item) for item in items]
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        raise Refused(_("This request could not be understood"), 422) from None
    try:
        plan_edit.draw(hall, new, kind="import")
    except RuleRefused as refused:
        raise Refused(labels.words(refused), labels.status_of(refused), refused.reason.value) from None
    flash(_("%(count)s booths are on the plan.", count=len(new)), "success")
    return redirect(url_for("exhibitors.plan", hall=hall.code))


def _booth(item: Any) -> NewBooth:
    code = str(item["code"])[:60]
    price = item.get("price")
    value = Decimal(str(price)[:20]) if price is not None else None
    if value is not None and not (value.is_finite() and 0 <= value < 10**10):
        raise ValueError(price)
    kind = item.get("kind")
    return NewBooth(code, outline(code, item["shape"]), kind if kind in labels.BOOTH_KINDS else "shell", value)
