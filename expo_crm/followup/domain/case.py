"""How a service case moves: open → assigned → answered → reviewed → released → confirmed, or reopened."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    OPEN = "open"
    ASSIGNED = "assigned"
    ANSWERED = "answered"
    REVIEWED = "reviewed"
    RELEASED = "released"
    CONFIRMED = "confirmed"
    REOPENED = "reopened"


NEXT: dict[State, tuple[State, ...]] = {
    State.OPEN: (State.ASSIGNED,),
    State.ASSIGNED: (State.ANSWERED,),
    State.ANSWERED: (State.REVIEWED, State.ASSIGNED),
    State.REVIEWED: (State.RELEASED, State.ASSIGNED),
    State.RELEASED: (State.CONFIRMED, State.REOPENED),
    State.CONFIRMED: (State.REOPENED,),
    State.REOPENED: (State.ASSIGNED,),
}
OPEN_STATES = (State.OPEN, State.ASSIGNED, State.ANSWERED, State.REVIEWED, State.RELEASED, State.REOPENED)


class CaseError(ValueError):
    """A move that is refused. ``code``: unknown_state, not_now, needs_owner, needs_answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check_move(before: str, after: str, *, has_owner: bool, has_answer: bool) -> State:
    """The state to go to; CaseError when the move is not allowed now.

    Somebody must take care before it is assigned; there must be an answer before it is answered, reviewed or released.
    """
    if after not in set(State):
        raise CaseError("unknown_state")
    wanted = State(after)
    if wanted not in NEXT[State(before)]:
        raise CaseError("not_now")
    if wanted is State.ASSIGNED and not has_owner:
        raise CaseError("needs_owner")
    if wanted in {State.ANSWERED, State.REVIEWED, State.RELEASED} and not has_answer:
        raise CaseError("needs_answer")
    return wanted
