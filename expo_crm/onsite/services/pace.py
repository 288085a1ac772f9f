"""How fast a device may scan, and when it reads too many foreign codes.

The pace is kept in memory, per process. A device that scans faster in one process than an eighth of its pace may be doing so in
others too: then the log, which all of them share, says how much it has scanned. So the pace holds for up to eight processes, and
the scans of a person, who never comes near it, cost no statement more. It protects the server from a device that runs wild,
nothing is decided by it.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from bisect import bisect_left
from collections.abc import Iterable

from sqlalchemy import func, select, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.models import Device, Scan
from expo_crm.onsite.services.devices import Post

BURST_SECONDS = 2.0  # of its rate that a device may have saved up: 40 scans at 20 a second
SHARED_SECONDS = 10.0  # the time over which the log is asked
PROCESSES = 8
FOREIGN = ("malformed", "bad_signature", "unknown_key", "unknown", "wrong_show")
ALARM_COUNT = 30
ALARM_WINDOW = dt.timedelta(minutes=1)
_FORGET = 10_000  # devices remembered; more than an installation has

# (device, pairing) → (scans saved up, those of them without a look at the log, when that was)
_saved: dict[tuple[int, dt.datetime | None], tuple[float, float, float]] = {}


def wait_seconds(post: Post, rate: float) -> int:
    """0 when this device may scan now at ``rate`` scans a second, else whole seconds to wait. A rate of 0 is no limit."""
    if rate <= 0:
        return 0
    key, now = (post.device_id, post.paired_at), time.monotonic()
    most, share = rate * BURST_SECONDS, rate / PROCESSES
    saved, unasked, then = _saved.get(key, (most, most / PROCESSES, now))
    saved = min(most, saved + (now - then) * rate)
    unasked = min(most / PROCESSES, unasked + (now - then) * share)
    if saved < 1:
        _saved[key] = saved, unasked, now
        return math.ceil((1 - saved) / rate)
    if len(_saved) > _FORGET:
        _saved.clear()
    ask = unasked < 1
    _saved[key] = saved - 1, unasked if ask else unasked - 1, now
    return 1 if ask and _logged(post) >= rate * (SHARED_SECONDS + BURST_SECONDS) else 0


def _logged(post: Post) -> int:
    """How many scans of this device the log has of the last seconds, whichever process they came to."""
    since = clock.now() - dt.timedelta(seconds=SHARED_SECONDS)
    query = select(func.count()).where(
        Scan.edition_id == post.edition_id, Scan.corrected_at > since, Scan.device_id == post.device_id, Scan.decided_by == "server"
    )
    return db.session.scalar(query) or 0


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
    return (count or 0) > ALARM_COUNT and _alarm(post, now, count or 0)


def note_foreign_queue(post: Post, times: Iterable[dt.datetime], now: dt.datetime) -> bool:
    """The same for a queue: ``times`` are those of its foreign codes. The alarm is of now, when people can hear of it."""
    at = sorted(times)
    most = max((bisect_left(at, start + ALARM_WINDOW) - number for number, start in enumerate(at)), default=0)
    return most > ALARM_COUNT and _alarm(post, now, most)


def _alarm(post: Post, now: dt.datetime, count: int) -> bool:
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
