"""A company goes to another booth, or two companies change places: one transaction, booths locked in the order of their ids."""

from __future__ import annotations

from sqlalchemy import select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.exhibitors.domain.booth import BoothRefusal, BoothState, effective_state
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, BoothOccupant, ContractBooth
from expo_crm.exhibitors.services import booth_hooks, booth_prices, first_refusal, opportunities, participations
from expo_crm.exhibitors.services.booths import lock
from expo_crm.lib import clock

TAKEN = {BoothState.HELD, BoothState.RESERVED, BoothState.SOLD}
_SIDES = {BoothState.HELD: BoothRefusal.HELD_BY_OTHER, BoothState.RESERVED: BoothRefusal.RESERVED, BoothState.SOLD: BoothRefusal.SOLD}


def move(booth: Booth, to: Booth, *, despite: str = "") -> None:
    """Whoever has ``booth`` gets ``to`` instead, which is free. Raises RuleRefused.

    A hold moves freely. A contract names size and price: under one, both booths must agree in them, else it is amended.
    ``despite``: why a neighbour rule is passed over.
    """
    one, two = _locked(booth, to)
    now = clock.now()
    mine, there = (effective_state(b.state, b.held_until, now) for b in (one, two))
    if mine not in TAKEN:
        raise RuleRefused(BoothRefusal.NOBODY_THERE, code=one.code)
    if there is not BoothState.AVAILABLE:
        raise RuleRefused(_SIDES.get(there, BoothRefusal.BLOCKED), code=two.code)
    _agree(one, two, mine)
    if one.opportunity is not None:
        first_refusal.check([two], one.opportunity)
        booth_hooks.ask_before_hold(two, one.opportunity, despite, [one.id])
    left = one.opportunity_id
    _exchange(one, two)
    _tell("booth.move", one, two)
    booth_hooks.tell_freed(one, left)
    booth_prices.put_back([one])


def swap(booth: Booth, other: Booth, *, despite: str = "") -> None:
    """Both companies change places. Raises RuleRefused as ``move`` does."""
    one, two = _locked(booth, other)
    now = clock.now()
    states = [effective_state(b.state, b.held_until, now) for b in (one, two)]
    for b, state in zip((one, two), states, strict=True):
        if state not in TAKEN:
            raise RuleRefused(BoothRefusal.NOBODY_THERE, code=b.code)
        _agree(one, two, state)
    for target, source in ((one, two), (two, one)):
        if source.opportunity is not None:
            first_refusal.check([target], source.opportunity)
            booth_hooks.ask_before_hold(target, source.opportunity, despite, [source.id])
    _exchange(one, two)
    _tell("booth.swap", one, two)


def _locked(booth: Booth, other: Booth) -> tuple[Booth, Booth]:
    if booth.id == other.id:
        raise RuleRefused(BoothRefusal.NO_BOOTH)
    found = {b.id: b for b in lock([booth.id, other.id])}
    for b in found.values():
        if b.retired_at:
            raise RuleRefused(BoothRefusal.GONE, code=b.code)
    return found[booth.id], found[other.id]


def _agree(one: Booth, two: Booth, state: BoothState) -> None:
    """Under a contract the size must be the same and the price by today's list, whatever was agreed or was earlier paid for one."""
    if state is BoothState.HELD:
        return
    ask = booth_prices.pricer(one.edition)
    by_list = ask(one), ask(two)
    prices = (one.price, two.price) if None in by_list else by_list
    if one.area_m2 != two.area_m2 or prices[0] != prices[1]:
        raise RuleRefused(BoothRefusal.OTHER_SIZE, code=one.code, other=two.code)


def _exchange(one: Booth, two: Booth) -> None:
    """States, holders, contracts and people of both change places. An expired hold counts as free and is dropped."""
    now = clock.now()
    sides = []
    for b in (one, two):
        free = effective_state(b.state, b.held_until, now) is BoothState.AVAILABLE
        sides.append((BoothState.AVAILABLE.value, None, None) if free else (b.state, b.opportunity_id, b.held_until))
    holders = {b.opportunity_id for b in (one, two) if b.opportunity_id}
    (one.state, one.opportunity_id, one.held_until), (two.state, two.opportunity_id, two.held_until) = sides[1], sides[0]
    if BoothState.HELD.value not in {sides[0][0], sides[1][0]}:  # the price under a contract goes with it
        one.price, two.price = two.price, one.price
    rows = list(
        db.session.scalars(
            select(ContractBooth).where(ContractBooth.booth_id.in_([one.id, two.id]), ContractBooth.live).with_for_update()
        )
    )
    going = [(row, two if row.booth_id == one.id else one) for row in rows]
    if len({row.contract_id for row in rows}) == len(rows):  # both booths under one contract: nothing to rewrite there
        for row in rows:  # the database lets a booth be under one live contract only, also for a moment
            row.live = False
        db.session.flush()
        for row, target in going:
            _settle_row(row, target, one if target is two else two)
        db.session.flush()
        for row in rows:
            row.live = True
        db.session.flush()
        for row in rows:
            db.session.expire(row, ["booth"])
    _exchange_people(one, two)
    db.session.flush()
    for row in rows:
        participations.settle(row.contract.edition_id, row.contract.company_id)
    for holder in sorted(holders):
        opportunities.follow_facts(db.session.get_one(opportunities.Opportunity, holder))


def _settle_row(row: ContractBooth, target: Booth, source: Booth) -> None:
    """The row names the new booth, and so do the lines; a dead row of the same contract over that booth gives way."""
    dead = select(ContractBooth).where(
        ContractBooth.contract_id == row.contract_id, ContractBooth.booth_id == target.id, ContractBooth.id != row.id
    )
    for old in db.session.scalars(dead):
        db.session.delete(old)
    db.session.flush()
    row.booth_id = target.id
    for line in row.contract.lines:
        line.text_zh = line.text_zh.replace(f"展位 {source.code}（", f"展位 {target.code}（")
        line.text_en = line.text_en.replace(f"Booth {source.code} (", f"Booth {target.code} (")
    audit.record(
        "contract.booth_moved",
        "contract",
        row.contract_id,
        edition_id=target.edition_id,
        changes={"booth": [source.code, target.code]},
    )


def _exchange_people(one: Booth, two: Booth) -> None:
    people = list(db.session.scalars(select(BoothOccupant).where(BoothOccupant.booth_id.in_([one.id, two.id]))))
    kept = [
        {c.key: getattr(p, c.key) for c in BoothOccupant.__mapper__.column_attrs if c.key not in {"id", "booth_id"}}
        | {"booth_id": two.id if p.booth_id == one.id else one.id}
        for p in people
    ]
    for person in people:
        db.session.delete(person)
    db.session.flush()
    db.session.add_all(BoothOccupant(**values) for values in kept)
    db.session.flush()
    for booth in (one, two):
        db.session.expire(booth, ["occupants"])


def _tell(action: str, one: Booth, two: Booth) -> None:
    audit.record(action, "booth", one.id, edition_id=one.edition_id, changes={"booth": [one.code, two.code]})
