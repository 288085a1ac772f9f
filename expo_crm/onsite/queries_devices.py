"""Reading the devices of an edition: what each of them lacks, and which of its scans never arrived."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.onsite import queries
from expo_crm.onsite.models import Device

NOT_STAFF = ("lead",)  # devices of exhibitors; their owners look after them


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
    held = queries.held(device.id, device.pairing_no, device.last_seq)
    return Gaps(max(held.seq, device.last_seq or 0), held.count, tuple(held.missing), device.queue_length)
