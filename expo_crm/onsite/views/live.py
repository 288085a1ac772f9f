"""The live board: who came, who is inside, through which gate, and whether every device is heard. Renews itself."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from flask import abort, current_app, flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal
from flask_babel import gettext as _

from expo_crm.lib import clock, text
from expo_crm.onsite import queries_live, queries_zones
from expo_crm.onsite.domain.reasons import reason_text
from expo_crm.onsite.models import Device
from expo_crm.onsite.queries_hours import SLOT
from expo_crm.onsite.queries_live import GateLine, Live
from expo_crm.onsite.queries_zones import ZoneLine
from expo_crm.onsite.services import live as live_services
from expo_crm.onsite.views.devices import DeviceState
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import bi, locale
from expo_crm.web.policy import Permission, current_principal, requires

MOST_SERIES = 6  # more colours cannot be told apart; smaller gates are drawn together
WALL_ROWS = 8
WALL_DEVICES = 5
MOST_BY_HAND = 500


@requires(Permission.VIEW)
def live() -> ResponseReturnValue:
    """The page; with ``?wall=1`` for a screen on the wall."""
    return render_template("onsite/live.html", **_board())


@requires(Permission.VIEW)
def live_board() -> ResponseReturnValue:
    """The part that is asked for every few seconds. Unchanged it is answered 304; when it was looked at stands in a header."""
    shown = _board()
    response = make_response(render_template("onsite/live_board.html", **shown))
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Live-As-Of"] = shown["as_of"]
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    return response.make_conditional(request)


@requires(Permission.GATE)
def hand_tally() -> ResponseReturnValue:
    """People without a badge, counted by hand into or out of a zone."""
    zones = {zone.code for zone in queries_zones.list_zones(g.edition.id)}
    zone, number = request.form.get("zone", ""), request.form.get("number", "").strip()
    if zone not in zones:
        abort(404)
    if not (number.isascii() and number.isdigit() and len(number) < 6 and 1 <= int(number) <= MOST_BY_HAND):
        raise Refused(_("Please write a number from 1 to %(most)s.", most=MOST_BY_HAND), 422)
    delta = int(number) if request.form.get("direction") != "out" else -int(number)
    note = text.clean(request.form.get("note", ""), limit=200)
    try:
        live_services.tally(g.edition, zone, delta, note=note, user_id=current_principal().id)
    except live_services.NobodyThere:
        raise Refused(_("That many people were not counted in by hand today."), 409) from None
    flash(_("Counted."), "success")
    return redirect(url_for("onsite.live", _anchor="by-hand"))


@requires(Permission.VIEW)
def gate_card() -> ResponseReturnValue:
    """What a gate supervisor must know, on one printed page in both languages."""
    return render_template("onsite/gate_card.html")


def _board() -> dict[str, Any]:
    board = queries_live.live(g.edition, _day(request.args.get("day", "")))
    today = clock.local_day(board.as_of, g.edition.timezone)
    wall = request.args.get("wall") == "1"
    by = "class" if request.args.get("by") == "class" else "gate"
    states = [_device(device) for device in board.devices]
    paired = [state for state in states if state["state"].paired]
    lines = [_line(board, line) for line in board.gates]
    return {
        "board": board,
        "wall": wall,
        "by": by,
        "as_of": clock.to_local(board.as_of, g.edition.timezone).isoformat(timespec="seconds"),
        "is_today": board.day == today,
        "is_ahead": board.day > today,
        "zone_names": {zone.code: bi(zone) for zone in board.zones},
        "chart": _chart(board, by),
        "has_entries": any(board.total_per_slot),
        "days": [_day_tab(board, day, today) for day in board.days],
        "lines": _busiest(lines) if wall else lines,
        "refused": [_refusal(board, code, count) for code, count in board.refused],
        "devices": _shown_devices(paired, wall),
        "paired": len(paired),
        "quiet": sum(d["state"].silent for d in paired),
        "alarm": _alarm(board),
        "watch": _watch(board, len(paired), sum(d["state"].silent for d in paired), today),
        "compared": _compared(board),
        "tallies": queries_zones.list_tallies(g.edition.id, board.day, 6) if not wall else [],
        "may_count": current_principal().can(Permission.GATE) and board.day == today,
        "poll": url_for("onsite.live_board", day=request.args.get("day") or None, wall=1 if wall else None, by=request.args.get("by")),
        "switch": {kind: _self_url(board, today, by=kind) for kind in ("gate", "class")},
    }


def _self_url(board: Live, today: dt.date, **others: Any) -> str:
    day = None if board.day == today else board.day.isoformat()
    return url_for("onsite.live", day=day, wall=request.args.get("wall") or None, **others)


def _day(raw: str) -> dt.date | None:
    """The day in the address; None, which means the usual one, for a day that no show has."""
    try:
        day = dt.date.fromisoformat(raw) if len(raw) == 10 else None
    except ValueError:
        return None
    return day if day and 1990 <= day.year <= 2200 else None


def _day_tab(board: Live, day: dt.date, today: dt.date) -> dict[str, Any]:
    kept: dict[str, Any] = {"wall": request.args.get("wall") or None, "by": request.args.get("by") or None}
    return {
        "day": day,
        "today": day == today,
        "active": day == board.day,
        "url": url_for("onsite.live", day=day.isoformat(), **kept),
    }


def _shown_devices(paired: list[dict[str, Any]], wall: bool) -> list[dict[str, Any]]:
    """Those with trouble first; on a wall only those, as many as fit."""
    found = sorted(paired, key=lambda d: (not d["trouble"], d["state"].device.name))
    return [d for d in found if d["trouble"]][:WALL_DEVICES] if wall else found


def _device(device: Device) -> dict[str, Any]:
    state = DeviceState(device)
    trouble = state.silent or state.clock_off or device.queue_length > 0 or device.missing > 0
    return {"state": state, "trouble": trouble}


def _refusal(board: Live, code: str, count: int) -> dict[str, Any]:
    url = url_for("onsite.scans", day=board.day.isoformat(), reason=code)
    return {"label": reason_text(code)[locale()], "value": count, "url": url}


def _line(board: Live, line: GateLine) -> dict[str, Any]:
    """A row of the gate table: with the last whole five minutes, when the day is running."""
    now = board.as_of
    done = [count for slot, count in zip(board.slots, line.per_slot, strict=True) if slot + SLOT <= now]
    return {"line": line, "recent": done[-1] if done else 0, "peak": max(line.per_slot, default=0)}


def _busiest(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What fits on a wall: the gates with the most entries, in the order of their codes."""
    kept = sorted(lines, key=lambda row: -row["line"].entries)[:WALL_ROWS]
    return [row for row in lines if row in kept]


def _watch(board: Live, paired: int, quiet: int, today: dt.date) -> list[dict[str, Any]]:
    """What a supervisor acts upon, each with a number. A zero is shown too: it says that somebody looked."""

    def item(label: str, number: int, icon: str, tone: str = "warning", hint: str = "", page: str = "") -> dict[str, Any]:
        url = url_for(page) if page in current_app.view_functions else ""
        shown = format_decimal(number)
        return {"label": label, "value": shown, "icon": icon, "tone": tone if number else "calm", "hint": hint, "url": url}

    items = []
    if board.day == today:
        of_all = _("of %(n)s", n=format_decimal(paired))
        items += [
            item(_("Silent devices"), quiet, "device-mobile-off", "danger", of_all, "onsite.gates"),
            item(_("Scans not uploaded yet"), board.unsynced, "cloud-up", page="onsite.gates"),
        ]
    items += [
        item(_("Missing scans"), board.missing, "alert-circle", "danger", page="onsite.gates"),
        item(_("Conflicts to look at"), board.conflicts, "arrows-diff", page="onsite.inbox"),
        item(_("Scans of withdrawn devices"), board.quarantined, "shield-question", page="onsite.inbox"),
        item(_("Duplicate admissions"), board.duplicates, "copy"),
    ]
    if board.arrivals.booths and (board.day == today or board.arrivals.occupied):
        empty = board.arrivals.booths - board.arrivals.occupied
        of_all = _("of %(n)s", n=format_decimal(board.arrivals.booths))
        items.append(item(_("Booths still empty"), empty, "building-store", "warning", of_all, "onsite.arrival"))
    return items


def _alarm(board: Live) -> tuple[str, ZoneLine] | None:
    """The fullest zone that is over its alarm, with the time since when."""
    since = {(alarm.zone, alarm.level): alarm.at for alarm in board.alarms}
    over = [zone for zone in board.zones if zone.level >= zone.alarm_percent]
    if not over:
        return None
    worst = max(over, key=lambda zone: zone.percent or 0)
    at = since.get((worst.code, worst.level))
    return (clock.to_local(at, g.edition.timezone).strftime("%H:%M") if at else "", worst)


def _compared(board: Live) -> dict[str, Any] | None:
    """Entries against the same time of the same day of the last edition."""
    if board.before is None:
        return None
    then, now = board.before.so_far, board.entries
    change = round(100 * (now - then) / then) if then and now else None
    return {"then": then, "change": change, "edition": bi(board.before.edition), "day": board.before.day}


def _chart(board: Live, by: str) -> dict[str, Any]:
    """Entries per five minutes, stacked by gate or class, and the same day of the last edition as a thin line."""
    if by == "class":
        named = [(bi(line.visitor_class) if line.visitor_class else _("Without class"), line.per_slot) for line in board.classes]
        rest_name, label = _("Other classes"), _("Entries per five minutes by class")
    else:
        gates = sorted((line for line in board.gates if line.entries), key=lambda line: -line.entries)
        named = [(f"{line.gate.code} {bi(line.gate)}", line.per_slot) for line in gates]
        rest_name, label = _("Other gates"), _("Entries per five minutes by gate")
    shown, rest = (named, []) if len(named) <= MOST_SERIES else (named[: MOST_SERIES - 1], named[MOST_SERIES - 1 :])
    series: list[dict[str, Any]] = [
        {"name": name, "values": _until_now(board, values), "stack": "all"}
        for name, values in (sorted(shown) if by == "gate" else shown)
    ]
    if rest:
        together = [sum(counts) for counts in zip(*(values for _name, values in rest), strict=True)]
        series.append({"name": rest_name, "values": _until_now(board, together), "stack": "all"})
    if not series:
        series.append({"name": _("Entries"), "values": _until_now(board, board.total_per_slot), "stack": "all"})
    if board.before:
        name = _("Same day of %(edition)s", edition=bi(board.before.edition))
        values = board.before.per_slot
        series.append({"name": name, "values": values, "kind": "line", "dashed": True, "tone": "neutral", "stack": "before"})
    times = [slot.strftime("%H:%M") for slot in board.slots]
    return {"kind": "bar", "categories": times, "series": series, "label": label}


def _until_now(board: Live, values: list[int]) -> list[int | None]:
    """Zeros of hours that are still to come would look like an empty hall."""
    return [v if v or slot <= board.as_of else None for slot, v in zip(board.slots, values, strict=True)]
