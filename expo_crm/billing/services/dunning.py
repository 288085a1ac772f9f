"""Reminders of overdue invoices: friendly, first, final; each once per invoice, in the company's language."""

from __future__ import annotations

from decimal import Decimal

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from expo_crm import jobs
from expo_crm.audit import services as audit
from expo_crm.billing.domain.invoice import InvoiceKind
from expo_crm.billing.domain.plan import DunningStep, dunning_step
from expo_crm.billing.models import BillingTerms, Dunning, Invoice, Payment
from expo_crm.db import db
from expo_crm.directory.models import Employment, Person
from expo_crm.lib import clock
from expo_crm.messaging import services as mail

JOB = "billing.dunning"
UNPAID = ("open", "partly_paid")


def init_app(app: Flask) -> None:
    jobs.register(app, JOB, lambda _payload, _progress: {"sent": run()})


def run() -> int:
    """Write the reminders that are due in the editions that want them; how many. Safe to run twice at once."""
    terms = {t.edition_id: t for t in db.session.scalars(select(BillingTerms).where(BillingTerms.dunning))}
    if not terms:
        return 0
    invoices = list(
        db.session.scalars(
            select(Invoice)
            .where(
                Invoice.edition_id.in_(terms),
                Invoice.state.in_(UNPAID),
                Invoice.kind != InvoiceKind.CREDIT.value,
                Invoice.dunning_stopped.is_(False),
                Invoice.due_on < clock.now().date(),
            )
            .options(joinedload(Invoice.company), joinedload(Invoice.edition))
            .order_by(Invoice.id)
        )
    )
    ids = [i.id for i in invoices]
    sent = steps_of(ids)
    received = _received(ids)
    mailboxes = contacts_of({i.company_id for i in invoices})
    count = 0
    for invoice in invoices:
        rule = terms[invoice.edition_id]
        today = clock.local_day(clock.now(), invoice.edition.timezone)
        days = (rule.friendly_days, rule.first_days, rule.final_days)
        step = dunning_step(invoice.due_on, today, days, [d.step for d in sent.get(invoice.id, ())])
        mailbox = mailboxes.get(invoice.company_id)
        asked = invoice.total - invoice.credited - received.get(invoice.id, Decimal(0))
        if step is not None and mailbox and asked > 0 and remind(invoice, step, mailbox, asked):
            count += 1
    return count


def remind(invoice: Invoice, step: DunningStep, mailbox: tuple[str, str], asked: Decimal) -> bool:
    """Write this reminder; False when it had been written before."""
    email, name = mailbox
    try:
        with db.session.begin_nested():
            db.session.add(
                Dunning(invoice_id=invoice.id, step=step.value, to_email=email, open_amount=asked, sent_at=clock.now())
            )
            db.session.flush()
    except IntegrityError:
        return False
    today = clock.local_day(clock.now(), invoice.edition.timezone)
    mail.queue(
        "billing_dunning",
        to_email=email,
        to_name=name,
        locale="zh" if invoice.company.country in {"", "CN"} else "en",
        context={
            "name": name,
            "invoice": invoice,
            "edition": invoice.edition,
            "company": invoice.company,
            "step": step.value,
            "asked": asked,
            "days": (today - invoice.due_on).days,
        },
        dedupe_key=f"dunning-{invoice.id}-{step.value}",
        edition_id=invoice.edition_id,
        company_id=invoice.company_id,
    )
    audit.record(
        "invoice.remind", "invoice", invoice.id, edition_id=invoice.edition_id, changes={"step": step.value, "open": asked}
    )
    return True


def steps_of(invoice_ids: list[int]) -> dict[int, list[Dunning]]:
    """Reminders by invoice, oldest first."""
    out: dict[int, list[Dunning]] = {}
    for row in db.session.scalars(select(Dunning).where(Dunning.invoice_id.in_(invoice_ids)).order_by(Dunning.id)):
        out.setdefault(row.invoice_id, []).append(row)
    return out


def contacts_of(company_ids: set[int]) -> dict[int, tuple[str, str]]:
    """Address and name of whom to write to: the main contact, else whoever has an address."""
    rows = db.session.execute(
        select(Employment.company_id, Person.email, Person.name)
        .join(Person, Person.id == Employment.person_id)
        .where(Employment.company_id.in_(company_ids), Person.email != "")
        .order_by(Employment.main_contact, Employment.id.desc())
    )
    return {company_id: (email, name) for company_id, email, name in rows}


def stop(invoice: Invoice, stopped: bool, reason: str = "") -> None:
    """No more reminders for this invoice, or again."""
    invoice.dunning_stopped = stopped
    db.session.flush()
    audit.record(
        "invoice.stop_reminders",
        "invoice",
        invoice.id,
        edition_id=invoice.edition_id,
        changes={"stopped": [not stopped, stopped]},
        reason=reason,
    )


def _received(invoice_ids: list[int]) -> dict[int, Decimal]:
    rows = db.session.execute(
        select(Payment.invoice_id, func.sum(Payment.amount)).where(Payment.invoice_id.in_(invoice_ids)).group_by(Payment.invoice_id)
    )
    return dict(rows.all())
