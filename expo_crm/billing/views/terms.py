"""Terms of an edition: tax rate, dunning, payment plan, cancellation table, noted rates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.billing import labels, plan_rows
from expo_crm.billing.domain.plan import FeeRule
from expo_crm.billing.forms import RateForm, TermsForm
from expo_crm.billing.services import terms
from expo_crm.lib import clock, money
from expo_crm.web.forms import filled
from expo_crm.web.policy import Permission, requires


@requires(Permission.SETTINGS)
def page() -> ResponseReturnValue:
    return _page()


def _page(**given: Any) -> str:
    edition = g.edition
    found = terms.find(edition.id)
    here = {
        "form": TermsForm(
            formdata=None,
            tax_percent=terms.tax_rate(edition.id) * 100,
            dunning=bool(found and found.dunning),
            friendly_days=found.friendly_days if found else 3,
            first_days=found.first_days if found else 14,
            final_days=found.final_days if found else 28,
        ),
        "rate_form": RateForm(formdata=None, noted_on=clock.local_day(clock.now(), edition.timezone)),
        "plan": [plan_rows.cells(s) for s in terms.plan_of(edition.id)],
        "fees": [{"until": r.until.isoformat(), "percent": f"{r.percent:g}"} for r in terms.rules_of(edition)],
        "errors": {},
        **given,
    }
    here["plan"], here["fees"] = plan_rows.padded(here["plan"]), plan_rows.padded(here["fees"])
    return render_template("billing/terms.html", labels=labels, rates=terms.rates_of(edition.id), **here)


def _done() -> ResponseReturnValue:
    flash(_("Saved."), "success")
    return redirect(url_for("billing.terms"))


@requires(Permission.SETTINGS)
def save() -> ResponseReturnValue:
    form = TermsForm()
    if not form.validate_on_submit():
        return _page(form=form), 422
    values = {name: form[name].data for name in ("dunning", "friendly_days", "first_days", "final_days")}
    rate = money.quantize((form.tax_percent.data or Decimal(0)) / 100, 4)
    terms.update(g.edition.id, {"tax_rate": rate, **values})
    return _done()


@requires(Permission.SETTINGS)
def save_plan() -> ResponseReturnValue:
    rows = plan_rows.typed(request.form)
    try:
        terms.set_plan(g.edition.id, [plan_rows.step(row) for row in rows])
    except ValueError:
        problem = _("Each step needs a name, a value from 0 to 99,999,999 (per cent up to 100) and days from 0 to 1,000.")
    except terms.PlanRefused as refused:
        problem = str(labels.WORDS[refused.reason])
    else:
        return _done()
    return _page(plan=rows, errors={"plan": problem}), 422


@requires(Permission.SETTINGS)
def save_fees() -> ResponseReturnValue:
    rows = plan_rows.typed(request.form, ("until", "percent"))
    try:
        rules = [FeeRule(plan_rows.day(r["until"]), money.parse_money(r["percent"], maximum=Decimal(100))) for r in rows]
    except ValueError:
        rules, problem = [], _("Each line needs a day and a percentage from 0 to 100.")
    else:
        problem = _("Each day may stand once.") if len({r.until for r in rules}) < len(rules) else ""
    if problem:
        return _page(fees=rows, errors={"fees": problem}), 422
    terms.set_rules(g.edition.id, rules)
    return _done()


@requires(Permission.SETTINGS)
def save_rate() -> ResponseReturnValue:
    form = RateForm()
    if form.validate_on_submit() and form.currency.data == g.edition.currency:
        form.currency.errors = [_("This is the edition's own currency.")]
    if form.errors or not form.is_submitted():
        return _page(rate_form=form), 422
    terms.note_rate(g.edition.id, form.currency.data or "", money.quantize(form.rate.data, 6), filled(form.noted_on))
    return _done()
