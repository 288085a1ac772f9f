"""Service cases."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from expo_crm.accounts.models import User
from expo_crm.db import db
from expo_crm.directory.models import Company
from expo_crm.followup.domain.case import OPEN_STATES
from expo_crm.followup.models import Case


def find_case(edition_id: int, case_id: int) -> Case | None:
    return db.session.scalar(
        select(Case)
        .where(Case.id == case_id, Case.edition_id == edition_id)
        .options(joinedload(Case.company), joinedload(Case.person), joinedload(Case.owner))
    )


def list_staff() -> list[User]:
    return list(db.session.scalars(select(User).where(User.kind == "staff", User.active).order_by(User.name, User.id)))


def count_states(edition_id: int) -> dict[str, int]:
    rows = db.session.execute(
        select(Case.state, func.count()).where(Case.edition_id == edition_id).group_by(Case.state)
    )
    return dict(rows.all())


def count_open(edition_id: int) -> int:
    return sum(count for state, count in count_states(edition_id).items() if state in OPEN_STATES)


def list_company_cases(company_id: int) -> list[Case]:
    return list(
        db.session.scalars(
            select(Case)
            .where(Case.company_id == company_id)
            .order_by(Case.created_at.desc())
            .limit(50)
            .options(joinedload(Case.owner), joinedload(Case.edition))
        )
    )


def list_companies(ids: Iterable[int]) -> dict[int, Company]:
    return {c.id: c for c in db.session.scalars(select(Company).where(Company.id.in_(list(ids))))}


def find_companies(words: str, limit: int = 20) -> list[Company]:
    """Companies for a picker; nothing without words."""
    from expo_crm.web import listing

    if not words.split():
        return []
    return list(
        db.session.scalars(
            select(Company).where(listing.contains(Company.search_key, words)).order_by(Company.sort_key).limit(limit)
        )
    )
