"""Terms, texts, extras, reminders and bank money of the demonstration show, made by the services that make real ones."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.billing.domain.plan import DueFrom, FeeRule, Rule, Step
from expo_crm.billing.models import Invoice
from expo_crm.billing.services import bank, dunning, extras, terms
from expo_crm.db import db
from expo_crm.exhibitors.services import contract_texts
from expo_crm.shows.models import Edition

PLAN = (
    Step("定金 30 %", "Deposit 30 %", Rule.PERCENT, Decimal(30), DueFrom.SIGNING, 7),
    Step("二期款 40 %", "Second instalment 40 %", Rule.PERCENT, Decimal(40), DueFrom.OPENING, 90),
    Step("尾款", "Balance", Rule.REST, Decimal(0), DueFrom.OPENING, 30),
)
FEES = ((180, 10), (90, 30), (30, 60))
PRODUCTS = (
    ("P-16A", "16A 三相电箱", "16 A three-phase power", "power", "个", "pcs", "1280", 180),
    ("P-32A", "32A 三相电箱", "32 A three-phase power", "power", "个", "pcs", "2180", 60),
    ("F-TABLE", "洽谈桌椅组", "Meeting table with four chairs", "furniture", "套", "sets", "420", 240),
    ("F-SCREEN", "55 寸显示屏", "55-inch screen", "furniture", "台", "pcs", "1600", 40),
    ("A-DIR", "会刊彩页", "Colour page in the directory", "advert", "页", "pages", "6800", 24),
    ("A-GATE", "入口立柱广告", "Column at the entrance", "advert", "根", "columns", "15000", 8),
    ("L-1", "参观证挂绳冠名", "Lanyards with your name", "lanyard", "项", "lots", "88000", 1),
    ("S-FORUM", "主论坛冠名赞助", "Naming sponsor of the forum", "sponsorship", "项", "lots", "160000", 2),
)
ORDERS = ((0, 1), (2, 2), (4, 1), (3, 2), (0, 2), (5, 1), (2, 4), (6, 1))
TEXT_ZH = """# 一、合同订立

{exhibitor}（乙方）参加 {organizer}（甲方）主办的 {show}，时间 {dates}，地点 {venue}，展位 {booths}，净面积 {area}。

# 二、付款

合同总价 {total}（含税 {tax}），分期支付：{instalments}。

# 三、取消与缩减

乙方取消或缩减参展的，按净价承担：{cancellation}

# 四、展位使用

乙方不得转让展位，须遵守参展手册及展馆的搭建、消防和噪声规定。"""
TEXT_EN = """# 1. Agreement

{exhibitor} (party B) takes part in {show}, organized by {organizer} (party A), {dates}, {venue}, on booth {booths}, {area} net.

# 2. Payment

The total of {total} (with {tax} tax) is paid in instalments: {instalments}.

# 3. Cancellation and less space

Who cancels or gives space back owes of the net price: {cancellation}

# 4. Use of the space

Party B does not pass the space on and follows the exhibitor manual and the venue's rules on construction, fire safety and noise."""


def play(edition_ids: list[int], today: dt.date) -> None:
    """Fill the last edition and the coming one."""
    for edition_id in edition_ids:
        edition = db.session.get_one(Edition, edition_id)
        terms.update(edition.id, {"tax_rate": Decimal("0.06"), "dunning": edition_id == edition_ids[-1]})
        terms.set_plan(edition.id, PLAN)
        terms.set_rules(edition.id, [FeeRule(edition.starts_on - dt.timedelta(days=d), Decimal(p)) for d, p in FEES])
        terms.note_rate(edition.id, "EUR", Decimal("7.8412"), min(today, edition.starts_on))
        terms.note_rate(edition.id, "USD", Decimal("7.1045"), min(today, edition.starts_on))  # the list for exhibitors from abroad
        _extras(edition)
    text = contract_texts.create(edition.show_id, TEXT_ZH, TEXT_EN, "法务审定 / approved by legal")
    contract_texts.release(text, True)
    _bank(edition, today)
    dunning.run()


def _extras(edition: Edition) -> None:
    made = [
        extras.save_product(
            edition,
            {
                "code": code, "name_zh": zh, "name_en": en, "kind": kind, "unit_zh": unit_zh, "unit_en": unit_en, "price": Decimal(price),
                "currency": edition.currency, "stock": stock, "available_until": edition.starts_on - dt.timedelta(days=14), "retired": False,
            },
        )
        for code, zh, en, kind, unit_zh, unit_en, price, stock in PRODUCTS
    ]  # fmt: skip
    invoices = db.session.scalars(
        select(Invoice).where(Invoice.edition_id == edition.id, Invoice.kind == "deposit").options(joinedload(Invoice.company)).limit(8)
    ).all()
    for product in made:
        product.available_until = None  # the last edition's orders were placed in its time
    for invoice, (index, quantity) in zip(invoices, ORDERS, strict=False):
        extras.order(edition, invoice.company, made[index], quantity, contract_id=invoice.contract_id)
    for product in made:
        product.available_until = edition.starts_on - dt.timedelta(days=14)
    db.session.flush()


def _bank(edition: Edition, today: dt.date) -> None:
    """One statement taken in, with money that fits, is short, is over or says nothing; one that waits for its columns."""
    show = edition.show
    owed = db.session.scalars(
        select(Invoice)
        .where(Invoice.edition_id == edition.id, Invoice.state == "open", Invoice.kind != "credit")
        .options(joinedload(Invoice.company))
        .order_by(Invoice.due_on, Invoice.id)
        .limit(6)
    ).all()
    rows = ["交易日期,借方发生额,贷方发生额,对方户名,摘要,附言,交易流水号"]
    for index, invoice in enumerate(owed):
        day = (today - dt.timedelta(days=index + 1)).isoformat()
        name = invoice.company.name_zh or invoice.company.name_en
        amount = invoice.total + (Decimal(0), Decimal(0), Decimal("-500.00"), Decimal("320.00"), Decimal(0), Decimal(0))[index]
        note = invoice.number if index in {0, 2} else "展位费"
        rows.append(f"{day},,{amount},{name},转账,{note},DEMO{index:04}")
    rows.append(f"{today.isoformat()},,36.18,,结息,,DEMO9001")
    rows.append(f"{today.isoformat()},1200.00,,东浦会展中心物业,转账,水电费,DEMO9002")
    data = ("\n".join(rows) + "\n").encode("gb18030")
    taken = bank.upload(show, "对公账户流水.csv", data, currency=edition.currency, account="6222 0210 0112", user_id=None)
    bank.take(taken, bank.suggested(bank.table_of(taken)))
    bank.upload(show, "对公账户流水-补.csv", data, currency=edition.currency, account="6222 0210 0112", user_id=None)
