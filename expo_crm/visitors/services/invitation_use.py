"""Who came in by an exhibitor's personal link: what the exhibitor may see of it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, cast, false, func, select

from expo_crm.db import db
from expo_crm.exhibitors.models import InvitationLink
from expo_crm.exhibitors.services.portal_hooks import Guest, InvitationUse
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import hooks

GONE = ("cancelled", "rejected")


def use_of(*link_ids: int) -> InvitationUse:
    """Names and companies of those who registered with these links themselves, newest first; no contact data."""
    came = hooks.attended(Registration.id)
    rows = db.session.execute(
        select(
            Registration.name,
            Registration.company_name,
            Registration.state,
            Registration.submitted_at,
            (came if came is not None else false()).label("attended"),
            Registration.invitation_link_id,
        )
        .where(Registration.invitation_link_id.in_(link_ids), Registration.state.not_in(GONE))
        .order_by(Registration.submitted_at.desc(), Registration.id.desc())
    )
    guests = tuple(Guest(r.name, r.company_name, r.state, bool(r.attended), r.submitted_at, r.invitation_link_id) for r in rows)
    return InvitationUse(len(guests), sum(guest.attended for guest in guests), guests)


def counts_of(participation_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """participation id → how many ``registered`` with its links, and how many of them ``came``."""
    came = hooks.attended(Registration.id)
    rows = db.session.execute(
        select(
            InvitationLink.participation_id,
            func.count().label("registered"),
            func.sum(cast(came if came is not None else false(), Integer)).label("came"),
        )
        .join(Registration, Registration.invitation_link_id == InvitationLink.id)
        .where(InvitationLink.participation_id.in_(participation_ids), Registration.state.not_in(GONE))
        .group_by(InvitationLink.participation_id)
    )
    return {r.participation_id: {"registered": r.registered, "came": int(r.came or 0)} for r in rows}
