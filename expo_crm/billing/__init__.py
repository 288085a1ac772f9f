"""Orders, invoices, payments, numbering."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    from expo_crm.billing.services import payments

    payments.init_app(app)
