"""Devices: paired once by a token that works once, recognized afterwards by a token of their own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock, ids
from expo_crm.onsite.domain.admission import Window
from expo_crm.onsite.domain.presence import rule_text
from expo_crm.onsite.models import AccessWindow, BadgeSetup, Device, DeviceBoot, Gate, Zone
from expo_crm.onsite.services import keys
from expo_crm.onsite.services.fast import first
from expo_crm.shows.models import Edition, Hall

PROFILES = ("gate", "gate_kiosk", "kiosk", "badge_print", "lead", "office")
PAIRING_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Post:
    """A device at its gate, with all that deciding on a scan needs, from one statement."""

    device_id: int
    device_name: str
    profile: str
    paired_at: dt.datetime | None
    revoked_at: dt.datetime | None
    seen_at: dt.datetime | None
    clock_offset_ms: int | None
    edition_id: int
    show_id: int
    slug: str
    edition_zh: str
    edition_en: str
    timezone: str
    starts_on: dt.date
    ends_on: dt.date
    counted_classes: tuple[str, ...]
    gate_id: int | None
    gate_code: str
    gate_zh: str
    gate_en: str
    zone: str
    direction: str
    classes: tuple[str, ...]
    any_time: bool
    anti_passback: str
    cooldown_minutes: int
    zone_classes: tuple[str, ...]
    period: str
    capacity: int | None
    restricted: bool
    stale_hours: int
    windows: tuple[Window, ...]
    pairing_no: int
    zones: tuple[str, ...]
    snapshot_version: int
    wipe: bool
    alarm_at: dt.datetime | None

    @property
    def allowed(self) -> bool:
        """May this device stand at this gate?"""
        return not self.zones or self.zone in self.zones

    @property
    def rule(self) -> str:
        """The zone's anti-passback as scans keep it."""
        return rule_text(self.anti_passback, self.cooldown_minutes)

    def period_of(self, day: dt.date) -> dt.date:
        """The day that stands for the period of ``day``: itself, or the first of the show."""
        return self.starts_on if self.period == "show" else day

    @property
    def offset(self) -> dt.timedelta | None:
        return None if self.clock_offset_ms is None else dt.timedelta(milliseconds=self.clock_offset_ms)


class _json_rows(FunctionElement[Any]):
    """Rows of a subquery as one JSON array; no rows are NULL or an empty array."""

    inherit_cache = True
    type = JSON()


@compiles(_json_rows, "postgresql")
def _json_rows_postgresql(element: Any, compiler: Any, **others: Any) -> str:
    return f"json_agg(json_build_array({compiler.process(element.clauses, **others)}))"


@compiles(_json_rows)
def _json_rows_sqlite(element: Any, compiler: Any, **others: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **others)}))"


_windows = (
    select(_json_rows(AccessWindow.class_code, AccessWindow.day, AccessWindow.opens_at, AccessWindow.closes_at))
    .where(AccessWindow.zone_id == Zone.id)
    .correlate(Zone)
    .scalar_subquery()
)
_POST = (
    select(
        Device.id,
        Device.name,
        Device.profile,
        Device.paired_at,
        Device.revoked_at,
        Device.seen_at,
        Device.clock_offset_ms,
        Edition.id,
        Edition.show_id,
        Edition.slug,
        Edition.name_zh,
        Edition.name_en,
        Edition.timezone,
        Edition.starts_on,
        Edition.ends_on,
        Edition.counted_classes,
        Gate.id,
        Gate.code,
        Gate.name_zh,
        Gate.name_en,
        Gate.zone,
        Gate.direction,
        Gate.classes,
        Gate.any_time,
        Zone.anti_passback,
        Zone.cooldown_minutes,
        Zone.classes,
        Zone.period,
        func.coalesce(Zone.capacity, Hall.capacity),
        Zone.restricted,
        Zone.stale_hours,
        _windows,
        Device.pairing_no,
        Device.zones,
        func.coalesce(BadgeSetup.feed_version, 0),
        Device.wipe,
        Device.alarm_at,
    )
    .select_from(Device)
    .join(Edition, Edition.id == Device.edition_id)
    .outerjoin(Gate, Gate.id == Device.gate_id)
    .outerjoin(Zone, and_(Zone.edition_id == Gate.edition_id, Zone.code == Gate.zone))
    .outerjoin(Hall, Hall.id == Zone.hall_id)
    .outerjoin(BadgeSetup, BadgeSetup.edition_id == Device.edition_id)
)
_BY_TOKEN = _POST.where(Device.token_hash == bindparam("token_hash"))
_BY_ID = _POST.where(Device.id == bindparam("device_id"))


def find_post(token: str) -> Post | None:
    """The device that holds this token, revoked ones too (the caller looks at ``revoked_at``)."""
    return _post(first(db.session.connection(), _BY_TOKEN, {"token_hash": ids.hash_token(token)}))


def get_post(device_id: int) -> Post:
    """The post of a device. Raises LookupError."""
    found = _post(db.session.connection().execute(_BY_ID, {"device_id": device_id}).first())
    if found is None:
        raise LookupError(f"no device {device_id}")
    return found


# A device that has no gate yet, or whose gate has no zone: what stands here instead of nothing.
_NEUTRAL = {
    17: "", 18: "", 19: "", 20: "", 21: "entry", 23: False, 24: "soft", 25: 0, 27: "day", 29: False, 30: 4,
}  # fmt: skip
_LISTS = (15, 22, 26, 33)
_GATE_FIRST = 16  # where the columns of gate and zone begin


def posts_at(device_id: int, gate_ids: Iterable[int]) -> list[Post]:
    """The posts that a device would have at these gates of its edition; gates of another one are left out."""
    out = []
    here = get_post(device_id)
    query = (
        select(
            Gate.id,
            Gate.code,
            Gate.name_zh,
            Gate.name_en,
            Gate.zone,
            Gate.direction,
            Gate.classes,
            Gate.any_time,
            Zone.anti_passback,
            Zone.cooldown_minutes,
            Zone.classes,
            Zone.period,
            func.coalesce(Zone.capacity, Hall.capacity),
            Zone.restricted,
            Zone.stale_hours,
            _windows,
        )
        .select_from(Gate)
        .outerjoin(Zone, and_(Zone.edition_id == Gate.edition_id, Zone.code == Gate.zone))
        .outerjoin(Hall, Hall.id == Zone.hall_id)
        .where(Gate.edition_id == here.edition_id, Gate.id.in_(sorted(gate_ids)))
    )
    for row in db.session.connection().execute(query):
        values = [getattr(here, name) for name in Post.__slots__]
        values[_GATE_FIRST : _GATE_FIRST + len(row)] = row
        out.append(_fill(values))
    return out


def _post(row: Any) -> Post | None:
    if row is None:
        return None
    return _fill(list(row))


def _fill(values: list[Any]) -> Post:
    for place, value in _NEUTRAL.items():
        if values[place] is None:
            values[place] = value
    for place in _LISTS:
        values[place] = tuple(values[place] or ())
    values[31] = tuple(_window(w) for w in values[31] or ())
    return Post(*values)


def _window(raw: list[Any]) -> Window:
    class_code, day, opens, closes = raw
    return Window(
        class_code,
        dt.date.fromisoformat(day) if day else None,
        dt.time.fromisoformat(opens),
        dt.time.fromisoformat(closes),
    )


def create_device(edition: Edition, gate: Gate | None, name: str, profile: str = "gate") -> tuple[Device, str]:
    """A device and its pairing token, which is shown once."""
    if profile not in PROFILES:
        raise ValueError(f"no profile {profile!r}")
    device = Device(edition_id=edition.id, gate_id=gate.id if gate else None, name=name, profile=profile)
    db.session.add(device)
    db.session.flush()
    audit.record("device.create", "device", device.id, edition_id=edition.id, changes={"name": [None, name]})
    return device, _offer(device)


def new_pairing(device: Device) -> str:
    """A new pairing token. The device's present token ends at once, a revocation is lifted when it is paired."""
    device.token_hash = None
    audit.record("device.new_pairing", "device", device.id, edition_id=device.edition_id)
    return _offer(device)


def _offer(device: Device) -> str:
    token = ids.new_token(128)
    device.pairing_hash = ids.hash_token(token)
    device.pairing_expires_at = clock.now() + dt.timedelta(minutes=PAIRING_MINUTES)
    db.session.flush()
    return token


def find_pairing(token: str) -> Device | None:
    """The device that waits for this token, while the token is good. Looking does not use it up."""
    found = db.session.scalar(select(Device).where(Device.pairing_hash == ids.hash_token(token)))
    if found is None or found.pairing_expires_at is None or found.pairing_expires_at < clock.now():
        return None
    return found


def pair(token: str) -> tuple[Device, str] | None:
    """Use a pairing token: (device, its own token), or None when it is used, late or wrong. Of two at once one gets it."""
    own, now = ids.new_token(256), clock.now()
    taken = db.session.execute(
        update(Device)
        .where(Device.pairing_hash == ids.hash_token(token), Device.pairing_expires_at >= now)
        .values(
            pairing_hash=None,
            pairing_expires_at=None,
            token_hash=ids.hash_token(own),
            paired_at=now,
            seen_at=now,
            revoked_at=None,
            clock_offset_ms=None,
            queue_length=0,
            pairing_no=Device.pairing_no + 1,
            boot_id="",
            last_seq=None,
            missing=0,
            key_ids=[],
            snapshot_version=None,
            snapshot_age_s=None,
            wipe=False,
        )
        .returning(Device.id)
        .execution_options(synchronize_session=False)
    ).scalar()
    if taken is None:
        return None
    device = db.session.get_one(Device, taken, populate_existing=True)
    keys.ensure_key(device.edition.show_id)  # its first page has a key to trust
    audit.record("device.pair", "device", device.id, edition_id=device.edition_id)
    return device, own


def revoke(device: Device, *, wipe: bool = False) -> None:
    """From now on the device is answered 401. Its token stays known, so that the device can be told why, and that it shall
    empty its storage once its queue is uploaded (``wipe``)."""
    device.revoked_at = device.revoked_at or clock.now()
    device.wipe = wipe
    device.pairing_hash = device.pairing_expires_at = None
    audit.record("device.revoke", "device", device.id, edition_id=device.edition_id, changes={"wipe": wipe})
    db.session.flush()


def assign(device: Device, gate: Gate | None) -> None:
    """Send a device to another gate of its edition."""
    if gate is not None and gate.edition_id != device.edition_id:
        raise ValueError("a gate of another edition")
    before = device.gate_id
    device.gate_id = gate.id if gate else None
    audit.record(
        "device.assign", "device", device.id, edition_id=device.edition_id, changes={"gate": [before, device.gate_id]}
    )
    db.session.flush()


@dataclass(frozen=True, slots=True)
class Beat:
    """What a device says of itself every quarter of a minute. ``offset_ms``: our clock minus its own, in this session.

    ``storage`` holds quota and usage in bytes and persisted; ``battery`` is in percent; ``key_ids`` are the keys that it holds.
    """

    queue: int = 0
    version: str = ""
    offset_ms: int | None = None
    boot_id: str = ""
    last_seq: int | None = None
    snapshot_version: int | None = None
    snapshot_age_s: int | None = None
    storage: dict[str, Any] | None = None
    battery: int | None = None
    key_ids: list[int] | None = None


def heartbeat(device_id: int, beat: Beat, *, missing: int = 0) -> None:
    """Note what a device says of itself. ``missing``: numbers of scans that neither we nor its queue hold."""
    now = clock.now()
    values: dict[str, Any] = {
        "seen_at": now,
        "queue_length": beat.queue,
        "app_version": beat.version[:60],
        "boot_id": beat.boot_id,
        "missing": missing,
    }
    told = {
        "clock_offset_ms": beat.offset_ms,
        "last_seq": beat.last_seq,
        "snapshot_version": beat.snapshot_version,
        "snapshot_age_s": beat.snapshot_age_s,
        "storage": beat.storage,
        "battery": beat.battery,
        "key_ids": beat.key_ids,
    }
    values |= {name: value for name, value in told.items() if value is not None}
    db.session.execute(
        update(Device).where(Device.id == device_id).values(values).execution_options(synchronize_session=False)
    )
    if beat.boot_id and beat.offset_ms is not None:
        remember_offset(device_id, beat.boot_id, beat.offset_ms)


def remember_offset(device_id: int, boot_id: str, offset_ms: int) -> None:
    """Keep how far the clock is off in this session of the device."""
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    values = {"offset_ms": offset_ms, "seen_at": clock.now()}
    db.session.execute(
        insert(DeviceBoot)
        .values(device_id=device_id, boot_id=boot_id, **values)
        .on_conflict_do_update(index_elements=["device_id", "boot_id"], set_=values)
    )


def seen(device_id: int) -> None:
    """A sign of life."""
    db.session.execute(
        update(Device)
        .where(Device.id == device_id)
        .values(seen_at=clock.now())
        .execution_options(synchronize_session=False)
    )
