"""Phase 3: supply and demand, suggestions with reasons, meetings."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Meetings on the company's timeline; requests that nobody answered end with the edition."""
    from expo_crm import jobs
    from expo_crm.directory import timeline
    from expo_crm.matchmaking.services import meetings
    from expo_crm.matchmaking.views import company_page

    timeline.register(app, "meetings", company_page.items)
    jobs.register(app, "matchmaking.expire", lambda _payload, _progress: {"expired": meetings.expire_past()})
