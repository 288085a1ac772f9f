"""The scan log and its projection: adding rows, and computing anew what follows from a set of them.

Two ways lead here. A gate with a network adds one admission that is the newest of its badge: ``write_one`` carries it into
presence in one statement that only holds if presence is still what the decision was made on. Everything else (queues, annulments,
resets, work by hand) adds rows by ``add_rows`` and calls ``settle_keys``, which reads all rows of the badges it touches and
writes presence, verdicts and conflicts as functions of the set.

Written in SQL expressions, not through the ORM's unit of work, which costs half of the speed on this path.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    column,
    delete,
    false,
    func,
    literal_column,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.faults import point
from expo_crm.onsite.domain import presence as projection
from expo_crm.onsite.domain.presence import AGREES, State, settle
from expo_crm.onsite.domain.reasons import ADMITTED, RESETS, VOID
from expo_crm.onsite.models import Badge, Presence, Scan
from expo_crm.onsite.services.fast import first

Key = tuple[int, str, dt.date]  # badge, zone, period
CHUNK = 500

_scan: Any = Scan.__table__
_presence: Any = Presence.__table__
COLUMNS = tuple(c.name for c in _scan.c if c.name != "id")
FIELDS = (
    "first_entry_at",
    "first_gate_id",
    "last_at",
    "last_direction",
    "entries",
    "exits",
    "inside",
    "duplicates",
    "suspect",
)
_ROW = (
    _scan.c.id,
    _scan.c.badge_id,
    _scan.c.zone,
    _scan.c.local_day,
    _scan.c.client_uuid,
    _scan.c.corrected_at,
    _scan.c.device_id,
    _scan.c.direction,
    _scan.c.gate_id,
    _scan.c.device_seq,
    _scan.c.pairing_no,
    _scan.c.clock_suspect,
    _scan.c.decision,
    _scan.c.reason,
    _scan.c.decided_by,
    _scan.c.annulled,
    _scan.c.badge_verdict,
    _scan.c.rule,
    _scan.c.server_verdict,
    _scan.c.conflict,
)


def new_row(**values: Any) -> dict[str, Any]:
    """Values of one row of the log; what is not given stands at its neutral value."""
    return {**_NEUTRAL, **values}


_NEUTRAL: dict[str, Any] = {
    "device_seq": None,
    "pairing_no": 0,
    "badge_id": None,
    "device_time": None,
    "decided_by": "server",
    "override_by": None,
    "override_reason": "",
    "server_verdict": "",
    "device_verdict": "",
    "conflict": False,
    "badge_verdict": "",
    "rule": "",
    "clock_suspect": False,
    "annuls_id": None,
    "annulled": False,
    "repeat_of_id": None,
    "key_id": None,
    "snapshot_version": None,
    "body_hash": "",
}


# -- one row ---------------------------------------------------------------------------------------------------------


def _inserted(dialect: str, table: Any) -> Any:
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)


# What a server's own decision never has: it stands in the text of the statement instead of being sent each time.
_FIXED = {
    "decided_by": "server",
    "override_by": None,
    "override_reason": "",
    "server_verdict": "",
    "device_verdict": "",
    "conflict": False,
    "badge_verdict": "",
    "clock_suspect": False,
    "annuls_id": None,
    "annulled": False,
}
_GIVEN = tuple(name for name in COLUMNS if name not in _FIXED)


def _literal(name: str) -> ColumnElement[Any]:
    value = _FIXED[name]
    if value is None:
        return cast(null(), _scan.c[name].type)
    return false() if value is False else literal_column(f"'{value}'", _scan.c[name].type)


@cache
def _log_only(dialect: str) -> Any:
    values: dict[str, Any] = {name: bindparam(name) for name in _GIVEN} | {name: _literal(name) for name in _FIXED}
    return (
        _inserted(dialect, _scan)
        .values(values)
        .on_conflict_do_nothing(index_elements=["device_id", "client_uuid"])
        .returning(_scan.c.id)
    )


def _unchanged() -> ColumnElement[bool]:
    """Presence still is what was read: every passage moves one of these."""
    return and_(
        _presence.c.id == bindparam("presence_id"),
        _presence.c.entries == bindparam("was_entries"),
        _presence.c.exits == bindparam("was_exits"),
        _presence.c.last_at == bindparam("was_last_at", type_=_presence.c.last_at.type),
        _presence.c.last_direction == bindparam("was_direction"),
        _presence.c.suspect.is_(False),
    )


_NEXT = {
    name: bindparam(f"p_{name}", type_=_presence.c[name].type)
    for name in ("first_entry_at", "first_gate_id", "last_at", "last_direction", "entries", "exits", "inside")
}


@cache
def _carry(dialect: str, first: bool) -> Any:
    """Presence with one more passage: a new row, or the known one if it is unchanged. Answers its id, or nothing."""
    if first:
        return (
            _inserted(dialect, _presence)
            .values(
                edition_id=bindparam("edition_id"),
                badge_id=bindparam("badge_id"),
                zone=bindparam("zone"),
                local_day=bindparam("local_day"),
                duplicates=literal_column("0", _presence.c.duplicates.type),
                suspect=false(),
                **_NEXT,
            )
            .on_conflict_do_nothing(index_elements=["badge_id", "zone", "local_day"])
            .returning(_presence.c.id)
        )
    return update(_presence).where(_unchanged()).values(**_NEXT).returning(_presence.c.id)


@cache
def _log_and_carry(first: bool) -> Any:
    """PostgreSQL: both in one statement; the log is only written when presence was carried on."""
    carried = _carry("postgresql", first).cte("carried")
    columns = [bindparam(name, type_=_scan.c[name].type).label(name) for name in _GIVEN]
    columns += [_literal(name).label(name) for name in _FIXED]
    logged = (
        postgresql.insert(_scan)
        .from_select([*_GIVEN, *_FIXED], select(*columns).select_from(carried))
        .on_conflict_do_nothing(index_elements=["device_id", "client_uuid"])
        .returning(_scan.c.id)
        .cte("logged")
    )
    return select(select(carried.c.id).scalar_subquery(), select(logged.c.id).scalar_subquery())


def write_one(
    connection: Connection, values: dict[str, Any], before: State | None, presence_id: int | None
) -> tuple[bool, int | None]:
    """Log one decision of the server. ``before`` is the state it was made on, for an admission; None carries nothing.

    Answers (presence was still the same, id of the row or None when its key is taken). Nothing is written for ``False``.
    """
    if before is None:
        logged = first(connection, _log_only(connection.dialect.name), {name: values[name] for name in _GIVEN})
        return True, logged[0] if logged is not None else None
    row = projection.Row(
        values["client_uuid"], values["corrected_at"], values["device_id"], values["direction"], values["gate_id"]
    )
    after = projection.advance(before, row)
    given = {
        **values,
        "p_first_entry_at": after.first_entry_at,
        "p_first_gate_id": after.first_gate_id,
        "p_last_at": after.last_at,
        "p_last_direction": after.last_direction,
        "p_entries": after.entries,
        "p_exits": after.exits,
        "p_inside": after.inside,
    }
    if presence_id is not None:
        given |= {
            "presence_id": presence_id,
            "was_entries": before.entries,
            "was_exits": before.exits,
            "was_last_at": before.last_at,
            "was_direction": before.last_direction,
        }
    if connection.dialect.name == "postgresql":
        carried, scan_id = first(connection, _log_and_carry(presence_id is None), given)
        point("after_insert")
        return carried is not None, scan_id
    scan_id = connection.execute(
        _log_only("sqlite"), values
    ).scalar()  # one writer at a time, so nothing can have moved
    point("after_insert")
    if scan_id is not None:
        connection.execute(_carry("sqlite", presence_id is None), given).scalar()
    return True, scan_id


# -- sets of rows ----------------------------------------------------------------------------------------------------


@cache
def _log_many(dialect: str) -> Any:
    """Many rows. PostgreSQL gets them as one JSON text: a statement with as many parameters takes longer to read than to do."""
    if dialect == "postgresql":
        given = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
        rows = given.table_valued(*(column(n, _scan.c[n].type) for n in COLUMNS)).render_derived("r", with_types=True)
        statement: Any = postgresql.insert(_scan).from_select(list(COLUMNS), select(*(rows.c[name] for name in COLUMNS)))
    else:
        statement = sqlite.insert(_scan)
    return statement.on_conflict_do_nothing(index_elements=["device_id", "client_uuid"]).returning(
        _scan.c.id, _scan.c.client_uuid, _scan.c.device_id
    )


def add_rows(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[tuple[int, str], int]:
    """Log many rows at once; answers {(device, uuid): id} of those that were not there yet."""
    out: dict[tuple[int, str], int] = {}
    dialect = connection.dialect.name
    for start in range(0, len(rows), CHUNK):
        part: Any = rows[start : start + CHUNK]
        if dialect == "postgresql":
            part = {"rows": json.dumps(part, default=lambda at: at.isoformat())}
        found = connection.execute(_log_many(dialect), part)
        out.update({(row.device_id, row.client_uuid): row.id for row in found})
    return out


def among(connection: Connection, of: Any, values: Iterable[Any]) -> ColumnElement[bool]:
    """SQL: this column has one of these values. One array on PostgreSQL, for the same reason."""
    wanted = sorted(set(values))
    if connection.dialect.name == "postgresql":
        return of == any_(cast(bindparam(None, wanted, type_=ARRAY(of.type)), ARRAY(of.type)))
    return of.in_(wanted)


def lock_badges(connection: Connection, badge_ids: Iterable[int]) -> None:
    """Hold these badges until the end of the transaction, in one order, so that sets are settled one after the other.

    Without this, two queues with one badge would each compute its presence without the other's rows.
    """
    ids = sorted(set(badge_ids))
    for start in range(0, len(ids), CHUNK):
        part = among(connection, Badge.id, ids[start : start + CHUNK])
        # A gate's log row needs the badge to stay, not to stand still: it does not wait for this.
        connection.execute(select(Badge.id).where(part).order_by(Badge.id).with_for_update(key_share=True))


def lock_zone(connection: Connection, edition_id: int, zone: str) -> None:
    """Let one door after the other admit into this zone until the end of the transaction. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        first(connection, _ZONE_LOCK, {"zone_key": f"zone {edition_id} {zone}"})


_ZONE_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("zone_key", type_=Text), literal_column("0"))))


@cache
def _hold_presence(dialect: str) -> Any:
    """The row of a key, made or held: who adds a newest passage meanwhile waits and finds it changed."""
    statement = _inserted(dialect, _presence)
    return statement.on_conflict_do_update(
        index_elements=["badge_id", "zone", "local_day"], set_={"edition_id": statement.excluded.edition_id}
    )


def rows_of(query_filter: ColumnElement[bool]) -> Select[Any]:
    """The rows that presence and verdicts are computed from."""
    return select(*_ROW).where(_scan.c.badge_id.is_not(None), _scan.c.decision != VOID, query_filter)


def as_row(row: Row[Any]) -> projection.Row:
    admitted = row.decision in ADMITTED
    return projection.Row(
        uuid=row.client_uuid,
        at=row.corrected_at,
        device_id=row.device_id,
        direction=row.direction,
        gate_id=row.gate_id,
        seq=row.device_seq,
        pairing_no=row.pairing_no,
        suspect=row.clock_suspect,
        counted=admitted and not row.annulled,
        walked=row.reason not in RESETS,
        judged=row.decided_by == "device" and not row.annulled,
        admitted=admitted,
        badge_verdict=row.badge_verdict,
        rule=row.rule,
    )


def settle_keys(connection: Connection, edition_id: int, keys: Iterable[Key]) -> dict[int, tuple[str, bool]]:
    """Compute presence, verdicts and conflicts of these keys from the log; the badges must be locked.

    Answers {scan: (server's verdict, conflict)} of the rows that devices decided.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    _hold(connection, edition_id, wanted)
    found: dict[Key, list[Row[Any]]] = {key: [] for key in wanted}
    badges = sorted({key[0] for key in wanted})
    for start in range(0, len(badges), CHUNK):
        for row in connection.execute(rows_of(among(connection, _scan.c.badge_id, badges[start : start + CHUNK]))):
            key = (row.badge_id, row.zone, row.local_day)
            if key in found:
                found[key].append(row)
    verdicts: dict[int, tuple[str, bool]] = {}
    changed: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    empty: list[dict[str, Any]] = []
    for key, rows in found.items():
        state, judged = settle(as_row(r) for r in rows)
        if state.last_at is None:
            empty.append(dict(zip(("b_badge", "b_zone", "b_day"), key, strict=True)))
        else:
            states.append(dict(zip(("b_badge", "b_zone", "b_day"), key, strict=True)) | fields_of(state))
        for row in rows:
            verdict, conflict = verdict_of(row, judged)
            if row.decided_by == "device":
                verdicts[row.id] = verdict, conflict
            if (verdict, conflict) != (row.server_verdict, row.conflict):
                changed.append({"b_id": row.id, "server_verdict": verdict, "conflict": conflict})
    if states:
        connection.execute(_set_presence(), states)
    if empty:
        connection.execute(_drop_presence(), empty)
    if changed:
        connection.execute(_set_verdict(), changed)
    return verdicts


def verdict_of(row: Row[Any], judged: dict[str, str]) -> tuple[str, bool]:
    """(server's verdict, conflict) of a row: as judged with its set; what the server decided itself stays as it is."""
    verdict = judged.get(row.client_uuid)
    if row.decided_by != "device":
        return row.server_verdict, row.conflict
    return verdict or "", verdict is not None and verdict != AGREES


def fields_of(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in FIELDS}


def _hold(connection: Connection, edition_id: int, keys: list[Key]) -> None:
    passage = {"last_at": dt.datetime.fromtimestamp(0, dt.UTC), "last_direction": "", "entries": 0, "exits": 0}
    passage |= {"inside": False, "duplicates": 0, "suspect": True, "first_entry_at": None, "first_gate_id": None}
    connection.execute(
        _hold_presence(connection.dialect.name),
        [
            {"edition_id": edition_id, "badge_id": badge, "zone": zone, "local_day": day, **passage}
            for badge, zone, day in keys
        ],
    )


@cache
def _this_key() -> ColumnElement[bool]:
    return and_(
        _presence.c.badge_id == bindparam("b_badge"),
        _presence.c.zone == bindparam("b_zone"),
        _presence.c.local_day == bindparam("b_day"),
    )


@cache
def _set_presence() -> Any:
    return update(_presence).where(_this_key()).values({name: bindparam(name) for name in FIELDS})


@cache
def _drop_presence() -> Any:
    return delete(_presence).where(_this_key())


@cache
def _set_verdict() -> Any:
    return (
        update(_scan)
        .where(_scan.c.id == bindparam("b_id"))
        .values(server_verdict=bindparam("server_verdict"), conflict=bindparam("conflict"))
    )
