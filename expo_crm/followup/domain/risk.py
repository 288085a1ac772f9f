"""Who may not come back, and why. A rule speaks only where its data exists; the score is the sum of the rules that speak.

This is a list of reasons to call, not a forecast: the weights are judgement, and every point on the score has its sentence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

COMPLAINT_DAYS = 7
"""A complaint that took longer than this is late."""

CONTACT_DAYS = 90
"""Silence of more than this many days is a reason to call."""

HIGH, MEDIUM = 50, 25


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an exhibitor of the last edition. None: not known, so the rule stays silent."""

    net_m2: Decimal = Decimal(0)
    net_m2_before: Decimal | None = None
    leads: int | None = None
    leads_quartile: float | None = None
    nps: int | None = None
    dissatisfied: int | None = None
    return_intention: str | None = None
    complaints_open: int = 0
    complaints_late: int = 0
    days_overdue: int | None = None
    paid_late_days: int | None = None
    portal_used: bool | None = None
    first_time: bool = False
    absent_before: int = 0
    days_silent: int | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that spoke: its code, its points, and the numbers of its sentence."""

    code: str
    points: int
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Risk:
    """Score 0..100 with its reasons, the weightiest first."""

    score: int
    reasons: tuple[Reason, ...]

    @property
    def level(self) -> str:
        """high | medium | low"""
        return "high" if self.score >= HIGH else "medium" if self.score >= MEDIUM else "low"


Rule = Callable[[Evidence], dict[str, Any] | None]


def _smaller(e: Evidence) -> dict[str, Any] | None:
    if (
        e.net_m2_before is None or not 0 < e.net_m2 < e.net_m2_before
    ):  # a guest on another's stand has no area of its own
        return None
    return {"before": float(e.net_m2_before), "now": float(e.net_m2)}


def _few_leads(e: Evidence) -> dict[str, Any] | None:
    if e.leads is None or e.leads_quartile is None or e.leads > e.leads_quartile:
        return None
    return {"leads": e.leads}


def _overdue(e: Evidence) -> dict[str, Any] | None:
    return {"days": e.days_overdue} if e.days_overdue is not None and e.days_overdue > 0 else None


def _paid_late(e: Evidence) -> dict[str, Any] | None:
    if _overdue(e) is not None:
        return None
    return {"days": e.paid_late_days} if e.paid_late_days is not None and e.paid_late_days > 0 else None


def _silent(e: Evidence) -> dict[str, Any] | None:
    return {"days": e.days_silent} if e.days_silent is not None and e.days_silent > CONTACT_DAYS else None


RULES: tuple[tuple[str, int, Rule], ...] = (
    ("wont_return", 35, lambda e: {} if e.return_intention == "no" else None),
    ("detractor", 25, lambda e: {"rating": e.nps} if e.nps is not None and e.nps <= 6 else None),
    ("complaint_open", 20, lambda e: {"count": e.complaints_open} if e.complaints_open else None),
    ("first_time", 20, lambda e: {} if e.first_time else None),
    ("smaller_stand", 15, _smaller),
    ("few_leads", 15, _few_leads),
    ("absent_before", 15, lambda e: {"count": e.absent_before} if e.absent_before else None),
    ("unsure_return", 15, lambda e: {} if e.return_intention == "unsure" else None),
    ("overdue", 15, _overdue),
    ("dissatisfied", 10, lambda e: {"count": e.dissatisfied} if e.dissatisfied else None),
    ("complaint_late", 10, lambda e: {"count": e.complaints_late} if e.complaints_late else None),
    ("no_contact", 10, _silent),
    ("paid_late", 5, _paid_late),
    ("portal_unused", 5, lambda e: {} if e.portal_used is False else None),
)
CODES = tuple(code for code, _points, _rule in RULES)


def assess(evidence: Evidence) -> Risk:
    """Ask every rule; the score is capped at 100."""
    spoken = []
    for code, points, rule in RULES:
        params = rule(evidence)
        if params is not None:
            spoken.append(Reason(code, points, params))
    return Risk(min(100, sum(r.points for r in spoken)), tuple(spoken))


def lower_quartile(values: Sequence[int]) -> float | None:
    """The value that a quarter of the companies do not pass (inclusive method); None for fewer than eight, where it says nothing."""
    if len(values) < 8:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * 0.25
    low = int(place)
    return ordered[low] + (ordered[low + 1] - ordered[low]) * (place - low)


def is_late(created_at: dt.datetime, closed_at: dt.datetime | None, now: dt.datetime) -> bool:
    """A complaint took, or takes, longer than a week."""
    return (closed_at or now) - created_at > dt.timedelta(days=COMPLAINT_DAYS)


def priority(risk: Risk, amount: Decimal) -> int:
    """Order of the call list: risk × value. Everybody has some risk, so a calm big customer is not forgotten."""
    return int((risk.score + 10) * (amount + 1))
