"""Orders, invoices, payments, numbering."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Tell the packages above of payments; show money on the company page."""
    from expo_crm.billing.services import dunning, payments, terms
    from expo_crm.billing.views import company_page
    from expo_crm.directory import timeline

    payments.init_app(app)
    dunning.init_app(app)
    terms.init_app(app)
    timeline.register(app, "billing", company_page.items)
    timeline.register_figures(app, "money", company_page.figures, order=30)
