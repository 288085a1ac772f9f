"""The plan for everybody: who stands where, without prices, holds or anything else that is the organizer's business."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from expo_crm.exhibitors import queries_plan
from expo_crm.exhibitors.queries_plan import OnPlan
from expo_crm.exhibitors.views.plan_drawing import MANY, SCALE, Drawn, shown
from expo_crm.lib import clock, text
from expo_crm.shows import queries as shows
from expo_crm.web import i18n
from expo_crm.web.policy import public


@dataclass(frozen=True)
class Stand:
    """A booth as the public sees it; without names it is only an outline with its number."""

    drawn: Drawn
    names: tuple[str, ...]
    found: bool

    @property
    def look(self) -> str:
        return "found" if self.found else "public" if self.names else "none"

    @property
    def label(self) -> str:
        return f"{self.drawn.booth.code}: {', '.join(self.names)}" if self.names else self.drawn.booth.code


def _stand(booth: OnPlan, names: list[tuple[str, str]], key: str) -> Stand:
    shown = tuple(i18n.bi({"name_zh": zh, "name_en": en}) for zh, en in names)
    words = " ".join([booth.code, *(f"{zh} {en}" for zh, en in names)])
    found = bool(key) and bool(names) and key in text.search_key(words, words)
    return Stand(Drawn(booth, "sold" if names else "none", "", "", ""), shown, found)


@public()
def plan() -> ResponseReturnValue:
    halls = shows.list_halls(g.edition.id)
    wanted = request.args.get("hall", "")
    q = text.clean(request.args.get("q", ""))[:60]
    key = text.fold(q) if q else ""
    hall = next((h for h in halls if h.code == wanted), None)
    today = clock.local_day(clock.now(), g.edition.timezone)
    by_hall: dict[int, list[Stand]] = {}
    for one in halls if q else [hall or (halls[0] if halls else None)]:
        if one is not None:
            names = queries_plan.list_public_names(one.id, today)
            by_hall[one.id] = [_stand(b, names.get(b.id, []), key) for b in queries_plan.list_bare_on_plan(one.id)]
    if hall is None and halls:  # where the search found something, else the first
        hall = next((h for h in halls if any(s.found for s in by_hall.get(h.id, ()))), halls[0])
    hits = [(h, s) for h in halls for s in by_hall.get(h.id, ()) if s.found]
    stands = by_hall.get(hall.id, []) if hall else []
    return render_template(
        "exhibitors/plan_public.html",
        halls=halls,
        hall=hall,
        stands=stands,
        hits=hits[:60],
        q=q,
        booths=shown((s.drawn, s.look, s.label) for s in stands),
        many=len(stands) > MANY,
        scale=SCALE,
    )
