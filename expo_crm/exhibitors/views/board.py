"""The recruitment board: every opportunity of the edition by stage, with what it is worth."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors import queries
from expo_crm.exhibitors.domain.opportunity import BY_HAND, OPEN, WON, Source, Stage
from expo_crm.exhibitors.models import Opportunity
from expo_crm.exhibitors.queries_quotes import list_competitors
from expo_crm.exhibitors.services import opportunities
from expo_crm.exhibitors.views import labels
from expo_crm.lib import clock, text
from expo_crm.shows.models import Edition
from expo_crm.web import listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

SHOWN = 40
"""Cards of a column before "show all": four hundred in one column help nobody."""
FOUND = 20


@dataclass
class Column:
    """One stage of the board."""

    stage: Stage
    label: Any
    tone: str
    count: int = 0
    m2: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    cards: list[Opportunity] = field(default_factory=list)


def _conditions() -> tuple[list[ColumnElement[bool]], dict[str, str]]:
    """The filters of the address; what is unknown is left out."""
    args = request.args
    where: list[ColumnElement[bool]] = [Opportunity.edition_id == g.edition.id]
    used: dict[str, str] = {}

    def use(key: str, value: str, condition: ColumnElement[bool]) -> None:
        where.append(condition)
        used[key] = value

    owner = args.get("owner", "")
    if owner == "none":
        use("owner", owner, Opportunity.owner_id.is_(None))
    elif owner.isascii() and owner.isdigit() and len(owner) < 10:
        use("owner", owner, Opportunity.owner_id == int(owner))
    if args.get("source") in set(Source):
        use("source", args["source"], Opportunity.source == args["source"])
    if sector := text.clean(args.get("sector", ""))[:300]:
        use("sector", sector, Opportunity.company.has(Company.industry == sector))
    if q := text.clean(args.get("q", ""))[:100]:
        use("q", q, Opportunity.company.has(listing.contains(Company.search_key, q)))
    return where, used


def _columns(where: list[ColumnElement[bool]]) -> list[Column]:
    """The stages with their totals, without cards."""
    rows = db.session.execute(
        select(
            Opportunity.stage,
            func.count(),
            func.sum(Opportunity.expected_m2),
            func.sum(Opportunity.expected_amount),
        )
        .where(*where)
        .group_by(Opportunity.stage)
    )
    totals = {stage: (count, m2, amount) for stage, count, m2, amount in rows}
    out = []
    for stage in Stage:
        count, m2, amount = totals.get(stage.value, (0, Decimal(0), Decimal(0)))
        out.append(Column(stage, labels.STAGES[stage], labels.STAGE_TONES[stage], count, m2, amount))
    return out


def _summary(columns: list[Column]) -> dict[str, Any]:
    def add(stages: tuple[Stage, ...]) -> dict[str, Any]:
        chosen = [c for c in columns if c.stage in stages]
        return {
            "count": sum(c.count for c in chosen),
            "m2": sum((c.m2 for c in chosen), Decimal(0)),
            "amount": sum((c.amount for c in chosen), Decimal(0)),
        }

    working = tuple(s for s in OPEN if s not in WON)
    return {"working": add(working), "won": add(WON), "lost": add((Stage.LOST,))}


def _fill(columns: list[Column], where: list[ColumnElement[bool]], more: str) -> None:
    """The first cards of each column, all of the column ``more``: only these are read, an edition has thousands."""
    order = (Opportunity.next_on.is_(None), Opportunity.next_on, Opportunity.stage_at, Opportunity.id)
    place = func.row_number().over(partition_by=Opportunity.stage, order_by=order).label("place")
    ranked = select(Opportunity.id, Opportunity.stage, place).where(*where).subquery()
    found = db.session.scalars(
        select(Opportunity)
        .join(ranked, ranked.c.id == Opportunity.id)
        .join(Opportunity.company)
        .where(or_(ranked.c.place <= SHOWN, ranked.c.stage == more))
        .options(contains_eager(Opportunity.company), joinedload(Opportunity.owner))
        .order_by(ranked.c.place)
    )
    by_stage = {column.stage.value: column for column in columns}
    for card in found:
        by_stage[card.stage].cards.append(card)


@requires(Permission.VIEW)
def board() -> ResponseReturnValue:
    where, used = _conditions()
    columns = _columns(where)
    _fill(columns, where, request.args.get("more", ""))
    wanted = request.args.get("stage", "")
    current = wanted if wanted in set(Stage) else next((c.stage.value for c in columns if c.cards), Stage.LEAD.value)
    return render_template(
        "exhibitors/board.html",
        columns=columns,
        summary=_summary(columns),
        used=used,
        current=current,
        today=_today(),
        now=clock.now(),
        owners=queries.list_owners(g.edition.id),
        sectors=queries.list_sectors(g.edition.id),
        sources=labels.SOURCES,
        stages=labels.STAGES,
        reasons=labels.LOST_REASONS,
        competitors=list_competitors(g.edition.show_id),
        by_hand=BY_HAND,
        may_sell=current_principal().can(Permission.SELL),
        me=current_principal().id,
    )


def _today() -> dt.date:
    return clock.local_day(clock.now(), g.edition.timezone)


@requires(Permission.SELL)
def move(opportunity_id: int) -> ResponseReturnValue:
    """Move a card. Asked by the board it answers the card and the new heads; else it goes back to the page."""
    found = queries.find_opportunity(g.edition.id, opportunity_id)
    if found is None:
        abort(404)
    version = request.form.get("version", "")
    if version and version != str(found.version):
        raise Refused(_("A colleague has changed this card in the meantime. Reload the page and look again."), 409)
    with labels.answering():
        opportunities.move(
            found,
            request.form.get("stage", ""),
            reason=request.form.get("lost_reason", ""),
            lost_to=_show_asked() if request.form.get("stage") == Stage.LOST else None,
        )
    if not request.headers.get("HX-Request"):
        flash(_("Moved to “%(stage)s”.", stage=labels.STAGES[Stage(found.stage)]), "success")
        return redirect(url_for("exhibitors.opportunity", opportunity_id=found.id))
    where, _used = _conditions()
    columns = _columns(where)
    return render_template(
        "exhibitors/_moved.html",
        card=found,
        columns=columns,
        summary=_summary(columns),
        today=_today(),
        now=clock.now(),
        may_sell=True,
    )


def _show_asked() -> int | None:
    """The competitor's show that was named; what is no number is none of the list."""
    typed = request.form.get("lost_to", "")
    if not typed:
        return None
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else 0


@requires(Permission.SELL)
def new_opportunity() -> ResponseReturnValue:
    """Look for a company and start an opportunity with it."""
    if request.method == "POST":
        raw = request.form.get("company_id", "")
        company = db.session.get(Company, int(raw)) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
        if company is None:
            abort(404)
        made = opportunities.create_opportunity(
            g.edition, company, owner_id=company.owner_id or current_principal().id, source=_source_of(company)
        )
        return redirect(url_for("exhibitors.opportunity", opportunity_id=made.id))
    q = text.clean(request.args.get("q", ""))[:100]
    return render_template("exhibitors/new_opportunity.html", q=q, found=_companies(q) if q else [], limit=FOUND)


def _companies(q: str) -> list[tuple[Company, Opportunity | None]]:
    rows = db.session.execute(
        select(Company, Opportunity)
        .outerjoin(Opportunity, (Opportunity.company_id == Company.id) & (Opportunity.edition_id == g.edition.id))
        .where(listing.contains(Company.search_key, q))
        .order_by(Company.sort_key, Company.id)
        .limit(FOUND)
    )
    return [(company, existing) for company, existing in rows]


def _source_of(company: Company) -> str:
    """Rebooking when it was there last time, win back when it was there before, else new."""
    seen = set(
        db.session.scalars(
            select(Participation.edition_id)
            .join(Edition, Edition.id == Participation.edition_id)
            .where(
                Participation.company_id == company.id,
                Participation.outcome == "exhibited",
                Edition.show_id == g.edition.show_id,
                Edition.starts_on < g.edition.starts_on,
            )
        )
    )
    if not seen:
        return Source.NEW.value
    return Source.REBOOKING.value if g.edition.previous_id in seen else Source.WON_BACK.value
