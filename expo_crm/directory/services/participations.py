"""The participation ledger: one row per company and edition."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock

FIELDS = ("role", "host_id", "net_m2", "amount", "outcome", "stands", "sector")


def set_participation(edition_id: int, company_id: int, **fields: Any) -> Participation:
    """Make the company's row of this edition, or change the named fields of it.

    Fields: role (main, co, represented), host_id, net_m2, amount, outcome (planned, exhibited, cancelled, no_show),
    stands, sector. What is not named stays.
    """
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise TypeError(f"no such participation fields: {sorted(unknown)}")
    found = db.session.scalar(
        select(Participation).where(Participation.edition_id == edition_id, Participation.company_id == company_id)
    )
    if found is None:
        found = Participation(edition_id=edition_id, company_id=company_id, created_at=clock.now(), **fields)
        db.session.add(found)
        db.session.flush()
        audit.record("participation.create", "participation", found.id, edition_id=edition_id, changes=dict(fields))
        return found
    moved = audit.diff({name: getattr(found, name) for name in fields}, fields)
    if moved:
        for name, value in fields.items():
            setattr(found, name, value)
        db.session.flush()
        audit.record("participation.update", "participation", found.id, edition_id=edition_id, changes=moved)
    return found
