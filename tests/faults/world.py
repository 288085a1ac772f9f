"""Zones, gates and paired devices by the services of the product."""

from __future__ import annotations

from typing import Any

from expo_crm.onsite.models import Gate
from expo_crm.onsite.services import devices
from expo_crm.shows.models import Edition


def add_gates(
    session: Any, edition_id: int, code: str, count: int, *, anti_passback: str, zone: str
) -> list[tuple[int, str]]:
    """So many gates of one zone, each with a paired device: (device id, token)."""
    edition = session.get_one(Edition, edition_id)
    made = []
    for number in range(count):
        gate = Gate(
            edition_id=edition_id, code=f"{code}-{number}", name_zh=f"{code}-{number}", name_en=f"{code}-{number}", zone=zone,
            direction="both", anti_passback=anti_passback, any_time=True,
        )  # fmt: skip
        session.add(gate)
        session.flush()
        device, pairing = devices.create_device(edition, gate, f"{code}-{number}")
        paired = devices.pair(pairing)
        assert paired is not None
        made.append((device.id, paired[1]))
    return made
