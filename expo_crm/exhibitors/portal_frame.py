"""The portal's bar of pages and its way in, for the views here and for those of the packages above."""

from __future__ import annotations

from typing import Any

from flask import abort, g, request, url_for
from flask_babel import gettext as _

from expo_crm.directory.models import Participation
from expo_crm.exhibitors import queries_inventory
from expo_crm.exhibitors.domain.portal import may_open
from expo_crm.exhibitors.services import portal, portal_hooks
from expo_crm.web.policy import current_principal


def enter(participation_id: int) -> Participation:
    """The participation of the address; 404 when it does not exist or is somebody else's, 403 when the role does not reach it."""
    found = portal.enter(current_principal().id or 0, participation_id)
    if found is None:
        abort(404)
    if not may_open(g.portal_role, request.endpoint or ""):
        abort(403)
    return found


def may(endpoint: str) -> bool:
    """Whether the role of who is here reaches a page of the portal."""
    return may_open(g.get("portal_role", ""), endpoint)


def pages() -> list[dict[str, Any]]:
    """The bar: own pages and those that other packages have added."""
    here = g.get("portal")
    if here is None:
        return []
    own = [
        ("exhibitors.portal", _("Overview"), "layout-dashboard", 0),
        ("exhibitors.portal_contract", _("Contract"), "file-text", 10),
        ("exhibitors.portal_money", _("Invoices"), "receipt", 20),
        ("exhibitors.portal_services", _("Services"), "plug", 25),
        ("exhibitors.portal_booth", _("Booth"), "map-2", 30),
        ("exhibitors.portal_choose", _("Choose a booth"), "hand-click", 32),
        ("exhibitors.portal_badges", _("Stand staff"), "id", 35),
        ("exhibitors.portal_entry", _("Directory entry"), "book-2", 40),
        ("exhibitors.portal_invitation", _("Invite customers"), "mail-forward", 50),
        ("exhibitors.portal_results", _("Results"), "chart-bar", 80),
        ("exhibitors.portal_team", _("Team"), "users", 90),
    ]
    if queries_inventory.list_pavilions_of(here.id):
        own.append(("exhibitors.portal_pavilion", _("Pavilion"), "flag", 33))
    added = [(p.endpoint, p.label, p.icon, p.order) for p in portal_hooks.pages()]
    return [
        {
            "url": url_for(endpoint, participation_id=here.id),
            "label": label,
            "icon": icon,
            "active": request.endpoint == endpoint,
        }
        for endpoint, label, icon, _order in sorted(own + added, key=lambda item: item[3])
        if may(endpoint)
    ]


def others() -> list[dict[str, Any]]:
    """The other companies and editions of this account, for the switcher."""
    here = g.get("portal")
    return [
        {
            "url": url_for("exhibitors.portal", participation_id=p.id),
            "company": p.company,
            "edition": p.edition,
        }
        for p in g.get("portal_others", [])
        if here is None or p.id != here.id
    ]
