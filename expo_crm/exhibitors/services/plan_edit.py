"""Drawing the hall: every command is one step, all of it or nothing, that leaves a history and can be taken back.

Who draws says which version of each booth was on the screen; when somebody has changed one meanwhile, the command is refused with
what is different. The hall is locked first, then its booths in the order of their ids.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import Base, db
from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.booth import GRID_LIMIT, BoothRefusal, BoothState, effective_state
from expo_crm.exhibitors.domain.geometry import Outline, Point
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, BoothEvent, BoothOccupant, ContractBooth
from expo_crm.exhibitors.services import booth_prices, plan_places
from expo_crm.exhibitors.services.booth_history import DRAWN, Step, snapshot
from expo_crm.lib import clock, stands, text
from expo_crm.shows.models import Hall

CENT = Decimal("0.01")
FREE = ("free", None, None)
BOUND = {BoothState.RESERVED, BoothState.SOLD}
_TIED = {"booth", "booth_event", "booth_occupant", "contract_booth"}


@dataclass(frozen=True)
class Seen:
    """A booth as it was on the screen of who draws."""

    id: int
    version: int


@dataclass(frozen=True)
class NewBooth:
    """A booth to be drawn. It costs what today's price list says; where no list has a price, ``price`` counts, else the median
    price per m² of its kind in the hall."""

    code: str
    shape: Outline
    kind: str = "shell"
    price: Decimal | None = None


class Stale(Exception):
    """Somebody changed these booths since they were on the screen. ``changes``: (booth, what happened to it since)."""

    def __init__(self, changes: list[tuple[Booth, list[BoothEvent]]]) -> None:
        super().__init__(", ".join(booth.code for booth, _ in changes))
        self.changes = changes


def draw(hall: Hall, new: Sequence[NewBooth], kind: str = "draw") -> Step:
    """New booths. Raises RuleRefused: outside, over another one, a code that is taken or unreadable, too many at once."""
    if not new:
        raise RuleRefused(BoothRefusal.NO_BOOTH)
    if len(new) > max(GRID_LIMIT, 5000 if kind == "import" else 0):
        raise RuleRefused(BoothRefusal.TOO_MANY, limit=GRID_LIMIT)
    plan_places.lock_hall(hall)
    plan_places.check(hall, [(item.code, item.shape) for item in new])
    _free_codes(hall, [item.code for item in new])
    rates, ask = _rates(hall), booth_prices.pricer(hall.edition)
    there = [shape for _, shape in plan_places.standing(hall.id)] + [item.shape for item in new]
    near = _Neighbours(there)
    with Step(kind) as step:
        for item in new:
            key = _key(item.code)
            booth = Booth(edition_id=hall.edition_id, hall_id=hall.id, code=item.code, code_key=key, kind=item.kind, price=Decimal(0))
            plan_places.place(booth, item.shape)
            booth.open_sides = geometry.open_to(item.shape, near.of(item.shape))
            rate = rates.get(item.kind) or next(iter(rates.values()), Decimal(0))
            usual = item.price if item.price is not None else (rate * booth.area_m2).quantize(CENT, ROUND_HALF_UP)
            booth.price = _or(ask(booth), usual)
            db.session.add(booth)
            step.made(booth)
        _flush(new[0].code if len(new) == 1 else "")
    _audit(hall, step)
    return step


def reshape(hall: Hall, wanted: Sequence[tuple[Seen, Outline]]) -> Step:
    """Move or resize free or held booths; the price follows list or area, one agreed upon the area. Raises RuleRefused, Stale."""
    plan_places.lock_hall(hall)
    found = _take(hall, [seen for seen, _ in wanted])
    shapes = {seen.id: shape for seen, shape in wanted}
    for booth in found:
        if booth.state in BOUND:
            raise RuleRefused(BoothRefusal.IN_USE, code=booth.code)
    plan_places.check(hall, [(b.code, shapes[b.id]) for b in found], {b.id for b in found})
    ask, agreed = booth_prices.pricer(hall.edition), booth_prices.agreed([b.id for b in found])
    with Step("reshape") as step:
        step.watch(*found)
        for booth in found:
            before = booth.area_m2
            plan_places.place(booth, shapes[booth.id])
            if booth.area_m2 != before:
                by_area = (booth.price * booth.area_m2 / before).quantize(CENT, ROUND_HALF_UP)
                booth.price = by_area if booth.id in agreed else _or(ask(booth), by_area)
        db.session.flush()
    _audit(hall, step)
    return step


def number(hall: Hall, seen: Sequence[Seen], prefix: str, first: int = 1) -> Step:
    """Number booths in reading order of the row: A01, A02 … from left to right, or from top to bottom in a column."""
    plan_places.lock_hall(hall)
    found = _take(hall, seen)
    boxes = {b.id: geometry.box(plan_places.outline_of(b)) for b in found}
    across = max(x for x, *_ in boxes.values()) - min(x for x, *_ in boxes.values())
    down = max(y for _, y, *_ in boxes.values()) - min(y for _, y, *_ in boxes.values())
    order = (lambda b: (boxes[b.id][1], boxes[b.id][0])) if across >= down else (lambda b: (boxes[b.id][0], boxes[b.id][1]))
    digits = max(2, len(str(first + len(found) - 1)))
    row = sorted(found, key=order)
    codes = {b.id: f"{text.clean(prefix)[:20]}{first + i:0{digits}d}" for i, b in enumerate(row)}
    for booth in found:
        if booth.state in BOUND and codes[booth.id] != booth.code:
            raise RuleRefused(BoothRefusal.IN_USE, code=booth.code)
    keys = {b.id: _key(codes[b.id]) for b in found}
    with Step("number") as step:
        step.watch(*found)
        for booth in found:  # codes that change places must not meet in between
            booth.code_key = f"~{booth.id}"
        db.session.flush()
        for booth in row:
            booth.code, booth.code_key = codes[booth.id], keys[booth.id]
        _flush(codes[row[0].id])
    _audit(hall, step)
    return step


def merge(hall: Hall, seen: Sequence[Seen], code: str = "") -> Step:
    """One booth of several that adjoin: free ones, or of one holder, or of one contract. The old ones stay in the history."""
    plan_places.lock_hall(hall)
    found = _take(hall, seen)
    if len(found) < 2:
        raise RuleRefused(BoothRefusal.NO_BOOTH)
    now = clock.now()
    ties = {b.id: _tie(b, now) for b in found}
    for booth in found[1:]:
        if ties[booth.id] != ties[found[0].id]:
            raise RuleRefused(BoothRefusal.NOT_ALIKE, code=booth.code)
    whole = geometry.union([plan_places.outline_of(b) for b in found])
    if whole is None:
        raise RuleRefused(BoothRefusal.NOT_ADJOINING)
    first = min(found, key=lambda b: b.sort_key)
    largest = max(found, key=lambda b: b.area_m2)
    code = text.clean(code)[:40] or first.code
    key = _key(code)
    fixed = found[0].state in BOUND or bool(booth_prices.agreed([b.id for b in found]))
    with Step("merge") as step:
        step.watch(*found)
        made = _like(largest, whole, code, key, sum((b.price for b in found), Decimal(0)))
        made.open_sides = max(b.open_sides for b in found)
        if not fixed:  # a contract or an agreed price says what they cost together
            made.price = _or(booth_prices.pricer(hall.edition)(made), made.price)
        holds = [b.held_until for b in found if b.held_until]
        state, holder, until = found[0].state, found[0].opportunity_id, min(holds, default=None)
        if ties[found[0].id] == FREE:  # also a hold that has run out
            state, holder, until = BoothState.AVAILABLE.value, None, None
        _retire(found, now)
        db.session.add(made)
        _flush(code)
        made.state, made.opportunity_id, made.held_until = state, holder, until
        for booth in found:
            booth.merged_into_id = made.id
        _pass_on(found, made)
        step.made(made)
    _audit(hall, step)
    return step


def split(hall: Hall, seen: Seen, a: Point, b: Point, codes: tuple[str, str] | None = None) -> Step:
    """Two booths of one, cut along the line; holder and contract keep both. Raises RuleRefused, Stale."""
    plan_places.lock_hall(hall)
    (whole,) = _take(hall, [seen])
    parts = geometry.split(plan_places.outline_of(whole), a, b)
    if parts is None:
        raise RuleRefused(BoothRefusal.NOT_TWO_PARTS, code=whole.code)
    parts = tuple(sorted(parts, key=geometry.box))  # type: ignore[assignment]
    names = codes or _part_codes(hall, whole.code)
    keys = [_key(name) for name in names]
    share = (whole.price * geometry.area(parts[0]) / whole.area_m2).quantize(CENT, ROUND_HALF_UP)
    prices = (share, max(whole.price - share, Decimal(0)))
    now = clock.now()
    fixed = whole.state in BOUND or bool(booth_prices.agreed([whole.id]))
    with Step("split") as step:
        step.watch(whole)
        state, holder, until = whole.state, whole.opportunity_id, whole.held_until
        if _tie(whole, now) == FREE:
            state, holder, until = BoothState.AVAILABLE.value, None, None
        made = [_like(whole, p, n, k, price) for p, n, k, price in zip(parts, names, keys, prices, strict=True)]
        if not fixed:
            ask = booth_prices.pricer(hall.edition)
            for part in made:
                part.price = _or(ask(part), part.price)
        _retire([whole], now)
        for part in made:
            part.split_from_id = whole.id
            db.session.add(part)
        _flush(names[0])
        for part in made:
            part.state, part.opportunity_id, part.held_until = state, holder, until
            step.made(part)
        _pass_on([whole], made[0], made[1])
    _audit(hall, step)
    return step


def remove(hall: Hall, seen: Sequence[Seen]) -> Step:
    """Take free booths off the plan; their history stays."""
    plan_places.lock_hall(hall)
    found = _take(hall, seen)
    now = clock.now()
    for booth in found:
        if _tie(booth, now)[0] != "free":
            raise RuleRefused(BoothRefusal.IN_USE, code=booth.code)
    with Step("remove") as step:
        step.watch(*found)
        _retire(found, now)
        db.session.flush()
    _audit(hall, step)
    return step


def revert(hall: Hall, token: str) -> Step:
    """Take a step back, or take back its taking back. Raises RuleRefused, and Stale when a booth was changed since."""
    plan_places.lock_hall(hall)
    events = list(
        db.session.scalars(
            select(BoothEvent)
            .join(Booth, Booth.id == BoothEvent.booth_id)
            .where(BoothEvent.step == token, Booth.hall_id == hall.id)
            .order_by(BoothEvent.id)
        )
    )
    if not events or db.session.scalar(select(BoothEvent.id).where(BoothEvent.undoes == token).limit(1)):
        raise RuleRefused(BoothRefusal.NOTHING_TO_UNDO)
    booths = {b.id: b for b in _lock([e.booth_id for e in events])}
    now = clock.now()
    changed = [booths[e.booth_id] for e in events if not _still(booths[e.booth_id], e.after)]
    if changed:
        last = events[-1].id
        raise Stale([(b, _since(b.id, last)) for b in changed])
    for booth in booths.values():
        if _tie(booth, now)[0] != "free" and not _only_moved(booth, events):
            raise RuleRefused(BoothRefusal.IN_USE, code=booth.code)
    with Step("revert", undoes=token) as step:
        step.watch(*booths.values())
        back = [(booths[e.booth_id], e.before or {"retired_at": now.isoformat(), "state": "blocked"}) for e in events]
        for booth, values in back:  # first those that go, so that their codes and their ground are free
            if values.get("retired_at"):
                _write(booth, values)
            elif "code" in values:
                booth.code_key = f"~{booth.id}"
        db.session.flush()
        for booth, values in back:
            if not values.get("retired_at"):
                _write(booth, values)
        stand = [(b.code, plan_places.outline_of(b)) for b, v in back if not b.retired_at]
        plan_places.check(hall, stand, set(booths))
        _flush(stand[0][0] if stand else "")
        gone = [b for b, v in back if b.retired_at]
        stay = [b for b, v in back if not b.retired_at]
        if gone and stay:
            _follow_tables(gone, stay[0])
    _audit(hall, step)
    return step


def next_code(hall: Hall, prefix: str = "") -> str:
    """The first free number after the highest of the row: A01, A02 → A03."""
    codes = db.session.scalars(
        select(Booth.code).where(Booth.edition_id == hall.edition_id, Booth.retired_at.is_(None), Booth.hall_id == hall.id)
    )
    parts = [m for m in (re.fullmatch(r"(.*?)(\d+)", code) for code in codes) if m and m[1].startswith(prefix)]
    if not parts:
        return f"{prefix or hall.code + '-A'}01"
    top = max(parts, key=lambda m: (m[1], int(m[2])))
    return f"{top[1]}{int(top[2]) + 1:0{len(top[2])}d}"


def _take(hall: Hall, seen: Sequence[Seen]) -> list[Booth]:
    """The booths of this hall, locked. Raises RuleRefused and Stale."""
    if not seen or len({s.id for s in seen}) != len(seen):
        raise RuleRefused(BoothRefusal.NO_BOOTH)
    if len(seen) > GRID_LIMIT:
        raise RuleRefused(BoothRefusal.TOO_MANY, limit=GRID_LIMIT)
    found = _lock([s.id for s in seen])
    if len(found) != len(seen) or any(b.hall_id != hall.id for b in found):
        raise RuleRefused(BoothRefusal.NO_BOOTH)
    versions = {s.id: s.version for s in seen}
    stale = [b for b in found if b.version != versions[b.id]]
    if stale:
        raise Stale([(b, [e for e in _since(b.id) if int(e.after.get("version", 0)) > versions[b.id]]) for b in stale])
    for booth in found:
        if booth.retired_at:
            raise RuleRefused(BoothRefusal.GONE, code=booth.code)
    return found


def _lock(ids: Sequence[int]) -> list[Booth]:
    query = select(Booth).where(Booth.id.in_(ids)).order_by(Booth.id).with_for_update()
    return list(db.session.scalars(query, execution_options={"populate_existing": True}))


def _since(booth_id: int, after: int = 0) -> list[BoothEvent]:
    query = select(BoothEvent).where(BoothEvent.booth_id == booth_id, BoothEvent.id > after)
    return list(db.session.scalars(query.order_by(BoothEvent.id.desc()).limit(20)))[::-1]


def _still(booth: Booth, after: dict[str, Any]) -> bool:
    """Whether nothing of what the step left has changed since; the state is judged by itself."""
    now = snapshot(booth)
    return all(now[k] == v for k, v in after.items() if k in DRAWN and k not in {"state", "retired_at"}) and (
        bool(after.get("retired_at", now["retired_at"])) == bool(now["retired_at"])
    )


def _only_moved(booth: Booth, events: Sequence[BoothEvent]) -> bool:
    """A held booth may be put back where it was; one that was made, merged or split may not vanish under its holder."""
    mine = [e for e in events if e.booth_id == booth.id]
    return booth.state not in BOUND and all(e.before and "retired_at" not in e.before for e in mine)


def _write(booth: Booth, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name not in DRAWN:
            continue
        if name in {"x_m", "y_m", "width_m", "depth_m", "area_m2", "price"}:
            value = Decimal(value)
        elif name == "retired_at":
            value = clock.now() if value else None
        elif name == "state" and value != BoothState.BLOCKED:
            value = BoothState.AVAILABLE.value
        setattr(booth, name, value)
    if "code" in values:
        booth.code_key = _key(booth.code)


def _tie(booth: Booth, now: Any) -> tuple[str, int | None, int | None]:
    """Who has a claim on the booth: free, or held for an opportunity, or under a contract."""
    state = effective_state(booth.state, booth.held_until, now)
    if state is BoothState.AVAILABLE:
        return FREE
    if state is BoothState.BLOCKED:
        return "free", 0, None
    if state is BoothState.HELD:
        return "held", booth.opportunity_id, None
    contract = db.session.scalar(
        select(ContractBooth.contract_id).where(ContractBooth.booth_id == booth.id, ContractBooth.live)
    )
    return state.value, booth.opportunity_id, contract


def _like(one: Booth, shape: Outline, code: str, key: str, price: Decimal) -> Booth:
    """A new booth that inherits what has nothing to do with its shape."""
    kept = {
        column.key: getattr(one, column.key)
        for column in Booth.__mapper__.column_attrs
        if column.key
        not in {*DRAWN, "id", "code_key", "version", "opportunity_id", "held_until", "kind", "open_sides"}
    }
    made = Booth(**kept, code=code, code_key=key, kind=one.kind, open_sides=one.open_sides, price=price, state="available")
    plan_places.place(made, shape)
    return made


def _retire(booths: Sequence[Booth], now: Any) -> None:
    for booth in booths:
        booth.retired_at, booth.state = now, BoothState.BLOCKED.value
        booth.opportunity_id, booth.held_until = None, None
    db.session.flush()


def _pass_on(old: Sequence[Booth], first: Booth, *others: Booth) -> None:
    """Contract, people and everything else that pointed to the old booths points to what became of them."""
    ids = [b.id for b in old]
    rows = list(db.session.scalars(select(ContractBooth).where(ContractBooth.booth_id.in_(ids), ContractBooth.live)))
    for row in rows[1:]:
        db.session.delete(row)
    db.session.flush()
    for row in rows[:1]:
        row.booth_id = first.id
        for other in others:
            db.session.add(ContractBooth(contract_id=row.contract_id, booth_id=other.id))
    people = list(db.session.scalars(select(BoothOccupant).where(BoothOccupant.booth_id.in_(ids)).order_by(BoothOccupant.id)))
    seen: dict[int, bool] = {}
    host: int | None = None
    for item in people:
        host = item.participation_id if item.host and host is None else host
        seen.setdefault(item.participation_id, True)
        db.session.delete(item)
    db.session.flush()
    for booth in (first, *others):
        for participation in seen:
            db.session.add(BoothOccupant(booth_id=booth.id, participation_id=participation, host=participation == host))
    db.session.flush()
    for booth in (*old, first, *others):
        db.session.expire(booth, ["occupants"])
    _follow_tables(old, first)


def _follow_tables(old: Sequence[Booth], new: Booth) -> None:
    """Waiting lists, first refusals, wishes: whatever names an old booth names the new one, where its keys allow it."""
    db.session.flush()
    for table in Base.metadata.sorted_tables:
        if table.name in _TIED:
            continue
        for column in table.columns:
            if any(key.column.table.name == "booth" for key in column.foreign_keys):
                try:
                    with db.session.begin_nested():
                        db.session.execute(update(table).where(column.in_([b.id for b in old])).values({column.name: new.id}))
                except IntegrityError:
                    continue  # the new booth is named there already


def _free_codes(hall: Hall, codes: Sequence[str]) -> None:
    keys: dict[str, str] = {}
    for code in codes:
        key = _key(code)
        if key in keys:
            raise RuleRefused(BoothRefusal.CODE_TAKEN, code=code)
        keys[key] = code
    taken = select(Booth.code).where(Booth.edition_id == hall.edition_id, Booth.retired_at.is_(None))
    if found := db.session.scalar(taken.where(Booth.code_key.in_(list(keys))).limit(1)):
        raise RuleRefused(BoothRefusal.CODE_TAKEN, code=found)


def _part_codes(hall: Hall, code: str) -> tuple[str, str]:
    taken = set(
        db.session.scalars(
            select(Booth.code_key).where(Booth.edition_id == hall.edition_id, Booth.retired_at.is_(None))
        )
    )
    letters = [letter for letter in "abcdefghjk" if stands.stand_key(f"{code}{letter}") not in taken]
    return f"{code}{letters[0]}", f"{code}{letters[1]}"


class _Neighbours:
    """Outlines by squares of 10 m, to ask only those that may stand against one."""

    def __init__(self, shapes: Sequence[Outline]) -> None:
        self.squares: dict[tuple[int, int], list[Outline]] = {}
        for shape in shapes:
            for square in self._around(shape, 0):
                self.squares.setdefault(square, []).append(shape)

    @staticmethod
    def _around(shape: Outline, margin: int) -> list[tuple[int, int]]:
        x, y, w, d = (int(v) for v in geometry.box(shape))
        return [
            (i, j)
            for i in range((x - margin) // 10, (x + w + 1 + margin) // 10 + 1)
            for j in range((y - margin) // 10, (y + d + 1 + margin) // 10 + 1)
        ]

    def of(self, shape: Outline) -> list[Outline]:
        return [other for square in self._around(shape, 1) for other in self.squares.get(square, ()) if other is not shape]


def _rates(hall: Hall) -> dict[str, Decimal]:
    rows = db.session.execute(
        select(Booth.kind, Booth.price, Booth.area_m2).where(
            Booth.hall_id == hall.id, Booth.retired_at.is_(None), Booth.price > 0
        )
    ).all()
    kinds = {kind for kind, _, _ in rows}
    return {k: Decimal(median([price / area for kind, price, area in rows if kind == k])) for k in sorted(kinds)}


def _or(price: Decimal | None, usual: Decimal) -> Decimal:
    return usual if price is None else price


def _key(code: str) -> str:
    key = stands.stand_key(code)
    if key is None or len(key) > 60 or len(code) > 60:
        raise RuleRefused(BoothRefusal.CODE_UNREADABLE, code=code[:60])
    return key


def _flush(code: str) -> None:
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()  # all of the step or nothing
        raise RuleRefused(BoothRefusal.CODE_TAKEN, code=code) from None


def _audit(hall: Hall, step: Step) -> None:
    codes = [b.code for b in step.touched]
    shown = ", ".join(codes[:12]) + (f" … ({len(codes)})" if len(codes) > 12 else "")
    audit.record(
        f"plan.{step.kind}", "hall", hall.id, edition_id=hall.edition_id, changes={"booths": shown, "step": step.token}
    )
