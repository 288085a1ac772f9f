"""How a booth is drawn: its outline, the room for its number, what it says, and the SVG of a whole hall.

The SVG is put together here and not in a template: a hall may have two thousand booths, and a template would take most of the time
that opening the plan takes.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup, escape

from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.booth import BoothState, effective_state
from expo_crm.exhibitors.services import plan_places
from expo_crm.exhibitors.views import labels
from expo_crm.exhibitors.views.plan_colours import Tint
from expo_crm.web import i18n

SCALE = 10
"""Units of the drawing per metre, so that text has a size above one."""
MANY = 300
"""From here on the page shows numbers only where they can be read: laying out thousands of texts is most of drawing a hall."""


@dataclass
class Drawn:
    """A booth as the plan draws it; ``booth`` is the record or a row of the plan (``queries_plan.OnPlan``)."""

    booth: Any
    state: str
    letter: str
    who: str
    label: str
    arrived: bool = False
    tint: Tint | None = None

    @property
    def truth(self) -> str:
        """A mark of what is known of the booth, the same in every colour: it changes with the record, the state and who has it."""
        return f"{self.booth.version}.{zlib.crc32(f'{self.state} {self.who}'.encode()):x}"

    @property
    def look(self) -> str:
        """The drawing's class: the state (a sold booth with somebody on it looks different from an empty one) or the tint."""
        if self.tint is not None:
            return f"tint tint-{self.tint.number}"
        return f"{self.state} is-arrived" if self.arrived else self.state

    @cached_property
    def _box(self) -> tuple[float, float, float, float]:
        b = self.booth
        return float(b.x_m) * SCALE, float(b.y_m) * SCALE, float(b.width_m) * SCALE, float(b.depth_m) * SCALE

    @property
    def path(self) -> str:
        """The outline as the data of an SVG path, in units of the drawing."""
        if self.booth.polygon:
            return "M" + " ".join(f"{float(x) * SCALE:g},{float(y) * SCALE:g}" for x, y in self.booth.polygon) + "z"
        x, y, w, d = self._box
        return f"M{x:g} {y:g}h{w:g}v{d:g}h{-w:g}z"

    @cached_property
    def _room(self) -> tuple[float, float, float, float]:
        """Middle, width and depth of where the text stands: a drawn outline may be hollow in its middle."""
        x, y, w, d = self._box
        if self.booth.polygon:
            x, y, w, d = (float(v) * SCALE for v in geometry.label_room(plan_places.outline_of(self.booth)))
        return x + w / 2, y + d / 2, w, d

    @property
    def middle(self) -> tuple[float, float]:
        return self._room[0], self._room[1]

    @property
    def label_room(self) -> tuple[float, float]:
        """Width and depth of the room for the text, in units of the drawing."""
        return self._room[2], self._room[3]

    @property
    def lift(self) -> float:
        """How far number and sign stand above and below the middle."""
        return min(self._room[3] * 0.17, 6)

    @property
    def size(self) -> str:
        """Type size by the room there is: a small booth gets small figures rather than none."""
        room = min(self._room[2] / max(2, len(self.booth.code)) * 1.5, self._room[3] / 3)
        return "lg" if room >= 14 else "md" if room >= 9 else "sm"


class Words:
    """What the names of booths are made of, looked up once for a whole hall."""

    def __init__(self) -> None:
        self.english = i18n.locale() == "en"
        self.comma = ", " if self.english else "，"
        self.states = {state: str(labels.BOOTH_STATES[state]) for state in BoothState}
        self.letters = {state: labels.booth_letter(state) for state in BoothState}
        self.arrived = _("Exhibitor has arrived")
        self.sizes: dict[Decimal, str] = {}

    def size(self, area: Decimal) -> str:
        if area not in self.sizes:
            self.sizes[area] = i18n.m2(area)
        return self.sizes[area]

    def who(self, booth: Any) -> str:
        """The company that has the booth, and how many more stand on it."""
        company = booth.company
        if company is None:
            return ""
        zh, en = company.name_zh, company.name_en
        more = len(booth.participations) - 1
        return ((en or zh) if self.english else (zh or en)) + (f" +{more}" if more > 0 else "")


def draw(
    booth: Any, now: dt.datetime, here: frozenset[int] = frozenset(), tint: Tint | None = None, words: Words | None = None
) -> Drawn:
    """What the plan shows of a booth at this moment. ``here``: the participations that have reported on site."""
    words = words or Words()
    state = effective_state(booth.state, booth.held_until, now)
    who = "" if state in {BoothState.AVAILABLE, BoothState.BLOCKED} else words.who(booth)
    arrived = state == BoothState.SOLD and not here.isdisjoint(booth.participations)
    letter = tint.letter if tint else "✓" if arrived else words.letters[state]
    # The name begins with what stands on the booth, so that people who speak to the machine can say what they see.
    parts = [f"{booth.code} {letter}".strip(), words.states[state], words.size(booth.area_m2), who]
    if tint:
        parts.append(tint.label)
    elif arrived:
        parts.append(words.arrived)
    return Drawn(booth, state.value, letter, who, words.comma.join(filter(None, parts)), arrived, tint)


def choosable(drawn: Iterable[Drawn], chosen_id: int | None) -> Markup:
    """The booths as buttons of the plan. One of them is the stop of the Tab key: 2,000 would be a wall."""
    out = []
    stop: int | None = None
    for d in drawn:
        booth = d.booth
        if stop is None:
            stop = booth.id
        tab = 0 if booth.id in (stop, chosen_id) else -1
        (x, y), lift, size = d.middle, d.lift, d.size
        out.append(
            f'<g class="booth booth-{d.look}" id="booth-{booth.id}" tabindex="{tab}" role="button" aria-label="{escape(d.label)}">'
            f'<path d="{d.path}"/><text class="{size}" x="{x:g}" y="{y - lift:g}">{escape(booth.code)}</text>'
            f' <text class="{size} letter" x="{x:g}" y="{y + lift:g}">{escape(d.letter)}</text></g>\n'
        )
    return Markup("".join(out))  # noqa: S704 - whatever a person wrote is escaped above


def shown(stands: Iterable[tuple[Drawn, str, str]]) -> Markup:
    """The booths of a plan that is only looked at: each with the end of its class and what it is called."""
    return Markup(  # noqa: S704 - whatever a person wrote is escaped
        "\n".join(
            f'<g class="booth booth-{look}" id="booth-{d.booth.id}"><title>{escape(name)}</title><path d="{d.path}"/>'
            f'<text class="{d.size}" x="{d.middle[0]:g}" y="{d.middle[1]:g}">{escape(d.booth.code)}</text></g>'
            for d, look, name in stands
        )
    )
