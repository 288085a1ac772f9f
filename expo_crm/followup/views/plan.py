"""The plan of the next edition, and its call list."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory.domain.agenda import working_days
from expo_crm.directory.models import Company
from expo_crm.exhibitors import queries as exhibitors
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import Opportunity
from expo_crm.followup.domain import plan as rules
from expo_crm.followup.domain import risk
from expo_crm.followup.domain.risk import Risk
from expo_crm.followup.forms import CallForm, PlanForm
from expo_crm.followup.queries import retention as queries
from expo_crm.followup.queries.cases import list_companies
from expo_crm.followup.services import plan as services
from expo_crm.followup.views import labels
from expo_crm.followup.views.retention import owner_filter, today
from expo_crm.jobs.models import Job
from expo_crm.lib import clock
from expo_crm.shows.domain.planning import ShowError
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

PREVIEW_ROWS = 30
CALM = Risk(0, ())


@requires(Permission.VIEW)
def plan() -> ResponseReturnValue:
    """Preview: who would be on the list, who would call, when. The form changes the preview; one click makes it."""
    base = queries.find_base(g.edition, today())
    if base is None:
        return render_template("followup/plan_empty.html")
    return _page(base, PlanForm(request.args if request.args.get("first_on") else None, **_defaults(base)))


def _defaults(base: queries.Base) -> dict[str, Any]:
    starts_on, ends_on = services.next_dates(base.edition)
    tomorrow = working_days(today() + dt.timedelta(days=1), 1)[0]
    return {"first_on": tomorrow, "per_day": 8, "won_back": True, "starts_on": starts_on, "ends_on": ends_on}


def _page(base: queries.Base, form: PlanForm) -> ResponseReturnValue:
    if form.first_on.raw_data and not form.is_submitted():
        form.validate()  # a preview by address: wrong values are shown beside their fields
    valid = not form.first_on.errors and not form.per_day.errors
    values = {"first_on": form.first_on.data, "per_day": form.per_day.data} if valid else _defaults(base)
    outlook = queries.outlook_of(base, clock.now())
    sellers = queries.list_sellers()
    people = {user.id: user.name for user in sellers}
    steps = queries.make_plan(
        outlook,
        sellers,
        first_on=values["first_on"],
        per_day=values["per_day"],
        won_back=bool(form.won_back.data),
    )
    shown = steps[:PREVIEW_ROWS]
    job = _job(base)
    runs = [run for run in services.list_runs(base.edition) if run.state == "done" and run.result.get("opportunities")]
    latest = runs[0] if runs else None
    return render_template(
        "followup/plan.html",
        base=base,
        form=form,
        steps=steps,
        shown=shown,
        shares=rules.shares(steps),
        sources={s: sum(1 for step in steps if step.candidate.source == s) for s in ("rebooking", "won_back")},
        people=people,
        companies=list_companies(step.candidate.company_id for step in shown),
        outlook=outlook,
        existing=len(queries.companies_with_opportunity(base.coming.id)) if base.coming else 0,
        labels=labels,
        job=job,
        running=job is not None and job.state in {"queued", "running"},
        latest=latest,
        undoable=services.count_untouched(latest) if latest else 0,
        day=today(),
    ), 422 if form.errors else 200


def _job(base: queries.Base) -> Job | None:
    number = request.args.get("job", "")
    job = db.session.get(Job, int(number)) if number.isascii() and number.isdigit() and len(number) < 15 else None
    return job if job and job.kind == services.JOB and job.payload.get("from") == base.edition.id else None


@requires(Permission.RETENTION)
def make_plan() -> ResponseReturnValue:
    base = queries.find_base(g.edition, today())
    if base is None:
        abort(404)
    form = PlanForm(**_defaults(base))
    if not form.validate_on_submit():
        return _page(base, form)
    coming = base.coming
    if coming is None:
        if not (form.starts_on.data and form.ends_on.data):
            form.starts_on.errors = [_("Please say when the next edition opens and closes.")]
            return _page(base, form)
        try:
            coming = services.create_next_edition(base.edition, form.starts_on.data, form.ends_on.data)
        except ShowError as error:
            raise Refused(_("These dates do not make an edition: it must end after it starts.")) from error
    job = services.start(
        base.edition,
        coming,
        current_principal().id,
        first_on=form.first_on.data,
        per_day=form.per_day.data,
        won_back=bool(form.won_back.data),
        subject=_("Call about %(edition)s", edition=i18n.bi(coming)),
        label=_("Opportunities and calls made"),
    )
    return redirect(url_for("followup.plan", job=job.id))


@requires(Permission.RETENTION)
def undo_plan(job_id: int) -> ResponseReturnValue:
    job = db.session.get(Job, job_id)
    if job is None or job.kind != services.JOB or g.edition.id not in (job.payload.get("from"), job.payload.get("to")):
        abort(404)
    if job.state != "done":
        raise Refused(_("This plan is still being made."), 409)
    gone = services.undo(job)
    kept = len(job.result.get("opportunities", [])) - gone
    flash(
        _(
            "%(gone)s opportunities taken back; %(kept)s stay because somebody has worked on them.",
            gone=gone,
            kept=kept,
        ),
        "success",
    )
    return redirect(url_for("followup.plan"))


# --- the call list -----------------------------------------------------------------------------------------------------


def _outlook() -> queries.Outlook | None:
    base = queries.find_base(g.edition, today())
    return queries.outlook_of(base, clock.now()) if base else None


def _risk(outlook: queries.Outlook | None, company_id: int) -> Risk:
    return outlook.risks.get(company_id, CALM) if outlook else CALM


OPEN = ("lead", "contacted", "intent", "quoted", "held")


@requires(Permission.VIEW)
def calls() -> ResponseReturnValue:
    outlook = _outlook()
    rows = db.session.execute(
        select(Opportunity.company_id, Opportunity.expected_amount).where(
            Opportunity.edition_id == g.edition.id, Opportunity.stage.in_(OPEN)
        )
    )
    table = queries.numbered(
        "urgency", [(c, risk.priority(_risk(outlook, c), amount)) for c, amount in rows], "priority"
    )
    day, me = today(), current_principal().id

    def reasons(o: Opportunity) -> tuple[Any, ...]:
        return _risk(outlook, o.company_id).reasons

    page = listing.build(
        id="calls",
        query=select(Opportunity)
        .join(Company, Company.id == Opportunity.company_id)
        .join(table, table.c.company_id == Opportunity.company_id)
        .where(Opportunity.edition_id == g.edition.id, Opportunity.stage.in_(OPEN))
        .options(joinedload(Opportunity.company), joinedload(Opportunity.owner)),
        columns=[
            listing.Column("company", _("Company"), lambda o: i18n.bi(o.company), sort=Company.sort_key, primary=True),
            listing.Column(
                "priority",
                _("Risk"),
                lambda o: _risk(outlook, o.company_id).score,
                cell=lambda o: _score(_risk(outlook, o.company_id)),
                sort=table.c.priority,
            ),
            listing.Column(
                "reasons",
                _("Reasons"),
                lambda o: "; ".join(labels.sentence(r) for r in reasons(o)),
                cell=lambda o: labels.chips(reasons(o)),
            ),
            listing.Column(
                "amount",
                _("Expected"),
                lambda o: o.expected_amount,
                cell=lambda o: i18n.money(o.expected_amount, g.edition.currency),
                sort=Opportunity.expected_amount,
                kind="number",
            ),
            listing.Column(
                "next",
                _("Call on"),
                lambda o: i18n.date(o.next_on) if o.next_on else "–",
                sort=Opportunity.next_on,
                kind="date",
            ),
            listing.Column(
                "stage",
                _("Stage"),
                lambda o: labels.STAGES[o.stage],
                cell=lambda o: labels.pill(labels.STAGES[o.stage], labels.STAGE_TONES[o.stage]),
                sort=Opportunity.stage,
                kind="status",
            ),
            listing.Column("owner", _("Owner"), lambda o: o.owner.name if o.owner else "", hide_on_phone=True),
        ],
        default_sort="priority",
        default_desc=True,
        tie_break=Opportunity.id,
        filters=[
            owner_filter(Opportunity.owner_id),
            listing.Filter(
                "due",
                _("Due"),
                [("today", _("until today")), ("week", _("in the next 7 days")), ("none", _("without a date"))],
                lambda v: (
                    Opportunity.next_on.is_(None)
                    if v == "none"
                    else Opportunity.next_on <= day + dt.timedelta(days=0 if v == "today" else 7)
                ),
            ),
            listing.Filter(
                "stage", _("Stage"), [(s, labels.STAGES[s]) for s in OPEN], lambda v: Opportunity.stage == v
            ),
            listing.Filter(
                "source",
                _("Source"),
                [("rebooking", labels.SOURCES["rebooking"]), ("won_back", labels.SOURCES["won_back"])],
                lambda v: Opportunity.source == v,
            ),
        ],
        search=lambda q: listing.contains(Company.search_key, q),
        search_hint=_("Company"),
        empty=listing.Empty(
            "phone",
            _("The call list is empty"),
            _("Make the plan of the next edition: it turns every exhibitor into a call with a date and an owner."),
            url_for("followup.plan"),
            _("Plan the next edition"),
        ),
        row_url=lambda o: url_for("followup.call", opportunity_id=o.id),
    )
    return render_template("followup/calls.html", listing=page, me=me, day=day)


def _score(found: Risk) -> Any:
    return labels.pill(f"{found.score} · {labels.LEVELS[found.level]}", labels.LEVEL_TONES[found.level])


def _opportunity(opportunity_id: int) -> Opportunity:
    return exhibitors.find_opportunity(g.edition.id, opportunity_id) or abort(404)


@requires(Permission.VIEW, writes=True)
def call(opportunity_id: int) -> ResponseReturnValue:
    """One call: whom, why, what was last time, and what came of it."""
    return _call_page(_opportunity(opportunity_id), CallForm(formdata=None, result="reached"))


def _call_page(opportunity: Opportunity, form: CallForm) -> ResponseReturnValue:
    sees = current_principal().can(Permission.CONTACT_DATA)
    company = opportunity.company
    if sees:
        audit.record_look("company", company.id, edition_id=g.edition.id)
    outlook = _outlook()
    return render_template(
        "followup/call.html",
        opportunity=opportunity,
        company=company,
        form=form,
        sees=sees,
        contacts=directory.list_employments(company.id),
        history=directory.list_activities(company.id, limit=8),
        past=[p for p in directory.list_participations(company.id) if p.edition_id != g.edition.id],
        found=_risk(outlook, company.id),
        reasons=[(r, labels.sentence(r)) for r in _risk(outlook, company.id).reasons],
        labels=labels,
        outcomes=labels.RESULTS,
        open=opportunity.stage in OPEN,
    ), 422 if form.errors else 200


@requires(Permission.SELL)
def record_call(opportunity_id: int) -> ResponseReturnValue:
    opportunity = _opportunity(opportunity_id)
    form = CallForm()
    if not form.validate_on_submit():
        return _call_page(opportunity, form)
    try:
        services.record_call(
            opportunity,
            form.result.data,
            subject=str(_(services.CALL_SUBJECTS[form.result.data])),
            next_subject=_("Call about %(edition)s", edition=i18n.bi(g.edition)),
            note=form.note.data or "",
            reason=form.reason.data or "",
            again_on=form.again_on.data,
            owner_id=current_principal().id,
        )
    except RuleRefused as error:
        raise Refused(
            _("This company has a booth held or a contract. Settle that in recruitment first."), 409, str(error)
        ) from error
    flash(_("Noted. Next on the list:"), "success")
    following = _next_call(opportunity)
    return redirect(url_for("followup.call", opportunity_id=following) if following else url_for("followup.calls"))


def _next_call(done: Opportunity) -> int | None:
    """The most urgent call of the same person that is due, other than this one."""
    outlook = _outlook()
    rows = db.session.execute(
        select(Opportunity.id, Opportunity.company_id, Opportunity.expected_amount).where(
            Opportunity.edition_id == g.edition.id,
            Opportunity.stage.in_(OPEN),
            Opportunity.owner_id == done.owner_id,
            Opportunity.next_on <= today(),
            Opportunity.id != done.id,
        )
    )
    urgent = [(risk.priority(_risk(outlook, c), amount), -number) for number, c, amount in rows]
    return -max(urgent)[1] if urgent else None
