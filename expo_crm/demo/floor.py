"""Hall plans: rows of shell booths and islands of raw space with aisles between, in metres."""

from __future__ import annotations

import random
from dataclasses import dataclass

HALL_WIDTH, HALL_DEPTH = 96, 66
AISLE = 3
PRICE_SHELL, PRICE_RAW = 1480, 1180  # per m², without tax


@dataclass(frozen=True)
class Stand:
    code: str
    x: float
    y: float
    width: float
    depth: float
    kind: str
    open_sides: int

    @property
    def area(self) -> float:
        return self.width * self.depth

    @property
    def price(self) -> int:
        base = self.area * (PRICE_SHELL if self.kind == "shell" else PRICE_RAW)
        return round(base * (1 + 0.05 * (self.open_sides - 1)) / 100) * 100


def hall(rng: random.Random, letter: str) -> list[Stand]:
    """The stands of one hall. Bands run across the hall; 9 m² shells stand back to back, larger space is raw."""
    stands: list[Stand] = []
    y, row = 4.0, 1
    for depth in _bands(rng):
        if y + depth > HALL_DEPTH - 3:
            break
        if depth == 6:
            stands += _shell_row(rng, letter, row, y) + _shell_row(rng, letter, row + 1, y + 3)
            row += 2
        else:
            stands += _raw_row(rng, letter, row, y, depth)
            row += 1
        y += depth + AISLE
    return stands


def _bands(rng: random.Random) -> list[int]:
    bands = [6, 9, 6, 12, 6, 9, 6]
    first, rest = bands[:1], bands[1:]
    rng.shuffle(rest)
    return first + rest


def _shell_row(rng: random.Random, letter: str, row: int, y: float) -> list[Stand]:
    out, x, number = [], 3.0, 1
    block_end = 24.0
    while x + 3 <= HALL_WIDTH - 3:
        width = 6.0 if rng.random() < 0.28 and x + 6 <= block_end else 3.0
        corner = x in (3.0, block_end + AISLE) or x + width >= block_end
        out.append(Stand(f"{letter}{row:01}{number:02}", x, y, width, 3.0, "shell", 2 if corner else 1))
        x, number = x + width, number + 1
        if x >= block_end:
            x, block_end = x + AISLE, block_end + 24.0
    return out


def _raw_row(rng: random.Random, letter: str, row: int, y: float, depth: int) -> list[Stand]:
    out, x, number = [], 3.0, 1
    while True:
        width = float(rng.choices([4, 6, 8, 12, 18, 24], weights=[22, 30, 20, 16, 8, 4])[0])
        if x + width > HALL_WIDTH - 3:
            break
        out.append(Stand(f"{letter}{row:01}{number:02}", x, y, width, float(depth), "raw", 4))
        x, number = x + width + AISLE, number + 1
    return out
