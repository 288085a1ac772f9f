"""The history of booths: every change that matters leaves a row, whoever makes it and by whichever use case.

A listener sees what the session is about to write; changes of the drawing are recorded by their ``Step`` instead, all booths of one
command together, so that they can be taken back together.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import TracebackType
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session

from expo_crm.db import db
from expo_crm.exhibitors.models import Booth, BoothEvent, BoothOccupant
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.lib import clock, ids

DRAWN = (
    "code", "kind", "x_m", "y_m", "width_m", "depth_m", "polygon", "area_m2", "open_sides", "price", "state", "retired_at",
    "merged_into_id", "split_from_id",
)  # fmt: skip
"""What a step of the drawing keeps of a booth."""
WATCHED = (*DRAWN, "opportunity_id", "held_until", "note")
_STEP = "booth_step"


def plain(value: Any) -> Any:
    """A value as the history keeps it."""
    if isinstance(value, Decimal):
        return str(value.quantize(Decimal("0.01")))
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return value


class Step:
    """One command of the drawing: ``with Step("merge") as step: step.watch(booths) … step.made(new)``."""

    def __init__(self, kind: str, undoes: str | None = None) -> None:
        self.kind, self.undoes, self.token = kind, undoes, ids.new_token()[:40]
        self.booths: dict[int, tuple[Booth, dict[str, Any]]] = {}
        self.fresh: list[Booth] = []

    def watch(self, *booths: Booth) -> None:
        """Keep what these booths are now; call it before they change."""
        for booth in booths:
            self.booths.setdefault(booth.id, (booth, snapshot(booth)))

    def made(self, booth: Booth) -> None:
        self.fresh.append(booth)

    @property
    def touched(self) -> list[Booth]:
        return [*(booth for booth, _ in self.booths.values()), *self.fresh]

    def __enter__(self) -> Step:
        db.session.flush()
        db.session().info[_STEP] = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                db.session.flush()
                self._write()
        finally:
            db.session().info.pop(_STEP, None)

    def _write(self) -> None:
        now, who = clock.now(), actor_id()
        pairs = [(b, before, snapshot(b)) for b, before in self.booths.values()] + [
            (b, {}, snapshot(b)) for b in self.fresh
        ]
        for booth, before, after in pairs:
            changed = [k for k in after if before.get(k) != after[k] or not before]
            if not changed:
                continue
            db.session.add(
                BoothEvent(
                    edition_id=booth.edition_id, booth_id=booth.id, kind=self.kind, step=self.token, undoes=self.undoes,
                    before={k: before[k] for k in changed} if before else {},
                    after={k: after[k] for k in changed} | {"version": booth.version}, at=now, user_id=who,
                )
            )  # fmt: skip
        db.session.flush()


def snapshot(booth: Booth) -> dict[str, Any]:
    """The drawing of a booth as plain values."""
    return {name: plain(getattr(booth, name)) for name in DRAWN}


@event.listens_for(Session, "before_flush")
def _record(session: Session, _context: Any, _instances: Any) -> None:
    if _STEP in session.info:
        return
    for item in list(session.new):
        if isinstance(item, Booth):
            after = {k: plain(getattr(item, k)) for k in DRAWN if getattr(item, k) is not None}
            session.add(_event(item, "make", {}, after | {"version": 1}))
        elif isinstance(item, BoothOccupant):
            session.add(_occupant(item, "enter"))
    for item in list(session.dirty):
        if isinstance(item, Booth):
            _changed(session, item)
    for item in list(session.deleted):
        if isinstance(item, BoothOccupant) and item.booth_id:
            session.add(_occupant(item, "leave"))


def _changed(session: Session, booth: Booth) -> None:
    before, after = {}, {}
    for name in WATCHED:
        history = inspect(booth).attrs[name].history
        if history.added and history.added != history.deleted:
            before[name] = plain(history.deleted[0]) if history.deleted else None
            after[name] = plain(history.added[0])
    if after and before != after:
        kind = "state" if "state" in after or "opportunity_id" in after else "price" if "price" in after else "change"
        session.add(_event(booth, kind, before, after | {"version": booth.version + 1}))


def _event(booth: Booth, kind: str, before: dict[str, Any], after: dict[str, Any]) -> BoothEvent:
    # Only the key: setting the relationship would pull objects that are half made into the session.
    made = BoothEvent(kind=kind, before=before, after=after, at=clock.now(), user_id=actor_id())
    made.edition_id = booth.edition_id or booth.edition.id
    if booth.id:
        made.booth_id = booth.id
    else:
        made.booth = booth
    return made


def _occupant(item: BoothOccupant, kind: str) -> BoothEvent:
    who = {"participation_id": item.participation_id, "host": bool(item.host)}
    made = BoothEvent(kind=kind, before={} if kind == "enter" else who, after=who if kind == "enter" else {}, at=clock.now())
    made.user_id = actor_id()
    if item.booth_id:
        made.booth_id = item.booth_id
        booth = db.session.get(Booth, item.booth_id)
    else:
        made.booth = booth = item.booth
    if booth is not None:
        made.edition_id = booth.edition_id or booth.edition.id
    return made
