"""Makes ``badge_codes.json`` and ``admission.json`` again: ``python -m tests.onsite.vectors.make``.

Both files are read by the Python and by the JavaScript tests: what a device decides offline is what the server decides.

A case of ``admission.json`` is ``{name, facts, rules, now, status, reason}``. Instants are ISO 8601 in UTC with a ``Z``, days
``YYYY-MM-DD`` and times of day ``HH:MM`` in the venue's time; nothing is ever left out.

facts
    fault               "" | malformed | unknown | unknown_key | bad_signature | ambiguous: what reading the code found
    device_allowed      bool: this device may decide at this gate
    same_edition        bool: the code names this edition
    known               bool: the badge is in the list that decides (server: the table; device: its list)
    compromised         bool: the key that signed the code is on the deny list
    purpose             "badge" | "ticket" | "lead"
    badge_printed       bool (flag 1 of the device's list)
    badge_state         "active" | "replaced" | "blocked" | "revoked"
    generation          int of the code; current_generation: int of the list
    registration_state  "approved" | "" | "submitted" | "in_review" | "returned" | "cancelled" | "rejected"; a device, which only
                        knows flags, says "cancelled" for flag 2 and "submitted" for flag 4
    unpaid, needs_input bool (flags 8 and 16)
    badge_class         code of the class
    presence            what the decider itself has recorded of this badge in this zone and period:
                        {entries: int, inside: bool, first_entry_at: instant | null, last_at: instant | null}
    elsewhere           the same, of what a device has heard of other doors; the server: all empty
    inside_zone         int: how many are inside the zone
    clock_suspect       bool: the decider's clock may be wrong (by more than 10 minutes, or no contact since its start)
    list_age_minutes    int: age of the device's list; the server: 0

rules (GET /api/gate/rules gives a device the same fields, with ``offline`` false, and "gate", "zone_code", "version" besides)
    direction           "entry" | "exit" (a gate for both asks with the direction chosen on the device)
    zone                IANA name; utc_offsets: [[instant, minutes], …] ascending: from that instant on local time is UTC plus so
                        many minutes (before the first: the first)
    first_day, last_day days of the edition
    days                [{day, opens_at, closes_at}]: the opening days
    any_time            bool: no check of day and hour
    classes             [code]: of the gate; zone_classes: [code]: of the zone; empty admits every class
    timed_classes       [code]: held to the opening hours, from 60 minutes before opening
    windows             [{class_code: code | "" (every class), day: day | null (every opening day), opens_at, closes_at}]; a class with
                        windows of its own has only those; closes_at not after opens_at is midnight
    anti_passback       "off" | "soft" | "hard" | "timed" | "once"; cooldown_minutes: int
    capacity            int | null
    offline             bool: the decider is a device without network
    restricted          bool; stale_hours: int
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from expo_crm.onsite.domain.badge_code import Payload, Purpose, encode, new_opaque

HERE = Path(__file__).parent
SEED = bytes(range(32))  # a key for tests and for nothing else


def code(key: Ed25519PrivateKey, **fields: Any) -> tuple[Payload, str]:
    payload = Payload(
        **{
            "kid": 1,
            "purpose": Purpose.BADGE,
            "edition_id": 7,
            "serial": bytes.fromhex("0123456789abcdef"),
            "valid_from": dt.date(2026, 6, 9),
            "valid_to": dt.date(2026, 6, 11),
            "generation": 1,
            "class_bits": 3,
            **fields,
        }
    )
    return payload, encode(payload, key.sign)


def badge_codes() -> dict[str, Any]:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    other = Ed25519PrivateKey.from_private_bytes(SEED[::-1])
    good = []
    for fields in (
        {},
        {"purpose": Purpose.TICKET},
        {"purpose": Purpose.LEAD},
        {"generation": 255},
        {"edition_id": 2**32 - 1},
        {"serial": b"\xff" * 8},
        {"serial": b"\x00" * 8, "class_bits": 0, "zone_bits": 1},
        {"valid_from": dt.date(2020, 1, 1), "valid_to": dt.date(2199, 6, 5)},
    ):
        payload, text = code(key, **fields)
        good.append({"code": text, "payload": _plain(payload)})
    plain = good[0]["code"]
    wide = "".join(chr(ord(s) + 0xFEE0) for s in plain)
    cleaned = [
        f"]Q1{plain}",
        f"\\000026{plain}",
        f"\\000003{plain}\r",
        f"{plain}\t",
        f" {plain}\r\n",
        plain.lower(),
        wide,
        f"\ufeff{plain}",
    ]
    opaque = new_opaque(bytes(range(16)))
    bad = [
        ["", "malformed"],
        [" \r\n", "malformed"],
        ["A", "malformed"],
        [plain[:-1], "malformed"],
        [plain + "A", "malformed"],
        ["A" * 141, "malformed"],
        ["A" * 600, "malformed"],
        ["7" * 141, "malformed"],
        [plain[:-1] + ("B" if plain[-1] != "B" else "D"), "malformed"],
        ["HELLO", "malformed"],
        ["' OR 1=1--", "unknown"],
        ["%00", "unknown"],
        ["../../etc/passwd", "unknown"],
        ['{"a": 1}', "unknown"],
        ["__proto__", "unknown"],
        ["https://example.com/", "unknown"],
        ["BEGIN:VCARD", "unknown"],
        ["WIFI:T:WPA;S:x;;", "unknown"],
        ["二维码", "unknown"],
        [opaque[:-1] + "5", "malformed"],
        [opaque[:-1], "malformed"],
    ]
    return {
        "public_key": key.public_key().public_bytes_raw().hex(),
        "good": good,
        "cleaned": [{"read": text, "code": plain} for text in cleaned],
        "unreadable": [{"read": text, "reason": reason} for text, reason in bad],
        "opaque": [{"read": text, "opaque": opaque} for text in (opaque, f"]Q1{opaque}", f" {opaque.lower()}\r\n")],
        "bad_signature": [code(other)[1]],
    }


def _plain(payload: Payload) -> dict[str, Any]:
    return {
        "kid": payload.kid,
        "purpose": payload.purpose.name.lower(),
        "edition_id": payload.edition_id,
        "serial": payload.serial_hex,
        "zone_bits": payload.zone_bits,
        "class_bits": payload.class_bits,
        "valid_from": payload.valid_from.isoformat(),
        "valid_to": payload.valid_to.isoformat(),
        "generation": payload.generation,
    }


NOON = "2026-06-09T04:00:00Z"  # noon in Shanghai on the first day
DAYS = [{"day": f"2026-06-{d:02}", "opens_at": "09:00", "closes_at": "17:00"} for d in (9, 10, 11)]
RULES = {
    "direction": "entry",
    "zone": "Asia/Shanghai",
    "utc_offsets": [["2026-06-01T00:00:00Z", 480]],
    "first_day": "2026-06-09",
    "last_day": "2026-06-11",
    "days": DAYS,
    "any_time": False,
    "classes": [],
    "zone_classes": [],
    "timed_classes": ["trade"],
    "windows": [],
    "anti_passback": "soft",
    "cooldown_minutes": 0,
    "capacity": None,
    "offline": False,
    "restricted": False,
    "stale_hours": 4,
}
BERLIN = {  # the night of 25 October 2026: 02:30 comes twice
    "zone": "Europe/Berlin",
    "utc_offsets": [["2026-10-01T00:00:00Z", 120], ["2026-10-25T01:00:00Z", 60]],
    "first_day": "2026-10-24",
    "last_day": "2026-10-25",
    "days": [{"day": f"2026-10-{d}", "opens_at": "09:00", "closes_at": "17:00"} for d in (24, 25)],
}
NOWHERE = {"entries": 0, "inside": False, "first_entry_at": None, "last_at": None}
FACTS = {
    "fault": "",
    "device_allowed": True,
    "same_edition": True,
    "known": True,
    "compromised": False,
    "purpose": "badge",
    "badge_printed": True,
    "badge_state": "active",
    "generation": 2,
    "current_generation": 2,
    "registration_state": "approved",
    "unpaid": False,
    "needs_input": False,
    "badge_class": "trade",
    "presence": NOWHERE,
    "elsewhere": NOWHERE,
    "inside_zone": 0,
    "clock_suspect": False,
    "list_age_minutes": 0,
}
INSIDE = {"entries": 1, "inside": True, "first_entry_at": "2026-06-09T03:00:00Z", "last_at": "2026-06-09T03:00:00Z"}
OUTSIDE = {**INSIDE, "inside": False, "last_at": "2026-06-09T03:30:00Z"}
LATER = {**INSIDE, "last_at": "2026-06-09T03:45:00Z"}
OFFLINE = {"offline": True}
CLOSED = {"offline": True, "restricted": True}


def _window(opens_at: str, closes_at: str, class_code: str = "", day: str | None = None) -> dict[str, Any]:
    return {"class_code": class_code, "day": day, "opens_at": opens_at, "closes_at": closes_at}


def _case(
    name: str, verdict: str, facts: dict[str, Any] | None = None, rules: dict[str, Any] | None = None, now: str = NOON
) -> dict[str, Any]:
    status, reason = verdict.split()
    return {
        "name": name,
        "facts": {**FACTS, **(facts or {})},
        "rules": {**RULES, **(rules or {})},
        "now": now,
        "status": status,
        "reason": reason,
    }


def admission() -> list[dict[str, Any]]:
    """A case for every branch, then the order of checks: each fact set fails at one check and at all that follow."""
    cases = [_case("a first entry", "admit ok"), _case("back again", "admit ok_reentry", {"presence": OUTSIDE})]
    cases += [
        _case(f"fault {f}", f"deny {f}", {"fault": f})
        for f in ("malformed", "unknown", "unknown_key", "bad_signature", "ambiguous")
    ]
    cases += [
        _case("another edition", "deny wrong_show", {"same_edition": False}),
        _case("no such badge", "deny unknown", {"known": False}),
        _case("a lead code", "deny wrong_purpose", {"purpose": "lead"}),
        _case("a ticket after printing", "deny wrong_purpose", {"purpose": "ticket"}),
        _case("a ticket before printing", "admit ok", {"purpose": "ticket", "badge_printed": False, "generation": 1}),
        _case("an old print", "deny replaced", {"generation": 1}),
        _case("a print of the future", "deny replaced", {"generation": 3}),
    ]
    cases += [_case(f"badge {s}", f"deny {s}", {"badge_state": s}) for s in ("revoked", "replaced", "blocked")]
    cases += [
        _case(f"registration {s}", "deny cancelled", {"registration_state": s}) for s in ("cancelled", "rejected")
    ]
    cases += [
        _case(f"registration {s}", "deny pending_approval", {"registration_state": s})
        for s in ("submitted", "in_review", "returned")
    ]
    cases += [
        _case("no registration", "admit ok", {"registration_state": ""}),
        _case("not paid", "deny unpaid", {"unpaid": True}),
        _case("another class", "deny wrong_zone", {}, {"classes": ["press"]}),
        _case("this class", "admit ok", {}, {"classes": ["trade", "press"]}),
        _case("the day before", "deny not_yet_valid", {}, {}, "2026-06-08T04:00:00Z"),
        _case("the day after", "deny expired", {}, {}, "2026-06-12T04:00:00Z"),
        _case("a day without opening", "deny wrong_day", {}, {"days": []}, "2026-06-10T04:00:00Z"),
        _case("another day's hours", "deny wrong_day", {}, {"days": DAYS[:1]}, "2026-06-10T04:00:00Z"),
        _case("another class, by the zone", "deny wrong_zone", {}, {"zone_classes": ["press"]}),
        _case("this class, by the zone", "admit ok", {}, {"zone_classes": ["trade"], "classes": ["trade"]}),
        _case(
            "the gate is narrower than the zone",
            "deny wrong_zone",
            {},
            {"zone_classes": ["trade"], "classes": ["press"]},
        ),
        _case("the last second of the day before, in the venue", "deny not_yet_valid", {}, {}, "2026-06-08T15:59:59Z"),
        _case("midnight in the venue", "deny not_yet_valid", {}, {}, "2026-06-08T16:00:00Z"),
        _case(
            "midnight for a class without hours", "admit ok", {"badge_class": "exhibitor"}, {}, "2026-06-08T16:00:00Z"
        ),
        _case("61 minutes early", "deny not_yet_valid", {}, {}, "2026-06-08T23:59:59Z"),
        _case("60 minutes early", "admit ok", {}, {}, "2026-06-09T00:00:00Z"),
        _case("the last second", "admit ok", {}, {}, "2026-06-09T08:59:59Z"),
        _case("closing time", "deny expired", {}, {}, "2026-06-09T09:00:00Z"),
        _case("any time", "admit ok", {}, {"any_time": True, "days": []}, "2027-01-01T00:00:00Z"),
        _case("something is missing", "need_input need_input", {"needs_input": True}),
        _case("inside, off", "admit ok_reentry", {"presence": INSIDE}, {"anti_passback": "off"}),
        _case("inside, soft", "admit_attention already_in", {"presence": INSIDE}),
        _case("inside, hard", "deny already_in", {"presence": INSIDE}, {"anti_passback": "hard"}),
        _case("outside, hard", "admit ok_reentry", {"presence": OUTSIDE}, {"anti_passback": "hard"}),
        _case("too soon", "deny cooldown", {"presence": INSIDE}, {"anti_passback": "timed", "cooldown_minutes": 61}),
        _case(
            "late enough", "admit ok_reentry", {"presence": INSIDE}, {"anti_passback": "timed", "cooldown_minutes": 60}
        ),
        _case("timed, first entry", "admit ok", {}, {"anti_passback": "timed", "cooldown_minutes": 60}),
        _case("full", "deny capacity_full", {"inside_zone": 10}, {"capacity": 10}),
        _case("one place left", "admit ok", {"inside_zone": 9}, {"capacity": 10}),
        _case(
            "full, but counted already",
            "admit_attention already_in",
            {"inside_zone": 10, "presence": INSIDE},
            {"capacity": 10},
        ),
        _case("exit", "admit ok", {"presence": INSIDE}, {"direction": "exit"}),
        _case("exit without entry", "admit_attention exit_without_entry", {}, {"direction": "exit"}),
        _case(
            "exit at night",
            "admit ok",
            {"presence": INSIDE},
            {"direction": "exit", "days": []},
            "2026-06-09T15:00:00Z",
        ),
        _case(
            "exit with a blocked badge",
            "deny blocked",
            {"badge_state": "blocked", "presence": INSIDE},
            {"direction": "exit"},
        ),
    ]
    return cases + _windows() + _again() + _offline() + _doubts() + _order()


def _windows() -> list[dict[str, Any]]:
    build_up = {"windows": [_window("08:00", "20:00", "builder", f"2026-06-0{d}") for d in (7, 8)]}
    buyers = {
        "windows": [_window("13:00", "16:00"), _window("10:00", "11:00", "buyer"), _window("12:00", "14:00", "buyer")]
    }
    buyer, builder = {"badge_class": "buyer"}, {"badge_class": "builder"}
    night = {"windows": [_window("18:00", "00:00", day="2026-06-09")]}
    berlin = {**BERLIN, "windows": [_window("02:00", "03:00", day="2026-10-25")]}
    return [
        _case("build-up pass two days before", "admit ok", builder, build_up, "2026-06-07T04:00:00Z"),
        _case("build-up pass before its days", "deny not_yet_valid", builder, build_up, "2026-06-06T04:00:00Z"),
        _case("build-up pass on a show day", "deny wrong_day", builder, build_up),
        _case("build-up pass after the show", "deny expired", builder, build_up, "2026-06-12T04:00:00Z"),
        _case("build-up pass too early in the day", "deny not_yet_valid", builder, build_up, "2026-06-06T23:59:59Z"),
        _case("the windows of others do not bind", "admit ok", {}, build_up),
        _case("own window", "admit ok", buyer, buyers),
        _case("between two own windows", "deny not_yet_valid", buyer, buyers, "2026-06-09T03:30:00Z"),
        _case("the last own window is over", "deny expired", buyer, buyers, "2026-06-09T06:00:00Z"),
        _case("everybody's window, not for who has own ones", "admit ok", {}, buyers, "2026-06-09T06:00:00Z"),
        _case("before everybody's window", "deny not_yet_valid", {}, buyers),
        _case(
            "everybody's window on a day without opening",
            "deny wrong_day",
            {},
            {**buyers, "days": DAYS[:1]},
            "2026-06-10T06:00:00Z",
        ),
        _case("everybody's window after the show", "deny expired", {}, buyers, "2026-06-12T06:00:00Z"),
        _case("until midnight", "admit ok", {}, night, "2026-06-09T15:59:59Z"),
        _case("midnight is another day", "deny wrong_day", {}, night, "2026-06-09T16:00:00Z"),
        _case("a window on any time's gate", "admit ok", {}, {**night, "any_time": True}),
        _case("summer's 02:30", "admit ok", {}, berlin, "2026-10-25T00:30:00Z"),
        _case("winter's 02:30", "admit ok", {}, berlin, "2026-10-25T01:30:00Z"),
        _case("winter's 03:00", "deny expired", {}, berlin, "2026-10-25T02:00:00Z"),
    ]


def _again() -> list[dict[str, Any]]:
    timed = {"anti_passback": "timed", "cooldown_minutes": 31}
    once = {"anti_passback": "once"}
    return [
        _case("once, first", "admit ok", {}, once),
        _case("once, inside", "deny already_used", {"presence": INSIDE}, once),
        _case("once, has left", "deny already_used", {"presence": OUTSIDE}, once),
        _case("too soon after leaving", "deny cooldown", {"presence": OUTSIDE}, timed),
        _case("only ever left", "admit ok", {"presence": {**NOWHERE, "last_at": "2026-06-09T03:59:00Z"}}, timed),
        _case("once, leaving", "admit ok", {"presence": INSIDE}, {**once, "direction": "exit"}),
        _case(
            "off and full, inside",
            "admit ok_reentry",
            {"presence": INSIDE, "inside_zone": 10},
            {"anti_passback": "off", "capacity": 10},
        ),
        _case(
            "off and full, outside",
            "deny capacity_full",
            {"presence": OUTSIDE, "inside_zone": 11},
            {"anti_passback": "off", "capacity": 10},
        ),
        _case("no room at all", "deny capacity_full", {}, {"capacity": 0}),
        _case(
            "full, leaving", "admit ok", {"presence": INSIDE, "inside_zone": 10}, {"capacity": 10, "direction": "exit"}
        ),
    ]


def _offline() -> list[dict[str, Any]]:
    old = {"list_age_minutes": 241}
    unlisted = {"known": False, "generation": 3}
    hard = {"anti_passback": "hard", **OFFLINE}
    return [
        _case("offline", "admit ok", {"list_age_minutes": 600}, OFFLINE),
        _case("offline, badge newer than the list", "admit_attention stale_snapshot", unlisted, OFFLINE),
        _case("offline, burnt key", "admit_attention stale_snapshot", {"compromised": True}, OFFLINE),
        _case("online, burnt key", "admit ok", {"compromised": True}),
        _case(
            "offline, badge newer than the list, leaving",
            "admit_attention stale_snapshot",
            unlisted,
            {**OFFLINE, "direction": "exit"},
        ),
        _case("restricted, list of four hours", "admit ok", {"list_age_minutes": 240}, CLOSED),
        _case("restricted, older list", "deny stale_snapshot", old, CLOSED),
        _case("restricted, badge newer than the list", "deny stale_snapshot", unlisted, CLOSED),
        _case("restricted, burnt key", "deny stale_snapshot", {"compromised": True}, CLOSED),
        _case("restricted, older list, but online", "admit ok", old, {"restricted": True}),
        _case(
            "restricted, limit of one hour",
            "deny stale_snapshot",
            {"list_age_minutes": 61},
            {**CLOSED, "stale_hours": 1},
        ),
        _case("hard here", "deny already_in", {"presence": INSIDE}, hard),
        _case("hard, inside by another door", "admit_attention already_in", {"elsewhere": INSIDE}, hard),
        _case("hard, left by another door", "admit ok_reentry", {"elsewhere": OUTSIDE}, hard),
        _case(
            "hard, in by another door, then out here",
            "admit ok_reentry",
            {"elsewhere": INSIDE, "presence": OUTSIDE},
            hard,
        ),
        _case(
            "hard, out here, then in by another door",
            "admit_attention already_in",
            {"elsewhere": LATER, "presence": OUTSIDE},
            hard,
        ),
        _case(
            "off, inside by another door",
            "admit ok_reentry",
            {"elsewhere": INSIDE},
            {"anti_passback": "off", **OFFLINE},
        ),
        _case("once, used here", "deny already_used", {"presence": OUTSIDE}, {"anti_passback": "once", **OFFLINE}),
        _case(
            "once, used elsewhere",
            "admit_attention already_used",
            {"elsewhere": OUTSIDE},
            {"anti_passback": "once", **OFFLINE},
        ),
        _case(
            "timed, elsewhere",
            "admit_attention cooldown",
            {"elsewhere": INSIDE},
            {"anti_passback": "timed", "cooldown_minutes": 61, **OFFLINE},
        ),
        _case(
            "full by what was heard", "admit_attention capacity_full", {"inside_zone": 10}, {"capacity": 10, **OFFLINE}
        ),
        _case(
            "full by what was heard, restricted", "deny capacity_full", {"inside_zone": 10}, {"capacity": 10, **CLOSED}
        ),
        _case("leaving, entry not seen", "admit ok", {}, {**OFFLINE, "direction": "exit"}),
        _case("leaving, entry seen elsewhere", "admit ok", {"elsewhere": INSIDE}, {"direction": "exit"}),
        _case("offline, another edition", "deny wrong_show", {**unlisted, "same_edition": False}, OFFLINE),
        _case("offline, blocked in the list", "deny blocked", {"badge_state": "blocked"}, OFFLINE),
        _case("offline, old print", "deny replaced", {"generation": 1}, OFFLINE),
        _case("offline, print newer than the list", "admit_attention stale_snapshot", {"generation": 3}, OFFLINE),
        _case("restricted, print newer than the list", "deny stale_snapshot", {"generation": 3}, CLOSED),
        _case(
            "offline, newer print of a blocked badge",
            "deny blocked",
            {"generation": 3, "badge_state": "blocked"},
            OFFLINE,
        ),
    ]


def _doubts() -> list[dict[str, Any]]:
    """A doubt admits in amber; the first one gives the reason, and a refusal further on still refuses."""
    doubtful = {"clock_suspect": True}
    early, unlisted = "2026-06-08T20:00:00Z", {"known": False, **doubtful}
    return [
        _case("doubtful clock, early", "admit_attention not_yet_valid", doubtful, {}, early),
        _case("doubtful clock, wrong day", "admit_attention wrong_day", doubtful, {"days": []}),
        _case("doubtful clock, after the show", "admit_attention expired", doubtful, {}, "2026-07-01T04:00:00Z"),
        _case(
            "doubtful clock, outside its window",
            "admit_attention not_yet_valid",
            doubtful,
            {"windows": [_window("13:00", "14:00")]},
        ),
        _case("doubtful clock, in time", "admit ok", doubtful),
        _case(
            "doubtful clock, cooldown",
            "admit_attention cooldown",
            {**doubtful, "presence": INSIDE},
            {"anti_passback": "timed", "cooldown_minutes": 61},
        ),
        _case(
            "doubtful clock, hard",
            "deny already_in",
            {**doubtful, "presence": INSIDE},
            {"anti_passback": "hard"},
            early,
        ),
        _case("doubtful clock, full", "deny capacity_full", {**doubtful, "inside_zone": 1}, {"capacity": 1}, early),
        _case(
            "doubtful clock, something is missing",
            "need_input need_input",
            {**doubtful, "needs_input": True},
            {},
            early,
        ),
        _case("list before clock", "admit_attention stale_snapshot", unlisted, OFFLINE, early),
        _case("clock before soft", "admit_attention not_yet_valid", {**doubtful, "presence": INSIDE}, {}, early),
        _case(
            "soft before full",
            "admit_attention already_in",
            {"elsewhere": INSIDE, "inside_zone": 1},
            {"capacity": 1, **OFFLINE},
        ),
        _case(
            "a doubt, and refused here",
            "deny already_used",
            {"known": False, "presence": INSIDE},
            {"anti_passback": "once", **OFFLINE},
        ),
    ]


def _order() -> list[dict[str, Any]]:
    steps: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("deny device_not_allowed", {"device_allowed": False}, {}),
        ("deny bad_signature", {"fault": "bad_signature"}, {}),
        ("deny wrong_show", {"same_edition": False}, {}),
        ("deny unknown", {"known": False}, {}),
        ("deny wrong_purpose", {"purpose": "lead"}, {}),
        ("deny blocked", {"badge_state": "blocked"}, {}),
        ("deny replaced", {"generation": 1}, {}),
        ("deny cancelled", {"registration_state": "cancelled"}, {}),
        ("deny unpaid", {"unpaid": True}, {}),
        ("deny wrong_zone", {}, {"classes": ["press"]}),
        ("deny wrong_zone", {}, {"zone_classes": ["press"]}),
        ("deny wrong_day", {}, {"days": []}),
        ("need_input need_input", {"needs_input": True}, {}),
        ("deny already_in", {"presence": INSIDE}, {"anti_passback": "hard"}),
    ]
    out = _chain("order", steps)
    steps = [(v, f, {**r, **CLOSED}) for v, f, r in steps if "known" not in f]
    steps.insert(4, ("deny stale_snapshot", {"list_age_minutes": 999}, CLOSED))
    out += _chain("order offline", steps)
    steps = [
        ("deny already_used", {"presence": OUTSIDE}, {"anti_passback": "once"}),
        ("deny capacity_full", {"inside_zone": 1}, {"capacity": 1}),
    ]
    out += _chain("order of the last two, once", steps)
    steps[0] = ("deny cooldown", {"presence": OUTSIDE}, {"anti_passback": "timed", "cooldown_minutes": 40})
    return out + _chain("order of the last two, timed", steps)


def _chain(name: str, steps: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> list[dict[str, Any]]:
    """Case n fails at step n and at all that follow."""
    out = []
    for start, (verdict, _facts, _rules) in enumerate(steps):
        facts: dict[str, Any] = {}
        rules: dict[str, Any] = {}
        for _verdict, more_facts, more_rules in reversed(steps[start:]):
            facts |= more_facts
            rules |= more_rules
        out.append(_case(f"{name} {start + 1}", verdict, facts, rules))
    return out


def main() -> None:
    codes = json.dumps(badge_codes(), ensure_ascii=False, indent=1)
    cases = ",\n".join(json.dumps(case, ensure_ascii=False) for case in admission())
    (HERE / "badge_codes.json").write_text(codes + "\n", encoding="utf-8")
    (HERE / "admission.json").write_text(f"[\n{cases}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
