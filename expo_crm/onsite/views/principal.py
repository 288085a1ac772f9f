"""Who a device is: found from its token, on the pages and addresses that belong to devices."""

from __future__ import annotations

from flask import Flask, Response, after_this_request, g, request
from flask_babel import gettext as _

from expo_crm.db import db
from expo_crm.onsite.models import Device
from expo_crm.onsite.services import devices
from expo_crm.onsite.services.devices import Post
from expo_crm.web import policy
from expo_crm.web.errors import Refused
from expo_crm.web.policy import ANONYMOUS, Principal

API = ("/api/gate/", "/api/lead/", "/api/print/", "/api/kiosk/")
PATHS = ("/gate", *API, "/lead", "/kiosk", "/print")
# A withdrawn device may still upload its queue, into quarantine.
QUARANTINE = frozenset({"onsite.api_scan_batch", "onsite.api_lead_scans", "onsite.api_lead_details"})
YEAR = 366 * 24 * 3600


def init_app(app: Flask) -> None:
    # First of all loaders: a supervisor who is signed in and opens the gate page on the same phone acts as the gate there.
    policy.register_loader(app, load, first=True)


def cookie_name() -> str:
    return "__Host-expo_device" if _secure() else "expo_device"


def _secure() -> bool:
    from flask import current_app

    return bool(current_app.config["SESSION_COOKIE_SECURE"])


def set_cookie(response: Response, token: str) -> None:
    """Let the browser be the device: not readable by scripts, never sent from another site."""
    response.set_cookie(
        cookie_name(), token, max_age=YEAR, path="/", secure=_secure(), httponly=True, samesite="Strict"
    )


def clear_cookie(response: Response) -> None:
    response.delete_cookie(cookie_name(), path="/", secure=_secure(), httponly=True, samesite="Strict")


def load() -> Principal:
    """The device of this request. On the API a missing, wrong or withdrawn token is said at once, as 401; only the upload of a
    queue is let through for a withdrawn device, and its view looks at that."""
    if not request.path.startswith(PATHS):
        return ANONYMOUS
    post = find_post()
    api = request.path.startswith(API)
    if post is None:
        if api:
            raise Refused(_("This device is not paired."), 401, "device_unknown")
        return ANONYMOUS
    if post.revoked_at is not None and request.endpoint not in QUARANTINE:
        if api:
            tell_wipe(post)
            raise Refused(_("This device was withdrawn. Please pair it again."), 401, "device_revoked")
        return ANONYMOUS
    return Principal(kind="device", id=post.device_id, name=post.device_name, device_profile=post.profile)


def tell_wipe(post: Post) -> None:
    """A withdrawn device that shall empty its storage is told so beside every answer."""
    if post.wipe:

        @after_this_request
        def add(response: Response) -> Response:
            response.headers["X-Expo-Wipe"] = "1"
            return response


def find_post() -> Post | None:
    """The device whose token came with this request, revoked ones too; asked once."""
    if "device_post" not in g:
        token = _token()
        g.device_post = devices.find_post(token) if token else None
    return g.device_post


def _token() -> str:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()[:200]
    return request.cookies.get(cookie_name(), "")[:200]


def current_post() -> Post:
    """The post of the device that this view let in. Raises LookupError elsewhere."""
    post = find_post()
    if post is None:
        raise LookupError("no device")
    return post


def find_device() -> Device | None:
    """The device of this request with its row, revoked ones too; None when there is no known token."""
    post = find_post()
    return db.session.get(Device, post.device_id) if post else None


def current_device() -> Device:
    return db.session.get_one(Device, current_post().device_id)


def forget() -> None:
    """Look again, after the device of this request was changed."""
    g.pop("device_post", None)
