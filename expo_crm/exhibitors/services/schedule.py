"""What a contract asks for and when, with what was paid: the plan until it is signed, afterwards its invoices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import InvoiceKind, is_overdue
from expo_crm.billing.models import Invoice
from expo_crm.exhibitors.models import Contract
from expo_crm.exhibitors.services import contracts

ZERO = Decimal(0)


@dataclass(frozen=True)
class Due:
    """One payment in the contract's currency, with tax, less what credit notes took off. ``state`` of its invoice, "" without one."""

    label_zh: str
    label_en: str
    due_on: dt.date
    amount: Decimal
    received: Decimal = ZERO
    state: str = ""
    late: bool = False


def of(contract: Contract, today: dt.date, invoices: Sequence[Invoice] | None = None) -> list[Due]:
    """Every payment of the contract, first due on top. ``invoices`` of the contract, where the caller has them."""
    issued = billing.list_invoices_of_contract(contract.id) if invoices is None else invoices
    out = [_due(contract, invoice, today) for invoice in issued if invoice.kind != InvoiceKind.CREDIT]
    return out or [Due(p.label_zh, p.label_en, p.due_on, p.amount) for p in contracts.amounts(contract)]


def _due(contract: Contract, invoice: Invoice, today: dt.date) -> Due:
    zh, en = (invoice.lines[0].text_zh, invoice.lines[0].text_en) if invoice.lines else (invoice.number, invoice.number)
    return Due(
        zh.removesuffix(f"，参展合同 {contract.number}"),
        en.removesuffix(f", contract {contract.number}"),
        invoice.due_on,
        invoice.total - invoice.credited or invoice.total,  # what was credited whole stays in sight, as cancelled
        sum((payment.amount for payment in invoice.payments), ZERO),
        invoice.state,
        is_overdue(invoice.state, invoice.due_on, today),
    )
