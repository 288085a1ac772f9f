"""Presence: what a set of scans says about one badge in one zone and period, and what each of a device's decisions is worth.

Both are functions of the *set*: order and repetition of uploads change nothing. The set is put into the order in which things
happened (``in_order``) and read once (``settle``). An admission that is newer than everything known can also be added to the
state alone (``advance``), which is what a gate with a network does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from expo_crm.onsite.domain.admission import Presence, passback
from expo_crm.onsite.domain.reasons import DENY, DUPLICATES

AGREES = "agrees"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the log, as far as it matters here. ``uuid`` tells rows of one set apart.

    ``counted``: an admission that stands, in either direction. ``walked``: somebody went through a gate (a reset is an exit
    that nobody walked). ``judged``: a device decided without us; ``admitted`` is its decision, ``badge_verdict`` what we would
    have refused the badge for by itself, ``rule`` the zone's anti-passback then, as "hard" or "timed:30".
    """

    uuid: str
    at: dt.datetime
    device_id: int
    direction: str  # entry | exit
    gate_id: int
    seq: int | None = None
    pairing_no: int = 0
    suspect: bool = False
    counted: bool = True
    walked: bool = True
    judged: bool = False
    admitted: bool = True
    badge_verdict: str = ""
    rule: str = "off"


@dataclass(frozen=True, slots=True)
class State:
    """The projection. ``duplicates``: entries that the zone's rule would have refused, had the doors known of each other.
    ``suspect``: a doubtful clock takes part, so nothing may be added without reading the whole set again."""

    first_entry_at: dt.datetime | None = None
    first_gate_id: int | None = None
    last_at: dt.datetime | None = None
    last_direction: str = ""
    entries: int = 0
    exits: int = 0
    duplicates: int = 0
    suspect: bool = False

    @property
    def inside(self) -> bool:
        """The last counted event is an entry. An exit without entry leaves nobody inside, and is never subtracted."""
        return self.last_direction == "entry"

    @property
    def known(self) -> Presence:
        """The same as the decision wants it."""
        return Presence(self.entries, self.inside, self.first_entry_at, self.last_at)


NOBODY = State()


def rule_text(anti_passback: str, cooldown_minutes: int) -> str:
    """A zone's rule as it is kept with a scan."""
    return f"timed:{cooldown_minutes}" if anti_passback == "timed" else anti_passback


def _rule(text: str) -> tuple[str, dt.timedelta]:
    name, _colon, minutes = text.partition(":")
    return name, dt.timedelta(minutes=int(minutes or 0))


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The set as it happened: by time, device, number. Where a device's clock is doubtful its numbers decide: a row is never
    earlier than one with a smaller number (``at`` of the answer says when it is taken to have happened)."""
    rows = list(rows)
    doubtful = {(r.device_id, r.pairing_no) for r in rows if r.suspect}
    if doubtful:
        latest: dict[tuple[int, int], dt.datetime] = {}
        fixed = []
        for row in sorted(rows, key=lambda r: (-1 if r.seq is None else r.seq, r.at, r.uuid)):
            journal = (row.device_id, row.pairing_no)
            if journal in doubtful and row.seq is not None:
                latest[journal] = max(row.at, latest.get(journal, row.at))
                row = replace(row, at=latest[journal])
            fixed.append(row)
        rows = fixed
    return sorted(rows, key=lambda r: (r.at, r.device_id, r.pairing_no, -1 if r.seq is None else r.seq, r.uuid))


def advance(state: State, row: Row, *, duplicate: bool = False) -> State:
    """The state after one more counted row, which happened last of all."""
    entry = row.direction == "entry"
    first = entry and state.first_entry_at is None
    return State(
        first_entry_at=row.at if first else state.first_entry_at,
        first_gate_id=row.gate_id if first else state.first_gate_id,
        last_at=row.at,
        last_direction=row.direction,
        entries=state.entries + entry,
        exits=state.exits + (not entry and row.walked),
        duplicates=state.duplicates + duplicate,
        suspect=state.suspect or row.suspect,
    )


def settle(rows: Iterable[Row]) -> tuple[State, dict[str, str]]:
    """(state, server's verdict by uuid of the judged rows). A verdict is "agrees" or the reason that we would have given."""
    state, verdicts = NOBODY, {}
    for row in in_order(rows):
        duplicate = False
        if row.judged:
            reason = row.badge_verdict or _again(state, row)
            agrees = row.admitted == (not reason)
            verdicts[row.uuid] = AGREES if agrees else reason or "ok"
            duplicate = row.admitted and reason in DUPLICATES and row.direction == "entry"
        if row.counted:
            state = advance(state, row, duplicate=duplicate)
    return state, verdicts


def _again(state: State, row: Row) -> str:
    """The zone's rule on this row, "" when it would have let it pass."""
    if row.direction == "exit":
        return ""
    name, cooldown = _rule(row.rule)
    found = passback(state.known, name, cooldown, row.at)
    if found is None or found.status != DENY or (row.suspect and found.reason == "cooldown"):
        return ""
    return found.reason
