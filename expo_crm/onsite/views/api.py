"""/api/gate: what a device at a gate says and asks. Every decided scan is answered 200; other codes are about transport."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Flask, Response, jsonify, make_response
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.db import db
from expo_crm.lib import clock, text
from expo_crm.onsite import queries
from expo_crm.onsite.domain import scan_input
from expo_crm.onsite.domain.reasons import reason_text
from expo_crm.onsite.domain.scan_input import SchemaError
from expo_crm.onsite.models import Gate, Scan
from expo_crm.onsite.services import devices, scans
from expo_crm.onsite.services.devices import Post
from expo_crm.onsite.services.scans import Answer
from expo_crm.onsite.views import principal
from expo_crm.onsite.views.body import read_json, schema
from expo_crm.web import policy
from expo_crm.web.errors import Refused

ONE_LIMIT = 32 * 1024
BATCH_LIMIT = 1024 * 1024
BATCH_ITEMS = 500
GATES = ("gate", "gate_kiosk")


def init_app(app: Flask) -> None:
    """These addresses take JSON from devices: another site can send neither, so they need no CSRF token."""
    for view in (scan, scan_batch, override, heartbeat, choose):
        app.extensions["csrf"].exempt(view)


def _answer(body: dict[str, Any]) -> Response:
    post = principal.find_post()
    newest = post.snapshot_version if post else 0
    response = make_response(jsonify({**body, "snapshot_version": newest, "server_time": _iso(clock.now())}))
    response.headers["Cache-Control"] = "no-store"
    return response


def _iso(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _post_at_gate() -> Post:
    post = principal.current_post()
    if post.gate_id is None:
        raise Refused(_("Choose the gate first."), 409, "no_gate")
    return post


@policy.device(*GATES)
def scan() -> ResponseReturnValue:
    post = _post_at_gate()
    body = read_json(ONE_LIMIT)
    try:
        command = scan_input.read_command({**body, "decided": None})
    except SchemaError as error:
        raise schema(str(error)) from None
    try:
        answer = scans.record_scan(post, command)
    except scans.UuidReused:
        raise _reused() from None
    _seen(post)
    return _answer(_show(answer, post))


@policy.device(*GATES)
def scan_batch() -> ResponseReturnValue:
    post = _post_at_gate()
    items = read_json(BATCH_LIMIT).get("scans")
    if not isinstance(items, list) or len(items) > BATCH_ITEMS:
        raise schema("scans")
    read: list[scan_input.Command | SchemaError] = []
    for item in items:
        try:
            read.append(scan_input.read_command(item))
        except SchemaError as error:
            read.append(error)
    good = [c for c in read if isinstance(c, scan_input.Command)]
    answers = iter(scans.record_scans(post, good))
    receipts = [_receipt(i, c, None if isinstance(c, SchemaError) else next(answers), post) for i, c in enumerate(read)]
    _seen(post)
    return _answer({"receipts": receipts})


def _receipt(
    index: int, command: scan_input.Command | SchemaError, answer: Answer | Exception | None, post: Post
) -> dict[str, Any]:
    if isinstance(command, SchemaError):
        return {"index": index, "client_uuid": None, "ok": False, "error": "schema", "message": str(command)}
    if not isinstance(answer, Answer):
        message = _reused().message
        return {
            "index": index,
            "client_uuid": command.client_uuid,
            "ok": False,
            "error": "uuid_reused",
            "message": message,
        }
    shown = _show(answer, post)
    if answer.decided_by == "device":
        shown |= {"status": "stored", "decision": answer.status}
    if command.decided:
        shown |= {"server_verdict": answer.server_verdict, "conflict": answer.conflict}
    return {"index": index, "client_uuid": command.client_uuid, "ok": True, "answer": shown}


def _reused() -> Refused:
    return Refused(_("This scan number was used for another scan."), 422, "uuid_reused")


@policy.device("gate")
def override() -> ResponseReturnValue:
    """A person at an attended gate lets a refused badge pass."""
    post = _post_at_gate()
    body = read_json(ONE_LIMIT)
    try:
        key, seq = scan_input.read_uuid(body.get("client_uuid")), scan_input.read_seq(body.get("device_seq"))
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
        raise Refused(_("Please write the reason and your name."), 422, "reason_required")
    refused = db.session.get(Scan, scan_id) if 0 < scan_id < 2**53 else None
    if refused is None or refused.device_id != post.device_id:
        raise Refused(_("There is no such scan of this device."), 404, "not_found")
    known = scans.find_by_uuid(post.device_id, key)
    try:
        made = scans.override(refused, reason, client_uuid=key, by=by, device_seq=seq)
    except scans.NotOverridable:
        raise Refused(_("This refusal cannot be set aside at the gate."), 422, "not_overridable") from None
    except scans.UuidReused:
        raise _reused() from None
    return _answer(_show(scans.answer_of(made), post) | {"replayed": known is not None})


@policy.device(*GATES)
def heartbeat() -> ResponseReturnValue:
    post = principal.current_post()
    body = read_json(ONE_LIMIT)
    now = clock.now()
    at, _unreadable = scan_input.read_time(body.get("device_time"))
    offset = None if at is None else round((now - at).total_seconds() * 1000)
    queue, version = body.get("queue", 0), body.get("version", "")
    if isinstance(queue, bool) or not isinstance(queue, int) or not 0 <= queue < 10**7 or not isinstance(version, str):
        raise schema("queue, version")
    held_seq, held_count = queries.held(post.device_id, post.paired_at)
    devices.heartbeat(post.device_id, offset_ms=offset, queue=queue, version=text.clean(version, limit=60))
    return _answer(
        {
            "offset_ms": offset,
            "gate_id": post.gate_id,
            "held_seq": held_seq,
            "held_count": held_count,
            "counts": _counts(post),
            "revoked": [],
        }
    )


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
