"""What may happen to a meeting, by whom, and when there is time for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from expo_crm.lib.i18n import N_

STATES: dict[str, str] = {
    "requested": N_("Requested"),
    "accepted": N_("Accepted"),
    "scheduled": N_("Scheduled"),
    "held": N_("Meeting held"),
    "no_show": N_("Did not come"),
    "cancelled": N_("Cancelled"),
    "declined": N_("Declined"),
    "expired": N_("Expired"),
}
TONES: dict[str, str] = {
    "requested": "info",
    "accepted": "progress",
    "scheduled": "success",
    "held": "success",
    "no_show": "warning",
    "cancelled": "neutral",
    "declined": "danger",
    "expired": "neutral",
}
SIDES: dict[str, str] = {"visitor": N_("Visitor"), "exhibitor": N_("Exhibitor"), "staff": N_("Organizer")}
OPEN = frozenset({"requested", "accepted", "scheduled"})
CHANGES: dict[str, frozenset[str]] = {
    "requested": frozenset({"accepted", "declined", "cancelled", "expired"}),
    "accepted": frozenset({"scheduled", "cancelled"}),
    "scheduled": frozenset({"scheduled", "held", "no_show", "cancelled"}),
}
MINUTES = 30


def may_change(before: str, after: str) -> bool:
    return after in CHANGES.get(before, frozenset())


def may_answer(asked_by: str, side: str) -> bool:
    """The other side answers; the organizer may answer for either. What the organizer asked, the visitor or exhibitor answers."""
    return side == "staff" or side != asked_by


@dataclass(frozen=True, slots=True)
class Slot:
    starts_at: dt.datetime
    ends_at: dt.datetime

    def meets(self, other: Slot) -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def clash(wanted: Slot, taken: Iterable[Slot]) -> Slot | None:
    """The first taken slot that the wanted one overlaps."""
    return next((s for s in taken if s.meets(wanted)), None)


def inside(wanted: Slot, days: Sequence[Slot]) -> bool:
    """The slot lies wholly in one opening day; without known days anywhere is fine."""
    return not days or any(d.starts_at <= wanted.starts_at and wanted.ends_at <= d.ends_at for d in days)


def free_slots(days: Sequence[Slot], taken: Sequence[Slot], *, minutes: int = MINUTES, limit: int = 40) -> list[Slot]:
    """The free slots of the opening days on a grid of ``minutes``, in order."""
    out: list[Slot] = []
    step = dt.timedelta(minutes=minutes)
    for day in days:
        at = day.starts_at
        while at + step <= day.ends_at and len(out) < limit:
            slot = Slot(at, at + step)
            if clash(slot, taken) is None:
                out.append(slot)
            at += step
    return out
