"""The rebooking desk: who comes back, at which date, against the last editions; and booking them on the spot."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import contains_eager

from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors import queries_rebooking as queries
from expo_crm.exhibitors.domain import rebooking as rules
from expo_crm.exhibitors.domain.contract import BINDING
from expo_crm.exhibitors.models import Contract, Opportunity
from expo_crm.exhibitors.services import booth_prices, first_refusal
from expo_crm.exhibitors.services import rebooking as services
from expo_crm.exhibitors.views import labels
from expo_crm.exhibitors.views.contracts import pill
from expo_crm.lib import clock
from expo_crm.shows.models import Edition
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

COURSE = tuple(range(0, 366, 15))
STANDS = {
    "booked": (_l("Rebooked"), "success"),
    "contract": (_l("Contract out"), "progress"),
    "talking": (_l("In talks"), "info"),
    "lost": (_l("Does not come"), "danger"),
    "open": (_l("Not asked yet"), "neutral"),
}


def _today() -> dt.date:
    return clock.local_day(clock.now(), g.edition.timezone)


def standing(chance: Opportunity | None, contract: Contract | None) -> str:
    """Where an exhibitor stands on its way into the next edition."""
    if contract is not None:
        return "booked" if contract.state in BINDING else "contract"
    if chance is None or chance.stage == "lead":
        return "open"
    return "lost" if chance.stage == "lost" else "talking"


class Way:
    """What the page's rows need, read in a constant number of queries."""

    def __init__(self, coming: Edition | None) -> None:
        self.coming = coming
        self.stands: dict[int, Any] = {}
        self.chances: dict[int, Opportunity] = {}
        self.contracts: dict[int, Contract] = {}
        self.rights: dict[int, Any] = {}

    def load(self, rows: list[Participation]) -> None:
        ids, companies = [r.id for r in rows], [r.company_id for r in rows]
        self.stands = queries.stands_of(ids)
        if self.coming is not None:
            self.chances = queries.chances_of(self.coming.id, companies)
            self.contracts = queries.contracts_of(self.coming.id, companies)
            self.rights = queries.rights_of(self.coming.id, ids)

    def of(self, row: Participation) -> str:
        return standing(self.chances.get(row.company_id), self.contracts.get(row.company_id))


@requires(Permission.VIEW)
def rebooking() -> ResponseReturnValue:
    coming = services.coming_edition(g.edition)
    today = _today()
    return render_template(
        "exhibitors/rebooking.html",
        coming=coming,
        listing=_listing(coming),
        rates=_rates(coming, today),
        chart=_chart(coming, today),
        today=today,
        offset=(today - g.edition.starts_on).days,
        rights=queries.count_rights(coming.id) if coming else {},
        until=queries.last_day(coming.id) if coming else None,
        may_sell=current_principal().can(Permission.SELL),
    )


def _rates(coming: Edition | None, today: dt.date) -> list[tuple[Edition, rules.Rate]]:
    """The rate of this edition today, and of the earlier ones at the same number of days after they opened."""
    offset = (today - g.edition.starts_on).days
    pairs = [
        *([(g.edition, coming)] if coming else []),
        *(p for p in queries.earlier_pairs(g.edition) if p[0].id != g.edition.id),
    ]
    return [
        (
            base,
            rules.rate(
                queries.exhibitors_of(base.id), queries.bound_on(after.id), base.starts_on + dt.timedelta(days=offset)
            ),
        )
        for base, after in pairs
    ]


def _chart(coming: Edition | None, today: dt.date) -> dict[str, Any] | None:
    pairs = [
        *([(g.edition, coming)] if coming else []),
        *(p for p in queries.earlier_pairs(g.edition) if p[0].id != g.edition.id),
    ]
    series = []
    for base, after in pairs:
        line = rules.course(queries.exhibitors_of(base.id), queries.bound_on(after.id), base.starts_on, COURSE)
        reached = (today - base.starts_on).days
        series.append(
            {
                "name": i18n.bi(base),
                "values": [round(share * 100, 1) if share is not None and n <= reached else None for n, share in line],
            }
        )
    if not any(v is not None for s in series for v in s["values"]):
        return None
    return {"kind": "line", "format": "number", "unit": "%", "categories": [str(n) for n in COURSE], "series": series}


def _listing(coming: Edition | None) -> listing.Listing:
    way = Way(coming)
    me = current_principal().id

    def by_standing(value: str) -> Any:
        if coming is None:
            return None
        contract = exists().where(
            Contract.edition_id == coming.id,
            Contract.company_id == Participation.company_id,
            Contract.state.in_(BINDING),
        )
        out = exists().where(
            Contract.edition_id == coming.id,
            Contract.company_id == Participation.company_id,
            Contract.state.in_(("draft", "sent")),
        )
        chance = select(Opportunity.id).where(
            Opportunity.edition_id == coming.id, Opportunity.company_id == Participation.company_id
        )
        lost = chance.where(Opportunity.stage == "lost").exists()
        talking = chance.where(Opportunity.stage.not_in(("lead", "lost"))).exists()
        return {
            "booked": contract,
            "contract": out,
            "lost": and_(lost, ~contract, ~out),
            "talking": and_(talking, ~contract, ~out),
            "open": and_(~talking, ~lost, ~contract, ~out),
        }[value]

    def stand(row: Participation) -> str:
        return ", ".join(b.code for b in way.stands.get(row.id, ())) or row.stands

    def right(row: Participation) -> str:
        open_ones = [r for r in way.rights.get(row.id, ()) if r.state == "open"]
        return (
            _(
                "%(codes)s until %(day)s",
                codes=", ".join(r.booth.code for r in open_ones),
                day=i18n.date(open_ones[0].until),
            )
            if open_ones
            else ""
        )

    return listing.build(
        id="rebooking",
        query=select(Participation)
        .join(Participation.company)
        .where(
            Participation.edition_id == g.edition.id,
            Participation.role.in_(queries.COUNTED),
            Participation.outcome.in_(("exhibited", "planned")),
        )
        .options(contains_eager(Participation.company).joinedload(Company.owner)),
        columns=[
            listing.Column("company", _("Company"), lambda p: i18n.bi(p.company), sort=Company.sort_key, primary=True),
            listing.Column("stand", _("Stand"), stand),
            listing.Column(
                "area",
                _("Net m²"),
                lambda p: p.net_m2,
                cell=lambda p: i18n.number(p.net_m2),
                sort=Participation.net_m2,
                kind="number",
            ),
            listing.Column(
                "standing",
                _("Next edition"),
                lambda p: str(STANDS[way.of(p)][0]),
                cell=lambda p: pill(*STANDS[way.of(p)]),
                kind="status",
            ),
            listing.Column("right", _("First refusal"), right),
            listing.Column(
                "owner",
                _("Owner"),
                lambda p: p.company.owner.name if p.company.owner else "",
                sort=Company.owner_id,
                hide_on_phone=True,
            ),
        ],
        default_sort="company",
        tie_break=Participation.id,
        filters=[
            listing.Filter(
                "standing", _("Next edition"), [(key, label) for key, (label, _tone) in STANDS.items()], by_standing
            ),
            listing.Filter("mine", _("Mine"), [("1", _("Mine"))], lambda v: Company.owner_id == me, kind="check"),
        ],
        search=lambda words: or_(
            listing.contains(Company.search_key, words), Participation.stands.contains(words, autoescape=True)
        ),
        search_hint=_("Company, pinyin or stand"),
        empty=listing.Empty("refresh", _("Nobody exhibits in this edition yet"), ""),
        row_url=lambda p: url_for("exhibitors.rebook_desk", participation_id=p.id),
        load=way.load,
    )


def _find(participation_id: int) -> Participation:
    found = queries.find_participation(g.edition.id, participation_id)
    if found is None:
        abort(404)
    return found


def _coming() -> Edition:
    coming = services.coming_edition(g.edition)
    if coming is None:
        raise Refused(_("There is no next edition yet. Make it first."), 409)
    return coming


@requires(Permission.VIEW)
def rebook_desk(participation_id: int) -> ResponseReturnValue:
    """One exhibitor at the desk: its stand now, what is offered next time."""
    found, coming = _find(participation_id), services.coming_edition(g.edition)
    way = Way(coming)
    way.load([found])
    rights = way.rights.get(found.id, [])
    free = queries.free_booths(coming.id) if coming else []
    chance = way.chances.get(found.company_id)
    shown = [*free, *(right.booth for right in rights)]
    return render_template(
        "exhibitors/rebook_desk.html",
        participation=found,
        coming=coming,
        stands=way.stands.get(found.id, []),
        rights=rights,
        chance=chance,
        prices=booth_prices.sheet(coming, shown, booth_prices.today_of(coming), opportunity_id=chance.id if chance else None).prices
        if coming
        else {},
        contract=way.contracts.get(found.company_id),
        standing=STANDS[way.of(found)],
        free=free,
        reasons=labels.LOST_REASONS,
        may_sell=current_principal().can(Permission.SELL),
    )


@requires(Permission.SELL)
def rebook(participation_id: int) -> ResponseReturnValue:
    found, coming = _find(participation_id), _coming()
    chosen = [int(v) for v in request.form.getlist("booth") if v.isdecimal() and len(v) < 16]
    with labels.answering():
        contract = services.rebook(found, coming, chosen, owner_id=current_principal().id, locale=i18n.locale())
    flash(_("Rebooked: contract %(number)s is ready to sign.", number=contract.number), "success")
    return redirect(url_for("exhibitors.contract", edition=coming.slug, contract_id=contract.id))


@requires(Permission.SELL)
def rebook_decline(participation_id: int) -> ResponseReturnValue:
    found, coming = _find(participation_id), _coming()
    with labels.answering():
        services.decline(found, coming, request.form.get("reason", ""), owner_id=current_principal().id)
    flash(_("Noted: does not come back. Its stand is free for others."), "success")
    return redirect(url_for("exhibitors.rebook_desk", participation_id=found.id))


@requires(Permission.SELL)
def grant_first_refusal() -> ResponseReturnValue:
    """Everybody's right to the own stand, until a day; or another last day for those that stand already."""
    coming = _coming()
    try:
        until = dt.date.fromisoformat(request.form.get("until", ""))
    except ValueError:
        raise Refused(_("Please give the last day."), 422) from None
    if not _today() <= until <= _today() + dt.timedelta(days=730):
        raise Refused(_("The last day must be between today and two years ahead."), 422)
    if request.form.get("what") == "prolong":
        count = first_refusal.prolong(coming.id, until)
        flash(ngettext("%(num)s right lasts longer now.", "%(num)s rights last until the new day.", count), "success")
    else:
        made = first_refusal.grant_all(g.edition, coming, until)
        flash(
            ngettext(
                "%(num)s exhibitor has the first refusal on its stand.",
                "%(num)s exhibitors have the first refusal on their stands.",
                made.new,
            ),
            "success",
        )
        if made.without:
            flash(_("Not on the plan of the next edition: %(codes)s", codes=", ".join(made.without[:30])), "warning")
    return redirect(url_for("exhibitors.rebooking"))
