"""The plan of the next edition: whom to call, who calls, when. Pure, and the same for the same input, so the preview is the result."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

from expo_crm.directory.domain.agenda import working_days
from expo_crm.followup.domain.retention import Stake

WON_BACK_EDITIONS = 2
"""How far back a company may have been last to be asked again."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A company for the next edition's list, with what it had when it was last there."""

    company_id: int
    source: str  # rebooking | won_back
    stake: Stake
    owner_id: int | None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the plan."""

    candidate: Candidate
    owner_id: int | None
    due_on: dt.date
    given: bool  # the company had no owner and was dealt to this one


@dataclass(frozen=True, slots=True)
class Share:
    """What one sales person gets."""

    owner_id: int | None
    count: int
    given: int
    net_m2: Decimal
    amount: Decimal
    first_on: dt.date
    last_on: dt.date


def candidates(
    base: Mapping[int, Stake],
    earlier: Sequence[Mapping[int, Stake]],
    owners: Mapping[int, int | None],
    *,
    won_back: bool,
) -> list[Candidate]:
    """Every exhibitor of the base edition, and with ``won_back`` those of the editions before it (newest first) who were not there."""
    found = {company: Candidate(company, "rebooking", stake, owners.get(company)) for company, stake in base.items()}
    if won_back:
        for edition in earlier[:WON_BACK_EDITIONS]:
            for company, stake in edition.items():
                found.setdefault(company, Candidate(company, "won_back", stake, owners.get(company)))
    return list(found.values())


def make(
    wanted: Sequence[Candidate],
    sales: Sequence[int],
    *,
    first_on: dt.date,
    per_day: int,
    keep: AbstractSet[int] = frozenset(),
) -> list[Step]:
    """Deal and date the calls.

    A company keeps its owner while that is one of ``sales`` or ``keep`` (who may sell, but is dealt nothing); the others
    are dealt one by one, the most urgent first, to whoever has got the fewest. Each sales person's calls go by priority,
    ``per_day`` a working day from ``first_on``. Without sales people the calls belong to nobody.
    """
    ordered = sorted(wanted, key=lambda c: (-c.priority, c.company_id))
    owner: dict[int, int | None] = {}
    dealt = dict.fromkeys(sales, 0)
    for candidate in ordered:
        if candidate.owner_id is not None and (candidate.owner_id in dealt or candidate.owner_id in keep):
            owner[candidate.company_id] = candidate.owner_id
        elif dealt:
            least = min(sales, key=lambda s: (dealt[s], s))
            dealt[least] += 1
            owner[candidate.company_id] = least
        else:
            owner[candidate.company_id] = None
    lists: dict[int | None, list[Candidate]] = {}
    for candidate in ordered:
        lists.setdefault(owner[candidate.company_id], []).append(candidate)
    steps = []
    for who, mine in lists.items():
        days = working_days(first_on, -(-len(mine) // per_day))
        for number, candidate in enumerate(mine):
            steps.append(Step(candidate, who, days[number // per_day], candidate.owner_id != who))
    return sorted(steps, key=lambda s: (-s.candidate.priority, s.candidate.company_id))


def shares(steps: Sequence[Step]) -> list[Share]:
    """The plan by sales person, the largest share first."""
    lists: dict[int | None, list[Step]] = {}
    for step in steps:
        lists.setdefault(step.owner_id, []).append(step)
    out = [
        Share(
            who,
            len(mine),
            sum(s.given for s in mine),
            sum((s.candidate.stake.net_m2 for s in mine), Decimal(0)),
            sum((s.candidate.stake.amount for s in mine), Decimal(0)),
            min(s.due_on for s in mine),
            max(s.due_on for s in mine),
        )
        for who, mine in lists.items()
    ]
    return sorted(out, key=lambda share: (-share.count, share.owner_id or 0))


RESULTS = ("reached", "not_reached", "callback", "interested", "refused")
"""What a call can end with."""


@dataclass(frozen=True, slots=True)
class AfterCall:
    """What a call changes: the stage (None: stays) and in how many days to call again (None: no further call)."""

    stage: str | None
    again_days: int | None


def after_call(result: str, stage: str) -> AfterCall:
    """``reached`` and ``callback`` make a lead contacted, ``interested`` brings it to intent, ``refused`` loses it; stages never go back.

    KeyError for an unknown result.
    """
    return {
        "reached": AfterCall("contacted" if stage == "lead" else None, 14),
        "not_reached": AfterCall(None, 2),
        "callback": AfterCall("contacted" if stage == "lead" else None, 7),
        "interested": AfterCall("intent" if stage in {"lead", "contacted"} else None, 5),
        "refused": AfterCall("lost", None),
    }[result]
