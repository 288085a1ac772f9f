"""Drawing the hall: the page, its booths as data, and the steps that the page asks for one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, abort, g, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.exhibitors import queries, queries_plan
from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.booth import BoothRefusal
from expo_crm.exhibitors.domain.geometry import BadOutline, Outline, Point
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth
from expo_crm.exhibitors.queries_plan import OnPlan
from expo_crm.exhibitors.services import plan_edit, plan_places
from expo_crm.exhibitors.services.booth_history import Step
from expo_crm.exhibitors.services.plan_edit import NewBooth, Seen, Stale
from expo_crm.exhibitors.views import labels, plan_words
from expo_crm.exhibitors.views.plan_drawing import SCALE, Words, draw
from expo_crm.lib import clock
from expo_crm.shows.models import Hall
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, requires


def _hall(code: str) -> Hall:
    hall = queries.find_hall(g.edition.id, code)
    if hall is None:
        abort(404)
    return hall


def as_data(booth: Booth | OnPlan, words: Words | None = None) -> dict[str, Any]:
    """A booth as the drawing page keeps it."""
    drawn = draw(booth, clock.now(), words=words)
    return {
        "id": booth.id,
        "version": booth.version,
        "code": booth.code,
        "kind": booth.kind,
        "shape": [[float(x), float(y)] for x, y in plan_places.outline_of(booth)],
        "state": drawn.state,
        "letter": drawn.letter,
        "label": drawn.label,
        "bound": booth.state in plan_edit.BOUND,
    }


def _all(hall: Hall) -> list[dict[str, Any]]:
    words = Words()
    return [as_data(b, words) for b in queries_plan.list_on_plan(hall.id)]


@requires(Permission.SELL)
def editor(hall_code: str) -> ResponseReturnValue:
    hall = _hall(hall_code)
    config = {
        "width": float(hall.width_m),
        "depth": float(hall.depth_m),
        "scale": SCALE,
        "booths": _all(hall),
        "next": plan_edit.next_code(hall),
        "drawing": url_for("exhibitors.plan_drawing", hall_code=hall.code),
        "steps": url_for("exhibitors.plan_step", hall_code=hall.code),
        "texts": {
            "chosen": _("%(count)s chosen · %(area)s m²", count="{count}", area="{area}"),
            "none": _("Nothing chosen"),
            "saved": _("Saved."),
            "offline": _("There is no connection. The step was not saved."),
            "cut": _("Draw a line across the booth."),
            "bound": _("Booth %(code)s is under a contract and stays where it is.", code="{code}"),
        },
    }
    return render_template("exhibitors/plan_editor.html", hall=hall, config=config, kinds=labels.BOOTH_KINDS)


@requires(Permission.SELL)
def drawing(hall_code: str) -> ResponseReturnValue:
    """All booths of the hall as they are now: asked every few seconds by whoever draws."""
    hall = _hall(hall_code)
    return jsonify(booths=_all(hall), next=plan_edit.next_code(hall))


@requires(Permission.SELL)
def step(hall_code: str) -> ResponseReturnValue:
    """One command of the drawing: saved, or refused with the reason and, when somebody was faster, with what is different."""
    hall = _hall(hall_code)
    given = request.get_json(silent=True)
    if not isinstance(given, dict):
        raise Refused(_("This request could not be understood"), 422)
    work = COMMANDS.get(str(given.get("do", "")))
    if work is None:
        raise Refused(_("This request could not be understood"), 422)
    try:
        done = work(hall, given)
    except Stale as stale:
        return _stale(stale)
    except RuleRefused as refused:
        more = {"other": str(refused.facts["other"])} if "other" in refused.facts else {}
        body = {"error": refused.reason.value, "message": labels.words(refused), "code": str(refused.facts.get("code", "")), **more}
        return jsonify(body), labels.status_of(refused)
    touched = done.touched
    return jsonify(
        step=done.token,
        gone=[b.id for b in touched if b.retired_at],
        booths=[as_data(b) for b in touched if not b.retired_at],
        next=plan_edit.next_code(hall),
    )


def _stale(stale: Stale) -> Response:
    told = [
        {"code": booth.code, "changes": [plan_words.told(event, g.edition.currency) for event in events]}
        for booth, events in stale.changes
    ]
    body = {
        "error": "stale",
        "message": _("Somebody changed the plan since you opened it. Nothing was stored; you now see it as it is."),
        "differences": told,
        "gone": [b.id for b, _events in stale.changes if b.retired_at],
        "booths": [as_data(b) for b, _events in stale.changes if not b.retired_at],
    }
    return make_response(jsonify(body), 409)


def _number(value: Any, low: int = 0, high: int = 10**9) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refused(_("This request could not be understood"), 422)
    return value


def _list(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Refused(_("This request could not be understood"), 422)
    return value


def _seen(given: dict[str, Any]) -> list[Seen]:
    return [_one(item) for item in _list(given.get("booths"))]


def _one(item: dict[str, Any]) -> Seen:
    return Seen(_number(item.get("id"), 1), _number(item.get("version"), 1))


def outline(code: str, corners: Any) -> Outline:
    """Corners that came in as an outline. Raises RuleRefused with why not."""
    try:
        return geometry.outline(corners)
    except BadOutline as bad:
        raise RuleRefused(BoothRefusal.NO_OUTLINE, code=code, why=plan_words.FAULTS[bad.fault]) from None


def _point(value: Any) -> Point:
    try:
        return geometry.point(value)
    except BadOutline:
        raise Refused(_("This request could not be understood"), 422) from None


def _kind(value: Any) -> str:
    return value if value in labels.BOOTH_KINDS else "shell"


def _draw(hall: Hall, given: dict[str, Any]) -> Step:
    new = []
    for item in _list(given.get("booths")):
        code = str(item.get("code", ""))[:60].strip()
        new.append(NewBooth(code, outline(code, item.get("shape")), _kind(item.get("kind"))))
    return plan_edit.draw(hall, new)


def _reshape(hall: Hall, given: dict[str, Any]) -> Step:
    items = _list(given.get("booths"))
    return plan_edit.reshape(hall, [(_one(i), outline(str(i.get("code", ""))[:60], i.get("shape"))) for i in items])


def _renumber(hall: Hall, given: dict[str, Any]) -> Step:
    return plan_edit.number(hall, _seen(given), str(given.get("prefix", "")), _number(given.get("first", 1), 0, 99_999))


def _merge(hall: Hall, given: dict[str, Any]) -> Step:
    return plan_edit.merge(hall, _seen(given), str(given.get("code", "")))


def _split(hall: Hall, given: dict[str, Any]) -> Step:
    (seen,) = _seen(given) if len(given.get("booths") or ()) == 1 else _nothing()
    line = given.get("line")
    if not isinstance(line, list) or len(line) != 2:
        raise Refused(_("This request could not be understood"), 422)
    return plan_edit.split(hall, seen, _point(line[0]), _point(line[1]))


def _nothing() -> list[Seen]:
    raise RuleRefused(BoothRefusal.NO_BOOTH)


COMMANDS: dict[str, Callable[[Hall, dict[str, Any]], Step]] = {
    "draw": _draw,
    "reshape": _reshape,
    "number": _renumber,
    "merge": _merge,
    "split": _split,
    "remove": lambda hall, given: plan_edit.remove(hall, _seen(given)),
    "revert": lambda hall, given: plan_edit.revert(hall, str(given.get("step", ""))[:64]),
}
