"""Extras ordered in the portal: from one stock, on the contract, until the last day, with a mail; and the race for the last piece."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from expo_crm.accounts.models import User
from expo_crm.billing.models import OrderLine, Product
from expo_crm.billing.services import extras
from expo_crm.billing.services.extras import OrderRefusal, OrderRefused
from expo_crm.db import db, unit_of_work
from expo_crm.directory.models import Participation
from expo_crm.directory.services import participations as ledger
from expo_crm.exhibitors import queries_tasks
from expo_crm.exhibitors.models import PortalMember
from expo_crm.exhibitors.services import booths, contract_changes, contracts, portal_extras
from expo_crm.exhibitors.services.portal_extras import ProductRefused
from expo_crm.lib import clock
from expo_crm.messaging.models import Message
from tests.support.cast import NOW, play, sign_in

D = Decimal
DAY = dt.date(2026, 3, 2)


@pytest.fixture(autouse=True)
def fixed(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def cast(session):
    """An exhibitor with a signed contract and an account, another one without, and three products."""
    cast = play(session)
    booths.hold(cast.booths[0], cast.opportunity, NOW + dt.timedelta(days=3))
    cast.contract = contracts.draft(cast.opportunity)
    contracts.sign(cast.contract, "陈", DAY)
    cast.mine = session.scalar(select(Participation).filter_by(company_id=cast.companies[0].id, edition_id=cast.edition.id))
    cast.other = ledger.set_participation(cast.edition.id, cast.companies[1].id, role="co")
    cast.me = member(session, cast, "me@hechuan.example", cast.companies[0])
    cast.power, cast.table, cast.gone = (
        extras.save_product(
            cast.edition,
            {
                "code": code, "name_zh": f"{code} 中文", "name_en": code, "kind": "power", "unit_zh": "个", "unit_en": "pcs",
                "price": D(price), "currency": "CNY", "stock": stock, "available_until": until, "retired": False,
            },
        )
        for code, price, stock, until in (("P1", 850, 3, None), ("F1", 420, None, DAY), ("X1", 10, 9, DAY - dt.timedelta(days=1)))
    )  # fmt: skip
    session.commit()
    return cast


def member(session, cast, email, company, role="main"):
    user = User(email=email, name=email, kind="exhibitor", locale="zh", created_at=NOW, password_hash=cast.sales.password_hash)
    session.add(user)
    session.flush()
    session.add(PortalMember(user_id=user.id, company_id=company.id, role=role))
    return user


def refused(call, *args):
    with pytest.raises((ProductRefused, OrderRefused)) as caught:
        call(*args)
    return caught.value.reason.reason if isinstance(caught.value, ProductRefused) else caught.value.reason


def test_an_order_goes_on_the_contract_is_changed_and_cancelled_until_its_last_day(session, cast, monkeypatch):
    offers = {o.product.code: (o.left, o.open) for o in portal_extras.list_offers(cast.mine)}
    assert offers == {"P1": (3, True), "F1": (None, True), "X1": (9, False)}
    one, two = portal_extras.order(cast.mine, {cast.power.id: 2, cast.table.id: 1})
    assert (one.contract_id, one.tax_rate, one.amount, cast.power.ordered) == (cast.contract.id, D("0.06"), D(1700), 2)
    assert queries_tasks.facts_of(cast.edition, [cast.mine])[cast.mine.id].services
    assert refused(portal_extras.change, cast.mine, one, 4) is OrderRefusal.SOLD_OUT
    portal_extras.change(cast.mine, one, 3)
    assert (one.quantity, one.amount, one.text_en, cast.power.ordered) == (3, D(2550), "P1 × 3 pcs", 3)
    cast.power.price = D(900)
    session.flush()
    portal_extras.change(cast.mine, one, 1)  # less is always possible, at the price of the order
    assert (one.amount, cast.power.ordered) == (D(850), 1)
    assert refused(portal_extras.change, cast.mine, one, 2) is OrderRefusal.PRICE_MOVED
    assert refused(portal_extras.change, cast.mine, one, 0) is OrderRefusal.QUANTITY
    monkeypatch.setattr(clock, "now", lambda: NOW + dt.timedelta(days=1))
    assert refused(portal_extras.cancel, cast.mine, two) is OrderRefusal.TOO_LATE
    portal_extras.cancel(cast.mine, one)
    assert (one.state, cast.power.ordered) == ("cancelled", 0)
    assert refused(portal_extras.cancel, cast.mine, one) is OrderRefusal.NOT_OPEN
    subjects = [m.subject for m in session.scalars(select(Message).where(Message.template == "exhibitors_order").order_by(Message.id))]
    assert [("已确认" in s, "已修改" in s, "已取消" in s) for s in subjects] == [
        (True, False, False), (False, True, False), (False, True, False), (False, False, True),
    ]  # fmt: skip


def test_all_of_an_order_or_nothing(session, cast):
    assert refused(portal_extras.order, cast.mine, {cast.table.id: 1, cast.power.id: 4}) is OrderRefusal.SOLD_OUT
    assert refused(portal_extras.order, cast.mine, {cast.table.id: 1, cast.gone.id: 1}) is OrderRefusal.TOO_LATE
    assert refused(portal_extras.order, cast.mine, {cast.table.id: 1, 10**9: 1}) is OrderRefusal.RETIRED
    assert (session.scalar(select(func.count(OrderLine.id))), cast.table.ordered) == (0, 0)
    assert session.scalar(select(func.count(Message.id))) == 0


def test_an_order_on_a_draft_stands_on_its_lines_and_without_a_contract_on_the_account(session, cast):
    (alone,) = portal_extras.order(cast.other, {cast.table.id: 2})
    assert (alone.contract_id, alone.state, alone.amount) == (None, "open", D(840))
    booths.hold(cast.booths[1], cast.opportunity, NOW + dt.timedelta(days=3))
    contracts.cancel(cast.contract, "new terms")
    draft = contracts.draft(cast.opportunity)
    (line,) = portal_extras.order(cast.mine, {cast.table.id: 1})
    assert (line.state, draft.net) == ("on_contract", D(12420))
    portal_extras.change(cast.mine, line, 3)
    assert draft.net == D(13260)
    contracts.send(draft)  # what went out stays as it is
    assert refused(portal_extras.change, cast.mine, line, 1) is OrderRefusal.NOT_OPEN
    with pytest.raises(contract_changes.RuleRefused):
        contract_changes.change_extra(draft, line, 1)


def test_the_last_pieces_go_to_as_many_as_there_are(app, session, cast):
    """Orders and enlargements of orders at once: three pieces, never more."""
    (mine,) = portal_extras.order(cast.mine, {cast.power.id: 1})
    ids = (cast.mine.id, cast.other.id, cast.power.id, mine.id)
    session.commit()
    session.remove()
    barrier, results = threading.Barrier(12), []

    def attempt(number):
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work():
                    here = db.session.get_one(Participation, ids[1])
                    if number == 0:
                        here = db.session.get_one(Participation, ids[0])
                        portal_extras.change(here, db.session.get_one(OrderLine, ids[3]), 2)
                    else:
                        portal_extras.order(here, {ids[2]: 1})
                results.append("won")
            except ProductRefused as no:
                results.append(no.reason.reason.value)
            except OrderRefused as no:
                results.append(no.reason.value)

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (results.count("won"), results.count("order_sold_out")) == (2, 10)
    assert session.get_one(Product, ids[2]).ordered == 3
    assert session.scalar(select(func.sum(OrderLine.quantity)).where(OrderLine.state == "open")) == 3


def test_the_pages_of_exhibitor_and_staff(client, session, cast):
    url = f"/portal/{cast.mine.id}/services"
    sign_in(client, cast.me)
    assert "P1 中文" in client.get(url).text
    bad = client.post(f"{url}/order", data={f"q-{cast.power.id}": "9", f"q-{cast.table.id}": "2"})
    assert bad.status_code == 422
    assert 'value="9"' in bad.text  # what was typed stays
    assert client.post(f"{url}/order", data={f"q-{cast.power.id}": "two"}).status_code == 422
    assert client.post(f"{url}/order", data={}).status_code == 422
    done = client.post(f"{url}/order", data={f"q-{cast.power.id}": "２", "price": "1", f"p-{cast.power.id}": "1"})
    assert done.status_code == 302
    line = session.scalar(select(OrderLine))
    assert (line.amount, line.ordered_by) == (D(1700), cast.me.id)
    assert client.post(f"{url}/{line.id}/change", data={"quantity": "0"}).status_code == 422
    assert client.post(f"{url}/{line.id}/change", data={"quantity": "3"}).status_code == 302
    strange = extras.order(cast.edition, cast.companies[1], cast.table, 1)
    session.commit()
    for what in ("change", "cancel"):
        assert client.post(f"{url}/{strange.id}/{what}", data={"quantity": "1"}).status_code == 404
    staff = member(session, cast, "stand@hechuan.example", cast.companies[0], role="staff")
    session.commit()
    client.post("/sign-out")
    sign_in(client, staff)
    assert client.post(f"{url}/order", data={f"q-{cast.power.id}": "1"}).status_code == 403
    client.post("/sign-out")
    sign_in(client, cast.reader)
    page = client.get(f"/e/{cast.edition.slug}/extras/orders?portal=1").text
    assert "P1 中文 × 3 个" in page
    assert "F1 中文 × 1 个" not in page
