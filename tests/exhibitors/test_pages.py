"""The pages of recruitment, plan and contracts through the real application."""

from __future__ import annotations

import datetime as dt

import pytest

from expo_crm.billing import queries as billing
from expo_crm.exhibitors.models import Booth, CompetitorPresence, CompetitorShow, Contract
from expo_crm.exhibitors.services import booths, contracts
from expo_crm.lib import clock
from tests.support.cast import play, sign_in

E = "/e/fluid-2026"


@pytest.fixture
def cast(session):
    return play(session)


@pytest.fixture
def sales(client, cast):
    sign_in(client, cast.sales)
    return client


def soon() -> dt.datetime:
    return clock.now() + dt.timedelta(days=3)


def yesterday() -> dt.date:
    return clock.now().date() - dt.timedelta(days=1)


def sold(cast) -> Contract:
    booths.hold(cast.booths[0], cast.opportunity, soon())
    contract = contracts.draft(cast.opportunity)
    contracts.sign(contract, "陈思远", yesterday())
    return contract


PAGES = (
    "/recruitment",
    "/recruitment/new?q=hc",
    "/exhibitors",
    "/plan",
    "/plan?view=list&q=A0",
    "/contracts",
    "/invoices",
)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens(client, cast, lang):
    contract = sold(cast)
    sign_in(client, cast.admin)
    invoice = billing.list_invoices_of_contract(contract.id)[0]
    pages = [
        *PAGES,
        f"/recruitment/{cast.opportunity.id}",
        f"/plan?booth={cast.booths[0].id}",
        f"/plan?booth={cast.booths[1].id}",
        f"/plan/booths/{cast.booths[0].id}/edit",
        "/plan/halls/H1/grid",
        "/plan/halls/H1/new",
        f"/contracts/{contract.id}",
        f"/invoices/{invoice.id}",
    ]
    for path in pages:
        answer = client.get(E + path, query_string={"lang": lang} if "?" not in path else None)
        assert answer.status_code == 200, (path, answer.status_code)


def test_the_board_moves_a_card_and_answers_new_totals(sales, cast):
    url = f"{E}/recruitment/{cast.opportunity.id}/move"
    answer = sales.post(
        url, data={"stage": "quoted", "version": cast.opportunity.version}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 200
    assert 'data-stage="quoted"' in answer.text
    assert cast.opportunity.stage == "quoted"
    refused = sales.post(url, data={"stage": "paid"}, headers={"HX-Request": "true", "Accept-Language": "en"})
    assert refused.status_code == 409
    assert "data-error-part" in refused.text
    assert cast.opportunity.stage == "quoted"
    stale = sales.post(url, data={"stage": "lead", "version": "1"}, headers={"HX-Request": "true"})
    assert stale.status_code == 409
    assert sales.post(url, data={"stage": "lost"}).status_code == 422
    assert sales.post(url, data={"stage": "nonsense"}).status_code == 422
    assert sales.post(url, data={"stage": "lost", "lost_reason": "price"}).status_code == 302
    assert cast.opportunity.lost_reason == "price"


def test_who_loses_a_card_may_say_to_which_show(sales, cast, session):
    def show(of, name):
        made = CompetitorShow(show_id=of.id, name_zh=name, created_at=clock.now())
        session.add(made)
        session.flush()
        return made

    named, seen = show(cast.show, "华南泵阀展"), show(cast.show, "北方流体展")
    session.add(
        CompetitorPresence(competitor_show_id=seen.id, company_id=cast.opportunity.company_id, seen_on=clock.now().date())
    )
    session.commit()
    page = f"{E}/recruitment/{cast.opportunity.id}"
    url, lost = f"{page}/move", {"stage": "lost", "lost_reason": "competitor"}
    assert "华南泵阀展" in sales.get(page).text and "华南泵阀展" in sales.get(f"{E}/recruitment").text
    for strange in ("99999", "x"):
        assert sales.post(url, data=lost | {"lost_to": strange}).status_code in (409, 422)
    assert sales.post(url, data=lost).status_code == 302
    said = sales.get(f"{E}/pipeline?lang=en").text
    assert "seen at: 北方流体展" in " ".join(said.split()) and "华南泵阀展" not in said  # nobody has named one: where it was seen
    assert sales.post(url, data=lost | {"lost_to": named.id}).status_code == 302
    session.expire_all()
    assert cast.opportunity.lost_to_id == named.id
    said = sales.get(f"{E}/pipeline?lang=en").text
    assert "华南泵阀展" in said and "北方流体展" not in said
    assert "Lost to 华南泵阀展" in sales.get(f"{page}?lang=en").text
    assert sales.post(url, data={"stage": "lead"}).status_code == 302
    session.expire_all()
    assert cast.opportunity.lost_to_id is None


def test_from_a_held_booth_to_a_signed_contract(sales, cast, session):
    booth, other = cast.booths[0], cast.booths[1]
    path = f"{E}/plan/booths/{booth.id}"
    held = sales.post(
        f"{path}/hold", data={"opportunity": cast.opportunity.id, "days": "3"}, headers={"HX-Request": "true"}
    )
    assert held.status_code == 200
    assert held.headers["HX-Trigger"] == "booths-changed"
    states = sales.get(f"{E}/plan/halls/H1/states").json
    assert states["booths"][str(booth.id)][0] == "held"
    # Whatever the colours, the page says of which truth its panel is.
    for mode in ("state", "paid"):
        mark = sales.get(f"{E}/plan/halls/H1/states?colour={mode}").json["booths"][str(booth.id)][3]
        assert f'data-truth="{mark}"' in held.text
        assert f'data-truth="{mark}"' in sales.get(f"{E}/plan?booth={booth.id}&colour={mode}").text
    assert states["booths"][str(other.id)][0] == "available"
    answer = sales.post(f"{path}/sell", headers={"HX-Request": "true"})
    contract_url = answer.headers["HX-Redirect"]
    assert sales.get(f"{contract_url}/contract.pdf").data.startswith(b"%PDF")
    future = clock.now().date() + dt.timedelta(days=9)
    assert sales.post(f"{contract_url}/sign", data={"signed_by": "A", "signed_on": future}).status_code == 422
    assert sales.post(f"{contract_url}/sign", data={"signed_by": "", "signed_on": ""}).status_code == 422
    assert sales.post(f"{contract_url}/sign", data={"signed_by": "陈", "signed_on": yesterday()}).status_code == 302
    assert session.get(Booth, booth.id).state == "sold"
    again = sales.post(
        f"{path}/hold", data={"opportunity": cast.opportunity.id, "days": "3"}, headers={"HX-Request": "true"}
    )
    assert again.status_code == 409


def test_finance_books_and_sales_does_not(client, cast, session):
    contract = sold(cast)
    deposit = billing.list_invoices_of_contract(contract.id)[0]
    url = f"{E}/invoices/{deposit.id}/payments"
    sign_in(client, cast.sales)
    assert client.post(url, data={"amount": "1"}).status_code == 403
    client.post("/sign-out")
    sign_in(client, cast.finance)
    good = {"amount": "６,３６０", "received_on": yesterday(), "method": "bank", "reference": "TT 1"}
    for bad in (
        {"amount": "-5"},
        {"amount": "1e9"},
        {"amount": "99999"},
        {"received_on": "2026-02-30"},
        {"method": "gold"},
    ):
        assert client.post(url, data={**good, **bad}).status_code == 422, bad
    assert client.post(url, data=good).status_code == 302
    assert session.get(type(deposit), deposit.id).state == "paid"
    payment = deposit.payments[0]
    assert client.post(f"{url}/{payment.id}/reverse", data={"reason": ""}).status_code == 422
    assert client.post(f"{url}/{payment.id}/reverse", data={"reason": "wrong"}).status_code == 302
    assert client.post(f"{url}/{payment.id}/reverse", data={"reason": "wrong"}).status_code == 409
    assert client.get(f"{E}/invoices/{deposit.id}/invoice.pdf").data.startswith(b"%PDF")


def test_a_reader_looks_and_changes_nothing(client, cast):
    sign_in(client, cast.reader)
    assert client.get(f"{E}/recruitment").status_code == 200
    for path in (
        f"/recruitment/{cast.opportunity.id}/move",
        f"/plan/booths/{cast.booths[0].id}/hold",
        "/plan/halls/H1/grid",
    ):
        assert client.post(E + path).status_code == 403


def test_things_of_another_edition_are_not_found(sales, cast):
    other = "/e/fluid-2025"
    for path in (
        f"/recruitment/{cast.opportunity.id}",
        f"/plan/booths/{cast.booths[0].id}",
        "/contracts/1",
        "/invoices/1",
    ):
        assert sales.get(other + path).status_code == 404


def test_booths_are_drawn_in_rows_without_overlap(client, cast, session):
    sign_in(client, cast.admin)
    grid = {
        "prefix": "B", "first": "1", "rows": "2", "columns": "3", "x": "2", "y": "10", "width": "3", "depth": "3", "aisle": "3",
        "kind": "shell", "price": "9000",
    }  # fmt: skip
    url = f"{E}/plan/halls/H1/grid"
    assert client.post(url, data=grid).status_code == 302
    assert len({b.code for b in session.query(Booth).filter(Booth.code.like("B%"))}) == 6
    for bad in (
        {"prefix": "C"},
        {"y": "39"},
        {"y": "20"},
        {"rows": "0"},
        {"width": "0"},
        {"width": " "},
        {"price": " "},
        {"first": "x"},
        {"rows": "40", "columns": "60"},
    ):
        assert client.post(url, data={**grid, **bad}).status_code == 422, bad
    one = {"code": "K1", "kind": "raw", "x": "2", "y": "2", "width": "6", "depth": "6", "open_sides": "2", "price": "1"}
    assert client.post(f"{E}/plan/halls/H1/new", data=one).status_code == 422
    assert client.post(f"{E}/plan/halls/H1/new", data={**one, "y": "20"}).status_code == 302


@pytest.mark.parametrize("path", ["/recruitment", "/plan", "/exhibitors", "/contracts", "/invoices"])
def test_a_page_costs_the_same_with_more_rows(sales, cast, session, path):
    from sqlalchemy import event

    from expo_crm.db import db
    from expo_crm.exhibitors.services import opportunities

    def count() -> int:
        seen = []
        listener = lambda *a: seen.append(1)  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listener)
        assert sales.get(E + path).status_code == 200
        event.remove(db.engine, "before_cursor_execute", listener)
        return len(seen)

    sold(cast)
    few = count()
    for company, booth in zip(cast.companies[1:], cast.booths[1:], strict=False):
        opportunity = opportunities.create_opportunity(cast.edition, company, owner_id=cast.sales.id)
        booths.hold(booth, opportunity, soon())
        contracts.sign(contracts.draft(opportunity), "A", yesterday())
    assert count() == few
