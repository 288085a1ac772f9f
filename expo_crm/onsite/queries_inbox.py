"""What waits for a supervisor: conflicts, scans of withdrawn devices, scans that never arrived, devices that read foreign codes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, literal_column, or_, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.models import Badge, Device, Gate, Presence, QuarantinedScan, Scan, ScanResolution
from expo_crm.onsite.queries_devices import Gaps, gaps_of

ALARM_LASTS = dt.timedelta(hours=12)  # after that a burst of foreign codes is yesterday's


# As the partial index ix_scan_conflict says it: SQLite does not see that "= 1" is the same.
_CONFLICT: Any = literal_column('scan."conflict"')


@dataclass(frozen=True, slots=True)
class Counts:
    """How much waits, by kind."""

    conflicts: int = 0
    quarantine: int = 0
    missing: int = 0
    codes: int = 0

    @property
    def all(self) -> int:
        return self.conflicts + self.quarantine + self.missing + self.codes


def counts(edition_id: int) -> Counts:
    """All kinds in one statement."""
    return Counts(*db.session.execute(select(*_kinds(edition_id, clock.now() - ALARM_LASTS))).one())


def waiting(edition_id: Any, ago: Callable[[dt.timedelta], Any]) -> Any:
    """All kinds together as an expression, for the navigation of every page."""
    conflicts, quarantine, missing, codes = _kinds(edition_id, ago(ALARM_LASTS))
    return conflicts + quarantine + missing + codes


def _kinds(edition_id: Any, since: Any) -> tuple[Any, Any, Any, Any]:
    resolved = exists(select(ScanResolution.id).where(ScanResolution.scan_id == Scan.id))
    mine = Device.edition_id == edition_id
    return (
        select(func.count()).where(Scan.edition_id == edition_id, _CONFLICT, ~resolved).scalar_subquery(),
        select(func.count())
        .where(QuarantinedScan.edition_id == edition_id, QuarantinedScan.state == "waiting")
        .scalar_subquery(),
        select(func.count()).where(mine, Device.missing > 0).scalar_subquery(),
        select(func.count()).where(mine, _alarmed(since)).scalar_subquery(),
    )


def _alarmed(since: Any) -> Any:
    return or_(Device.alarm_at > since, Device.lead_alarm_at > since)


def first_entries(scans: list[Scan]) -> dict[int, Presence]:
    """Scan id → the presence of its badge in that zone and period: who came first, and where. One statement."""
    wanted = {s.badge_id for s in scans if s.badge_id is not None}
    if not wanted:
        return {}
    rows = db.session.scalars(select(Presence).where(Presence.badge_id.in_(wanted)))
    known = {(p.badge_id, p.zone, p.local_day): p for p in rows}
    keys = {s.id: (s.badge_id, s.zone, s.local_day) for s in scans}
    return {scan_id: known[key] for scan_id, key in keys.items() if key in known}


def gate_names(edition_id: int) -> dict[int, Gate]:
    return {gate.id: gate for gate in db.session.scalars(select(Gate).where(Gate.edition_id == edition_id))}


@dataclass(frozen=True, slots=True)
class Held:
    """What a withdrawn device sent: how many scans, from when to when."""

    device: Device
    scans: int
    first_at: dt.datetime
    last_at: dt.datetime


def quarantined(edition_id: int) -> list[Held]:
    """The withdrawn devices with waiting scans."""
    rows = db.session.execute(
        select(
            QuarantinedScan.device_id,
            func.count(),
            func.min(QuarantinedScan.corrected_at),
            func.max(QuarantinedScan.corrected_at),
        )
        .where(QuarantinedScan.edition_id == edition_id, QuarantinedScan.state == "waiting")
        .group_by(QuarantinedScan.device_id)
    ).all()
    found = db.session.scalars(
        select(Device).where(Device.id.in_([row[0] for row in rows])).options(joinedload(Device.gate))
    )
    devices = {device.id: device for device in found}
    return sorted((Held(devices[row[0]], row[1], row[2], row[3]) for row in rows), key=lambda h: h.first_at)


def list_quarantined(edition_id: int, device_id: int, limit: int = 500) -> list[QuarantinedScan]:
    """What waits of one device, oldest first."""
    return list(
        db.session.scalars(
            select(QuarantinedScan)
            .where(
                QuarantinedScan.edition_id == edition_id,
                QuarantinedScan.device_id == device_id,
                QuarantinedScan.state == "waiting",
            )
            .order_by(QuarantinedScan.corrected_at, QuarantinedScan.id)
            .limit(limit)
            .options(
                joinedload(QuarantinedScan.gate),
                joinedload(QuarantinedScan.badge).joinedload(Badge.visitor_class),
            )
        )
    )


def quarantined_ids(edition_id: int, device_id: int) -> list[int]:
    return list(
        db.session.scalars(
            select(QuarantinedScan.id).where(
                QuarantinedScan.edition_id == edition_id,
                QuarantinedScan.device_id == device_id,
                QuarantinedScan.state == "waiting",
            )
        )
    )


def missing(edition_id: int) -> list[tuple[Device, Gaps]]:
    """Devices whose scans did not all arrive, with the numbers that are not here."""
    found = db.session.scalars(
        select(Device)
        .where(Device.edition_id == edition_id, Device.missing > 0)
        .order_by(Device.name)
        .options(joinedload(Device.gate))
    )
    return [(device, gaps_of(device)) for device in found]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A device that read many codes of nobody: a copy machine at work, or somebody trying out numbers."""

    device: Device
    at: dt.datetime
    unknown: int  # readings of no badge in the hour up to then


def alarms(edition_id: int) -> list[Alarm]:
    """Devices that raised an alarm lately, newest first."""
    found = db.session.scalars(
        select(Device).where(Device.edition_id == edition_id, _alarmed(clock.now() - ALARM_LASTS)).options(joinedload(Device.gate))
    ).all()
    out = []
    for device in found:
        at = max(x for x in (device.alarm_at, device.lead_alarm_at) if x is not None)
        unknown = db.session.scalar(
            select(func.count()).where(
                Scan.device_id == device.id,
                Scan.badge_id.is_(None),
                Scan.received_at > at - dt.timedelta(hours=1),
                Scan.received_at <= at + dt.timedelta(minutes=1),
            )
        )
        out.append(Alarm(device, at, unknown or 0))
    return sorted(out, key=lambda a: a.at, reverse=True)
