"""What recruitment and contracts add to the company page."""

from __future__ import annotations

from decimal import Decimal

from flask import g, render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from expo_crm.accounts.models import User
from expo_crm.db import db
from expo_crm.directory import timeline
from expo_crm.directory.timeline import Figure, TimelineItem
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.contract import BINDING, ContractState
from expo_crm.exhibitors.models import Contract, Opportunity, StageChange
from expo_crm.exhibitors.views import labels
from expo_crm.lib import clock
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Edition
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, current_principal


def items(company_id: int) -> list[TimelineItem]:
    """Changes of stage and the steps of contracts."""
    return [*_stage_items(company_id), *_contract_items(company_id)]


def _stage_items(company_id: int) -> list[TimelineItem]:
    rows = db.session.execute(
        select(StageChange, Edition, User.name)
        .join(Opportunity, Opportunity.id == StageChange.opportunity_id)
        .join(Edition, Edition.id == Opportunity.edition_id)
        .outerjoin(User, User.id == StageChange.user_id)
        .where(Opportunity.company_id == company_id)
    )
    out = []
    for change, edition, who in rows:
        label = labels.STAGES.get(change.after, change.after)
        title = _("Stage: %(stage)s", stage=label) if change.before else _("Opportunity started")
        url = url_for("exhibitors.opportunity", edition=edition.slug, opportunity_id=change.opportunity_id)
        tone = labels.STAGE_TONES.get(change.after, "neutral")
        out.append(
            TimelineItem(
                change.at, "recruitment", "layout-kanban", title, tone, i18n.bi(edition), url, who or "", "before"
            )
        )
    return out


def _contracts(company_id: int) -> list[Contract]:
    return timeline.once("contracts", company_id, queries.list_contracts_of_company)


def _contract_items(company_id: int) -> list[TimelineItem]:
    out = []
    for contract in _contracts(company_id):
        url = url_for("exhibitors.contract", edition=contract.edition.slug, contract_id=contract.id)
        booths = ", ".join(sorted(row.booth.code for row in contract.booths))
        body = f"{booths} · {i18n.m2(contract.net_m2)} · {i18n.money(contract.total, contract.currency)}"
        title = _("Contract %(number)s is drafted.", number=contract.number)
        out.append(TimelineItem(contract.created_at, "contract", "file-text", title, "info", body, url, "", "before"))
        if contract.signed_on:
            at, _end = clock.day_bounds(contract.signed_on, contract.edition.timezone)
            title = _("Contract %(number)s is signed", number=contract.number)
            out.append(
                TimelineItem(at, "contract", "writing-sign", title, "success", body, url, contract.signed_by, "before")
            )
    return out


def panel(company_id: int) -> Markup | None:
    """Opportunities by edition with their contracts; and the way to start one."""
    opportunities = list(
        db.session.scalars(
            select(Opportunity)
            .join(Opportunity.edition)
            .where(Opportunity.company_id == company_id)
            .options(contains_eager(Opportunity.edition), joinedload(Opportunity.owner))
            .order_by(Edition.starts_on.desc())
        )
    )
    contracts: dict[int, list[Contract]] = {}
    for contract in _contracts(company_id):
        contracts.setdefault(contract.opportunity_id, []).append(contract)
    edition = g.get("edition") or shows.find_default_edition()
    missing = edition is not None and all(o.edition_id != edition.id for o in opportunities)
    may_start = missing and current_principal().can(Permission.SELL)
    if not opportunities and not may_start:
        return None
    return Markup(
        render_template(
            "exhibitors/_company.html",
            opportunities=opportunities,
            contracts=contracts,
            labels=labels,
            start_in=edition if may_start else None,
            company_id=company_id,
        )
    )


def figures(company_id: int) -> list[Figure]:
    """What is contracted for editions that are not over."""
    today = clock.now().date()
    live = [
        c
        for c in _contracts(company_id)
        if c.state in BINDING and c.edition.ends_on >= today and c.state != ContractState.CANCELLED
    ]
    if not live:
        return []
    amount = sum((c.net for c in live), Decimal(0))
    area = sum((c.net_m2 for c in live), Decimal(0))
    return [
        Figure(
            _("Contracted"),
            i18n.money(amount, live[0].currency),
            "file-text",
            i18n.m2(area),
            _("Net price of signed contracts for editions that are not over, without tax."),
        )
    ]
