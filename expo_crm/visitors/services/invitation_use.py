"""Who came in by an exhibitor's personal link: what the exhibitor may see of it."""

from __future__ import annotations

from sqlalchemy import false, select

from expo_crm.db import db
from expo_crm.exhibitors.services.portal_hooks import Guest, InvitationUse
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import hooks

GONE = ("cancelled", "rejected")


def use_of(link_id: int) -> InvitationUse:
    """Names and companies of those who registered with the link themselves, newest first; no contact data."""
    came = hooks.attended(Registration.id)
    rows = db.session.execute(
        select(
            Registration.name,
            Registration.company_name,
            Registration.state,
            Registration.submitted_at,
            (came if came is not None else false()).label("attended"),
        )
        .where(Registration.invitation_link_id == link_id, Registration.state.not_in(GONE))
        .order_by(Registration.submitted_at.desc(), Registration.id.desc())
    )
    guests = tuple(Guest(r.name, r.company_name, r.state, bool(r.attended), r.submitted_at) for r in rows)
    return InvitationUse(len(guests), sum(guest.attended for guest in guests), guests)
