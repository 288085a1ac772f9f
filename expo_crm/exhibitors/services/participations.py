"""The participation ledger follows what is signed: net m², amount, stands, and who stands on which booth."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.orm import selectinload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.directory.services import participations as ledger
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.contract import BINDING
from expo_crm.exhibitors.models import Booth, BoothOccupant, Contract, ContractBooth


def settle(edition_id: int, company_id: int) -> Participation:
    """Write area, amount and stands of the company's binding contracts into its row of the ledger."""
    contracts = list(
        db.session.scalars(
            select(Contract)
            .where(Contract.edition_id == edition_id, Contract.company_id == company_id, Contract.state.in_(BINDING))
            .options(selectinload(Contract.booths).joinedload(ContractBooth.booth))
        )
    )
    booths = sorted((cb.booth for c in contracts for cb in c.booths if cb.live), key=lambda b: b.sort_key)
    row = queries.find_participation(edition_id, company_id)
    outcome = row.outcome if row else "planned"
    if contracts and outcome == "cancelled":
        outcome = "planned"
    if not contracts and outcome == "planned":
        outcome = "cancelled"
    row = ledger.set_participation(
        edition_id,
        company_id,
        net_m2=sum((b.area_m2 for b in booths), Decimal(0)),
        amount=sum((c.net_home for c in contracts), Decimal(0)),
        stands="; ".join(b.code for b in booths)[:300],
        outcome=outcome,
    )
    _host(row, booths)
    return row


def vacate(booths: list[Booth]) -> None:
    """Nobody stands on these booths any more, co-exhibitors included."""
    ids = [b.id for b in booths]
    db.session.execute(delete(BoothOccupant).where(BoothOccupant.booth_id.in_(ids)))
    for booth in booths:
        db.session.expire(booth, ["occupants"])


def _host(row: Participation, booths: list[Booth]) -> None:
    db.session.flush()
    there = list(db.session.scalars(select(BoothOccupant).where(BoothOccupant.booth_id.in_([b.id for b in booths]))))
    hosted = {o.booth_id for o in there if o.host}
    own = {o.booth_id: o for o in there if o.participation_id == row.id}
    for booth in booths:
        if booth.id in own:
            own[booth.id].host = own[booth.id].host or booth.id not in hosted
        else:
            db.session.add(BoothOccupant(booth_id=booth.id, participation_id=row.id, host=booth.id not in hosted))
    db.session.flush()
