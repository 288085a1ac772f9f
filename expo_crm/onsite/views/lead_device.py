"""/lead and /api/lead: an exhibitor's device. What it asks and says; nothing of a visitor is said that was not released."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, make_response, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.directory.models import Participation
from expo_crm.lib import clock, text
from expo_crm.onsite import lead_labels
from expo_crm.onsite import queries_leads as queries
from expo_crm.onsite.domain import lead_input, scan_input
from expo_crm.onsite.domain.scan_input import SchemaError
from expo_crm.onsite.models import Device, LeadQuestion
from expo_crm.onsite.queries_leads import LeadView
from expo_crm.onsite.services import devices, keys, lead_quarantine, leads
from expo_crm.onsite.services.leads import Receipt, UuidReused
from expo_crm.onsite.views import principal, shell
from expo_crm.onsite.views.body import read_json, schema
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.domain.vocabulary import consent_text
from expo_crm.web import errors, i18n, policy
from expo_crm.web.assets import manifest
from expo_crm.web.errors import Refused
from expo_crm.web.policy import current_principal, public

LIMIT = 256 * 1024
MOST = 50
SHOWN = ("name", "company", "job_title", "phone", "email", "country", "function", "buying_role", "looking_for")


def init_app(app: Flask) -> None:
    """These addresses take JSON from devices: another site can send neither, so they need no CSRF token."""
    for view in (store, note, beat, unpair):
        app.extensions["csrf"].exempt(view)


# -- the page --------------------------------------------------------------------------------------------------------


@public()
def lead() -> ResponseReturnValue:
    """The scanner of an exhibitor's stand. A browser that is none, or no longer, is told how to become one."""
    who = current_principal()
    if who.kind != "device" or who.device_profile != "lead":
        known = principal.find_device()
        withdrawn = known is not None and known.revoked_at is not None and known.profile == "lead"
        return shell.unpaired("onsite/lead_unpaired.html", device=known, config=_leaving(known) if known and withdrawn else None)
    device = principal.current_device()
    return shell.shell(
        "onsite/lead.html", device=device, config=_config(device), temperatures=lead_labels.TEMPERATURES
    )


def _pairing(device: Device) -> str:
    return f"{device.id}-{int(device.paired_at.timestamp()) if device.paired_at else 0}"


def _leaving(device: Device) -> dict[str, Any]:
    """For the script that hands over what a withdrawn device still holds."""
    return {"pairing": _pairing(device), "wipe": device.wipe, "texts": {n: lead_labels.device_texts()[n] for n in ("handing", "handed")}}


def _config(device: Device) -> dict[str, Any]:
    """What the script needs before it has asked the server for anything; it also works with it alone."""
    return {
        "pairing": _pairing(device),
        "locale": i18n.locale(),
        "wasm": url_for("static", filename=f"dist/{manifest()['zxing_reader.wasm']}"),
        "edition": device.edition_id,
        "keys": keys.published(device.edition.show_id),
        "classes": [
            {"index": c.id & 0xFFFF, "code": c.code, "zh": c.name_zh, "en": c.name_en, "colour": c.colour}
            for c in visitors.list_classes(device.edition_id)
        ],
        "setup": _setup(_participation(device)),
        "texts": lead_labels.device_texts(),
    }


def _participation(device: Device) -> Participation:
    if device.participation is None:
        raise Refused(_("This device belongs to no exhibitor. Please pair it again."), 409, "no_exhibitor")
    return device.participation


def _setup(participation: Participation) -> dict[str, Any]:
    """The exhibitor's own list of words and questions, and what a visitor is asked to agree to."""
    wording = consent_text(queries.PURPOSE)
    rules = queries.policy_of(participation.edition_id)
    company = i18n.bi(participation.company)
    return {
        "tags": [{"id": t.id, "name": t.name} for t in queries.list_tags(participation.company_id)],
        "questions": [_question(q) for q in queries.list_questions(participation.company_id)],
        "ask": None
        if wording is None or not rules.ask
        else {
            "version": wording.version,
            "locale": i18n.locale(),
            "title": _("Give my contact data to %(company)s", company=company),
            "text": lead_labels.ask_text(company, rules),
        },
    }


def _question(question: LeadQuestion) -> dict[str, Any]:
    return {
        "id": question.id,
        "kind": question.kind,
        "text": question.text,
        "options": list(question.options),
        "required": question.required,
    }


# -- the API ---------------------------------------------------------------------------------------------------------


def _answer(body: dict[str, Any]) -> Response:
    response = make_response(jsonify({**body, "server_time": clock.now().isoformat(timespec="milliseconds")}))
    response.headers["Cache-Control"] = "no-store"
    return response


def _too_often() -> Response:
    response = errors.answer(429, _("Too many requests. Please wait a moment."), "rate")
    response.headers["Retry-After"] = "5"
    return response


def _items(name: str) -> list[Any]:
    body = read_json(LIMIT)
    items = body.get(name)
    if set(body) != {name} or not isinstance(items, list) or not 0 < len(items) <= MOST:
        raise schema(name)
    return items


@policy.device("lead")
def store() -> ResponseReturnValue:
    """Readings, each with a receipt; a wrong one does not keep the others out."""
    device = principal.current_device()
    _participation(device)
    items = _items("scans")
    if not leads.may_send(device, 1 + len(items) // 25):
        return _too_often()
    read: list[lead_input.ScanCommand | SchemaError] = []
    for item in items:
        try:
            read.append(lead_input.read_scan(item))
        except SchemaError as error:
            read.append(error)
    good = [(c, item) for c, item in zip(read, items, strict=True) if not isinstance(c, SchemaError)]
    if device.revoked_at is not None:
        principal.tell_wipe(principal.current_post())
        done = lead_quarantine.keep_scans(device, good)
    else:
        done = leads.store_scans(device, [c for c, _item in good])
    views = _views([r for r in done if isinstance(r, Receipt)])
    rest = iter(done)
    receipts = []
    for index, command in enumerate(read):
        if isinstance(command, SchemaError):
            receipts.append(_problem(index, None, command))
            continue
        made = next(rest)
        if isinstance(made, Receipt):
            receipts.append(_receipt(index, made, views))
        else:
            receipts.append(_problem(index, command.client_uuid, made))
    return _answer({"receipts": receipts})


def _views(receipts: list[Receipt]) -> dict[int, LeadView]:
    found = {r.lead.id: r.lead for r in receipts if r.lead is not None}
    return {v.lead.id: v for v in queries.views_of(list(found.values()))}


def _problem(index: int, uuid: str | None, error: Exception) -> dict[str, Any]:
    if isinstance(error, UuidReused):
        code, message = "uuid_reused", _("This scan number was used for another scan.")
    else:
        code, message = "schema", _("The request is not as agreed: %(field)s", field=str(error)[:60])
    return {"index": index, "client_uuid": uuid, "ok": False, "error": code, "message": message}


def _receipt(index: int, receipt: Receipt, views: dict[int, LeadView]) -> dict[str, Any]:
    view = views.get(receipt.lead.id) if receipt.lead else None
    return {
        "index": index,
        "client_uuid": receipt.client_uuid,
        "ok": True,
        "result": receipt.result,
        "replayed": receipt.replayed,
        "lead": _lead(view) if view else None,
        "text": _words(receipt, view),
    }


def _words(receipt: Receipt, view: LeadView | None) -> str:
    if receipt.result == lead_quarantine.HELD:
        return _held()
    if receipt.result == "not_a_badge":
        return _("This is no badge of a show.")
    if view is not None and view.released:
        return _("Stored.")
    return _("Stored. There are no data to show.")


def _lead(view: LeadView) -> dict[str, Any]:
    """A lead as the device shows it, in memory only. A code of nobody looks like a visitor who did not agree."""
    one = view.lead
    return {
        "id": one.id,
        "released": view.released,
        "visitor": {name: getattr(view, name) for name in SHOWN if getattr(view, name)} if view.released else None,
        "title": view.title,
        "temperature": one.temperature,
        "stars": one.stars,
        "version": one.version,
        "state": one.state,
        "note": one.note,
        "tags": [t.id for t in one.tags],
        "answers": {str(k): v for k, v in view.answers.items()},
        "scans": one.scans,
        "captured_by": one.captured_by,
        "captured_at": i18n.datetime_(one.captured_at),
    }


def _held() -> str:
    return _("This device was withdrawn. What it still held is kept apart for whoever manages the stand.")


@policy.device("lead")
def note() -> ResponseReturnValue:
    """What was noted on readings of this device, and the visitor's tap; one receipt each."""
    device = principal.current_device()
    _participation(device)
    items = _items("edits")
    if not leads.may_send(device, 1 + len(items) // 25):
        return _too_often()
    receipts: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        uuid = None
        try:
            command = lead_input.read_edit(item)
            uuid = command.client_uuid
            if device.revoked_at is not None:
                lead_quarantine.keep_notes(device, command, item)
                receipts.append({"index": index, "client_uuid": uuid, "ok": True, "lead": None, "text": _held()})
                continue
            lead_found = leads.edit_by_device(device, command)
        except SchemaError as error:
            receipts.append(_problem(index, uuid, error))
            continue
        except LookupError:
            message = _("There is no such lead.")
            receipts.append(
                {"index": index, "client_uuid": uuid, "ok": False, "error": "not_found", "message": message}
            )
            continue
        view = queries.view_of(lead_found)
        words = _("Stored.") if view.released else _("Stored. There are no data to show.")
        receipts.append({"index": index, "client_uuid": uuid, "ok": True, "lead": _lead(view), "text": words})
    if len(receipts) == 1 and not receipts[0]["ok"]:
        status = 404 if receipts[0]["error"] == "not_found" else 422
        return make_response(jsonify({"error": receipts[0]["error"], "message": receipts[0]["message"]}), status)
    return _answer({"receipts": receipts})


@policy.device("lead", writes=True)
def recent() -> ResponseReturnValue:
    """What the team read last, with the names that may be shown, and the exhibitor's words and questions."""
    device = principal.current_device()
    participation = _participation(device)
    if not leads.may_send(device):
        return _too_often()
    found = queries.views_of(queries.list_recent(participation.id))
    return _answer({"leads": [_lead(v) for v in found], "setup": _setup(participation)})


@policy.device("lead")
def beat() -> ResponseReturnValue:
    """A sign of life: the device's clock and queue; the numbers of the readings that are held here."""
    device = principal.current_device()
    _participation(device)
    body = read_json(LIMIT)
    at, _unreadable = scan_input.read_time(body.get("device_time"))
    queue, version = body.get("queue", 0), body.get("version", "")
    if isinstance(queue, bool) or not isinstance(queue, int) or not 0 <= queue < 10**7 or not isinstance(version, str):
        raise schema("queue, version")
    device.seen_at, device.queue_length = clock.now(), queue
    device.app_version = text.clean(version, limit=60)
    if at is not None:
        device.clock_offset_ms = round((clock.now() - at).total_seconds() * 1000)
    held_seq, held_count = queries.lead_numbers(device)
    return _answer({"held_seq": held_seq, "held_count": held_count, "offset_ms": device.clock_offset_ms})


@policy.device("lead")
def unpair() -> ResponseReturnValue:
    """The stand staff gives the device back: it is withdrawn, and the page empties its storage."""
    devices.revoke(principal.current_device())
    response = _answer({"unpaired": True})
    principal.clear_cookie(response)
    return response
