"""What happened to a booth, in words: for its history and for who drew on an older picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.exhibitors.domain.geometry import Fault
from expo_crm.exhibitors.models import BoothEvent
from expo_crm.exhibitors.views import labels
from expo_crm.web import i18n

KINDS: dict[str, Any] = {
    "make": _l("Put on the plan"),
    "draw": _l("Drawn"),
    "import": _l("Imported"),
    "reshape": _l("Moved or resized"),
    "number": _l("Numbered"),
    "merge": _l("Merged into one"),
    "split": _l("Split"),
    "remove": _l("Taken off the plan"),
    "revert": _l("Step taken back"),
    "state": _l("State changed"),
    "price": _l("Price changed"),
    "change": _l("Changed"),
    "enter": _l("Company on the booth"),
    "leave": _l("Company off the booth"),
}
FAULTS: dict[StrEnum, Any] = {
    Fault.NOT_NUMBERS: _l("its corners are no pairs of numbers"),
    Fault.TOO_FEW: _l("it needs at least three corners that are not on one line"),
    Fault.TOO_MANY_CORNERS: _l("it has more than 40 corners"),
    Fault.CROSSES_ITSELF: _l("its walls cross each other"),
    Fault.TOO_SMALL: _l("it is smaller than 0.5 m²"),
    Fault.TOO_FAR: _l("a corner lies more than 2,000 m away"),
}


@dataclass(frozen=True)
class Change:
    """One field of one event: what it is called, and both values as shown."""

    label: str
    before: str
    after: str


def changes(event: BoothEvent, currency: str) -> list[Change]:
    """The fields that a person cares about."""
    before, after = event.before, event.after
    out = []

    def add(label: str, names: Sequence[str], show: Any) -> None:
        if any(n in after and before.get(n) != after.get(n) for n in names):
            old = show({**after, **before}) if before else ""
            out.append(Change(label, old, show(after if not before else {**before, **after})))

    add(_("Booth number"), ["code"], lambda v: str(v.get("code", "")))
    add(_("Where it stands"), ["x_m", "y_m"], lambda v: f"{_metres(v.get('x_m'))} / {_metres(v.get('y_m'))} m")
    add(_("Net m²"), ["area_m2"], lambda v: i18n.m2(Decimal(v["area_m2"])) if "area_m2" in v else "")
    add(_("State"), ["state"], lambda v: str(labels.BOOTH_STATES.get(v.get("state"), "")))
    add(_("Price"), ["price"], lambda v: i18n.money(Decimal(v["price"]), currency) if "price" in v else "")
    return out


def _metres(value: Any) -> str:
    return f"{Decimal(value).normalize():f}" if value is not None else "–"


def told(event: BoothEvent, currency: str) -> str:
    """One line: what, from what to what, who and when."""
    parts = [f"{c.label} {c.before} → {c.after}" if c.before else f"{c.label} {c.after}" for c in changes(event, currency)]
    comma = "，" if i18n.locale() == "zh" else ", "
    what = comma.join([str(KINDS.get(event.kind, event.kind)), *parts])
    who = event.user.name if event.user else _("the system")
    return f"{what} · {who} · {i18n.datetime_(event.at)}"
