"""The pages of money through the real application: they open, keep input, refuse what is foreign or absurd."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal as D

import pytest
from sqlalchemy import event, select

from expo_crm.accounts.models import User
from expo_crm.accounts.services import hasher
from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.models import BankStatement, BankTransaction, OrderLine, PlanStep, Product
from expo_crm.billing.services import bank, extras, invoices
from expo_crm.db import db
from expo_crm.exhibitors.models import ContractText, PortalMember
from expo_crm.exhibitors.services import booths, contracts, versions
from expo_crm.lib import clock
from expo_crm.shows.models import Show
from tests.support.cast import PASSWORD, play, sign_in

E = "/e/fluid-2026"


@pytest.fixture
def cast(session):
    return play(session)


@pytest.fixture
def admin(client, cast):
    sign_in(client, cast.admin)
    return client


def sell(cast, signed=True):
    booths.hold(cast.booths[0], cast.opportunity, clock.now() + dt.timedelta(days=3))
    contract = contracts.draft(cast.opportunity)
    if signed:
        contracts.sign(contract, "陈思远", clock.now().date() - dt.timedelta(days=1))
    return contract


def offer(cast, **more):
    values = {"code": "P16", "name_zh": "电箱", "name_en": "Power box", "kind": "power", "currency": "CNY", "stock": 3}
    return extras.save_product(cast.edition, {"price": D("850.50"), **values, **more})


STATEMENT = "交易日期,贷方发生额,对方户名,附言\n2026-03-01,100.00,禾川泵业,=cmd|x\n"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_of_money_opens(admin, cast, session, lang):
    contract = sell(cast)
    item = offer(cast)
    made = bank.upload(cast.show, "a.csv", STATEMENT.encode(), currency="CNY", account="", user_id=None)
    bank.take(made, bank.suggested(bank.table_of(made)))
    waiting = bank.upload(cast.show, "b.csv", STATEMENT.encode("gb18030"), currency="CNY", account="", user_id=None)
    money = session.scalar(select(BankTransaction.id))
    session.commit()
    company = contract.company_id
    for path in (
        "/due", "/bank", f"/bank/{money}", f"/bank/statements/{waiting.id}", "/extras", "/extras/new", f"/extras/{item.id}",
        "/money-terms", "/contract-texts", "/contract-texts/new", f"/accounts/{company}", f"/contracts/{contract.id}",
    ):  # fmt: skip
        url = f"{E}/invoices{path}" if path == "/due" else E + path
        answer = admin.get(url, query_string={"lang": lang})
        assert answer.status_code == 200, (path, answer.status_code)
    assert admin.get(f"{E}/accounts/{company}/account.pdf").data.startswith(b"%PDF-")


def test_a_statement_is_uploaded_confirmed_and_matched_by_hand(admin, cast, session):
    contract = sell(cast)
    deposit = billing.list_invoices_of_contract(contract.id)[0]
    session.commit()
    rows = f"交易日期,贷方发生额,对方户名,附言\n2026-03-01,6360.00,禾川泵业,{deposit.number}\n"
    answer = admin.post(f"{E}/bank/upload", data={"file": (io.BytesIO(rows.encode("gb18030")), "三月.csv"), "currency": "CNY"})
    assert answer.status_code == 302
    assert admin.post(answer.location, data={"payer": "2"}).status_code == 422
    assert admin.post(answer.location, data={"day": "0", "credit": "1", "payer": "2", "remark": "3"}).status_code == 302
    money = session.scalars(select(BankTransaction)).one()
    page = admin.get(f"{E}/bank/{money.id}").get_data(as_text=True)
    assert 'value="6360.00"' in page
    url = f"{E}/bank/{money.id}/match"
    assert admin.post(url, data={f"amount-{deposit.id}": "abc", "version": money.version}).status_code == 422
    assert admin.post(url, data={f"amount-{deposit.id}": "6360", "version": 99}).status_code == 409
    assert admin.post(url, data={"amount-999999": "6360", "version": money.version}).status_code == 404
    assert admin.post(url, data={f"amount-{deposit.id}": "1e12", "version": money.version}).status_code == 422
    assert admin.post(url, data={f"amount-{deposit.id}": "6360", "version": money.version}).status_code == 302
    session.expire_all()
    assert session.get_one(type(deposit), deposit.id).state == "paid"
    assert admin.post(f"{E}/bank/{money.id}/undo", data={"reason": ""}).status_code == 422


@pytest.mark.parametrize("data", [b"", b"\x00\x01", b"<!DOCTYPE a []><a/>", b"<html/>", b"PK\x03\x04broken"])
def test_a_file_that_is_no_statement_is_refused(admin, cast, session, data):
    answer = admin.post(f"{E}/bank/upload", data={"file": (io.BytesIO(data), "x.csv"), "currency": "CNY"})
    assert answer.status_code == 422
    assert session.scalar(select(BankStatement.id)) is None


def test_the_price_of_a_form_is_never_believed(admin, cast, session):
    contract, item = sell(cast), offer(cast)
    session.commit()
    url = f"{E}/contracts/{contract.id}/extras"
    lies = {"price": "0", "unit_price": "0", "amount": "-5"}
    assert admin.post(url, data={"product": item.id, "quantity": 2, **lies}).status_code == 302
    assert session.scalars(select(OrderLine)).one().amount == D("1701.00")
    for quantity in ("-1", "0", "1000000000000", "1.5", "x", ""):
        assert admin.post(url, data={"product": item.id, "quantity": quantity}).status_code == 422
    assert admin.post(url, data={"product": item.id, "quantity": 2}).status_code == 409  # one is left
    assert admin.post(url, data={"product": 999999, "quantity": 1}).status_code == 422


def test_foreign_ids_are_not_found(admin, cast, session):
    contract, item = sell(cast), offer(cast)
    other = Show(code="other", name_zh="别的展", name_en="Other")
    session.add(other)
    session.flush()
    text = ContractText(show_id=other.id, number=1, body_zh="x", body_en="x", created_at=clock.now())
    theirs = BankStatement(show_id=other.id, filename="x", format="table", account="", currency="CNY", uploaded_at=clock.now())
    session.add_all([text, theirs])
    session.commit()
    past = "/e/fluid-2025"
    for path in (
        f"{E}/contract-texts/{text.id}", f"{E}/bank/statements/{theirs.id}", f"{past}/extras/{item.id}",
        f"{past}/contracts/{contract.id}",
        f"{E}/contracts/{contract.id}/versions/9/contract.pdf", f"{E}/contracts/{contract.id}/versions/1/signed/file",
        f"{E}/accounts/999999",
    ):  # fmt: skip
        assert admin.get(path).status_code == 404, path
    assert admin.post(f"{past}/contracts/{contract.id}/amend", data={"reason": "x", "discount": "1"}).status_code == 404


def test_terms_are_checked_and_keep_what_was_typed(admin, cast, session):
    page = admin.post(f"{E}/money-terms/plan", data={"0-label_zh": "定金甲", "0-rule": "percent", "0-value": "101", "0-days": "7"})
    assert page.status_code == 422 and "定金甲" in page.get_data(as_text=True)
    rows = [("定金", "percent", "30", "signing", "7"), ("尾款", "rest", "", "opening", "45")]
    names = ("label_zh", "rule", "value", "due_from", "days")
    data = {f"{i}-{n}": v for i, row in enumerate(rows) for n, v in zip(names, row, strict=True)}
    assert admin.post(f"{E}/money-terms/plan", data=data).status_code == 302
    stored = session.scalars(select(PlanStep).order_by(PlanStep.position))
    assert [(s.label_en, s.value) for s in stored] == [("定金", D(30)), ("尾款", D(0))]
    for until, percent in (("2026-02-30", "5"), ("2026-02-01", "-5"), ("9999-01-01", "5"), ("", "5"), ("2026-02-01", "１e9")):
        fees = {"0-until": until, "0-percent": percent}
        assert admin.post(f"{E}/money-terms/fees", data=fees).status_code == 422
    assert admin.post(f"{E}/money-terms/fees", data={"0-until": "2026-02-01", "0-percent": "12.5"}).status_code == 302
    base = {"friendly_days": 3, "first_days": 14, "final_days": 28}
    assert admin.post(f"{E}/money-terms/save", data={**base, "tax_percent": "9", "final_days": 14}).status_code == 422
    assert admin.post(f"{E}/money-terms/save", data={**base, "tax_percent": "9"}).status_code == 302
    assert admin.post(f"{E}/money-terms/rate", data={"currency": "EUR", "rate": "NaN", "noted_on": "2026-03-01"}).status_code == 422
    assert admin.post(f"{E}/money-terms/rate", data={"currency": "EUR", "rate": "7.85", "noted_on": "2026-03-01"}).status_code == 302


def test_a_product_keeps_its_stock_above_what_is_ordered(admin, cast, session):
    item = offer(cast)
    extras.order(cast.edition, cast.companies[0], item, 2)
    session.commit()
    data = {"code": "P16", "name_zh": "电", "name_en": "P", "kind": "power", "price": "1", "currency": "CNY", "stock": "1"}
    assert admin.post(f"{E}/extras/{item.id}", data=data).status_code == 422
    assert admin.post(f"{E}/extras/new", data={**data, "price": "-1"}).status_code == 422
    assert admin.post(f"{E}/extras/new", data={**data, "stock": ""}).status_code == 422  # the code is taken
    assert admin.post(f"{E}/extras/new", data={**data, "code": "P2", "stock": ""}).status_code == 302
    assert session.scalar(select(Product.stock).where(Product.code == "P2")) is None


def test_the_payment_plan_of_a_contract_is_checked_and_keeps_what_was_typed(admin, cast, session):
    booths.hold(cast.booths[0], cast.opportunity, clock.now() + dt.timedelta(days=3))
    made = contracts.draft(cast.opportunity)
    session.commit()
    url = f"/e/{cast.edition.slug}/contracts/{made.id}"
    opens = clock.now().date() + dt.timedelta(days=90)
    assert made.total == D(12720)

    def row(number, rule, value, when, **more):
        cells = {"label_zh": "款", "label_en": "", "rule": rule, "value": value, "due_from": when, **more}
        return {f"{number}-{name}": cell for name, cell in cells.items()}

    wrong = row(0, "fixed", "5000", "signing", days="3") | row(1, "fixed", "7000", "date", due_on=opens.isoformat())
    bad = admin.post(f"{url}/plan", data=wrong)
    assert bad.status_code == 422
    assert 'value="7000"' in bad.text
    assert "720" in bad.text  # what lacks
    assert admin.post(f"{url}/plan", data=row(0, "fixed", "a lot", "signing", days="3")).status_code == 422
    assert admin.post(f"{url}/plan", data=row(0, "rest", "", "date", due_on="2026-13-40")).status_code == 422
    good = row(0, "fixed", "5000", "signing", days="3") | row(1, "fixed", "7720", "date", due_on=opens.isoformat())
    assert admin.post(f"{url}/plan", data=good | {"version": "99"}).status_code == 409
    assert admin.post(f"{url}/plan", data=good).status_code == 302
    assert [(p.amount, p.due_on == opens) for p in contracts.amounts(made)] == [(D(5000), False), (D(7720), True)]
    assert admin.post(f"{url}/plan", data={}).status_code == 302  # the edition's again
    assert [p.amount for p in contracts.amounts(made)] == [D(6360), D(6360)]


def test_amending_by_the_form(admin, cast, session):
    contract = sell(cast)
    session.commit()
    url = f"{E}/contracts/{contract.id}/amend"
    assert admin.post(url, data={"reason": "x", "discount": "-5", "version": contract.version}).status_code == 422
    assert admin.post(url, data={"reason": "x", "version": contract.version}).status_code == 422
    assert admin.post(url, data={"reason": "x", "discount": "100", "version": contract.version + 7}).status_code == 409
    assert admin.post(url, data={"reason": "x", "discount": "99999999", "version": contract.version}).status_code == 422
    assert admin.post(url, data={"reason": "x", "discount": "100", "version": contract.version}).status_code == 302
    session.expire_all()
    assert session.get_one(type(contract), contract.id).net == D("11900.00")
    kept = {v.number: (v.net, bool(versions.kept_file(v))) for v in versions.list_of(contract.id)}
    assert kept == {1: (D("12000.00"), True), 2: (D("11900.00"), True)}  # what it said before can still be read
    copy = {"file": (io.BytesIO(b"\x89PNG\r\n\x1a\nxx"), "scan.png")}
    assert admin.post(f"{E}/contracts/{contract.id}/versions/2/signed", data=copy).status_code == 302
    answer = admin.get(f"{E}/contracts/{contract.id}/versions/2/signed/file")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.mimetype == "image/png"


def test_the_exhibitor_accepts_in_the_portal(client, cast, session):
    contract = sell(cast, signed=False)
    mine = _participation(cast, session)
    user = User(email="a@hechuan.example", name="甲", kind="exhibitor", password_hash=hasher.hash(PASSWORD), created_at=clock.now())
    session.add(user)
    session.flush()
    session.add(PortalMember(user_id=user.id, company_id=contract.company_id, role="main"))
    contract.lines  # noqa: B018 - loaded before the session closes
    session.commit()
    sign_in(client, user)
    url = f"/portal/{mine}/contracts/{contract.id}/accept"
    assert client.get(url).status_code == 404  # a draft is not shown
    contracts.send(session.get_one(type(contract), contract.id))
    session.commit()
    assert client.get(url).status_code == 200
    assert client.post(url, data={"name": "陈思远", "number": "1"}).status_code == 422  # not ticked
    assert client.post(url, data={"name": "陈思远", "number": "2", "agreed": "y"}).status_code == 409
    assert client.post(url, data={"name": "陈思远", "number": "1", "agreed": "y"}).status_code == 302
    session.expire_all()
    found = session.get_one(type(contract), contract.id)
    assert (found.state, versions.current(found).accepted_by) == ("signed", user.id)
    assert client.get(f"/portal/{mine}/contracts/999999/accept").status_code == 404
    assert client.get(url).status_code == 200


def _participation(cast, session):
    from expo_crm.directory.services import participations

    row = participations.set_participation(
        cast.edition.id, cast.companies[0].id, net_m2=D(9), amount=D(12000), stands="A01", outcome="planned"
    )
    session.flush()
    return row.id


def _queries(client, path):
    seen = []

    def note(*args):
        seen.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_queries_do_not_grow_with_the_rows(admin, cast, session):
    contract = sell(cast)
    kept = billing.list_invoices_of_contract(contract.id)[0]

    def fill(start, count):
        rows = "\n".join(f"2026-03-01,{i + 1}.00,禾川泵业{i},{kept.number},T{i}" for i in range(start, start + count))
        head = "交易日期,贷方发生额,对方户名,附言,交易流水号\n"
        made = bank.upload(cast.show, "a.csv", (head + rows).encode(), currency="CNY", account="", user_id=None)
        bank.take(made, bank.suggested(bank.table_of(made)))
        for i in range(start, start + count):
            item = offer(cast, code=f"Q{i}")
            extras.order(cast.edition, contract.company, item, 1, contract_id=contract.id)
            line = invoices.NewLine("x", "x", D(1))
            invoices.issue(cast.edition, cast.companies[i % 4], InvoiceKind.EXTRA, [line], D(0), clock.now().date())
        session.commit()

    paths = [f"{E}/bank", f"{E}/invoices/due", f"{E}/extras", f"{E}/accounts/{contract.company_id}", f"{E}/contracts/{contract.id}"]
    fill(0, 4)
    few = [_queries(admin, path) for path in paths]
    fill(4, 12)
    assert [_queries(admin, path) for path in paths] == few
