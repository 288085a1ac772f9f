"""Reading the hall plan: booths by number, their history, and what the public may see."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.models import Booth, BoothEvent, BoothOccupant, DirectoryEntry


def find_by_key(edition_id: int, key: str) -> Booth | None:
    """The booth that stands under this number."""
    return db.session.scalar(
        select(Booth)
        .where(Booth.edition_id == edition_id, Booth.code_key == key, Booth.retired_at.is_(None))
        .options(joinedload(Booth.hall))
    )


def list_events(booth_id: int, limit: int) -> list[BoothEvent]:
    """What happened to a booth, newest first, with who did it."""
    query = select(BoothEvent).where(BoothEvent.booth_id == booth_id).options(joinedload(BoothEvent.user))
    return list(db.session.scalars(query.order_by(BoothEvent.id.desc()).limit(limit)))


def list_relatives(booth: Booth) -> list[Booth]:
    """What it was merged of or split into, and what it became or came from."""
    wanted = [i for i in (booth.merged_into_id, booth.split_from_id) if i]
    query = select(Booth).where(or_(Booth.id.in_(wanted), Booth.merged_into_id == booth.id, Booth.split_from_id == booth.id))
    return list(db.session.scalars(query.order_by(Booth.code_key)))


def list_public_names(hall_id: int) -> dict[int, list[tuple[str, str]]]:
    """Names (zh, en) by booth of the exhibitors of a hall whose directory entry is published; only sold booths, host first."""
    rows = db.session.execute(
        select(BoothOccupant.booth_id, DirectoryEntry.name_zh, DirectoryEntry.name_en)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .join(Participation, Participation.id == BoothOccupant.participation_id)
        .join(DirectoryEntry, DirectoryEntry.participation_id == Participation.id)
        .where(
            Booth.hall_id == hall_id,
            Booth.retired_at.is_(None),
            Booth.state == "sold",
            Participation.outcome.in_(("planned", "exhibited")),
            or_(DirectoryEntry.name_zh != "", DirectoryEntry.name_en != ""),
        )
        .order_by(BoothOccupant.booth_id, BoothOccupant.host.desc(), BoothOccupant.id)
    )
    out: dict[int, list[tuple[str, str]]] = {}
    for booth_id, zh, en in rows:
        out.setdefault(booth_id, []).append((zh, en))
    return out


def list_bare_booths(hall_id: int) -> list[Booth]:
    """The drawing of a hall without anybody's name."""
    return list(
        db.session.scalars(select(Booth).where(Booth.hall_id == hall_id, Booth.retired_at.is_(None)).order_by(Booth.code_key))
    )
