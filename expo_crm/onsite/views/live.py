"""The live board: who came, who is inside, through which gate, and whether every device is heard. Renews itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.lib import clock
from expo_crm.onsite import queries, queries_live
from expo_crm.onsite.domain.reasons import reason_text
from expo_crm.onsite.queries import GateLine, Live
from expo_crm.onsite.views.gates import DeviceState
from expo_crm.shows import queries as shows
from expo_crm.web.i18n import bi, locale
from expo_crm.web.policy import Permission, requires

MOST_SERIES = 6  # more colours cannot be told apart; smaller gates are drawn together


@requires(Permission.VIEW)
def live() -> ResponseReturnValue:
    """The page; with ``?wall=1`` for a screen on the wall."""
    return render_template("onsite/live.html", **_board(), wall=request.args.get("wall") == "1")


@requires(Permission.VIEW)
def live_board() -> ResponseReturnValue:
    """The part that is asked for every few seconds."""
    return render_template("onsite/live_board.html", **_board(), wall=request.args.get("wall") == "1")


def _board() -> dict[str, Any]:
    board = queries.live(g.edition, _day(request.args.get("day", "")))
    today = clock.local_day(board.as_of, g.edition.timezone)
    states = [DeviceState(line.device) for line in board.devices]
    paired = [state for state in states if state.paired]
    return {
        "board": board,
        "is_today": board.day == today,
        "chart": _chart(board),
        "has_entries": any(board.total_per_slot),
        "days": [_day_tab(board, day, today) for day in board.days],
        "lines": [_line(board, line) for line in board.gates],
        "refused": [_refusal(board, code, count) for code, count in board.refused],
        "silent": [state for state in paired if state.silent or state.clock_off or state.device.queue_length],
        "paired": len(paired),
        "quiet": sum(state.silent for state in paired),
    }


def _day(raw: str) -> dt.date | None:
    """The day in the address; None, which means the usual one, for a day that no show has."""
    try:
        day = dt.date.fromisoformat(raw) if len(raw) == 10 else None
    except ValueError:
        return None
    return day if day and 1990 <= day.year <= 2200 else None


def _day_tab(board: Live, day: dt.date, today: dt.date) -> dict[str, Any]:
    wall = request.args.get("wall") or None
    return {
        "day": day,
        "today": day == today,
        "active": day == board.day,
        "url": url_for("onsite.live", day=day.isoformat(), wall=wall),
    }


def _refusal(board: Live, code: str, count: int) -> dict[str, Any]:
    url = url_for("onsite.scans", day=board.day.isoformat(), reason=code)
    return {"label": reason_text(code)[locale()], "value": count, "url": url}


def _line(board: Live, line: GateLine) -> dict[str, Any]:
    """A row of the gate table: with the last whole five minutes, when the day is running."""
    now = board.as_of
    done = [count for slot, count in zip(board.slots, line.per_slot, strict=True) if slot + queries.SLOT <= now]
    return {"line": line, "recent": done[-1] if done else 0, "peak": max(line.per_slot, default=0)}


def _chart(board: Live) -> dict[str, Any]:
    """Entries per five minutes, stacked by gate, and the same day of the last edition as a thin line."""
    gates = [line for line in board.gates if any(line.per_slot)]
    gates.sort(key=lambda line: -line.entries)
    shown, rest = (gates, []) if len(gates) <= MOST_SERIES else (gates[: MOST_SERIES - 1], gates[MOST_SERIES - 1 :])
    times = [slot.strftime("%H:%M") for slot in board.slots]
    series: list[dict[str, Any]] = [
        {"name": f"{line.gate.code} {bi(line.gate)}", "values": _until_now(board, line.per_slot), "stack": "gates"}
        for line in sorted(shown, key=lambda line: line.gate.code)
    ]
    if rest:
        together = [sum(counts) for counts in zip(*(line.per_slot for line in rest), strict=True)]
        series.append({"name": _("Other gates"), "values": _until_now(board, together), "stack": "gates"})
    if not series:
        series.append({"name": _("Entries"), "values": _until_now(board, board.total_per_slot), "stack": "gates"})
    before = _before(board)
    if before:
        name, counts = before
        values = [counts.get(time, 0) for time in times]
        series.append({"name": name, "values": values, "kind": "line", "dashed": True, "tone": "neutral", "stack": "before"})
    return {"kind": "bar", "categories": times, "series": series, "label": _("Entries per five minutes by gate")}


def _until_now(board: Live, values: list[int]) -> list[int | None]:
    """Zeros of hours that are still to come would look like an empty hall."""
    return [v if v or slot <= board.as_of else None for slot, v in zip(board.slots, values, strict=True)]


def _before(board: Live) -> tuple[str, dict[str, int]] | None:
    previous = shows.find_previous_edition(g.edition)
    if previous is None:
        return None
    day = queries_live.same_day(g.edition, previous, board.day)
    counts = queries_live.entries_by_time(previous, day) if day else {}
    return (_("Same day of %(edition)s", edition=bi(previous)), counts) if counts else None
