"""What an exhibitor still has to do before the show, from facts alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

ENTRY_DAYS, INVITE_DAYS, OFFER_DAYS = 45, 21, 45
"""So many days before opening the directory closes, and invitations begin to come too late."""


class TaskKey(StrEnum):
    CONTRACT = "contract"
    DEPOSIT = "deposit"
    BALANCE = "balance"
    ENTRY = "entry"
    OFFERS = "offers"
    INVITE = "invite"


class TaskState(StrEnum):
    DONE = "done"
    OVERDUE = "overdue"
    SOON = "soon"  # within two weeks
    OPEN = "open"


@dataclass(frozen=True)
class Facts:
    """Of one participation. A missing due date means that there is nothing of the kind."""

    starts_on: dt.date
    contract_state: str = ""  # "" when there is none
    deposit_due: dt.date | None = None
    deposit_paid: bool = False
    balance_due: dt.date | None = None
    balance_paid: bool = False
    entry_complete: bool = False
    offers: int = 0
    invitations_used: int = 0


@dataclass(frozen=True)
class Task:
    key: TaskKey
    state: TaskState
    due: dt.date | None


SOON = dt.timedelta(days=14)


def tasks_of(facts: Facts, today: dt.date) -> list[Task]:
    """The exhibitor's list, in the order in which things fall due."""
    rows: list[tuple[TaskKey, bool, dt.date | None]] = []
    if facts.contract_state in {"sent", "signed", "in_force"}:
        rows.append((TaskKey.CONTRACT, facts.contract_state != "sent", None))
    if facts.deposit_due:
        rows.append((TaskKey.DEPOSIT, facts.deposit_paid, facts.deposit_due))
    if facts.balance_due:
        rows.append((TaskKey.BALANCE, facts.balance_paid, facts.balance_due))
    rows += [
        (TaskKey.ENTRY, facts.entry_complete, facts.starts_on - dt.timedelta(days=ENTRY_DAYS)),
        (TaskKey.OFFERS, facts.offers > 0, facts.starts_on - dt.timedelta(days=OFFER_DAYS)),
        (TaskKey.INVITE, facts.invitations_used > 0, facts.starts_on - dt.timedelta(days=INVITE_DAYS)),
    ]
    tasks = [Task(key, _state(done, due, today), due) for key, done, due in rows]
    return sorted(tasks, key=lambda t: (t.state is TaskState.DONE, t.due or dt.date.min))


def _state(done: bool, due: dt.date | None, today: dt.date) -> TaskState:
    if done:
        return TaskState.DONE
    if due is None:
        return TaskState.SOON
    return TaskState.OVERDUE if due < today else TaskState.SOON if due - today <= SOON else TaskState.OPEN


def share_done(tasks: Sequence[Task]) -> int:
    """Per cent, rounded down: 100 means that nothing is left."""
    return 100 * sum(t.state is TaskState.DONE for t in tasks) // len(tasks) if tasks else 100
