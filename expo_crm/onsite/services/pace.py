"""How fast a device may scan, and when it reads too many foreign codes.

The pace is kept in memory, per process: a look at a shared store would cost more than the scan. A device keeps its connection and
so mostly meets one process; with n web processes it is let through at most n times as fast. It protects the server from a device
that runs wild, nothing is decided by it.
"""

from __future__ import annotations

import datetime as dt
import math
import time

from sqlalchemy import func, select, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.onsite.models import Device, Scan
from expo_crm.onsite.services.devices import Post

BURST_SECONDS = 2.0  # of its rate that a device may have saved up: 40 scans at 20 a second
FOREIGN = ("malformed", "bad_signature", "unknown_key", "unknown", "wrong_show")
ALARM_COUNT = 30
ALARM_WINDOW = dt.timedelta(minutes=1)
_FORGET = 10_000  # devices remembered; more than an installation has

# (device, pairing) → (scans saved up, when that was)
_saved: dict[tuple[int, dt.datetime | None], tuple[float, float]] = {}


def wait_seconds(post: Post, rate: float) -> int:
    """0 when this device may scan now at ``rate`` scans a second, else whole seconds to wait. A rate of 0 is no limit."""
    if rate <= 0:
        return 0
    key, now = (post.device_id, post.paired_at), time.monotonic()
    saved, then = _saved.get(key, (rate * BURST_SECONDS, now))
    saved = min(rate * BURST_SECONDS, saved + (now - then) * rate)
    if saved < 1:
        _saved[key] = saved, now
        return math.ceil((1 - saved) / rate)
    if len(_saved) > _FORGET:
        _saved.clear()
    _saved[key] = saved - 1, now
    return 0


def note_foreign(post: Post, now: dt.datetime) -> bool:
    """After a code that is none of ours: does this device read more than thirty of them a minute? Then it is marked, once a
    minute, for the people who watch the devices."""
    count = db.session.scalar(
        select(func.count()).where(
            Scan.edition_id == post.edition_id,
            Scan.corrected_at > now - ALARM_WINDOW,
            Scan.device_id == post.device_id,
            Scan.reason.in_(FOREIGN),
        )
    )
    if (count or 0) <= ALARM_COUNT:
        return False
    marked = db.session.execute(
        update(Device)
        .where(Device.id == post.device_id, func.coalesce(Device.alarm_at, now - 2 * ALARM_WINDOW) < now - ALARM_WINDOW)
        .values(alarm_at=now)
        .returning(Device.id)
        .execution_options(synchronize_session=False)
    ).scalar()
    if marked is not None:
        audit.record("device.alarm", "device", marked, edition_id=post.edition_id, changes={"foreign_codes": count})
    return True
