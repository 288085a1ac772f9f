"""Quarantine: what a withdrawn device still had in its queue. Nothing is lost and nothing is trusted.

Its scans are kept beside the log, without the text that was read, until a supervisor accepts or refuses them. Accepted, they
enter the log as what they are: that device's decisions, at their own times.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.domain import badge_code
from expo_crm.onsite.domain.admission import Verdict
from expo_crm.onsite.domain.scan_input import Command
from expo_crm.onsite.models import Badge, QuarantinedScan, Scan
from expo_crm.onsite.services import devices, scans
from expo_crm.onsite.services.devices import Post
from expo_crm.onsite.services.scans import Item, Reading, Sent


def keep(post: Post, commands: Sequence[Command], sent: Sent | None = None) -> list[str | Exception]:
    """Store a batch of a withdrawn device; answers "quarantined" or "replayed" for each, or UuidReused.

    A scan that was logged before the device was withdrawn stays logged and is "replayed". Nothing is judged.
    """
    connection, now = db.session.connection(), clock.now()
    logged = {
        row.client_uuid: row.body_hash
        for row in connection.execute(
            select(Scan.client_uuid, Scan.body_hash).where(
                Scan.device_id == post.device_id, Scan.client_uuid.in_({c.client_uuid for c in commands})
            )
        )
    }
    readings = scans.read_codes(connection, [c.code for c in commands])
    badges = _badges(post, readings)
    times = scans.corrected(connection, post, commands, sent or Sent(), now)
    rows = []
    for command, reading, (at, suspect) in zip(commands, readings, times, strict=True):
        rows.append(
            {
                "edition_id": post.edition_id,
                "device_id": post.device_id,
                "client_uuid": command.client_uuid,
                "device_seq": command.device_seq,
                "pairing_no": post.pairing_no,
                "gate_id": _gate(post, command),
                "badge_id": badges.get(reading.serial),
                "corrected_at": at,
                "received_at": now,
                "item": _item(command, reading, suspect),
                "body_hash": scans.body_hash(reading.code_hash, command.direction),
                "state": "waiting",
            }
        )
    known = logged | _waiting(post.device_id, commands)
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    out: list[str | Exception] = []
    fresh = []
    for row in rows:
        before = known.get(row["client_uuid"])
        if before is None:
            known[row["client_uuid"]] = row["body_hash"]
            fresh.append(row)
        elif before != row["body_hash"]:
            out.append(scans.UuidReused(row["client_uuid"]))
            continue
        out.append("quarantined" if before is None else "replayed")
    if fresh:
        statement = insert(QuarantinedScan).on_conflict_do_nothing(index_elements=["device_id", "client_uuid"])
        connection.execute(statement, fresh)
    return out


def _waiting(device_id: int, commands: Sequence[Command]) -> dict[str, str]:
    query = select(QuarantinedScan.client_uuid, QuarantinedScan.body_hash).where(
        QuarantinedScan.device_id == device_id, QuarantinedScan.client_uuid.in_({c.client_uuid for c in commands})
    )
    return {row.client_uuid: row.body_hash for row in db.session.execute(query)}


def _badges(post: Post, readings: Iterable[Reading]) -> dict[str, int]:
    serials = {r.serial for r in readings if r.payload and r.payload.edition_id == post.edition_id} - {""}
    query = select(Badge.serial, Badge.id).where(Badge.edition_id == post.edition_id, Badge.serial.in_(serials))
    return {row.serial: row.id for row in db.session.execute(query)} if serials else {}


def _gate(post: Post, command: Command) -> int | None:
    if command.gate_id is None or command.gate_id == post.gate_id:
        return post.gate_id
    return next((p.gate_id for p in devices.posts_at(post.device_id, [command.gate_id])), None)


def _item(command: Command, reading: Reading, suspect: bool) -> dict[str, Any]:
    payload = reading.payload
    return {
        "direction": command.direction,
        "device_time": command.device_time.isoformat() if command.device_time else None,
        "decided": [command.decided.status, command.decided.reason] if command.decided else None,
        "snapshot_version": command.snapshot_version,
        "suspect": suspect,
        "fault": reading.fault,
        "code_hash": reading.code_hash,
        "code": None
        if payload is None
        else {
            "kid": payload.kid,
            "purpose": int(payload.purpose),
            "edition_id": payload.edition_id,
            "serial": payload.serial_hex,
            "generation": payload.generation,
            "valid_from": payload.valid_from.isoformat(),
            "valid_to": payload.valid_to.isoformat(),
        },
    }


# -- what staff do with it -------------------------------------------------------------------------------------------


def waiting_query(edition_id: int) -> Select[Any]:
    """What waits for somebody, oldest first, with device, gate and badge."""
    return (
        select(QuarantinedScan)
        .where(QuarantinedScan.edition_id == edition_id, QuarantinedScan.state == "waiting")
        .order_by(QuarantinedScan.corrected_at, QuarantinedScan.id)
        .options(
            joinedload(QuarantinedScan.device), joinedload(QuarantinedScan.gate), joinedload(QuarantinedScan.badge)
        )
    )


def list_waiting(edition_id: int, limit: int = 500) -> list[QuarantinedScan]:
    return list(db.session.scalars(waiting_query(edition_id).limit(limit)))


def count_waiting(edition_id: int) -> int:
    query = select(func.count()).where(QuarantinedScan.edition_id == edition_id, QuarantinedScan.state == "waiting")
    return db.session.scalar(query) or 0


def accept(edition_id: int, ids: Iterable[int], user_id: int | None) -> int:
    """Let these scans enter the log; answers how many did. Those without a gate, or settled already, stay as they are.

    A scan that the device sent without a decision of its own is taken as an admission: it stood at the door.
    """
    done = 0
    for device_id, rows in _claimed(edition_id, ids).items():
        own = [r for r in rows if r.gate_id is not None]
        posts = {p.gate_id: p for p in devices.posts_at(device_id, {r.gate_id for r in own if r.gate_id})}
        items = [_as_item(r, posts[r.gate_id]) for r in own]
        answers = scans.log_items(db.session.connection(), items)
        for row, answer in zip(own, answers, strict=True):
            row.scan_id = answer.scan_id if answer else None
            _settle(row, "accepted", user_id)
        done += len(own)
    if done:
        audit.record("scan.quarantine_accept", "edition", edition_id, edition_id=edition_id, changes={"scans": done})
    db.session.flush()
    return done


def refuse(edition_id: int, ids: Iterable[int], user_id: int | None) -> int:
    """Leave these scans out for good; they stay on record as refused. Answers how many."""
    rows = [row for rows in _claimed(edition_id, ids).values() for row in rows]
    for row in rows:
        _settle(row, "refused", user_id)
    if rows:
        audit.record(
            "scan.quarantine_refuse", "edition", edition_id, edition_id=edition_id, changes={"scans": len(rows)}
        )
    db.session.flush()
    return len(rows)


def _claimed(edition_id: int, ids: Iterable[int]) -> dict[int, list[QuarantinedScan]]:
    """The waiting ones of these, held, by device."""
    wanted = sorted(set(ids))
    out: dict[int, list[QuarantinedScan]] = {}
    for start in range(0, len(wanted), 500):
        for row in db.session.scalars(
            select(QuarantinedScan)
            .where(
                QuarantinedScan.edition_id == edition_id,
                QuarantinedScan.state == "waiting",
                QuarantinedScan.id.in_(wanted[start : start + 500]),
            )
            .order_by(QuarantinedScan.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ):
            out.setdefault(row.device_id, []).append(row)
    return out


def _settle(row: QuarantinedScan, state: str, user_id: int | None) -> None:
    row.state, row.settled_by, row.settled_at = state, user_id, clock.now()


def _as_item(row: QuarantinedScan, post: Post) -> Item:
    kept = row.item
    code = kept["code"]
    payload = None
    if code is not None:
        payload = badge_code.Payload(
            kid=code["kid"],
            purpose=badge_code.Purpose(code["purpose"]),
            edition_id=code["edition_id"],
            serial=bytes.fromhex(code["serial"]),
            valid_from=dt.date.fromisoformat(code["valid_from"]),
            valid_to=dt.date.fromisoformat(code["valid_to"]),
            generation=code["generation"],
        )
    status, reason = kept["decided"] or ("admit", "ok")
    command = Command(
        client_uuid=row.client_uuid,
        code="",
        direction=kept["direction"],
        device_time=clock.parse_aware(kept["device_time"]) if kept["device_time"] else None,
        device_seq=row.device_seq,
        decided=Verdict(status, reason),
        gate_id=row.gate_id,
        snapshot_version=kept["snapshot_version"],
    )
    reading = Reading(kept["fault"], payload, kept["code_hash"])
    return Item(command, reading, post, row.corrected_at, kept["suspect"], row.received_at, row.pairing_no)
