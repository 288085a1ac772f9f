"""Reading the devices of an edition: what each of them lacks, and which of its scans never arrived."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.onsite.models import Device, Scan

NOT_STAFF = ("lead",)  # devices of exhibitors; their owners look after them
MOST_RANGES = 50


@dataclass(frozen=True, slots=True)
class Gaps:
    """Of one device's present pairing: the highest number it showed, how many scans we hold, and the numbers in between.

    ``waiting`` are those that the device still has in its queue, so only ``lost`` are worth a search.
    """

    shown: int
    held: int
    ranges: tuple[tuple[int, int], ...]
    waiting: int

    @property
    def missing(self) -> int:
        return self.shown - self.held

    @property
    def lost(self) -> int:
        return max(0, self.missing - self.waiting)


def list_staff_devices(edition_id: int) -> list[Device]:
    """The organizer's devices with their gates, by name."""
    return list(
        db.session.scalars(
            select(Device)
            .where(Device.edition_id == edition_id, Device.profile.not_in(NOT_STAFF))
            .order_by(Device.name, Device.id)
            .options(joinedload(Device.gate))
        )
    )


def gaps_of(device: Device) -> Gaps:
    """Which numbers of the present pairing are not here. Numbers have no gaps, so what is missing was shown and never arrived."""
    held, highest = db.session.execute(
        select(func.count(func.distinct(Scan.device_seq)), func.max(Scan.device_seq)).where(*_mine(device))
    ).one()
    shown = max(highest or 0, device.last_seq or 0)
    ranges = _ranges(device, highest or 0, shown) if shown > held else ()
    return Gaps(shown, held, ranges, device.queue_length)


def _mine(device: Device) -> tuple[Any, ...]:
    return (
        Scan.device_id == device.id,
        Scan.pairing_no == device.pairing_no,
        Scan.device_seq.is_not(None),
    )


def _ranges(device: Device, highest: int, shown: int) -> tuple[tuple[int, int], ...]:
    """The first few holes in 1…shown, from one statement that looks at each number and the one before it."""
    number = Scan.device_seq
    before = func.coalesce(func.lag(number).over(order_by=number), 0)
    steps = select(number.label("seq"), before.label("before")).where(*_mine(device)).distinct().subquery()
    rows = db.session.execute(
        select(steps.c.before, steps.c.seq)
        .where(steps.c.seq - steps.c.before > 1)
        .order_by(steps.c.seq)
        .limit(MOST_RANGES)
    )
    found = [(first + 1, last - 1) for first, last in rows]
    if shown > highest:
        found.append((highest + 1, shown))
    return tuple(found)


def newest_contact(edition_id: int) -> dt.datetime | None:
    """When any device was heard of last."""
    return db.session.scalar(select(func.max(Device.seen_at)).where(Device.edition_id == edition_id))
