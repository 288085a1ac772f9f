"""Counting scans fast: whole hours come from ``scan_hour`` while they hold, everything else from the log itself.

Measured with 250,000 scans on PostgreSQL: grouping one day of the log takes 90 ms, counting its rows by hour 15 ms. An hour
holds when as many scans lie in it as when it was counted: rows are only added to the log, so the same number is the same set.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, and_, case, cast, func, or_, select

from expo_crm.db import db
from expo_crm.onsite.domain.reasons import ADMITTED
from expo_crm.onsite.models import Badge, Scan, ScanHour

HOUR = dt.timedelta(hours=1)
SLOT = dt.timedelta(minutes=5)
_SLOT_SECONDS = 300
_HOUR_SECONDS = 3600


class Counted(NamedTuple):
    """``number`` scans of one kind within five minutes; ``slot`` is the start in seconds since 1970."""

    gate_id: int
    class_id: int
    slot: int
    entry: bool
    reason: str
    admitted: bool
    number: int


def scans_between(edition_id: int, start: dt.datetime, end: dt.datetime) -> list[Counted]:
    """Counts of the scans from ``start`` until before ``end``. Annulled scans and rows that decide nothing are left out."""
    kept = _kept(edition_id, start, end)
    there = rows_by_hour(edition_id, start, end)
    whole = {hour for hour, number in there.items() if hour in kept and kept[hour][0] == number}
    out = [counted for hour in whole for counted in _unpacked(hour, kept[hour][1])]
    out += grouped(edition_id, _ranges(sorted(set(there) - whole), start, end))
    return out + _annulled(edition_id, start, end)


def _kept(edition_id: int, start: dt.datetime, end: dt.datetime) -> dict[int, tuple[int, list[Any]]]:
    rows = db.session.execute(
        select(ScanHour.hour, ScanHour.scans, ScanHour.counts).where(
            ScanHour.edition_id == edition_id, ScanHour.hour >= start, ScanHour.hour <= end - HOUR
        )
    )
    return {int(row.hour.timestamp()): (row.scans, row.counts) for row in rows}


def rows_by_hour(edition_id: int, start: dt.datetime, end: dt.datetime) -> dict[int, int]:
    """How many rows of the log lie in each hour, by its start in seconds since 1970."""
    if db.session.get_bind().dialect.name == "postgresql":
        hour: Any = func.date_trunc("hour", Scan.corrected_at)
    else:
        hour = func.substr(Scan.corrected_at, 1, 13)
    rows = db.session.execute(
        select(hour.label("hour"), func.count())
        .where(Scan.edition_id == edition_id, Scan.corrected_at >= start, Scan.corrected_at < end)
        .group_by("hour")
    )
    return {_hour_start(row[0]): row[1] for row in rows}


def _hour_start(value: Any) -> int:
    at = value if isinstance(value, dt.datetime) else dt.datetime.strptime(value, "%Y-%m-%d %H").replace(tzinfo=dt.UTC)
    return int(at.timestamp())


def _ranges(hours: list[int], start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
    """Neighbouring hours as one span each, cut to what was asked for."""
    spans: list[list[int]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1][1] = hour + _HOUR_SECONDS
        else:
            spans.append([hour, hour + _HOUR_SECONDS])
    moment = dt.datetime.fromtimestamp
    return [(max(start, moment(a, dt.UTC)), min(end, moment(b, dt.UTC))) for a, b in spans]


def grouped(edition_id: int, spans: list[tuple[dt.datetime, dt.datetime]]) -> list[Counted]:
    """Counts straight from the log, annulled scans still among them."""
    if not spans:
        return []
    if db.session.get_bind().dialect.name == "postgresql":
        slot: Any = cast(func.floor(func.extract("epoch", Scan.corrected_at) / _SLOT_SECONDS), BigInteger)
    else:
        slot = cast(func.strftime("%s", Scan.corrected_at), Integer) // _SLOT_SECONDS
    entry = case((Scan.direction == "entry", 1), else_=0)
    admitted = case((Scan.decision.in_(ADMITTED), 1), else_=0)
    rows = db.session.execute(
        select(Scan.gate_id, Badge.class_id, slot.label("slot"), entry, Scan.reason, admitted, func.count())
        .outerjoin(Badge, Badge.id == Scan.badge_id)
        .where(
            Scan.edition_id == edition_id,
            or_(*(and_(Scan.corrected_at >= a, Scan.corrected_at < b) for a, b in spans)),
            Scan.decision != "void",
        )
        .group_by(Scan.gate_id, Badge.class_id, "slot", entry, Scan.reason, admitted)
    )
    return [Counted(r[0], r[1] or 0, int(r[2]) * _SLOT_SECONDS, bool(r[3]), r[4], bool(r[5]), r[6]) for r in rows]


def _annulled(edition_id: int, start: dt.datetime, end: dt.datetime) -> list[Counted]:
    """Annulled scans as negative counts: they were counted when they were logged."""
    # "+ 0" keeps SQLite from reading the whole edition: the index of annulments is small, the one of editions is not.
    ours = (Scan.edition_id + 0) == edition_id
    ids = db.session.scalars(select(Scan.annuls_id).where(Scan.annuls_id.is_not(None), ours)).all()
    if not ids:
        return []
    rows = db.session.execute(
        select(Scan.gate_id, Badge.class_id, Scan.corrected_at, Scan.direction, Scan.reason, Scan.decision)
        .outerjoin(Badge, Badge.id == Scan.badge_id)
        .where(
            Scan.id.in_(ids),
            Scan.annulled,
            Scan.decision != "void",
            Scan.corrected_at >= start,
            Scan.corrected_at < end,
        )
    )
    out = []
    for gate_id, class_id, at, direction, reason, decision in rows:
        slot = int(at.timestamp()) // _SLOT_SECONDS * _SLOT_SECONDS
        out.append(Counted(gate_id, class_id or 0, slot, direction == "entry", reason, decision in ADMITTED, -1))
    return out


def packed(hour: int, counts: list[Counted]) -> list[list[Any]]:
    """Counts of one hour as they are kept, in a fixed order, so that the same scans always give the same row."""
    return sorted(
        [c.gate_id, c.class_id, (c.slot - hour) // _SLOT_SECONDS, int(c.entry), c.reason, int(c.admitted), c.number]
        for c in counts
    )


def _unpacked(hour: int, rows: list[Any]) -> list[Counted]:
    return [Counted(g, c, hour + s * _SLOT_SECONDS, bool(e), r, bool(a), n) for g, c, s, e, r, a, n in rows]
