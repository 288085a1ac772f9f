"""What an exhibitor still has to do before the show, from facts alone."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class TaskKey(StrEnum):
    CONTRACT = "contract"
    DEPOSIT = "deposit"
    BALANCE = "balance"
    ENTRY = "entry"
    OFFERS = "offers"
    FASCIA = "fascia"
    BUILD = "build"
    SERVICES = "services"
    BADGES = "badges"
    INVITE = "invite"


DAYS_BEFORE: dict[TaskKey, int] = {
    TaskKey.BUILD: 50,
    TaskKey.ENTRY: 45,
    TaskKey.OFFERS: 45,
    TaskKey.FASCIA: 35,
    TaskKey.SERVICES: 30,
    TaskKey.INVITE: 21,
    TaskKey.BADGES: 14,
}
"""So many days before opening a task is due unless the organizer sets another day. Money falls due with its invoices."""

MONEY_TASKS = frozenset({TaskKey.CONTRACT, TaskKey.DEPOSIT, TaskKey.BALANCE})


class TaskState(StrEnum):
    DONE = "done"
    OVERDUE = "overdue"
    SOON = "soon"  # within two weeks
    OPEN = "open"


@dataclass(frozen=True)
class Rule:
    """A task as the organizer set it up: last day where the show is, and whether exhibitors have it."""

    due_on: dt.date
    active: bool = True


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
    shell: bool = False  # has a shell-scheme stand, whose fascia bears a name
    raw: bool = False  # has raw space, where a stand is built after approval
    fascia: bool = False
    build_state: str = ""  # "" while there are no drawings
    services: bool = False  # something is ordered, or nothing needed
    badges: int = 0
    quota: int = 0


@dataclass(frozen=True)
class Task:
    key: TaskKey
    state: TaskState
    due: dt.date | None


SOON = dt.timedelta(days=14)


def rules_of(starts_on: dt.date, own: Mapping[str, Rule] | None = None) -> dict[TaskKey, Rule]:
    """What the organizer set, with the usual days where it set nothing."""
    usual = {key: Rule(starts_on - dt.timedelta(days=days)) for key, days in DAYS_BEFORE.items()}
    return usual | {key: own[key] for key in DAYS_BEFORE if own and key in own}


def tasks_of(facts: Facts, today: dt.date, rules: Mapping[TaskKey, Rule] | None = None) -> list[Task]:
    """The exhibitor's list, in the order in which things fall due. ``today`` is the day where the show is."""
    rules = rules or rules_of(facts.starts_on)
    rows: list[tuple[TaskKey, bool, dt.date | None]] = []
    if facts.contract_state in {"sent", "signed", "in_force"}:
        rows.append((TaskKey.CONTRACT, facts.contract_state != "sent", None))
    if facts.deposit_due:
        rows.append((TaskKey.DEPOSIT, facts.deposit_paid, facts.deposit_due))
    if facts.balance_due:
        rows.append((TaskKey.BALANCE, facts.balance_paid, facts.balance_due))
    wanted = {
        TaskKey.ENTRY: (True, facts.entry_complete),
        TaskKey.OFFERS: (True, facts.offers > 0),
        TaskKey.FASCIA: (facts.shell, facts.fascia),
        TaskKey.BUILD: (facts.raw, facts.build_state == "approved"),
        TaskKey.SERVICES: (facts.shell or facts.raw, facts.services),
        TaskKey.BADGES: (facts.quota > 0, facts.badges > 0),
        TaskKey.INVITE: (True, facts.invitations_used > 0),
    }
    rows += [(key, done, rules[key].due_on) for key, (has, done) in wanted.items() if has and rules[key].active]
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


def badge_quota(net_m2: Decimal, badges: int, per_m2: Decimal) -> int:
    """``badges`` for each begun ``per_m2`` of stand area; none without a stand."""
    return badges * math.ceil(net_m2 / per_m2) if net_m2 > 0 and per_m2 > 0 else 0


STEPS = (14, 3, -1, -7)
"""Reminders so many days before the deadline, and (negative) after it."""


def reminder_step(task: Task, today: dt.date) -> int | None:
    """The step that a task has reached, None when it is done, has no deadline, or the first step is still ahead.

    Overdue invoices are chased by dunning, so money tasks have no step after their deadline.
    """
    if task.state is TaskState.DONE or task.due is None:
        return None
    left = (task.due - today).days
    reached = [step for step in STEPS if left <= step and not (step < 0 and task.key in MONEY_TASKS)]
    if task.key in MONEY_TASKS and left < 0:
        return None
    return min(reached, default=None)


class EntryMode(StrEnum):
    OPEN = "open"  # saved at once
    REVIEW = "review"  # becomes a change request
    FROZEN = "frozen"  # only the organizer changes it


def entry_mode(today: dt.date, published_on: dt.date | None, freeze_on: dt.date | None) -> EntryMode:
    """How an exhibitor's edit is taken on a day where the show is. The freeze day is the first day without changes."""
    if freeze_on is not None and today >= freeze_on:
        return EntryMode.FROZEN
    return EntryMode.REVIEW if published_on is not None and today >= published_on else EntryMode.OPEN


class Role(StrEnum):
    MAIN = "main"
    FINANCE = "finance"
    STAFF = "staff"


_EVERYBODY = frozenset(Role)
_WHO: tuple[tuple[str, frozenset[Role]], ...] = (
    ("exhibitors.portal_contract", frozenset({Role.MAIN, Role.FINANCE})),
    ("exhibitors.portal_money", frozenset({Role.MAIN, Role.FINANCE})),
    ("exhibitors.portal_invoice", frozenset({Role.MAIN, Role.FINANCE})),
    ("exhibitors.portal_services", frozenset({Role.MAIN, Role.FINANCE})),
    ("exhibitors.portal_booths", frozenset({Role.MAIN})),
    ("exhibitors.portal_booth_", frozenset({Role.MAIN})),
    ("exhibitors.portal_booth", _EVERYBODY),
    ("exhibitors.portal_badges", frozenset({Role.MAIN, Role.STAFF})),
    ("exhibitors.portal_invitation", frozenset({Role.MAIN, Role.STAFF})),
    ("exhibitors.portal_results", frozenset({Role.MAIN, Role.STAFF})),
    ("onsite.portal_lead", frozenset({Role.MAIN, Role.STAFF})),
    ("matchmaking.portal", frozenset({Role.MAIN, Role.STAFF})),
)


def may_open(role: str, endpoint: str) -> bool:
    """Whether a role of the portal may open a page. What nobody is named for is the main contact's alone."""
    if endpoint in {"exhibitors.portal", "exhibitors.portal_home"}:
        return True
    who = next((roles for prefix, roles in _WHO if endpoint.startswith(prefix)), frozenset({Role.MAIN}))
    return role in who
