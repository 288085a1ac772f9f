"""The badges of the demonstration: a sheet for everybody, labels for those who come without registration, and a print station."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from expo_crm.lib import clock
from expo_crm.onsite.domain import layout
from expo_crm.onsite.models import BadgeLayout, BadgeLayoutClass, Device

if TYPE_CHECKING:
    from expo_crm.demo.world import World

LABELS = ("exhibitor", "crew")


def add_desk(world: World, edition: dict[str, Any]) -> None:
    """Two layouts, and the printer at the registration desk."""
    at = clock.now() - dt.timedelta(days=30)
    for name, drawn, standard in (
        ("A4 四联胸卡", layout.sheet_layout(), True),
        ("展商标签 100 × 70", layout.label_layout(), False),
    ):
        made = world.add(
            BadgeLayout, edition_id=edition["id"], name=name, medium=drawn.media.kind, spec=drawn.to_json(), standard=standard, version=1,
            updated_at=at,
        )  # fmt: skip
        if not standard:
            world.rows[BadgeLayoutClass] += [
                {"class_id": edition["classes"][code], "layout_id": made}
                for code in LABELS
                if code in edition["classes"]
            ]
    world.add(Device, edition_id=edition["id"], gate_id=None, name="打印机 2", profile="badge_print")
