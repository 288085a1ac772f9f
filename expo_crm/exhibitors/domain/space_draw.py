"""Who chooses space first: points by the organizer's formula, ties by a draw that everybody can repeat, turns with times."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

NAMES = (
    "years",
    "loyalty",
    "area",
    "area_total",
    "amount",
    "sponsorship",
    "co_exhibitors",
    "expected_m2",
    "rebooking",
    "key_account",
)
"""What a formula may use: editions exhibited before; of these the last ones without a gap; m² at the last edition and in all;
money without tax at the last edition; sponsorship ordered there; companies that shared its stand there; m² it wants now;
whether it comes back; whether it is a key account."""
DEFAULT_FORMULA = "years * 10 + loyalty * 5 + area * 0.5 + sponsorship / 10000 + if(key_account, 20, 0)"


@dataclass(frozen=True)
class Entrant:
    opportunity_id: int
    points: Decimal


@dataclass(frozen=True)
class Turn:
    """``tie`` is the number drawn; "" where the points alone decided."""

    position: int
    opportunity_id: int
    points: Decimal
    tie: str
    at: dt.datetime


def lot(seed: str, opportunity_id: int) -> str:
    """The number drawn for a company: the first eight hex digits of SHA-256 over "seed:id". The smaller one goes first."""
    return hashlib.sha256(f"{seed}:{opportunity_id}".encode()).hexdigest()[:8]


def draw(entrants: Iterable[Entrant], seed: str, starts_at: dt.datetime, minutes: int, at_once: int) -> list[Turn]:
    """The order of turns: most points first, equal points by lot. ``at_once`` companies share each slot of ``minutes``."""
    if minutes < 1 or at_once < 1:
        raise ValueError("a slot has a length and a place")
    rounded = [Entrant(e.opportunity_id, e.points.quantize(Decimal("0.01"), ROUND_HALF_UP)) for e in entrants]
    same = Counter(e.points for e in rounded)
    ranked = sorted(rounded, key=lambda e: (-e.points, lot(seed, e.opportunity_id), e.opportunity_id))
    return [
        Turn(
            index + 1,
            e.opportunity_id,
            e.points,
            lot(seed, e.opportunity_id) if same[e.points] > 1 else "",
            starts_at + dt.timedelta(minutes=minutes * (index // at_once)),
        )
        for index, e in enumerate(ranked)
    ]


def loyalty(took_part: Iterable[int], editions: Iterable[int]) -> int:
    """Editions in a row up to the newest one. ``editions``: ids from newest to oldest."""
    there, count = set(took_part), 0
    for edition in editions:
        if edition not in there:
            break
        count += 1
    return count
