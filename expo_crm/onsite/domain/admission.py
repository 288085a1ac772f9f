"""May this badge pass? One decision for the server and, from the same vectors, for every device.

``decide`` is pure: what is known goes in as facts, what the gate and its zone want as rules, and the moment as ``now``. The
first check that fails gives the reason; their order is fixed, because it says which reason a person reads. A doubt that does
not refuse (soft anti-passback, a list that may be too old, a clock that may be wrong) turns the admission amber; the first
doubt gives the reason, and a later refusal still refuses.
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


NOWHERE = Presence()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the code that was read.

    ``fault`` is what reading and verifying found (malformed, unknown, unknown_key, bad_signature, ambiguous), empty when
    nothing. ``known``: the badge is in the list that decides. ``compromised``: its code was signed by a key that proves
    nothing any more. ``presence`` is what the decider itself has recorded (the server: everything, a device: its own
    scans), ``elsewhere`` what a device has heard of other doors. ``list_age`` is the age of a device's list of badges.
    """

    fault: str = ""
    device_allowed: bool = True
    same_edition: bool = True
    known: bool = True
    compromised: bool = False
    purpose: str = "badge"  # badge | ticket | lead
    badge_printed: bool = False
    badge_state: str = "active"
    generation: int = 1
    current_generation: int = 1
    registration_state: str = "approved"  # also "" for badges without a registration
    unpaid: bool = False
    needs_input: bool = False
    badge_class: str = ""
    presence: Presence = NOWHERE
    elsewhere: Presence = NOWHERE
    inside_zone: int = 0
    clock_suspect: bool = False
    list_age: dt.timedelta = dt.timedelta(0)


@dataclass(frozen=True, slots=True)
class Day:
    """An opening day in the venue's local time."""

    day: dt.date
    opens_at: dt.time
    closes_at: dt.time


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which a class may enter: ``class_code`` empty is every class, ``day`` None every opening day.

    ``closes_at`` does not belong to it; when it is not after ``opens_at`` the window ends at midnight.
    """

    class_code: str
    day: dt.date | None
    opens_at: dt.time
    closes_at: dt.time


@dataclass(frozen=True, slots=True)
class Rules:
    """What a gate and its zone want.

    ``classes`` (of the gate) and ``zone_classes`` empty admit every class; ``timed_classes`` are held to the opening hours
    where no window speaks of them. ``days`` holds at least the opening day of ``now``, when there is one. ``offline``: the
    decider is a device without network. ``restricted`` zones admit nobody by a list that is older than ``stale_after``.
    """

    direction: str = "entry"
    zone_name: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    first_day: dt.date = dt.date.min
    last_day: dt.date = dt.date.max
    days: tuple[Day, ...] = ()
    any_time: bool = False
    classes: frozenset[str] = frozenset()
    zone_classes: frozenset[str] = frozenset()
    timed_classes: frozenset[str] = frozenset()
    windows: tuple[Window, ...] = ()
    anti_passback: str = "soft"  # off | soft | hard | timed | once
    cooldown: dt.timedelta = dt.timedelta(0)
    capacity: int | None = None
    offline: bool = False
    restricted: bool = False
    stale_after: dt.timedelta = dt.timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Verdict:
    status: str
    reason: str


def decide(facts: Facts, rules: Rules, now: dt.datetime) -> Verdict:
    """The verdict on one reading at ``now`` (aware). Entry and exit share the checks of the badge; leaving is never refused
    for class, time or number."""
    before = decide_badge(facts, rules, now)
    if before.status in (DENY, NEED_INPUT):
        return before
    if rules.direction == "exit":
        return _leave(facts, rules, before)
    again = passback(facts.presence, rules.anti_passback, rules.cooldown, now)
    if again and again.reason == "cooldown" and facts.clock_suspect:
        again = Verdict(ATTENTION, "cooldown")
    found = (before, again or _elsewhere(facts, rules, now), _capacity(facts, rules))
    for status in (DENY, ATTENTION):
        for verdict in found:
            if verdict and verdict.status == status:
                return verdict
    return Verdict(ADMIT, "ok_reentry" if facts.presence.entries or facts.elsewhere.entries else "ok")


def decide_badge(facts: Facts, rules: Rules, now: dt.datetime) -> Verdict:
    """The first half: everything that does not depend on where the badge is. ``admit`` here is no more than "go on"."""
    reason = _code_fault(facts, rules) or _badge_fault(facts, rules) or _registration_fault(facts)
    if reason:
        return Verdict(DENY, reason)
    doubt = "stale_snapshot" if _unproven(facts, rules) else ""
    if rules.direction == "exit":
        return Verdict(ATTENTION, doubt) if doubt else Verdict(ADMIT, "ok")
    for allowed in (rules.classes, rules.zone_classes):
        if allowed and facts.badge_class not in allowed:
            return Verdict(DENY, "wrong_zone")
    reason = _time_fault(facts, rules, now)
    if reason and not facts.clock_suspect:
        return Verdict(DENY, reason)
    if facts.needs_input:
        return Verdict(NEED_INPUT, "need_input")
    doubt = doubt or reason
    return Verdict(ATTENTION, doubt) if doubt else Verdict(ADMIT, "ok")


def passback(seen: Presence, rule: str, cooldown: dt.timedelta, now: dt.datetime) -> Verdict | None:
    """What the zone's rule says to a badge that comes (again) at ``now``; None: nothing."""
    if rule == "once":
        return Verdict(DENY, "already_used") if seen.entries else None
    if rule == "timed":
        waiting = seen.last_at is not None and seen.entries > 0 and now - seen.last_at < cooldown
        return Verdict(DENY, "cooldown") if waiting else None
    if not seen.inside or rule == "off":
        return None
    return Verdict(DENY if rule == "hard" else ATTENTION, "already_in")


def _unproven(facts: Facts, rules: Rules) -> bool:
    """Without network nobody can say whether this code still holds: it is newer than the list, or its key is burnt."""
    return rules.offline and (not facts.known or facts.compromised or _newer_print(facts))


def _newer_print(facts: Facts) -> bool:
    return facts.purpose == "badge" and facts.generation > facts.current_generation


def _code_fault(facts: Facts, rules: Rules) -> str:
    if not facts.device_allowed:
        return "device_not_allowed"
    if facts.fault:
        return facts.fault
    if not facts.same_edition:
        return "wrong_show"
    if not facts.known and not rules.offline:
        return "unknown"
    if facts.purpose == "lead" or (facts.purpose == "ticket" and facts.badge_printed):
        return "wrong_purpose"
    if rules.offline and rules.restricted and (facts.list_age > rules.stale_after or _unproven(facts, rules)):
        return "stale_snapshot"
    return ""


def _badge_fault(facts: Facts, rules: Rules) -> str:
    if facts.badge_state in {"revoked", "replaced", "blocked"}:
        return facts.badge_state
    # A ticket is swapped for the badge, so it carries no print of its own that could be outdated.
    if facts.purpose == "badge" and facts.known and facts.generation != facts.current_generation:
        return "" if rules.offline and _newer_print(facts) else "replaced"
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
    day = here.date()
    today = next((d for d in rules.days if d.day == day), None)
    windows = [w for w in rules.windows if w.class_code == facts.badge_class]
    windows = windows or [w for w in rules.windows if not w.class_code]
    if windows:
        return _window_fault(windows, today, rules, here)
    if today is None:
        return _day_fault(rules.first_day, rules.last_day, day)
    if facts.badge_class not in rules.timed_classes:
        return ""
    clock = dt.datetime.combine(day, here.time())
    if clock < dt.datetime.combine(day, today.opens_at) - EARLY:
        return "not_yet_valid"
    return "expired" if here.time() >= today.closes_at else ""


def _day_fault(first: dt.date, last: dt.date, day: dt.date) -> str:
    if day < first:
        return "not_yet_valid"
    return "expired" if day > last else "wrong_day"


def _window_fault(windows: list[Window], today: Day | None, rules: Rules, here: dt.datetime) -> str:
    clock = here.time().replace(fold=0)
    now_open = [w for w in windows if w.day == here.date() or (w.day is None and today is not None)]
    if not now_open:
        dated = [w.day for w in windows if w.day is not None]
        return _day_fault(min([rules.first_day, *dated]), max([rules.last_day, *dated]), here.date())
    if any(w.opens_at <= clock and (clock < w.closes_at or w.closes_at <= w.opens_at) for w in now_open):
        return ""
    return "not_yet_valid" if any(clock < w.opens_at for w in now_open) else "expired"


def _leave(facts: Facts, rules: Rules, before: Verdict) -> Verdict:
    if before.status == ATTENTION:
        return before
    # A device without network has not seen who came in elsewhere, so it says nothing about it.
    if facts.presence.inside or facts.elsewhere.inside or rules.offline:
        return Verdict(ADMIT, "ok")
    return Verdict(ATTENTION, "exit_without_entry")


def _elsewhere(facts: Facts, rules: Rules, now: dt.datetime) -> Verdict | None:
    """What other doors have seen warns and never refuses: the device cannot know what happened there since."""
    other, own = facts.elsewhere, facts.presence
    if other.last_at is not None and own.last_at is not None and own.last_at >= other.last_at and not own.inside:
        other = Presence(other.entries, False, other.first_entry_at, other.last_at)  # it has left here since
    found = passback(other, rules.anti_passback, rules.cooldown, now)
    return Verdict(ATTENTION, found.reason) if found else None


def _capacity(facts: Facts, rules: Rules) -> Verdict | None:
    if rules.capacity is None or facts.presence.inside or facts.inside_zone < rules.capacity:
        return None
    # Without network the number inside is only what was heard last.
    hard = not rules.offline or rules.restricted
    return Verdict(DENY if hard else ATTENTION, "capacity_full")
