"""/portal: accept a contract with name, time and text version."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired, Length

from expo_crm.billing import labels as invoice_labels
from expo_crm.exhibitors.domain.contract import BINDING, ContractState
from expo_crm.exhibitors.models import Contract
from expo_crm.exhibitors.portal_frame import enter
from expo_crm.exhibitors.services import contract_changes, portal, schedule, versions
from expo_crm.exhibitors.views import labels
from expo_crm.exhibitors.views.contract_changes import attachment
from expo_crm.lib import clock
from expo_crm.web.forms import BaseForm, NotBlank
from expo_crm.web.policy import current_principal, exhibitor


class AcceptForm(BaseForm):
    name = StringField(_l("Your name"), [NotBlank(), Length(max=200)])
    agreed = BooleanField(_l("I have read this version and accept it for the company"), [InputRequired()])
    number = HiddenField()


def _get(here, contract_id: int) -> Contract:  # type: ignore[no-untyped-def]
    found = portal.find_contract(here, contract_id)
    if found is None or found.state not in {ContractState.SENT, *BINDING}:
        abort(404)
    return found


@exhibitor()
def accept(participation_id: int, contract_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    found = _get(here, contract_id)
    version = versions.current(found)
    form = AcceptForm()
    if request.method == "GET":
        form.number.data = str(version.number)
    if form.validate_on_submit():
        shown = form.number.data or ""
        number = int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 9 else 0
        with labels.answering():
            contract_changes.accept(found, number, form.name.data or "", current_principal().id)
        flash(_("Accepted. Thank you."), "success")
        return redirect(url_for("exhibitors.portal_accept", participation_id=here.id, contract_id=found.id))
    page = render_template(
        "exhibitors/portal_accept.html",
        here=here,
        contract=found,
        version=version,
        form=form,
        plan=schedule.of(found, clock.local_day(clock.now(), here.edition.timezone)),
        invoice_labels=invoice_labels,
        labels=labels,
    )
    return page, 422 if form.is_submitted() else 200


@exhibitor()
def sent_file(participation_id: int, contract_id: int) -> ResponseReturnValue:
    """The PDF that is accepted: the very file that was sent where one was kept."""
    here = enter(participation_id)
    found = _get(here, contract_id)
    version = versions.current(found)
    data = versions.kept_file(version)
    if data is None:
        return redirect(url_for("exhibitors.portal_contract_file", participation_id=here.id, contract_id=found.id))
    return attachment(data, "application/pdf", f"{found.number}-v{version.number}.pdf")
