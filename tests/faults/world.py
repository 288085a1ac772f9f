"""Zones, gates and paired devices by the services of the product."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from expo_crm.onsite.models import Gate, Zone
from expo_crm.onsite.services import devices
from expo_crm.shows.models import Edition


def add_gates(
    session: Any, edition_id: int, code: str, count: int, *, anti_passback: str, zone: str
) -> list[tuple[int, str]]:
    """So many gates of one zone, each with a paired device: (device id, token)."""
    edition = session.get_one(Edition, edition_id)
    if session.scalar(select(Zone.id).where(Zone.edition_id == edition_id, Zone.code == zone)) is None:
        session.add(
            Zone(
                edition_id=edition_id,
                code=zone,
                name_zh=zone,
                name_en=zone,
                anti_passback=anti_passback,
                auto_exit=False,
            )
        )
    made = []
    for number in range(count):
        gate = Gate(
            edition_id=edition_id, code=f"{code}-{number}", name_zh=f"{code}-{number}", name_en=f"{code}-{number}", zone=zone,
            direction="both", any_time=True,
        )  # fmt: skip
        session.add(gate)
        session.flush()
        device, pairing = devices.create_device(edition, gate, f"{code}-{number}")
        paired = devices.pair(pairing)
        assert paired is not None
        made.append((device.id, paired[1]))
    return made
