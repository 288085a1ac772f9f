"""Phase 1: recruitment pipeline, booths, contracts, exhibitor portal."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l

from expo_crm import jobs


def init_app(app: Flask) -> None:
    """Free expired holds in the background; follow the money with contract and stage; show both on the company page."""
    from expo_crm.billing.services import payments
    from expo_crm.directory import timeline
    from expo_crm.exhibitors import inventory, portal_frame
    from expo_crm.exhibitors.services import (
        booth_history as booth_history,  # its listener keeps the history of booths
    )
    from expo_crm.exhibitors.services import (
        booths,
        contracts,
        first_refusal,
        importing,
        merge_rules,
        plan_clone,
        portal_tasks,
        price_lists,
        quotes,
    )
    from expo_crm.exhibitors.views import agents, company_page, portal_access
    from expo_crm.shows.services import editions

    editions.register_cloner(app, "booths", plan_clone.clone)
    editions.register_cloner(app, "price_lists", price_lists.clone)
    jobs.register(app, "exhibitors.expire_holds", lambda _payload, _progress: {"freed": booths.expire_holds()})
    jobs.register(app, "exhibitors.expire_rights", lambda _payload, _progress: {"ended": first_refusal.expire()})
    jobs.register(app, "exhibitors.expire_quotes", lambda _payload, _progress: {"ended": quotes.expire()})
    jobs.register(app, importing.READ_JOB, importing.read_job)
    jobs.register(app, importing.PREVIEW_JOB, importing.preview_job)
    jobs.register(app, importing.ROLL_BACK_JOB, importing.roll_back_job)
    jobs.register(app, importing.LOAD_JOB, importing.load_job)
    jobs.register(app, "exhibitors.remind_tasks", lambda _payload, _progress: {"mails": portal_tasks.remind_all()})
    editions.register_cloner(app, "portal", portal_tasks.clone_rules)
    app.extensions.setdefault("expo_navigation_counts", {})["exhibitors.task_board"] = portal_tasks.open_changes
    merge_rules.register()
    inventory.init_app(app)
    payments.listen(app, contracts.follow_payment)
    payments.number_contracts(app, contracts.numbers_of)
    timeline.register(app, "exhibitors", company_page.items)
    timeline.register_panel(app, "recruitment", _l("Recruitment and contracts"), company_page.panel, order=20)
    timeline.register_panel(app, "portal", _l("Exhibitor portal"), portal_access.panel, order=60)
    app.context_processor(lambda: {"portal_pages": portal_frame.pages, "portal_others": portal_frame.others})
    timeline.register_panel(app, "agents", _l("Agents"), agents.panel, order=82)
    timeline.register_figures(app, "contracts", company_page.figures, order=20)
