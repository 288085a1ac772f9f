"""The organizer's side of the portal: invite a contact, and who of a company has been there."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory import timeline
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.portal_forms import InviteForm
from expo_crm.exhibitors.services import portal
from expo_crm.exhibitors.services.portal import PortalError
from expo_crm.exhibitors.views.portal import MEMBER_ERRORS
from expo_crm.shows import queries as shows
from expo_crm.web.errors import Refused
from expo_crm.web.policy import Permission, current_principal, requires


@requires(Permission.SELL)
def invite(participation_id: int) -> ResponseReturnValue:
    """Send a contact the way into the portal."""
    found = db.session.scalar(
        select(Participation)
        .where(Participation.id == participation_id, Participation.edition_id == g.edition.id)
        .options(joinedload(Participation.company), joinedload(Participation.edition))
    )
    if found is None:
        abort(404)
    form = InviteForm()
    if not form.validate():
        problems = [str(e) for errors in form.errors.values() for e in errors]
        raise Refused(" ".join(dict.fromkeys(problems)))
    try:
        portal.invite(found, form.email.data or "", form.name.data or "", form.locale.data or "zh")
    except PortalError as error:
        raise Refused(str(MEMBER_ERRORS[error.code]), 409) from None
    flash(_("The invitation is on its way."), "success")
    return redirect(url_for("directory.company", company_id=found.company_id))


def panel(company_id: int) -> Markup | None:
    """On the company page: who has access, and the form that invites. None for companies that never exhibited.

    Who exhibited last time and not yet in this edition is invited too: the portal is where it rebooks.
    """
    edition = shows.find_default_edition()
    ledger = timeline.once("ledger", company_id, directory.list_participations) if edition else []
    known = [p for p in ledger if edition and p.edition.show_id == edition.show_id and p.edition.starts_on <= edition.starts_on]
    found = max(known, key=lambda p: p.edition.starts_on, default=None)
    members = portal.list_members(company_id)
    if found is None and not members:
        return None
    principal = current_principal()
    may = found is not None and principal.can(Permission.SELL) and principal.can(Permission.CONTACT_DATA)
    with_access = {m.user.email for m in members}
    everybody = timeline.once("people", company_id, directory.list_everybody) if may else []
    people = [e.person for e in everybody if e.until is None]
    return Markup(
        render_template(
            "exhibitors/portal/_access.html",
            participation=found,
            edition=found.edition if found else edition,
            members=members,
            seen=portal.last_seen([m.user_id for m in members]),
            waiting=portal.list_open_links(company_id),
            contacts=[p for p in people if p.email and p.email not in with_access],
            may=may,
        )
    )
