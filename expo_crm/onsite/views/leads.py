"""/e/<edition>/leads: what the exhibitors of an edition have captured. Names and companies; contact data stay with the exhibitor."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import or_

from expo_crm.directory.models import Company
from expo_crm.onsite import queries
from expo_crm.onsite.models import Lead
from expo_crm.visitors.models import Registration
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, requires

STATES = (
    ("new", _l("New")),
    ("contacted", _l("Contacted")),
    ("qualified", _l("Qualified")),
    ("quoted", _l("Quoted")),
    ("won", _l("Won")),
    ("lost", _l("Lost")),
)
TONES = {
    "new": "info",
    "contacted": "progress",
    "qualified": "success",
    "quoted": "progress",
    "won": "success",
    "lost": "neutral",
}
TEMPERATURES = (("hot", _l("Hot")), ("warm", _l("Warm")), ("cold", _l("Cold")))


def _pill(lead: Lead) -> Markup:
    return Markup(render_template("onsite/leads_state.html", label=dict(STATES)[lead.state], tone=TONES[lead.state]))


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
                "state", _("State"), lambda x: str(dict(STATES)[x.state]), cell=_pill, sort=Lead.state, kind="status"
            ),
            listing.Column(
                "temperature",
                _("Interest"),
                lambda x: str(dict(TEMPERATURES).get(x.temperature, "")),
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
            listing.Filter("state", _("State"), STATES, lambda v: Lead.state == v),
            listing.Filter("temperature", _("Interest"), TEMPERATURES, lambda v: Lead.temperature == v),
        ],
        search=_search,
        search_hint=_("Visitor or exhibitor"),
        empty=listing.Empty(
            "target-arrow",
            _("No lead has been captured yet"),
            _("Exhibitors scan visitors' badges at their stand. Only visitors who agreed to it become leads."),
        ),
    )
    return render_template("onsite/leads.html", listing=page)
