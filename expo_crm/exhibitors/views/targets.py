"""Targets by edition, person, team, agent, sector and hall: attained, against the pace of the last edition, missing per week."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.db import db
from expo_crm.exhibitors import queries as sales
from expo_crm.exhibitors import queries_pipeline as queries
from expo_crm.exhibitors.domain import targets as rules
from expo_crm.exhibitors.domain.targets import Progress, Scope, Sum
from expo_crm.exhibitors.models import SalesTeam
from expo_crm.exhibitors.services import targets as services
from expo_crm.lib import clock, money, text
from expo_crm.shows import queries as shows
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

WEEKS = tuple(range(39, -1, -1))
MOST_COMPANIES = 100_000
SCOPES: dict[Scope, Any] = {
    Scope.EDITION: _l("Whole edition"),
    Scope.PERSON: _l("Sales person"),
    Scope.TEAM: _l("Team"),
    Scope.AGENT: _l("Agent"),
    Scope.SECTOR: _l("Sector"),
    Scope.HALL: _l("Hall"),
}


@dataclass(frozen=True)
class Row:
    scope: Scope
    key: str
    label: str
    progress: Progress
    set: bool


def collect(edition: Any, today: Any) -> tuple[list[Row], list[Any], Any]:
    """Every row of the page: keys with a target, and people and halls without one. Rows, deals, last edition."""
    last = shows.find_previous_edition(edition)
    deals = queries.deals_of([edition.id] + ([last.id] if last else []))
    stored = {(Scope(t.scope), t.key): Sum(t.m2, t.amount, t.companies) for t in queries.targets_of(edition.id)}
    then = rules.same_distance(today, edition.starts_on, last.starts_on) if last else None
    left = rules.weeks_left(today, edition.starts_on)
    keys = dict.fromkeys([(Scope.EDITION, ""), *stored])
    sold = [deal.keys.get(Scope.PERSON, ()) for deal in deals if deal.edition_id == edition.id]
    keys |= dict.fromkeys((Scope.PERSON, key) for pairs in sold for key, _share in pairs)
    names = _names(edition)
    out = []
    for scope, key in keys:
        label = str(SCOPES[scope]) if scope is Scope.EDITION else names.get((scope, key), key)
        progress = Progress(
            stored.get((scope, key), Sum()),
            rules.total(deals, edition.id, scope, key),
            rules.total(deals, last.id, scope, key, then) if last else None,
            rules.total(deals, last.id, scope, key) if last else None,
            left,
        )
        out.append(Row(scope, key, label, progress, (scope, key) in stored))
    order = list(Scope)
    out.sort(key=lambda r: (order.index(r.scope), -r.progress.target.m2, r.label))
    return out, deals, last


def _names(edition: Any) -> dict[tuple[Scope, str], str]:
    names = {(Scope.PERSON, str(u.id)): u.name for u in queries.people().values()}
    names |= {(Scope.TEAM, str(t.id)): t.name for t in queries.teams()}
    names |= {(Scope.HALL, h.code): i18n.bi(h) for h in shows.list_halls(edition.id)}
    return names


@requires(Permission.VIEW)
def targets() -> ResponseReturnValue:
    return _page()


def _page(typed: dict[str, str] | None = None, error: str = "") -> str:
    today = clock.local_day(clock.now(), g.edition.timezone)
    rows, deals, last = collect(g.edition, today)
    may_set = current_principal().can(Permission.SETTINGS)
    teams = queries.teams()
    member = queries.team_of_people()
    return render_template(
        "exhibitors/targets.html",
        rows=rows,
        scopes=SCOPES,
        last=last,
        today=today,
        then=rules.same_distance(today, g.edition.starts_on, last.starts_on) if last else None,
        weeks_left=rules.weeks_left(today, g.edition.starts_on),
        chart=_chart(rows[0], deals, last, today),
        m2_of=lambda s: s.m2,
        amount_of=lambda s: s.amount,
        companies_of=lambda s: s.companies,
        typed=typed or {},
        error=error,
        may_set=may_set,
        choices=_choices(rows) if may_set else {},
        teams=teams,
        staff=sales.list_sales_people(),
        team_of=member,
    )


def _choices(rows: list[Row]) -> dict[Scope, list[tuple[str, str]]]:
    """What a new target can be for: every key that has none yet. Agents are typed."""
    taken = {(r.scope, r.key) for r in rows if r.set}
    wanted = {
        Scope.PERSON: [(str(u.id), u.name) for u in sales.list_sales_people()],
        Scope.TEAM: [(str(t.id), t.name) for t in queries.teams()],
        Scope.AGENT: [(name, name) for name in queries.known_agents(g.edition)],
        Scope.SECTOR: [(name, name) for name in sales.list_sectors(g.edition.id)],
        Scope.HALL: [(h.code, i18n.bi(h)) for h in shows.list_halls(g.edition.id)],
    }
    return {scope: [pair for pair in pairs if (scope, pair[0]) not in taken] for scope, pairs in wanted.items()}


def _chart(whole: Row, deals: list[Any], last: Any, today: Any) -> dict[str, Any] | None:
    if not deals:
        return None
    series: list[dict[str, Any]] = [
        {"name": i18n.bi(g.edition), "values": rules.course(deals, g.edition.id, g.edition.starts_on, WEEKS, today)}
    ]
    if last is not None:
        before = rules.course(deals, last.id, last.starts_on, WEEKS, None)
        series.append({"name": i18n.bi(last), "values": before, "tone": "neutral", "dashed": True})
        final = whole.progress.last
        if whole.progress.target.m2 and final and final.m2:
            factor = float(whole.progress.target.m2 / final.m2)
            paced = [round(v * factor, 1) if v is not None else None for v in before]
            series.append({"name": _("Pace to the target"), "values": paced, "tone": "success", "dashed": True})
    weeks = [_("opening") if w == 0 else f"−{w}" for w in WEEKS]
    return {"kind": "line", "format": "number", "unit": "m²", "categories": weeks, "series": series}


@requires(Permission.SETTINGS)
def set_target() -> ResponseReturnValue:
    """Store one target; empty or zero in all three takes it away."""
    form = request.form
    if form.get("scope", "") not in set(Scope):
        abort(404)
    scope = Scope(form["scope"])
    key = "" if scope is Scope.EDITION else text.clean(form.get(f"key-{scope}") or form.get("key", ""))[:300]
    typed = {k: form.get(k, "")[:60] for k in ("scope", "m2", "amount", "companies")} | {"key": key}
    if not _key_exists(scope, key):
        return _page(typed, _("Please choose what the target is for.")), 422
    try:
        wanted = Sum(
            money.parse_decimal(form.get("m2") or "0", minimum=0, maximum=Decimal(10_000_000), places=2),
            money.parse_money(form.get("amount") or "0"),
            int(money.parse_decimal(form.get("companies") or "0", minimum=0, maximum=MOST_COMPANIES, places=0)),
        )
    except ValueError:
        return _page(
            typed, _("Targets are numbers, zero or more: m² with two decimals, money, and whole companies.")
        ), 422
    services.set_target(g.edition, scope, key, wanted)
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.targets"))


def _key_exists(scope: Scope, key: str) -> bool:
    if scope is Scope.EDITION:
        return True
    if scope is Scope.PERSON:
        return key.isascii() and key.isdigit() and int(key) in queries.people()
    if scope is Scope.TEAM:
        return key in {str(t.id) for t in queries.teams()}
    if scope is Scope.HALL:
        return sales.find_hall(g.edition.id, key) is not None
    return not text.is_blank(key)


@requires(Permission.SETTINGS)
def save_team() -> ResponseReturnValue:
    """A new team, or the people of one."""
    team = _team(request.form["team"]) if request.form.get("team") else None
    name = text.clean(request.form.get("name", ""))[:200]
    if text.is_blank(name):
        raise Refused(_("Please enter the name of the team."), 422)
    staff = {u.id for u in sales.list_sales_people()}
    chosen = {int(v) for v in request.form.getlist("people")[:500] if re.fullmatch(r"\d{1,9}", v, re.ASCII)} & staff
    if services.save_team(name, chosen, team) is None:
        raise Refused(_("There is already a team of this name."), 409)
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.targets") + "#teams")


@requires(Permission.SETTINGS)
def delete_team() -> ResponseReturnValue:
    services.delete_team(_team(request.form.get("team", "")))
    flash(_("The team is dissolved."), "success")
    return redirect(url_for("exhibitors.targets") + "#teams")


def _team(raw: str) -> SalesTeam:
    found = db.session.get(SalesTeam, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
    if found is None:
        abort(404)
    return found
