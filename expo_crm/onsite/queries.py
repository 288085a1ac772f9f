"""Reading the show days: badges, gates, leads, the log, and the figures of the live board.

Figures follow the definitions of the field: visitors are persons, visits are person and day, entries are scans. They are
counted at the doors of the show; an edition that has no such door is counted over all its zones.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, distinct, exists, func, or_, select, union_all
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock
from expo_crm.onsite.domain.reasons import ADMITTED, REFUSED, RESETS
from expo_crm.onsite.models import Badge, Device, Gate, Lead, Presence, QuarantinedScan, Scan
from expo_crm.shows.models import Edition, OpeningDay
from expo_crm.visitors.models import Registration, VisitorClass

SHOW_ZONE = "show"


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
            select(Device)
            # The office only stands in the log, and what an exhibitor scans with is the exhibitor's.
            .where(Device.edition_id == edition_id, Device.profile.not_in(("office", "lead")))
            .order_by(Device.name)
            .options(joinedload(Device.gate))
        )
    )


def find_device(edition_id: int, device_id: int) -> Device | None:
    return db.session.scalar(select(Device).where(Device.edition_id == edition_id, Device.id == device_id))


def find_presence(badge_id: int, zone: str, day: dt.date) -> Presence | None:
    """Where a badge stands in a zone and period."""
    return db.session.scalar(
        select(Presence).where(Presence.badge_id == badge_id, Presence.zone == zone, Presence.local_day == day)
    )


def find_opening_day(edition_id: int, day: dt.date) -> OpeningDay | None:
    return db.session.scalar(select(OpeningDay).where(OpeningDay.edition_id == edition_id, OpeningDay.day == day))


@dataclass(frozen=True, slots=True)
class Held:
    """What we hold of a device's present pairing: highest number, how many numbers, and which up to ``through`` are not here
    (as ranges, the first of them) and how many those are in all."""

    seq: int
    count: int
    missing: list[tuple[int, int]]
    missing_count: int


MISSING_SHOWN = 50


def held(device_id: int, pairing_no: int, last_seq: int | None = None) -> Held:
    """The numbers of a device's scans, from 1 on without a gap: what lacks up to the last one is lost or still in its queue.

    ``last_seq`` is the highest number the device itself has given. Scans in quarantine are held too.
    """
    logged = select(Scan.device_seq.label("seq")).where(
        Scan.device_id == device_id, Scan.pairing_no == pairing_no, Scan.device_seq > 0
    )
    kept = select(QuarantinedScan.device_seq.label("seq")).where(
        QuarantinedScan.device_id == device_id,
        QuarantinedScan.pairing_no == pairing_no,
        QuarantinedScan.device_seq > 0,
        QuarantinedScan.state != "accepted",
    )
    numbers = union_all(logged, kept).subquery("numbers")
    row = db.session.execute(select(func.max(numbers.c.seq), func.count(distinct(numbers.c.seq)))).one()
    highest, count = row[0] or 0, row[1]
    through = max(highest, last_seq or 0)
    if count == through:
        return Held(highest, count, [], 0)
    before = func.lag(numbers.c.seq, 1, 0).over(order_by=numbers.c.seq).label("before")
    steps = select(numbers.c.seq, before).subquery("steps")
    gaps = [
        (row.before + 1, row.seq - 1)
        for row in db.session.execute(
            select(steps.c.seq, steps.c.before)
            .where(steps.c.seq - steps.c.before > 1)
            .order_by(steps.c.seq)
            .limit(MISSING_SHOWN)
        )
    ]
    if through > highest and len(gaps) < MISSING_SHOWN:
        gaps.append((highest + 1, through))
    return Held(highest, count, gaps, through - count)


def counted() -> ColumnElement[bool]:
    """SQL: this scan is a passage that stands, in either direction, and somebody walked it."""
    return and_(Scan.decision.in_(ADMITTED), ~Scan.annulled, Scan.reason.not_in(RESETS))


def duplicate_admissions(edition_id: int, day: dt.date | None = None) -> int:
    """Entries too many: badges that doors without a connection let in although they were in. Of a day, or of all."""
    query = select(func.coalesce(func.sum(Presence.duplicates), 0)).where(Presence.edition_id == edition_id)
    return int(db.session.scalar(query.where(Presence.local_day == day) if day else query) or 0)


def gate_counts(edition_id: int, gate_id: int, zone: str, day: dt.date, timezone: str) -> dict[str, int]:
    """Today's numbers of one gate, and how many are inside its zone."""
    row = db.session.execute(
        select(
            func.sum(case((and_(counted(), Scan.direction == "entry"), 1), else_=0)),
            func.sum(case((and_(counted(), Scan.direction == "exit"), 1), else_=0)),
            func.sum(case((Scan.decision.in_(REFUSED), 1), else_=0)),
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
    today = clock.local_day(clock.now(), edition.timezone)
    whole, by_day = people(edition, sorted({*(d.day for d in edition.days), today}))
    return replace(whole, inside=by_day[today].inside)


def people(edition: Edition, days: list[dt.date]) -> tuple[Figures, dict[dt.date, Figures]]:
    """Figures of the whole edition and of each of ``days``, in one pass over presence; counted classes only.

    Visits are counted on opening days. Per day, visits equal visitors; the whole edition has nobody inside.
    """
    columns = []
    for number, day in enumerate(days):
        there = Presence.local_day == day
        columns += [
            func.max(case((there, 1), else_=0)).label(f"there_{number}"),
            func.sum(case((there, Presence.entries), else_=0)).label(f"entries_{number}"),
            func.max(case((and_(there, Presence.inside), 1), else_=0)).label(f"inside_{number}"),
        ]
    persons = _presences(edition, _person().label("person"), func.sum(Presence.entries).label("entries"), *columns)
    each = persons.group_by("person").subquery()
    row = db.session.execute(
        select(func.count(), func.sum(each.c.entries), *(func.sum(each.c[c.name]) for c in columns))
    ).one()
    numbers = [int(value or 0) for value in row]
    by_day = {
        day: Figures(numbers[i], numbers[i], numbers[i + 1], numbers[i + 2])
        for day, i in zip(days, range(2, len(numbers), 3), strict=True)
    }
    opening = {d.day for d in edition.days} or set(days)
    visits = sum(f.visitors for day, f in by_day.items() if day in opening)
    return Figures(numbers[0], visits, numbers[1]), by_day


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
