"""May this badge pass? One decision for the server and, from the same vectors, for every device.

``decide`` is pure: what is known goes in as facts, what the gate wants as rules, and the moment as ``now``. The first check
that fails gives the reason; their order is fixed, because it says which reason a person reads.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from expo_crm.onsite.domain.reasons import ADMIT, ATTENTION, DENY, NEED_INPUT

EARLY = dt.timedelta(minutes=60)  # a gate opens this long before the hall does


@dataclass(frozen=True, slots=True)
class Presence:
    """What the log says about this badge in this zone and period."""

    entries: int = 0
    inside: bool = False
    first_entry_at: dt.datetime | None = None
    last_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the code that was read.

    ``fault`` is what reading and verifying found (malformed, unknown, unknown_key, bad_signature), empty when nothing.
    """

    fault: str = ""
    same_edition: bool = True
    known: bool = True
    purpose: str = "badge"  # badge | ticket | lead
    badge_printed: bool = False
    badge_state: str = "active"
    generation: int = 1
    current_generation: int = 1
    registration_state: str = "approved"  # also "" for badges without a registration
    unpaid: bool = False
    needs_input: bool = False
    badge_class: str = ""
    presence: Presence = field(default_factory=Presence)
    inside_zone: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """An opening day in the venue's local time."""

    day: dt.date
    opens_at: dt.time
    closes_at: dt.time


@dataclass(frozen=True, slots=True)
class Rules:
    """What a gate wants. ``classes`` empty admits every class; ``timed_classes`` are held to the opening hours."""

    direction: str = "entry"
    zone_name: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    first_day: dt.date = dt.date.min
    last_day: dt.date = dt.date.max
    today: Day | None = None
    any_time: bool = False
    classes: frozenset[str] = frozenset()
    timed_classes: frozenset[str] = frozenset()
    anti_passback: str = "soft"  # off | soft | hard | timed
    cooldown: dt.timedelta = dt.timedelta(0)
    capacity: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    status: str
    reason: str


def decide(facts: Facts, rules: Rules, now: dt.datetime) -> Verdict:
    """The verdict on one reading at ``now`` (aware). Entry and exit share the checks of the badge; leaving is never refused for time."""
    reason = _badge_fault(facts) or _registration_fault(facts)
    if reason:
        return Verdict(DENY, reason)
    if rules.direction == "exit":
        inside = facts.presence.inside
        return Verdict(ADMIT, "ok") if inside else Verdict(ATTENTION, "exit_without_entry")
    if rules.classes and facts.badge_class not in rules.classes:
        return Verdict(DENY, "wrong_zone")
    reason = _time_fault(facts, rules, now)
    if reason:
        return Verdict(DENY, reason)
    if facts.needs_input:
        return Verdict(NEED_INPUT, "need_input")
    return _passback(facts.presence, rules, now) or _capacity(facts, rules) or _welcome(facts.presence)


def _badge_fault(facts: Facts) -> str:
    if facts.fault:
        return facts.fault
    if not facts.same_edition:
        return "wrong_show"
    if not facts.known:
        return "unknown"
    if facts.purpose == "lead" or (facts.purpose == "ticket" and facts.badge_printed):
        return "wrong_purpose"
    if facts.badge_state in {"revoked", "replaced", "blocked"}:
        return facts.badge_state
    # A ticket is swapped for the badge, so it carries no print of its own that could be outdated.
    if facts.purpose == "badge" and facts.generation != facts.current_generation:
        return "replaced"
    return ""


def _registration_fault(facts: Facts) -> str:
    if facts.registration_state in {"cancelled", "rejected"}:
        return "cancelled"
    if facts.registration_state not in {"approved", ""}:
        return "pending_approval"
    return "unpaid" if facts.unpaid else ""


def _time_fault(facts: Facts, rules: Rules, now: dt.datetime) -> str:
    if rules.any_time:
        return ""
    here = now.astimezone(rules.zone_name)
    if here.date() < rules.first_day:
        return "not_yet_valid"
    if here.date() > rules.last_day:
        return "expired"
    if rules.today is None or rules.today.day != here.date():
        return "wrong_day"
    if facts.badge_class not in rules.timed_classes:
        return ""
    clock = dt.datetime.combine(here.date(), here.time())
    if clock < dt.datetime.combine(here.date(), rules.today.opens_at) - EARLY:
        return "not_yet_valid"
    return "expired" if here.time() >= rules.today.closes_at else ""


def _passback(presence: Presence, rules: Rules, now: dt.datetime) -> Verdict | None:
    if rules.anti_passback == "timed":
        if presence.last_at is not None and presence.entries and now - presence.last_at < rules.cooldown:
            return Verdict(DENY, "cooldown")
        return None
    if not presence.inside:
        return None
    if rules.anti_passback == "hard":
        return Verdict(DENY, "already_in")
    return Verdict(ATTENTION, "already_in") if rules.anti_passback == "soft" else None


def _capacity(facts: Facts, rules: Rules) -> Verdict | None:
    if rules.capacity is None or facts.presence.inside:
        return None
    return Verdict(DENY, "capacity_full") if facts.inside_zone >= rules.capacity else None


def _welcome(presence: Presence) -> Verdict:
    return Verdict(ADMIT, "ok_reentry" if presence.entries else "ok")
