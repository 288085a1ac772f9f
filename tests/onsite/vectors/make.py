"""Makes ``badge_codes.json`` and ``admission.json`` again: ``python -m tests.onsite.vectors.make``.

Both files are read by the Python and by the JavaScript tests: what a device decides offline is what the server decides.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from expo_crm.onsite.domain.badge_code import Payload, Purpose, encode

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
    ]
    return {
        "public_key": key.public_key().public_bytes_raw().hex(),
        "good": good,
        "cleaned": [{"read": text, "code": plain} for text in cleaned],
        "unreadable": [{"read": text, "reason": reason} for text, reason in bad],
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
DAY = {"day": "2026-06-09", "opens_at": "09:00", "closes_at": "17:00"}
RULES = {
    "direction": "entry",
    "zone": "Asia/Shanghai",
    "first_day": "2026-06-09",
    "last_day": "2026-06-11",
    "today": DAY,
    "any_time": False,
    "classes": [],
    "timed_classes": ["trade"],
    "anti_passback": "soft",
    "cooldown_minutes": 0,
    "capacity": None,
}
FACTS = {
    "fault": "",
    "same_edition": True,
    "known": True,
    "purpose": "badge",
    "badge_printed": True,
    "badge_state": "active",
    "generation": 2,
    "current_generation": 2,
    "registration_state": "approved",
    "unpaid": False,
    "needs_input": False,
    "badge_class": "trade",
    "presence": {"entries": 0, "inside": False, "first_entry_at": None, "last_at": None},
    "inside_zone": 0,
}
INSIDE = {"entries": 1, "inside": True, "first_entry_at": "2026-06-09T03:00:00Z", "last_at": "2026-06-09T03:00:00Z"}
OUTSIDE = {**INSIDE, "inside": False, "last_at": "2026-06-09T03:30:00Z"}


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
        _case(f"fault {f}", f"deny {f}", {"fault": f}) for f in ("malformed", "unknown", "unknown_key", "bad_signature")
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
        _case("the day before", "deny not_yet_valid", {}, {"today": None}, "2026-06-08T04:00:00Z"),
        _case("the day after", "deny expired", {}, {"today": None}, "2026-06-12T04:00:00Z"),
        _case("a day without opening", "deny wrong_day", {}, {"today": None}, "2026-06-10T04:00:00Z"),
        _case("the wrong day's hours", "deny wrong_day", {}, {}, "2026-06-10T04:00:00Z"),
        _case("the last second of the day before, in the venue", "deny not_yet_valid", {}, {}, "2026-06-08T15:59:59Z"),
        _case("midnight in the venue", "deny not_yet_valid", {}, {}, "2026-06-08T16:00:00Z"),
        _case(
            "midnight for a class without hours", "admit ok", {"badge_class": "exhibitor"}, {}, "2026-06-08T16:00:00Z"
        ),
        _case("61 minutes early", "deny not_yet_valid", {}, {}, "2026-06-08T23:59:59Z"),
        _case("60 minutes early", "admit ok", {}, {}, "2026-06-09T00:00:00Z"),
        _case("the last second", "admit ok", {}, {}, "2026-06-09T08:59:59Z"),
        _case("closing time", "deny expired", {}, {}, "2026-06-09T09:00:00Z"),
        _case("any time", "admit ok", {}, {"any_time": True, "today": None}, "2027-01-01T00:00:00Z"),
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
            {"direction": "exit", "today": None},
            "2026-06-09T15:00:00Z",
        ),
        _case(
            "exit with a blocked badge",
            "deny blocked",
            {"badge_state": "blocked", "presence": INSIDE},
            {"direction": "exit"},
        ),
    ]
    return cases + _order()


def _order() -> list[dict[str, Any]]:
    steps: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("deny bad_signature", {"fault": "bad_signature"}, {}),
        ("deny wrong_show", {"same_edition": False}, {}),
        ("deny unknown", {"known": False}, {}),
        ("deny wrong_purpose", {"purpose": "lead"}, {}),
        ("deny blocked", {"badge_state": "blocked"}, {}),
        ("deny replaced", {"generation": 1}, {}),
        ("deny cancelled", {"registration_state": "cancelled"}, {}),
        ("deny unpaid", {"unpaid": True}, {}),
        ("deny wrong_zone", {}, {"classes": ["press"]}),
        ("deny wrong_day", {}, {"today": None}),
        ("need_input need_input", {"needs_input": True}, {}),
        ("deny already_in", {"presence": INSIDE}, {"anti_passback": "hard"}),
    ]
    out = []
    for start, (verdict, _facts, _rules) in enumerate(steps):
        facts: dict[str, Any] = {}
        rules: dict[str, Any] = {}
        for _verdict, more_facts, more_rules in reversed(steps[start:]):
            facts |= more_facts
            rules |= more_rules
        out.append(_case(f"order {start + 1}", verdict, facts, rules))
    return out


def main() -> None:
    for name, content in (("badge_codes", badge_codes()), ("admission", admission())):
        (HERE / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
