"""Plans, fees, dunning steps, matching and statements: rules with numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D

import pytest

from expo_crm.billing.domain.matching import Open, Received, names_number, propose
from expo_crm.billing.domain.plan import (
    DEFAULT_PLAN,
    DueFrom,
    FeeRule,
    PlanRefusal,
    Rule,
    Step,
    dunning_step,
    fee,
    fee_percent,
    instalments,
    refuse_plan,
)
from expo_crm.billing.domain.statement import StatementRefused, fingerprints, parse_camt, parse_day, read_row

SIGNED, OPENS = dt.date(2026, 1, 5), dt.date(2026, 6, 9)
THIRDS = [
    Step("一", "One", Rule.PERCENT, D("33.33"), DueFrom.SIGNING, 7),
    Step("二", "Two", Rule.FIXED, D(500), DueFrom.OPENING, 60),
    Step("三", "Three", Rule.REST, D(0), DueFrom.OPENING, 30),
]


def test_instalments_add_up_to_the_cent_and_never_fall_due_backwards():
    parts = instalments(D("1000.01"), THIRDS, SIGNED, OPENS)
    assert [p.amount for p in parts] == [D("333.30"), D(500), D("166.71")]
    assert [p.due_on for p in parts] == [dt.date(2026, 1, 12), dt.date(2026, 4, 10), dt.date(2026, 5, 10)]
    late = instalments(D(100), DEFAULT_PLAN, dt.date(2026, 6, 1), OPENS)
    assert [(p.amount, p.due_on) for p in late] == [(D(50), dt.date(2026, 6, 8)), (D(50), dt.date(2026, 6, 8))]
    small = instalments(D(300), THIRDS, SIGNED, OPENS)
    assert [p.amount for p in small] == [D("99.99"), D("200.01")]
    assert instalments(D("0.01"), DEFAULT_PLAN, SIGNED, OPENS)[0].amount == D("0.01")


@pytest.mark.parametrize(
    ("steps", "refusal"),
    [
        ([], PlanRefusal.EMPTY),
        (THIRDS[:2], PlanRefusal.REST_NOT_LAST),
        ([THIRDS[2], THIRDS[2]], PlanRefusal.REST_NOT_LAST),
        ([Step("", "", Rule.PERCENT, D(101), DueFrom.SIGNING, 0), THIRDS[2]], PlanRefusal.OVER_HUNDRED),
        (THIRDS, None),
    ],
)
def test_a_plan_ends_with_the_rest(steps, refusal):
    assert refuse_plan(steps) is refusal


def test_the_fee_follows_the_table():
    rules = [FeeRule(dt.date(2026, 5, 10), D(50)), FeeRule(dt.date(2026, 3, 11), D("12.5"))]
    days = [dt.date(2026, 3, 11), dt.date(2026, 3, 12), dt.date(2026, 5, 10), dt.date(2026, 5, 11)]
    assert [fee_percent(rules, day) for day in days] == [D("12.5"), 50, 50, 100]
    assert fee(D("33333.30"), rules, days[0]) == D("4166.66")  # 4166.6625
    assert fee(D("100.20"), rules, days[0]) == D("12.53")  # 12.525 half up
    assert fee_percent([], days[0]) == 100


def test_reminders_go_in_order_and_never_twice():
    due, days = dt.date(2026, 3, 1), (3, 14, 28)
    assert dunning_step(due, dt.date(2026, 3, 3), days, []) is None
    assert dunning_step(due, dt.date(2026, 3, 4), days, []) == "friendly"
    assert dunning_step(due, dt.date(2026, 3, 5), days, ["friendly"]) is None
    assert dunning_step(due, dt.date(2026, 9, 1), days, []) == "friendly"
    assert dunning_step(due, dt.date(2026, 9, 1), days, ["friendly", "first"]) == "final"
    assert dunning_step(due, dt.date(2026, 9, 1), days, ["friendly", "first", "final"]) is None


def invoice(number, amount, company=1, names=("禾川泵业（上海）有限公司",), currency="CNY", contract=""):
    return Open(int(number[-5:]), number, D(amount), currency, company, names, contract)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("货款INV-2026-00012", True),
        ("ＩＮＶ－２０２６－０００１２ 展位费", True),
        ("inv 2026 00012", True),
        ("INV-2026-000123", False),
        ("XINV-2026-00012", False),
        ("2026-00012", False),
    ],
)
def test_numbers_are_found_as_people_write_them(text, named):
    assert names_number(text, "INV-2026-00012") is named


def test_the_number_weighs_most_and_another_currency_is_never_proposed():
    many = [
        invoice("INV-2026-00001", "12720.00"),
        invoice("INV-2026-00002", "12720.00", company=2, names=("北辰阀门股份有限公司",)),
        invoice("INV-2026-00003", "12720.00", currency="EUR"),
    ]
    got = propose(Received(D("12720.00"), "CNY", "上海禾川泵业有限公司", "展位费 INV-2026-00002"), many)
    assert [(p.invoice_ids, p.score) for p in got] == [((2,), 85), ((1,), 55)]
    assert got[0].reasons == ("number", "amount")
    assert got[1].reasons == ("amount", "name")


def test_one_transfer_for_all_open_invoices_is_seen():
    many = [invoice("INV-2026-00001", "100.00"), invoice("INV-2026-00002", "250.50")]
    got = propose(Received(D("350.50"), "CNY", "禾川泵业(上海)有限公司", ""), many)
    assert got[0].invoice_ids == (1, 2)
    assert (got[0].amounts, got[0].reasons) == ((D("100.00"), D("250.50")), ("sum", "name"))


def camt(version="08", body="", doctype=""):
    return f"""<?xml version="1.0" encoding="UTF-8"?>{doctype}
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt><Stmt>
<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>{body}</Stmt></BkToCstmrStmt></Document>""".encode()


ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts>{status}</Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt>
<AcctSvcrRef>R1</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Nm>Nordhafen &lt;GmbH&gt;</Nm></Dbtr></RltdPties>
<RmtInf><Ustrd>INV-2026-</Ustrd><Ustrd>00007</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


@pytest.mark.parametrize(("version", "status"), [("02", "BOOK"), ("08", "<Cd>BOOK</Cd>")])
def test_camt_of_several_versions_is_read(version, status):
    body = ENTRY.format(amount="1250.50", side="CRDT", status=status) + ENTRY.format(amount="9", side="DBIT", status=status)
    got = parse_camt(camt(version, body))
    (one,) = got.entries
    assert (one.amount, one.currency, one.payer, one.remittance) == (D("1250.50"), "EUR", "Nordhafen <GmbH>", "INV-2026- 00007")
    assert (one.account, one.reference, got.skipped) == ("DE02120300000000202051", "R1", 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (camt("08", "", '<!DOCTYPE d [<!ENTITY a "b">]>'), "xml-doctype"),
        (camt("08")[:-20], "xml-broken"),
        (camt("01"), "not-camt"),
        (b"<html></html>", "not-camt"),
        (b"<a>" * 100, "too-deep"),
        (b"", "xml-broken"),
    ],
)
def test_a_hostile_or_wrong_statement_is_refused(data, code):
    with pytest.raises(StatementRefused) as refused:
        parse_camt(data)
    assert refused.value.code == code


def test_an_entry_that_cannot_be_read_leaves_the_others():
    good, bad = (ENTRY.format(amount=a, side="CRDT", status="BOOK") for a in ("5.00", "1e9"))
    got = parse_camt(camt("06", bad + good))
    assert ([e.amount for e in got.entries], got.refused) == ([D("5.00")], [(1, "unreadable")])


def test_two_equal_payments_stay_two_and_the_same_file_gives_the_same_marks():
    rows = parse_camt(camt("06", ENTRY.format(amount="5", side="CRDT", status="BOOK") * 2)).entries
    marks = fingerprints(rows)
    assert len(set(marks)) == 2
    assert fingerprints(rows) == marks


@pytest.mark.parametrize("text", ["2026-03-02", "20260302", "2026年3月2日", "02.03.2026", "2026/3/2 10:11:12", "20260302101112"])
def test_days_of_chinese_banks(text):
    assert parse_day(text) == dt.date(2026, 3, 2)


def test_rows_say_what_is_wrong_with_them():
    row = {"day": "2026-03-02", "credit": "12,720.00", "payer": "甲", "summary": "转账", "remark": "展位费"}
    got = read_row(row, "CNY", "A1")
    assert (got.amount, got.remittance, got.currency) == (D("12720.00"), "转账 展位费", "CNY")
    assert read_row({**row, "credit": ""}, "CNY", "") is None
    assert read_row({"day": "2026-03-02", "amount": "5", "direction": "借"}, "CNY", "") is None
    for field, value in (("day", "2026-02-30"), ("credit", "1E5"), ("currency", "人民")):
        with pytest.raises(ValueError, match="amount" if field == "credit" else field):
            read_row({**row, field: value}, "CNY", "")


def test_a_day_that_two_countries_read_differently_is_refused():
    with pytest.raises(ValueError, match="day"):
        parse_day("8/6/2026")
