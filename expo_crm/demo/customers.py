"""The customer file as years of work leave it: fields of the organizer's own, some companies twice, a look at its state, rights
to the own stand. Made by the product's own services, after everything else is there."""

from __future__ import annotations

import datetime as dt
import random

from sqlalchemy import select

from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.directory.services import companies, custom, duplicates, quality
from expo_crm.exhibitors.services import first_refusal
from expo_crm.shows.models import Edition

SIZES = (
    {"value": "大型", "zh": "大型", "en": "Large"},
    {"value": "中型", "zh": "中型", "en": "Medium"},
    {"value": "小型", "zh": "小型", "en": "Small"},
)
TWINS = 9


def play(seed: int, last: Edition, coming: Edition, today: dt.date) -> None:
    """Complete the file of an edition that is over and of the one that comes."""
    rng = random.Random(seed)
    _own_fields(rng)
    _twins(rng, last)
    duplicates.find_all()
    quality.measure()
    first_refusal.grant_all(last, coming, today + dt.timedelta(days=45))


def _own_fields(rng: random.Random) -> None:
    custom.save_field(
        None,
        entity="company",
        key="turnover",
        kind="number",
        label_zh="年营业额（万元）",
        label_en="Turnover (10,000 CNY)",
    )
    custom.save_field(
        None,
        entity="company",
        key="size",
        kind="choice",
        label_zh="企业规模",
        label_en="Company size",
        choices=list(SIZES),
    )
    custom.save_field(
        None, entity="company", key="loyalty", kind="formula", label_zh="忠诚度", label_en="Loyalty",
        formula="editions * 10 + min(total_m2 / 9, 50) + if(key_account, 20, 0)",
    )  # fmt: skip
    custom.save_field(None, entity="person", key="wechat", kind="text", label_zh="微信号", label_en="WeChat id")
    for company in db.session.scalars(select(Company).order_by(Company.id).limit(300)):
        size = rng.choice(SIZES)["value"]
        company.custom = {
            "size": size,
            "turnover": str(rng.randrange(2, 90) * {"大型": 1000, "中型": 100, "小型": 10}[size]),
        }
    db.session.flush()


def _twins(rng: random.Random, last: Edition) -> None:
    """Companies that somebody entered a second time: another legal form, no tax id, sometimes the same site or a row in the ledger."""
    exhibitors = (
        select(Company)
        .join(Participation, Participation.company_id == Company.id)
        .where(Participation.edition_id == last.id)
    )
    chosen = list(
        db.session.scalars(exhibitors.where(Company.name_zh.contains("有限公司")).order_by(Company.id).limit(TWINS))
    )
    for number, company in enumerate(chosen):
        written = (
            company.name_zh.replace("股份有限公司", "有限公司")
            if "股份" in company.name_zh
            else company.name_zh.replace("有限公司", "股份有限公司")
        )
        twin = companies.create_company(
            name_zh=written, website=company.website if number % 2 else "", city=company.city, country="CN", source="import",
            owner_id=company.owner_id if number % 3 else None,
        )  # fmt: skip
        if number % 4 == 0:
            row = db.session.scalars(select(Participation).where(Participation.company_id == company.id).limit(1)).one()
            db.session.add(
                Participation(
                    edition_id=row.edition_id, company_id=twin.id, net_m2=row.net_m2, amount=row.amount, outcome=row.outcome, stands=row.stands,
                    role=row.role, created_at=row.created_at,
                )
            )  # fmt: skip
    db.session.flush()
