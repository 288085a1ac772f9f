"""Zones, devices, and what a supervisor finds on the desk after the show days, of the demonstration show."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from expo_crm.db import db
from expo_crm.onsite.domain.admission import Verdict
from expo_crm.onsite.domain.scan_input import Command
from expo_crm.onsite.models import AccessWindow, Badge, BadgeSetup, Device, Gate, HandTally, Presence, Scan, Zone
from expo_crm.onsite.services import badges, conflicts, devices, quarantine, scans
from expo_crm.visitors.models import VisitorClass

if TYPE_CHECKING:
    from expo_crm.demo.world import World

FORUM = "F"
FORUM_PHONES = ("Forum phone 1", "Forum phone 2")
LOST_PHONE = "Spare phone"
NOTES = (
    "本人从另一侧门返回，非复制证件",
    "Colleague used the wrong badge, both were spoken to",
)
MB = 1024 * 1024


def add_zones(world: World, edition: dict[str, Any]) -> None:
    """The whole show, a forum with a list of classes and times of its own, and a door for exhibitors."""
    own = random.Random(f"zones {edition['id']}")
    world.add(
        BadgeSetup, edition_id=edition["id"], feed_version=1, lineage=f"{own.getrandbits(64):016x}", code_mode="signed"
    )
    show = world.add(
        Zone, edition_id=edition["id"], hall_id=None, code="show", name_zh="全展会", name_en="The whole show", capacity=4000
    )  # fmt: skip
    if edition["state"] == "closed":
        _count_by_hand(world, edition)
    forum = world.add(
        Zone, edition_id=edition["id"], hall_id=None, code=FORUM, name_zh="论坛区", name_en="Forum", capacity=420,
        anti_passback="once", classes=["buyer", "press", "trade", "vip"], restricted=True,
    )  # fmt: skip
    window(world, show, "exhibitor", None, dt.time(7, 30), dt.time(18, 30))
    window(world, show, "exhibitor", edition["starts_on"] - dt.timedelta(days=1), dt.time(8), dt.time(20))
    window(world, show, "crew", None, dt.time(6), dt.time(22))
    window(world, forum, "", None, dt.time(9), dt.time(17, 30))


def _count_by_hand(world: World, edition: dict[str, Any]) -> None:
    """School classes and helpers of the last afternoon, who wore no badge."""
    last = edition["days"][-1]
    for minute, delta, note in ((5, 32, "职业学校参观团 A vocational school"), (48, 6, "志愿者 Volunteers"), (170, -32, "")):
        at = dt.datetime.combine(last, dt.time(10), dt.timezone(dt.timedelta(hours=8))) + dt.timedelta(minutes=minute)
        world.add(HandTally, edition_id=edition["id"], zone="show", local_day=last, delta=delta, note=note, user_id=None, at=at)


def window(world: World, zone: int, class_code: str, day: dt.date | None, opens: dt.time, closes: dt.time) -> None:
    world.add(AccessWindow, zone_id=zone, class_code=class_code, day=day, opens_at=opens, closes_at=closes)


def add_doors(world: World, edition: dict[str, Any]) -> None:
    """The doors beside those that visitors are counted at, and the devices of both. After ``World._doors``."""
    forum = [
        _gate(world, edition, f"F{n}", f"论坛区{side}门", f"Forum {word} door", FORUM, "entry", [])
        for n, side, word in ((1, "东", "east"), (2, "西", "west"))
    ]
    _gate(world, edition, "E", "展商通道", "Exhibitors' door", "show", "both", ["exhibitor", "crew"])
    if edition["state"] == "closed":
        end = dt.datetime.combine(edition["ends_on"], dt.time(17), dt.timezone(dt.timedelta(hours=8)))
        for gate, name in zip([*forum, forum[0]], [*FORUM_PHONES, LOST_PHONE], strict=True):
            _device(
                world, edition, gate, name, paired_at=end - dt.timedelta(days=4), revoked_at=end, seen_at=end,
                app_version="1.1", snapshot_version=1,
            )  # fmt: skip
        return
    gates = [g["id"] for g in world.rows[Gate] if g["edition_id"] == edition["id"]]
    now = world.now
    ready = {"quota": 2_048 * MB, "usage": 31 * MB, "persisted": True}
    _device(
        world, edition, gates[0], "North phone 1", token_hash=_token(world), paired_at=now - dt.timedelta(hours=5), seen_at=now,
        clock_offset_ms=240, app_version="1.2", snapshot_version=1, snapshot_age_s=12, storage=ready, battery=84,
    )  # fmt: skip
    _device(
        world, edition, gates[0], "North tablet", profile="gate_kiosk", token_hash=_token(world), paired_at=now - dt.timedelta(hours=5), seen_at=now,
        clock_offset_ms=-190_000, app_version="1.2", snapshot_version=1, snapshot_age_s=40, storage={**ready, "persisted": False}, battery=63,
    )  # fmt: skip
    _device(
        world, edition, gates[1], "South phone 1", token_hash=_token(world), paired_at=now - dt.timedelta(days=1), seen_at=now - dt.timedelta(hours=3),
        clock_offset_ms=-800, app_version="1.1", queue_length=7, storage=ready, battery=17,
    )  # fmt: skip
    _device(world, edition, forum[0], "Forum phone 1")
    _device(
        world, edition, None, "Kiosk entrance hall", profile="kiosk", token_hash=_token(world), paired_at=now - dt.timedelta(hours=2), seen_at=now,
        clock_offset_ms=90, app_version="1.2",
    )  # fmt: skip


def _gate(
    world: World, edition: dict[str, Any], code: str, zh: str, en: str, zone: str, direction: str, classes: list[str]
) -> int:
    return world.add(
        Gate, edition_id=edition["id"], hall_id=None, code=code, name_zh=zh, name_en=en, zone=zone, direction=direction, classes=classes
    )  # fmt: skip


def _device(world: World, edition: dict[str, Any], gate: int | None, name: str, **others: Any) -> int:
    return world.add(Device, edition_id=edition["id"], gate_id=gate, name=name, **{"profile": "gate", **others})


def door_device(world: World, edition: dict[str, Any], gate: int, name: str, **others: Any) -> int:
    """A device at one of the counting doors."""
    return _device(world, edition, gate, name, **others)


def _token(world: World) -> str:
    """The hash of a token that nobody has."""
    return f"{random.Random(len(world.rows[Device])).getrandbits(256):064x}"


# -- what happened at the forum, through the same code as at a real door ----------------------------------------------


def play(edition_id: int, now: dt.datetime) -> None:
    """Two phones without a network admit the same badges, a blocked badge passes, a lost phone still holds scans."""
    phones = {
        d.name: d
        for d in db.session.scalars(
            select(Device).where(Device.edition_id == edition_id, Device.name.in_([*FORUM_PHONES, LOST_PHONE]))
        )
    }
    posts = {name: devices.get_post(d.id) for name, d in phones.items()}
    day, start = _busy_day(edition_id)
    people = _visitors(edition_id, day, 30)
    codes = [badges.code_of(b) for b in people]
    at = start.replace(hour=2, minute=5, second=0)  # 10:05 at the venue
    first = [_command(f"a{n}", codes[n], n + 1, at + dt.timedelta(seconds=41 * n)) for n in range(20)]
    badges.block(people[21], "证件被报失 Reported as lost")
    again = [3, 8, 12, 17]
    second = [
        _command(f"b{n}", codes[who], n + 1, at + dt.timedelta(minutes=11, seconds=97 * n))
        for n, who in enumerate([20, again[0], 21, again[1], 22, again[2], 23, again[3]])
    ]
    scans.record_scans(posts[FORUM_PHONES[0]], first)
    scans.record_scans(posts[FORUM_PHONES[1]], second)
    quarantine.keep(
        posts[LOST_PHONE],
        [_command(f"c{n}", codes[24 + n % 6], n + 1, at + dt.timedelta(hours=1, seconds=50 * n)) for n in range(6)],
    )
    db.session.flush()
    for scan, note in zip(conflicts.list_open(edition_id)[:2], NOTES, strict=False):
        conflicts.resolve(scan, note, None)
    _leave_gaps(edition_id, phones[FORUM_PHONES[1]], now)


def _busy_day(edition_id: int) -> tuple[dt.date, dt.datetime]:
    days = db.session.execute(
        select(Presence.local_day, func.min(Presence.first_entry_at))
        .where(Presence.edition_id == edition_id, Presence.zone == "show")
        .group_by(Presence.local_day)
        .order_by(Presence.local_day)
    ).all()
    day, start = days[1]
    assert start is not None  # the query is over entries
    return day, start


def _visitors(edition_id: int, day: dt.date, count: int) -> list[Badge]:
    """Trade visitors who were there that day."""
    return list(
        db.session.scalars(
            select(Badge)
            .join(Presence, Presence.badge_id == Badge.id)
            .join(VisitorClass, VisitorClass.id == Badge.class_id)
            .where(Badge.edition_id == edition_id, Presence.local_day == day, Badge.registration_id.is_not(None))
            .where(VisitorClass.code == "trade")
            .order_by(Badge.id)
            .limit(count)
        )
    )


def _command(name: str, code: str, seq: int, at: dt.datetime) -> Command:
    return Command(
        client_uuid=str(uuid.uuid5(uuid.NAMESPACE_URL, f"demo {name}")),
        code=code,
        direction="entry",
        device_time=at,
        device_seq=seq,
        decided=Verdict("admit", "ok"),
        snapshot_version=1,
    )


def _leave_gaps(edition_id: int, foreign: Device, now: dt.datetime) -> None:
    """The busiest door showed three scans that never arrived; a forum phone was shown many foreign codes."""
    busiest = db.session.execute(
        select(Scan.device_id, func.max(Scan.device_seq))
        .where(Scan.edition_id == edition_id)
        .group_by(Scan.device_id)
        .order_by(func.count().desc())
        .limit(1)
    ).one()
    db.session.execute(update(Device).where(Device.id == busiest[0]).values(last_seq=(busiest[1] or 0) + 3, missing=3))
    db.session.execute(update(Device).where(Device.id == foreign.id).values(alarm_at=now - dt.timedelta(hours=2)))
