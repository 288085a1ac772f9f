"""What the pipeline is likely to bring, which cards have lain too long, and why others were lost."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.exhibitors import queries_pipeline as queries
from expo_crm.exhibitors.domain import forecast as rules
from expo_crm.exhibitors.domain.forecast import Weight
from expo_crm.exhibitors.domain.opportunity import OPEN, WON, Stage
from expo_crm.exhibitors.queries_quotes import list_competitors
from expo_crm.exhibitors.services import targets as services
from expo_crm.exhibitors.views import labels
from expo_crm.lib import clock, money
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, current_principal, requires

SHOWN = 25
"""Rows of a list before "show all"."""


@requires(Permission.VIEW)
def pipeline() -> ResponseReturnValue:
    return _page()


@requires(Permission.SETTINGS)
def set_stage_weights() -> ResponseReturnValue:
    """Chances and limits of all stages at once."""
    typed: dict[Stage, tuple[str, str]] = {}
    errors: dict[Stage, str] = {}
    weights: dict[Stage, Weight] = {}
    for stage in OPEN:
        percent, limit = request.form.get(f"percent-{stage}", ""), request.form.get(f"limit-{stage}", "0")
        typed[stage] = (percent[:20], limit[:20])
        try:
            value = money.parse_decimal(percent, minimum=0, maximum=100, places=2)
        except ValueError:
            errors[stage] = _("The chance of “%(stage)s” must be a number from 0 to 100.", stage=labels.STAGES[stage])
            continue
        if not re.fullmatch(r"\d{1,4}", limit, re.ASCII) or int(limit) > rules.LONGEST_LIMIT:
            errors[stage] = _(
                "The limit of “%(stage)s” must be a whole number of days from 0 to %(most)s.",
                stage=labels.STAGES[stage],
                most=rules.LONGEST_LIMIT,
            )
            continue
        weights[stage] = Weight(value, int(limit))
    if errors:
        return _page(typed, errors), 422
    services.set_weights(g.edition, weights)
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.pipeline"))


def _page(typed: dict[Stage, tuple[str, str]] | None = None, errors: dict[Stage, str] | None = None) -> str:
    now = clock.now()
    weights = queries.weights_of(g.edition.id)
    found = rules.forecast(queries.stage_sums(g.edition.id), weights)
    cards = queries.open_cards(g.edition.id)
    aged = [(card, days) for card in cards if (days := rules.overdue_days(card.stage, card.stage_at, now, weights))]
    aged.sort(key=lambda pair: (-pair[1], pair[0].id))
    lost = queries.losses(g.edition.id)
    show_all = request.args.get("all", "")
    return render_template(
        "exhibitors/pipeline.html",
        forecast=found,
        working=rules.WORKING,
        won=WON,
        weights=weights,
        typed=typed,
        errors=errors or {},
        aged=aged if show_all == "aged" else aged[:SHOWN],
        aged_count=len(aged),
        aged_by_stage=_count_by_stage(aged),
        age=lambda card: rules.age_days(card.stage_at, now),
        losses=lost if show_all == "lost" else lost[:SHOWN],
        loss_count=len(lost),
        **_loss_charts(lost),
        people=queries.people(),
        labels=labels,
        now=now,
        may_set=current_principal().can(Permission.SETTINGS),
    )


def _count_by_stage(aged: list[tuple[queries.Card, int]]) -> dict[str, int]:
    out: dict[str, int] = defaultdict(int)
    for card, _days in aged:
        out[card.stage] += 1
    return out


def _loss_charts(lost: list[queries.Loss]) -> dict[str, Any]:
    """Bars by reason and by competitor's show: the one that was named; else those where the company was seen, each of them."""
    reasons: dict[str, list[queries.Loss]] = defaultdict(list)
    for loss in lost:
        reasons[loss.reason].append(loss)
    elsewhere = queries.elsewhere(g.edition.show_id, {loss.company_id for loss in lost})
    named = {show.id: show for show in list_competitors(g.edition.show_id)}
    shows: dict[int, tuple[Any, list[queries.Loss]]] = {}
    for loss in lost:
        for shown in [named[loss.lost_to_id]] if loss.lost_to_id in named else elsewhere.get(loss.company_id, []):
            shows.setdefault(shown.id, (shown, []))[1].append(loss)

    def bar(label: Any, rows: list[queries.Loss], url: str = "") -> dict[str, Any]:
        m2 = sum((r.m2 for r in rows), Decimal(0))
        return {"label": label, "value": len(rows), "hint": i18n.m2(m2), "tone": "danger", "url": url or None}

    return {
        "by_reason": [
            bar(labels.LOST_REASONS.get(reason, reason), rows)
            for reason, rows in sorted(reasons.items(), key=lambda item: -len(item[1]))
        ],
        "by_show": [
            bar(i18n.bi(shown), rows, url_for("exhibitors.competitor", competitor_id=shown.id))
            for shown, rows in sorted(shows.values(), key=lambda item: -len(item[1]))
        ],
        "elsewhere": elsewhere,
        "named": named,
    }
