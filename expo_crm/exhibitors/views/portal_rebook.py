"""/portal/…/rebook: the own stand in the coming edition, its price and deposit, one button."""

from __future__ import annotations

import re
from decimal import Decimal

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from expo_crm.exhibitors.domain.waiting import InventoryRefusal
from expo_crm.exhibitors.portal_frame import enter
from expo_crm.exhibitors.services import portal_rebooking as services
from expo_crm.exhibitors.services import rebooking
from expo_crm.exhibitors.views import labels
from expo_crm.web import i18n
from expo_crm.web.errors import Refused
from expo_crm.web.policy import exhibitor


@exhibitor()
def rebook(participation_id: int) -> ResponseReturnValue:
    here = enter(participation_id)
    coming = rebooking.coming_edition(here.edition)
    if coming is None:
        return render_template("exhibitors/portal/rebook.html", here=here, coming=None)
    if request.method == "POST":
        chosen = [int(v) for v in request.form.getlist("booth")[:20] if re.fullmatch(r"\d{1,15}", v, re.ASCII)]
        try:
            with labels.answering():
                made = services.rebook(here, coming, chosen, locale=i18n.locale())
        except Refused as refused:
            if refused.code != InventoryRefusal.NEIGHBOUR:
                raise
            # Whom to keep apart is the organizer's business and no other exhibitor's.
            raise Refused(_("This stand has to be confirmed by your contact. Please write to the organizer."), 409) from None
        flash(
            _("Thank you! Your stand is held, and contract %(number)s is being prepared.", number=made.number), "success"
        )
        return redirect(url_for("exhibitors.portal_rebook", participation_id=here.id))
    contract = services.contract_of(here, coming)
    offers = [] if contract else services.offers_of(here, coming)
    return render_template(
        "exhibitors/portal/rebook.html",
        here=here,
        coming=coming,
        contract=contract,
        offers=offers,
        parts=services.deposit_of(coming, sum((o.total for o in offers), Decimal(0))) if offers else [],
        states=labels.CONTRACT_STATES,
        kinds=labels.BOOTH_KINDS,
    )
