"""Phase 4: badges, gates, devices, scans, leads, live board."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l


def init_app(app: Flask) -> None:
    """Devices as principals, their addresses, background work, and what the packages below ask of this one."""
    from expo_crm import jobs as ledger
    from expo_crm.directory import timeline
    from expo_crm.directory.services import merging
    from expo_crm.exhibitors.services import portal_hooks
    from expo_crm.onsite import history, jobs, queries, queries_arrival, queries_events, queries_inbox
    from expo_crm.onsite.services import arrival, badges, events, leads
    from expo_crm.onsite.views import api, kiosk, lead_device, principal, printing

    principal.init_app(app)
    api.init_app(app)
    kiosk.init_app(app)
    printing.init_app(app)
    lead_device.init_app(app)
    ledger.register(app, "onsite.issue_badges", jobs.issue_badges)
    ledger.register(app, "onsite.print_badges", jobs.print_badges)
    ledger.register(app, "onsite.close_zones", jobs.close_zones)
    ledger.register(app, "onsite.reissue_badges", jobs.reissue_badges)
    ledger.register(app, "onsite.snapshots", jobs.prepare_snapshots)
    ledger.register(app, "onsite.count_hours", jobs.count_hours)
    ledger.register(app, "onsite.watch_capacity", jobs.watch_capacity)
    timeline.register(app, "onsite", history.company_items)
    events.init_app(app)
    portal_hooks.add_page(app, "onsite.portal_leads", _l("Leads"), "target-arrow", order=57)
    app.extensions["expo_consent_answered"] = leads.consent_answered
    app.extensions.setdefault("expo_navigation_counts", {})["onsite.inbox"] = queries_inbox.waiting
    app.extensions["expo_ticket_code"] = badges.ticket_code
    app.extensions["expo_attended"] = queries.attended
    app.extensions["expo_registration_changed"] = badges.refresh_registration
    app.extensions["expo_arrivals"] = queries_arrival.arrived_participations
    app.extensions["expo_programme"] = queries_events.has_public
    merging.register_combiner("exhibitor_arrival", arrival.combine)
