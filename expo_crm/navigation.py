"""The one navigation, by phase of the show: before, during, after.

``expo_navigation_counts``: endpoint → ``(edition_id, ago) -> SQL expression`` of how much waits there, filled by the packages and asked in
one statement, as they stand on every page. ``edition_id`` is an expression; ``ago(timedelta)`` gives one of the moment so long ago.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask, current_app, has_request_context, request, url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import Integer, Select, bindparam, select

from expo_crm.db import UtcDateTime, db
from expo_crm.lib import clock
from expo_crm.shows import queries as shows
from expo_crm.web import i18n
from expo_crm.web.policy import Permission as P
from expo_crm.web.policy import current_principal


@dataclass(frozen=True)
class Item:
    endpoint: str
    label: Any
    icon: str
    permission: P
    edition: bool = True  # the address carries the edition


PHASES: tuple[tuple[str, Any, tuple[Item, ...]], ...] = (
    (
        "customers",
        _l("Customers"),
        (
            Item("reporting.overview", _l("Overview"), "layout-dashboard", P.VIEW),
            Item("directory.companies", _l("Companies"), "building", P.VIEW, edition=False),
            Item("directory.people", _l("People"), "users", P.VIEW, edition=False),
            Item("directory.tasks", _l("My day"), "checklist", P.VIEW, edition=False),
            Item("directory.pool", _l("Public pool"), "droplet", P.VIEW, edition=False),
        ),
    ),
    (
        "before",
        _l("Pre-show"),
        (
            Item("exhibitors.board", _l("Recruitment"), "layout-kanban", P.VIEW),
            Item("exhibitors.exhibitors", _l("Exhibitors"), "building-store", P.VIEW),
            Item("exhibitors.task_board", _l("Exhibitors' tasks"), "list-check", P.VIEW),
            Item("exhibitors.plan", _l("Hall plan"), "map-2", P.VIEW),
            Item("exhibitors.inventory", _l("Booths and prices"), "table", P.VIEW),
            Item("exhibitors.contracts", _l("Contracts"), "file-text", P.VIEW),
            Item("exhibitors.agents", _l("Agents"), "user-dollar", P.VIEW),
            Item("billing.invoices", _l("Invoices"), "receipt", P.VIEW),
            Item("billing.bank", _l("Bank"), "building-bank", P.MONEY),
            Item("billing.extras", _l("Extras and sponsorship"), "plug", P.VIEW),
            Item("exhibitors.imports", _l("Import"), "file-import", P.IMPORT),
            Item("visitors.registrations", _l("Visitor registrations"), "id-badge-2", P.VIEW),
            Item("matchmaking.overview", _l("Matchmaking"), "arrows-join", P.VIEW),
            Item("matchmaking.meetings", _l("Meetings"), "calendar-event", P.VIEW),
        ),
    ),
    (
        "during",
        _l("Show days"),
        (
            Item("onsite.desk", _l("Registration desk"), "user-plus", P.REGISTRATION),
            Item("onsite.badges", _l("Badges"), "id", P.VIEW),
            Item("onsite.gates", _l("Gates and devices"), "door-enter", P.VIEW),
            Item("onsite.live", _l("Live board"), "activity", P.VIEW),
            Item("onsite.scans", _l("Scan log"), "scan", P.VIEW),
            Item("onsite.inbox", _l("To settle"), "inbox", P.GATE),
            Item("onsite.leads", _l("Leads"), "target-arrow", P.VIEW),
            Item("onsite.events", _l("Concurrent events"), "presentation", P.VIEW),
            Item("onsite.arrival", _l("Exhibitor arrival"), "building-warehouse", P.VIEW),
        ),
    ),
    (
        "after",
        _l("Post-show"),
        (
            Item("followup.surveys", _l("Surveys"), "clipboard-text", P.VIEW),
            Item("followup.cases", _l("Service desk"), "headset", P.VIEW),
            Item("exhibitors.rebooking", _l("Rebooking"), "repeat", P.VIEW),
            Item("followup.retention", _l("Retention"), "refresh", P.VIEW),
            Item("followup.plan", _l("Next edition"), "flag", P.VIEW),
        ),
    ),
    (
        "settings",
        _l("Settings"),
        (
            Item("shows.settings", _l("Show and edition"), "settings", P.SETTINGS),
            Item("billing.terms", _l("Money terms"), "adjustments-dollar", P.SETTINGS),
            Item("exhibitors.contract_texts", _l("Contract texts"), "file-certificate", P.SETTINGS),
            Item("shows.categories", _l("Categories"), "sitemap", P.VIEW),
            Item("directory.ownership_settings", _l("Ownership"), "user-check", P.SETTINGS, edition=False),
            Item("directory.call_settings", _l("Call scripts and results"), "phone", P.SETTINGS, edition=False),
            Item("directory.custom_fields", _l("Own fields"), "forms", P.SETTINGS, edition=False),
            Item("accounts.users", _l("Users"), "user-shield", P.USERS, edition=False),
            Item("messaging.outbox", _l("Outbox"), "mail", P.OUTBOX, edition=False),
            Item("jobs.jobs", _l("Background work"), "clock-cog", P.VIEW, edition=False),
            Item("audit.entries", _l("Audit"), "history", P.AUDIT, edition=False),
        ),
    ),
)


def init_app(app: Flask) -> None:
    app.context_processor(
        lambda: {
            "navigation": navigation,
            "editions": shows.list_editions,
            "current_edition": shows.find_current_edition,
            "edition_url": edition_url,
        }
    )


def navigation() -> list[dict[str, Any]]:
    """The phases with the items that the principal may open."""
    principal = current_principal()
    edition = shows.find_current_edition()
    counts = _counts(edition.id) if edition is not None else {}
    out = []
    for key, label, links in _links(edition.slug if edition is not None else None, request.script_root, i18n.locale()):
        shown = [
            {**link, "active": _is_here(link), "count": counts.get(link["endpoint"])}
            for permission, link in links
            if principal.can(permission)
        ]
        if shown:
            out.append({"key": key, "label": label, "items": shown})
    return out


@lru_cache(maxsize=200)
def _links(
    slug: str | None, _root: str, _locale: str
) -> tuple[tuple[str, str, tuple[tuple[P, dict[str, Any]], ...]], ...]:
    """The whole menu of an edition with its addresses and words. Kept for each language and each place that the
    application is mounted at: made anew, four dozen addresses and words would be a sixth of every small page."""

    def link(item: Item) -> dict[str, Any]:
        url = url_for(item.endpoint, edition=slug) if item.edition else url_for(item.endpoint)
        return {"endpoint": item.endpoint, "url": url, "label": str(item.label), "icon": item.icon}

    return tuple(
        (key, str(label), tuple((i.permission, link(i)) for i in items if slug is not None or not i.edition))
        for key, label, items in PHASES
    )


def _counts(edition_id: int) -> dict[str, int]:
    """What waits, by endpoint. The statement is built once."""
    asked = current_app.extensions.get("expo_navigation_counts", {})
    if not asked:
        return {}
    if "expo_navigation_statement" not in current_app.extensions:
        current_app.extensions["expo_navigation_statement"] = _statement(asked.values())
    statement, spans = current_app.extensions["expo_navigation_statement"]
    now = clock.now()
    found = db.session.execute(statement, {"edition": edition_id} | {key: now - span for key, span in spans.items()}).one()
    return dict(zip(asked, found, strict=True))


def _statement(counts: Iterable[Callable[..., Any]]) -> tuple[Select[Any], dict[str, dt.timedelta]]:
    """The question for every count, and the spans behind its moments."""
    spans: dict[str, dt.timedelta] = {}

    def ago(span: dt.timedelta) -> Any:
        key = f"ago_{int(span.total_seconds())}"
        spans[key] = span
        return bindparam(key, type_=UtcDateTime)

    return select(*(count(bindparam("edition", type_=Integer), ago) for count in counts)), spans


def _is_here(link: dict[str, Any]) -> bool:
    # The overview's address is the beginning of every other one of its edition, so it is only active as itself.
    here = request.script_root + request.path
    below = link["endpoint"] != "reporting.overview" and here.startswith(link["url"] + "/")
    return bool(request.endpoint == link["endpoint"] or below)


def edition_url(edition: Any) -> str:
    """The same page in another edition where the page belongs to an edition and nothing below it, else its overview."""
    if (
        has_request_context()
        and request.endpoint
        and set(request.view_args or {}) == {"edition"}
        and request.method == "GET"
    ):
        return url_for(request.endpoint, edition=edition.slug)
    return url_for("reporting.overview", edition=edition.slug)
