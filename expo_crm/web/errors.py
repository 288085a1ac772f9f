"""Every refusal as a page or a fragment in the user's language. Nothing ends in a 5xx but a busy database, as 503."""

from __future__ import annotations

import errno
import logging
import uuid

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, IntegrityError, TimeoutError
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)


class Refused(Exception):
    """A rule said no. ``message`` is for the user, already translated; ``status`` is 409 for a conflict, else 422."""

    def __init__(self, message: str, status: int = 422, code: str = "refused") -> None:
        super().__init__(message)
        self.message, self.status, self.code = message, status, code


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Refused, lambda e: answer(e.status, e.message, e.code))
    app.register_error_handler(
        CSRFError,
        lambda e: answer(
            400,
            _("This form was open too long or came from another page. Go back and send it again: what you typed is kept."),
            "csrf",
        ),
    )
    app.register_error_handler(IntegrityError, _conflict)
    app.register_error_handler(DBAPIError, _busy)
    app.register_error_handler(TimeoutError, _busy)
    app.register_error_handler(OSError, _disk)
    app.register_error_handler(
        OverflowError, lambda e: answer(422, _("A value is too large or cannot be stored."))
    )  # SQLite's driver says so in its own words
    app.register_error_handler(
        UnicodeError, lambda e: answer(400, _("The text contains characters that cannot be stored."))
    )
    app.register_error_handler(Exception, _unexpected)


def answer(status: int, message: str = "", code: str = "") -> Response:
    """The error as JSON for programs, a fragment for htmx and a page for people."""
    if wants_json():
        return make_response(jsonify(error=code or str(status), message=message or titles().get(status, "")), status)
    name = "errors/_error.html" if request.headers.get("HX-Request") else "errors/error.html"
    try:
        body = render_template(name, code=status, title=titles().get(status, ""), message=message)
    except Exception:  # an error page must not fail because the database did
        log.exception("error page")
        body = f"{status}"
    return make_response(body, status)


def wants_json() -> bool:
    return request.path.startswith("/api/") or request.is_json or request.accept_mimetypes.best == "application/json"


def titles() -> dict[int, str]:
    return {
        400: _("This request could not be understood"),
        401: _("Please sign in"),
        403: _("You may not do this"),
        404: _("Not found"),
        405: _("This address does not take that kind of request"),
        409: _("Somebody was faster"),
        410: _("This link is no longer valid"),
        413: _("The file or form is too large"),
        415: _("This kind of file is not accepted"),
        422: _("Please check your input"),
        429: _("Too many attempts"),
        500: _("Something went wrong on our side"),
        503: _("The system is busy"),
    }


def _http(error: HTTPException) -> Response:
    response = error.get_response()
    if response.status_code < 400:
        return make_response(response)  # redirects
    status = response.status_code
    message = error.description if getattr(error, "for_user", False) else ""
    out = answer(status, message or "")
    for header in ("Allow", "Retry-After", "Location"):
        if header in response.headers:
            out.headers[header] = response.headers[header]
    return out


def _conflict(error: IntegrityError) -> Response:
    """The database refused what the code did not foresee: somebody else stored the same at the same moment."""
    log.warning("integrity error: %s", error.orig)
    return answer(
        409, _("This was changed by somebody else at the same moment. Reload the page and look again."), "conflict"
    )


def _busy(error: Exception) -> Response:
    text = str(getattr(error, "orig", error))
    if isinstance(error, DBAPIError) and _is_bad_value(error):
        return answer(422, _("A value is too large or cannot be stored."))
    log.error("database unavailable: %s", text)
    out = answer(
        503, _("The database did not answer in time. Nothing was stored; please try again in a few seconds."), "busy"
    )
    out.headers["Retry-After"] = "2"
    return out


def _disk(error: OSError) -> Response:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return _unexpected(error)
    log.error("disk full: %s", error)
    out = answer(
        503, _("The disk of the server is full. Nothing was stored; please tell your administrator."), "disk_full"
    )
    out.headers["Retry-After"] = "30"
    return out


def _is_bad_value(error: DBAPIError) -> bool:
    """A value outside its column (number overflow, NUL byte, too long text) is the sender's mistake, not ours."""
    return type(error).__name__ == "DataError" or isinstance(error.orig, (OverflowError, ValueError))


def _unexpected(error: Exception) -> Response:
    reference = uuid.uuid4().hex[:8]
    log.exception("unexpected error %s on %s %s", reference, request.method, request.path)
    g.pop("keep_on_refusal", None)
    return answer(
        500, _("Please try again; if it happens again, tell your administrator this number: %(ref)s", ref=reference)
    )
