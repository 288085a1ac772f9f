"""The sales floor's day in the demonstration: results of calls, scripts, ownership rules, the public pool, two agents."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from expo_crm.db import db
from expo_crm.directory.models import (
    Activity,
    CallResult,
    CallScript,
    Company,
    OwnershipLog,
    OwnershipRule,
    OwnershipSettings,
)
from expo_crm.exhibitors.models import Agent, AgentAccount, Contract, Opportunity
from expo_crm.exhibitors.services import agents as agent_services

RESULTS = {"reached": "reached", "no_answer": "no_answer", "interested": "interested", "": ""}
SCRIPTS = (
    (
        "new", "新展商首次电话", "First call to a new exhibitor",
        "{contact}您好，我是{edition}组委会的{me}。\n今年展会于{dates}在{venue}举办。\n？贵公司今年主推哪些产品？\n？去年参加过哪些展会？\n？展位大概需要多大面积？\n我把展位图和报价发给您，下周再联系。",
        "Hello {contact}, this is {me} from {edition}.\nThe show takes place on {dates} at {venue}.\n? Which products do you promote this year?\n"
        "? Which shows did you exhibit at last year?\n? What stand size do you have in mind?\nI will send you the plan and an offer and call again next week.",
    ),
    (
        "rebooking", "老展商复展电话", "Rebooking call",
        "{contact}您好，感谢{company}参加{last_edition}（{last_area}）。\n？去年的参展效果怎么样？\n？今年面积是保持还是扩大？\n？原展位要不要优先保留？\n优先保留期到本月底，逾期对外开放。",
        "Hello {contact}, thank you for exhibiting at {last_edition} ({last_area}).\n? How did the show work for you?\n"
        "? Same size this year, or larger?\n? Shall we keep your stand for you?\nThe right to your stand ends this month.",
    ),
    (
        "won_back", "流失展商挽回电话", "Win-back call",
        "{contact}您好，很久没有见到{company}了。\n？上次没有继续参展的主要原因是什么？\n？今年有新的市场计划吗？\n我们今年新增了买家配对服务。",
        "Hello {contact}, we have missed {company}.\n? What was the main reason for not coming back?\n? Are there new plans for the market?\n"
        "This year there is matchmaking with buyers.",
    ),
)  # fmt: skip


def play(world: Any) -> None:
    """Add the rows; called when companies, opportunities and activities are there."""
    rng, show, coming = world.rng, world.show, world.editions[-1]
    sales = world.staff["sales"]
    world.add(
        OwnershipSettings, show_id=show, pool_days=180, warn_days=14, exempt_key=True, exempt_open=True, contact_days=60, opportunity_days=120,
        claims_per_day=10, claims_total=400, wait_days=15, version=1,
    )  # fmt: skip
    for position, (name, country, industry, users) in enumerate(
        (("国内泵类", "CN", "泵", sales[:2]), ("国内其他", "CN", "", sales), ("海外", "", "", sales[-1:])), start=1
    ):
        world.add(
            OwnershipRule, position=position, name=name, country=country, province="", industry=industry, source="", user_ids=list(users),
            dealt=rng.randrange(10, 60), active=True, version=1,
        )  # fmt: skip
    for purpose, zh, en, body_zh, body_en in SCRIPTS:
        world.add(
            CallScript, edition_id=coming["id"] if purpose == "rebooking" else None, purpose=purpose, name_zh=zh, name_en=en, body_zh=body_zh,
            body_en=body_en, retired=False, updated_at=world.now - dt.timedelta(days=30), version=1,
        )  # fmt: skip
    world.add(
        CallResult, code="own1", name_zh="要求发邀请函", name_en="Asks for an invitation letter", reached=True, next_kind="mail", next_days=0,
        retired=False,
    )  # fmt: skip
    _activities(world)
    _owners(world)
    _agents(world)


def _activities(world: Any) -> None:
    """Results and lengths of the calls, addresses of the visits, and some calls of the last days for the totals."""
    rng = world.rng
    places = {c["id"]: f"{c['made'].province}{c['made'].city}" for c in world.companies}
    for row in world.rows[Activity]:
        call = row["kind"] == "call" and row["done_at"] is not None
        row["result_code"] = RESULTS.get(row["outcome"], "") if call else ""
        row["duration_s"] = rng.randrange(40, 900) if call else None
        row["place"] = places[row["company_id"]] if row["kind"] == "visit" else ""
    recent = [c for c in world.companies if c["seen"]]
    for day in range(15):
        start = world.now - dt.timedelta(days=day)
        if start.weekday() > 4:
            continue
        for company in rng.sample(recent, rng.randrange(9, 22)):
            at = start - dt.timedelta(minutes=rng.randrange(1, 60)) if day == 0 else start + dt.timedelta(minutes=rng.randrange(480))
            kind = rng.choice(["call"] * 7 + ["mail", "mail", "visit"])
            result = rng.choice(["interested", "reached", "no_answer", "no_answer", "call_back", "offer", "not_interested"])
            world.add(
                Activity, kind=kind, company_id=company["id"], person_id=company["contact"], edition_id=world.editions[-1]["id"], owner_id=company["owner"],
                subject="新一届参展沟通" if company["made"].country == "CN" else "Talk about the coming edition", outcome="", due_at=None, done_at=at,
                created_at=at, result_code=result if kind == "call" else "", duration_s=rng.randrange(40, 700) if kind == "call" else None,
                place=places[company["id"]] if kind == "visit" else "",
            )  # fmt: skip


def _owners(world: Any) -> None:
    """Companies that never exhibited lie in the pool; recent contacts protect; some changes of hands."""
    rng = world.rng
    touched: dict[int, dt.datetime] = {}
    for row in world.rows[Activity]:
        if row["done_at"] is not None and row["kind"] in ("call", "mail", "visit"):
            touched[row["company_id"]] = max(row["done_at"], touched.get(row["company_id"], row["done_at"]))
    seen = {c["id"] for c in world.companies if c["seen"]} | {row["company_id"] for row in world.rows[Opportunity]}
    for row in world.rows[Company]:
        row.update(owner_since=row["created_at"], protected_until=None, pool_since=None, pool_warned_at=None)
        last = touched.get(row["id"])
        if last is not None and (last + dt.timedelta(days=60)).date() >= world.today:
            row["protected_until"] = (last + dt.timedelta(days=60)).date()
        if row["id"] not in seen and rng.random() < 0.7:
            at = world.now - dt.timedelta(days=rng.randrange(17, 160)) + dt.timedelta(minutes=rng.randrange(600))
            before = row["owner_id"]
            row.update(owner_id=None, owner_since=None, pool_since=at, protected_until=None)
            world.add(OwnershipLog, company_id=row["id"], from_id=before, to_id=None, why="return", reason="", by_id=None, at=at)
        elif rng.random() < 0.05:
            at = world.now - dt.timedelta(days=rng.randrange(20, 300))
            other = rng.choice(world.staff["sales"])
            if other != row["owner_id"]:
                row["owner_since"] = at
                world.add(
                    OwnershipLog, company_id=row["id"], from_id=other, to_id=row["owner_id"], why="transfer", reason="区域调整", by_id=world.staff["sales"][0],
                    at=at,
                )  # fmt: skip
    quiet = [r for r in world.rows[Company] if r["owner_id"] is not None and r["protected_until"] is None and r["id"] in seen]
    for row in quiet[:24]:
        row["pool_warned_at"] = world.now - dt.timedelta(days=rng.randrange(1, 10))


def _agents(world: Any) -> None:
    """Two agents; the contracts of their companies come from them."""
    begin = world.editions[-3]["starts_on"]
    for name, countries, provinces, rate, fits in (
        ("Rheintal Messe Service GmbH", ["DE", "AT", "CH"], [], "12", lambda m: m.country == "DE"),
        ("粤展商务咨询（广州）", ["CN"], ["广东"], "8.5", lambda m: "广东" in m.province),
    ):
        agent = world.add(
            Agent, show_id=world.show, name=name, company_id=None, person_id=None, email="", countries=countries, provinces=provinces, sectors=[],
            rate=Decimal(rate), valid_from=begin, valid_until=None, version=1,
        )  # fmt: skip
        mine = {c["id"] for c in world.companies if fits(c["made"])}
        sold = sorted({row["company_id"] for row in world.rows[Contract]} & mine)[:14]
        for company_id in sold[:6]:
            world.add(AgentAccount, agent_id=agent, company_id=company_id, protected_until=world.today + dt.timedelta(days=240))
        chosen = set(sold[6:])
        for row in world.rows[Opportunity]:
            row.setdefault("agent", "")
            if row["company_id"] in chosen:
                row["agent"] = name


def settle(today: dt.date) -> None:
    """Of the first agent last year's money is settled and approved, of the second this month's is a draft."""
    for number, agent in enumerate(db.session.scalars(select(Agent).order_by(Agent.id))):
        until = today - dt.timedelta(days=120 if number == 0 else 5)
        mine, _doubtful = agent_services.contracts_of(agent.show_id)
        if not any(e.amount for _c, e in agent_services.earnings(agent, mine.get(agent.id, []), until)):
            continue
        for made in agent_services.draft(agent, agent.valid_from, until):
            if number == 0:
                agent_services.approve(made)
