"""Who is acting, for rows that keep a user beside the audit entry."""

from __future__ import annotations

from flask import has_request_context

from expo_crm.web.policy import current_principal


def actor_id() -> int | None:
    """The signed-in staff member; None in jobs and commands, and for exhibitors."""
    if not has_request_context():
        return None
    principal = current_principal()
    return principal.id if principal.kind == "staff" else None
