"""What some exhibitors' teams noted of their leads: devices, tags, questions, answers, readings, and a visitor who took the data back."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from typing import TYPE_CHECKING, Any

from expo_crm.lib import ids
from expo_crm.onsite.models import (
    Device,
    LeadAnswer,
    LeadConsent,
    LeadEvent,
    LeadQuestion,
    LeadScan,
    LeadTag,
    LeadTagging,
)

if TYPE_CHECKING:
    from expo_crm.demo.world import World

LEAD_TEAMS = 3
"""Of so many exhibitors one has a team whose notes are made."""
TEAMS = (("周敏", "Li Wei", "陈昊"), ("王思琪", "Tom Becker"), ("赵磊", "孙晓燕", "Anna Roth"))
TAGS = ("要报价", "代理商", "寄样品", "年后回访", "Needs a quote", "Distributor")
QUESTIONS: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    ("计划何时采购？", "single", ("三个月内", "半年内", "一年内", "暂无计划"), True),
    ("关注哪些产品？", "multi", ("离心泵", "计量泵", "阀门", "密封件", "仪表"), False),
    ("预计年用量（台）", "number", (), False),
    ("主要竞争对手", "text", (), False),
)
NOTES = (
    "要两台样机试用，月底前给方案。",
    "现用国外品牌，交期太长，想找替代。",
    "Asked for ATEX version and a price for 40 pieces.",
    "技术负责人，预算由总部批，先加微信。",
    "Wants a visit in January, plant in Suzhou.",
    "上届来过，去年买过两台，要续约维保。",
)
RIVALS = ("德国品牌", "本地厂家", "KSB, Grundfos", "没有固定供应商")


class LeadTeam:
    """One exhibitor's team at the stand. Its own random stream: what is noted changes nothing else in the show."""

    def __init__(self, world: World, edition: dict[str, Any], exhibitor: dict[str, Any]) -> None:
        self.world = world
        self.participation_id = exhibitor["id"]
        self.rng = random.Random(f"leads {exhibitor['id']}")
        company_id = exhibitor["company"]["id"]
        self.members = self.rng.choice(TEAMS)
        opening = dt.datetime.combine(edition["starts_on"], dt.time(1), dt.UTC)
        self.devices = {
            name: world.add(
                Device, edition_id=edition["id"], gate_id=None, participation_id=exhibitor["id"], name=name, profile="lead",
                pairing_hash=None, token_hash=ids.hash_token(f"lead device {exhibitor['id']} {name}"), paired_at=opening,
                seen_at=opening + dt.timedelta(days=2, hours=8), revoked_at=None, app_version="lead demo", queue_length=0,
            )
            for name in self.members
        }  # fmt: skip
        self.numbers = dict.fromkeys(self.members, 0)
        words = self.rng.sample(TAGS, 3)
        self.tags = [world.add(LeadTag, company_id=company_id, name=w, retired_at=None) for w in words]
        self.questions = [
            (world.add(
                LeadQuestion, company_id=company_id, key=f"demo{place}", version=1, kind=kind, text=text, options=list(options),
                required=required, position=place, retired_at=None,
            ), kind, options)
            for place, (text, kind, options, required) in enumerate(QUESTIONS, 1)
        ]  # fmt: skip

    def note(self, lead: dict[str, Any], person: dict[str, Any]) -> None:
        """Readings, rating, tags and answers of one lead."""
        rng, at = self.rng, lead["captured_at"]
        lead["captured_by"] = self._read(lead, at)
        if rng.random() < 0.15:
            self._read(lead, at + dt.timedelta(minutes=rng.randrange(20, 90)))
            lead["scans"] = 2
        if rng.random() < 0.7:
            lead["stars"] = rng.choices([1, 2, 3, 4, 5], weights=[8, 14, 30, 30, 18])[0]
        if rng.random() < 0.35:
            lead["note"] = rng.choice(NOTES)
        for tag in rng.sample(self.tags, rng.choices([0, 1, 2], weights=[50, 38, 12])[0]):
            self.world.add(LeadTagging, lead_id=lead["id"], tag_id=tag)
        if rng.random() < 0.5:
            self._answer(lead)
        moved = {"temperature": ["", lead["temperature"]], "stars": [0, lead["stars"]], "note": ["", lead["note"]]}
        moved = {k: v for k, v in moved.items() if v[1]}
        if moved:
            self._event(lead, "edit", lead["captured_by"], moved, 2)
        if person["consent"] and rng.random() < 0.03:
            self._withdraw(lead, person)

    def _read(self, lead: dict[str, Any], at: dt.datetime) -> str:
        who = self.rng.choice(self.members)
        self.numbers[who] += 1
        offline = self.rng.random() < 0.08
        self.world.add(
            LeadScan, participation_id=self.participation_id, device_id=self.devices[who],
            client_uuid=str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), device_seq=self.numbers[who], lead_id=lead["id"],
            code_hash=ids.hash_token(f"demo {lead['id']}"), body_hash=ids.hash_token(f"demo {lead['id']}"), result="lead", scanned_by=who,
            scanned_at=at, received_at=at + dt.timedelta(minutes=14 if offline else 0), offline=offline, clock_suspect=False,
        )  # fmt: skip
        return who

    def _answer(self, lead: dict[str, Any]) -> None:
        rng = self.rng
        for question, kind, options in self.questions:
            if rng.random() < 0.25:
                continue
            if kind == "single":
                value: Any = rng.choice(options)
            elif kind == "multi":
                chosen = set(rng.sample(options, rng.choice([1, 1, 2])))
                value = [o for o in options if o in chosen]
            elif kind == "number":
                value = rng.choice([2, 5, 10, 20, 40, 120])
            else:
                value = rng.choice(RIVALS)
            self.world.add(
                LeadAnswer, lead_id=lead["id"], question_id=question, value={"v": value}, by=lead["captured_by"], at=lead["captured_at"]
            )

    def _withdraw(self, lead: dict[str, Any], person: dict[str, Any]) -> None:
        at = lead["captured_at"] + dt.timedelta(days=3)
        lead |= {"own_granted": False, "own_version": "lead-2026-2", "own_at": at}
        self.world.add(
            LeadConsent, lead_id=lead["id"], granted=False, text_version="lead-2026-2", locale=person["locale"],
            channel="visitor_page", at=at,
        )  # fmt: skip
        self._event(lead, "withdrawal", "", {"channel": "visitor_page"}, 3 * 24 * 60)

    def _event(self, lead: dict[str, Any], kind: str, who: str, data: dict[str, Any], minutes: int) -> None:
        self.world.add(
            LeadEvent, lead_id=lead["id"], at=lead["captured_at"] + dt.timedelta(minutes=minutes), who=who, kind=kind, data=data
        )
