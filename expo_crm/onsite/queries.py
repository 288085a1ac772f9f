"""Reading the show days: badges, gates, leads, the log, and the figures of the live board.

Figures follow the definitions of the field: visitors are persons, visits are person and day, entries are scans. They are
counted at the doors of the show; an edition that has no such door is counted over all its zones.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, distinct, exists, func, or_, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock
from expo_crm.onsite.domain.reasons import ADMITTED
from expo_crm.onsite.models import Badge, Device, Gate, Lead, Presence, Scan
from expo_crm.shows.models import Edition, OpeningDay
from expo_crm.visitors.models import Registration, VisitorClass

SLOT = dt.timedelta(minutes=5)
SHOW_ZONE = "show"
ONLINE = dt.timedelta(seconds=90)


# -- gates and devices -----------------------------------------------------------------------------------------------


def list_gates(edition_id: int) -> list[Gate]:
    return list(
        db.session.scalars(
            select(Gate).where(Gate.edition_id == edition_id).order_by(Gate.code).options(joinedload(Gate.hall))
        )
    )


def find_gate(edition_id: int, gate_id: int) -> Gate | None:
    return db.session.scalar(select(Gate).where(Gate.edition_id == edition_id, Gate.id == gate_id))


def list_devices(edition_id: int) -> list[Device]:
    return list(
        db.session.scalars(
            select(Device).where(Device.edition_id == edition_id).order_by(Device.name).options(joinedload(Device.gate))
        )
    )


def find_device(edition_id: int, device_id: int) -> Device | None:
    return db.session.scalar(select(Device).where(Device.edition_id == edition_id, Device.id == device_id))


def find_opening_day(edition_id: int, day: dt.date) -> OpeningDay | None:
    return db.session.scalar(select(OpeningDay).where(OpeningDay.edition_id == edition_id, OpeningDay.day == day))


def held(device_id: int, paired_at: dt.datetime | None) -> tuple[int, int]:
    """(highest number, how many) of the scans we hold of this device's present pairing. Numbers have no gaps, so a
    difference between the two, or to what the device says, is a loss."""
    row = db.session.execute(
        select(func.max(Scan.device_seq), func.count(Scan.device_seq)).where(
            Scan.device_id == device_id, Scan.received_at >= (paired_at or clock.now())
        )
    ).one()
    return row[0] or 0, row[1]


def gate_counts(edition_id: int, gate_id: int, zone: str, day: dt.date, timezone: str) -> dict[str, int]:
    """Today's numbers of one gate, and how many are inside its zone."""
    admitted = Scan.decision.in_(ADMITTED)
    row = db.session.execute(
        select(
            func.sum(case((and_(admitted, Scan.direction == "entry"), 1), else_=0)),
            func.sum(case((and_(admitted, Scan.direction == "exit"), 1), else_=0)),
            func.sum(case((admitted, 0), else_=1)),
        ).where(Scan.gate_id == gate_id, *_on_day(edition_id, day, timezone))
    ).one()
    inside = db.session.scalar(
        select(func.count()).where(
            Presence.edition_id == edition_id, Presence.local_day == day, Presence.zone == zone, Presence.inside
        )
    )
    return {"entries": row[0] or 0, "exits": row[1] or 0, "refused": row[2] or 0, "inside": inside or 0}


def _on_day(edition_id: int, day: dt.date, timezone: str) -> tuple[ColumnElement[bool], ...]:
    start, end = clock.day_bounds(day, timezone)
    return Scan.edition_id == edition_id, Scan.corrected_at >= start, Scan.corrected_at < end


# -- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    visitors: int = 0
    visits: int = 0
    entries: int = 0
    inside: int = 0


@dataclass
class GateLine:
    gate: Gate
    per_slot: list[int]
    entries: int = 0
    exits: int = 0
    refused: int = 0


@dataclass(frozen=True)
class DeviceLine:
    device: Device
    online: bool


@dataclass(frozen=True)
class Live:
    """The live board of one day. ``slots`` are starts of five minutes in the venue's local time."""

    as_of: dt.datetime
    day: dt.date
    days: list[dt.date]
    slots: list[dt.datetime]
    gates: list[GateLine]
    total_per_slot: list[int]
    today: Figures
    edition: Figures
    refused: list[tuple[str, int]]
    devices: list[DeviceLine] = field(default_factory=list)

    @property
    def unsynced(self) -> int:
        return sum(line.device.queue_length for line in self.devices)

    @property
    def figures(self) -> Figures:
        return self.edition


def counted_zone(edition_id: int) -> ColumnElement[bool]:
    """Where this edition's visitors are counted: at its show doors, or everywhere when it has none."""
    doors = exists(select(Gate.id).where(Gate.edition_id == edition_id, Gate.zone == SHOW_ZONE)).correlate(None)
    return or_(Presence.zone == SHOW_ZONE, ~doors)


def _person() -> Any:
    """Whom a badge counts as: the person of its registration, else the badge itself."""
    return func.coalesce(Registration.person_id, -Badge.id)


def _presences(edition: Edition, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(Presence)
        .join(Badge, Badge.id == Presence.badge_id)
        .join(VisitorClass, VisitorClass.id == Badge.class_id)
        .outerjoin(Registration, Registration.id == Badge.registration_id)
        .where(
            Presence.edition_id == edition.id,
            VisitorClass.code.in_(edition.counted_classes or [""]),
            Presence.entries > 0,
            counted_zone(edition.id),
        )
    )


def figures(edition: Edition) -> Figures:
    """Visitors, visits and entries of the whole edition, counted classes only; inside is of today."""
    per_day = figures_by_day(edition)
    persons = db.session.scalar(_presences(edition, func.count(distinct(_person())))) or 0
    today = per_day.get(clock.local_day(clock.now(), edition.timezone), Figures())
    return Figures(
        persons, sum(f.visitors for f in per_day.values()), sum(f.entries for f in per_day.values()), today.inside
    )


def figures_by_day(edition: Edition) -> dict[dt.date, Figures]:
    """The same per day: there, visits equal visitors."""
    rows = db.session.execute(
        _presences(
            edition,
            Presence.local_day,
            func.count(distinct(_person())),
            func.sum(Presence.entries),
            func.sum(case((Presence.inside, 1), else_=0)),
        )
        .group_by(Presence.local_day)
        .order_by(Presence.local_day)
    )
    return {row[0]: Figures(row[1], row[1], int(row[2]), int(row[3])) for row in rows}


def live(edition: Edition, day: dt.date | None = None) -> Live:
    """Everything the live board shows of a day (default: today, or the last day of the show), in few queries."""
    now = clock.now()
    days = [d.day for d in sorted(edition.days, key=lambda d: d.day)]
    today = clock.local_day(now, edition.timezone)
    day = day or (today if today in days or not days or today < days[0] else days[-1])
    gates = {gate.id: GateLine(gate, []) for gate in list_gates(edition.id)}
    rows = _slot_counts(edition, day)
    slots = _slots(edition, day, [row[1] for row in rows if row[2] == "entry"])
    index = {slot.astimezone(dt.UTC): i for i, slot in enumerate(slots)}
    for line in gates.values():
        line.per_slot = [0] * len(slots)
    for gate_id, slot, direction, admitted, count in rows:
        line = gates.get(gate_id)
        if line is None:
            continue
        if not admitted:
            line.refused += count
        elif direction == "exit":
            line.exits += count
        else:
            line.entries += count
            if slot in index:
                line.per_slot[index[slot]] += count
    lines = list(gates.values())
    by_day = figures_by_day(edition)
    persons = db.session.scalar(_presences(edition, func.count(distinct(_person())))) or 0
    return Live(
        as_of=now,
        day=day,
        days=sorted({*days, day, *by_day}),
        slots=slots,
        gates=lines,
        total_per_slot=[sum(counts) for counts in zip(*(line.per_slot for line in lines), strict=True)]
        or [0] * len(slots),
        today=by_day.get(day, Figures()),
        edition=Figures(
            persons,
            sum(f.visitors for f in by_day.values()),
            sum(f.entries for f in by_day.values()),
            by_day.get(day, Figures()).inside,
        ),
        refused=refused_by_reason(edition, day),
        devices=[
            DeviceLine(d, d.seen_at is not None and now - d.seen_at < ONLINE and d.revoked_at is None)
            for d in list_devices(edition.id)
        ],
    )


def _slot_counts(edition: Edition, day: dt.date) -> list[tuple[int, dt.datetime, str, bool, int]]:
    """(gate, start of the five minutes in UTC, direction, admitted, scans) of a day, grouped by the database."""
    seconds = int(SLOT.total_seconds())
    if db.session.get_bind().dialect.name == "postgresql":
        epoch: Any = func.floor(func.extract("epoch", Scan.corrected_at) / seconds)
    else:
        epoch = cast(func.strftime("%s", Scan.corrected_at), Integer) // seconds
    admitted = case((Scan.decision.in_(ADMITTED), 1), else_=0)
    rows = db.session.execute(
        select(Scan.gate_id, epoch.label("slot"), Scan.direction, admitted.label("admitted"), func.count())
        .where(*_on_day(edition.id, day, edition.timezone))
        .group_by(Scan.gate_id, "slot", Scan.direction, "admitted")
    )
    return [(r[0], dt.datetime.fromtimestamp(int(r[1]) * seconds, dt.UTC), r[2], bool(r[3]), r[4]) for r in rows]


def _slots(edition: Edition, day: dt.date, seen: list[dt.datetime]) -> list[dt.datetime]:
    """Five-minute starts from an hour before opening to closing, wider when entries came earlier or later."""
    hours = next((d for d in edition.days if d.day == day), None)
    opens, closes = (hours.opens_at, hours.closes_at) if hours else (dt.time(9), dt.time(17))
    start = dt.datetime.combine(day, opens, edition.zone).astimezone(dt.UTC) - dt.timedelta(hours=1)
    end = dt.datetime.combine(day, closes, edition.zone).astimezone(dt.UTC)
    start = min([start, *seen])
    end = max([end, *(s + SLOT for s in seen)])
    count = int((end - start) / SLOT)
    return [(start + SLOT * i).astimezone(edition.zone) for i in range(count)]


def refused_by_reason(edition: Edition, day: dt.date) -> list[tuple[str, int]]:
    """Refused readings of a day by reason, most first."""
    rows = db.session.execute(
        select(Scan.reason, func.count())
        .where(*_on_day(edition.id, day, edition.timezone), Scan.decision.not_in(ADMITTED))
        .group_by(Scan.reason)
        .order_by(func.count().desc(), Scan.reason)
    )
    return [(row[0], row[1]) for row in rows]


def attended(registration_id: Any) -> ColumnElement[bool]:
    """SQL: this registration has a counted entry. For the packages below, which ask through a registry."""
    return exists(
        select(Presence.id)
        .join(Badge, Badge.id == Presence.badge_id)
        .where(Badge.registration_id == registration_id, Presence.entries > 0)
    )


# -- the log, badges and leads ---------------------------------------------------------------------------------------


def scan_list(edition: Edition) -> Select[Any]:
    """The log, for ``listing.build``; badge, gate and device come along."""
    return (
        select(Scan)
        .where(Scan.edition_id == edition.id)
        .join(Scan.gate)
        .join(Scan.device)
        .outerjoin(Scan.badge)
        .options(
            joinedload(Scan.gate),
            joinedload(Scan.device),
            joinedload(Scan.badge).joinedload(Badge.visitor_class),
        )
    )


def badge_list(edition: Edition) -> Select[Any]:
    """Badges of an edition, for ``listing.build``."""
    return (
        select(Badge)
        .where(Badge.edition_id == edition.id)
        .join(Badge.visitor_class)
        .outerjoin(Badge.registration)
        .options(joinedload(Badge.visitor_class), joinedload(Badge.registration))
    )


def find_badge(edition_id: int, badge_id: int) -> Badge | None:
    return db.session.scalar(
        select(Badge)
        .where(Badge.edition_id == edition_id, Badge.id == badge_id)
        .options(
            joinedload(Badge.visitor_class),
            joinedload(Badge.registration),
            joinedload(Badge.participation).joinedload(Participation.company),
        )
    )


def list_scans_of(badge_id: int, limit: int = 100) -> list[Scan]:
    return list(
        db.session.scalars(
            select(Scan)
            .where(Scan.badge_id == badge_id)
            .order_by(Scan.corrected_at.desc(), Scan.id.desc())
            .limit(limit)
            .options(joinedload(Scan.gate), joinedload(Scan.device))
        )
    )


def printable(edition_id: int, *, unprinted_only: bool = False, class_id: int | None = None) -> Select[Any]:
    """Badges that may be printed: active, of people whose registration stands."""
    query = (
        select(Badge.id)
        .outerjoin(Registration, Registration.id == Badge.registration_id)
        .where(
            Badge.edition_id == edition_id,
            Badge.state == "active",
            or_(Badge.registration_id.is_(None), Registration.state == "approved"),
        )
    )
    if unprinted_only:
        query = query.where(Badge.printed_at.is_(None))
    return query.where(Badge.class_id == class_id) if class_id else query


def count_printable(edition_id: int, *, unprinted_only: bool = False) -> int:
    query = printable(edition_id, unprinted_only=unprinted_only)
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0


def count_without_badge(edition_id: int) -> int:
    """Approved registrations that nobody has issued a badge for."""
    return (
        db.session.scalar(
            select(func.count()).where(
                Registration.edition_id == edition_id, Registration.state == "approved", ~has_badge(Registration.id)
            )
        )
        or 0
    )


def has_badge(registration_id: Any) -> ColumnElement[bool]:
    return exists(select(Badge.id).where(Badge.registration_id == registration_id, Badge.state != "replaced"))


def lead_list(edition: Edition) -> Select[Any]:
    """Leads of all exhibitors of an edition, for ``listing.build``."""
    return (
        select(Lead)
        .join(Lead.participation)
        .join(Participation.company)
        .join(Lead.registration)
        .where(Participation.edition_id == edition.id)
        .options(
            joinedload(Lead.participation).joinedload(Participation.company),
            joinedload(Lead.registration),
        )
    )
