"""Who came back. Definitions: /docs, figures "retention"; formulas and numbers from the plain definitions of our science notes.

Retention(t) = |A(t-1) ∩ A(t)| / |A(t-1)|; churn = 1 - that; won back = (A(t) ∩ seen before) \\ A(t-1); new = A(t) \\ seen.
Identity: |A(t)| = retained + won back + new. Money and area: gross retention caps each company at its old value, net does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Flow(StrEnum):
    """What a company did between two editions."""

    RETAINED = "retained"
    LOST = "lost"
    NEW = "new"
    WON_BACK = "won_back"


@dataclass(frozen=True, slots=True)
class Stake:
    """What a company had in one edition: net m² and money without tax."""

    net_m2: Decimal
    amount: Decimal


NOTHING = Stake(ZERO, ZERO)


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity (companies, m² or money) on its way from the prior edition to this one. Rates are None for an empty prior edition."""

    prior: Decimal
    current: Decimal
    retained_before: Decimal  # what the retained companies had last time
    retained_now: Decimal
    capped: Decimal  # the same, each at most its old value
    lost: Decimal
    new: Decimal
    won_back: Decimal

    @property
    def gross(self) -> float | None:
        """Gross retention: each returning company capped at its old value; for companies it is the retention rate."""
        return float(self.capped / self.prior) if self.prior else None

    @property
    def net(self) -> float | None:
        """Net retention: returning companies' value now ÷ everybody's value last time; may pass 1."""
        return float(self.retained_now / self.prior) if self.prior else None

    @property
    def churn(self) -> float | None:
        return None if self.gross is None else 1 - self.gross

    def of(self, flow: Flow) -> Decimal:
        """The quantity of one flow: lost as it was last time, the others as they are now."""
        return {
            Flow.RETAINED: self.retained_now,
            Flow.LOST: self.lost,
            Flow.NEW: self.new,
            Flow.WON_BACK: self.won_back,
        }[flow]


@dataclass(frozen=True, slots=True)
class Retention:
    """The four classes of companies and what they mean in companies, m² and money."""

    flows: Mapping[int, Flow]
    count: Measure
    net_m2: Measure
    amount: Measure

    def of(self, flow: Flow) -> list[int]:
        return [company for company, its in self.flows.items() if its is flow]


def classify(prior: Mapping[int, Stake], current: Mapping[int, Stake], seen: AbstractSet[int]) -> Retention:
    """Compare two editions. ``seen``: companies of any edition before the prior one (the prior one may be in it)."""
    flows: dict[int, Flow] = {}
    for company in prior:
        flows[company] = Flow.RETAINED if company in current else Flow.LOST
    for company in current:
        if company not in prior:
            flows[company] = Flow.WON_BACK if company in seen else Flow.NEW
    one = {c: Stake(Decimal(1), Decimal(1)) for c in flows}
    return Retention(
        flows,
        _measure(flows, {c: one[c] for c in prior}, {c: one[c] for c in current}, "net_m2"),
        _measure(flows, prior, current, "net_m2"),
        _measure(flows, prior, current, "amount"),
    )


def _measure(flows: Mapping[int, Flow], prior: Mapping[int, Stake], current: Mapping[int, Stake], what: str) -> Measure:
    before = {company: getattr(stake, what) for company, stake in prior.items()}
    now = {company: getattr(stake, what) for company, stake in current.items()}

    def total(values: Mapping[int, Decimal], flow: Flow) -> Decimal:
        return sum((value for company, value in values.items() if flows[company] is flow), ZERO)

    kept = [company for company, flow in flows.items() if flow is Flow.RETAINED]
    return Measure(
        prior=sum(before.values(), ZERO),
        current=sum(now.values(), ZERO),
        retained_before=total(before, Flow.RETAINED),
        retained_now=total(now, Flow.RETAINED),
        capped=sum((min(before[company], now[company]) for company in kept), ZERO),
        lost=total(before, Flow.LOST),
        new=total(now, Flow.NEW),
        won_back=total(now, Flow.WON_BACK),
    )


@dataclass(frozen=True, slots=True)
class Cohort:
    """Companies first seen in edition ``first``; ``kept[k]`` of them exhibit k editions later (not cumulative, gaps allowed)."""

    first: int
    kept: tuple[int, ...]

    @property
    def size(self) -> int:
        return self.kept[0] if self.kept else 0


def cohorts(editions: Sequence[AbstractSet[int]]) -> list[Cohort]:
    """The cohort matrix of a series, oldest edition first."""
    seen: set[int] = set()
    out = []
    for index, members in enumerate(editions):
        fresh = set(members) - seen
        seen |= fresh
        out.append(Cohort(index, tuple(len(fresh & set(later)) for later in editions[index:])))
    return out
