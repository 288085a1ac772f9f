"""/api/gate: what a device at a gate says and asks. Every decided scan is answered 200; other codes are about transport."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, after_this_request, current_app
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.db import db, keep_on_refusal
from expo_crm.lib import clock, text
from expo_crm.onsite import queries
from expo_crm.onsite.domain import scan_input
from expo_crm.onsite.domain.reasons import reason_text
from expo_crm.onsite.domain.scan_input import SchemaError
from expo_crm.onsite.models import Gate, Scan
from expo_crm.onsite.services import by_hand, devices, pace, quarantine, scans
from expo_crm.onsite.services.devices import Beat, Post
from expo_crm.onsite.services.scans import Answer
from expo_crm.onsite.views import principal
from expo_crm.onsite.views.body import read_json, schema
from expo_crm.web import policy
from expo_crm.web.errors import Refused
from expo_crm.web.i18n import locale

ONE_LIMIT = 32 * 1024
BATCH_LIMIT = 1024 * 1024
BATCH_ITEMS = 500
GATES = ("gate", "gate_kiosk")
CLOCK_BANNER_MS = 120_000
ALARM_SHOWN = dt.timedelta(minutes=5)
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def init_app(app: Flask) -> None:
    """These addresses take JSON from devices: another site can send neither, so they need no CSRF token."""
    for view in (scan, scan_batch, override, annul, heartbeat, choose):
        app.extensions["csrf"].exempt(view)


def _answer(body: dict[str, Any]) -> Response:
    post = principal.find_post()
    newest = post.snapshot_version if post else 0
    body["snapshot_version"] = newest
    body["server_time"] = _iso(clock.now())
    return Response(_encoder.encode(body).encode(), mimetype="application/json", headers={"Cache-Control": "no-store"})


def _iso(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def _post_at_gate() -> Post:
    post = principal.current_post()
    if post.gate_id is None:
        raise Refused(_("Choose the gate first."), 409, "no_gate")
    return post


def _keep_pace(post: Post) -> None:
    wait = pace.wait_seconds(post, current_app.config["SETTINGS"].scan_rate)
    if wait:

        @after_this_request
        def add(response: Response) -> Response:
            response.headers["Retry-After"] = str(wait)
            return response

        raise Refused(_("This device scans too fast."), 429, "too_fast")


@policy.device(*GATES)
def scan() -> ResponseReturnValue:
    post = _post_at_gate()
    _keep_pace(post)
    body = read_json(ONE_LIMIT)
    body["decided"] = None
    try:
        command = scan_input.read_command(body)
    except SchemaError as error:
        raise schema(str(error)) from None
    try:
        answer = scans.record_scan(post, command)
    except scans.UuidReused:
        raise _reused() from None
    except scans.InFlight:
        raise _in_flight() from None
    if answer.reason in pace.FOREIGN and not answer.replayed:
        pace.note_foreign(post, answer.at)
    _seen(post)
    return _answer(_show(answer, post))


@policy.device(*GATES)
def scan_batch() -> ResponseReturnValue:
    """The queue of a device: a receipt for each item, in order. That of a withdrawn device goes into quarantine."""
    post = principal.current_post()
    body = read_json(BATCH_LIMIT)
    items = body.get("scans")
    if not isinstance(items, list) or len(items) > BATCH_ITEMS:
        raise schema("scans")
    try:
        at, _unreadable = scan_input.read_time(body.get("device_time"))
        sent = scans.Sent(at, scan_input.read_boot(body), scan_input.read_number(body, "mono_ms"))
    except SchemaError as error:
        raise schema(str(error)) from None
    read: list[scan_input.Command | SchemaError] = []
    for item in items:
        try:
            read.append(scan_input.read_command(item))
        except SchemaError as error:
            read.append(error)
    good = [c for c in read if isinstance(c, scan_input.Command)]
    outcomes: Iterator[Answer | str | Exception]
    if post.revoked_at is not None:
        principal.tell_wipe(post)
        outcomes = iter(quarantine.keep(post, good, sent))
    else:
        if post.gate_id is None and any(c.gate_id is None for c in good):
            raise Refused(_("Choose the gate first."), 409, "no_gate")
        done = scans.record_scans(post, good, sent)
        fresh = ((c, a) for c, a in zip(good, done, strict=True) if isinstance(a, Answer) and not a.replayed)
        # By the device's own clock: a wrong one is right about how long something took.
        foreign = (c.device_time or a.at for c, a in fresh if a.reason in pace.FOREIGN)
        pace.note_foreign_queue(post, foreign, clock.now())
        outcomes = iter(done)
        _seen(post)
    return _answer({"receipts": [_receipt(i, c, outcomes) for i, c in enumerate(read)]})


def _receipt(
    index: int, command: scan_input.Command | SchemaError, outcomes: Iterator[Answer | str | Exception]
) -> dict[str, Any]:
    """What became of one item. ``ok`` false is final unless ``retry`` says otherwise."""
    if isinstance(command, SchemaError):
        return {"index": index, "client_uuid": None, "ok": False, "error": "schema", "message": str(command)}
    head = {"index": index, "client_uuid": command.client_uuid}
    outcome = next(outcomes)
    if isinstance(outcome, str):
        return head | {"ok": True, "answer": {"status": "quarantined", "replayed": outcome == "replayed"}}
    if isinstance(outcome, Exception):
        refused = _item_refused(outcome)
        again = {"retry": True} if isinstance(outcome, scans.InFlight) else {}
        return head | {"ok": False, "error": refused.code, "message": refused.message, **again}
    by_device = outcome.decided_by == "device"
    return head | {
        "ok": True,
        "answer": {
            "scan_id": outcome.scan_id,
            "status": "stored" if by_device else outcome.status,
            "decision": outcome.status,
            "reason": outcome.reason,
            "direction": outcome.direction,
            "replayed": outcome.replayed,
            "server_verdict": outcome.server_verdict,
            "conflict": outcome.conflict,
        },
    }


def _item_refused(error: Exception) -> Refused:
    if isinstance(error, scans.NoSuchGate):
        return Refused(_("There is no such gate."), 403, "no_such_gate")
    if isinstance(error, scans.NotAllowed):
        return Refused(reason_text("device_not_allowed")[locale()], 403, "device_not_allowed")
    return _in_flight() if isinstance(error, scans.InFlight) else _reused()


def _in_flight() -> Refused:
    return Refused(_("This scan is being stored at this moment. Please ask again."), 409, "in_flight")


def _reused() -> Refused:
    return Refused(_("This scan number was used for another scan."), 422, "uuid_reused")


@policy.device("gate")
def override() -> ResponseReturnValue:
    """A person at an attended gate lets a refused badge pass."""
    post = _post_at_gate()
    body = read_json(ONE_LIMIT)
    try:
        key, seq = scan_input.read_uuid(body.get("client_uuid")), scan_input.read_number(body, "device_seq")
    except SchemaError as error:
        raise schema(str(error)) from None
    scan_id, reason, by = body.get("scan_id"), body.get("reason"), body.get("by")
    if (
        isinstance(scan_id, bool)
        or not isinstance(scan_id, int)
        or not isinstance(reason, str)
        or not isinstance(by, str)
    ):
        raise schema("scan_id, reason, by")
    reason, by = text.clean(reason, limit=300), text.clean(by, limit=80)
    if len(reason) < 3 or len(by) < 2:
        raise _not_done(post, key, seq, Refused(_("Please write the reason and your name."), 422, "reason_required"))
    refused = db.session.get(Scan, scan_id) if 0 < scan_id < 2**53 else None
    if refused is None or refused.device_id != post.device_id:
        raise _not_done(post, key, seq, Refused(_("There is no such scan of this device."), 404, "not_found"))
    known = scans.find_by_uuid(post.device_id, key)
    try:
        made = by_hand.override(refused, reason, client_uuid=key, by=by, device_seq=seq)
    except by_hand.NotOverridable:
        why = Refused(_("This refusal cannot be set aside at the gate."), 422, "not_overridable")
        raise _not_done(post, key, seq, why) from None
    except scans.UuidReused:
        raise _reused() from None
    return _answer(_show(scans.answer_of(made), post) | {"replayed": known is not None})


@policy.device("gate")
def annul() -> ResponseReturnValue:
    """A person at an attended gate takes back an admission of this gate, of the last quarter of an hour."""
    post = _post_at_gate()
    body = read_json(ONE_LIMIT)
    try:
        key, seq = scan_input.read_uuid(body.get("client_uuid")), scan_input.read_number(body, "device_seq")
        scan_id = scan_input.read_number(body, "scan_id")
        named = None if scan_id is not None else scan_input.read_uuid(body.get("annuls"))
    except SchemaError as error:
        raise schema(str(error)) from None
    reason, by = body.get("reason"), body.get("by")
    if not isinstance(reason, str) or not isinstance(by, str):
        raise schema("reason, by")
    reason, by = text.clean(reason, limit=300), text.clean(by, limit=80)
    if len(reason) < 3 or len(by) < 2:
        raise _not_done(post, key, seq, Refused(_("Please write the reason and your name."), 422, "reason_required"))
    found = scans.find_by_uuid(post.device_id, named) if named else db.session.get(Scan, scan_id)
    if found is None or found.edition_id != post.edition_id or found.gate_id != post.gate_id:
        raise _not_done(post, key, seq, Refused(_("There is no such scan of this device."), 404, "not_found"))
    known = scans.find_by_uuid(post.device_id, key)
    device = principal.current_device()
    try:
        made = by_hand.annul(found, reason, device=device, client_uuid=key, by=by, device_seq=seq)
    except by_hand.NotAnnullable as error:
        raise _not_done(post, key, seq, _not_annullable(str(error))) from None
    except scans.UuidReused:
        raise _reused() from None
    return _answer(
        {
            "client_uuid": key,
            "scan_id": made.id,
            "annuls": found.client_uuid,
            "status": "annulled",
            "reason": made.reason,
            "text": reason_text(made.reason),
            "replayed": known is not None,
            "counts": _counts(post),
        }
    )


def _not_done(post: Post, key: str, seq: int | None, refused: Refused) -> Refused:
    """A refused action has used up a number: keep that, although the answer is a refusal."""
    if seq is not None:
        scans.note_not_done(post, key, seq)
        keep_on_refusal()
    return refused


def _not_annullable(why: str) -> Refused:
    messages = {
        "refused": _("Only an admission can be annulled."),
        "annulled": _("This scan was annulled already."),
        "often": _("Many scans were annulled here within an hour. Please ask the supervisor."),
        "late": _("A gate can annul its scans for a quarter of an hour. Please ask the supervisor."),
        "other_gate": _("There is no such scan of this device."),
    }
    return Refused(messages[why], 422, f"not_annullable_{why}")


@policy.device(*GATES)
def heartbeat() -> ResponseReturnValue:
    post = principal.current_post()
    try:
        beat = _beat(read_json(ONE_LIMIT))
    except SchemaError as error:
        raise schema(str(error)) from None
    held = queries.held(post.device_id, post.pairing_no, beat.last_seq)
    devices.heartbeat(post.device_id, beat, missing=max(0, held.missing_count - beat.queue))
    return _answer(
        {
            "offset_ms": beat.offset_ms,
            "gate_id": post.gate_id,
            "held_seq": held.seq,
            "held_count": held.count,
            "missing": held.missing,
            "missing_count": held.missing_count,
            "counts": _counts(post),
            "alarms": _alarms(post, held, beat),
        }
    )


def _beat(body: dict[str, Any]) -> Beat:
    """What a device says of itself. Raises SchemaError."""
    number = scan_input.read_number
    at, _unreadable = scan_input.read_time(body.get("device_time"))
    way = (number(body, "rtt_ms", 60_000) or 0) / 2  # half of the way there and back is the way here
    version = body.get("app_version", body.get("version", ""))
    if not isinstance(version, str):
        raise SchemaError("app_version")
    return Beat(
        queue=number(body, "queue", 10**7) or 0,
        version=text.clean(version, limit=60),
        offset_ms=None if at is None else round((clock.now() - at).total_seconds() * 1000 - way),
        boot_id=scan_input.read_boot(body),
        last_seq=number(body, "last_seq"),
        snapshot_version=number(body, "snapshot_version", scan_input.MAX_VERSION),
        snapshot_age_s=number(body, "snapshot_age_s", scan_input.MAX_VERSION),
        storage=scan_input.read_storage(body.get("storage")),
        battery=number(body, "battery", 100),
        key_ids=scan_input.read_key_ids(body.get("kids")),
    )


def _alarms(post: Post, held: queries.Held, beat: Beat) -> list[str]:
    """What the person at the device should know: lost_scans, clock, foreign_codes."""
    found = []
    if held.missing_count > beat.queue:
        found.append("lost_scans")
    if beat.offset_ms is not None and abs(beat.offset_ms) > CLOCK_BANNER_MS:
        found.append("clock")
    if post.alarm_at is not None and clock.now() - post.alarm_at < ALARM_SHOWN:
        found.append("foreign_codes")
    return found


@policy.device(*GATES)
def state() -> ResponseReturnValue:
    return _answer(_state(principal.current_post()))


@policy.device(*GATES)
def choose() -> ResponseReturnValue:
    """The device moves to another gate of its edition."""
    post = principal.current_post()
    gate_id = read_json(ONE_LIMIT).get("gate_id")
    if isinstance(gate_id, bool) or not isinstance(gate_id, int):
        raise schema("gate_id")
    gate = db.session.get(Gate, gate_id) if 0 < gate_id < 2**53 else None
    if gate is None or gate.edition_id != post.edition_id:
        raise Refused(_("There is no such gate."), 422, "not_found")
    if post.zones and gate.zone not in post.zones:
        raise Refused(reason_text("device_not_allowed")[locale()], 403, "device_not_allowed")
    devices.assign(principal.current_device(), gate)
    principal.forget()
    return _answer(_state(principal.current_post()))


def _seen(post: Post) -> None:
    """Scanning is a sign of life too, noted once a minute."""
    if post.seen_at is None or clock.now() - post.seen_at > dt.timedelta(minutes=1):
        devices.seen(post.device_id)


def _counts(post: Post) -> dict[str, int] | None:
    if post.gate_id is None:
        return None
    day = clock.local_day(clock.now(), post.timezone)
    return queries.gate_counts(post.edition_id, post.gate_id, post.zone, day, post.timezone)


def _state(post: Post) -> dict[str, Any]:
    today = clock.local_day(clock.now(), post.timezone)
    hours = queries.find_opening_day(post.edition_id, today)
    gates = queries.list_gates(post.edition_id)
    return {
        "device": {"id": post.device_id, "name": post.device_name, "profile": post.profile},
        "edition": {
            "slug": post.slug,
            "name": {"zh": post.edition_zh, "en": post.edition_en},
            "timezone": post.timezone,
            "today": today.isoformat(),
            "opens": hours.opens_at.strftime("%H:%M") if hours else None,
            "closes": hours.closes_at.strftime("%H:%M") if hours else None,
        },
        "gate": None
        if post.gate_id is None
        else {
            "id": post.gate_id,
            "code": post.gate_code,
            "name": {"zh": post.gate_zh, "en": post.gate_en},
            "zone": post.zone,
            "direction": post.direction,
            "anti_passback": post.anti_passback,
            "cooldown_minutes": post.cooldown_minutes,
            "classes": list(post.classes),
            "any_time": post.any_time,
        },
        "gates": [
            {"id": x.id, "code": x.code, "name": {"zh": x.name_zh, "en": x.name_en}, "direction": x.direction}
            for x in gates
        ],
        "counts": _counts(post),
    }


def _show(answer: Answer, post: Post) -> dict[str, Any]:
    """The answer as JSON. A screen that nobody watches shows no initials."""
    holder = answer.holder
    attended = post.profile == "gate"
    return {
        "client_uuid": answer.client_uuid,
        "scan_id": answer.scan_id,
        "status": answer.status,
        "reason": answer.reason,
        "text": reason_text(answer.reason, answer.direction),
        "detail": _detail(answer, post),
        "direction": answer.direction,
        "holder": None
        if holder is None
        else {
            "initials": holder.initials if attended else None,
            "company": holder.company or None if attended else None,
            "class": {
                "code": holder.class_code,
                "zh": holder.class_zh,
                "en": holder.class_en,
                "colour": holder.colour,
            },
            "locale": holder.locale,
        },
        "overridable": answer.overridable and attended,
        "counts": None,
        "replayed": answer.replayed,
        "repeat": answer.repeat,
    }


def _detail(answer: Answer, post: Post) -> dict[str, str] | None:
    if answer.first_entry_at is None or answer.first_gate is None:
        return None
    at = clock.to_local(answer.first_entry_at, post.timezone).strftime("%H:%M")
    zh, en = answer.first_gate
    return {"zh": f"首次入场 {at} · {zh or en}", "en": f"First entry {at} · {en or zh}"}
