"""The inventory of the coming edition: two price lists with early bird, who waits, a pavilion, the draw, neighbours."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from expo_crm.demo import floor
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.domain import space_draw
from expo_crm.exhibitors.models import (
    Booth,
    BoothOccupant,
    BoothRequest,
    BoothWish,
    DrawSlot,
    NeighbourRule,
    Opportunity,
    Pavilion,
    PavilionEntry,
    PriceList,
    PriceOverride,
    PriceRule,
    SpaceDraw,
)

PAVILION_COMPANIES = (
    ("埃尔贝阀门有限公司", "Elbe Ventile GmbH", "DE"),
    ("", "Havelland Pumpenbau GmbH", "DE"),
    ("", "Weserstrom Dichtungen KG", "DE"),
)


def add_inventory(world: Any, edition: dict[str, Any]) -> None:
    """Rows for every page of the inventory; after recruitment, so that holders and hosts are there."""
    _prices(world, edition)
    booths = [b for b in world.rows[Booth] if b["edition_id"] == edition["id"]]
    sold = [b for b in booths if b["state"] == "sold"]
    free = [b for b in booths if b["state"] == "available"]
    open_ = [
        o
        for o in world.rows[Opportunity]
        if o["edition_id"] == edition["id"] and o["stage"] in {"contacted", "intent", "quoted"}
    ]
    _overrides(world, [b for b in booths if b["state"] == "held"])
    _wishes(world, edition, sold, open_)
    _request(world, free[0], open_[6])
    _pavilion(world, edition, sold)
    _draw(world, edition, open_)
    companies = [o["company_id"] for o in open_[:4]]
    for first, second, metres, reason in (
        (*sorted(companies[:2]), 6, "同类产品专利纠纷 / patent dispute"),
        (*sorted(companies[2:4]), 0, "双方要求分开 / both asked for it"),
    ):
        world.add(
            NeighbourRule, edition_id=edition["id"], company_a_id=first, company_b_id=second, distance_m=Decimal(metres), reason=reason
        )  # fmt: skip


def _prices(world: Any, edition: dict[str, Any]) -> None:
    start = world.today - dt.timedelta(days=150)
    early = world.today + dt.timedelta(days=20)
    for code, zh, en, currency, tax, factor in (
        ("P1", "国内展商价目表", "Domestic exhibitors", "CNY", "0.06", Decimal(1)),
        ("P2", "境外展商价目表", "Exhibitors from abroad", "USD", "0", Decimal("0.25")),
    ):
        made = world.add(
            PriceList, edition_id=edition["id"], code=code, number=1, name_zh=zh, name_en=en, currency=currency, tax_rate=Decimal(tax),
            valid_from=start, valid_until=world.today + dt.timedelta(days=200), state="published",
            published_at=world.now - dt.timedelta(days=149), created_at=world.now - dt.timedelta(days=150), version=1,
        )  # fmt: skip
        fees = [{"zh": "报名费", "en": "Registration fee", "amount": str((Decimal(800) * factor).quantize(Decimal("0.01")))}]
        for kind, base, least in (("shell", floor.PRICE_SHELL, None), ("raw", floor.PRICE_RAW, Decimal(36))):
            world.add(
                PriceRule, price_list_id=made, kind=kind, hall_id=None, sector="", base_m2=base * factor, minimum_m2=least,
                corner_2=Decimal(10), corner_3=Decimal("12.5"), corner_4=Decimal(15), fees=fees if kind == "shell" else [],
                early_until=early, early_percent=Decimal(5), early_m2=None,
            )  # fmt: skip


def _overrides(world: Any, held: list[dict[str, Any]]) -> None:
    sales, finance = world.staff["sales"], world.staff["finance"]
    for index, (booth, state) in enumerate(zip(held, ("asked", "approved", "refused"), strict=False)):
        old = booth["price"]
        new = (old * Decimal("0.9")).quantize(Decimal("0.01"))
        world.add(
            PriceOverride, booth_id=booth["id"], opportunity_id=booth["opportunity_id"], old=old, new=new,
            reason=("连续五届参展", "组团参展，面积翻倍", "要求与去年同价")[index], state=state, asked_by_id=sales[0],
            asked_at=world.now - dt.timedelta(days=2 + index), decided_by_id=None if state == "asked" else finance[0],
            decided_at=None if state == "asked" else world.now - dt.timedelta(days=1),
            answer="" if state != "refused" else "超出折扣权限，请改签两届",
        )  # fmt: skip
        if state == "approved":
            booth["price"] = new


def _wishes(world: Any, edition: dict[str, Any], sold: list[dict[str, Any]], open_: list[dict[str, Any]]) -> None:
    """Bigger than anything free, or for a booth that is sold: so that the first tick leaves them waiting."""
    corners = [b for b in sold if b["open_sides"] >= 2][:2]
    wanted: tuple[tuple[int | None, str, int], ...] = (
        (corners[0]["id"], "", 9), (None, "raw", 600), (corners[1]["id"], "", 9), (None, "raw", 450),
    )  # fmt: skip
    for position, ((booth, kind, least), who) in enumerate(zip(wanted, open_, strict=False), 1):
        world.add(
            BoothWish, edition_id=edition["id"], opportunity_id=who["id"], booth_id=booth, hall_id=None, kind=kind, min_m2=Decimal(least),
            max_m2=None, open_sides=1, position=position, state="waiting", note="希望靠近主通道" if booth else "",
            created_at=world.now - dt.timedelta(days=20 - position),
        )  # fmt: skip


def _request(world: Any, booth: dict[str, Any], opportunity: dict[str, Any]) -> None:
    booth.update(state="reserved", opportunity_id=opportunity["id"])
    world.add(
        BoothRequest, booth_id=booth["id"], opportunity_id=opportunity["id"], price=booth["price"], note="与去年相邻即可", state="asked",
        asked_by_id=None, asked_at=world.now - dt.timedelta(hours=5), decided_by_id=None, decided_at=None, answer="",
    )  # fmt: skip


def _pavilion(world: Any, edition: dict[str, Any], sold: list[dict[str, Any]]) -> None:
    hosts = {o["booth_id"]: o["participation_id"] for o in world.rows[BoothOccupant] if o["host"]}
    germans = {c["id"] for c in world.rows[Company] if c["country"] == "DE"}
    mains = {p["id"]: p["company_id"] for p in world.rows[Participation] if p["edition_id"] == edition["id"]}
    ranked = sorted(sold, key=lambda b: (mains.get(hosts.get(b["id"], 0)) not in germans, -b["area_m2"], b["code_key"]))
    booth = ranked[0]
    booth["sector"] = "泵"
    made = world.add(
        Pavilion, edition_id=edition["id"], name_zh="德国展团", name_en="German Pavilion", organizer_id=hosts[booth["id"]], entry_limit=6,
        closes_on=world.today + dt.timedelta(days=60),
    )  # fmt: skip
    booth["pavilion_id"] = made
    for index, (zh, en, country) in enumerate(PAVILION_COMPANIES):
        world.add(
            PavilionEntry, pavilion_id=made, booth_id=booth["id"], name_zh=zh, name_en=en, country=country, website="", state="entered",
            answer="", participation_id=None, entered_at=world.now - dt.timedelta(days=3 - index),
        )  # fmt: skip


def _draw(world: Any, edition: dict[str, Any], open_: list[dict[str, Any]]) -> None:
    years: dict[int, int] = {}
    for row in world.rows[Participation]:
        if row["edition_id"] != edition["id"] and row["outcome"] == "exhibited":
            years[row["company_id"]] = years.get(row["company_id"], 0) + 1
    starts_at = dt.datetime.combine(world.today + dt.timedelta(days=14), dt.time(9), world.now.tzinfo)
    seed = f"{world.today:%Y%m%d}"
    draw = world.add(
        SpaceDraw, edition_id=edition["id"], formula="years * 10", seed=seed, starts_at=starts_at, slot_minutes=10, at_once=2,
        drawn_at=world.now - dt.timedelta(days=1),
    )  # fmt: skip
    entrants = [space_draw.Entrant(o["id"], Decimal(10 * years.get(o["company_id"], 0))) for o in open_]
    for turn in space_draw.draw(entrants, seed, starts_at, 10, 2):
        world.add(
            DrawSlot, draw_id=draw, opportunity_id=turn.opportunity_id, position=turn.position, points=turn.points, tie=turn.tie, at=turn.at,
            mailed_at=None, state="waiting",
        )  # fmt: skip
