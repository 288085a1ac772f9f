"""Doing the same to many companies: a field gets a value, or each gets a task. First the choice, then it is done."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from expo_crm.directory import queries
from expo_crm.directory.custom_forms import value_problem
from expo_crm.directory.domain import agenda
from expo_crm.directory.domain import custom as rules
from expo_crm.directory.domain.custom import CustomError
from expo_crm.directory.forms import SOURCES, today
from expo_crm.directory.models import Company, CustomField
from expo_crm.directory.services import activities, companies, custom
from expo_crm.lib import text
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires

MOST_AT_ONCE = 1000
FIELDS = {"source": _l("How we know them"), "industry": _l("Industry"), "key_account": _l("Key account")}
OWN = "custom_"


def _chosen() -> list[Company]:
    ids = {int(v) for v in request.form.getlist("ids") if v.isdecimal() and len(v) < 16}
    if not ids:
        raise Refused(_("Please tick the companies first."), 422)
    if len(ids) > MOST_AT_ONCE:
        raise Refused(_("Please tick at most %(count)s companies at once.", count=MOST_AT_ONCE), 422)
    return queries.list_companies(ids)


@requires(Permission.COMPANY_EDIT)
def change_many() -> ResponseReturnValue:
    """Without ``field``: which one, and its new value. With it: done, company by company, each with its record."""
    found = _chosen()
    own = {f"{OWN}{f.key}": f for f in custom.list_fields("company") if f.kind != "formula"}
    wanted = request.form.get("field")
    if wanted is None:
        return _page(found, own)
    if wanted not in FIELDS and wanted not in own:
        raise Refused(_("Please choose a field."), 422)
    given = request.form.get(f"value-{wanted}", "")
    if wanted in own:
        try:
            value = rules.read(custom.as_rule(own[wanted]), given)
        except CustomError as error:
            return _page(found, own, wanted, value_problem(error.code))
        for company in found:
            custom.set_values(company, {wanted.removeprefix(OWN): value})
    else:
        for company in found:
            companies.update_company(company, **{wanted: _value(wanted, given)})
    flash(ngettext("%(num)s company is changed.", "%(num)s companies are changed.", len(found)), "success")
    return redirect(url_for("directory.companies"))


def _value(field: str, given: str) -> Any:
    if field == "key_account":
        return given == "y"
    if field == "source" and given not in SOURCES:
        raise Refused(_("Please choose one of the list."), 422)
    return given


def _page(found: list[Company], own: dict[str, CustomField], wanted: str = "", error: str = "") -> ResponseReturnValue:
    fields = [*FIELDS.items(), *((key, i18n.bi(f, "label")) for key, f in own.items())]
    return render_template(
        "directory/change_many.html",
        companies=found,
        fields=fields,
        own=own,
        sources=SOURCES,
        wanted=wanted,
        error=error,
        form=request.form,
    ), 422 if error else 200


@requires(Permission.COMPANY_EDIT)
def plan_many() -> ResponseReturnValue:
    """A task for each of the ticked companies, spread over working days so that nobody has fifty calls on one morning."""
    found = _chosen()
    subject = text.clean(request.form.get("subject", ""), limit=300)
    if "subject" not in request.form:
        return render_template(
            "directory/plan_many.html", companies=found, owners=queries.list_owners(), today=today(), error="", form={}
        )
    problem, first, per_day = _plan_problem(subject)
    if problem:
        page = render_template(
            "directory/plan_many.html",
            companies=found,
            owners=queries.list_owners(),
            today=today(),
            error=problem,
            form=request.form,
        )
        return page, 422
    owners = {str(u.id): u.id for u in queries.list_owners()}
    chosen, zone = owners.get(request.form.get("owner", "")), i18n.current_zone()
    days = agenda.working_days(first, -(-len(found) // per_day))
    for number, company in enumerate(found):
        activities.plan_next_action(
            company.id,
            subject=subject,
            due_at=agenda.due_moment(days[number // per_day], zone),
            kind="call" if request.form.get("kind") == "call" else "task",
            owner_id=chosen or company.owner_id or current_principal().id,
        )
    flash(ngettext("%(num)s task is planned.", "%(num)s tasks are planned.", len(found)), "success")
    return redirect(url_for("directory.companies"))


def _plan_problem(subject: str) -> tuple[str, dt.date, int]:
    first, per_day = today(), 20
    if text.is_blank(subject):
        return _("Please write what is to be done."), first, per_day
    try:
        first = dt.date.fromisoformat(request.form.get("first_on", ""))
    except ValueError:
        return _("Please enter a date as 2026-05-12."), first, per_day
    if not today() <= first <= today() + dt.timedelta(days=730):
        return _("The first day must be between today and two years ahead."), first, per_day
    given = request.form.get("per_day", "20")
    if not (given.isascii() and given.isdecimal() and 1 <= int(given[:4]) <= 200):
        return _("Between 1 and 200 a day, please."), first, per_day
    return "", first, int(given)
