"""Site visits: planned with day, time and address; afterwards a report on the timeline."""

from __future__ import annotations

import datetime as dt

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.directory import queries
from expo_crm.directory.domain import agenda
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.forms import today
from expo_crm.directory.services import activities as services
from expo_crm.directory.work_forms import ReportForm, VisitForm
from expo_crm.shows import queries as shows
from expo_crm.web import i18n
from expo_crm.web.policy import Permission, current_principal, requires


@requires(Permission.COMPANY_EDIT)
def new_visit(company_id: int) -> ResponseReturnValue:
    company = queries.find_company(company_id)
    if company is None:
        abort(404)
    people = [e.person for e in queries.list_employments(company.id) if e.until is None]
    place = " ".join(filter(None, (company.province, company.city, company.address)))
    form = VisitForm(
        people=people, owners=queries.list_owners(), today=today(),
        data={"owner_id": current_principal().id, "at": "10:00", "place": place},
    )  # fmt: skip
    if form.validate_on_submit() and form.day.data is not None:
        edition = shows.find_default_edition()
        at = dt.datetime.combine(form.day.data, dt.time.fromisoformat(form.at.data), i18n.current_zone())
        services.plan_next_action(
            company.id, kind="visit", subject=form.subject.data or "", body=form.body.data or "", place=form.place.data or "",
            due_at=at.astimezone(dt.UTC), person_id=form.person_id.data, owner_id=form.owner_id.data,
            edition_id=edition.id if edition else None,
        )  # fmt: skip
        flash(_("The visit is planned."), "success")
        return redirect(url_for("directory.company", company_id=company.id))
    return render_template("directory/visit.html", form=form, company=company), 422 if form.is_submitted() else 200


@requires(Permission.COMPANY_EDIT)
def report(activity_id: int) -> ResponseReturnValue:
    visit = queries.find_activity(activity_id)
    if visit is None or visit.kind not in ("visit", "meeting"):
        abort(404)
    form = ReportForm(today=today())
    status = 200
    if form.validate_on_submit():
        try:
            services.finish(visit, note=form.body.data or "")
        except DirectoryError:
            form.form_errors.append(_("Somebody has ticked this off already."))
            status = 409
        else:
            if form.next_subject.data and form.next_on.data:
                services.plan_next_action(
                    visit.company_id, subject=form.next_subject.data,
                    due_at=agenda.due_moment(form.next_on.data, i18n.current_zone()), person_id=visit.person_id,
                    owner_id=current_principal().id, edition_id=visit.edition_id,
                )  # fmt: skip
            flash(_("Saved."), "success")
            return redirect(url_for("directory.company", company_id=visit.company_id))
    elif form.is_submitted():
        status = 422
    return render_template("directory/visit_report.html", form=form, visit=visit), status
