"""The participation ledger follows what is signed: net m², amount, stands, and who stands on which booth."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.contract import BINDING
from expo_crm.exhibitors.models import Booth, BoothOccupant, Contract, ContractBooth
from expo_crm.lib import clock


def ensure(edition_id: int, company_id: int) -> Participation:
    """The company's row in the edition's ledger, made when it is missing."""
    found = queries.find_participation(edition_id, company_id)
    if found is not None:
        return found
    new = Participation(edition_id=edition_id, company_id=company_id, role="main", created_at=clock.now())
    try:
        with db.session.begin_nested():
            db.session.add(new)
            db.session.flush()
    except IntegrityError:
        found = queries.find_participation(edition_id, company_id)
        if found is None:
            raise
        return found
    return new


def settle(edition_id: int, company_id: int) -> Participation:
    """Write area, amount and stands of the company's binding contracts into its row."""
    row = ensure(edition_id, company_id)
    contracts = list(
        db.session.scalars(
            select(Contract)
            .where(Contract.edition_id == edition_id, Contract.company_id == company_id, Contract.state.in_(BINDING))
            .options(selectinload(Contract.booths).joinedload(ContractBooth.booth))
        )
    )
    booths = sorted((cb.booth for c in contracts for cb in c.booths if cb.live), key=lambda b: b.code_key)
    before = {"net_m2": row.net_m2, "amount": row.amount, "stands": row.stands, "outcome": row.outcome}
    row.net_m2 = sum((b.area_m2 for b in booths), Decimal(0))
    row.amount = sum((c.net for c in contracts), Decimal(0))
    row.stands = "; ".join(b.code for b in booths)[:300]
    if contracts and row.outcome == "cancelled":
        row.outcome = "planned"
    if not contracts and row.outcome == "planned":
        row.outcome = "cancelled"
    _host(row, booths)
    after = {"net_m2": row.net_m2, "amount": row.amount, "stands": row.stands, "outcome": row.outcome}
    audit.record(
        "participation.settle", "participation", row.id, edition_id=edition_id, changes=audit.diff(before, after)
    )
    db.session.flush()
    return row


def vacate(booths: list[Booth]) -> None:
    """Nobody stands on these booths any more, co-exhibitors included."""
    ids = [b.id for b in booths]
    db.session.execute(delete(BoothOccupant).where(BoothOccupant.booth_id.in_(ids)))
    for booth in booths:
        db.session.expire(booth, ["occupants"])


def _host(row: Participation, booths: list[Booth]) -> None:
    db.session.flush()
    hosts = select(BoothOccupant).where(BoothOccupant.booth_id.in_([b.id for b in booths])).options(joinedload(BoothOccupant.booth))
    there = list(db.session.scalars(hosts))
    hosted = {o.booth_id for o in there if o.host}
    own = {o.booth_id: o for o in there if o.participation_id == row.id}
    for booth in booths:
        if booth.id in own:
            own[booth.id].host = own[booth.id].host or booth.id not in hosted
        else:
            db.session.add(BoothOccupant(booth_id=booth.id, participation_id=row.id, host=booth.id not in hosted))
    db.session.flush()
