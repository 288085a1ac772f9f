"""The landing page: what matters now in this edition, by the phase it is in."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.directory import queries as directory
from expo_crm.directory.domain.agenda import horizon
from expo_crm.followup.queries import cases, surveys
from expo_crm.followup.queries import retention as retention_queries
from expo_crm.lib import clock, stats
from expo_crm.onsite import queries as onsite
from expo_crm.reporting import queries
from expo_crm.reporting.domain.phase import Phase, change, curve, phase_of, same_distance
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Edition
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, current_principal, requires

WEEKS = tuple(range(26, -1, -1))


@requires(Permission.VIEW)
def overview() -> ResponseReturnValue:
    now = clock.now()
    today = clock.local_day(now, g.edition.zone)
    phase = phase_of(g.edition.starts_on, g.edition.ends_on, today)
    last = shows.find_previous_edition(g.edition)
    coming = shows.find_next_edition(g.edition) if phase is Phase.AFTER else None
    figures = collect(g.edition, last, coming, phase, now, today)
    return render_template(
        "reporting/overview.html",
        phase=phase.value,
        today=today,
        last=last,
        coming=coming,
        f=figures,
        charts=_charts(figures, last, phase),
        Phase=Phase,
    )


def collect(
    edition: Edition, last: Edition | None, coming: Edition | None, phase: Phase, now: dt.datetime, today: dt.date
) -> Any:
    """Every figure of the page, in a constant number of queries."""
    f = SimpleNamespace()
    pair = [edition.id] + ([last.id] if last else [])
    then = same_distance(today, edition.starts_on, last.starts_on) if last else None
    f.then, f.days_to = then, (edition.starts_on - today).days
    _space(f, edition, last, pair, today, then, phase)
    _people(f, edition, last, pair, today, then)
    f.pipeline = queries.pipeline(edition.id)
    f.open_count = sum(line.count for line in f.pipeline if line.stage in queries.OPEN_STAGES)
    f.open_amount = sum((line.amount for line in f.pipeline if line.stage in queries.OPEN_STAGES), Decimal(0))
    f.money = queries.money(edition.id, today)
    f.tasks = directory.count_open_actions(current_principal().id, horizon(now, edition.zone))
    f.live = onsite.figures(edition) if phase is not Phase.BEFORE else onsite.Figures()
    f.by_day = onsite.figures_by_day(edition) if phase is not Phase.BEFORE else {}
    f.contacts = queries.contacts(edition.id)
    f.cases = cases.count_open(edition.id)
    found = retention_queries.development_of(edition, today)
    f.retention = found.current
    f.retention_coming = found.coming
    f.exhibitors = len(found.stakes[-1]) if found.stakes else 0
    f.exhibitors_last = len(found.stakes[-2]) if len(found.stakes) > 1 else None
    f.rebooked = queries.rebooked(edition, coming) if coming else None
    progress = surveys.progress_of(queries.open_survey_ids(edition.id)) if phase is Phase.AFTER else {}
    f.delivered = sum(p.delivered for p in progress.values())
    f.complete = sum(p.complete for p in progress.values())
    f.nps = {}
    if phase is Phase.AFTER:
        for who in ("exhibitors", "visitors"):
            score = stats.nps_of(surveys.nps_ratings([edition.id], who).get(edition.id, []))
            if score:
                f.nps[who] = score
    return f


def _space(
    f: Any, edition: Edition, last: Edition | None, pair: list[int], today: dt.date, then: dt.date | None, phase: Phase
) -> None:
    """Sold area: contracts by day; where an edition kept none, its ledger."""
    contracts, ledger = queries.contracts_per_day(pair), queries.ledger_of(pair)
    mine = contracts.get(edition.id, {})
    f.sold = queries.sold_until(mine)
    if not mine and phase is not Phase.BEFORE:
        f.sold = ledger.get(edition.id, queries.Sold())
    before = contracts.get(last.id, {}) if last else {}
    f.sold_then = queries.sold_until(before, then) if before else None
    f.saleable = queries.saleable_m2(pair).get(edition.id)
    f.sold_rate = float(f.sold.net_m2 / f.saleable) if f.saleable else None
    f.sold_days = {day: float(s.net_m2) for day, s in mine.items()}
    f.sold_days_last = {day: float(s.net_m2) for day, s in before.items()}
    f.sold_trend = _trend(float(f.sold.net_m2), float(f.sold_then.net_m2) if f.sold_then else None)


def _people(
    f: Any, edition: Edition, last: Edition | None, pair: list[int], today: dt.date, then: dt.date | None
) -> None:
    per_day = queries.registrations_per_day(pair)
    f.audience = queries.audience(edition)
    f.reg_days, f.reg_days_last = per_day.get(edition.id, {}), per_day.get(last.id, {}) if last else {}
    f.reg_then = sum(n for day, n in f.reg_days_last.items() if then and day <= then) if f.reg_days_last else None
    f.reg_week = sum(n for day, n in f.reg_days.items() if today - dt.timedelta(days=7) < day <= today)
    f.reg_trend = _trend(f.audience.total, f.reg_then)


def _trend(now: float, before: float | None) -> dict[str, Any] | None:
    """Against the same distance from opening last time, as the figure card wants it."""
    step = change(now, before)
    if step is None:
        return None
    return {
        "direction": "up" if step > 0.0005 else "down" if step < -0.0005 else "flat",
        "good": None if abs(step) <= 0.0005 else step > 0,
        "text": ("+" if step > 0 else "") + i18n.percent(step),
    }


def _charts(f: Any, last: Edition | None, phase: Phase) -> list[dict[str, Any]]:
    """Registrations and sold area by weeks before the opening, this edition against the last; none without numbers."""
    today = clock.local_day(clock.now(), g.edition.zone)
    out = []
    for key, title, mine, before, unit, url in (
        (
            "registrations",
            _("Registrations, running total"),
            f.reg_days,
            f.reg_days_last,
            "",
            url_for("visitors.registrations"),
        ),
        (
            "sold",
            _("Net area under contract, running total"),
            f.sold_days,
            f.sold_days_last,
            "m²",
            url_for("exhibitors.contracts"),
        ),
    ):
        if not mine and not before:
            continue
        now = curve(mine, g.edition.starts_on, today if phase is Phase.BEFORE else None, WEEKS)
        if phase is Phase.BEFORE and now:
            # The last point is today, which mostly lies between two weeks.
            passed = [i for i, value in enumerate(now) if value is not None]
            if passed and passed[-1] + 1 < len(now):
                now[passed[-1] + 1] = sum(mine.values())
        series: list[dict[str, Any]] = [{"name": i18n.bi(g.edition), "values": now}]
        if last is not None and before:
            series.append(
                {
                    "name": i18n.bi(last),
                    "values": curve(before, last.starts_on, None, WEEKS),
                    "tone": "neutral",
                    "dashed": True,
                }
            )
        weeks = [_("opening") if w == 0 else f"−{w}" for w in WEEKS]
        option = {"kind": "line", "format": "number", "unit": unit, "categories": weeks, "series": series}
        out.append({"key": key, "title": title, "option": option, "url": url})
    return out
