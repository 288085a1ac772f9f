"""Who shares a stand: co-exhibitors with staff and goods of their own, represented companies by name only.

The host's contract counts the m²; those who share bring none, so nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.directory.services import participations as ledger
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, BoothOccupant


def list_stands(host: Participation) -> list[Booth]:
    """The booths that the host has."""
    return list(
        db.session.scalars(
            select(Booth)
            .join(BoothOccupant, BoothOccupant.booth_id == Booth.id)
            .where(BoothOccupant.participation_id == host.id, Booth.retired_at.is_(None))
            .order_by(Booth.sort_key)
            .options(joinedload(Booth.hall))
        )
    )


def list_guests(host: Participation) -> list[tuple[Participation, list[BoothOccupant]]]:
    """Those who share the host's stands, with the places they have there."""
    rows = db.session.execute(
        select(Participation, BoothOccupant)
        .outerjoin(BoothOccupant, BoothOccupant.participation_id == Participation.id)
        .where(Participation.host_id == host.id, Participation.outcome != "cancelled")
        .order_by(Participation.role, Participation.id)
        .options(joinedload(Participation.company), joinedload(BoothOccupant.booth))
    ).unique()
    out: dict[int, tuple[Participation, list[BoothOccupant]]] = {}
    for participation, place in rows:
        places = out.setdefault(participation.id, (participation, []))[1]
        if place is not None:
            places.append(place)
    return list(out.values())


def add(
    host: Participation,
    company: Company,
    role: str,
    booth_ids: Sequence[int],
    *,
    fascia_zh: str = "",
    fascia_en: str = "",
) -> Participation:
    """Put a company on stands of the host. Raises RuleRefused: it has a contract of its own, or stands with another host."""
    if role not in {"co", "represented"}:
        raise ValueError(role)
    if company.id == host.company_id:
        raise RuleRefused(No.SELF_HOST)
    if host.role != "main":
        raise RuleRefused(No.HOST_NOT_MAIN)
    stands = {b.id: b for b in list_stands(host)}
    if not booth_ids or not set(booth_ids) <= stands.keys():
        raise RuleRefused(No.NO_STAND)
    there = db.session.scalar(
        select(Participation)
        .where(Participation.edition_id == host.edition_id, Participation.company_id == company.id)
        .with_for_update()
    )
    if there is not None and there.outcome != "cancelled":
        if there.host_id not in {None, host.id}:
            raise RuleRefused(No.OTHER_HOST)
        if there.host_id is None and (there.net_m2 or _places(there)):
            raise RuleRefused(No.HAS_CONTRACT)
    row = ledger.set_participation(
        host.edition_id,
        company.id,
        role=role,
        host_id=host.id,
        net_m2=Decimal(0),
        amount=Decimal(0),
        outcome="planned" if there is None or there.outcome == "cancelled" else there.outcome,
        stands="; ".join(stands[b].code for b in sorted(booth_ids, key=lambda i: stands[i].sort_key))[:300],
    )
    taken = {o.booth_id: o for o in _places(row)}
    for booth_id in booth_ids:
        place = taken.get(booth_id)
        if place is None:
            place = BoothOccupant(booth_id=booth_id, participation_id=row.id, host=False)
            db.session.add(place)
        place.fascia_zh, place.fascia_en = fascia_zh.strip()[:60], fascia_en.strip()[:60]
    for booth_id, place in taken.items():
        if booth_id not in booth_ids:
            db.session.delete(place)
    db.session.flush()
    for booth in stands.values():
        db.session.expire(booth, ["occupants"])
    audit.record(
        "stand.share",
        "participation",
        row.id,
        edition_id=host.edition_id,
        changes={"host": host.id, "role": role, "stands": row.stands},
    )
    return row


def remove(host: Participation, guest: Participation) -> None:
    """Take it off the stand; it stays in the ledger as cancelled."""
    if guest.host_id != host.id:
        raise RuleRefused(No.OTHER_HOST)
    stands = list_stands(host)
    db.session.execute(delete(BoothOccupant).where(BoothOccupant.participation_id == guest.id))
    for booth in stands:
        db.session.expire(booth, ["occupants"])
    ledger.set_participation(guest.edition_id, guest.company_id, outcome="cancelled", stands="")
    audit.record(
        "stand.leave", "participation", guest.id, edition_id=host.edition_id, changes={"host": [host.id, None]}
    )


def figures(edition_id: int) -> dict[str, int | Decimal]:
    """Exhibitors = main + co-exhibitors; represented companies apart; m² of the hosts only (docs: the field's figures)."""
    rows = db.session.execute(
        select(Participation.role, func.count(), func.sum(Participation.net_m2))
        .where(Participation.edition_id == edition_id, Participation.outcome != "cancelled")
        .group_by(Participation.role)
    ).all()
    count = {role: number for role, number, _m2 in rows}
    main, co = count.get("main", 0), count.get("co", 0)
    m2 = next((Decimal(area or 0) for role, _number, area in rows if role == "main"), Decimal(0))
    return {"exhibitors": main + co, "main": main, "co": co, "represented": count.get("represented", 0), "net_m2": m2}


def _places(row: Participation) -> list[BoothOccupant]:
    return list(db.session.scalars(select(BoothOccupant).where(BoothOccupant.participation_id == row.id)))
