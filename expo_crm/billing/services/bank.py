"""Bank statements: take a file in, propose what its money is for, match it, undo.

The same file again, or another one that overlaps it, adds nothing: money is known by account and fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.audit import services as audit
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.domain.matching import Open, Proposal, Received, propose
from expo_crm.billing.domain.statement import FIELDS, Parsed, fingerprints, parse_camt, read_row
from expo_crm.billing.models import BankStatement, BankTransaction, CompanyCredit, Invoice, Payment
from expo_crm.billing.services import credits, payments
from expo_crm.db import db
from expo_crm.directory.models import Company, CompanyName
from expo_crm.lib import clock, text
from expo_crm.sheets.map import SURE, Field, suggest_mapping
from expo_crm.sheets.read import Table, open_table
from expo_crm.shows.models import Edition, Show

TARGETS = tuple(Field(key, key, words) for key, words in FIELDS.items())


class BankRefusal(StrEnum):
    NOTHING = "bank_nothing"
    TOO_MUCH = "bank_too_much"
    FOREIGN = "bank_foreign_invoice"
    CURRENCY = "bank_currency"
    TWICE = "bank_twice"
    STALE = "bank_stale"
    NOT_MATCHED = "bank_not_matched"
    USED = "bank_credit_used"
    NEEDS_REASON = "bank_needs_reason"
    COLUMNS = "bank_columns"
    TAKEN = "bank_taken"


class BankRefused(Exception):
    """A step with bank money was refused; nothing was stored."""

    def __init__(self, reason: BankRefusal, **facts: Any) -> None:
        super().__init__(reason.value)
        self.reason, self.facts = reason, facts


def upload(show: Show, filename: str, data: bytes, *, currency: str, account: str, user_id: int | None) -> BankStatement:
    """Keep a statement. camt.053 is taken in at once, a table waits for its columns to be confirmed.

    Raises StatementRefused or SheetRefused; then nothing is stored.
    """
    xml = data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<")
    parsed = parse_camt(data) if xml else None
    if not xml:
        open_table(data, filename)
    statement = BankStatement(
        show_id=show.id,
        filename=text.clean(filename, limit=200) or "–",
        format="camt" if xml else "table",
        account=text.clean(account, limit=60),
        currency=currency,
        data=data,
        uploaded_by=user_id,
        uploaded_at=clock.now(),
    )
    db.session.add(statement)
    db.session.flush()
    audit.record("bank.upload", "bank_statement", statement.id, changes={"file": statement.filename})
    if parsed is not None:
        _store(statement, parsed)
    return statement


def table_of(statement: BankStatement) -> Table:
    if statement.data is None:
        raise BankRefused(BankRefusal.TAKEN)
    return open_table(statement.data, statement.filename)


def suggested(table: Table) -> dict[str, int]:
    """Field → column (from 0) where the header leaves no doubt."""
    return {s.key: s.column for s in suggest_mapping(table.headers, TARGETS) if s.confidence >= SURE}


def take(statement: BankStatement, columns: Mapping[str, int]) -> None:
    """Take the table in with these columns. Raises BankRefused."""
    db.session.execute(select(BankStatement.id).where(BankStatement.id == statement.id).with_for_update())
    db.session.refresh(statement, ["state"])
    if statement.state != "columns":
        raise BankRefused(BankRefusal.TAKEN)
    table = table_of(statement)
    width = len(table.headers)
    if "day" not in columns or not {"credit", "amount"} & set(columns) or any(not 0 <= c < width for c in columns.values()):
        raise BankRefused(BankRefusal.COLUMNS)
    parsed = Parsed()
    for row in table.rows():
        cells = {field: row.cells[column] if column < len(row.cells) else "" for field, column in columns.items()}
        try:
            entry = read_row(cells, statement.currency, statement.account)
        except ValueError as error:
            parsed.refused.append((row.line, str(error)))
            continue
        if entry is None:
            parsed.skipped += 1
        else:
            parsed.entries.append(entry)
    statement.mapping = {"columns": dict(columns), "refused": parsed.refused[:200]}
    _store(statement, parsed)


def _store(statement: BankStatement, parsed: Parsed) -> None:
    """Insert what is new; the unique key decides, also against a second clerk with the same file."""
    dialect = db.session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    added = 0
    entries = parsed.entries
    for entry, mark in zip(entries, fingerprints(entries), strict=True):
        result = db.session.execute(
            insert(BankTransaction)
            .values(
                show_id=statement.show_id,
                statement_id=statement.id,
                account=(entry.account or statement.account)[:60],
                fingerprint=mark,
                booked_on=entry.booked_on,
                amount=entry.amount,
                currency=entry.currency,
                payer=text.clean(entry.payer, limit=300),
                remittance=text.clean(entry.remittance, limit=2000),
                reference=text.clean(entry.reference, limit=300),
                state="open",
                version=1,
            )
            .on_conflict_do_nothing(index_elements=["show_id", "account", "fingerprint"])
            .returning(BankTransaction.id)
        )
        added += result.scalar() is not None
    statement.state, statement.data = "taken", None
    statement.rows, statement.added, statement.known = len(entries) + parsed.skipped + len(parsed.refused), added, len(entries) - added
    statement.refused = len(parsed.refused)
    db.session.flush()
    audit.record(
        "bank.take", "bank_statement", statement.id, changes={"added": added, "known": statement.known, "refused": statement.refused}
    )


def used_of(transaction_ids: Sequence[int]) -> dict[int, Decimal]:
    """How much of each is matched or kept as credit, reversals taken off."""
    out = dict.fromkeys(transaction_ids, Decimal(0))
    for column, amount in (
        (Payment.bank_transaction_id, Payment.amount),
        (CompanyCredit.transaction_id, CompanyCredit.amount),
    ):
        rows = db.session.execute(select(column, func.sum(amount)).where(column.in_(transaction_ids)).group_by(column))
        for key, value in rows:
            assert key is not None
            out[key] += value
    return out


def open_invoices(show_id: int, currency: str | None = None) -> list[Open]:
    """Everything the show's companies owe, over all editions, with their names; a constant number of queries."""
    received = (
        select(Payment.invoice_id, func.sum(Payment.amount).label("received")).group_by(Payment.invoice_id).subquery()
    )
    query = (
        select(Invoice, func.coalesce(received.c.received, 0), Company.name_zh, Company.name_en)
        .join(Edition, Edition.id == Invoice.edition_id)
        .join(Company, Company.id == Invoice.company_id)
        .outerjoin(received, received.c.invoice_id == Invoice.id)
        .where(Edition.show_id == show_id, Invoice.state.in_(("open", "partly_paid")), Invoice.kind != InvoiceKind.CREDIT.value)
        .order_by(Invoice.due_on, Invoice.id)
    )
    if currency:
        query = query.where(Invoice.currency == currency)
    rows = db.session.execute(query).all()
    further: dict[int, list[str]] = {}
    companies = {invoice.company_id for invoice, *_rest in rows}
    for company_id, name in db.session.execute(
        select(CompanyName.company_id, CompanyName.name).where(CompanyName.company_id.in_(companies))
    ):
        further.setdefault(company_id, []).append(name)
    contracts = payments.contract_numbers({i.contract_id for i, *_rest in rows if i.contract_id is not None})
    return [
        Open(
            invoice.id,
            invoice.number,
            invoice.total - invoice.credited - Decimal(got),
            invoice.currency,
            invoice.company_id,
            tuple(n for n in (zh, en, *further.get(invoice.company_id, ())) if n),
            contracts.get(invoice.contract_id or 0, ""),
        )
        for invoice, got, zh, en in rows
    ]


def proposals(transactions: Sequence[BankTransaction]) -> dict[int, list[Proposal]]:
    """What each open transaction is probably for."""
    if not transactions:
        return {}
    candidates = open_invoices(transactions[0].show_id)
    used = used_of([t.id for t in transactions])
    return {
        t.id: propose(Received(t.amount - used[t.id], t.currency, t.payer, f"{t.remittance} {t.reference}"), candidates)
        for t in transactions
        if t.state == "open"
    }


def match(
    transaction: BankTransaction,
    parts: Sequence[tuple[int, Decimal]],
    *,
    rest_to_credit: bool = False,
    version: int | None = None,
    user_id: int | None = None,
) -> None:
    """Match money to invoices (id, amount), several or a part; with ``rest_to_credit`` what is over becomes the company's credit.

    Raises BankRefused or PaymentRefused; then nothing is stored.
    """
    rest = _lock(transaction, version)
    if not parts or any(amount <= 0 for _invoice, amount in parts):
        raise BankRefused(BankRefusal.NOTHING)
    if len({invoice for invoice, _amount in parts}) != len(parts):
        raise BankRefused(BankRefusal.TWICE)
    if sum(amount for _invoice, amount in parts) > rest:
        raise BankRefused(BankRefusal.TOO_MUCH, rest=rest)
    ids = sorted(invoice for invoice, _amount in parts)
    rows = db.session.scalars(
        select(Invoice)
        .join(Edition, Edition.id == Invoice.edition_id)
        .where(Invoice.id.in_(ids), Edition.show_id == transaction.show_id)
        .order_by(Invoice.id)
    )
    found = {invoice.id: invoice for invoice in rows}
    if len(found) != len(ids):
        raise BankRefused(BankRefusal.FOREIGN)
    if any(invoice.currency != transaction.currency for invoice in found.values()):
        raise BankRefused(BankRefusal.CURRENCY)
    for invoice_id, amount in sorted(parts):
        payments.record(
            found[invoice_id],
            amount,
            min(transaction.booked_on, clock.local_day(clock.now(), found[invoice_id].edition.timezone)),
            method="bank",
            reference=transaction.reference or transaction.remittance[:200],
            recorded_by=user_id,
            transaction_id=transaction.id,
        )
        rest -= amount
    if rest and rest_to_credit:
        if len({invoice.company_id for invoice in found.values()}) > 1:
            raise BankRefused(BankRefusal.FOREIGN)
        credits.add(found[ids[0]], rest, "bank", transaction_id=transaction.id, recorded_by=user_id)
        rest = Decimal(0)
    transaction.state = "open" if rest else "matched"
    db.session.flush()
    audit.record(
        "bank.match", "bank_transaction", transaction.id, changes={"invoices": ", ".join(found[i].number for i in ids), "rest": rest}
    )


def undo(transaction: BankTransaction, reason: str, *, user_id: int | None = None) -> None:
    """Reverse every payment and credit that this money made. Raises BankRefused or PaymentRefused."""
    if not reason:
        raise BankRefused(BankRefusal.NEEDS_REASON)
    _lock(transaction, None)
    made = list(
        db.session.scalars(
            select(Payment).where(Payment.bank_transaction_id == transaction.id, Payment.amount > 0).order_by(Payment.invoice_id)
        )
    )
    standing = [p for p in made if not payments.is_reversed(p)]
    kept = db.session.scalars(
        select(CompanyCredit).where(CompanyCredit.transaction_id == transaction.id).order_by(CompanyCredit.id)
    ).all()
    credit = sum((row.amount for row in kept), Decimal(0))
    if not standing and not credit:
        raise BankRefused(BankRefusal.NOT_MATCHED)
    for payment in standing:
        payments.reverse(payment.invoice, payment, reason, recorded_by=user_id)
    if credit:
        first = kept[0]
        credits.lock(first.company_id)
        if credits.balance(first.company_id, first.currency) < credit:
            raise BankRefused(BankRefusal.USED)
        db.session.add(
            CompanyCredit(
                edition_id=first.edition_id, company_id=first.company_id, currency=first.currency, amount=-credit,
                transaction_id=transaction.id, reason=reason[:300], recorded_by=user_id, created_at=clock.now(),
            )
        )  # fmt: skip
    transaction.state = "open"
    db.session.flush()
    audit.record("bank.undo", "bank_transaction", transaction.id, reason=reason)


def ignore(transaction: BankTransaction, ignored: bool) -> None:
    """Money that is none of the show's, or it is after all. Raises BankRefused when it is matched."""
    _lock(transaction, None)
    if transaction.state == "matched":
        raise BankRefused(BankRefusal.STALE)
    transaction.state = "ignored" if ignored else "open"
    db.session.flush()
    audit.record("bank.ignore", "bank_transaction", transaction.id, changes={"ignored": ignored})


def _lock(transaction: BankTransaction, version: int | None) -> Decimal:
    """Lock the money and say how much of it is left. Raises BankRefused when it is not as the form had it."""
    query = select(BankTransaction).where(BankTransaction.id == transaction.id).with_for_update()
    db.session.scalars(query, execution_options={"populate_existing": True}).one()
    if version is not None and transaction.version != version:
        raise BankRefused(BankRefusal.STALE)
    return transaction.amount - used_of([transaction.id])[transaction.id]


def find(show_id: int, transaction_id: int) -> BankTransaction | None:
    return db.session.scalar(
        select(BankTransaction).where(BankTransaction.id == transaction_id, BankTransaction.show_id == show_id)
    )


def find_statement(show_id: int, statement_id: int) -> BankStatement | None:
    return db.session.scalar(select(BankStatement).where(BankStatement.id == statement_id, BankStatement.show_id == show_id))
