"""What an edition brought to an exhibitor, beside the median of its hall; never anything of one other exhibitor."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_tasks
from expo_crm.exhibitors.services import portal_hooks

KEYS = ("registered", "came", "leads", "hot", "warm", "cold", "held")
FEWEST = 5
"""A median of fewer others could be told apart into single exhibitors."""


@dataclass(frozen=True)
class Results:
    """``own`` and ``medians`` by key; no medians when the hall has too few others. ``others``: how many are compared."""

    own: dict[str, int]
    medians: dict[str, float]
    others: int


def of(participation: Participation) -> Results:
    stands = queries_tasks.stands_of(participation.edition_id)
    halls = {s.hall_id for s in stands.get(participation.id, ())}
    near = [pid for pid, rows in stands.items() if pid != participation.id and halls & {s.hall_id for s in rows}]
    exhibiting = {p.id for p in queries_tasks.list_participations(participation.edition_id)}
    others = [pid for pid in near if pid in exhibiting]
    counted = portal_hooks.counts([participation.id, *others], "guests", "leads", "meetings")
    own = {key: counted.get(participation.id, {}).get(key, 0) for key in KEYS}
    if len(others) < FEWEST:
        return Results(own, {}, len(others))
    medians = {key: float(median(counted.get(pid, {}).get(key, 0) for pid in others)) for key in KEYS}
    return Results(own, medians, len(others))
