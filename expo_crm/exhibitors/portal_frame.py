"""The portal's bar of pages and its way in, for the views here and for those of the packages above."""

from __future__ import annotations

from typing import Any

from flask import abort, g, request, url_for
from flask_babel import gettext as _

from expo_crm.directory.models import Participation
from expo_crm.exhibitors.services import portal, portal_hooks
from expo_crm.web.policy import current_principal


def enter(participation_id: int) -> Participation:
    """The participation of the address; 404 when it does not exist or is somebody else's."""
    found = portal.enter(current_principal().id or 0, participation_id)
    if found is None:
        abort(404)
    return found


def pages() -> list[dict[str, Any]]:
    """The bar: own pages and those that other packages have added."""
    here = g.get("portal")
    if here is None:
        return []
    own = [
        ("exhibitors.portal", _("Overview"), "layout-dashboard", 0),
        ("exhibitors.portal_contract", _("Contract"), "file-text", 10),
        ("exhibitors.portal_money", _("Invoices"), "receipt", 20),
        ("exhibitors.portal_booth", _("Booth"), "map-2", 30),
        ("exhibitors.portal_entry", _("Directory entry"), "book-2", 40),
        ("exhibitors.portal_invitation", _("Invite customers"), "mail-forward", 50),
        ("exhibitors.portal_team", _("Team"), "users", 90),
    ]
    added = [(p.endpoint, p.label, p.icon, p.order) for p in portal_hooks.pages()]
    return [
        {
            "url": url_for(endpoint, participation_id=here.id),
            "label": label,
            "icon": icon,
            "active": request.endpoint == endpoint,
        }
        for endpoint, label, icon, _order in sorted(own + added, key=lambda item: item[3])
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
