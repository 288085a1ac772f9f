"""Invitation links of exhibitors, as visitors use them."""

from __future__ import annotations

from sqlalchemy import update

from expo_crm.db import db
from expo_crm.exhibitors.models import InvitationLink


def count_opening(link: InvitationLink) -> None:
    """One more opening; counted in the database so that two at once are two."""
    db.session.execute(
        update(InvitationLink)
        .where(InvitationLink.id == link.id)
        .values(opened=InvitationLink.opened + 1)
        .execution_options(synchronize_session=False)
    )
