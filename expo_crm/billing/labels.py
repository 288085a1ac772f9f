"""Words and colours of invoices and payments; the packages above show invoices too."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from expo_crm.billing.domain.invoice import InvoiceKind, InvoiceState, Method, PaymentRefusal

STATES: dict[str, Any] = {
    InvoiceState.OPEN: _l("Unpaid"),
    InvoiceState.PARTLY_PAID: _l("Partly paid"),
    InvoiceState.PAID: _l("Paid"),
    InvoiceState.CANCELLED: _l("Cancelled"),
    InvoiceState.REFUNDED: _l("Refunded"),
}
TONES = {
    InvoiceState.OPEN: "info",
    InvoiceState.PARTLY_PAID: "warning",
    InvoiceState.PAID: "success",
    InvoiceState.CANCELLED: "neutral",
    InvoiceState.REFUNDED: "neutral",
}
KINDS: dict[str, Any] = {
    InvoiceKind.DEPOSIT: _l("Deposit"),
    InvoiceKind.BALANCE: _l("Balance"),
    InvoiceKind.FULL: _l("Full amount"),
    InvoiceKind.EXTRA: _l("Extra"),
    InvoiceKind.CREDIT: _l("Credit note"),
}
METHODS: dict[str, Any] = {
    Method.BANK: _l("Bank transfer"),
    Method.CARD: _l("Bank card"),
    Method.ALIPAY: _l("Alipay"),
    Method.WECHAT: _l("WeChat Pay"),
    Method.CASH: _l("Cash"),
    Method.CREDIT: _l("Company credit"),
}
BOOKED = {method: label for method, label in METHODS.items() if method is not Method.CREDIT}
REFUSALS: dict[PaymentRefusal, Any] = {
    PaymentRefusal.CANCELLED: _l("This invoice is cancelled and takes no more payments."),
    PaymentRefusal.NOT_POSITIVE: _l("The amount must be more than zero. To take a payment back, reverse it."),
    PaymentRefusal.TOO_MUCH: _l("Only %(open)s is open on this invoice."),
    PaymentRefusal.IN_FUTURE: _l("The day of receipt cannot be in the future."),
    PaymentRefusal.REVERSED: _l("This payment has been reversed already."),
    PaymentRefusal.NEEDS_REASON: _l("Please enter why the payment is reversed."),
    PaymentRefusal.MOVED: _l("The money of this payment has become credit of the company and can no longer be reversed here."),
    PaymentRefusal.NO_CREDIT: _l("The company has not so much credit in this currency."),
}
