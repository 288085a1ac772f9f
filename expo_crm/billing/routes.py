"""Invoices and payments."""

from __future__ import annotations

from flask import Blueprint

from expo_crm.billing.views import account, bank, extras, invoices, terms

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

add(f"{E}/due", view_func=account.due, endpoint="due")
add(f"{E}/<int:invoice_id>/reminders", view_func=account.stop, endpoint="stop_reminders", methods=["POST"])

A = "/e/<edition>/accounts/<int:company_id>"
add(A, view_func=account.account, endpoint="account")
add(f"{A}/account.pdf", view_func=account.pdf, endpoint="account_pdf")
add(f"{A}/orders", view_func=account.place_order, endpoint="place_order", methods=["POST"])
add(f"{A}/orders/invoice", view_func=account.invoice_orders, endpoint="invoice_orders", methods=["POST"])
add(f"{A}/orders/<int:line_id>/cancel", view_func=account.cancel_order, endpoint="cancel_order", methods=["POST"])
add(f"{A}/invoices/<int:invoice_id>/credit", view_func=account.use_credit, endpoint="use_credit", methods=["POST"])

B = "/e/<edition>/bank"
add(B, view_func=bank.transactions, endpoint="bank")
add(f"{B}/upload", view_func=bank.upload, endpoint="bank_upload", methods=["POST"])
add(f"{B}/statements/<int:statement_id>", view_func=bank.columns, endpoint="bank_columns", methods=["GET", "POST"])
add(f"{B}/<int:transaction_id>", view_func=bank.transaction, endpoint="bank_transaction")
add(f"{B}/<int:transaction_id>/match", view_func=bank.match, endpoint="bank_match", methods=["POST"])
add(f"{B}/<int:transaction_id>/undo", view_func=bank.undo, endpoint="bank_undo", methods=["POST"])
add(f"{B}/<int:transaction_id>/ignore", view_func=bank.ignore, endpoint="bank_ignore", methods=["POST"])

add("/e/<edition>/extras", view_func=extras.products, endpoint="extras")
add("/e/<edition>/extras/orders", view_func=extras.orders, endpoint="orders")
add("/e/<edition>/extras/new", view_func=extras.new_product, endpoint="new_product", methods=["GET", "POST"])
add("/e/<edition>/extras/<int:product_id>", view_func=extras.product, endpoint="product", methods=["GET", "POST"])

add("/e/<edition>/money-terms", view_func=terms.page, endpoint="terms")
add("/e/<edition>/money-terms/save", view_func=terms.save, endpoint="save_terms", methods=["POST"])
add("/e/<edition>/money-terms/plan", view_func=terms.save_plan, endpoint="save_plan", methods=["POST"])
add("/e/<edition>/money-terms/fees", view_func=terms.save_fees, endpoint="save_fees", methods=["POST"])
add("/e/<edition>/money-terms/rate", view_func=terms.save_rate, endpoint="save_rate", methods=["POST"])
