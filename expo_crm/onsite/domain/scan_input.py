"""What a device may send, checked field by field. Time is never a reason to refuse a scan: a clock can be wrong."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from expo_crm.lib import clock
from expo_crm.onsite.domain.admission import Verdict
from expo_crm.onsite.domain.reasons import ADMITTED, DENY, NEED_INPUT, REASONS

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BOOT = re.compile(r"[0-9A-Za-z_-]{1,60}")
MAX_SEQ = 2**53
MAX_VERSION = 2**31 - 1
SUSPECT = dt.timedelta(minutes=10)


class SchemaError(ValueError):
    """A field is missing or of the wrong kind; the message names it."""


@dataclass(frozen=True, slots=True)
class Command:
    """One reading as a device sends it. ``decided`` is the device's own decision, taken without network, by the list with
    ``snapshot_version``; ``gate_id`` the gate where it was read; ``boot_id`` the session between two starts of the device, whose
    ``mono_ms`` never jump."""

    client_uuid: str
    code: str
    direction: str | None = None
    device_time: dt.datetime | None = None
    time_unreadable: bool = False
    device_seq: int | None = None
    decided: Verdict | None = None
    gate_id: int | None = None
    boot_id: str = ""
    mono_ms: int | None = None
    snapshot_version: int | None = None


def read_uuid(raw: Any) -> str:
    """The device's id of a scan, in small letters. Raises SchemaError."""
    if not isinstance(raw, str) or not _UUID.fullmatch(raw.lower()):
        raise SchemaError("client_uuid")
    return raw.lower()


def read_command(raw: Any) -> Command:
    """A command from decoded JSON. Raises SchemaError."""
    if not isinstance(raw, dict):
        raise SchemaError("object")
    uuid = read_uuid(raw.get("client_uuid"))
    code = raw.get("code")
    if not isinstance(code, str):
        raise SchemaError("code")
    direction = raw.get("direction")
    if direction not in (None, "entry", "exit"):
        raise SchemaError("direction")
    device_time, unreadable = read_time(raw.get("device_time"))
    return Command(
        uuid,
        code,
        direction,
        device_time,
        unreadable,
        read_number(raw, "device_seq"),
        _decided(raw),
        read_number(raw, "gate_id"),
        read_boot(raw),
        read_number(raw, "mono_ms"),
        read_number(raw, "snapshot_version", MAX_VERSION),
    )


def read_number(raw: dict[str, Any], name: str, most: int = MAX_SEQ) -> int | None:
    """A whole number from 0 on, or nothing. Raises SchemaError."""
    value = raw.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= most:
        raise SchemaError(name)
    return value


def read_boot(raw: dict[str, Any]) -> str:
    """The name of the session between two starts of a device; "" when it does not say. Raises SchemaError."""
    value = raw.get("boot_id")
    if value is None:
        return ""
    if not isinstance(value, str) or not _BOOT.fullmatch(value):
        raise SchemaError("boot_id")
    return value


def read_storage(raw: Any) -> dict[str, Any] | None:
    """Quota and usage of a device's storage in bytes, and whether it is kept for good. Raises SchemaError."""
    if raw is None:
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get("persisted", False), bool):
        raise SchemaError("storage")
    return {
        "quota": read_number(raw, "quota"),
        "usage": read_number(raw, "usage"),
        "persisted": raw.get("persisted", False),
    }


def read_key_ids(raw: Any) -> list[int] | None:
    """The keys that a device holds: at most eight numbers of one byte. Raises SchemaError."""
    if raw is None:
        return None
    if not isinstance(raw, list) or len(raw) > 8 or any(type(k) is not int or not 0 <= k <= 255 for k in raw):
        raise SchemaError("kids")
    return sorted(set(raw))


def read_time(raw: Any) -> tuple[dt.datetime | None, bool]:
    """(time, unreadable). Anything may come; what is no instant of this world becomes None."""
    if raw is None:
        return None, False
    if not isinstance(raw, str) or len(raw) > 40:
        return None, True
    try:
        at = clock.parse_aware(raw)
    except clock.TimeError:
        return None, True
    return (at, False) if 1900 <= at.year <= 2200 else (None, True)


def _decided(raw: dict[str, Any]) -> Verdict | None:
    given = raw.get("decided")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise SchemaError("decided")
    status, reason = given.get("status"), given.get("reason")
    if status not in (*ADMITTED, DENY, NEED_INPUT):
        raise SchemaError("decided.status")
    if not isinstance(reason, str) or reason not in REASONS:
        raise SchemaError("decided.reason")
    return Verdict(status, reason)


def correct(
    device_time: dt.datetime | None,
    unreadable: bool,
    offset: dt.timedelta | None,
    paired_at: dt.datetime | None,
    received_at: dt.datetime,
) -> tuple[dt.datetime, bool]:
    """(when it happened by our clock, whether the device's clock is doubtful).

    The device's time plus the last known ``offset`` of that session (ours minus the device's; None: no contact since it was
    started), never before its pairing nor after its arrival here.
    """
    if device_time is None:
        return received_at, unreadable
    try:
        at = device_time + (offset or dt.timedelta(0))
    except OverflowError:
        return received_at, True
    earliest = min(paired_at or at, received_at)
    inside = min(max(at, earliest), received_at)
    suspect = offset is None or abs(offset) > SUSPECT or abs(inside - at) > SUSPECT
    return inside, suspect


def jumped(
    sent_at: dt.datetime | None, sent_mono: int | None, read_at: dt.datetime | None, read_mono: int | None
) -> bool:
    """Was the device's clock set between reading and sending? Its steady clock tells how much time there really was."""
    if sent_at is None or sent_mono is None or read_at is None or read_mono is None:
        return False
    return abs((sent_at - read_at) - dt.timedelta(milliseconds=sent_mono - read_mono)) > SUSPECT
