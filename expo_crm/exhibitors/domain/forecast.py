"""What the pipeline is likely to bring, and which cards have lain too long. Decimals, halves rounded up to 0.01."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from expo_crm.exhibitors.domain.opportunity import OPEN, WON, Stage

CENT = Decimal("0.01")
HUNDRED = Decimal(100)
WORKING = tuple(s for s in OPEN if s not in WON)
LONGEST_LIMIT = 1000


@dataclass(frozen=True)
class Weight:
    """Chance of a contract in percent (0–100) and days after which a card in the stage is flagged (0: never)."""

    percent: Decimal
    limit_days: int


DEFAULTS: dict[Stage, Weight] = {
    Stage.LEAD: Weight(Decimal(5), 30),
    Stage.CONTACTED: Weight(Decimal(15), 30),
    Stage.INTENT: Weight(Decimal(35), 21),
    Stage.QUOTED: Weight(Decimal(55), 14),
    Stage.HELD: Weight(Decimal(80), 7),
    Stage.CONTRACTED: Weight(Decimal(95), 0),
    Stage.DEPOSIT_PAID: Weight(Decimal(99), 0),
    Stage.PAID: Weight(HUNDRED, 0),
}


@dataclass(frozen=True)
class StageSum:
    """Cards of a stage: how many, and what they expect in m² and money."""

    stage: Stage
    count: int
    m2: Decimal
    amount: Decimal


@dataclass(frozen=True)
class ForecastLine:
    stage: Stage
    count: int
    m2: Decimal
    amount: Decimal
    percent: Decimal
    weighted_m2: Decimal
    weighted_amount: Decimal


@dataclass(frozen=True)
class Forecast:
    lines: tuple[ForecastLine, ...]

    def total(self, what: str, stages: Iterable[Stage] | None = None) -> Decimal:
        """The sum of a column over all lines, or over some stages."""
        chosen = set(stages) if stages is not None else None
        return sum(
            (Decimal(getattr(line, what)) for line in self.lines if chosen is None or line.stage in chosen), Decimal(0)
        )


def forecast(sums: Iterable[StageSum], weights: Mapping[Stage, Weight]) -> Forecast:
    """Each stage times its chance; lost cards are left out. Rounded half up per stage, so that the lines add up to the total."""
    by_stage = {s.stage: s for s in sums}
    lines = []
    for stage in OPEN:
        found = by_stage.get(stage, StageSum(stage, 0, Decimal(0), Decimal(0)))
        share = weights.get(stage, DEFAULTS[stage]).percent
        lines.append(
            ForecastLine(
                stage, found.count, found.m2, found.amount, share,
                _part(found.m2, share), _part(found.amount, share),
            )
        )  # fmt: skip
    return Forecast(tuple(lines))


def _part(value: Decimal, percent: Decimal) -> Decimal:
    return (value * percent / HUNDRED).quantize(CENT, ROUND_HALF_UP)


def age_days(since: dt.datetime, now: dt.datetime) -> int:
    """Whole days in the stage; never below zero."""
    return max(0, (now - since).days)


def overdue_days(stage: str, since: dt.datetime, now: dt.datetime, weights: Mapping[Stage, Weight]) -> int:
    """Days beyond the limit of the stage; 0 when within it, without a limit, or won or lost."""
    if stage not in WORKING:
        return 0
    limit = weights.get(Stage(stage), DEFAULTS[Stage(stage)]).limit_days
    return max(0, age_days(since, now) - limit) if limit else 0
