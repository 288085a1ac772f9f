"""Figures across phases. Read-only; each function asks a constant number of times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select

from expo_crm.billing.models import Invoice, Payment
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.models import Booth, Contract, Opportunity
from expo_crm.followup.models import Survey
from expo_crm.followup.queries.exhibiting import SIGNED, commitments_of, stakes_of
from expo_crm.followup.queries.surveys import attended
from expo_crm.matchmaking.models import Meeting
from expo_crm.onsite.models import Lead
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration, VisitorClass

if TYPE_CHECKING:
    import pandas as pd

ZERO = Decimal(0)
OPEN_STAGES = ("lead", "contacted", "intent", "quoted", "held")
NOT_COUNTED = ("cancelled", "rejected")


def _day(value: Any) -> dt.date:
    """A date as either database gives it."""
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


def registrations_per_day(edition_ids: Iterable[int]) -> dict[int, dict[dt.date, int]]:
    """Edition → day (UTC) → registrations handed in, cancelled and rejected ones left out."""
    day = func.date(Registration.submitted_at)
    out: dict[int, dict[dt.date, int]] = {}
    for edition_id, when, count in db.session.execute(
        select(Registration.edition_id, day, func.count())
        .where(Registration.edition_id.in_(list(edition_ids)), Registration.state.not_in(NOT_COUNTED))
        .group_by(Registration.edition_id, day)
    ):
        out.setdefault(edition_id, {})[_day(when)] = count
    return out


@dataclass(frozen=True)
class Sold:
    """Signed contracts up to a day, or the ledger where no contract was kept."""

    net_m2: Decimal = ZERO
    amount: Decimal = ZERO
    contracts: int = 0


def contracts_per_day(edition_ids: Iterable[int]) -> dict[int, dict[dt.date, Sold]]:
    """Edition → day of signature → what was sold that day. A contract without its day counts on the day it was written."""
    out: dict[int, dict[dt.date, Sold]] = {}
    for edition_id, when, written, m2, net in db.session.execute(
        select(Contract.edition_id, Contract.signed_on, Contract.created_at, Contract.net_m2, Contract.net_home).where(
            Contract.edition_id.in_(list(edition_ids)), Contract.state.in_(SIGNED)
        )
    ):
        days = out.setdefault(edition_id, {})
        at = when or written.date()
        known = days.get(at, Sold())
        days[at] = Sold(known.net_m2 + m2, known.amount + net, known.contracts + 1)
    return out


def sold_until(per_day: dict[dt.date, Sold], day: dt.date | None = None) -> Sold:
    """The sum up to and with ``day``; of everything when there is none."""
    found = [sold for at, sold in per_day.items() if day is None or at <= day]
    return Sold(
        sum((s.net_m2 for s in found), ZERO), sum((s.amount for s in found), ZERO), sum(s.contracts for s in found)
    )


def ledger_of(edition_ids: Iterable[int]) -> dict[int, Sold]:
    """Edition → main and co-exhibitors of the ledger that exhibited or are planned: area, money, number."""
    rows = db.session.execute(
        select(Participation.edition_id, func.sum(Participation.net_m2), func.sum(Participation.amount), func.count())
        .where(
            Participation.edition_id.in_(list(edition_ids)),
            Participation.role.in_(("main", "co")),
            Participation.outcome.in_(("exhibited", "planned")),
        )
        .group_by(Participation.edition_id)
    )
    return {row[0]: Sold(row[1] or ZERO, row[2] or ZERO, row[3]) for row in rows}


def saleable_m2(edition_ids: Iterable[int]) -> dict[int, Decimal]:
    """Edition → area of its booths that are not blocked."""
    rows = db.session.execute(
        select(Booth.edition_id, func.sum(Booth.area_m2))
        .where(Booth.edition_id.in_(list(edition_ids)), Booth.state != "blocked")
        .group_by(Booth.edition_id)
    )
    return {edition_id: area or ZERO for edition_id, area in rows}


@dataclass(frozen=True)
class StageLine:
    stage: str
    count: int
    amount: Decimal


def pipeline(edition_id: int) -> list[StageLine]:
    """Open opportunities by stage, in the order of the pipeline."""
    rows = {
        stage: StageLine(stage, count, amount or ZERO)
        for stage, count, amount in db.session.execute(
            select(Opportunity.stage, func.count(), func.sum(Opportunity.expected_amount))
            .where(Opportunity.edition_id == edition_id)
            .group_by(Opportunity.stage)
        )
    }
    order = (*OPEN_STAGES, "contracted", "deposit_paid", "paid", "lost")
    return [rows.get(stage, StageLine(stage, 0, ZERO)) for stage in order]


@dataclass(frozen=True)
class Money:
    """Invoices that are neither cancelled nor refunded: invoiced, received, outstanding, and what of that is past its day."""

    invoiced: Decimal = ZERO
    received: Decimal = ZERO
    overdue: Decimal = ZERO
    overdue_count: int = 0

    @property
    def outstanding(self) -> Decimal:
        return self.invoiced - self.received


def money(edition_id: int, today: dt.date) -> Money:
    received = select(Payment.invoice_id, func.sum(Payment.amount).label("sum")).group_by(Payment.invoice_id).subquery()
    invoiced = got = overdue = ZERO
    late = 0
    for total, due_on, paid in db.session.execute(
        select(Invoice.total, Invoice.due_on, received.c.sum)
        .outerjoin(received, received.c.invoice_id == Invoice.id)
        .where(Invoice.edition_id == edition_id, Invoice.state.in_(("open", "partly_paid", "paid")))
    ):
        paid = paid or ZERO
        invoiced, got = invoiced + total, got + paid
        if due_on < today and paid < total:
            overdue, late = overdue + total - paid, late + 1
    return Money(invoiced, got, overdue, late)


@dataclass(frozen=True)
class Audience:
    """Registrations of an edition: handed in, to review, approved pre-registrants and how many of those came."""

    total: int = 0
    to_review: int = 0
    approved_before: int = 0
    showed_up: int = 0
    on_site: int = 0

    @property
    def show_up_rate(self) -> float | None:
        return self.showed_up / self.approved_before if self.approved_before else None


def audience(edition: Edition) -> Audience:
    def number(*conditions: Any) -> Any:
        return func.coalesce(func.sum(case((and_(*conditions), 1), else_=0)), 0)

    counted = VisitorClass.code.in_(edition.counted_classes or [""])
    before = and_(Registration.state == "approved", ~Registration.on_site, counted)
    row = db.session.execute(
        select(
            number(Registration.state.not_in(NOT_COUNTED)),
            number(Registration.state.in_(("submitted", "in_review"))),
            number(before),
            number(before, attended(edition.id)),
            number(Registration.on_site, Registration.state == "approved", counted),
        )
        .join(VisitorClass, VisitorClass.id == Registration.class_id)
        .where(Registration.edition_id == edition.id)
    ).one()
    return Audience(*(int(value) for value in row))


@dataclass(frozen=True)
class Contacts:
    leads: int = 0
    meetings: dict[str, int] = field(default_factory=dict)

    @property
    def kept_rate(self) -> float | None:
        """Held ÷ scheduled meetings that are settled."""
        settled = self.meetings.get("held", 0) + self.meetings.get("no_show", 0)
        return self.meetings.get("held", 0) / settled if settled else None


def contacts(edition_id: int) -> Contacts:
    leads = db.session.scalar(
        select(func.count())
        .select_from(Lead)
        .join(Participation, Participation.id == Lead.participation_id)
        .where(Participation.edition_id == edition_id, Lead.registration_id.is_not(None))
    )
    rows = db.session.execute(
        select(Meeting.state, func.count()).where(Meeting.edition_id == edition_id).group_by(Meeting.state)
    )
    return Contacts(leads or 0, dict(rows.all()))


def open_survey_ids(edition_id: int) -> list[int]:
    return list(db.session.scalars(select(Survey.id).where(Survey.edition_id == edition_id, Survey.state != "draft")))


def rebooked(base: Edition, coming: Edition) -> int:
    """Exhibitors of ``base`` with a signed contract, or an opportunity at contracted or beyond, for ``coming``."""
    return len(set(stakes_of([base])[base.id]) & set(commitments_of(coming)))


def frame_of_participations(show_id: int) -> pd.DataFrame:
    """One row per company and edition of a show: edition, starts_on, company_id, role, net_m2, amount, outcome.

    For analyses that go beyond the screens; amounts are Decimal.
    """
    import pandas as pd  # a second of start-up that only this function needs

    rows = db.session.execute(
        select(
            Edition.slug,
            Edition.starts_on,
            Participation.company_id,
            Participation.role,
            Participation.net_m2,
            Participation.amount,
            Participation.outcome,
        )
        .join(Edition, Edition.id == Participation.edition_id)
        .where(Edition.show_id == show_id)
        .order_by(Edition.starts_on, Participation.company_id)
    )
    return pd.DataFrame(
        rows.all(), columns=["edition", "starts_on", "company_id", "role", "net_m2", "amount", "outcome"]
    )


def participation_matrix(show_id: int) -> pd.DataFrame:
    """Company id × edition (oldest first) → net m² as Decimal; NaN where the company was absent or cancelled."""
    frame = frame_of_participations(show_id)
    there = frame[frame["outcome"].isin(["planned", "exhibited"])]
    editions = list(dict.fromkeys(there["edition"]))
    return there.pivot(index="company_id", columns="edition", values="net_m2").reindex(columns=editions)
