"""Drawing the hall: steps that are refused, kept, taken back; companies that change places."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from sqlalchemy import select

from expo_crm.db import db, unit_of_work
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain import geometry
from expo_crm.exhibitors.domain.booth import BoothRefusal
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, BoothEvent, ContractBooth, Opportunity
from expo_crm.exhibitors.services import booths, contracts, opportunities, plan_edit, plan_moves
from expo_crm.exhibitors.services.plan_edit import NewBooth, Seen
from expo_crm.lib import clock
from expo_crm.shows.models import Hall
from tests.support.cast import play

D = Decimal


@pytest.fixture
def cast(session):
    return play(session)


@pytest.fixture
def other(cast):
    return opportunities.create_opportunity(cast.edition, cast.companies[1], owner_id=cast.sales.id, source="new")


def rect(x, y, w=3, d=3):
    return geometry.outline([(x, y), (x + w, y), (x + w, y + d), (x, y + d)])


def seen(*found):
    return [Seen(b.id, b.version) for b in found]


def soon():
    return clock.now() + dt.timedelta(days=3)


def refused(reason, work, *args, **more):
    with pytest.raises(RuleRefused) as error:
        work(*args, **more)
    assert error.value.reason == reason
    db.session.expire_all()
    return error.value


def standing(cast):
    return {b.code: b for b in queries.list_booths(cast.hall.id)}


def row(cast, *codes):
    plan_edit.draw(cast.hall, [NewBooth(code, rect(10 + 3 * i, 20)) for i, code in enumerate(codes)])
    return [standing(cast)[code] for code in codes]


def test_a_drawn_booth_knows_its_area_price_and_open_sides(cast):
    shape = geometry.outline([(10, 10), (16, 10), (16, 13), (13, 13), (13, 16), (10, 16)])
    plan_edit.draw(cast.hall, [NewBooth("B01", shape), NewBooth("B02", rect(13, 13))])
    made = standing(cast)
    assert (made["B01"].area_m2, made["B01"].width_m, made["B01"].price) == (D(27), D(6), D(36000))
    assert made["B02"].polygon == []
    assert len(made["B01"].polygon) == 6


def test_what_does_not_fit_is_refused_with_the_other_booths_code(cast):
    over = refused(BoothRefusal.OVERLAPS, plan_edit.draw, cast.hall, [NewBooth("B01", rect(8, 4))])
    assert over.facts["other"] == "A01"
    refused(BoothRefusal.OUTSIDE_HALL, plan_edit.draw, cast.hall, [NewBooth("B01", rect(58, 4))])
    refused(BoothRefusal.CODE_TAKEN, plan_edit.draw, cast.hall, [NewBooth("a01", rect(30, 20))])
    refused(BoothRefusal.CODE_TAKEN, plan_edit.draw, cast.hall, [NewBooth("B1", rect(30, 20)), NewBooth("B1", rect(40, 20))])
    refused(BoothRefusal.CODE_UNREADABLE, plan_edit.draw, cast.hall, [NewBooth("??", rect(30, 20))])
    first, second = row(cast, "B01", "B02")
    refused(BoothRefusal.OVERLAPS, plan_edit.reshape, cast.hall, [(Seen(first.id, first.version), rect(11, 20))])
    # Together they may pass through where the other one stood.
    plan_edit.reshape(cast.hall, [(s, rect(x, 20)) for s, x in zip(seen(first, second), (13, 16), strict=True)])
    assert (first.x_m, second.x_m) == (13, 16)


def test_undo_and_redo_go_through_the_server(cast):
    drawn = plan_edit.draw(cast.hall, [NewBooth("B01", rect(10, 20))])
    booth = standing(cast)["B01"]
    moved = plan_edit.reshape(cast.hall, [(Seen(booth.id, booth.version), rect(20, 20, 6))])
    assert (booth.x_m, booth.area_m2, booth.price) == (20, 18, 24000)
    undone = plan_edit.revert(cast.hall, moved.token)
    assert (booth.x_m, booth.area_m2, booth.price) == (10, 9, 12000)
    refused(BoothRefusal.NOTHING_TO_UNDO, plan_edit.revert, cast.hall, moved.token)
    plan_edit.revert(cast.hall, undone.token)
    assert booth.x_m == 20
    with pytest.raises(plan_edit.Stale):  # it moved after it was drawn
        plan_edit.revert(cast.hall, drawn.token)
    kinds = db.session.scalars(select(BoothEvent.kind).where(BoothEvent.booth_id == booth.id).order_by(BoothEvent.id))
    assert list(kinds) == ["draw", "reshape", "revert", "revert"]


def test_an_undone_drawing_frees_code_and_ground(cast):
    drawn = plan_edit.draw(cast.hall, [NewBooth("B01", rect(10, 20))])
    undone = plan_edit.revert(cast.hall, drawn.token)
    assert "B01" not in standing(cast)
    plan_edit.draw(cast.hall, [NewBooth("B01", rect(11, 20))])
    refused(BoothRefusal.OVERLAPS, plan_edit.revert, cast.hall, undone.token)


def test_merge_and_split_keep_the_history_and_come_back(cast):
    one, two = row(cast, "B01", "B02")
    merged = plan_edit.merge(cast.hall, seen(one, two))
    whole = standing(cast)["B01"]
    assert (whole.id != one.id, whole.area_m2, whole.price) == (True, 18, 24000)
    assert (one.merged_into_id, one.state, "B02" in standing(cast)) == (whole.id, "blocked", False)
    plan_edit.revert(cast.hall, merged.token)
    assert {standing(cast)[c].id for c in ("B01", "B02")} == {one.id, two.id}
    assert one.merged_into_id is None
    cut = plan_edit.split(cast.hall, *seen(one), (D("11.5"), D(0)), (D("11.5"), D(40)))
    parts = [standing(cast)[c] for c in ("B01a", "B01b")]
    assert [(p.area_m2, p.price, p.split_from_id) for p in parts] == [(D("4.5"), D(6000), one.id)] * 2
    plan_edit.revert(cast.hall, cut.token)
    assert standing(cast)["B01"].id == one.id
    refused(BoothRefusal.NOT_TWO_PARTS, plan_edit.split, cast.hall, *seen(one), (D(0), D(0)), (D(1), D(0)))
    refused(BoothRefusal.NOT_ADJOINING, plan_edit.merge, cast.hall, seen(cast.booths[0], cast.booths[1]))


def test_only_what_belongs_together_is_merged(cast, other):
    one, two, three = row(cast, "B01", "B02", "B03")
    booths.hold(one, cast.opportunity, soon())
    booths.hold(two, other, soon())
    refused(BoothRefusal.NOT_ALIKE, plan_edit.merge, cast.hall, seen(one, two))
    refused(BoothRefusal.NOT_ALIKE, plan_edit.merge, cast.hall, seen(two, three))
    booths.release(two)
    booths.hold(two, cast.opportunity, soon())
    step = plan_edit.merge(cast.hall, seen(one, two))
    whole = standing(cast)["B01"]
    assert (whole.state, whole.opportunity_id) == ("held", cast.opportunity.id)
    refused(BoothRefusal.IN_USE, plan_edit.revert, cast.hall, step.token)
    refused(BoothRefusal.IN_USE, plan_edit.remove, cast.hall, seen(whole))


def test_a_contract_follows_merging_and_splitting(cast):
    one, two = row(cast, "B01", "B02")
    for b in (one, two):
        booths.hold(b, cast.opportunity, soon())
    contract = contracts.draft(cast.opportunity)
    contracts.sign(contract, "陈思远", clock.now().date() - dt.timedelta(days=1))
    refused(BoothRefusal.IN_USE, plan_edit.reshape, cast.hall, [(Seen(one.id, one.version), rect(30, 20))])
    plan_edit.merge(cast.hall, seen(one, two))
    whole = standing(cast)["B01"]
    assert (whole.state, [o.host for o in whole.occupants]) == ("sold", [True])
    assert queries.find_live_contract_of_booth(whole.id).id == contract.id
    plan_edit.split(cast.hall, *seen(whole), (D(13), D(0)), (D(13), D(40)))
    live = db.session.scalars(
        select(Booth.code).join(ContractBooth, ContractBooth.booth_id == Booth.id).where(ContractBooth.live).order_by(Booth.code)
    )
    assert list(live) == ["B01a", "B01b"]
    db.session.expire_all()
    contracts.cancel(contract, "x")
    assert {standing(cast)[c].state for c in ("B01a", "B01b")} == {"available"}


def test_a_row_is_numbered_and_codes_may_change_places(cast):
    row(cast, "B02", "B01", "B09")
    plan_edit.number(cast.hall, seen(*(standing(cast)[c] for c in ("B01", "B02", "B09"))), "B")
    found = standing(cast)
    assert [found[c].x_m for c in ("B01", "B02", "B03")] == [10, 13, 16]
    assert plan_edit.next_code(cast.hall) == "B04"
    refused(BoothRefusal.CODE_TAKEN, plan_edit.number, cast.hall, seen(found["B01"]), "A", 3)


def test_a_stale_screen_is_told_what_changed(cast):
    booth = row(cast, "B01")[0]
    old = seen(booth)
    booths.hold(booth, cast.opportunity, soon())
    with pytest.raises(plan_edit.Stale) as stale:
        plan_edit.reshape(cast.hall, [(old[0], rect(30, 20))])
    ((changed, events),) = stale.value.changes
    assert changed.code == "B01"
    assert [e.after["state"] for e in events] == ["held"]


def test_merging_and_splitting_at_once_leaves_one_of_them(app, cast):
    one, two = row(cast, "B01", "B02")
    both, first, hall = seen(one, two), seen(one)[0], cast.hall.id
    db.session.commit()
    answers, gate = [], threading.Barrier(2)

    def run(work):
        with app.app_context():
            gate.wait()
            try:
                with unit_of_work():
                    work(db.session.get_one(Hall, hall))
                answers.append("done")
            except (plan_edit.Stale, RuleRefused) as error:
                answers.append(type(error).__name__)

    jobs = [
        lambda h: plan_edit.merge(h, both),
        lambda h: plan_edit.split(h, first, (D("11.5"), D(0)), (D("11.5"), D(40))),
    ]
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(answers) == ["Stale", "done"]
    shapes = [(b.code, plan_edit.plan_places.outline_of(b)) for b in queries.list_booths(hall)]
    assert geometry.first_overlap(shapes, []) is None
    assert sum(b.area_m2 for b in queries.list_booths(hall) if b.code.startswith("B")) == 18


def test_a_company_moves_and_two_change_places(cast, other):
    a, b, c, *_ = cast.booths
    booths.hold(a, cast.opportunity, soon())
    contract = contracts.draft(cast.opportunity)
    contracts.sign(contract, "陈思远", clock.now().date() - dt.timedelta(days=1))
    booths.hold(b, other, soon())
    refused(BoothRefusal.HELD_BY_OTHER, plan_moves.move, a, b)
    refused(BoothRefusal.NOBODY_THERE, plan_moves.swap, a, c)
    plan_moves.swap(a, b)
    assert [(x.state, x.opportunity_id) for x in (a, b)] == [("held", other.id), ("sold", cast.opportunity.id)]
    assert queries.find_live_contract_of_booth(b.id).id == contract.id
    assert [o.participation.company_id for o in b.occupants] == [cast.companies[0].id]
    assert "A02" in contract.lines[0].text_zh
    plan_moves.move(b, c)
    assert [(x.state, len(x.occupants)) for x in (b, c)] == [("available", 0), ("sold", 1)]
    assert queries.find_participation(cast.edition.id, cast.companies[0].id).stands == "A03"
    cast.booths[3].price = D(13000)
    refused(BoothRefusal.OTHER_SIZE, plan_moves.move, c, cast.booths[3])
    assert db.session.get(Opportunity, cast.opportunity.id).stage == "contracted"


def test_booths_come_in_the_order_in_which_people_count(cast):
    row(cast, "B10", "B2", "B1001", "B1")
    booth = standing(cast)["B1"]
    assert [code for code in standing(cast) if code.startswith("B")] == ["B1", "B2", "B10", "B1001"]
    booth.code, booth.code_key = "B300", "B300"
    db.session.flush()
    assert [code for code in standing(cast) if code.startswith("B")] == ["B2", "B10", "B300", "B1001"]
