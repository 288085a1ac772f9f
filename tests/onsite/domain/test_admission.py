"""The decision, from the vectors that devices read too."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from expo_crm.lib import clock
from expo_crm.onsite.domain.admission import Day, Facts, Presence, Rules, Window, decide
from expo_crm.onsite.domain.reasons import OVERRIDABLE, REASONS
from tests.onsite.vectors import make

CASES = json.loads((Path(make.__file__).parent / "admission.json").read_text("utf-8"))


def moment(text: str | None) -> dt.datetime | None:
    return clock.parse_aware(text) if text else None


def seen_of(raw: dict[str, Any]) -> Presence:
    return Presence(raw["entries"], raw["inside"], moment(raw["first_entry_at"]), moment(raw["last_at"]))


def facts_of(raw: dict[str, Any]) -> Facts:
    rest = {k: v for k, v in raw.items() if k != "list_age_minutes"}
    rest |= {"presence": seen_of(raw["presence"]), "elsewhere": seen_of(raw["elsewhere"])}
    return Facts(**rest, list_age=dt.timedelta(minutes=raw["list_age_minutes"]))


def hours(raw: dict[str, Any]) -> tuple[dt.time, dt.time]:
    return dt.time.fromisoformat(raw["opens_at"]), dt.time.fromisoformat(raw["closes_at"])


def rules_of(raw: dict[str, Any]) -> Rules:
    windows = [
        Window(w["class_code"], w["day"] and dt.date.fromisoformat(w["day"]), *hours(w)) for w in raw["windows"]
    ]
    return Rules(
        direction=raw["direction"],
        zone_name=ZoneInfo(raw["zone"]),
        first_day=dt.date.fromisoformat(raw["first_day"]),
        last_day=dt.date.fromisoformat(raw["last_day"]),
        days=tuple(Day(dt.date.fromisoformat(d["day"]), *hours(d)) for d in raw["days"]),
        any_time=raw["any_time"],
        classes=frozenset(raw["classes"]),
        zone_classes=frozenset(raw["zone_classes"]),
        timed_classes=frozenset(raw["timed_classes"]),
        windows=tuple(windows),
        anti_passback=raw["anti_passback"],
        cooldown=dt.timedelta(minutes=raw["cooldown_minutes"]),
        capacity=raw["capacity"],
        offline=raw["offline"],
        restricted=raw["restricted"],
        stale_after=dt.timedelta(hours=raw["stale_hours"]),
    )


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_vectors(case):
    verdict = decide(facts_of(case["facts"]), rules_of(case["rules"]), moment(case["now"]))
    assert (verdict.status, verdict.reason) == (case["status"], case["reason"])


def test_every_reason_has_both_texts_and_the_vectors_use_only_known_ones():
    assert all(zh and en for zh, en in REASONS.values())
    # What is said of rows that people or the server write, and of what went wrong, is not decided here.
    written = {"override", "manual", "annulled", "repeat", "reset", "day_reset", "not_done", "internal"}
    assert {c["reason"] for c in CASES} == set(REASONS) - written and set(REASONS) >= OVERRIDABLE
    assert not OVERRIDABLE & {
        "revoked",
        "blocked",
        "replaced",
        "bad_signature",
        "wrong_show",
        "unknown",
        "malformed",
        "cancelled",
    }
