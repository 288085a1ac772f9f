"""Credit notes, amendments, dunning, bank money and extras on both databases."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal as D

import pytest
from sqlalchemy import func, select

from expo_crm.billing import queries as billing
from expo_crm.billing import queries_money
from expo_crm.billing.domain.invoice import InvoiceKind, PaymentRefused
from expo_crm.billing.domain.plan import DunningStep
from expo_crm.billing.models import BankTransaction, CompanyCredit, Dunning, Invoice, OrderLine, Payment, Product
from expo_crm.billing.services import bank, credits, dunning, extras, invoices, payments, terms
from expo_crm.billing.services.bank import BankRefused
from expo_crm.billing.services.extras import OrderRefused
from expo_crm.db import db, unit_of_work
from expo_crm.directory.models import Company
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Contract
from expo_crm.exhibitors.services import booths, contract_changes, contract_texts, contracts, versions
from expo_crm.lib import clock
from expo_crm.messaging.models import Message
from expo_crm.shows.models import Edition
from tests.support.cast import play

NOW = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)  # 99 days before opening: 30 % are owed
TODAY = NOW.date()


@pytest.fixture
def cast(session, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return play(session)


def sell(cast, count=2) -> Contract:
    for booth in cast.booths[:count]:
        booths.hold(booth, cast.opportunity, NOW + dt.timedelta(days=3))
    contract = contracts.draft(cast.opportunity)
    contracts.sign(contract, "陈思远", TODAY)
    return contract


def of(contract):
    return [(i.kind, i.state, i.total) for i in billing.list_invoices_of_contract(contract.id)]


def test_downsizing_credits_the_last_invoice_and_keeps_the_fee(session, cast):
    contract = sell(cast)  # 24000 net, 25440 with tax
    deposit, balance = billing.list_invoices_of_contract(contract.id)
    before = (deposit.number, deposit.total, balance.total)
    payments.record(deposit, deposit.total, TODAY)
    done = contract_changes.amend(contract, release=[cast.booths[1].id], reason="smaller stand")
    assert (done.difference, done.fee) == (D("-12720.00"), D("3600.00"))
    assert (deposit.number, deposit.total, balance.total) == before  # issued invoices never change
    assert (balance.credited, balance.state, deposit.state) == (D("12720.00"), "cancelled", "paid")
    (note,) = done.notes
    assert (note.number, note.total, note.tax, note.corrects_id) == ("CN-2026-00001", D("-12720.00"), D("-720.00"), balance.id)
    assert (contract.net_m2, contract.total) == (D(9), D("12720.00"))
    assert [b.state for b in cast.booths[:2]] == ["sold", "available"]
    assert [(v.number, v.kind, v.state) for v in versions.list_of(contract.id)] == [(2, "downsizing", "current"), (1, "first", "amended")]
    assert len(versions.list_of(contract.id)[1].lines) == 2
    assert billing.standing_of(contract.id).outstanding == D("3600.00")
    with pytest.raises(RuleRefused):
        contract_changes.amend(contract, release=[cast.booths[0].id], reason="all of it")


def test_an_amendment_invoices_what_is_more_and_checks_the_version(session, cast):
    contract = sell(cast, 1)
    booths.hold(cast.booths[2], cast.opportunity, NOW + dt.timedelta(days=3))
    with pytest.raises(RuleRefused):
        contract_changes.amend(contract, add=[cast.booths[2].id], reason="more", version=contract.version - 1)
    done = contract_changes.amend(contract, add=[cast.booths[2].id], discount=D(2000), reason="more", version=contract.version)
    assert (done.invoice.total, done.invoice.kind) == (D("10600.00"), "extra")
    assert (contract.net, contract.net_m2, cast.booths[2].state) == (D(22000), D(18), "sold")
    again = contract_changes.amend(contract, release=[cast.booths[0].id], reason="less")
    assert again.difference == D("-11660.00")  # the discount falls with the price: 24000 − 2000 → 12000 − 1000
    assert again.fee == D("3300.00")
    with pytest.raises(RuleRefused):
        contract_changes.amend(contract, add=[cast.booths[4].id], reason="never held")


def test_a_cancelled_contract_pays_its_fee_from_what_came_in(session, cast):
    contract = sell(cast)
    deposit = billing.list_invoices_of_contract(contract.id)[0]
    payments.record(deposit, deposit.total, TODAY)
    with pytest.raises(RuleRefused):
        contracts.cancel(contract, "no", contract.version + 1)
    assert contracts.cancel(contract, "insolvent") == D("7200.00")
    assert sorted(of(contract)) == [
        ("balance", "cancelled", D("12720.00")), ("credit", "paid", D("-12720.00")), ("credit", "paid", D("-12720.00")),
        ("deposit", "refunded", D("12720.00")), ("extra", "paid", D("7200.00")),
    ]  # fmt: skip
    assert credits.balances(contract.company_id) == {"CNY": D("5520.00")}
    rows = queries_money.account_of(cast.edition.id, contract.company_id)["CNY"]
    assert rows[-1].balance == 0


def test_instalments_follow_the_edition_and_taxes_add_up(session, cast):
    from tests.billing.test_money_rules import THIRDS

    terms.set_plan(cast.edition.id, THIRDS)
    terms.update(cast.edition.id, {"tax_rate": D("0.1337")})
    contract = sell(cast)
    made = billing.list_invoices_of_contract(contract.id)
    assert [i.kind for i in made] == ["deposit", "instalment", "balance"]
    assert (sum(i.total for i in made), sum(i.tax for i in made)) == (contract.total, contract.tax)
    assert contract.tax == D("3208.80")


def test_a_credit_note_takes_off_no_more_than_is_asked(session, cast):
    contract = sell(cast)
    deposit = billing.list_invoices_of_contract(contract.id)[0]
    for amount in (D("12720.01"), D(0), D(-5)):
        with pytest.raises(invoices.CreditRefused):
            invoices.credit(deposit, [invoices.NewLine("x", "x", amount)], D(0), "x")
    invoices.credit(deposit, [invoices.NewLine("x", "x", D(720))], D(0), "x")
    with pytest.raises(PaymentRefused):
        payments.record(deposit, D("12000.01"), TODAY)
    payments.record(deposit, D(12000), TODAY)
    assert deposit.state == "paid"


def test_reminders_are_written_once_and_can_be_stopped(session, cast, monkeypatch):
    contract = sell(cast)
    deposit = billing.list_invoices_of_contract(contract.id)[0]
    monkeypatch.setattr(clock, "now", lambda: NOW + dt.timedelta(days=11))
    assert dunning.run() == 0  # switched off
    terms.update(cast.edition.id, {"dunning": True})
    assert (dunning.run(), dunning.run()) == (1, 0)
    mail = session.scalars(select(Message).where(Message.template == "billing_dunning")).one()
    assert deposit.number in mail.subject
    assert "12,720" in mail.text and mail.locale == "zh"
    assert not dunning.remind(deposit, DunningStep.FRIENDLY, ("chen@hechuan.example", "x"), D(1))
    monkeypatch.setattr(clock, "now", lambda: NOW + dt.timedelta(days=40))
    dunning.stop(deposit, True, "they called")
    assert dunning.run() == 0
    dunning.stop(deposit, False)
    assert dunning.run() == 1
    steps = session.execute(select(Dunning.invoice_id, Dunning.step).order_by(Dunning.id)).all()
    assert steps == [(deposit.id, "friendly"), (deposit.id, "first")]


HEAD = "交易日期,借方发生额,贷方发生额,对方户名,摘要,附言,交易流水号\n"


def statement(session, cast, *rows, name="账单.csv"):
    text = "账户明细\n" + HEAD + "\n".join(rows) + "\n"
    made = bank.upload(cast.show, name, text.encode("gb18030"), currency="CNY", account="6222", user_id=None)
    bank.take(made, bank.suggested(bank.table_of(made)))
    return made


def test_a_gbk_statement_is_taken_in_once_and_matched(session, cast):
    contract = sell(cast)
    deposit, balance = billing.list_invoices_of_contract(contract.id)
    rows = (
        f"2026-03-01,,\"12,720.00\",上海禾川泵业有限公司,转账,{deposit.number},T1",
        "2026-03-01,88.00,,水费,扣款,,T2",
        "2026-13-01,,5.00,坏行,,,T3",
        "2026-03-01,,20000.00,禾川泵业（上海）有限公司,,尾款,T4",
    )
    first = statement(session, cast, *rows)
    assert (first.rows, first.added, first.known, first.refused) == (4, 2, 0, 1)
    again = statement(session, cast, *rows)
    assert (again.added, again.known) == (0, 2)
    one, two = session.scalars(select(BankTransaction).order_by(BankTransaction.id)).all()
    best = bank.proposals([one, two])
    assert best[one.id][0].invoice_ids == (deposit.id,)
    assert (best[one.id][0].score, best[one.id][0].reasons) == (100, ("number", "amount", "name"))
    bank.match(one, [(deposit.id, D("12720.00"))], version=one.version)
    assert (one.state, deposit.state, contract.state) == ("matched", "paid", "in_force")
    with pytest.raises(BankRefused):
        bank.match(one, [(balance.id, D(1))])
    for parts in ([(balance.id, D(-1))], [], [(balance.id, D(1)), (balance.id, D(1))], [(balance.id, D(20001))], [(999999, D(1))]):
        with pytest.raises(BankRefused):
            bank.match(two, parts)
    bank.match(two, [(balance.id, D("12720.00"))], rest_to_credit=True)
    assert (two.state, balance.state, credits.balances(contract.company_id)) == ("matched", "paid", {"CNY": D("7280.00")})
    bank.undo(two, "wrong company")
    assert (two.state, balance.state, credits.balances(contract.company_id)) == ("open", "open", {})
    assert [p.amount for p in queries_money.payments_of_transaction(two.id)] == [D("12720.00"), D("-12720.00")]
    bank.match(two, [(balance.id, D(2720))])
    assert (two.state, balance.state) == ("open", "partly_paid")
    assert bank.used_of([two.id])[two.id] == D(2720)


def test_two_clerks_match_the_same_money(app, session, cast):
    contract = sell(cast)
    deposit, balance = (i.id for i in billing.list_invoices_of_contract(contract.id))
    statement(session, cast, "2026-03-01,,12720.00,禾川,,,T1")
    money_id = session.scalar(select(BankTransaction.id))
    session.commit()
    session.remove()
    results = race(app, 2, lambda n: bank.match(db.session.get_one(BankTransaction, money_id), [((deposit, balance)[n], D("12720.00"))]))
    assert sorted(results) == ["bank_too_much", "won"]
    assert session.scalar(select(func.sum(Payment.amount))) == D("12720.00")


def race(app, count, work):
    barrier, results = threading.Barrier(count), []

    def attempt(number):
        with app.app_context():
            barrier.wait()
            try:
                with unit_of_work():
                    work(number)
                results.append("won")
            except (OrderRefused, BankRefused, RuleRefused) as refused:
                results.append(refused.reason.value)

    threads = [threading.Thread(target=attempt, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def product(cast, **values):
    facts = {
        "code": "POWER-16", "name_zh": "16A 电箱", "name_en": "16 A power", "kind": "power", "unit_zh": "个", "unit_en": "pcs",
        "price": D("850.50"), "currency": "CNY", "stock": 10, "available_until": None, "retired": False,
    }  # fmt: skip
    return extras.save_product(cast.edition, {**facts, **values})


def test_fifty_parallel_orders_of_the_last_ten_pieces(app, session, cast):
    item = product(cast).id
    edition, company = cast.edition.id, cast.companies[0].id
    session.commit()
    session.remove()

    def order(_number):
        here = db.session
        extras.order(here.get_one(Edition, edition), here.get_one(Company, company), here.get_one(Product, item), 1)

    results = race(app, 50, order)
    assert (results.count("won"), results.count("order_sold_out")) == (10, 40)
    assert session.scalar(select(Product.ordered).where(Product.id == item)) == 10
    assert session.scalar(select(func.sum(OrderLine.quantity))) == 10


def test_orders_are_refused_with_their_reason(session, cast, monkeypatch):
    item, company = product(cast), cast.companies[0]
    for quantity in (0, -1, 10**12):
        with pytest.raises(OrderRefused) as refused:
            extras.order(cast.edition, company, item, quantity)
        assert refused.value.reason == "order_quantity"
    with pytest.raises(OrderRefused) as refused:
        extras.order(cast.edition, company, item, 11)
    assert (refused.value.reason, refused.value.facts["left"]) == ("order_sold_out", 10)
    with pytest.raises(OrderRefused):
        extras.order(cast.edition, company, item, 1, currency="EUR")
    with pytest.raises(OrderRefused):
        extras.order(cast.previous, company, item, 1)
    extras.save_product(cast.edition, {"available_until": TODAY - dt.timedelta(days=1)}, item)
    with pytest.raises(OrderRefused):
        extras.order(cast.edition, company, item, 1)
    extras.save_product(cast.edition, {"available_until": TODAY}, item)
    line = extras.order(cast.edition, company, item, 4)
    assert (line.amount, item.ordered) == (D("3402.00"), 4)
    with pytest.raises(OrderRefused) as refused:
        extras.save_product(cast.edition, {"stock": 3}, item)
    assert refused.value.reason == "product_stock_below"


def test_extras_stand_on_a_draft_and_are_invoiced_apart_later(session, cast):
    item = product(cast)
    booths.hold(cast.booths[0], cast.opportunity, NOW + dt.timedelta(days=3))
    contract = contracts.draft(cast.opportunity)
    line = contract_changes.add_extra(contract, item, 2)
    assert (contract.net, contract.total, line.state) == (D("13701.00"), D("14523.06"), "on_contract")
    assert len(versions.current(contract).lines) == 2
    dropped = contract_changes.add_extra(contract, item, 1)
    contract_changes.drop_extra(contract, dropped)
    assert (contract.net, item.ordered) == (D("13701.00"), 2)
    contracts.sign(contract, "陈思远", TODAY)
    assert sum(i.total for i in billing.list_invoices_of_contract(contract.id)) == D("14523.06")
    later = contract_changes.add_extra(contract, item, 1)
    (made,) = extras.invoice_open(cast.edition, contract.company)
    assert (made.kind, made.total, made.contract_id, later.state) == ("extra", D("901.53"), contract.id, "invoiced")
    assert extras.invoice_open(cast.edition, contract.company) == []
    contracts.cancel(contract, "gone")
    assert item.ordered == 0


def test_sums_are_by_currency_and_never_mixed(session, cast):
    contract = sell(cast)
    line = invoices.NewLine("x", "x", D("100.25"))
    euro = invoices.issue(cast.edition, contract.company, InvoiceKind.EXTRA, [line], D(0), TODAY - dt.timedelta(days=1), currency="EUR")
    payments.record(euro, D("0.25"), TODAY)
    sums = {s.currency: s for s in queries_money.sums_by_currency(cast.edition.id, TODAY)}
    assert (sums["CNY"].invoiced, sums["CNY"].overdue) == (D("25440.00"), 0)
    assert (sums["EUR"].received, sums["EUR"].open, sums["EUR"].overdue) == (D("0.25"), D(100), D(100))


def test_a_used_text_is_fixed_and_a_contract_keeps_it(session, cast):
    text = contract_texts.create(cast.show.id, "# 条款\n\n{exhibitor} {total}", "# Terms\n\n{exhibitor}", "")
    for body in ("{{7*7}}", "{x}", "a } b", "", "x" * 20001):
        with pytest.raises(RuleRefused):
            contract_texts.update(text, body, "ok", "")
    contract_texts.release(text, True)
    contract = sell(cast)
    assert (contract.text_id, contract.text_version) == (text.id, "1")
    with pytest.raises(RuleRefused):
        contract_texts.update(text, "neu", "new", "")
    second = contract_texts.create(cast.show.id, "新", "new", "")
    contract_texts.release(second, True)
    assert (second.number, contract.text_id) == (2, text.id)


def test_acceptance_signs_once_and_only_what_was_shown(session, cast):
    booths.hold(cast.booths[0], cast.opportunity, NOW + dt.timedelta(days=3))
    contract = contracts.draft(cast.opportunity)
    with pytest.raises(RuleRefused):
        contract_changes.accept(contract, 1, "陈思远", None)  # not sent yet
    contracts.send(contract, b"%PDF-1.7 sent")
    with pytest.raises(RuleRefused):
        contract_changes.accept(contract, 2, "陈思远", None)
    with pytest.raises(RuleRefused):
        contract_changes.accept(contract, 1, "\u3164 ", None)
    contract_changes.accept(contract, 1, "陈思远", cast.sales.id)
    version = versions.current(contract)
    assert (contract.state, contract.signed_by, version.accepted_name, version.accepted_at) == ("signed", "陈思远", "陈思远", NOW)
    assert versions.kept_file(version) == b"%PDF-1.7 sent"
    with pytest.raises(RuleRefused):
        contract_changes.accept(contract, 1, "someone", None)


@pytest.mark.parametrize("data", [b"", b"<svg onload=x>", b"MZ\x90", b"GIF89a"])
def test_a_signed_copy_is_known_by_its_first_bytes(session, cast, data):
    contract = sell(cast)
    version = versions.current(contract)
    with pytest.raises(RuleRefused):
        versions.keep_signed(version, "a.pdf", data)
    versions.keep_signed(version, "..\\..\\合同<b>.pdf", b"%PDF-1.4 x")
    assert version.signed_file.endswith(".pdf") and "/" not in version.signed_file
    assert (version.signed_name, versions.signed_file(version)) == ("合同<b>.pdf", b"%PDF-1.4 x")


def test_nothing_is_left_of_a_refused_order(session, cast):
    item = product(cast, stock=0)
    with pytest.raises(OrderRefused):
        extras.order(cast.edition, cast.companies[0], item, 1)
    assert session.scalar(select(func.count()).select_from(OrderLine)) == 0
    assert session.scalar(select(func.count()).select_from(CompanyCredit)) == 0
    assert session.scalar(select(func.count()).select_from(Invoice)) == 0
