"""Small-sample statistics that stand beside a figure."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

Z95 = 1.959963984540054
"""Normal quantile of a two-sided 95 % interval."""

SMALL_SAMPLE = 30
"""Below this n a figure is marked as uncertain."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval, in the unit of its figure."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Nps:
    """Net promoter score, -100..100, with its spread. `interval` is None where the plain formula gives width 0."""

    n: int
    score: float
    standard_error: float
    interval: Interval | None
    adjusted_score: float
    adjusted_interval: Interval

    @property
    def small(self) -> bool:
        """Fewer than 30 answers: to be marked."""
        return self.n < SMALL_SAMPLE


def wilson(hits: int, n: int, z: float = Z95) -> Interval | None:
    """Wilson score interval of the share `hits`/`n`, both ends 0..1; None for n = 0.

    Source: Wilson 1927; checked against Newcombe 1998 (81/263 gives .2553-.3662).
    """
    if n < 0 or not 0 <= hits <= max(n, 0):
        raise ValueError(f"{hits} of {n}")
    if n == 0:
        return None
    share, z2 = hits / n, z * z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Interval(0.0 if hits == 0 else max(0.0, centre - half), 1.0 if hits == n else min(1.0, centre + half))


def _score(promoters: float, passives: float, detractors: float) -> tuple[float, float]:
    """Share difference and its standard error: p - d and sqrt((p + d - (p - d)^2) / n)."""
    n = promoters + passives + detractors
    p, d = promoters / n, detractors / n
    return p - d, sqrt(max(0.0, p + d - (p - d) ** 2) / n)


def _around(score: float, error: float, z: float) -> Interval:
    return Interval(max(-100.0, 100 * (score - z * error)), min(100.0, 100 * (score + z * error)))


def nps(promoters: int, passives: int, detractors: int, z: float = Z95) -> Nps | None:
    """Net promoter score of the counts of 9-10, 7-8 and 0-6 answers, in points; None without answers.

    The adjusted values add 3/4, 3/2 and 3/4 answers (adjusted Wald), so ten out of ten promoters still has an interval.
    Intervals are cut at -100 and 100.
    """
    if min(promoters, passives, detractors) < 0:
        raise ValueError("negative count")
    n = promoters + passives + detractors
    if n == 0:
        return None
    score, error = _score(promoters, passives, detractors)
    soft_score, soft_error = _score(promoters + 0.75, passives + 1.5, detractors + 0.75)
    return Nps(
        n=n,
        score=100 * score,
        standard_error=100 * error,
        interval=_around(score, error, z) if error > 0 else None,
        adjusted_score=100 * soft_score,
        adjusted_interval=_around(soft_score, soft_error, z),
    )


def nps_of(ratings: list[int]) -> Nps | None:
    """`nps` of ratings 0..10; ValueError for any other number."""
    if any(not 0 <= r <= 10 for r in ratings):
        raise ValueError("rating outside 0..10")
    high = sum(r >= 9 for r in ratings)
    low = sum(r <= 6 for r in ratings)
    return nps(high, len(ratings) - high - low, low)
