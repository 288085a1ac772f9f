"""Presence, verdicts and conflicts again from the log: they are functions of the set of scans, so the difference must be none."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.onsite.domain.presence import settle
from expo_crm.onsite.models import Presence, Scan
from expo_crm.onsite.services import scan_log
from expo_crm.onsite.services.scan_log import FIELDS, Key


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many rows the log gives; how many of them were missing, different, or without any scan; and how many scans carried
    a verdict, a conflict or a mark of annulment that does not follow from the log."""

    rows: int
    missing: int
    different: int
    surplus: int
    verdicts: int = 0

    @property
    def differences(self) -> int:
        return self.missing + self.different + self.surplus + self.verdicts


def rebuild(edition_id: int) -> Rebuilt:
    """Recompute what follows from an edition's scans and put right what differs."""
    verdicts = _annulments(edition_id)
    wanted, changed = _from_log(edition_id)
    verdicts += len(changed)
    for row_id, verdict, conflict in changed:
        db.session.execute(
            update(Scan)
            .where(Scan.id == row_id)
            .values(server_verdict=verdict, conflict=conflict)
            .execution_options(synchronize_session=False)
        )
    columns = [getattr(Presence, f) for f in FIELDS]
    stored = {
        (row.badge_id, row.zone, row.local_day): row
        for row in db.session.execute(
            select(Presence.id, Presence.badge_id, Presence.zone, Presence.local_day, *columns).where(
                Presence.edition_id == edition_id
            )
        )
    }
    missing = [_row(edition_id, key, state) for key, state in wanted.items() if key not in stored]
    different = [
        (stored[key].id, state)
        for key, state in wanted.items()
        if key in stored and any(getattr(stored[key], f) != state[f] for f in FIELDS)
    ]
    surplus = [row.id for key, row in stored.items() if key not in wanted]
    if missing:
        scan_log.insert_presence(db.session.connection(), missing)
    for row_id, state in different:
        db.session.execute(
            update(Presence).where(Presence.id == row_id).values(state).execution_options(synchronize_session=False)
        )
    for start in range(0, len(surplus), scan_log.CHUNK):
        db.session.execute(
            delete(Presence)
            .where(Presence.id.in_(surplus[start : start + scan_log.CHUNK]))
            .execution_options(synchronize_session=False)
        )
    result = Rebuilt(len(wanted), len(missing), len(different), len(surplus), verdicts)
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


def _from_log(edition_id: int) -> tuple[dict[Key, dict[str, Any]], list[tuple[int, str, bool]]]:
    """(presence by key, rows whose verdict or conflict is another one)."""
    found: dict[Key, list[Any]] = defaultdict(list)
    for row in db.session.execute(scan_log.rows_of(Scan.edition_id == edition_id)):
        found[(row.badge_id, row.zone, row.local_day)].append(row)
    wanted: dict[Key, dict[str, Any]] = {}
    changed = []
    for key, rows in found.items():
        state, judged = settle(scan_log.as_row(r) for r in rows)
        if state.last_at is not None:
            wanted[key] = scan_log.fields_of(state)
        for row in rows:
            verdict = scan_log.verdict_of(row, judged)
            if verdict != (row.server_verdict, row.conflict):
                changed.append((row.id, *verdict))
    return wanted, changed


def _row(edition_id: int, key: Key, state: dict[str, Any]) -> dict[str, Any]:
    badge_id, zone, day = key
    return {"edition_id": edition_id, "badge_id": badge_id, "zone": zone, "local_day": day, **state}
