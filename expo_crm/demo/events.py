"""Concurrent events with their bookings, and the exhibitors' arrival, of the demonstration show. Draws from a seed of its own."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from typing import TYPE_CHECKING, Any

from expo_crm.onsite.models import Badge, ConcurrentEvent, EventBooking, EventCheckin, ExhibitorArrival

if TYPE_CHECKING:
    from expo_crm.demo.world import World

# (day, hour, minutes, capacity, share of the capacity that wants to come, classes, hall letter, room zh, room en, title, text, speakers)
PROGRAMME: tuple[tuple[Any, ...], ...] = (
    (
        0, (10, 0), 120, 220, 0.9, (), "A", "主会场 A1", "Plenary A1", ("流体装备产业发展高峰论坛", "Fluid Equipment Industry Summit"),
        ("产业政策、出口形势与头部企业的技术路线。", "Policy, export outlook and the technology roadmaps of leading makers."),
        ("沈知微 · 东浦流体装备协会\n顾景行 · 江岚重工", "Shen Zhiwei · Dongpu Fluid Equipment Association\nGu Jingxing · Jianglan Heavy Industry"),
    ),
    (
        0, (13, 30), 90, 80, 1.6, (), "B", "会议室 B2", "Room B2", ("泵系统节能改造案例分享", "Retrofitting pump systems: case studies"),
        ("五个已投运项目的能耗实测与回收期。", "Measured energy and payback of five projects in operation."),
        ("叶清越 · 水务运营工程师", "Ye Qingyue · water utility engineer"),
    ),
    (
        0, (15, 30), 60, 40, 1.4, ("buyer", "vip"), "A", "贵宾厅", "VIP Lounge", ("特邀买家采购对接会", "Hosted buyers' sourcing session"),
        ("按采购清单分桌交流，每桌 15 分钟。", "Tables by shopping list, fifteen minutes each."), ("", ""),
    ),
    (
        1, (9, 30), 150, 120, 0.8, (), "B", "会议室 B1", "Room B1", ("半导体用高纯流体技术研讨会", "High-purity fluid handling for semiconductors"),
        ("阀门洁净度、析出物控制与国产替代进展。", "Valve cleanliness, extractables and local supply."),
        ("Kenji Ishimori · 石森阀门\n白望舒 · 东浦大学", "Kenji Ishimori · Ishimori Valves\nBai Wangshu · Dongpu University"),
    ),
    (
        1, (10, 30), 90, 60, 1.2, (), "C", "会议室 C3", "Room C3", ("阀门低泄漏标准解读", "Low-emission standards for valves explained"),
        ("ISO 15848 与新国标的测试要求对比。", "Test requirements of ISO 15848 and the new national standard."),
        ("Clara Feldkamp · 认证专家", "Clara Feldkamp · certification expert"),
    ),
    (
        1, (14, 0), 120, 100, 0.7, (), "B", "会议室 B2", "Room B2", ("压缩空气系统智能运维论坛", "Smart operation of compressed air systems"),
        ("漏损诊断、联控与远程监测实践。", "Leak detection, joint control and remote monitoring in practice."),
        ("马克勤 · 设备总监", "Ma Keqin · equipment director"),
    ),
    (
        2, (10, 0), 90, 150, 0.6, (), "A", "主会场 A1", "Plenary A1", ("氢能与碳捕集中的流体装备", "Fluid equipment for hydrogen and carbon capture"),
        ("低温泵、隔膜压缩机与密封材料。", "Cryogenic pumps, diaphragm compressors and sealing materials."),
        ("Elena Rossetti · 罗塞蒂密封", "Elena Rossetti · Rossetti Seals"),
    ),
    (
        2, (13, 0), 120, 30, 1.7, ("trade", "buyer", "vip"), "", "展馆南门集合", "Meet at the south gate", ("水厂参观：智慧泵站", "Tour: a smart pumping station"),
        ("乘大巴前往，往返约 2 小时，请携带证件。", "By coach, two hours in all; please bring an identity card."), ("", ""),
    ),
)  # fmt: skip
NOTES = ("钥匙已领取", "搭建商先到场", "请补开电箱", "Forklift booked for 14:00", "")


def add_events(
    world: World, edition: dict[str, Any], registrations: list[dict[str, Any]], attended: set[int], past: bool
) -> None:
    """The programme of an edition: of a past one with who came, of the coming one with bookings, waiting lists and a draft."""
    rng = random.Random(f"events {edition['slug']}")
    zone = world.now.tzinfo
    badges = (
        {b["registration_id"]: b["id"] for b in world.rows[Badge] if b["edition_id"] == edition["id"]} if past else {}
    )
    able = [r for r in registrations if r["state"] == "approved" and (not past or rng.random() < 0.5)]
    for number, plan in enumerate(PROGRAMME):
        day, (hour, minute), minutes, capacity, demand, classes, letter, room_zh, room_en, title, text, speakers = plan
        starts = dt.datetime.combine(edition["days"][day], dt.time(hour, minute), zone)
        draft = not past and number == 5
        created = starts - dt.timedelta(days=170)
        event = world.add(
            ConcurrentEvent, edition_id=edition["id"], hall_id=edition["halls"].get(letter), title_zh=title[0], title_en=title[1], text_zh=text[0],
            text_en=text[1], room_zh=room_zh, room_en=room_en, speakers_zh=speakers[0], speakers_en=speakers[1], starts_at=starts,
            ends_at=starts + dt.timedelta(minutes=minutes), capacity=capacity, classes=list(classes), state="draft" if draft else "published",
            checkin_before=30, checkin_after=45, walk_in=bool(letter), offer_hours=0 if letter else 24, created_at=min(created, world.now),
        )  # fmt: skip
        if not draft:
            wanted = round(capacity * demand * (1 if past else 0.75))
            ready = starts - dt.timedelta(days=1)
            fitting = [r for r in able if r["at"] < ready and (not classes or r["class"] in classes)]
            people = rng.sample(fitting, min(wanted, len(fitting)))
            people.sort(key=lambda r: r["at"])
            _book(world, rng, event, starts, capacity, people, attended if past else None, badges)


def _book(
    world: World,
    rng: random.Random,
    event: int,
    starts: dt.datetime,
    capacity: int,
    people: list[dict[str, Any]],
    attended: set[int] | None,
    badges: dict[int, int],
) -> None:
    user = world.staff["gate"][0]
    position = taken = 0
    for person in people:
        full = taken >= capacity
        at = min(
            person["at"] + dt.timedelta(minutes=rng.randrange(2, 90)), starts - dt.timedelta(minutes=40), world.now
        )
        came = attended is not None and person["id"] in attended and rng.random() < (0.3 if full else 0.86)
        position += full
        state = "attended" if came else "waiting" if full else "cancelled" if rng.random() < 0.04 else "booked"
        taken += state in {"booked", "attended"} and not full
        let_in = starts - dt.timedelta(minutes=25) + dt.timedelta(seconds=rng.randrange(2100)) if came else None
        booking = world.add(
            EventBooking, event_id=event, registration_id=person["id"], state=state, position=position if state == "waiting" else None,
            offered_until=None, source="visitor", booked_at=at, moved_up_at=None, attended_at=let_in,
            cancelled_at=min(at + dt.timedelta(days=2), starts, world.now) if state == "cancelled" else None,
        )  # fmt: skip
        if let_in:
            world.add(
                EventCheckin, event_id=event, booking_id=booking, badge_id=badges.get(person["id"]), origin=f"u{user}",
                client_uuid=str(uuid.UUID(int=rng.getrandbits(128), version=4)), body_hash="", user_id=user,
                outcome="from_waiting" if full else "admitted", at=let_in,
            )  # fmt: skip


def add_arrivals(world: World, edition: dict[str, Any], exhibitors: list[dict[str, Any]]) -> None:
    """Who reported at the desk in the two days before opening; one in fifty never came."""
    rng = random.Random(f"arrival {edition['slug']}")
    opening = dt.datetime.combine(edition["days"][0], dt.time(9), world.now.tzinfo)
    for item in exhibitors:
        if item["role"] == "represented" or rng.random() < 0.02:
            continue
        hours = rng.choice((46, 45, 44, 43, 42, 41, 24, 23, 22, 21, 20, 19, 18, 2, 1))
        chinese = item["company"]["made"].country == "CN"
        world.add(
            ExhibitorArrival, edition_id=edition["id"], participation_id=item["id"],
            arrived_at=opening - dt.timedelta(hours=hours) + dt.timedelta(minutes=rng.randrange(55)),
            recorded_by=world.staff["desk"][0], person_name=world.contact_name(item["company"]["contact"]),
            person_phone=f"+86100{90000000 + item['id']}" if chinese else "", badges_handed=rng.choice((2, 2, 3, 4)),
            note=rng.choice(NOTES) if rng.random() < 0.15 else "",
        )  # fmt: skip
