"""Phase 2: visitors register, are reviewed, and have a page of their own."""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _l


def init_app(app: Flask) -> None:
    """Registrations on the company's and the person's page; classes go on into the next edition."""
    from expo_crm.directory import timeline
    from expo_crm.shows.services import editions
    from expo_crm.visitors.services import classes
    from expo_crm.visitors.views import company_page

    editions.register_cloner(app, "visitors", classes.clone_classes)
    timeline.register(app, "visitors", company_page.items)
    timeline.register_panel(app, "visitors", _l("As visitors"), company_page.panel, order=40)
    timeline.register_panel(
        app, "registrations", _l("Registrations"), company_page.person_panel, order=10, page="person"
    )
