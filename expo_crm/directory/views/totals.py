"""What each person and team did in a day, a week or a month, beside the span before."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.directory import queries, queries_day
from expo_crm.directory.forms import today
from expo_crm.directory.queries_day import Totals
from expo_crm.lib import clock
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, current_principal, requires

SPANS = ("day", "week", "month")


def _span(kind: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """First day and the day after the last one."""
    if kind == "week":
        first = day - dt.timedelta(days=day.weekday())
        return first, first + dt.timedelta(days=7)
    if kind == "month":
        first = day.replace(day=1)
        return first, (first + dt.timedelta(days=32)).replace(day=1)
    return day, day + dt.timedelta(days=1)


@requires(Permission.VIEW)
def totals() -> ResponseReturnValue:
    kind = request.args.get("span", "week")
    kind = kind if kind in SPANS else "week"
    day = _day(request.args.get("day", ""))
    first, after = _span(kind, day)
    before, _same = _span(kind, first - dt.timedelta(days=1))
    zone = i18n.current_zone()
    edges = [clock.day_bounds(d, zone)[0] for d in (before, first, after)]
    last, now = queries_day.totals(edges[0], edges[1]), queries_day.totals(edges[1], edges[2])
    owners = queries.list_owners()
    people = {u.id: u for u in [*owners, *queries_day.list_people({*last, *now} - {u.id for u in owners})]}
    rows = [(u, now.get(u.id, Totals()), last.get(u.id, Totals())) for u in people.values()]
    rows.sort(key=lambda row: (-row[1].calls, -row[1].visits, row[0].name))
    house = _sum(now.values()), _sum(last.values())
    return render_template(
        "directory/totals.html",
        span=kind, day=day, first=first, last_day=after - dt.timedelta(days=1), rows=rows, teams=_teams(now, last), house=house,
        me=(now.get(current_principal().id or 0, Totals()), last.get(current_principal().id or 0, Totals())),
        tabs=[
            {"label": label, "url": url_for("directory.totals", span=key, day=day.isoformat()), "active": key == kind}
            for key, label in (("day", _("By day")), ("week", _("By week")), ("month", _("By month")))
        ],
        earlier=before.isoformat(), later=after.isoformat() if after <= today() else "",
        chart=_chart(kind, first, after, edges[1], edges[2]), principal_id=current_principal().id,
    )  # fmt: skip


def _day(raw: str) -> dt.date:
    """The asked day, never a future one; today for anything unreadable."""
    try:
        asked = dt.date.fromisoformat(raw)
    except ValueError:
        return today()
    return min(max(asked, dt.date(2000, 1, 1)), today())


def _sum(parts: Any) -> Totals:
    out = Totals()
    for part in parts:
        out.add(part)
    return out


def _teams(now: dict[int, Totals], last: dict[int, Totals]) -> list[tuple[str, Totals, Totals]]:
    names = queries_day.teams()
    out: dict[str, tuple[Totals, Totals]] = {}
    for index, part in enumerate((now, last)):
        for user_id, counts in part.items():
            if team := names.get(user_id):
                out.setdefault(team, (Totals(), Totals()))[index].add(counts)
    return [(team, *pair) for team, pair in sorted(out.items())]


def _chart(kind: str, first: dt.date, after: dt.date, start: dt.datetime, end: dt.datetime) -> dict[str, Any] | None:
    """Calls, visits and mails by hour of a day, else by day."""
    zone = i18n.current_zone()
    done = queries_day.per_day(start, end, None)
    if not done:
        return None
    if kind == "day":
        keys: list[Any] = list(range(8, 20))
        labels = [f"{h}:00" for h in keys]
        found: Counter[tuple[Any, str]] = Counter((min(max(clock.to_local(at, zone).hour, 8), 19), what) for at, what, _code in done)
    else:
        keys = [first + dt.timedelta(days=n) for n in range((after - first).days)]
        labels = [i18n.date(d, "short") for d in keys]
        found = Counter((clock.local_day(at, zone), what) for at, what, _code in done)
    series = [
        {"name": str(label), "values": [found[key, what] for key in keys]}
        for what, label in (("call", _("Calls")), ("visit", _("Site visits")), ("mail", _("Mails")))
    ]
    return {"kind": "bar", "format": "number", "categories": labels, "series": series}
