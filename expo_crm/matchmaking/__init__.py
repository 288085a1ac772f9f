"""Phase 3: supply and demand, suggestions with reasons, meetings."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l


def init_app(app: Flask) -> None:
    """Meetings on the company's timeline; requests that nobody answered end with the edition."""
    from expo_crm import jobs
    from expo_crm.directory import timeline
    from expo_crm.exhibitors.services import portal_hooks
    from expo_crm.matchmaking.services import meetings
    from expo_crm.matchmaking.views import company_page

    portal_hooks.add_page(app, "matchmaking.portal_meetings", _l("Meetings"), "calendar-event", order=55)
    timeline.register(app, "meetings", company_page.items)
    jobs.register(app, "matchmaking.expire", lambda _payload, _progress: {"expired": meetings.expire_past()})
