"""Payment plans, the fee of a cancellation, steps of dunning: pure rules, money in Decimal.

Rounding: every line is rounded half up to the cent on its own and sums are sums of rounded lines; the tax of a document is
rounded once, on its net sum. Instalments are rounded half up each and the last one takes the rest, so they add up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from expo_crm.lib import money

DEFAULT_TAX_RATE = Decimal("0.06")
"""Rate that the terms of an edition begin with (Chinese VAT on exhibition services); each edition sets its own."""


class Rule(StrEnum):
    PERCENT = "percent"
    FIXED = "fixed"
    REST = "rest"


class DueFrom(StrEnum):
    SIGNING = "signing"
    OPENING = "opening"


@dataclass(frozen=True)
class Step:
    """A step of a plan; ``value`` is per cent of the total or an amount. Due ``days`` after signing or before opening."""

    label_zh: str
    label_en: str
    rule: Rule
    value: Decimal
    due_from: DueFrom
    days: int


DEFAULT_PLAN = (
    Step("定金 50 %", "Deposit 50 %", Rule.PERCENT, Decimal(50), DueFrom.SIGNING, 7),
    Step("尾款 50 %", "Balance 50 %", Rule.REST, Decimal(0), DueFrom.OPENING, 30),
)


@dataclass(frozen=True)
class Instalment:
    label_zh: str
    label_en: str
    amount: Decimal
    due_on: dt.date


class PlanRefusal(StrEnum):
    EMPTY = "plan_empty"
    REST_NOT_LAST = "plan_rest_not_last"
    OVER_HUNDRED = "plan_over_hundred"


def refuse_plan(steps: Sequence[Step]) -> PlanRefusal | None:
    """Why these steps make no plan. The last one takes the rest, and only it."""
    if not steps:
        return PlanRefusal.EMPTY
    if steps[-1].rule is not Rule.REST or any(s.rule is Rule.REST for s in steps[:-1]):
        return PlanRefusal.REST_NOT_LAST
    return PlanRefusal.OVER_HUNDRED if sum(s.value for s in steps if s.rule is Rule.PERCENT) > 100 else None


def instalments(
    total: Decimal, steps: Sequence[Step], signed_on: dt.date, opens_on: dt.date
) -> list[Instalment]:
    """The parts of ``total`` (≥ 0, with tax) and their due days. They add up to it to the cent; parts of nothing are left out.

    A day before the signing is moved to the due day of the step before it: a late contract owes soon, never in the past.
    """
    out: list[Instalment] = []
    left = total
    earliest = signed_on
    for step in steps:
        if step.rule is Rule.REST:
            part = left
        elif step.rule is Rule.FIXED:
            part = min(step.value, left)
        else:
            part = min(money.quantize(total * step.value / 100), left)
        left -= part
        days = dt.timedelta(days=step.days)
        due = max(earliest, signed_on + days if step.due_from is DueFrom.SIGNING else opens_on - days)
        earliest = due
        if part:
            out.append(Instalment(step.label_zh, step.label_en, part, due))
    return out


@dataclass(frozen=True)
class FeeRule:
    until: dt.date
    percent: Decimal


DEFAULT_FEES = ((90, Decimal(30)), (30, Decimal(50)))
"""Where an edition has no table of its own: at least so many days before opening this per cent, then all of it."""


def default_rules(opens_on: dt.date) -> list[FeeRule]:
    return [FeeRule(opens_on - dt.timedelta(days=days), percent) for days, percent in DEFAULT_FEES]


def fee_percent(rules: Iterable[FeeRule], day: dt.date) -> Decimal:
    """Per cent owed by who cancels on ``day``: the rule whose last day comes next, all of it after the last one."""
    later = [rule for rule in sorted(rules, key=lambda r: r.until) if day <= rule.until]
    return later[0].percent if later else Decimal(100)


def fee(net: Decimal, rules: Iterable[FeeRule], day: dt.date) -> Decimal:
    """What stays owed of ``net`` on a cancellation, rounded half up."""
    return money.quantize(net * fee_percent(rules, day) / 100)


class DunningStep(StrEnum):
    FRIENDLY = "friendly"
    FIRST = "first"
    FINAL = "final"


def dunning_step(
    due_on: dt.date, today: dt.date, days: tuple[int, int, int], sent: Iterable[str]
) -> DunningStep | None:
    """The reminder that is due now. Steps go in order, one a run: who slept through all three gets the friendly one first."""
    done = set(sent)
    for step, after in zip(DunningStep, days, strict=True):
        if step not in done:
            return step if (today - due_on).days >= after else None
    return None
