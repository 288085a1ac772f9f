"""Shows of others: who exhibits there, a list pasted in, and who of them is not with us."""

from __future__ import annotations

import re
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import exists, func, select
from sqlalchemy.orm import contains_eager, joinedload

from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors import queries_quotes as queries
from expo_crm.exhibitors.models import CompetitorPresence, CompetitorShow, Opportunity
from expo_crm.exhibitors.pipeline_forms import CompetitorForm
from expo_crm.exhibitors.services import competitors as services
from expo_crm.exhibitors.views import labels
from expo_crm.lib import clock
from expo_crm.sheets.errors import SheetRefused
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

SOURCES: dict[str, Any] = {"list": _l("Exhibitor list"), "seen": _l("Seen on site"), "told": _l("Told by somebody")}
MOST_AT_ONCE = 500


def _today() -> Any:
    return clock.local_day(clock.now(), g.edition.timezone)


def _get(competitor_id: int) -> CompetitorShow:
    found = queries.find_competitor(g.edition.show_id, competitor_id)
    if found is None:
        abort(404)
    return found


@requires(Permission.VIEW)
def competitors() -> ResponseReturnValue:
    return _list_page()


def _list_page(form: CompetitorForm | None = None) -> str:
    return render_template(
        "exhibitors/competitors.html",
        shows=queries.list_competitors(g.edition.show_id),
        counts=queries.count_presences(g.edition.show_id),
        listing=_prospects(),
        form=form or CompetitorForm(formdata=None),
        may_sell=current_principal().can(Permission.SELL),
    )


def _prospects() -> listing.Listing:
    """Companies at a competitor's show that neither exhibit here nor are being recruited."""
    edition_id, show_id = g.edition.id, g.edition.show_id
    ours = exists().where(
        Participation.company_id == Company.id,
        Participation.edition_id == edition_id,
        Participation.outcome.in_(("planned", "exhibited")),
    )
    asked = exists().where(Opportunity.company_id == Company.id, Opportunity.edition_id == edition_id)
    there = (
        select(
            CompetitorPresence.company_id.label("company_id"),
            func.count().label("shows"),
            func.max(CompetitorPresence.m2).label("m2"),
            func.max(CompetitorPresence.seen_on).label("seen_on"),
        )
        .join(CompetitorShow, CompetitorShow.id == CompetitorPresence.competitor_show_id)
        .where(CompetitorShow.show_id == show_id)
        .group_by(CompetitorPresence.company_id)
        .subquery()
    )
    names: dict[int, str] = {}

    def load(rows: list[Any]) -> None:
        found = db.session.execute(
            select(CompetitorPresence.company_id, CompetitorShow)
            .join(CompetitorShow, CompetitorShow.id == CompetitorPresence.competitor_show_id)
            .where(CompetitorShow.show_id == show_id, CompetitorPresence.company_id.in_([r.id for r in rows]))
            .order_by(CompetitorShow.id)
        )
        for company_id, shown in found:
            names[company_id] = "; ".join(filter(None, (names.get(company_id), i18n.bi(shown))))

    def at_show(value: str) -> Any:
        if not value.isdecimal() or len(value) > 9:
            return None
        return exists().where(
            CompetitorPresence.company_id == Company.id, CompetitorPresence.competitor_show_id == int(value)
        )

    return listing.build(
        id="prospects",
        query=select(Company, Company.id.label("id"), there.c.shows, there.c.m2, there.c.seen_on)
        .join(there, there.c.company_id == Company.id)
        .where(~ours, ~asked)
        .options(joinedload(Company.owner)),
        scalars=False,
        columns=[
            listing.Column("company", _("Company"), lambda r: i18n.bi(r.Company), sort=Company.sort_key, primary=True),
            listing.Column("shows", _("Exhibits at"), lambda r: names.get(r.id, "")),
            listing.Column(
                "m2",
                _("m² there"),
                lambda r: r.m2,
                cell=lambda r: i18n.m2(r.m2) if r.m2 else None,
                sort=there.c.m2,
                kind="number",
            ),
            listing.Column(
                "seen",
                _("Seen on"),
                lambda r: i18n.date(r.seen_on),
                sort=there.c.seen_on,
                kind="date",
                hide_on_phone=True,
            ),
            listing.Column(
                "sector", _("Sector"), lambda r: r.Company.industry, sort=Company.industry, hide_on_phone=True
            ),
            listing.Column(
                "owner", _("Owner"), lambda r: r.Company.owner.name if r.Company.owner else "", hide_on_phone=True
            ),
        ],
        default_sort="m2",
        default_desc=True,
        tie_break=Company.id,
        filters=[
            listing.Filter(
                "show", _("Show"), [(str(s.id), i18n.bi(s)) for s in queries.list_competitors(show_id)], at_show
            )
        ],
        search=lambda q: listing.contains(Company.search_key, q),
        search_hint=_("Company"),
        empty=listing.Empty(
            "building-store",
            _("Nobody is missing"),
            _("Every company known at other shows exhibits here or is being recruited."),
        ),
        row_url=lambda r: url_for("directory.company", company_id=r.id),
        bulk=[listing.Bulk(url_for("exhibitors.take_prospects"), _("Make opportunities"), "layout-kanban")]
        if current_principal().can(Permission.SELL)
        else [],
        load=load,
    )


@requires(Permission.SELL)
def take_prospects() -> ResponseReturnValue:
    """An opportunity with each chosen company."""
    ids = [int(v) for v in request.form.getlist("ids")[:MOST_AT_ONCE] if re.fullmatch(r"\d{1,12}", v, re.ASCII)]
    chosen = list(db.session.scalars(select(Company).where(Company.id.in_(ids))))
    if not chosen:
        raise Refused(_("Please choose companies first."), 422)
    made = services.take_up(g.edition, chosen, current_principal().id)
    flash(ngettext("%(num)s opportunity made.", "%(num)s opportunities made.", made), "success")
    return redirect(url_for("exhibitors.competitors"))


@requires(Permission.SELL)
def new_competitor() -> ResponseReturnValue:
    form = CompetitorForm()
    if not form.validate_on_submit():
        return _list_page(form), 422
    made = services.save_show(g.edition.show, **_values(form))
    return redirect(url_for("exhibitors.competitor", competitor_id=made.id))


def _values(form: CompetitorForm) -> dict[str, Any]:
    return {
        "name_zh": form.name_zh.data or "",
        "name_en": form.name_en.data or "",
        "city": form.city.data or "",
        "starts_on": form.starts_on.data,
        "ends_on": form.ends_on.data,
        "url": form.url.data or "",
    }


@requires(Permission.VIEW)
def competitor(competitor_id: int) -> ResponseReturnValue:
    return _page(_get(competitor_id))


def _page(found: CompetitorShow, form: CompetitorForm | None = None, pasted: str = "", error: str = "") -> str:
    with_us = exists().where(
        Participation.company_id == Company.id,
        Participation.edition_id == g.edition.id,
        Participation.outcome.in_(("planned", "exhibited")),
    )
    stage = (
        select(Opportunity.stage)
        .where(Opportunity.company_id == Company.id, Opportunity.edition_id == g.edition.id)
        .scalar_subquery()
    )
    page = listing.build(
        id="presences",
        query=select(CompetitorPresence, with_us.label("ours"), stage.label("stage"), CompetitorPresence.id.label("id"))
        .join(CompetitorPresence.company)
        .where(CompetitorPresence.competitor_show_id == found.id)
        .options(contains_eager(CompetitorPresence.company)),
        scalars=False,
        columns=[
            listing.Column(
                "company",
                _("Company"),
                lambda r: i18n.bi(r.CompetitorPresence.company),
                sort=Company.sort_key,
                primary=True,
            ),
            listing.Column("stand", _("Stand"), lambda r: r.CompetitorPresence.stand),
            listing.Column(
                "m2",
                "m²",
                lambda r: r.CompetitorPresence.m2,
                cell=lambda r: i18n.m2(r.CompetitorPresence.m2) if r.CompetitorPresence.m2 else None,
                sort=CompetitorPresence.m2,
                kind="number",
            ),
            listing.Column(
                "ours", _("With us"), lambda r: _("Exhibits") if r.ours else labels.STAGES[r.stage] if r.stage else ""
            ),
            listing.Column(
                "seen",
                _("Seen on"),
                lambda r: i18n.date(r.CompetitorPresence.seen_on),
                sort=CompetitorPresence.seen_on,
                kind="date",
            ),
            listing.Column(
                "source", _("Source"), lambda r: SOURCES.get(r.CompetitorPresence.source, ""), hide_on_phone=True
            ),
        ],
        default_sort="company",
        tie_break=CompetitorPresence.id,
        search=lambda q: listing.contains(Company.search_key, q),
        search_hint=_("Company"),
        empty=listing.Empty("building-store", _("No companies yet"), _("Paste the exhibitor list of this show below.")),
        row_url=lambda r: url_for("directory.company", company_id=r.CompetitorPresence.company_id),
        bulk=[
            listing.Bulk(
                url_for("exhibitors.forget_presences", competitor_id=found.id),
                _("Take off the list"),
                "trash",
                _("Take the chosen companies off this list?"),
            )
        ]
        if current_principal().can(Permission.SELL)
        else [],
    )
    return render_template(
        "exhibitors/competitor.html",
        competitor=found,
        listing=page,
        form=form or CompetitorForm(formdata=None, obj=found),
        pasted=pasted,
        error=error,
        sources=SOURCES,
        today=_today(),
        most=services.MOST_LINES,
        may_sell=current_principal().can(Permission.SELL),
    )


@requires(Permission.SELL)
def edit_competitor(competitor_id: int) -> ResponseReturnValue:
    found = _get(competitor_id)
    form = CompetitorForm()
    if not form.validate_on_submit():
        return _page(found, form), 422
    services.save_show(g.edition.show, found, **_values(form))
    flash(_("Saved."), "success")
    return redirect(url_for("exhibitors.competitor", competitor_id=found.id))


@requires(Permission.SELL)
def delete_competitor(competitor_id: int) -> ResponseReturnValue:
    services.delete_show(_get(competitor_id))
    flash(_("The show is removed."), "success")
    return redirect(url_for("exhibitors.competitors"))


@requires(Permission.SELL)
def forget_presences(competitor_id: int) -> ResponseReturnValue:
    found = _get(competitor_id)
    ids = [v for v in request.form.getlist("ids")[:MOST_AT_ONCE] if re.fullmatch(r"\d{1,12}", v, re.ASCII)]
    rows = [row for v in ids if (row := queries.find_presence(found.id, int(v)))]
    for row in rows:
        services.forget(row)
    flash(
        ngettext("%(num)s company taken off the list.", "%(num)s companies taken off the list.", len(rows)), "success"
    )
    return redirect(url_for("exhibitors.competitor", competitor_id=found.id))


@requires(Permission.SELL)
def match_competitor_list(competitor_id: int) -> ResponseReturnValue:
    """A pasted or uploaded list, matched with the customer file; nothing is stored before somebody has looked through it."""
    found = _get(competitor_id)
    pasted = request.form.get("lines", "")[:200_000]
    upload = request.files.get("file")
    try:
        data = upload.read() if upload is not None and upload.filename else b""
        entries = (
            services.read_file(data, upload.filename or "")
            if upload is not None and data
            else services.read_lines(pasted)
        )
    except SheetRefused:
        return _page(
            found, pasted=pasted, error=_("This file is no table that can be read. Save it as CSV or XLSX.")
        ), 422
    if not entries:
        return _page(found, pasted=pasted, error=_("There is no company name in it.")), 422
    if len(entries) > services.MOST_LINES:
        message = _(
            "At most %(most)s names at once; these are %(n)s. Please take it in parts.",
            most=services.MOST_LINES,
            n=len(entries),
        )
        return _page(found, pasted=pasted, error=message), 422
    return render_template(
        "exhibitors/competitor_match.html",
        competitor=found,
        matched=services.match(entries),
        sources=SOURCES,
        today=_today(),
    )


@requires(Permission.SELL)
def take_competitor_list(competitor_id: int) -> ResponseReturnValue:
    """Store what was looked through. Each line says: a company's id, new, or skip."""
    found = _get(competitor_id)
    form = request.form
    count = form.get("count", "")
    if not re.fullmatch(r"\d{1,4}", count, re.ASCII) or int(count) > services.MOST_LINES:
        abort(400)
    seen_on = _today()
    source = form.get("source", "") if form.get("source", "") in SOURCES else "list"
    wanted: list[tuple[services.Entry, str]] = []
    for place in range(int(count)):
        choice = form.get(f"choice-{place}", "skip")
        parts = (form.get(f"name-{place}", ""), form.get(f"stand-{place}", ""), form.get(f"m2-{place}", ""))
        entries = services.read_lines("\t".join(re.sub(r"[\t\r\n;；|]", " ", part) for part in parts))
        if entries and choice != "skip":
            wanted.append((entries[0], choice))
    ids = {int(c) for _e, c in wanted if re.fullmatch(r"\d{1,12}", c, re.ASCII)}
    by_id = {c.id: c for c in directory.list_companies(ids)}
    known = {str(key): company for key, company in by_id.items()}
    chosen = [(entry, known.get(choice)) for entry, choice in wanted if choice == "new" or choice in known]
    if not chosen:
        raise Refused(_("Please choose companies first."), 422)
    noted, new = services.take_list(found, chosen, seen_on, source)
    flash(_("%(noted)s companies noted, %(new)s of them new in the customer file.", noted=noted, new=new), "success")
    return redirect(url_for("exhibitors.competitor", competitor_id=found.id))
