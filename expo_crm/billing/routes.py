"""Invoices and payments."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.billing.views import invoices

blueprint = Blueprint("billing", __name__)
add = blueprint.add_url_rule
E = "/e/<edition>/invoices"

add(E, view_func=invoices.invoices, endpoint="invoices")
add(f"{E}/<int:invoice_id>", view_func=invoices.invoice, endpoint="invoice")
add(f"{E}/<int:invoice_id>/invoice.pdf", view_func=invoices.pdf, endpoint="invoice_pdf")
add(f"{E}/<int:invoice_id>/payments", view_func=invoices.pay, endpoint="pay", methods=["POST"])
add(
    f"{E}/<int:invoice_id>/payments/<int:payment_id>/reverse",
    view_func=invoices.reverse,
    endpoint="reverse_payment",
    methods=["POST"],
)
