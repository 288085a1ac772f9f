"""What a contract asks for and when, with what was paid: the plan until it is signed, afterwards its invoices."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import InvoiceKind, is_overdue
from expo_crm.billing.models import Invoice
from expo_crm.exhibitors.domain.contract import ContractState
from expo_crm.exhibitors.models import Contract
from expo_crm.exhibitors.services import contracts

ZERO = Decimal(0)
PLAN = {InvoiceKind.DEPOSIT, InvoiceKind.INSTALMENT, InvoiceKind.BALANCE, InvoiceKind.FULL}


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
    found = billing.list_invoices_of_contract(contract.id) if invoices is None else invoices
    issued = [invoice for invoice in found if invoice.kind != InvoiceKind.CREDIT]
    ahead = [] if contract.state == ContractState.CANCELLED else contracts.amounts(contract)[sum(i.kind in PLAN for i in issued) :]
    planned = [Due(p.label_zh, p.label_en, p.due_on, p.amount) for p in ahead]
    if issued and planned:  # what was changed meanwhile has invoices of its own
        left = contract.total - sum((i.total - i.credited for i in issued if i.tax or not contract.tax), ZERO)
        last, fitted = planned[-1], []
        for part in planned:
            amount = left if part is last else min(part.amount, left)
            left -= amount
            if amount > 0:
                fitted.append(replace(part, amount=amount))
        planned = fitted
    return [_due(contract, invoice, today) for invoice in issued] + planned


def _due(contract: Contract, invoice: Invoice, today: dt.date) -> Due:
    zh, en = (invoice.lines[0].text_zh, invoice.lines[0].text_en) if invoice.lines else (invoice.number, invoice.number)
    return Due(
        _short(zh, contract.number),
        _short(en, contract.number),
        invoice.due_on,
        invoice.total - invoice.credited or invoice.total,  # what was credited whole stays in sight, as cancelled
        sum((payment.amount for payment in invoice.payments), ZERO),
        invoice.state,
        is_overdue(invoice.state, invoice.due_on, today),
    )


def _short(line: str, number: str) -> str:
    """The text of an invoice's line without the number of the contract on whose page it stands."""
    bare = re.sub(rf"[，,]? ?(?:参展合同|合同|[Cc]ontract) {re.escape(number)}(?:, | )?", "", line)
    return (bare[:1].upper() + bare[1:]) or line
