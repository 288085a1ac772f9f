"""Coverage of supply and demand, and the way to one visitor or exhibitor."""

from __future__ import annotations

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.lib import text
from expo_crm.matchmaking import queries
from expo_crm.matchmaking.services import matches
from expo_crm.shows import queries as shows
from expo_crm.visitors.models import Registration
from expo_crm.web import listing
from expo_crm.web.policy import Permission, requires

HITS = 12


@requires(Permission.VIEW)
def overview() -> ResponseReturnValue:
    balance = queries.balance(g.edition.id)
    rows = []
    for node in shows.list_categories(g.edition.show_id):
        supply, demand = balance.get(node.id, (0, 0))
        if supply or demand:
            rows.append({"node": node, "supply": supply, "demand": demand})
    q = text.clean(request.args.get("q", ""))[:100]
    exhibitors, visitors = _search(q)
    return render_template(
        "matchmaking/overview.html",
        coverage=queries.coverage(g.edition.id),
        states=queries.count_meetings_by_state(g.edition.id),
        rows=sorted(rows, key=lambda r: -r["demand"]),
        without_supply=sorted((r for r in rows if not r["supply"]), key=lambda r: -r["demand"]),
        without_demand=sorted((r for r in rows if not r["demand"]), key=lambda r: -r["supply"]),
        q=q,
        exhibitors=exhibitors,
        visitors=visitors,
    )


def _search(q: str) -> tuple[list[Participation], list[Registration]]:
    """Without words the first of each, so that there is something to open."""
    exhibitors = (
        select(Participation)
        .join(Participation.company)
        .where(
            Participation.edition_id == g.edition.id,
            Participation.role.in_(queries.EXHIBITING),
            Participation.outcome.in_(("planned", "exhibited")),
        )
        .options(joinedload(Participation.company))
        .order_by(Company.sort_key)
    )
    visitors = (
        select(Registration)
        .where(Registration.edition_id == g.edition.id, Registration.state.in_(("approved", "submitted")))
        .options(joinedload(Registration.visitor_class))
        .order_by(Registration.submitted_at.desc(), Registration.id.desc())
    )
    if q:
        exhibitors = exhibitors.where(listing.contains(Company.search_key, q))
        visitors = visitors.where(listing.contains(Registration.search_key, q))
    return list(db.session.scalars(exhibitors.limit(HITS))), list(db.session.scalars(visitors.limit(HITS)))


@requires(Permission.VIEW)
def exposure() -> ResponseReturnValue:
    """How suggestions spread; computed when somebody looks."""
    return render_template("matchmaking/_exposure.html", report=matches.report_exposure(g.edition))
