"""What people decide at the gates and in the office: each a row of the log of its own, with person and device.

Nothing that was logged is changed: an override stands beside the refusal, an annulment names the scan that it takes out of the
count, a reset is an exit that nobody walked.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock, text
from expo_crm.onsite.domain.reasons import ADMIT, ADMITTED, ATTENTION, OVERRIDABLE, RESETS, VOID
from expo_crm.onsite.models import Badge, Device, Gate, Presence, Scan, Zone
from expo_crm.onsite.services import scan_log
from expo_crm.onsite.services.scan_log import new_row
from expo_crm.onsite.services.scans import UuidReused, find_by_uuid

OFFICE = "office"  # the profile of the device under whose name staff act without one
ANNUL_MINUTES = 15  # how long a gate may annul its own scans; staff have no limit
# Annulments within an hour: more is no slip of the hand, but somebody who lets people in and takes their scans out of the count.
ANNULS_OF_DEVICE = 10
ANNULS_OF_PERSON = 60


class NotOverridable(Exception):
    """This refusal may not be set aside at the gate."""


class NotAnnullable(Exception):
    """Only an admission that still counts can be annulled. ``args[0]``: refused | annulled | late | other_gate | often."""


class NotInside(Exception):
    """The badge is not inside this zone."""


def office(edition_id: int) -> Device:
    """The device of an edition's office, made when first needed. It has no token: it only stands in the log."""
    found = db.session.scalar(select(Device).where(Device.edition_id == edition_id, Device.profile == OFFICE))
    if found is None:
        found = Device(edition_id=edition_id, name="办公室 Office", profile=OFFICE)
        db.session.add(found)
        db.session.flush()
    return found


def override(
    scan: Scan,
    reason: str,
    *,
    client_uuid: str | None = None,
    user_id: int | None = None,
    by: str = "",
    device_seq: int | None = None,
) -> Scan:
    """A person lets a refused badge pass, for a reason. A row of its own; the refusal stays in the log.

    Raises NotOverridable for a withdrawn, foreign or unknown badge. The same ``client_uuid`` again gives the same row.
    """
    device = db.session.get_one(Device, scan.device_id)
    key = client_uuid or str(uuid.uuid4())
    done = find_by_uuid(scan.device_id, key)
    if done is not None:
        if done.reason != "override" or done.badge_id != scan.badge_id:
            raise UuidReused(key)
        return done
    if scan.badge_id is None or scan.decision in ADMITTED or scan.reason not in OVERRIDABLE:
        raise NotOverridable(scan.reason)
    made = _write(
        device,
        key,
        device_seq=device_seq,
        gate_id=scan.gate_id,
        zone=scan.zone,
        direction=scan.direction,
        code_hash=scan.code_hash,
        badge_id=scan.badge_id,
        period=_period(scan.badge_id, scan.zone),
        decision=ATTENTION,
        reason="override",
        override_by=user_id,
        override_reason=_signed(reason, by),
        server_verdict=scan.reason,
        key_id=scan.key_id,
    )
    audit.record(
        "scan.override", "scan", made.id, edition_id=scan.edition_id, changes={"refused": scan.reason}, reason=reason
    )
    return made


def check_in(
    badge: Badge, gate: Gate, reason: str, *, user_id: int | None = None, by: str = "", direction: str = "entry"
) -> Scan:
    """Staff let a person in (or out) at a gate without a reading: a forgotten badge, a broken reader.

    ``reason`` is kept with the row. Raises ValueError for a gate of another edition. What the badge's state is, the person
    who does this has seen.
    """
    if gate.edition_id != badge.edition_id or direction not in {"entry", "exit"}:
        raise ValueError("a gate of another edition")
    made = _write(
        office(badge.edition_id),
        str(uuid.uuid4()),
        gate_id=gate.id,
        zone=gate.zone,
        direction=direction,
        code_hash="",
        badge_id=badge.id,
        period=_period(badge.id, gate.zone),
        decision=ADMIT,
        reason="manual",
        override_by=user_id,
        override_reason=_signed(reason, by),
    )
    audit.record("scan.manual", "scan", made.id, edition_id=badge.edition_id, reason=reason)
    return made


def annul(
    scan: Scan,
    reason: str,
    *,
    device: Device | None = None,
    client_uuid: str | None = None,
    user_id: int | None = None,
    by: str = "",
    device_seq: int | None = None,
) -> Scan:
    """Take an admission out of the count, for a reason; answers the row that says so. The scan itself stays in the log.

    With ``device`` it is asked for at a gate: only scans of that gate, and only for a quarter of an hour. Device and
    person have so many of them an hour. Raises NotAnnullable.
    The same ``client_uuid`` again gives the same row.
    """
    at = device or office(scan.edition_id)
    key = client_uuid or str(uuid.uuid4())
    done = find_by_uuid(at.id, key)
    if done is not None:
        if done.annuls_id != scan.id:
            raise UuidReused(key)
        return done
    scan_log.lock_badges(db.session.connection(), [] if scan.badge_id is None else [scan.badge_id])
    db.session.refresh(scan)
    now = clock.now()
    if scan.decision not in ADMITTED or scan.badge_id is None:
        raise NotAnnullable("refused")
    if scan.annulled:
        raise NotAnnullable("annulled")
    if device is not None and scan.gate_id != device.gate_id:
        raise NotAnnullable("other_gate")
    if device is not None and now - scan.received_at > dt.timedelta(minutes=ANNUL_MINUTES):
        raise NotAnnullable("late")
    if (device is not None or user_id is not None) and _annuls_lately(device, user_id, now) >= (
        ANNULS_OF_PERSON if device is None else ANNULS_OF_DEVICE
    ):
        raise NotAnnullable("often")
    db.session.execute(
        update(Scan).where(Scan.id == scan.id).values(annulled=True).execution_options(synchronize_session=False)
    )
    db.session.refresh(scan)
    made = _write(
        at,
        key,
        device_seq=device_seq,
        gate_id=scan.gate_id,
        zone=scan.zone,
        direction=scan.direction,
        code_hash=scan.code_hash,
        badge_id=scan.badge_id,
        period=scan.local_day,
        decision=VOID,
        reason="annulled",
        override_by=user_id,
        override_reason=_signed(reason, by),
        annuls_id=scan.id,
    )
    audit.record(
        "scan.annul", "scan", scan.id, edition_id=scan.edition_id, changes={"by_row": [None, made.id]}, reason=reason
    )
    return made


def _annuls_lately(device: Device | None, user_id: int | None, now: dt.datetime) -> int:
    """How many scans this gate device, or else this person, has annulled within the last hour."""
    own = Scan.override_by == user_id if device is None else Scan.device_id == device.id
    since = now - dt.timedelta(hours=1)
    query = select(func.count()).where(Scan.annuls_id.is_not(None), own, Scan.received_at > since)
    return db.session.scalar(query) or 0


def reset_inside(badge: Badge, zone: str, reason: str, *, user_id: int | None = None, by: str = "") -> Scan:
    """Say that a badge is no longer inside: its exit was not read. Raises NotInside."""
    scan_log.lock_badges(db.session.connection(), [badge.id])
    period = _period(badge.id, zone)
    there = db.session.scalar(
        select(Presence).where(Presence.badge_id == badge.id, Presence.zone == zone, Presence.local_day == period)
    )
    if there is None or not there.inside:
        raise NotInside(zone)
    made = _write(
        office(badge.edition_id),
        str(uuid.uuid4()),
        gate_id=gate_of(there),
        zone=zone,
        direction="exit",
        code_hash="",
        badge_id=badge.id,
        period=period,
        decision=ADMIT,
        reason=RESETS[0],
        override_by=user_id,
        override_reason=_signed(reason, by),
    )
    audit.record(
        "presence.reset", "badge", badge.id, edition_id=badge.edition_id, changes={"zone": zone}, reason=reason
    )
    return made


def reset_many(edition_id: int, there: Iterable[Presence], at: dt.datetime, key_of: Any) -> int:
    """Exits for badges that are still inside at ``at``: closing. ``key_of(presence)`` gives the uuid, so that it happens once.

    Answers how many rows were new.
    """
    connection = db.session.connection()
    device, now = office(edition_id), clock.now()
    found = list(there)
    scan_log.lock_badges(connection, (p.badge_id for p in found))
    rows = [
        new_row(
            edition_id=edition_id,
            device_id=device.id,
            client_uuid=key_of(p),
            gate_id=gate_of(p),
            zone=p.zone,
            direction="exit",
            code_hash="",
            badge_id=p.badge_id,
            corrected_at=at,
            received_at=now,
            local_day=p.local_day,
            decided_by="staff",
            decision=ADMIT,
            reason=RESETS[1],
        )
        for p in found
    ]
    made = scan_log.add_rows(connection, rows)
    scan_log.settle_keys(connection, edition_id, ((p.badge_id, p.zone, p.local_day) for p in found))
    db.session.expire_all()
    return len(made)


def gate_of(there: Presence) -> int:
    """A gate to stand in a row that nobody walked: where the badge came in first."""
    if there.first_gate_id is not None:
        return there.first_gate_id
    return db.session.scalars(
        select(Gate.id).where(Gate.edition_id == there.edition_id, Gate.zone == there.zone).order_by(Gate.id).limit(1)
    ).one()


def _signed(reason: str, by: str) -> str:
    return text.truncate(f"{reason} — {by}" if by else reason, 300)


def _period(badge_id: int, zone: str) -> dt.date:
    """The period of this moment in a zone of the badge's edition."""
    badge = db.session.get_one(Badge, badge_id)
    whole_show = db.session.scalar(
        select(Zone.id).where(Zone.edition_id == badge.edition_id, Zone.code == zone, Zone.period == "show")
    )
    return badge.edition.starts_on if whole_show else clock.local_day(clock.now(), badge.edition.timezone)


def _write(device: Device, key: str, *, period: dt.date, **values: Any) -> Scan:
    """One row by a person, and what follows from it."""
    connection, now = db.session.connection(), clock.now()
    scan_log.lock_badges(connection, [values["badge_id"]])
    edition_id = device.edition_id
    row = new_row(
        **{"decided_by": "staff", "corrected_at": now, "received_at": now, "local_day": period, **values},
        edition_id=edition_id,
        device_id=device.id,
        pairing_no=device.pairing_no,
        client_uuid=key,
    )
    scan_log.add_rows(connection, [row])
    scan_log.settle_keys(connection, edition_id, [(values["badge_id"], values["zone"], period)])
    made = find_by_uuid(device.id, key)
    assert made is not None
    return made
