"""Spreading suggestions: without a cap a few exhibitors stand on everybody's list."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


def draft(
    ranked: Mapping[int, Sequence[int]], *, length: int, exhibitors: int, cap: float | None = 2.0, seed: int = 1
) -> dict[int, list[int]]:
    """Suggestions per visitor from their ranked lists, no exhibitor shown more than ``cap`` times the mean.

    In rounds: each visitor, in random order, takes the best exhibitor left with exposure. None lifts the cap.
    """
    wanted = sum(min(length, len(r)) for r in ranked.values())
    most = math.inf if cap is None or not exhibitors else max(1, math.ceil(cap * wanted / exhibitors))
    left: Counter[int] = Counter()
    out: dict[int, list[int]] = {v: [] for v in ranked}
    places = dict.fromkeys(ranked, 0)
    order = list(ranked)
    chance = random.Random(seed)
    for _round in range(length):
        chance.shuffle(order)
        for visitor in order:
            row, at = ranked[visitor], places[visitor]
            while at < len(row) and left[row[at]] >= most:
                at += 1
            if at < len(row):
                out[visitor].append(row[at])
                left[row[at]] += 1
                at += 1
            places[visitor] = at
    return out


@dataclass(frozen=True, slots=True)
class Spread:
    """``shown``: share of the exhibitors on any list; ``gini`` of how often; ``top_tenth``: what the most shown tenth gets."""

    shown: float
    gini: float
    top_tenth: float


def spread(lists: Mapping[int, Sequence[int]], exhibitors: Sequence[int]) -> Spread:
    counts = Counter(e for row in lists.values() for e in row)
    values = sorted(counts.get(e, 0) for e in exhibitors)
    total, n = sum(values), len(values)
    if not total:
        return Spread(0.0, 0.0, 0.0)
    gini = sum((2 * i - n + 1) * v for i, v in enumerate(values)) / (n * total)
    tenth = max(1, n // 10)
    return Spread(sum(v > 0 for v in values) / n, gini, sum(values[-tenth:]) / total)
