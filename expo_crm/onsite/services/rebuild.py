"""Presence, verdicts, conflicts and counted hours again from the log: functions of the set of scans, so the difference must be none."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.onsite.domain.presence import settle
from expo_crm.onsite.models import Presence, Scan
from expo_crm.onsite.services import live, scan_log
from expo_crm.onsite.services.scan_log import FIELDS, Key
from expo_crm.shows.models import Edition


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many rows the log gives; how many of them were missing, different, or without any scan; and how many scans carried
    a verdict, a conflict or a mark of annulment that does not follow from the log; how many counted hours of the live board were wrong."""

    rows: int
    missing: int
    different: int
    surplus: int
    verdicts: int = 0
    hours: int = 0

    @property
    def differences(self) -> int:
        return self.missing + self.different + self.surplus + self.verdicts + self.hours


def rebuild(edition_id: int) -> Rebuilt:
    """Recompute what follows from an edition's scans and put right what differs. Gates may go on meanwhile: what seems to differ
    is looked at once more with its badges held, because a scan may have come between two of our looks.
    """
    verdicts = _annulments(edition_id)
    seen = _compare(edition_id)
    if seen.keys:
        scan_log.lock_badges(db.session.connection(), (key[0] for key in seen.keys))
        rows, seen = seen.rows, _compare(edition_id, {key[0] for key in seen.keys})
        seen.rows = rows
        scan_log.settle_keys(db.session.connection(), edition_id, seen.keys)
    hours = live.recount_hours(db.session.get_one(Edition, edition_id))
    result = Rebuilt(seen.rows, seen.missing, seen.different, seen.surplus, verdicts + seen.verdicts, hours)
    if result.differences:
        audit.record(
            "presence.rebuild",
            "edition",
            edition_id,
            edition_id=edition_id,
            changes={"differences": result.differences},
        )
    db.session.flush()
    db.session.expire_all()
    return result


@dataclass
class _Seen:
    """What a comparison found: how many rows the log gives, what is wrong with the stored ones, and the keys of those."""

    rows: int = 0
    missing: int = 0
    different: int = 0
    surplus: int = 0
    verdicts: int = 0
    keys: set[Key] = field(default_factory=set)


def _compare(edition_id: int, badges: set[int] | None = None) -> _Seen:
    """Presence and verdicts as stored against the log; of some badges only, held until the end, or of all."""
    out = _Seen()
    stored = _stored(edition_id, badges)
    wanted: set[Key] = set()
    for key, rows in _logged(edition_id, badges).items():
        state, judged = settle(scan_log.as_row(r) for r in rows)
        wrong = sum(scan_log.verdict_of(row, judged) != (row.server_verdict, row.conflict) for row in rows)
        out.verdicts += wrong
        if wrong:
            out.keys.add(key)
        if state.last_at is None:
            continue
        wanted.add(key)
        there = stored.get(key)
        if there is None:
            out.missing += 1
            out.keys.add(key)
        elif any(getattr(there, name) != value for name, value in scan_log.fields_of(state).items()):
            out.different += 1
            out.keys.add(key)
    lonely = stored.keys() - wanted
    out.surplus, out.rows = len(lonely), len(wanted)
    out.keys |= lonely
    return out


def _stored(edition_id: int, badges: set[int] | None) -> dict[Key, Any]:
    columns = [getattr(Presence, name) for name in FIELDS]
    query = select(Presence.badge_id, Presence.zone, Presence.local_day, *columns)
    query = query.where(Presence.edition_id == edition_id)
    if badges is not None:
        query = query.where(scan_log.among(db.session.connection(), Presence.badge_id, badges)).with_for_update()
    return {(row.badge_id, row.zone, row.local_day): row for row in db.session.execute(query)}


def _logged(edition_id: int, badges: set[int] | None) -> dict[Key, list[Any]]:
    query = scan_log.rows_of(Scan.edition_id == edition_id)
    if badges is not None:
        query = query.where(scan_log.among(db.session.connection(), Scan.badge_id, badges))
    found: dict[Key, list[Any]] = defaultdict(list)
    for row in db.session.execute(query):
        found[(row.badge_id, row.zone, row.local_day)].append(row)
    return found


def _annulments(edition_id: int) -> int:
    """Mark as annulled what an annulment names, and nothing else; answers how many marks were wrong."""
    named = select(Scan.annuls_id).where(Scan.edition_id == edition_id, Scan.annuls_id.is_not(None))
    wrong = 0
    for mark in (True, False):
        which = Scan.id.in_(named) if mark else Scan.id.not_in(named)
        wrong += len(
            db.session.execute(
                update(Scan)
                .where(Scan.edition_id == edition_id, Scan.annulled.is_not(mark), which)
                .values(annulled=mark)
                .returning(Scan.id)
                .execution_options(synchronize_session=False)
            ).all()
        )
    return wrong
