"""/v/<token>/recipients: the visitor sees which exhibitors received the own data, and takes them back."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.onsite import lead_labels as labels
from expo_crm.onsite import queries_leads as queries
from expo_crm.onsite.services import leads
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import registrations
from expo_crm.web import i18n
from expo_crm.web.policy import public


def _load(token: str) -> Registration:
    found = visitors.find_by_token(token)
    if found is None:
        abort(404)
    g.edition = found.edition
    return found


@public()
def panel(token: str) -> ResponseReturnValue:
    """Who received what; a fragment for htmx, a page without scripts."""
    found = _load(token)
    answer = visitors.consents_of(found).get(queries.PURPOSE)
    name = "onsite/_recipients.html" if request.headers.get("HX-Request") else "onsite/recipients.html"
    return render_template(
        name,
        token=token,
        recipients=queries.recipients(found),
        agreed=answer is not None and answer.granted,
        field_list=labels.field_list,
    )


@public()
def change(token: str) -> ResponseReturnValue:
    """Take the data back from one exhibitor or from all, or give them to one again."""
    found = _load(token)
    wanted, lead_id = request.form.get("action", ""), request.form.get("lead_id", "")
    received = queries.recipients(found)
    if wanted == "withdraw_all":
        registrations.answer_consent(found, queries.PURPOSE, False, locale=i18n.locale(), channel="visitor_page")
        flash(_("No exhibitor sees your data any more. They were told."), "success")
        return redirect(url_for("visitors.ticket", token=token))
    one = next((r for r in received if str(r.lead.id) == lead_id), None)
    if one is None:
        abort(404)
    if wanted == "withdraw":
        leads.withdraw(one.lead, locale=i18n.locale())
        flash(_("%(company)s does not see your data any more and was told.", company=i18n.bi(one.company)), "success")
    elif wanted == "allow":
        leads.allow_again(one.lead, locale=i18n.locale())
        flash(_("%(company)s sees your data again.", company=i18n.bi(one.company)), "success")
    else:
        abort(422)
    return redirect(url_for("visitors.ticket", token=token))
