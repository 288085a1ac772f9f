"""A form that arrives twice is carried out once: after each other, at the same moment, and never where something was changed."""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from decimal import Decimal as D

import pytest
from sqlalchemy import func, select

from expo_crm.accounts.models import User
from expo_crm.billing.models import OrderLine, Payment
from expo_crm.billing.services import extras, payments
from expo_crm.directory.models import Activity
from expo_crm.directory.services import participations as ledger
from expo_crm.exhibitors.models import PortalMember
from expo_crm.exhibitors.services import booths, contracts
from expo_crm.jobs.models import Job
from expo_crm.jobs.routes import KINDS
from expo_crm.jobs.services import tidy
from expo_crm.lib import clock
from expo_crm.scheduler import TICKS
from expo_crm.web.once import KEEP, SentForm
from tests.support.cast import NOW, play, sign_in


@pytest.fixture
def cast(session, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return play(session)


def key(client, url):
    """The key that the forms of a page carry."""
    (found,) = set(re.findall(r'name="once" value="([^"]+)"', client.get(url).text))
    return found


def count(session, model):
    return session.scalar(select(func.count(model.id)))


def test_an_order_of_the_portal(client, session, cast):
    here = ledger.set_participation(cast.edition.id, cast.companies[1].id, role="main")
    me = User(email="me@a.example", name="Me", kind="exhibitor", locale="en", created_at=NOW, password_hash=cast.sales.password_hash)
    session.add(me)
    session.flush()
    session.add(PortalMember(user_id=me.id, company_id=here.company_id, role="main"))
    values = {"code": "P", "name_zh": "电", "name_en": "Power", "kind": "power", "currency": "CNY", "stock": 3, "price": D(850)}
    power = extras.save_product(cast.edition, values)
    session.commit()
    sign_in(client, me)
    url = f"/portal/{here.id}/services"
    form = {"once": key(client, url), f"q-{power.id}": "9"}
    assert client.post(f"{url}/order", data=form).status_code == 422  # a refusal leaves no mark: the same may be sent again
    power.stock = 30
    session.commit()
    first = client.post(f"{url}/order", data=form)
    again = client.post(f"{url}/order", data=form)
    assert (first.status_code, again.status_code, first.location == again.location) == (302, 302, True)
    assert "arrived twice" in client.get(again.location).text
    assert (count(session, OrderLine), power.ordered) == (1, 9)
    client.post(f"{url}/order", data={**form, f"q-{power.id}": "8"})  # changed in between: one more is meant
    client.post(f"{url}/order", data={**form, "once": key(client, url)})  # the page was opened again
    client.post(f"{url}/order", data={f"q-{power.id}": "1"})  # no page of ours: nothing to know it by
    client.post(f"{url}/order", data={f"q-{power.id}": "1"})
    assert (count(session, OrderLine), power.ordered) == (5, 28)


def test_a_payment_twice_at_the_same_moment(app, client, session, cast, monkeypatch):
    booths.hold(cast.booths[0], cast.opportunity, clock.now() + dt.timedelta(days=3))
    contract = contracts.draft(cast.opportunity)
    contracts.sign(contract, "陈思远", clock.now().date() - dt.timedelta(days=1))
    session.commit()
    sign_in(client, cast.finance)
    url = re.search(r"/e/fluid-2026/invoices/\d+", client.get(f"/e/fluid-2026/contracts/{contract.id}").text)[0]
    form = {"once": key(client, url), "amount": "100", "received_on": str(clock.now().date()), "method": "bank"}
    cookies = dict(client._cookies)
    session.remove()
    slow = payments.record
    monkeypatch.setattr(payments, "record", lambda *a, **kw: (slow(*a, **kw), time.sleep(0.2))[0])
    barrier, answers = threading.Barrier(3), []

    def send():
        mine = app.test_client()
        mine._cookies.update(cookies)
        barrier.wait()
        done = mine.post(f"{url}/payments", data=form)
        answers.append((done.status_code, done.location))

    threads = [threading.Thread(target=send) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(302, url)] * 3
    assert count(session, Payment) == 1


def test_a_note_that_is_answered_with_a_part_of_the_page(client, session, cast):
    sign_in(client, cast.sales)
    page = f"/companies/{cast.companies[0].id}"
    form = {"once": key(client, page), "kind": "note", "subject": "Asked for corner booths"}
    for _n in range(2):
        answer = client.post(f"{page}/activities", data=form, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, page)
    assert session.scalar(select(func.count(Activity.id)).where(Activity.subject == form["subject"])) == 1


def test_what_is_old_goes_and_every_tick_has_its_work(app, session):
    now = clock.now()
    session.add_all(SentForm(mark=str(n), led_to="/", at=now - KEEP * n) for n in (0, 2))
    days = {"old": 8, "new": 1}
    for name, age in days.items():
        session.add(Job(kind=name, key="", due_at=now - dt.timedelta(days=age), state="done", payload={}, result={}, error="", attempts=1))
    session.flush()
    assert tidy() == {"ticks": 1, "forms": 1}
    assert [job.kind for job in session.scalars(select(Job))] == ["new"]
    handlers = set(app.extensions["expo_job_handlers"])
    assert (set(TICKS) - handlers, handlers - set(KINDS)) == (set(), set())  # each has its work and its name
