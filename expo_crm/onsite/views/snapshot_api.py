"""/api/gate/snapshot, changes, rules: what a device takes along for the time without a network."""

from __future__ import annotations

import datetime as dt
import gzip

from flask import Response, jsonify, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.lib import clock
from expo_crm.onsite import queries_presence
from expo_crm.onsite.services import gate_rules, keys, snapshots
from expo_crm.onsite.views import principal
from expo_crm.onsite.views.body import schema
from expo_crm.web import policy
from expo_crm.web.errors import Refused, answer

GATES = ("gate", "gate_kiosk")
LARGEST = 2**53


@policy.device(*GATES)
def snapshot() -> ResponseReturnValue:
    """The signed manifest."""
    post = principal.current_post()
    try:
        body = snapshots.manifest(post.edition_id, post.show_id)
    except keys.KeyUnusable:
        raise Refused(
            _("The key that signs badges cannot be opened, because the secret key of this installation has changed."),
            409,
            "no_key",
        ) from None
    except OSError:
        return _later()
    return _fresh(body)


@policy.device(*GATES)
def snapshot_chunk(version: int, number: int) -> ResponseReturnValue:
    """One chunk of the edition's badges; the bytes behind an address never change."""
    post = principal.current_post()
    packed = snapshots.read_chunk(post.edition_id, version, number) if max(version, number) < LARGEST else None
    if packed is None:
        return answer(404, _("This list is no longer kept. Please take the newest."), "not_found")
    takes_gzip = request.accept_encodings.quality("gzip") > 0
    response = make_response(packed if takes_gzip else gzip.decompress(packed))
    response.content_type = "application/json"
    if takes_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    return response


@policy.device(*GATES)
def changes() -> ResponseReturnValue:
    """What changed after the version that the device has."""
    post = principal.current_post()
    raw, lineage = request.args.get("since", ""), request.args.get("lineage", "")
    if not (raw.isascii() and raw.isdigit() and len(raw) < 17) or len(lineage) > 16:
        raise schema("since, lineage")
    return _fresh(snapshots.changes(post.edition_id, post.show_id, int(raw), lineage))


@policy.device(*GATES)
def presence() -> ResponseReturnValue:
    """Where the badges of this device's zone are, by the hash of their serial: a device that loses the network warns of a badge
    that came in at another door. No person, no gate."""
    post = principal.current_post()
    asked = [request.args.get(name, "0") for name in ("since", "after")]
    if not all(raw.isascii() and raw.isdigit() and len(raw) < 17 for raw in asked):
        raise schema("since, after")
    since, after = map(int, asked)
    period = post.period_of(clock.local_day(clock.now(), post.timezone))
    newest = queries_presence.newest_scan()
    found = queries_presence.presence_since(post.edition_id, post.zone, period, since, after)
    rows = [[snapshots.serial_hash(r.serial), r.entries or 0, int(bool(r.inside)), _ms(r.first_entry_at), _ms(r.last_at)] for r in found]
    more = len(found) == queries_presence.PAGE
    return _fresh(
        {
            "zone_code": post.zone,
            "period": period.isoformat(),
            "newest": newest,
            "rows": rows,
            "after": found[-1].id if more else None,
        }
    )


def _ms(at: dt.datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


def _fresh(body: object) -> Response:
    response = make_response(jsonify(body))
    response.headers["Cache-Control"] = "no-store"
    if "gzip" in request.headers.get("Accept-Encoding", "") and len(response.data) > 2_000:
        response.data = gzip.compress(response.data, 5)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
    return response


def _later() -> Response:
    out = answer(503, _("The list of badges cannot be made at the moment. It is tried again by itself."), "busy")
    out.headers["Retry-After"] = "5"
    return out


@policy.device(*GATES)
def rules() -> ResponseReturnValue:
    """All that the device needs to decide at its gate, besides the badges."""
    post = principal.current_post()
    if post.gate_id is None:
        raise Refused(_("Choose the gate first."), 409, "no_gate")
    body = gate_rules.rules_for_device(post)
    response = make_response(jsonify(body))
    response.set_etag(str(body["version"]))
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)
