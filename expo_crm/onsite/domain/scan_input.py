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
MAX_SEQ = 2**53
SUSPECT = dt.timedelta(minutes=10)


class SchemaError(ValueError):
    """A field is missing or of the wrong kind; the message names it."""


@dataclass(frozen=True, slots=True)
class Command:
    """One reading as a device sends it. ``decided`` is the device's own decision, taken without network."""

    client_uuid: str
    code: str
    direction: str | None = None
    device_time: dt.datetime | None = None
    time_unreadable: bool = False
    device_seq: int | None = None
    decided: Verdict | None = None


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
    return Command(uuid, code, direction, device_time, unreadable, read_seq(raw.get("device_seq")), _decided(raw))


def read_seq(raw: Any) -> int | None:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= MAX_SEQ:
        raise SchemaError("device_seq")
    return raw


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

    The device's time plus the last known offset, never before its pairing nor after its arrival here.
    """
    if device_time is None:
        return received_at, unreadable
    at = device_time + (offset or dt.timedelta(0))
    earliest = min(paired_at or at, received_at)
    inside = min(max(at, earliest), received_at)
    suspect = abs(inside - at) > SUSPECT or (offset is not None and abs(offset) > SUSPECT)
    return inside, suspect
