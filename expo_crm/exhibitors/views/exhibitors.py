"""Who exhibits: the participations of the edition with contract and money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import contains_eager

from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import Standing
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.domain.contract import LIVE
from expo_crm.exhibitors.models import Contract
from expo_crm.exhibitors.views import labels
from expo_crm.exhibitors.views.contracts import pill
from expo_crm.web import i18n, listing
from expo_crm.web.policy import Permission, requires

NOTHING = Standing()


class Sales:
    """Contract and money of the companies on a page, read in two queries however many there are."""

    def __init__(self) -> None:
        self.contracts: dict[int, Contract] = {}
        self.standings: dict[int, Standing] = {}

    def load(self, rows: list[Participation]) -> None:
        found = db.session.scalars(
            select(Contract)
            .where(
                Contract.edition_id == g.edition.id,
                Contract.company_id.in_([r.company_id for r in rows]),
                Contract.state.in_(LIVE),
            )
            .order_by(Contract.id)
        )
        self.contracts = {c.company_id: c for c in found}
        self.standings = billing.standings_of(c.id for c in self.contracts.values())

    def contract(self, row: Participation) -> Contract | None:
        return self.contracts.get(row.company_id)

    def standing(self, row: Participation) -> Standing:
        contract = self.contract(row)
        return self.standings.get(contract.id, NOTHING) if contract else NOTHING


def _live_contract(*states: str) -> Any:
    wanted = states or LIVE
    return exists().where(
        Contract.edition_id == Participation.edition_id,
        Contract.company_id == Participation.company_id,
        Contract.state.in_(wanted),
    )


def _by_contract(value: str) -> Any:
    return ~_live_contract() if value == "none" else _live_contract(value)


@requires(Permission.VIEW)
def exhibitors() -> ResponseReturnValue:
    sales = Sales()

    def state(row: Participation) -> Any:
        contract = sales.contract(row)
        return labels.CONTRACT_STATES[contract.state] if contract else ""

    def state_cell(row: Participation) -> Any:
        contract = sales.contract(row)
        return pill(labels.CONTRACT_STATES[contract.state], labels.CONTRACT_TONES[contract.state]) if contract else ""

    def paid(row: Participation) -> Decimal | None:
        return sales.standing(row).received if sales.contract(row) else None

    currency = g.edition.currency
    contract_choices = [(str(s), labels.CONTRACT_STATES[s]) for s in LIVE] + [("none", _("No contract"))]
    page = listing.build(
        id="exhibitors",
        query=select(Participation)
        .join(Participation.company)
        .where(Participation.edition_id == g.edition.id)
        .options(contains_eager(Participation.company).load_only(Company.name_zh, Company.name_en, Company.industry)),
        columns=[
            listing.Column("company", _("Company"), lambda p: i18n.bi(p.company), sort=Company.sort_key, primary=True),
            listing.Column("role", _("Exhibits as"), lambda p: labels.ROLES[p.role], sort=Participation.role),
            listing.Column("stands", _("Stands"), lambda p: p.stands, sort=Participation.stands),
            listing.Column(
                "m2",
                _("Net m²"),
                lambda p: p.net_m2,
                cell=lambda p: i18n.m2(p.net_m2),
                sort=Participation.net_m2,
                kind="number",
            ),
            listing.Column(
                "amount",
                _("Amount"),
                lambda p: p.amount,
                cell=lambda p: i18n.money(p.amount, currency),
                sort=Participation.amount,
                kind="number",
            ),
            listing.Column("contract", _("Contract"), state, cell=state_cell, kind="status"),
            listing.Column(
                "paid",
                _("Money received"),
                paid,
                cell=lambda p: "" if paid(p) is None else i18n.money(paid(p), currency),
                kind="number",
            ),
            listing.Column("sector", _("Sector"), lambda p: p.sector or p.company.industry, hide_on_phone=True),
            listing.Column(
                "outcome",
                _("Participation"),
                lambda p: labels.OUTCOMES[p.outcome],
                cell=lambda p: pill(labels.OUTCOMES[p.outcome], labels.OUTCOME_TONES[p.outcome]),
                sort=Participation.outcome,
                kind="status",
            ),
        ],
        default_sort="company",
        tie_break=Participation.id,
        filters=[
            listing.Filter("role", _("Exhibits as"), list(labels.ROLES.items()), lambda v: Participation.role == v),
            listing.Filter(
                "outcome", _("Participation"), list(labels.OUTCOMES.items()), lambda v: Participation.outcome == v
            ),
            listing.Filter("contract", _("Contract"), contract_choices, _by_contract),
        ],
        search=lambda q: listing.contains(Company.search_key, q) | Participation.stands.contains(q, autoescape=True),
        search_hint=_("Company or stand"),
        empty=listing.Empty(
            "building-store",
            _("No exhibitors yet"),
            _("They appear here with their first signed contract, or by import of a list."),
            url_for("exhibitors.board"),
            _("To the board"),
        ),
        row_url=lambda p: url_for("directory.company", company_id=p.company_id),
        load=sales.load,
    )
    return render_template("exhibitors/exhibitors.html", listing=page)
