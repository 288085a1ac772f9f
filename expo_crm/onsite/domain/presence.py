"""Presence: what a set of scans says about one badge in one zone and period.

It is a function of the *set*: order and repetition of uploads change nothing. That holds because every part is a
minimum, a maximum or a count, so a scan can also be added to what is already known (``add``), in any order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """A counted scan: an admission in either direction."""

    at: dt.datetime
    direction: str  # entry | exit
    gate_id: int


@dataclass(frozen=True, slots=True)
class State:
    first_entry_at: dt.datetime | None = None
    first_gate_id: int | None = None
    last_at: dt.datetime | None = None
    last_direction: str = ""
    entries: int = 0
    exits: int = 0

    @property
    def inside(self) -> bool:
        """The last counted event is an entry. An exit without entry leaves nobody inside, and is never subtracted."""
        return self.last_direction == "entry"


def add(state: State, passage: Passage) -> State:
    """The state with one more passage, whenever it happened. Of two at the same instant the exit counts as the later one."""
    entry = passage.direction == "entry"
    first = (state.first_entry_at, state.first_gate_id)
    if entry and (state.first_entry_at is None or (passage.at, passage.gate_id) < first):
        first = (passage.at, passage.gate_id)
    last = (state.last_at, state.last_direction)
    if state.last_at is None or (passage.at, passage.direction == "exit") > (state.last_at, last[1] == "exit"):
        last = (passage.at, passage.direction)
    return State(first[0], first[1], last[0], last[1], state.entries + entry, state.exits + (not entry))


def project(passages: Iterable[Passage]) -> State:
    """The state of a set of passages."""
    state = State()
    for passage in passages:
        state = add(state, passage)
    return state
