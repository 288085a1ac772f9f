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
    DATE = "date"  # only in the plan of one contract


@dataclass(frozen=True)
class Step:
    """A step of a plan; ``value`` is per cent of the total or an amount.

    Due ``days`` after signing or before opening, or on the day ``due_on``.
    """

    label_zh: str
    label_en: str
    rule: Rule
    value: Decimal
    due_from: DueFrom
    days: int
    due_on: dt.date | None = None

    def amount_of(self, total: Decimal) -> Decimal:
        """What a step that is not the rest asks of ``total``, rounded half up."""
        return self.value if self.rule is Rule.FIXED else money.quantize(total * self.value / 100)


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
    NOT_THE_TOTAL = "plan_not_the_total"
    OVER_TOTAL = "plan_over_total"
    NO_DATE = "plan_no_date"
    DATES = "plan_dates"
    IN_PAST = "plan_in_past"


def refuse_plan(steps: Sequence[Step]) -> PlanRefusal | None:
    """Why these steps make no plan. The last one takes the rest, and only it."""
    if not steps:
        return PlanRefusal.EMPTY
    if steps[-1].rule is not Rule.REST or any(s.rule is Rule.REST for s in steps[:-1]):
        return PlanRefusal.REST_NOT_LAST
    return PlanRefusal.OVER_HUNDRED if sum(s.value for s in steps if s.rule is Rule.PERCENT) > 100 else None


def refuse_own_plan(steps: Sequence[Step], total: Decimal, today: dt.date) -> tuple[PlanRefusal, Decimal] | None:
    """Why these steps make no plan of one contract over ``total``, with the amount that is too much or too little.

    Either the last step takes the rest, or the amounts add up to the total to the cent. Dates go forward and are not past.
    """
    none = Decimal(0)
    if not steps:
        return PlanRefusal.EMPTY, none
    if any(s.rule is Rule.REST for s in steps[:-1]):
        return PlanRefusal.REST_NOT_LAST, none
    given = sum((s.amount_of(total) for s in steps if s.rule is not Rule.REST), none)
    if steps[-1].rule is Rule.REST and given >= total:
        return PlanRefusal.OVER_TOTAL, given - total
    whole = all(s.rule is Rule.PERCENT for s in steps) and sum(s.value for s in steps) == 100  # may miss by a cent of rounding
    if steps[-1].rule is not Rule.REST and given != total and not whole:
        return PlanRefusal.NOT_THE_TOTAL, given - total
    if any(s.due_from is DueFrom.DATE and s.due_on is None for s in steps):
        return PlanRefusal.NO_DATE, none
    days = [s.due_on for s in steps if s.due_on is not None]
    if days != sorted(days):
        return PlanRefusal.DATES, none
    return (PlanRefusal.IN_PAST, none) if days and days[0] < today else None


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
        else:
            part = min(step.amount_of(total), left)
        left -= part
        due = max(earliest, _due(step, signed_on, opens_on))
        earliest = due
        if part:
            out.append(Instalment(step.label_zh, step.label_en, part, due))
    return out


def _due(step: Step, signed_on: dt.date, opens_on: dt.date) -> dt.date:
    if step.due_from is DueFrom.DATE and step.due_on is not None:
        return step.due_on
    days = dt.timedelta(days=step.days)
    return signed_on + days if step.due_from is DueFrom.SIGNING else opens_on - days


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
