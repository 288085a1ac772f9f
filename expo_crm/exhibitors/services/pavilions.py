"""Pavilions: their booths, and the companies their organizers enter. Staff decide which company of the file each one is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.domain.waiting import InventoryRefusal as No
from expo_crm.exhibitors.models import Booth, Pavilion, PavilionEntry
from expo_crm.exhibitors.services import stand_sharing
from expo_crm.lib import clock, text
from expo_crm.shows.models import Edition


def save(
    edition: Edition,
    pavilion: Pavilion | None,
    organizer: Participation,
    *,
    name_zh: str,
    name_en: str,
    entry_limit: int,
    closes_on: dt.date | None,
    booth_ids: Sequence[int],
) -> Pavilion:
    """A pavilion with its booths. Raises RuleRefused when the name is taken or a booth belongs to another pavilion."""
    if text.is_blank(name_zh) and text.is_blank(name_en):
        raise RuleRefused(No.NAME_MISSING)
    chosen = list(
        db.session.scalars(
            select(Booth).where(Booth.edition_id == edition.id, Booth.id.in_(list(booth_ids))).with_for_update()
        )
    )
    if any(b.pavilion_id not in {None, pavilion.id if pavilion else None} for b in chosen):
        raise RuleRefused(No.PAVILION_BOOTH)
    values = {
        "name_zh": name_zh or name_en,
        "name_en": name_en or name_zh,
        "organizer_id": organizer.id,
        "entry_limit": entry_limit,
        "closes_on": closes_on,
    }
    try:
        with db.session.begin_nested():
            if pavilion is None:
                pavilion = Pavilion(edition_id=edition.id, **values)
                db.session.add(pavilion)
            else:
                for key, value in values.items():
                    setattr(pavilion, key, value)
            db.session.flush()
    except IntegrityError:
        raise RuleRefused(No.NAME_TAKEN) from None
    for booth in db.session.scalars(select(Booth).where(Booth.pavilion_id == pavilion.id)):
        booth.pavilion_id = None
    for booth in chosen:
        booth.pavilion_id = pavilion.id
    db.session.flush()
    audit.record(
        "pavilion.save",
        "pavilion",
        pavilion.id,
        edition_id=edition.id,
        changes={"name": name_zh or name_en, "booths": ", ".join(sorted(b.code for b in chosen))},
    )
    return pavilion


def list_booths(pavilion: Pavilion) -> list[Booth]:
    return list(
        db.session.scalars(
            select(Booth)
            .where(Booth.pavilion_id == pavilion.id, Booth.retired_at.is_(None))
            .order_by(Booth.sort_key)
            .options(joinedload(Booth.hall))
        )
    )


def list_entries(pavilion: Pavilion) -> list[PavilionEntry]:
    return list(
        db.session.scalars(
            select(PavilionEntry)
            .where(PavilionEntry.pavilion_id == pavilion.id)
            .order_by(PavilionEntry.id)
            .options(
                joinedload(PavilionEntry.booth),
                joinedload(PavilionEntry.participation).joinedload(Participation.company),
            )
        )
    )


def limit_of(pavilion: Pavilion) -> int:
    """How many companies its organizer may enter."""
    if pavilion.entry_limit:
        return pavilion.entry_limit
    return db.session.scalar(select(func.count()).select_from(Booth).where(Booth.pavilion_id == pavilion.id)) or 0


def is_closed(pavilion: Pavilion, today: dt.date) -> bool:
    return pavilion.closes_on is not None and today > pavilion.closes_on


def enter(
    pavilion: Pavilion,
    today: dt.date,
    *,
    name_zh: str,
    name_en: str,
    country: str = "",
    website: str = "",
    booth_id: int | None = None,
) -> PavilionEntry:
    """The organizer enters a company. Raises RuleRefused: closed, full, no name, entered before, a booth of somebody else."""
    if is_closed(pavilion, today):
        raise RuleRefused(No.PAVILION_CLOSED)
    if text.is_blank(name_zh) and text.is_blank(name_en):
        raise RuleRefused(No.NAME_MISSING)
    # Two at once must not pass the limit together: the pavilion is the lock.
    db.session.execute(select(Pavilion.id).where(Pavilion.id == pavilion.id).with_for_update())
    live = [e for e in list_entries(pavilion) if e.state != "refused"]
    limit = limit_of(pavilion)
    if len(live) >= limit:
        raise RuleRefused(No.PAVILION_FULL, limit=limit)
    folded = {text.fold(n) for n in (name_zh, name_en) if n}
    if any(folded & {text.fold(e.name_zh), text.fold(e.name_en)} for e in live):
        raise RuleRefused(No.NAME_TAKEN)
    if booth_id is not None and booth_id not in {b.id for b in list_booths(pavilion)}:
        raise RuleRefused(No.PAVILION_BOOTH)
    made = PavilionEntry(
        pavilion_id=pavilion.id,
        booth_id=booth_id,
        name_zh=name_zh[:300],
        name_en=name_en[:300],
        country=country,
        website=website[:300],
        entered_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "pavilion.enter", "pavilion", pavilion.id, edition_id=pavilion.edition_id, changes={"name": name_zh or name_en}
    )
    return made


def withdraw(entry: PavilionEntry, today: dt.date) -> None:
    """The organizer takes an entry back that staff have not taken yet."""
    if is_closed(entry.pavilion, today):
        raise RuleRefused(No.PAVILION_CLOSED)
    if entry.state != "entered":
        raise RuleRefused(No.ENTRY_DECIDED)
    audit.record(
        "pavilion.withdraw",
        "pavilion",
        entry.pavilion_id,
        edition_id=entry.pavilion.edition_id,
        changes={"name": entry.name_zh or entry.name_en},
    )
    db.session.delete(entry)
    db.session.flush()


def take(entry: PavilionEntry, company: Company) -> Participation:
    """Staff say which company it is: it becomes a co-exhibitor of the organizer on its booth."""
    db.session.refresh(entry, ["state"], with_for_update=True)
    if entry.state != "entered":
        raise RuleRefused(No.ENTRY_DECIDED)
    own = {b.id for b in stand_sharing.list_stands(entry.pavilion.organizer)}
    booths = (
        [entry.booth_id] if entry.booth_id in own else sorted(own & {b.id for b in list_booths(entry.pavilion)})[:1]
    )
    row = stand_sharing.add(
        entry.pavilion.organizer,
        company,
        "co",
        [b for b in booths if b is not None],
        fascia_zh=entry.name_zh,
        fascia_en=entry.name_en,
    )
    entry.state, entry.participation_id = "taken", row.id
    db.session.flush()
    return row


def refuse(entry: PavilionEntry, reason: str) -> None:
    db.session.refresh(entry, ["state"], with_for_update=True)
    if entry.state != "entered":
        raise RuleRefused(No.ENTRY_DECIDED)
    if not reason.strip():
        raise RuleRefused(No.NEEDS_REASON)
    entry.state, entry.answer = "refused", reason.strip()[:300]
    audit.record(
        "pavilion.refuse", "pavilion", entry.pavilion_id, edition_id=entry.pavilion.edition_id, reason=entry.answer
    )
    db.session.flush()
