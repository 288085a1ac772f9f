"""What every page needs: errors, permissions, lists, forms, template filters."""

from __future__ import annotations

from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from werkzeug.routing import IntegerConverter, ValidationError

from expo_crm.config import Settings


class IdConverter(IntegerConverter):
    """``<int:…>`` in an address: what no id column can hold is not found, instead of an error of the database."""

    def to_python(self, value: str) -> int:
        number = super().to_python(value)
        if number >= 2**63:
            raise ValidationError()
        return int(number)


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions; whoever brings no cookie, as every device at a gate, gets a new one without the signing tools being made."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies and app.secret_key:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session or session.modified or session.accessed:
            super().save_session(app, session, response)


def _allow_large_upload(endpoint: str | None, _values: object) -> None:
    """A view that takes large files says how large (``view.max_upload``, bytes); before anything reads the form."""
    limit = getattr(current_app.view_functions.get(endpoint or ""), "max_upload", None)
    if limit:
        request.max_content_length = limit


def init_app(app: Flask, settings: Settings) -> None:
    """Install errors, languages, permissions, security headers and the names templates may use."""
    from expo_crm.web import assets, errors, i18n, lanes, once, policy, security

    app.url_map.converters["int"] = IdConverter
    app.session_interface = Sessions()
    app.url_value_preprocessor(_allow_large_upload)
    errors.init_app(app)
    lanes.init_app(app)
    i18n.init_app(app)
    security.init_app(app, https=settings.secure_cookies)
    policy.init_app(app)
    once.init_app(app)  # after the policy: only who may send the form is answered
    app.jinja_env.globals.update(asset=assets.asset, icon=assets.icon)
    app.context_processor(
        lambda: {"principal": policy.current_principal(), "edition": g.get("edition"), "settings": settings}
    )
