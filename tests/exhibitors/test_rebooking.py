"""Rebooking: the rate at a date, the right to the own stand, and booking somebody in on the spot."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

from expo_crm.directory.models import Participation
from expo_crm.exhibitors.domain import rebooking as rules
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Booth, BoothOccupant, Contract, FirstRefusal, Opportunity
from expo_crm.exhibitors.services import booths, contracts, first_refusal, opportunities, rebooking
from expo_crm.lib import clock
from expo_crm.shows.models import Hall
from tests.support.cast import play, sign_in

D = dt.date


def test_the_rate_counts_who_is_bound_by_the_day():
    bound = {1: D(2026, 3, 1), 2: D(2026, 3, 5), 9: D(2026, 1, 1)}
    found = rules.rate({1, 2, 3, 4}, bound, D(2026, 3, 4))
    assert (found.rebooked, found.exhibitors, found.share) == (1, 4, 0.25)
    assert rules.rate({1, 2}, bound, D(2026, 3, 5)).share == 1.0
    assert rules.rate(set(), bound, D(2026, 3, 5)).share is None
    assert rules.course({1, 2}, bound, D(2026, 2, 27), (0, 2, 6)) == [(0, 0.0), (2, 0.5), (6, 1.0)]


@pytest.fixture
def cast(session):
    """Last year three companies stood on booths of the same numbers that the coming plan has; A04 is gone."""
    cast = play(session)
    hall = Hall(
        edition_id=cast.previous.id,
        code="H1",
        name_zh="1号馆",
        name_en="Hall 1",
        width_m=Decimal(60),
        depth_m=Decimal(40),
    )
    session.add(hall)
    session.flush()
    cast.old = list(
        session.scalars(
            select(Participation).where(Participation.edition_id == cast.previous.id).order_by(Participation.id)
        )
    )
    for row, code in zip(cast.old, ("A01", "A02", "Z99"), strict=True):
        booth = Booth(
            edition_id=cast.previous.id, hall_id=hall.id, code=code, code_key=code, x_m=Decimal(1), y_m=Decimal(1), width_m=Decimal(3),
            depth_m=Decimal(3), area_m2=Decimal(9), price=Decimal(1), state="sold",
        )  # fmt: skip
        session.add(booth)
        session.flush()
        session.add(BoothOccupant(booth_id=booth.id, participation_id=row.id, host=True))
    session.commit()
    return cast


LATER = D(2030, 1, 1)


def test_rights_are_given_once_to_the_stand_of_the_same_number(session, cast):
    made = first_refusal.grant_all(cast.previous, cast.edition, LATER)
    assert (made.new, made.there, made.without) == (2, 0, ("Z99",))
    again = first_refusal.grant_all(cast.previous, cast.edition, LATER)
    assert (again.new, again.there) == (0, 2)
    assert first_refusal.prolong(cast.edition.id, D(2030, 2, 1)) == 2


def test_nobody_else_holds_or_buys_the_stand_until_the_day(session, cast):
    first_refusal.grant_all(cast.previous, cast.edition, LATER)
    session.commit()
    other = opportunities.create_opportunity(cast.edition, cast.companies[3])
    until = clock.now() + dt.timedelta(days=3)
    with pytest.raises(RuleRefused) as refused:
        booths.hold(cast.booths[0], other, until)
    assert refused.value.reason is rules.RebookRefusal.FIRST_REFUSAL and "禾川" in refused.value.facts["company"]
    booths.hold(cast.booths[0], cast.opportunity, until)  # its own
    booths.hold(cast.booths[3], other, until)  # nobody's
    assert first_refusal.expire(dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)) == 0  # the last day counts whole
    assert first_refusal.expire(dt.datetime(2030, 1, 1, 17, tzinfo=dt.UTC)) == 2  # past midnight in Shanghai
    booths.hold(cast.booths[1], other, until)


def test_an_exhibitor_is_booked_in_one_step(session, cast):
    first_refusal.grant_all(cast.previous, cast.edition, LATER)
    one = cast.old[1]  # has no opportunity yet
    contract = rebooking.rebook(one, cast.edition, [cast.booths[1].id], owner_id=cast.sales.id)
    session.commit()
    chance = session.scalar(
        select(Opportunity).where(Opportunity.company_id == one.company_id, Opportunity.edition_id == cast.edition.id)
    )
    assert (chance.source, contract.opportunity_id) == ("rebooking", chance.id)
    assert session.scalar(select(FirstRefusal.state).where(FirstRefusal.participation_id == one.id)) == "taken"
    with pytest.raises(RuleRefused) as refused:
        rebooking.rebook(one, cast.edition, [cast.booths[4].id])
    assert refused.value.reason is rules.RebookRefusal.HAS_CONTRACT
    contracts.send(contract)
    contracts.sign(contract, "周敏", clock.local_day(clock.now(), cast.edition.timezone))
    with pytest.raises(RuleRefused):
        rebooking.rebook(cast.old[0], cast.edition, [cast.booths[1].id])


def test_who_does_not_come_gives_the_stand_free(session, cast):
    first_refusal.grant_all(cast.previous, cast.edition, LATER)
    rebooking.decline(cast.old[1], cast.edition, "price")
    other = opportunities.create_opportunity(cast.edition, cast.companies[3])
    booths.hold(cast.booths[1], other, clock.now() + dt.timedelta(days=1))
    chance = session.scalar(
        select(Opportunity).where(
            Opportunity.company_id == cast.old[1].company_id, Opportunity.edition_id == cast.edition.id
        )
    )
    assert (chance.stage, chance.lost_reason) == ("lost", "price")
    contract = rebooking.rebook(cast.old[1], cast.edition, [cast.booths[5].id])  # and changes its mind
    assert contract.net_m2 == 9


E = "/e/fluid-2025/rebooking"


def test_the_desk_from_the_search_to_the_contract(client, session, cast):
    one, booth, coming = cast.old[1].id, cast.booths[1].id, cast.edition.id
    sign_in(client, cast.sales)
    assert client.post(f"{E}/first-refusal", data={"until": "gestern"}).status_code == 422
    assert client.post(f"{E}/first-refusal", data={"until": "1999-01-01"}).status_code == 422
    day = (clock.now() + dt.timedelta(days=30)).date().isoformat()
    assert client.post(f"{E}/first-refusal", data={"until": day}).status_code == 302
    page = client.get(f"{E}?lang=en").get_data(as_text=True)
    assert "Not asked yet" in page and "0 of 3" in page and "Z99" in page
    desk = client.get(f"{E}/{one}?lang=en").get_data(as_text=True)
    assert f'name="booth" value="{booth}" checked' in desk
    assert client.post(f"{E}/{one}/book", data={"booth": ""}).status_code == 422
    assert client.post(f"{E}/{one}/book", data={"booth": "999999"}).status_code == 422
    booked = client.post(f"{E}/{one}/book", data={"booth": [str(booth), ""]})
    assert booked.status_code == 302 and "/e/fluid-2026/contracts/" in booked.location
    assert session.scalar(select(Contract.edition_id)) == coming
    assert client.post(f"{E}/{one}/book", data={"booth": str(booth)}).status_code == 409
    assert "Contract out" in client.get(f"{E}?standing=contract&lang=en").get_data(as_text=True)
    assert client.post(f"{E}/{cast.old[0].id}/decline", data={"reason": ""}).status_code == 422
    assert client.post(f"{E}/{cast.old[0].id}/decline", data={"reason": "price"}).status_code == 302
    assert client.get(f"/e/fluid-2026/rebooking/{one}").status_code == 404
    assert client.get("/e/fluid-2026/rebooking").status_code == 200  # nothing after it yet


def test_more_exhibitors_cost_no_more_queries(client, session, cast):
    from sqlalchemy import event

    from expo_crm.db import db

    sign_in(client, cast.sales)

    def cost() -> int:
        seen: list[int] = []
        session.remove()
        event.listen(db.engine, "before_cursor_execute", lambda *_: seen.append(1))
        assert client.get(E).status_code == 200
        return len(seen)

    ids = [row.id for row in cast.old]
    for key in ids[1:]:
        session.get(Participation, key).outcome = "cancelled"
    session.commit()
    few = cost()
    for key in ids:
        session.get(Participation, key).outcome = "exhibited"
    session.commit()
    assert cost() <= few + 1
