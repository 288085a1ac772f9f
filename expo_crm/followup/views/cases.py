"""Service desk: complaints, suggestions, praise and enquiries, from opening to a satisfied customer."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms.fields.choices import SelectChoice

from expo_crm.directory import queries as directory
from expo_crm.followup.domain import case as rules
from expo_crm.followup.forms import CASE_KINDS, CaseForm, CaseWorkForm
from expo_crm.followup.models import Case
from expo_crm.followup.queries import cases as queries
from expo_crm.followup.services import cases as services
from expo_crm.followup.views import labels
from expo_crm.lib import clock
from expo_crm.web import i18n, listing
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, requires

KIND_TONES = {"complaint": "danger", "suggestion": "info", "praise": "success", "enquiry": "neutral"}


def _staff() -> list[SelectChoice]:
    return [SelectChoice("", _("nobody yet")), *(SelectChoice(str(u.id), u.name) for u in queries.list_staff())]


@requires(Permission.VIEW)
def cases() -> ResponseReturnValue:
    now = clock.now()
    page = listing.build(
        id="cases",
        query=select(Case)
        .where(Case.edition_id == g.edition.id)
        .options(joinedload(Case.company), joinedload(Case.owner)),
        columns=[
            listing.Column("subject", _("Subject"), lambda c: c.subject, sort=Case.subject, primary=True),
            listing.Column(
                "kind",
                _("Kind"),
                lambda c: CASE_KINDS[c.kind],
                cell=lambda c: labels.pill(CASE_KINDS[c.kind], KIND_TONES[c.kind]),
                sort=Case.kind,
                kind="status",
            ),
            listing.Column("company", _("Company"), lambda c: i18n.bi(c.company) if c.company else ""),
            listing.Column(
                "state",
                _("State"),
                lambda c: labels.CASE_STATES[c.state],
                cell=lambda c: labels.pill(labels.CASE_STATES[c.state], labels.CASE_TONES[c.state]),
                sort=Case.state,
                kind="status",
            ),
            listing.Column("owner", _("Who takes care"), lambda c: c.owner.name if c.owner else ""),
            listing.Column(
                "created", _("Opened"), lambda c: i18n.datetime_(c.created_at), sort=Case.created_at, kind="date"
            ),
            listing.Column(
                "days",
                _("Days"),
                lambda c: ((c.closed_at or now) - c.created_at).days,
                kind="number",
                hide_on_phone=True,
            ),
        ],
        default_sort="created",
        default_desc=True,
        tie_break=Case.id.desc(),
        filters=[
            listing.Filter(
                "state",
                _("State"),
                [("unsettled", _("Not settled yet")), *labels.CASE_STATES.items()],
                lambda v: Case.state != "confirmed" if v == "unsettled" else Case.state == v,
            ),
            listing.Filter("kind", _("Kind"), list(CASE_KINDS.items()), lambda v: Case.kind == v),
            listing.Filter(
                "owner",
                _("Who takes care"),
                [("none", _("nobody yet")), *((str(u.id), u.name) for u in queries.list_staff())],
                lambda v: Case.owner_id.is_(None) if v == "none" else Case.owner_id == int(v),
            ),
        ],
        search=lambda q: Case.subject.icontains(q, autoescape=True),
        search_hint=_("Subject"),
        empty=listing.Empty(
            "headset",
            _("No case yet"),
            _(
                "Complaints, suggestions, praise and enquiries of this edition are kept here until the customer is satisfied."
            ),
            url_for("followup.new_case"),
            _("Open a case"),
        ),
        row_url=lambda c: url_for("followup.case", case_id=c.id),
    )
    return render_template("followup/cases.html", listing=page)


@requires(Permission.SURVEY)
def new_case() -> ResponseReturnValue:
    """Open a case; the company is looked up by name, or given in the address by its own page."""
    form = CaseForm()
    words = request.args.get("q", "")[:100]
    chosen = form.company_id.data or _number(request.args.get("company_id"))
    company = directory.find_company(chosen) if chosen else None
    found = [company] if company else queries.find_companies(words)
    form.company_id.choices = [SelectChoice("", _("no company"))] + [SelectChoice(str(c.id), i18n.bi(c)) for c in found]
    form.owner_id.choices = _staff()
    if request.method == "GET" and company:
        form.company_id.data = company.id
    if not form.validate_on_submit():
        status = 422 if form.is_submitted() else 200
        return render_template("followup/new_case.html", form=form, words=words, company=company, found=found), status
    made = services.open_case(
        g.edition,
        kind=form.kind.data,
        subject=form.subject.data,
        body=form.body.data or "",
        company_id=company.id if company else None,
        owner_id=form.owner_id.data,
    )
    flash(_("The case is open."), "success")
    return redirect(url_for("followup.case", case_id=made.id))


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 15 else None


def _case(case_id: int) -> Case:
    return queries.find_case(g.edition.id, case_id) or abort(404)


@requires(Permission.VIEW)
def case(case_id: int) -> ResponseReturnValue:
    found = _case(case_id)
    return _page(found, CaseWorkForm(formdata=None, obj=found))


def _page(found: Case, form: CaseWorkForm) -> ResponseReturnValue:
    form.owner_id.choices = _staff()
    return render_template(
        "followup/case.html",
        case=found,
        form=form,
        kinds=CASE_KINDS,
        kind_tones=KIND_TONES,
        labels=labels,
        moves=rules.NEXT[rules.State(found.state)],
        steps=_steps(found),
    ), 422 if form.errors else 200


def _steps(found: Case) -> list[dict[str, Any]]:
    order: list[rules.State] = [s for s in rules.State if s is not rules.State.REOPENED]
    here = order.index(rules.State(found.state)) if found.state != "reopened" else 0
    return [
        {
            "label": labels.CASE_STATES[s],
            "state": "done" if n < here or found.state == "confirmed" else "current" if n == here else "todo",
        }
        for n, s in enumerate(order)
    ]


@requires(Permission.SURVEY)
def change_case(case_id: int) -> ResponseReturnValue:
    found, form = _case(case_id), CaseWorkForm()
    form.owner_id.choices = _staff()
    if not form.validate_on_submit():
        return _page(found, form)
    services.change(found, answer=form.answer.data or "", owner_id=form.owner_id.data)
    flash(_("Saved."), "success")
    return redirect(url_for("followup.case", case_id=found.id))


REFUSALS = {
    "needs_owner": lambda: _("Choose who takes care first."),
    "needs_answer": lambda: _("Write the answer first."),
}


@requires(Permission.SURVEY)
def move_case(case_id: int) -> ResponseReturnValue:
    found = _case(case_id)
    try:
        services.move(found, request.form.get("state", ""))
    except rules.CaseError as error:
        if error.code == "unknown_state":
            raise Refused(_("There is no such state."), 422, error.code) from error
        text = REFUSALS.get(error.code, lambda: _("The case has moved on. Reload the page and look again."))()
        raise Refused(text, 409, error.code) from error
    flash(_("Now: %(state)s", state=labels.CASE_STATES[found.state]), "success")
    return redirect(url_for("followup.case", case_id=found.id))
