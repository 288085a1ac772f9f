"""Conflicts: what a device decided without us, and we would have decided otherwise. What happened at the door stays a fact."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock, text
from expo_crm.onsite.models import Badge, Scan, ScanResolution


class NoteMissing(ValueError):
    """A conflict is closed with a word on what it was."""


def open_query(edition_id: int) -> Select[Any]:
    """Conflicts that nobody has looked into, newest first, with badge, gate and device."""
    return (
        select(Scan)
        .where(Scan.edition_id == edition_id, Scan.conflict, ~_resolved())
        .order_by(Scan.corrected_at.desc(), Scan.id.desc())
        .options(joinedload(Scan.gate), joinedload(Scan.device), joinedload(Scan.badge).joinedload(Badge.visitor_class))
    )


def list_open(edition_id: int, limit: int = 200) -> list[Scan]:
    return list(db.session.scalars(open_query(edition_id).limit(limit)))


def list_resolved(edition_id: int, limit: int = 200) -> list[ScanResolution]:
    """What was looked into, newest first."""
    return list(
        db.session.scalars(
            select(ScanResolution)
            .join(ScanResolution.scan)
            .where(Scan.edition_id == edition_id)
            .order_by(ScanResolution.resolved_at.desc())
            .limit(limit)
            .options(
                joinedload(ScanResolution.scan).joinedload(Scan.gate),
                joinedload(ScanResolution.scan).joinedload(Scan.badge),
            )
        )
    )


def _resolved() -> ColumnElement[bool]:
    return exists(select(ScanResolution.id).where(ScanResolution.scan_id == Scan.id))


def find_open(edition_id: int, scan_id: int) -> Scan | None:
    return db.session.scalar(open_query(edition_id).where(Scan.id == scan_id))


def others_of(scan: Scan) -> list[Scan]:
    """The other readings of this badge in this zone and period, in the order of the log: what the conflict is with."""
    return list(
        db.session.scalars(
            select(Scan)
            .where(
                Scan.badge_id == scan.badge_id,
                Scan.zone == scan.zone,
                Scan.local_day == scan.local_day,
                Scan.id != scan.id,
            )
            .order_by(Scan.corrected_at, Scan.device_id, Scan.device_seq)
            .options(joinedload(Scan.gate), joinedload(Scan.device))
        )
    )


def resolve(scan: Scan, note: str, user_id: int | None) -> ScanResolution:
    """Close a conflict with a note. Closed twice at once gives one note. Raises NoteMissing."""
    note = text.clean(note, limit=300)
    if len(note) < 3:
        raise NoteMissing()
    db.session.execute(select(Scan.id).where(Scan.id == scan.id).with_for_update())
    done = db.session.scalar(select(ScanResolution).where(ScanResolution.scan_id == scan.id))
    if done is not None:
        return done
    made = ScanResolution(scan_id=scan.id, user_id=user_id, note=note, resolved_at=clock.now())
    db.session.add(made)
    db.session.flush()
    audit.record(
        "scan.resolve",
        "scan",
        scan.id,
        edition_id=scan.edition_id,
        changes={"verdict": scan.server_verdict},
        reason=note,
    )
    return made
