"""Service cases: open, assign, answer, move on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.followup.domain.case import State, check_move
from expo_crm.followup.models import Case
from expo_crm.lib import clock
from expo_crm.shows.models import Edition


def open_case(
    edition: Edition,
    *,
    kind: str,
    subject: str,
    body: str = "",
    company_id: int | None = None,
    person_id: int | None = None,
    owner_id: int | None = None,
) -> Case:
    """A new case; with somebody to take care of it, it is assigned at once."""
    case = Case(
        edition_id=edition.id,
        company_id=company_id,
        person_id=person_id,
        kind=kind,
        state=State.ASSIGNED.value if owner_id else State.OPEN.value,
        subject=subject,
        body=body,
        owner_id=owner_id,
        created_at=clock.now(),
    )
    db.session.add(case)
    db.session.flush()
    audit.record("case.open", "case", case.id, edition_id=edition.id, changes={"kind": kind, "company_id": company_id})
    return case


def change(case: Case, *, answer: str, owner_id: int | None) -> None:
    """The answer and who takes care; an open case that gets an owner is assigned."""
    before = {"answer": case.answer, "owner_id": case.owner_id, "state": case.state}
    case.answer, case.owner_id = answer, owner_id
    if owner_id and case.state in {State.OPEN, State.REOPENED}:
        case.state = State.ASSIGNED.value
    _record("case.change", case, before)


def move(case: Case, state: str) -> None:
    """One step on. Raises CaseError when it is not allowed now."""
    before = {"state": case.state}
    case.state = check_move(case.state, state, has_owner=case.owner_id is not None, has_answer=bool(case.answer)).value
    case.closed_at = clock.now() if case.state == State.CONFIRMED else None
    _record("case.move", case, before)


def _record(action: str, case: Case, before: Mapping[str, Any]) -> None:
    db.session.flush()
    changes = audit.diff(dict(before), {key: getattr(case, key) for key in before})
    if changes:
        audit.record(action, "case", case.id, edition_id=case.edition_id, changes=changes)
