"""What a withdrawn device of a stand still held: kept apart until somebody of the exhibitor takes it or leaves it out.

Nothing is lost by withdrawing a device, and nothing that comes from it afterwards is trusted: no lead is made, no note changed
and no visitor's data shown.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock
from expo_crm.onsite.domain import lead_input
from expo_crm.onsite.domain.lead_input import EditCommand, ScanCommand
from expo_crm.onsite.domain.scan_input import SchemaError
from expo_crm.onsite.models import Device, HeldLead, Lead
from expo_crm.onsite.services import leads
from expo_crm.onsite.services.leads import Reading, Receipt, UuidReused

HELD = "held"  # the result of a receipt
_NOTES = uuid.UUID("6f0e3a52-6d0f-4a53-9d5c-1b1a4f4d2c11")  # names of notes are made from this and their content


def keep_scans(device: Device, sent: Sequence[tuple[ScanCommand, Any]]) -> list[Receipt | Exception]:
    """Put readings aside, each with the body it came in; a receipt for each. What was stored before stays stored."""
    participation = leads.lock(device)
    found = leads.known_scans(device, [c.client_uuid for c, _raw in sent])
    registrations = leads.resolve(participation.edition_id, [c.code for c, _raw in sent])
    out: list[Receipt | Exception] = []
    for command, raw in sent:
        if command.client_uuid in found:
            receipt = leads.again(found[command.client_uuid], command)
            # What it brought is no longer this device's to see.
            out.append(receipt if isinstance(receipt, Exception) else dataclasses.replace(receipt, lead=None))
            continue
        reading = leads.reading_of(device, command, registrations.get(command.code))
        item = dataclasses.asdict(reading) | {"at": reading.at.isoformat()}
        item |= {name: raw[name] for name in ("details", "consent") if raw.get(name) is not None}
        known = _keep(device, command.client_uuid, item, reading.at, reading.registration_id)
        same = known is None or known.item.get("body_hash", reading.body_hash) == reading.body_hash
        out.append(Receipt(command.client_uuid, HELD, None, known is not None) if same else UuidReused(command.client_uuid))
    return out


def keep_notes(device: Device, command: EditCommand, raw: dict[str, Any]) -> None:
    """Put notes aside. Raises LookupError for notes on nothing that this device or its exhibitor has."""
    participation = leads.lock(device)
    lead_id = command.lead_id
    if command.client_uuid is not None and lead_id is None:
        stored = leads.known_scans(device, [command.client_uuid]).get(command.client_uuid)
        if stored is None:
            held = _find(device, command.client_uuid)
            if held is None or held.state != "waiting":
                raise LookupError("lead")
            notes = {name: raw[name] for name in ("details", "consent") if raw.get(name) is not None}
            held.item = {**held.item, "notes": [*held.item.get("notes", []), notes]}
            db.session.flush()
            return
        lead_id = stored.lead_id
    lead = db.session.get(Lead, lead_id) if lead_id else None
    if lead is None or lead.participation_id != participation.id:
        raise LookupError("lead")
    item = {"lead_id": lead.id, **{name: raw[name] for name in ("version", "details", "consent") if raw.get(name) is not None}}
    name = uuid.uuid5(_NOTES, f"{device.id} {json.dumps(item, sort_keys=True)}")  # sent again, it is the same
    _keep(device, str(name), item, clock.now(), lead.registration_id)


def _find(device: Device, client_uuid: str) -> HeldLead | None:
    return db.session.scalar(select(HeldLead).where(HeldLead.device_id == device.id, HeldLead.client_uuid == client_uuid))


def _keep(device: Device, key: str, item: dict[str, Any], at: Any, registration_id: int | None) -> HeldLead | None:
    """The row that was there already, or None when this one is new."""
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    values = {
        "participation_id": device.participation_id, "device_id": device.id, "client_uuid": key, "item": item, "at": at,
        "registration_id": registration_id, "received_at": clock.now(), "state": "waiting",
    }  # fmt: skip
    made = db.session.execute(
        insert(HeldLead).values(**values).on_conflict_do_nothing(index_elements=["device_id", "client_uuid"]).returning(HeldLead.id)
    ).scalar()
    return None if made is not None else _find(device, key)


# -- what the exhibitor does with it ---------------------------------------------------------------------------------


def count_waiting(participation_id: int) -> dict[int, int]:
    """{device: what waits of it}."""
    query = (
        select(HeldLead.device_id, func.count())
        .where(HeldLead.participation_id == participation_id, HeldLead.state == "waiting")
        .group_by(HeldLead.device_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query)}


def take(device: Device, user_id: int | None) -> int:
    """Make leads and notes of all that waits of this device; answers how many. A note that fits no question any more is left."""
    participation = leads.lock(device)
    rows = _claim(device)
    for row in rows:
        _apply(device, participation, row)
        _settle(row, "accepted", user_id)
    return _told(device, "lead.held_take", participation, len(rows))


def leave_out(device: Device, user_id: int | None) -> int:
    """Forget what waits of this device; answers how many. That it came stays on record."""
    participation = leads.lock(device)
    rows = _claim(device)
    for row in rows:
        _settle(row, "refused", user_id)
    return _told(device, "lead.held_refuse", participation, len(rows))


def _claim(device: Device) -> list[HeldLead]:
    query = select(HeldLead).where(HeldLead.device_id == device.id, HeldLead.state == "waiting").order_by(HeldLead.at, HeldLead.id)
    return list(db.session.scalars(query.with_for_update().execution_options(populate_existing=True)))


def _apply(device: Device, participation: Participation, row: HeldLead) -> None:
    item = row.item
    if "lead_id" in item:
        lead = db.session.get(Lead, item["lead_id"])
        notes = [item]
    else:
        fields = {name: item[name] for name in Reading.__slots__ if name not in {"at", "registration_id"}}
        reading = Reading(**fields, at=row.at, registration_id=row.registration_id)
        if leads.known_scans(device, [row.client_uuid]):
            return
        _scan, lead = leads.add_reading(device, participation, reading)
        notes = [item, *item.get("notes", [])]
    if lead is None:
        return
    for raw in notes:
        try:
            command = lead_input.read_edit(
                {"lead_id": lead.id, **{n: raw[n] for n in ("version", "details", "consent") if raw.get(n) is not None}}
            )
            leads.edit_by_device(device, command)
        except SchemaError:
            continue


def _settle(row: HeldLead, state: str, user_id: int | None) -> None:
    row.state, row.settled_by, row.settled_at, row.item = state, user_id, clock.now(), {}


def _told(device: Device, action: str, participation: Participation, number: int) -> int:
    if number:
        audit.record(action, "device", device.id, edition_id=participation.edition_id, changes={"items": number})
    db.session.flush()
    return number
