"""Words and colours of invoices and payments; the packages above show invoices too."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from expo_crm.billing.domain import matching
from expo_crm.billing.domain.invoice import InvoiceKind, InvoiceState, Method, PaymentRefusal
from expo_crm.billing.domain.plan import DueFrom, DunningStep, PlanRefusal, Rule
from expo_crm.billing.models import BankStatement
from expo_crm.billing.services.bank import BankRefusal
from expo_crm.billing.services.extras import OrderRefusal

STATES: dict[str, Any] = {
    InvoiceState.OPEN: _l("Unpaid"),
    InvoiceState.PARTLY_PAID: _l("Partly paid"),
    InvoiceState.PAID: _l("Paid"),
    InvoiceState.CANCELLED: _l("Cancelled"),
    InvoiceState.REFUNDED: _l("Refunded"),
}
TONES: dict[str, str] = {
    InvoiceState.OPEN: "info",
    InvoiceState.PARTLY_PAID: "warning",
    InvoiceState.PAID: "success",
    InvoiceState.CANCELLED: "neutral",
    InvoiceState.REFUNDED: "neutral",
}
KINDS: dict[str, Any] = {
    InvoiceKind.DEPOSIT: _l("Deposit"),
    InvoiceKind.INSTALMENT: _l("Instalment"),
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
PRODUCT_KINDS: dict[str, Any] = {
    "power": _l("Power"),
    "furniture": _l("Furniture"),
    "advert": _l("Advertising"),
    "lanyard": _l("Lanyards"),
    "sponsorship": _l("Sponsorship"),
    "other": _l("Other"),
}
ORDER_STATES: dict[str, Any] = {
    "open": _l("To be invoiced"),
    "on_contract": _l("On the contract"),
    "invoiced": _l("Invoiced"),
    "cancelled": _l("Cancelled"),
}
ORDER_TONES = {"open": "warning", "on_contract": "info", "invoiced": "success", "cancelled": "neutral"}
STEPS: dict[str, Any] = {
    DunningStep.FRIENDLY: _l("Friendly reminder"),
    DunningStep.FIRST: _l("First reminder"),
    DunningStep.FINAL: _l("Final reminder"),
}
RULES: dict[str, Any] = {Rule.PERCENT: _l("Per cent"), Rule.FIXED: _l("Fixed amount"), Rule.REST: _l("The rest")}
DUE_FROM: dict[str, Any] = {DueFrom.SIGNING: _l("days after signing"), DueFrom.OPENING: _l("days before opening")}
OWN_DUE_FROM: dict[str, Any] = {**DUE_FROM, DueFrom.DATE: _l("on the date")}
BANK_STATES: dict[str, Any] = {"open": _l("To be matched"), "matched": _l("Matched"), "ignored": _l("Set aside")}
BANK_TONES = {"open": "warning", "matched": "success", "ignored": "neutral"}
REASONS: dict[str, Any] = {
    matching.NUMBER: _l("invoice number"),
    matching.CONTRACT: _l("contract number"),
    matching.AMOUNT: _l("exact amount"),
    matching.NAME: _l("payer's name"),
    matching.SUM: _l("sum of all open invoices"),
}
BANK_FIELDS: dict[str, Any] = {
    "day": _l("Booking day"),
    "credit": _l("Money in"),
    "amount": _l("Amount"),
    "direction": _l("In or out"),
    "payer": _l("Payer"),
    "remark": _l("Remittance text"),
    "summary": _l("Summary"),
    "reference": _l("Bank reference"),
    "currency": _l("Currency"),
    "account": _l("Account"),
}
WORDS: dict[str, Any] = {
    PlanRefusal.EMPTY: _l("A plan needs at least one step."),
    PlanRefusal.REST_NOT_LAST: _l("The last step takes the rest, and only the last one."),
    PlanRefusal.NOT_THE_TOTAL: _l("The instalments miss the total by %(difference)s. Let the last one take the rest, or correct them."),
    PlanRefusal.OVER_TOTAL: _l("Nothing is left for the last instalment: the others come to the total or %(difference)s more."),
    PlanRefusal.NO_DATE: _l("A step that is due on a date needs the date."),
    PlanRefusal.DATES: _l("The dates must follow one another."),
    PlanRefusal.IN_PAST: _l("A due date lies in the past."),
    PlanRefusal.OVER_HUNDRED: _l("The steps come to more than 100 per cent."),
    BankRefusal.NOTHING: _l("Please choose at least one invoice and an amount above zero."),
    BankRefusal.TOO_MUCH: _l("That is more than what is left of this money."),
    BankRefusal.FOREIGN: _l("One of these invoices is not among the open ones."),
    BankRefusal.CURRENCY: _l("Invoice and money have different currencies."),
    BankRefusal.TWICE: _l("An invoice was chosen twice."),
    BankRefusal.STALE: _l("Somebody else has worked on this money meanwhile. Reload the page and look again."),
    BankRefusal.NOT_MATCHED: _l("This money is not matched."),
    BankRefusal.USED: _l("The credit that came of this money has been used since."),
    BankRefusal.NEEDS_REASON: _l("Please enter why the match is undone."),
    BankRefusal.COLUMNS: _l("Please say which columns hold the booking day and the money that came in."),
    BankRefusal.TAKEN: _l("This statement has been taken in already."),
    OrderRefusal.QUANTITY: _l("Please enter a quantity between 1 and %(most)s."),
    OrderRefusal.SOLD_OUT: _l("Only %(left)s left. Nothing was ordered."),
    OrderRefusal.TOO_LATE: _l("This can no longer be ordered."),
    OrderRefusal.RETIRED: _l("This is no longer offered."),
    OrderRefusal.CURRENCY: _l("The product has another currency than the contract."),
    OrderRefusal.NOT_OPEN: _l("This order is invoiced or cancelled already."),
    OrderRefusal.CODE_TAKEN: _l("There is a product with this code already."),
    OrderRefusal.STOCK_BELOW: _l("More pieces are ordered than this stock."),
    OrderRefusal.PRICE_MOVED: _l("The price has changed since this order. Order the further pieces separately."),
    OrderRefusal.TOO_MUCH: _l("The amount is too large for one order."),
    "xml-doctype": _l("The file has a document type, which a bank statement never has."),
    "xml-broken": _l("The file is no complete XML."),
    "not-camt": _l("The file is no camt.053 bank statement of version 2 to 8."),
    "too-deep": _l("The file is no camt.053 bank statement of version 2 to 8."),
    "too-many": _l("The file has too many entries."),
    "table": _l("The file is no table that can be read: CSV or XLSX is needed."),
}


def words(refused: Any) -> str:
    """A refusal of this package as a sentence."""
    return str(WORDS[refused.reason]) % {"most": "", "left": "", **refused.facts}


NOT_READ: dict[str, Any] = {
    "day": _l("the date cannot be read; write it as 2026-06-08"),
    "amount": _l("the amount cannot be read"),
    "currency": _l("the currency is not a code of three letters"),
    "unreadable": _l("the entry is incomplete"),
}


def lines_not_read(statement: BankStatement, most: int = 20) -> list[str]:
    """Which lines of a bank statement were left out and why, the first ones."""
    refused = (statement.mapping or {}).get("refused", [])[:most]
    return [str(_("Line %(line)s: %(why)s", line=line, why=NOT_READ.get(why, why))) for line, why in refused]
