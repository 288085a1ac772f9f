"""Users, roles, sign-in, sessions, one-time links."""

from __future__ import annotations

from flask import Flask
from flask_login import LoginManager

login_manager = LoginManager()


def init_app(app: Flask) -> None:
    """Flask-Login carries the session's token in the cookie; the session itself is a row that can be ended."""
    from expo_crm.accounts import services
    from expo_crm.accounts.views import saved_views
    from expo_crm.web import policy

    login_manager.init_app(app)
    login_manager.session_protection = None
    login_manager.user_loader(services.load_session)
    policy.register_loader(app, services.principal)
    app.extensions["expo_views"] = saved_views.views_of
