"""The live board: everything it shows of one day, in a constant number of statements.

What is counted where: visitors, visits and entries are persons of counted classes at the doors of the show (see ``queries``);
gates, classes and refusals count every reading; inside counts every badge. Figures of persons may be some seconds old.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import exists, func, select, text

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite import queries, queries_arrival, queries_zones
from expo_crm.onsite.domain.reasons import RESETS
from expo_crm.onsite.models import CapacityAlarm, Device, Gate, QuarantinedScan, Scan, ScanResolution
from expo_crm.onsite.queries import Figures
from expo_crm.onsite.queries_arrival import ArrivalSummary
from expo_crm.onsite.queries_hours import SLOT, Counted, scans_between
from expo_crm.onsite.queries_zones import ZoneLine
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Edition
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.models import VisitorClass

PEOPLE_KEPT = dt.timedelta(seconds=10)
_kept_people: dict[tuple[object, ...], tuple[dt.datetime, tuple[Figures, dict[dt.date, Figures]]]] = {}
READERS = frozenset({"gate", "gate_kiosk"})


@dataclass
class GateLine:
    gate: Gate
    per_slot: list[int]
    entries: int = 0
    exits: int = 0
    refused: int = 0


@dataclass
class ClassLine:
    visitor_class: VisitorClass | None  # None: badges of a class that is gone, readings without a badge
    per_slot: list[int]
    entries: int = 0


@dataclass(frozen=True)
class Before:
    """The day of the last edition that stands where this one stands. ``per_slot`` follows the same local times; ``so_far`` counts the
    entries until the present time of day (all of them when this day is not today), ``total`` those of the whole day."""

    edition: Edition
    day: dt.date
    per_slot: list[int]
    so_far: int
    total: int


@dataclass(frozen=True)
class Live:
    """The live board of one day. ``slots`` are starts of five minutes in the venue's local time."""

    as_of: dt.datetime
    day: dt.date
    today: Figures
    edition: Figures
    days: list[dt.date]
    slots: list[dt.datetime]
    gates: list[GateLine]
    classes: list[ClassLine]
    total_per_slot: list[int]
    refused: list[tuple[str, int]]
    zones: list[ZoneLine]
    alarms: list[CapacityAlarm]
    devices: list[Device]
    conflicts: int
    quarantined: int
    duplicates: int
    before: Before | None
    arrivals: ArrivalSummary
    inside: int

    @property
    def entries(self) -> int:
        """All entries through gates, of whatever class."""
        return sum(self.total_per_slot)

    @property
    def unsynced(self) -> int:
        return sum(device.queue_length for device in self.devices if device.revoked_at is None)

    @property
    def missing(self) -> int:
        return sum(device.missing for device in self.devices)


def live(edition: Edition, day: dt.date | None = None) -> Live:
    """Everything the live board shows of ``day`` (default: today; before the show its first, afterwards its last day)."""
    now = clock.now()
    days = [d.day for d in sorted(edition.days, key=lambda d: d.day)]
    today = clock.local_day(now, edition.timezone)
    day = day or _usual_day(days, today)
    counts = scans_between(edition.id, *clock.day_bounds(day, edition.timezone))
    entries = [c for c in counts if c.entry and c.admitted and c.reason not in RESETS]
    slots = _slots(edition, day, [c.slot for c in entries])
    whole, by_day = _people(edition, tuple(sorted({*days, day})), now)
    zones = queries_zones.zone_lines(edition, day)
    door = next((line for line in zones if line.code == queries.SHOW_ZONE), None)
    return Live(
        as_of=now,
        day=day,
        today=by_day[day],
        edition=whole,
        days=sorted({*days, day}),
        slots=slots,
        gates=_gates(edition.id, counts, entries, slots),
        classes=_classes(edition.id, entries, slots),
        total_per_slot=_per_slot(entries, slots),
        refused=_refused(counts),
        zones=zones,
        alarms=queries_zones.standing_alarms(edition.id) if day == today else [],
        devices=_devices(edition.id),
        conflicts=_open_conflicts(edition.id),
        quarantined=_quarantined(edition.id),
        duplicates=queries.duplicate_admissions(edition.id, day),
        before=_before(edition, day, slots, now),
        arrivals=queries_arrival.arrival_summary(edition.id),
        inside=door.inside if door else sum(line.inside for line in zones),
    )


def _people(edition: Edition, days: tuple[dt.date, ...], now: dt.datetime) -> tuple[Figures, dict[dt.date, Figures]]:
    """``queries.people``, kept for a few seconds in each process.

    Counting persons over the whole edition costs more than all the rest of the board; where several screens show it, it is
    counted once for all of them, so that gates do not wait for walls.
    """
    key = (str(db.engine.url), edition.id, days, *edition.counted_classes)
    kept = _kept_people.get(key)
    if kept is not None and not current_app.testing and now - kept[0] < PEOPLE_KEPT:
        return kept[1]
    found = queries.people(edition, list(days))
    if len(_kept_people) >= 32:
        _kept_people.clear()
    _kept_people[key] = now, found
    return found


def _usual_day(days: list[dt.date], today: dt.date) -> dt.date:
    if not days or today in days:
        return today
    passed = [day for day in days if day < today]
    return passed[-1] if passed else days[0]


def _slots(edition: Edition, day: dt.date, seen: list[int]) -> list[dt.datetime]:
    """Five-minute starts from an hour before opening to closing, wider when entries came earlier or later."""
    hours = next((d for d in edition.days if d.day == day), None)
    opens, closes = (hours.opens_at, hours.closes_at) if hours else (dt.time(9), dt.time(17))
    first = int((dt.datetime.combine(day, opens, edition.zone) - dt.timedelta(hours=1)).timestamp())
    last = int(dt.datetime.combine(day, closes, edition.zone).timestamp())
    step = int(SLOT.total_seconds())
    first = min([first, *seen]) // step * step
    last = max([last, *(slot + step for slot in seen)])
    return [dt.datetime.fromtimestamp(at, edition.zone) for at in range(first, last, step)]


def _per_slot(counts: list[Counted], slots: list[dt.datetime]) -> list[int]:
    sums: Counter[int] = Counter()
    for counted in counts:
        sums[counted.slot] += counted.number
    return [sums[int(slot.timestamp())] for slot in slots]


def _gates(edition_id: int, counts: list[Counted], entries: list[Counted], slots: list[dt.datetime]) -> list[GateLine]:
    mine: dict[int, list[Counted]] = defaultdict(list)
    exits: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    for counted in entries:
        mine[counted.gate_id].append(counted)
    for counted in counts:
        if not counted.admitted:
            refused[counted.gate_id] += counted.number
        elif not counted.entry and counted.reason not in RESETS:
            exits[counted.gate_id] += counted.number
    out = []
    for gate in queries.list_gates(edition_id):
        per_slot = _per_slot(mine[gate.id], slots)
        out.append(GateLine(gate, per_slot, sum(per_slot), exits[gate.id], refused[gate.id]))
    return out


def _classes(edition_id: int, entries: list[Counted], slots: list[dt.datetime]) -> list[ClassLine]:
    """Entries by class of the badge, most first; classes without entries are left out."""
    known = {c.id: c for c in visitors.list_classes(edition_id)}
    mine: dict[int, list[Counted]] = defaultdict(list)
    for counted in entries:
        mine[counted.class_id if counted.class_id in known else 0].append(counted)
    lines = []
    for class_id, found in mine.items():
        per_slot = _per_slot(found, slots)
        lines.append(ClassLine(known.get(class_id), per_slot, sum(per_slot)))
    return sorted((line for line in lines if line.entries), key=lambda line: -line.entries)


def _refused(counts: list[Counted]) -> list[tuple[str, int]]:
    """Refused readings by reason, most first."""
    sums: Counter[str] = Counter()
    for counted in counts:
        if not counted.admitted:
            sums[counted.reason] += counted.number
    return sorted(((reason, n) for reason, n in sums.items() if n), key=lambda pair: (-pair[1], pair[0]))


def _devices(edition_id: int) -> list[Device]:
    """Devices that read at gates; ``missing`` was counted at each one's last heartbeat."""
    found = queries.list_devices(edition_id)
    return [device for device in found if device.profile in READERS and device.paired_at is not None]


def _open_conflicts(edition_id: int) -> int:
    solved = exists(select(ScanResolution.id).where(ScanResolution.scan_id == Scan.id))
    # Written as the index of conflicts has it; SQLAlchemy's "conflict = 1" would not match that on SQLite.
    query = select(func.count()).where(Scan.edition_id == edition_id, text("scan.conflict"), ~solved)
    return db.session.scalar(query) or 0


def _quarantined(edition_id: int) -> int:
    query = select(func.count()).where(QuarantinedScan.edition_id == edition_id, QuarantinedScan.state == "waiting")
    return db.session.scalar(query) or 0


# -- the last edition ------------------------------------------------------------------------------------------------


def same_day(edition: Edition, previous: Edition, day: dt.date) -> dt.date | None:
    """The day of ``previous`` that stands where ``day`` stands in ``edition``: its second day with its second day."""
    days = sorted(d.day for d in edition.days)
    before = sorted(d.day for d in previous.days)
    if day not in days or days.index(day) >= len(before):
        return None
    return before[days.index(day)]


def _before(edition: Edition, day: dt.date, slots: list[dt.datetime], now: dt.datetime) -> Before | None:
    previous = shows.find_previous_edition(edition)
    then = same_day(edition, previous, day) if previous else None
    if previous is None or then is None:
        return None
    counts = scans_between(previous.id, *clock.day_bounds(then, previous.timezone))
    by_time: Counter[dt.time] = Counter()
    for counted in counts:
        if counted.entry and counted.admitted and counted.reason not in RESETS:
            by_time[dt.datetime.fromtimestamp(counted.slot, previous.zone).time()] += counted.number
    total = sum(by_time.values())
    if not total:
        return None
    here = now.astimezone(edition.zone)
    # Five minutes that run are compared when they are over; of a day that is past or still to come, the whole is.
    gone = [at for at in by_time if (dt.datetime.combine(day, at) + SLOT).replace(tzinfo=edition.zone) <= here]
    so_far = sum(by_time[at] for at in gone) if here.date() == day else total
    return Before(previous, then, [by_time[slot.time()] for slot in slots], so_far, total)
