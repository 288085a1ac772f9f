"""Assembles the application: settings → extensions → web → packages → commands."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from expo_crm import (
    accounts,
    audit,
    billing,
    cli,
    config,
    db,
    directory,
    exhibitors,
    faults,
    followup,
    jobs,
    matchmaking,
    messaging,
    navigation,
    onsite,
    shows,
    visitors,
    web,
)
from expo_crm.config import ROOT, Settings
from expo_crm.shows import queries as show_queries
from expo_crm.web import policy

csrf = CSRFProtect()

# Importing these registers every table with the metadata, also where no page uses it yet.
TABLES = (
    "accounts",
    "audit",
    "billing",
    "directory",
    "exhibitors",
    "followup",
    "jobs",
    "matchmaking",
    "messaging",
    "onsite",
    "shows",
    "visitors",
)


class Application(Flask):
    """Flask whose views and hooks are all plain functions: it need not ask each of them, at each request, whether it waits."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """A ready application. Without settings they come from the environment. Raises ConfigError when one is wrong."""
    settings = settings or config.from_env()
    app = Application(
        "expo_crm",
        root_path=str(ROOT / "expo_crm"),
        template_folder=str(ROOT / "templates"),
        instance_path=str(settings.instance_path),
    )
    configure(app, settings)
    faults.arm(settings.faults)
    import_tables()
    db.init_app(app, settings)
    csrf.init_app(app)
    web.init_app(app, settings)
    audit.init_app(app)
    accounts.init_app(app)
    shows.init_app(app)
    jobs.init_app(app)
    messaging.init_app(app)
    directory.init_app(app)
    billing.init_app(app)
    exhibitors.init_app(app)
    visitors.init_app(app)
    matchmaking.init_app(app)
    onsite.init_app(app)
    followup.init_app(app)
    register_blueprints(app)
    connect(app)
    navigation.init_app(app)
    cli.init_app(app)
    return app


def configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SETTINGS=settings,
        TESTING=settings.testing,
        MAX_CONTENT_LENGTH=21 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=2000,
        SESSION_COOKIE_NAME="__Host-expo" if settings.secure_cookies else "expo",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=8 * 3600,
        WTF_CSRF_SSL_STRICT=settings.secure_cookies,
        PROPAGATE_EXCEPTIONS=False,
    )
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    logging.basicConfig(
        level=logging.WARNING if settings.testing else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it tells of every tick
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.do")


def connect(app: Flask) -> None:
    """Where a package below must reach one above it: the registries it declares are filled here."""
    from expo_crm.messaging import services as mail

    app.extensions["expo_invitation_mail"] = lambda email, name, link, locale: mail.queue(
        "staff_invitation", to_email=email, to_name=name, locale=locale, context={"name": name, "link": link}
    )

    from expo_crm.exhibitors.services import portal, portal_hooks
    from expo_crm.matchmaking.services import meetings, supply
    from expo_crm.onsite.services import events, stand_badges
    from expo_crm.visitors.models import Registration
    from expo_crm.visitors.services import invitation_use

    app.extensions["expo_portal_accept"] = portal.accept
    def mail_reset(payload: dict[str, str], _progress: object) -> dict[str, int]:
        found = accounts.services.reset_link(payload["email"])
        if found is not None:
            user, token = found
            link = f"{app.config['SETTINGS'].base_url}/welcome/{token}"
            context = {"name": user.name, "link": link}
            mail.queue("accounts_reset", to_email=user.email, to_name=user.name, locale=user.locale, context=context)
        return {}

    jobs.register(app, "accounts.reset", mail_reset)
    app.extensions["expo_reset_ask"] = lambda email: jobs.services.enqueue("accounts.reset", {"email": email})
    app.extensions["expo_invitation_use"] = invitation_use.use_of
    app.extensions["expo_stand_badges"] = stand_badges.StandBadges
    portal_hooks.add_counter(app, "guests", invitation_use.counts_of)
    portal_hooks.add_counter(app, "offers", supply.counts_of)
    portal_hooks.add_counter(app, "meetings", supply.meeting_counts_of)
    portal_hooks.add_counter(app, "badges", stand_badges.badge_counts_of)
    portal_hooks.add_counter(app, "leads", stand_badges.lead_counts_of)
    app.extensions["expo_interests"] = supply.Interests
    app.extensions["expo_offers"] = supply.Offers

    def registration_closed(registration: Registration) -> None:
        meetings.cancel_of(registration)
        events.cancel_of(registration)

    app.extensions["expo_registration_closed"] = registration_closed

    from expo_crm.directory import queries_day
    from expo_crm.directory.services import ownership
    from expo_crm.exhibitors import queries_workday as sales

    app.extensions["expo_pool_warning"] = lambda owner, companies, days: mail.queue(
        "directory_pool_warning",
        to_email=owner.email,
        to_name=owner.name,
        locale=owner.locale,
        context={"name": owner.name, "companies": companies, "days": days},
    )
    ownership.register_open_business(app, "opportunities", sales.companies_with_open_opportunity)
    ownership.register_open_business(app, "contracts", sales.companies_with_open_contract)
    queries_day.register_counter(app, "opportunities", sales.new_opportunities)
    queries_day.register_teams(app, sales.teams)


def import_tables() -> None:
    for package in TABLES:
        import_module(f"expo_crm.{package}.models")


PAGES = (
    "web.health",
    "accounts.routes",
    "shows.routes",
    "audit.routes",
    "jobs.routes",
    "messaging.routes",
    "directory.routes",
    "billing.routes",
    "exhibitors.routes",
    "visitors.routes",
    "matchmaking.routes",
    "onsite.routes",
    "followup.routes",
    "reporting.routes",
)


def register_blueprints(app: Flask) -> None:
    for module in PAGES:
        app.register_blueprint(import_module(f"expo_crm.{module}").blueprint)
    app.add_url_rule("/", "home", home)


@policy.public()
def home() -> ResponseReturnValue:
    """Where everybody starts: staff on the edition they work on, exhibitors in the portal, others at the sign-in."""
    principal = policy.current_principal()
    if principal.kind == "exhibitor":
        return redirect(url_for("exhibitors.portal_home"))
    if principal.kind != "staff":
        return redirect(url_for("accounts.sign_in"))
    edition = show_queries.find_default_edition()
    if edition is None:
        return redirect(url_for("shows.new_show"))
    return redirect(url_for("reporting.overview", edition=edition.slug))
