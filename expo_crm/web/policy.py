"""Who may call a view. Deny by default: a view without a policy answers 403 and fails the tests.

The vocabulary of permissions is in ``lib.permissions``; which role holds which is decided in ``accounts.domain.roles``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, has_request_context, redirect, request, url_for
from flask.typing import ResponseReturnValue

from expo_crm.lib.permissions import Permission

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Principal:
    """Who is asking. ``kind``: anonymous, staff, exhibitor or device."""

    kind: str = "anonymous"
    id: int | None = None
    name: str = ""
    permissions: frozenset[Permission] = field(default_factory=frozenset)
    company_ids: frozenset[int] = field(default_factory=frozenset)
    device_profile: str = ""

    def can(self, permission: Permission | str) -> bool:
        return permission in self.permissions


ANONYMOUS = Principal()


@dataclass(frozen=True)
class Policy:
    kind: str  # public | signed_in | staff | exhibitor | device
    permission: Permission | None = None
    profiles: frozenset[str] = frozenset()


def _mark(policy: Policy, *, writes: bool) -> Callable[[View], View]:
    def wrap(view: View) -> View:
        view.policy = policy  # type: ignore[attr-defined]
        view.writes = writes  # type: ignore[attr-defined]
        return view

    return wrap


def requires(permission: Permission, *, writes: bool = False) -> Callable[[View], View]:
    """Staff with this permission. ``writes=True`` for a GET that stores something (an accounted look at contact data)."""
    return _mark(Policy("staff", permission), writes=writes)


def public(*, writes: bool = False) -> Callable[[View], View]:
    """Everybody; the view itself checks any token in its URL."""
    return _mark(Policy("public"), writes=writes)


def signed_in(*, writes: bool = False) -> Callable[[View], View]:
    """Any signed-in person, staff or exhibitor."""
    return _mark(Policy("signed_in"), writes=writes)


def exhibitor(*, writes: bool = False) -> Callable[[View], View]:
    """A signed-in contact of an exhibitor, in the portal."""
    return _mark(Policy("exhibitor"), writes=writes)


def device(*profiles: str, writes: bool = False) -> Callable[[View], View]:
    """A paired device with one of these profiles (gate, gate_kiosk, lead, badge_print)."""
    return _mark(Policy("device", profiles=frozenset(profiles)), writes=writes)


Loader = Callable[[], Principal]
_EXTENSION = "expo_principal_loaders"


def init_app(app: Flask) -> None:
    app.extensions[_EXTENSION] = []
    app.before_request(_enforce)


def register_loader(app: Flask, loader: Loader, *, first: bool = False) -> None:
    """A package that knows a kind of principal says how to find it from the request (first non-anonymous wins)."""
    loaders = app.extensions[_EXTENSION]
    loaders.insert(0 if first else len(loaders), loader)


def current_principal() -> Principal:
    """The principal of this request, found once; outside a request (mail rendered by a job) nobody."""
    if not has_request_context():
        return ANONYMOUS
    if "principal" not in g:
        g.principal = found = ANONYMOUS
        for loader in current_app.extensions[_EXTENSION]:
            found = loader()
            if found.kind != "anonymous":
                g.principal = found
                break
        return found
    return g.principal


def allowed(principal: Principal, policy: Policy) -> bool:
    """Pure: does this principal satisfy this policy?"""
    match policy.kind:
        case "public":
            return True
        case "signed_in":
            return principal.kind in {"staff", "exhibitor"}
        case "staff":
            return principal.kind == "staff" and policy.permission in principal.permissions
        case "exhibitor":
            return principal.kind == "exhibitor"
        case "device":
            return principal.kind == "device" and principal.device_profile in policy.profiles
    return False


def _enforce() -> ResponseReturnValue | None:
    endpoint = request.endpoint
    if endpoint is None:
        return None  # the router answers 404 or 405
    view = current_app.view_functions[endpoint]
    if endpoint.endswith("static"):
        return None
    policy: Policy | None = getattr(view, "policy", None)
    if policy is None:
        abort(403)
    if allowed(current_principal(), policy):
        return None
    if policy.kind == "device":
        abort(401 if current_principal().kind != "device" else 403)
    if current_principal().kind == "anonymous" and not request.is_json:
        if request.headers.get("HX-Request") and request.method == "GET":
            here = urlsplit(request.headers.get("HX-Current-URL", ""))
            following = f"{here.path}?{here.query}".rstrip("?") or None
            return "", 401, {"HX-Redirect": url_for("accounts.sign_in", next=following)}
        if request.method == "GET":
            return redirect(url_for("accounts.sign_in", next=request.full_path.rstrip("?")))
    abort(401 if current_principal().kind == "anonymous" else 403)
