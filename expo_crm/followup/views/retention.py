"""Retention: this edition against the last, down to the companies; and who is at risk, with reasons."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.directory.models import Company
from expo_crm.followup.domain.retention import NOTHING, Flow
from expo_crm.followup.domain.risk import CODES, HIGH, MEDIUM
from expo_crm.followup.queries import retention as queries
from expo_crm.followup.views import labels
from expo_crm.lib import clock
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, requires


def today() -> Any:
    return clock.local_day(clock.now(), g.edition.zone)


def short(edition: Any) -> str:
    """What an edition is called where there is little room."""
    return str(edition.starts_on.year)


@requires(Permission.VIEW)
def retention() -> ResponseReturnValue:
    found = queries.development_of(g.edition, today())
    current = found.current
    if current is None:
        return render_template("followup/retention_empty.html", found=found)
    last = found.editions[-2]
    return render_template(
        "followup/retention.html",
        found=found,
        now=current,
        last=last,
        day=today(),
        flows=[(flow, labels.FLOWS[flow], labels.FLOW_TONES[flow]) for flow in Flow],
        chart=_chart(found),
        cohorts=found.cohorts,
        begun=found.editions[:-1] if found.coming else found.editions,
        short=short,
        listing=_companies(found),
        measure=_measure(),
    )


def _measure() -> str:
    wanted = request.args.get("by", "")
    return wanted if wanted in {"count", "net_m2", "amount"} else "count"


def _chart(found: queries.Development) -> dict[str, Any]:
    steps = [(e, s) for e, s in zip(found.editions, found.steps, strict=True) if s is not None]
    return {
        "kind": "line",
        "format": "percent",
        "max": 1,
        "categories": [short(e) + (" *" if found.coming and e is found.editions[-1] else "") for e, _s in steps],
        "series": [
            {"name": _("Companies"), "values": [_rounded(s.count.gross) for _e, s in steps]},
            {"name": _("m², gross"), "values": [_rounded(s.net_m2.gross) for _e, s in steps], "dashed": True},
            {"name": _("Money, gross"), "values": [_rounded(s.amount.gross) for _e, s in steps], "dashed": True},
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _companies(found: queries.Development) -> listing.Listing:
    assert found.current is not None
    before, now, flows = found.stakes[-2], found.stakes[-1], found.current.flows
    order = queries.flows_as_numbers(dict(flows))
    table = queries.numbered(
        "flow",
        [
            (
                c,
                order[c],
                before.get(c, NOTHING).net_m2 * 100,
                now.get(c, NOTHING).net_m2 * 100,
                now.get(c, NOTHING).amount,
                before.get(c, NOTHING).amount,
            )
            for c in flows
        ],
        "place",
        "m2_before",
        "m2_now",
        "amount_now",
        "amount_before",
    )
    place = {flow.value: number for number, flow in enumerate(Flow)}
    money = g.edition.currency

    def stake(stakes: dict[int, Any], what: str) -> Any:
        return lambda c: getattr(stakes[c.id], what) if c.id in stakes else None

    return listing.build(
        id="retention",
        query=select(Company).join(table, table.c.company_id == Company.id).options(joinedload(Company.owner)),
        columns=[
            listing.Column("company", _("Company"), lambda c: i18n.bi(c), sort=Company.sort_key, primary=True),
            listing.Column(
                "flow",
                _("Class"),
                lambda c: labels.FLOWS[flows[c.id]],
                cell=lambda c: labels.pill(labels.FLOWS[flows[c.id]], labels.FLOW_TONES[flows[c.id]]),
                sort=table.c.place,
                kind="status",
            ),
            listing.Column(
                "m2_before",
                _("m² last time"),
                stake(before, "net_m2"),
                cell=lambda c: i18n.m2(before[c.id].net_m2) if c.id in before else "–",
                sort=table.c.m2_before,
                kind="number",
            ),
            listing.Column(
                "m2_now",
                _("m² now"),
                stake(now, "net_m2"),
                cell=lambda c: i18n.m2(now[c.id].net_m2) if c.id in now else "–",
                sort=table.c.m2_now,
                kind="number",
            ),
            listing.Column(
                "amount_before",
                _("Amount last time"),
                stake(before, "amount"),
                cell=lambda c: i18n.money(before[c.id].amount, money) if c.id in before else "–",
                sort=table.c.amount_before,
                kind="number",
            ),
            listing.Column(
                "amount_now",
                _("Amount now"),
                stake(now, "amount"),
                cell=lambda c: i18n.money(now[c.id].amount, money) if c.id in now else "–",
                sort=table.c.amount_now,
                kind="number",
            ),
            listing.Column("country", _("Country"), lambda c: c.country, sort=Company.country, hide_on_phone=True),
            listing.Column("owner", _("Owner"), lambda c: c.owner.name if c.owner else "", hide_on_phone=True),
        ],
        default_sort="amount_before",
        default_desc=True,
        tie_break=Company.id,
        filters=[
            listing.Filter(
                "flow", _("Class"), [(f.value, labels.FLOWS[f]) for f in Flow], lambda v: table.c.place == place[v]
            ),
            owner_filter(),
        ],
        search=lambda q: listing.contains(Company.search_key, q),
        search_hint=_("Company"),
        empty=listing.Empty(
            "refresh",
            _("No exhibitors to compare yet"),
            _("Exhibitors of this edition and of the last one appear here."),
        ),
        row_url=company_url,
    )


def owner_filter(column: Any = Company.owner_id) -> listing.Filter:
    people = [(str(user.id), user.name) for user in queries.list_sellers()]
    return listing.Filter(
        "owner",
        _("Owner"),
        [("none", _("nobody")), *people],
        lambda v: column.is_(None) if v == "none" else column == int(v),
    )


def company_url(company: Company) -> str:
    return url_for("directory.company", company_id=company.id)


@requires(Permission.VIEW)
def at_risk() -> ResponseReturnValue:
    base = queries.find_base(g.edition, today())
    if base is None:
        return render_template("followup/retention_empty.html", found=None)
    outlook = queries.outlook_of(base, clock.now())
    waiting = outlook.waiting
    levels = {level: [c for c in waiting if outlook.risks[c].level == level] for level in labels.LEVELS}
    return render_template(
        "followup/at_risk.html",
        base=base,
        outlook=outlook,
        levels={
            level: (len(ids), sum((outlook.stakes[c].amount for c in ids), Decimal(0))) for level, ids in levels.items()
        },
        labels=labels,
        listing=_risks(outlook, waiting),
        high=HIGH,
        medium=MEDIUM,
    )


def _risks(outlook: queries.Outlook, waiting: list[int]) -> listing.Listing:
    table = queries.numbered(
        "risk", [(c, outlook.risks[c].score, outlook.stakes[c].amount) for c in waiting], "score", "amount"
    )
    currency = outlook.base.edition.currency
    bounds = {"high": (HIGH, 101), "medium": (MEDIUM, HIGH), "low": (0, MEDIUM)}

    def because(code: str) -> Any:
        return Company.id.in_([c for c in waiting if any(r.code == code for r in outlook.risks[c].reasons)])

    def level(value: str) -> Any:
        low, high = bounds[value]
        return (table.c.score >= low) & (table.c.score < high)

    def score(company: Company) -> Any:
        found = outlook.risks[company.id]
        return labels.pill(f"{found.score} · {labels.LEVELS[found.level]}", labels.LEVEL_TONES[found.level])

    return listing.build(
        id="at-risk",
        query=select(Company).join(table, table.c.company_id == Company.id).options(joinedload(Company.owner)),
        columns=[
            listing.Column("company", _("Company"), lambda c: i18n.bi(c), sort=Company.sort_key, primary=True),
            listing.Column(
                "score",
                _("Risk"),
                lambda c: outlook.risks[c.id].score,
                cell=score,
                sort=(table.c.score, table.c.amount),
            ),
            listing.Column(
                "reasons",
                _("Reasons"),
                lambda c: "; ".join(labels.sentence(r) for r in outlook.risks[c.id].reasons),
                cell=lambda c: labels.chips(outlook.risks[c.id].reasons),
            ),
            listing.Column(
                "amount",
                _("At stake"),
                lambda c: outlook.stakes[c.id].amount,
                cell=lambda c: i18n.money(outlook.stakes[c.id].amount, currency),
                sort=table.c.amount,
                kind="number",
            ),
            listing.Column(
                "m2",
                _("Stand"),
                lambda c: outlook.stakes[c.id].net_m2,
                cell=lambda c: i18n.m2(outlook.stakes[c.id].net_m2),
                kind="number",
                hide_on_phone=True,
            ),
            listing.Column("owner", _("Owner"), lambda c: c.owner.name if c.owner else "", hide_on_phone=True),
        ],
        default_sort="score",
        default_desc=True,
        tie_break=Company.id,
        filters=[
            listing.Filter("level", _("Risk"), list(labels.LEVELS.items()), level),
            listing.Filter("reason", _("Reason"), [(c, labels.RISK_RULES[c]) for c in CODES], because),
            owner_filter(),
        ],
        search=lambda q: listing.contains(Company.search_key, q),
        search_hint=_("Company"),
        empty=listing.Empty(
            "heart-handshake",
            _("Nobody is at risk"),
            _("Every exhibitor of the last edition has committed to the coming one."),
        ),
        row_url=company_url,
    )
