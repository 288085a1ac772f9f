"""/e/<edition>/leads: what the exhibitors of an edition have captured, and the rules for it.

Names and companies of the organizer's own visitors; what an exhibitor notes of them is the exhibitor's and is not shown here.
"""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.onsite import lead_labels as labels
from expo_crm.onsite import queries
from expo_crm.onsite import queries_leads as lead_queries
from expo_crm.onsite.lead_forms import PolicyForm
from expo_crm.onsite.models import Lead
from expo_crm.onsite.services import devices, lead_setup
from expo_crm.onsite.views.portal_leads import DeviceState
from expo_crm.visitors.models import Registration
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, current_principal, requires


def _tabs() -> list[dict[str, Any]]:
    pages = [("onsite.leads", _("Leads")), ("onsite.leads_by_exhibitor", _("By exhibitor"))]
    if current_principal().can(Permission.SETTINGS):
        pages.append(("onsite.lead_policy", _("Rules")))
    return [{"url": url_for(name), "label": label, "active": request.endpoint == name} for name, label in pages]


def _pill(lead: Lead) -> Markup:
    label, tone = dict(labels.STATES)[lead.state], labels.STATE_TONES[lead.state]
    return listing.pill(label, tone)


def _search(words: str) -> Any:
    return or_(listing.contains(Registration.search_key, words), listing.contains(Company.search_key, words))


@requires(Permission.VIEW)
def leads() -> ResponseReturnValue:
    page = listing.build(
        id="leads",
        query=queries.lead_list(g.edition),
        columns=[
            listing.Column(
                "visitor", _("Visitor"), lambda x: x.registration.name, sort=Registration.sort_key, primary=True
            ),
            listing.Column("company", _("Visitor's company"), lambda x: x.registration.company_name),
            listing.Column(
                "exhibitor", _("Exhibitor"), lambda x: i18n.bi(x.participation.company), sort=Company.sort_key
            ),
            listing.Column(
                "state",
                _("State"),
                lambda x: str(dict(labels.STATES)[x.state]),
                cell=_pill,
                sort=Lead.state,
                kind="status",
            ),
            listing.Column(
                "temperature",
                _("Interest"),
                lambda x: str(dict(labels.TEMPERATURES).get(x.temperature, "")),
                sort=Lead.temperature,
            ),
            listing.Column("scans", _("Scans"), lambda x: x.scans, sort=Lead.scans, kind="number", hide_on_phone=True),
            listing.Column(
                "at", _("Captured"), lambda x: i18n.datetime_(x.captured_at), sort=Lead.captured_at, kind="date"
            ),
        ],
        default_sort="at",
        default_desc=True,
        tie_break=Lead.id.desc(),
        filters=[
            listing.Filter("state", _("State"), labels.STATES, lambda v: Lead.state == v),
            listing.Filter("temperature", _("Interest"), labels.TEMPERATURES, lambda v: Lead.temperature == v),
        ],
        search=_search,
        search_hint=_("Visitor or exhibitor"),
        empty=listing.Empty(
            "target-arrow",
            _("No lead has been captured yet"),
            _("Exhibitors scan visitors' badges at their stand, with devices that they pair in their portal."),
        ),
    )
    return render_template("onsite/leads.html", listing=page, tabs=_tabs())


@requires(Permission.VIEW)
def leads_by_exhibitor() -> ResponseReturnValue:
    """How many leads each exhibitor has, and with how many devices; nothing of what it noted."""
    query: Select[Any] = lead_queries.by_exhibitor(g.edition)
    sums = query.selected_columns
    page = listing.build(
        id="leads-by-exhibitor",
        query=query,
        columns=[
            listing.Column(
                "exhibitor", _("Exhibitor"), lambda x: i18n.bi(x[0].company), sort=Company.sort_key, primary=True
            ),
            listing.Column("stand", _("Stand"), lambda x: x[0].stands),
            listing.Column("leads", _("Leads"), lambda x: x.leads, sort=sums.leads, kind="number"),
            listing.Column("scans", _("Scans"), lambda x: x.scans, sort=sums.scans, kind="number"),
            listing.Column(
                "asked", _("Agreed on the device"), lambda x: x.asked, sort=sums.asked, kind="number", hide_on_phone=True
            ),
            listing.Column("devices", _("Devices"), lambda x: x.devices, sort=sums.devices, kind="number"),
            listing.Column(
                "last",
                _("Newest lead"),
                lambda x: i18n.datetime_(x.last) if x.last else "",
                sort=sums.last,
                kind="date",
                hide_on_phone=True,
            ),
        ],
        default_sort="leads",
        default_desc=True,
        tie_break=Participation.id,
        search=lambda words: listing.contains(Company.search_key, words),
        search_hint=_("Exhibitor"),
        empty=listing.Empty(
            "target-arrow",
            _("No lead has been captured yet"),
            _("Exhibitors scan visitors' badges at their stand, with devices that they pair in their portal."),
        ),
        row_url=lambda x: url_for("onsite.lead_exhibitor", participation_id=x[0].id),
        scalars=False,
    )
    return render_template("onsite/leads_by_exhibitor.html", listing=page, tabs=_tabs())


def _participation(participation_id: int) -> Participation:
    found = db.session.scalar(
        select(Participation)
        .where(Participation.id == participation_id, Participation.edition_id == g.edition.id)
        .options(joinedload(Participation.company))
    )
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def lead_exhibitor(participation_id: int) -> ResponseReturnValue:
    """One exhibitor's figures and devices."""
    found = _participation(participation_id)
    return render_template(
        "onsite/leads_exhibitor.html",
        participation=found,
        totals=lead_queries.totals(found.id),
        devices=[DeviceState(d) for d in lead_queries.list_lead_devices(found.id)],
        most=lead_queries.policy_of(g.edition.id).max_devices,
        may_revoke=current_principal().can(Permission.GATE),
    )


@requires(Permission.GATE)
def revoke_lead_device(participation_id: int, device_id: int) -> ResponseReturnValue:
    found = _participation(participation_id)
    device = lead_queries.find_lead_device(found.id, device_id)
    if device is None:
        abort(404)
    devices.revoke(device)
    flash(_("%(name)s is withdrawn: its scans are refused from now on.", name=device.name), "success")
    return redirect(url_for("onsite.lead_exhibitor", participation_id=found.id))


@requires(Permission.SETTINGS)
def lead_policy() -> ResponseReturnValue:
    """Which fields exhibitors receive, with how many devices, and whether visitors may agree at the stand."""
    rules = lead_queries.policy_of(g.edition.id)
    form = PolicyForm(data={"released": list(rules.fields), "max_devices": rules.max_devices, "ask": rules.ask})
    if form.validate_on_submit():
        lead_setup.set_policy(
            g.edition, form.released.data or [], form.max_devices.data or 0, bool(form.ask.data)
        )
        flash(_("Saved. It holds from now on, for every lead of this edition."), "success")
        return redirect(url_for("onsite.lead_policy"))
    return render_template("onsite/leads_policy.html", form=form, tabs=_tabs()), 422 if form.errors else 200
