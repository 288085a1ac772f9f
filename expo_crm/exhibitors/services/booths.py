"""Booths: make them, hold, release, block. A booth row is locked before it is decided upon."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.booth import (
    GRID_LIMIT,
    BoothFacts,
    BoothRefusal,
    BoothState,
    Grid,
    Placed,
    Rect,
    can_hold,
    effective_state,
)
from expo_crm.exhibitors.domain.opportunity import Stage
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, ContractBooth, Opportunity
from expo_crm.exhibitors.services import booth_hooks, booth_prices, first_refusal, opportunities, plan_places
from expo_crm.lib import clock, stands
from expo_crm.shows.models import Hall


def facts_of(booth: Booth) -> BoothFacts:
    return BoothFacts(booth.state, booth.held_until, booth.opportunity_id)


def lock(booth_ids: Sequence[int]) -> list[Booth]:
    """The booths as they are now, locked in one order until the transaction ends."""
    query = select(Booth).where(Booth.id.in_(booth_ids)).order_by(Booth.id).with_for_update()
    return list(db.session.scalars(query, execution_options={"populate_existing": True}))


def hold(booth: Booth, opportunity: Opportunity, until: dt.datetime, *, despite: str = "") -> None:
    """Hold it for the opportunity until then, or prolong the own hold. Raises RuleRefused.

    ``despite``: the reason why a warning (a neighbour to keep apart) is passed over.
    """
    (booth,) = lock([booth.id])
    refused = can_hold(facts_of(booth), opportunity.id, opportunity.stage == Stage.LOST, until, clock.now())
    if refused:
        raise RuleRefused(refused, code=booth.code)
    first_refusal.check([booth], opportunity)
    booth_hooks.ask_before_hold(booth, opportunity, despite)
    before = booth.opportunity_id if booth.state == BoothState.HELD else None
    booth.state, booth.opportunity_id, booth.held_until = BoothState.HELD.value, opportunity.id, until
    db.session.flush()
    audit.record(
        "booth.hold",
        "booth",
        booth.id,
        edition_id=booth.edition_id,
        changes={"code": booth.code, "opportunity": [before, opportunity.id], "until": until.isoformat()},
    )
    opportunities.follow_facts(opportunity)
    if before not in {None, opportunity.id}:  # an expired hold that no job had tidied yet
        follow(before)


def release(booth: Booth, *, reason: str = "") -> None:
    """Give a held booth back before its time."""
    (booth,) = lock([booth.id])
    if booth.state != BoothState.HELD:
        raise RuleRefused(BoothRefusal(booth.state) if booth.state in set(BoothRefusal) else BoothRefusal.NOT_HELD)
    free(booth, "booth.release", reason)


def expire_holds(now: dt.datetime | None = None) -> int:
    """Free every booth whose hold has run out; the number of them. Safe to run twice at once."""
    now = now or clock.now()
    due = (
        select(Booth)
        .where(Booth.state == "held", Booth.held_until <= now)
        .order_by(Booth.id)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(due, execution_options={"populate_existing": True}))
    for booth in found:
        free(booth, "booth.expire", "")
    return len(found)


def block(booth: Booth, note: str) -> None:
    """Take a free booth out of sale."""
    (booth,) = lock([booth.id])
    state = effective_state(booth.state, booth.held_until, clock.now())
    if state is not BoothState.AVAILABLE:
        raise RuleRefused(BoothRefusal.HELD_BY_OTHER if state is BoothState.HELD else BoothRefusal(state.value))
    if booth.state == BoothState.HELD:
        free(booth, "booth.expire", "", told=False)
    booth.state, booth.note = BoothState.BLOCKED.value, note
    audit.record("booth.block", "booth", booth.id, edition_id=booth.edition_id, reason=note)
    db.session.flush()


def unblock(booth: Booth) -> None:
    """Put a blocked booth back on sale."""
    (booth,) = lock([booth.id])
    if booth.state != BoothState.BLOCKED:
        return
    booth.state, booth.note = BoothState.AVAILABLE.value, ""
    audit.record("booth.unblock", "booth", booth.id, edition_id=booth.edition_id)
    db.session.flush()
    booth_hooks.tell_freed(booth, None)


@dataclass(frozen=True)
class BoothFields:
    """What an organizer enters of one booth. ``price`` counts where today's price list has none for it; None leaves it as it is."""

    code: str
    kind: str
    rect: Rect
    open_sides: int
    price: Decimal | None = None


def create_booth(hall: Hall, fields: BoothFields) -> Booth:
    """One booth on the plan. Raises RuleRefused: the code is taken, it overlaps another or leaves the hall."""
    _check_places(hall, [Placed(fields.code, fields.rect)])
    return _insert(hall, [fields])[0]


def create_grid(hall: Hall, grid: Grid, kind: str, price: Decimal) -> list[Booth]:
    """Rows and columns of equal booths, all or none."""
    if grid.rows * grid.columns > GRID_LIMIT:
        raise RuleRefused(BoothRefusal.TOO_MANY, limit=GRID_LIMIT)
    placed = grid.booths()
    _check_places(hall, placed)
    ends = {0, grid.columns - 1}
    return _insert(
        hall,
        [
            BoothFields(item.code, kind, item.rect, 2 if index % grid.columns in ends else 1, price)
            for index, item in enumerate(placed)
        ],
    )


def update_booth(booth: Booth, fields: BoothFields) -> None:
    """Correct a booth. Size, kind and price of one under a contract stay: the contract says them."""
    (booth,) = lock([booth.id])
    before = {"code": booth.code, "kind": booth.kind, "rect": str(_rect(booth)), "price": booth.price}
    bound = booth.state in {BoothState.RESERVED, BoothState.SOLD}
    if bound and (fields.rect != _rect(booth) or fields.kind != booth.kind or fields.price not in {None, booth.price}):
        raise RuleRefused(BoothRefusal.IN_USE, code=booth.code)
    key = _key(fields.code)
    rect = fields.rect
    if rect != _rect(booth):  # a drawn outline stays as long as nobody enters another rectangle
        _check_places(booth.hall, [Placed(fields.code, rect)], apart_from=booth.id)
        plan_places.place(booth, geometry.rectangle(rect.x, rect.y, rect.width, rect.depth))
    booth.code, booth.code_key, booth.kind = fields.code, key, fields.kind
    booth.open_sides = fields.open_sides
    if not bound and booth.id not in booth_prices.agreed([booth.id]):
        found = booth_prices.pricer(booth.edition)(booth)
        booth.price = next((p for p in (found, fields.price) if p is not None), booth.price)
    _flush_codes(fields.code)
    after = {"code": booth.code, "kind": booth.kind, "rect": str(_rect(booth)), "price": booth.price}
    audit.record("booth.update", "booth", booth.id, edition_id=booth.edition_id, changes=audit.diff(before, after))


def delete_booth(booth: Booth) -> None:
    """Remove a free booth that never was under a contract."""
    (booth,) = lock([booth.id])
    contracts = db.session.scalar(select(func.count()).where(ContractBooth.booth_id == booth.id))
    if booth.state not in {BoothState.AVAILABLE, BoothState.BLOCKED} or contracts:
        raise RuleRefused(BoothRefusal.IN_USE, code=booth.code)
    audit.record("booth.delete", "booth", booth.id, edition_id=booth.edition_id, changes={"code": booth.code})
    db.session.delete(booth)
    db.session.flush()


def _insert(hall: Hall, rows: Sequence[BoothFields]) -> list[Booth]:
    keys = [_key(row.code) for row in rows]
    taken = db.session.scalar(
        select(Booth.code)
        .where(Booth.edition_id == hall.edition_id, Booth.code_key.in_(keys), Booth.retired_at.is_(None))
        .limit(1)
    )
    if taken:
        raise RuleRefused(BoothRefusal.CODE_TAKEN, code=taken)
    booths = [
        Booth(
            edition_id=hall.edition_id,
            hall_id=hall.id,
            code=row.code,
            code_key=key,
            kind=row.kind,
            x_m=row.rect.x,
            y_m=row.rect.y,
            width_m=row.rect.width,
            depth_m=row.rect.depth,
            area_m2=row.rect.width * row.rect.depth,
            open_sides=row.open_sides,
            price=row.price or Decimal(0),
        )
        for row, key in zip(rows, keys, strict=True)
    ]
    ask = booth_prices.pricer(hall.edition)
    for booth in booths:
        found = ask(booth)
        booth.price = booth.price if found is None else found
    db.session.add_all(booths)
    _flush_codes(rows[0].code)
    audit.record(
        "booth.create",
        "hall",
        hall.id,
        edition_id=hall.edition_id,
        changes={"booths": [None, len(booths)], "codes": f"{booths[0].code}–{booths[-1].code}"},
    )
    return booths


def _flush_codes(code: str) -> None:
    try:
        with db.session.begin_nested():
            db.session.flush()
    except IntegrityError:
        raise RuleRefused(BoothRefusal.CODE_TAKEN, code=code) from None


def _check_places(hall: Hall, new: Sequence[Placed], apart_from: int | None = None) -> None:
    plan_places.lock_hall(hall)
    shapes = [(p.code, geometry.rectangle(p.rect.x, p.rect.y, p.rect.width, p.rect.depth)) for p in new]
    plan_places.check(hall, shapes, {apart_from} if apart_from else ())


def _rect(booth: Booth) -> Rect:
    return Rect(booth.x_m, booth.y_m, booth.width_m, booth.depth_m)


def _key(code: str) -> str:
    key = stands.stand_key(code)
    if key is None or len(key) > 60:
        raise RuleRefused(BoothRefusal.CODE_UNREADABLE, code=code)
    return key


def free(booth: Booth, action: str, reason: str, *, told: bool = True) -> None:
    """Put a locked booth back on sale; unless ``told`` is off, the waiting list is asked at once."""
    holder = booth.opportunity_id
    booth.state, booth.opportunity_id, booth.held_until = BoothState.AVAILABLE.value, None, None
    audit.record(
        action,
        "booth",
        booth.id,
        edition_id=booth.edition_id,
        changes={"code": booth.code, "opportunity": [holder, None]},
        reason=reason,
    )
    db.session.flush()
    follow(holder)
    if told:
        booth_hooks.tell_freed(booth, holder)


def follow(opportunity_id: int | None) -> None:
    """Bring the stage of who had a booth in line with what is left."""
    holder = db.session.get(Opportunity, opportunity_id) if opportunity_id else None
    if holder is not None:
        opportunities.follow_facts(holder)


def set_sector(booth: Booth, sector: str) -> None:
    """The product sector that a booth belongs to; price lists may name it, so an unsold booth takes its price by the list."""
    (booth,) = lock([booth.id])
    before, booth.sector = booth.sector, sector
    if before != sector and booth.state not in {BoothState.RESERVED, BoothState.SOLD} and not booth_prices.agreed([booth.id]):
        booth_prices.put_back([booth])
    db.session.flush()
    audit.record(
        "booth.update",
        "booth",
        booth.id,
        edition_id=booth.edition_id,
        changes=audit.diff({"sector": before}, {"sector": sector}),
    )
