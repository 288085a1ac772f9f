"""Exhibitors' tasks of the coming edition in every state: fascia, drawings, reviewed entries, badges. Draws from a seed of its own."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from expo_crm.exhibitors.domain.portal import TaskKey
from expo_crm.exhibitors.models import (
    Booth,
    BoothOccupant,
    BuildApproval,
    BuildDrawing,
    BuildRemark,
    DirectoryEntry,
    EntryChange,
    Fascia,
    InvitationLink,
    PortalRules,
    PortalTaskKind,
    PortalWaiver,
)
from expo_crm.onsite.models import Badge

if TYPE_CHECKING:
    from expo_crm.demo.world import World

DAYS_FROM_TODAY = {
    TaskKey.BUILD: -4,
    TaskKey.ENTRY: -2,
    TaskKey.OFFERS: 6,
    TaskKey.FASCIA: 9,
    TaskKey.SERVICES: 20,
    TaskKey.BADGES: 35,
    TaskKey.INVITE: 45,
}
PEOPLE = ("周明远", "林晓岚", "陈嘉禾", "何予安", "Anna Lindqvist", "Marco Bellini", "宋清和", "许知行")
TALK = (
    ("changes", "结构柱与消防栓距离不足 1 米，请调整并补充电气系统图。"),
    ("changes", "Please add the load calculation of the hanging truss and the height of the back wall."),
)


def _drawing() -> bytes:
    """A one-page PDF with the outline of a stand."""
    stream = b"2 w 80 80 432 288 re S 1 w 80 224 m 296 224 l S 296 224 m 296 80 l S 120 260 80 70 re S"
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 420]/Contents 4 0 R/Resources<<>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
    ]
    out, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 5\n0000000000 65535 f \n" + table + tail


def add_tasks(world: World, edition: dict[str, Any], exhibitors: list[dict[str, Any]]) -> None:
    """Rules of the edition, and what its exhibitors have done so far."""
    rng, today = random.Random(71), world.today
    now = dt.datetime.combine(today, dt.time(9), dt.UTC)
    for key, days in DAYS_FROM_TODAY.items():
        world.add(PortalTaskKind, edition_id=edition["id"], key=key, due_on=today + dt.timedelta(days=days), active=True)
    world.add(
        PortalRules, edition_id=edition["id"], badges=3, badge_m2=Decimal(9),
        published_on=today - dt.timedelta(days=6), freeze_on=today + dt.timedelta(days=30),
    )  # fmt: skip
    kinds = {row["id"]: row.get("kind", "shell") for row in world.rows[Booth]}
    stands = {row["participation_id"]: kinds[row["booth_id"]] for row in world.rows[BoothOccupant]}
    entries = {row["participation_id"]: row for row in world.rows[DirectoryEntry]}
    pdf, builds, changes = _drawing(), 0, 0
    for exhibitor in exhibitors:
        pid, made = exhibitor["id"], exhibitor["company"]["made"]
        if stands.get(pid) == "raw" and rng.random() < 0.75:
            _build(world, pid, builds, pdf, now)
            builds += 1
        elif stands.get(pid) == "shell" and rng.random() < 0.55:
            world.add(
                Fascia, participation_id=pid, text_zh=made.name_zh[:20], text_en=made.name_en[:40],
                saved_at=now - dt.timedelta(days=rng.randrange(1, 20)),
            )  # fmt: skip
        if rng.random() < 0.3:
            world.add(PortalWaiver, participation_id=pid, key=TaskKey.SERVICES, said_at=now)
        if rng.random() < 0.25:
            for name in rng.sample(PEOPLE, 2):
                _search, sort = world.keys(name)
                world.add(
                    Badge, edition_id=edition["id"], class_id=edition["classes"]["exhibitor"], participation_id=pid,
                    serial=f"{rng.getrandbits(64):016x}", holder=name, holder_company=made.name_zh or made.name_en, sort_key=sort, issued_at=now,
                )  # fmt: skip
                world.add(
                    InvitationLink, participation_id=pid, label=name, code=f"m{pid:05x}{rng.getrandbits(24):06x}",
                    opened=rng.randrange(0, 9), created_at=now,
                )  # fmt: skip
        if pid in entries and changes < 5 and rng.random() < 0.2:
            _change(world, pid, entries[pid], changes, now)
            changes += 1


def _build(world: World, pid: int, number: int, pdf: bytes, now: dt.datetime) -> None:
    state = ("submitted", "changes", "approved", "submitted")[number % 4]
    versions = 2 if state == "approved" or number % 8 == 3 else 1
    approval = world.add(BuildApproval, participation_id=pid, state=state, number=versions, changed_at=now)
    for version in range(1, versions + 1):
        at = now - dt.timedelta(days=3 * (versions - version) + 5)
        world.add(
            BuildDrawing, approval_id=approval, number=version, filename=f"stand-v{version}.pdf", media_type="application/pdf",
            size=len(pdf), data=pdf, uploaded_at=at,
        )  # fmt: skip
        world.add(BuildRemark, approval_id=approval, number=version, side="exhibitor", state="submitted", text="", at=at)
        answer = TALK[number % 2] if version < versions or state == "changes" else ("approved", "") if state == "approved" else None
        if answer:
            world.add(
                BuildRemark, approval_id=approval, number=version, side="organizer", state=answer[0], text=answer[1],
                at=at + dt.timedelta(days=1, hours=3),
            )  # fmt: skip


def _change(world: World, pid: int, entry: dict[str, Any], number: int, now: dt.datetime) -> None:
    before = {
        **{name: entry[name] for name in ("name_zh", "name_en", "intro_zh", "intro_en", "website")},
        "brands": list(entry["brands"]),
        "categories": [],
    }
    after = {
        **before,
        "intro_zh": before["intro_zh"].replace("。", "，并提供现场调试与备件服务。", 1),
        "intro_en": before["intro_en"].rstrip(".") + ", with commissioning on site and spare parts from stock.",
    }
    state = ("open", "open", "open", "approved", "refused")[number]
    world.add(
        EntryChange, participation_id=pid, state=state, before=before, after=after,
        remark="请勿在简介中写价格。" if state == "refused" else "", asked_at=now - dt.timedelta(days=number, hours=2),
        decided_at=None if state == "open" else now,
    )  # fmt: skip
