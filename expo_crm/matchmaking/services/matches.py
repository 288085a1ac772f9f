"""The best of the other side, with reasons that people understand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from expo_crm.directory.models import Participation
from expo_crm.matchmaking import queries
from expo_crm.matchmaking.domain import exposure
from expo_crm.matchmaking.domain.matching import Match, Matcher, Need, Reason
from expo_crm.shows.models import Category, Edition
from expo_crm.visitors.domain.vocabulary import BUYING_ROLES
from expo_crm.visitors.models import Registration
from expo_crm.web.i18n import bi


@dataclass(frozen=True)
class Suggestion:
    """One row: the other side (a Participation or a Registration), the score in per cent, the reasons as chips."""

    subject: Any
    score: int
    reasons: list[dict[str, Any]]


def best_exhibitors(edition: Edition, registration: Registration, limit: int = 10) -> list[Suggestion]:
    """For a visitor. Four queries, whatever the size."""
    tree, nodes = queries.load_tree(edition.show_id)
    matcher = Matcher(tree, queries.load_supplies(edition.id))
    found = matcher.best_supplies(
        queries.need_of(registration), limit, excluded=queries.refused_by_registration(registration.id)
    )
    subjects = queries.participations_by_id(m.id for m in found)
    return [_suggestion(m, subjects[m.id], nodes) for m in found]


def best_visitors(edition: Edition, participation: Participation, limit: int = 10) -> list[Suggestion]:
    """For an exhibitor. Contact data are not in it: names are shown by the page's own rules."""
    tree, nodes = queries.load_tree(edition.show_id)
    matcher = Matcher(tree, queries.load_supplies(edition.id))
    supply = matcher.supplies.get(participation.id)
    if supply is None:
        return []
    needs = queries.load_needs(edition.id, tree.related(supply.nodes))
    found = matcher.best_needs(supply, needs, limit, excluded=queries.refused_by_participation(participation.id))
    subjects = queries.registrations_by_id(m.id for m in found)
    return [_suggestion(m, subjects[m.id], nodes) for m in found]


def reasons_of(edition: Edition, participation: Participation, registration: Registration) -> list[dict[str, Any]]:
    """Why these two fit, for keeping with a meeting; empty when nothing connects them."""
    tree, nodes = queries.load_tree(edition.show_id)
    matcher = Matcher(tree, queries.load_supplies(edition.id))
    supply = matcher.supplies.get(participation.id)
    match = matcher.match(queries.need_of(registration), supply, view="exhibitor") if supply else None
    return [stored(r, nodes) for r in match.reasons] if match else []


def _suggestion(match: Match, subject: Any, nodes: dict[int, Category]) -> Suggestion:
    return Suggestion(subject, round(100 * match.score), [shown(stored(r, nodes)) for r in match.reasons[:6]])


def stored(reason: Reason, nodes: dict[int, Category]) -> dict[str, Any]:
    """A reason as JSON, with the names of both languages, so that it stays readable when the tree changes."""

    def name(node_id: int | None) -> dict[str, str] | None:
        node = nodes.get(node_id) if node_id is not None else None
        return {"name_zh": node.name_zh, "name_en": node.name_en} if node else None

    return {
        "kind": reason.kind,
        "share": round(reason.share, 3),
        "node": name(reason.node),
        "other": name(reason.other),
        "words": reason.words,
    }


def shown(item: dict[str, Any]) -> dict[str, Any]:
    """Text of a chip in the reader's language."""
    kind, node, other = item.get("kind"), bi(item.get("node")), bi(item.get("other"))
    if kind == "exact":
        label, hint = node, _("wanted and offered")
    elif kind == "parent":
        label, hint = f"{node} ↔ {other}", _("broader or narrower category")
    elif kind == "sibling":
        label, hint = f"{node} ↔ {other}", _("neighbouring category")
    elif kind == "role":
        label, hint = (
            _(BUYING_ROLES.get(item.get("words", ""), "")) if item.get("words") else "",
            _("part in purchases"),
        )
    else:
        label, hint = f"“{item.get('words', '')}”", _("same words")
    return {"kind": kind, "label": label, "hint": hint, "share": round(100 * float(item.get("share", 0)))}


@dataclass(frozen=True)
class ExposureReport:
    """How suggestions spread over the exhibitors, free and with the cap of twice the mean."""

    visitors: int
    exhibitors: int
    free: exposure.Spread
    capped: exposure.Spread
    kept: float


def report_exposure(edition: Edition, *, length: int = 10) -> ExposureReport:
    """Draft lists for every visitor from the category tree alone (numbers, no texts), free and capped.

    ``kept``: the summed fit of the capped lists as a share of that of the free ones.
    """
    tree, _nodes = queries.load_tree(edition.show_id)
    supplies = queries.load_supplies(edition.id)
    needs = queries.load_needs(edition.id)
    ranked, value = _rank_all(Matcher(tree, supplies), needs, 60)
    ids = [s.id for s in supplies]
    free = exposure.draft(ranked, length=length, exhibitors=len(ids), cap=None)
    capped = exposure.draft(ranked, length=length, exhibitors=len(ids), cap=2.0)

    def total(lists: dict[int, list[int]]) -> float:
        return sum(value[v].get(e, 0.0) for v, row in lists.items() for e in row)

    return ExposureReport(
        len(ranked),
        len(ids),
        exposure.spread(free, ids),
        exposure.spread(capped, ids),
        total(capped) / (total(free) or 1),
    )


def _rank_all(
    matcher: Matcher, needs: list[Need], length: int
) -> tuple[dict[int, list[int]], dict[int, dict[int, float]]]:
    """Visitors with the same ticks get the same list, so each set of ticks is scored once."""
    by_ticks: dict[frozenset[int], tuple[list[int], dict[int, float]]] = {}
    ranked: dict[int, list[int]] = {}
    value: dict[int, dict[int, float]] = {}
    for need in needs:
        if not need.nodes:
            continue
        if need.nodes not in by_ticks:
            found = matcher.rank_by_nodes(need.nodes, length)
            by_ticks[need.nodes] = [supply_id for supply_id, _met in found], dict(found)
        ranked[need.id], value[need.id] = by_ticks[need.nodes]
    return ranked, value
