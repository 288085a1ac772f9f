"""What every page needs: errors, permissions, lists, forms, template filters."""

from __future__ import annotations

from flask import Flask, g

from expo_crm.config import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Install errors, languages, permissions, security headers and the names templates may use."""
    from expo_crm.web import assets, errors, i18n, policy, security

    errors.init_app(app)
    i18n.init_app(app)
    security.init_app(app, https=settings.secure_cookies)
    policy.init_app(app)
    app.jinja_env.globals.update(asset=assets.asset, icon=assets.icon)
    app.context_processor(
        lambda: {"principal": policy.current_principal(), "edition": g.get("edition"), "settings": settings}
    )
