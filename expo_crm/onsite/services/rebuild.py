"""Presence again from the log: the projection is a function of the set of scans, so the difference must be none."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.onsite.domain.presence import Passage, State, project
from expo_crm.onsite.domain.reasons import ADMITTED
from expo_crm.onsite.models import Presence, Scan

_FIELDS = ("first_entry_at", "first_gate_id", "last_at", "last_direction", "entries", "exits", "inside")
_Key = tuple[int, str, dt.date]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many rows the log gives, and how many of them were missing, different, or without any scan."""

    rows: int
    missing: int
    different: int
    surplus: int

    @property
    def differences(self) -> int:
        return self.missing + self.different + self.surplus


def rebuild(edition_id: int) -> Rebuilt:
    """Recompute presence of an edition from its scans and put right what differs."""
    wanted = {key: _row(edition_id, key, state) for key, state in _states(edition_id)}
    columns = [getattr(Presence, f) for f in _FIELDS]
    stored = {
        (row.badge_id, row.zone, row.local_day): row
        for row in db.session.execute(
            select(Presence.id, Presence.badge_id, Presence.zone, Presence.local_day, *columns).where(
                Presence.edition_id == edition_id
            )
        )
    }
    missing = [row for key, row in wanted.items() if key not in stored]
    different = [
        (stored[key].id, row)
        for key, row in wanted.items()
        if key in stored and any(getattr(stored[key], f) != row[f] for f in _FIELDS)
    ]
    surplus = [row.id for key, row in stored.items() if key not in wanted]
    if missing:
        db.session.execute(insert(Presence), missing)
    for row_id, row in different:
        db.session.execute(update(Presence).where(Presence.id == row_id).values({f: row[f] for f in _FIELDS}))
    for start in range(0, len(surplus), 500):
        db.session.execute(delete(Presence).where(Presence.id.in_(surplus[start : start + 500])))
    result = Rebuilt(len(wanted), len(missing), len(different), len(surplus))
    if result.differences:
        audit.record(
            "presence.rebuild",
            "edition",
            edition_id,
            edition_id=edition_id,
            changes={"differences": result.differences},
        )
    db.session.flush()
    return result


def _states(edition_id: int) -> Iterator[tuple[_Key, State]]:
    annulled = select(Scan.annuls_id).where(Scan.edition_id == edition_id, Scan.annuls_id.is_not(None))
    rows = db.session.execute(
        select(Scan.badge_id, Scan.zone, Scan.local_day, Scan.corrected_at, Scan.direction, Scan.gate_id).where(
            Scan.edition_id == edition_id,
            Scan.badge_id.is_not(None),
            Scan.decision.in_(ADMITTED),
            Scan.id.not_in(annulled),
        )
    )
    passages: dict[_Key, list[Passage]] = defaultdict(list)
    for badge_id, zone, day, at, direction, gate_id in rows:
        passages[(badge_id, zone, day)].append(Passage(at, direction, gate_id))
    for key, found in passages.items():
        yield key, project(found)


def _row(edition_id: int, key: _Key, state: State) -> dict[str, Any]:
    badge_id, zone, day = key
    return {
        "edition_id": edition_id,
        "badge_id": badge_id,
        "zone": zone,
        "local_day": day,
        **{field: getattr(state, field) for field in _FIELDS},
    }
