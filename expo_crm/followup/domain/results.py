"""What the answers to a survey say, each figure with its n and interval. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from expo_crm.followup.domain.survey import NPS, SCALE, Kind
from expo_crm.lib import stats

TOP_TWO = (4, 5)
"""Answers of the satisfaction scale that count as satisfied."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One possible answer: how often, its share of n, and the Wilson interval of the share."""

    code: str
    count: int
    share: float | None
    interval: stats.Interval | None


@dataclass(frozen=True, slots=True)
class Result:
    """The answers to one question. ``nps`` for the recommendation question, ``mean`` and ``satisfied`` (top two) for a scale."""

    n: int
    bars: tuple[Bar, ...] = ()
    nps: stats.Nps | None = None
    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    mean: float | None = None
    satisfied: Bar | None = None
    texts: tuple[str, ...] = ()

    @property
    def small(self) -> bool:
        """Fewer than 30 answers: marked."""
        return self.n < stats.SMALL_SAMPLE


@dataclass(frozen=True, slots=True)
class Split:
    """The same question by group."""

    total: Result
    groups: dict[str, Result] = field(default_factory=dict)


def summarise(kind: str, codes: Sequence[str], answers: Iterable[tuple[int | None, str]]) -> Result:
    """The result of one question from its (number, text) answers; empty ones drop out of n."""
    given = [(number, text) for number, text in answers if number is not None or text]
    if kind == Kind.NPS:
        return _nps([number for number, _ in given if number is not None])
    if kind == Kind.SCALE:
        return _scale([number for number, _ in given if number is not None])
    if kind == Kind.TEXT:
        return Result(len(given), texts=tuple(text for _, text in given))
    counts = Counter(code for _, text in given for code in text.split(","))
    return Result(len(given), tuple(_bar(code, counts[code], len(given)) for code in codes))


def _bar(code: str, count: int, n: int) -> Bar:
    return Bar(code, count, count / n if n else None, stats.wilson(count, n))


def _nps(ratings: list[int]) -> Result:
    counts, n = Counter(ratings), len(ratings)
    promoters = sum(counts[r] for r in (9, 10))
    detractors = sum(counts[r] for r in range(7))
    return Result(
        n,
        tuple(_bar(str(r), counts[r], n) for r in NPS),
        nps=stats.nps(promoters, n - promoters - detractors, detractors),
        promoters=promoters,
        passives=n - promoters - detractors,
        detractors=detractors,
    )


def _scale(ratings: list[int]) -> Result:
    counts, n = Counter(ratings), len(ratings)
    return Result(
        n,
        tuple(_bar(str(r), counts[r], n) for r in SCALE),
        mean=sum(ratings) / n if n else None,
        satisfied=_bar("satisfied", sum(counts[r] for r in TOP_TWO), n),
    )
