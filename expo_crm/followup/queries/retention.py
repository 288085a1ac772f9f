"""Retention between editions, the evidence behind a risk, and the plan: a constant number of queries each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import CTE, BigInteger, Integer, column, func, select, values
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.accounts.models import User
from expo_crm.billing.models import Invoice, Payment
from expo_crm.db import db
from expo_crm.directory.models import Activity, Company, Participation
from expo_crm.exhibitors.models import Opportunity, PortalMember
from expo_crm.followup.domain import plan, risk
from expo_crm.followup.domain.retention import Cohort, Flow, Retention, Stake, classify, cohorts
from expo_crm.followup.models import Case, RetentionCase, Survey, SurveyAnswer, SurveyInvitation, SurveyQuestion
from expo_crm.followup.queries.exhibiting import commitments_of, has_begun, stakes_of
from expo_crm.lib.permissions import Permission
from expo_crm.onsite.models import Lead
from expo_crm.shows.models import Edition


def list_series(edition: Edition) -> list[Edition]:
    """The editions of the show that took or take place, oldest first; cancelled ones are no opportunity to return and are left out."""
    return list(
        db.session.scalars(
            select(Edition)
            .where(Edition.show_id == edition.show_id, Edition.state != "cancelled")
            .order_by(Edition.starts_on, Edition.id)
        )
    )


@dataclass(frozen=True)
class Development:
    """All editions of a series with their exhibitors; the last one may be a coming one, with those who have committed so far."""

    editions: list[Edition]
    stakes: list[dict[int, Stake]]
    coming: bool
    steps: list[Retention | None] = field(default_factory=list)  # one per edition; None for the first

    @property
    def index(self) -> int:
        return len(self.editions) - 1

    @property
    def current(self) -> Retention | None:
        return self.steps[-1] if self.steps else None

    @property
    def cohorts(self) -> list[Cohort]:
        done = self.stakes[:-1] if self.coming else self.stakes
        return cohorts([set(s) for s in done])


def development_of(edition: Edition, today: dt.date) -> Development:
    """The series up to and with ``edition``."""
    series = [e for e in list_series(edition) if e.starts_on <= edition.starts_on]
    begun = [e for e in series if has_begun(e, today)]
    known = stakes_of(begun)
    coming = not has_begun(edition, today)
    # An edition between, that is planned and not begun, says nothing about who came back.
    series = [e for e in series if e.id in known or e.id == edition.id]
    stakes = [known[e.id] if e.id in known else commitments_of(e) for e in series]
    steps: list[Retention | None] = []
    seen: set[int] = set()
    for number, now in enumerate(stakes):
        steps.append(classify(stakes[number - 1], now, seen) if number else None)
        if number:
            seen |= set(stakes[number - 1])
    return Development(series, stakes, coming, steps)


def numbered(name: str, rows: Sequence[tuple[int | Decimal, ...]], *columns: str) -> CTE:
    """Whole numbers per company, worked out in Python, as a table to join and sort by: ``company_id`` and ``columns``."""
    names = ("company_id", *columns)
    # A table of no rows cannot be written; no company has the number -1.
    data = [tuple(int(v) for v in row) for row in rows] or [(-1,) * len(names)]
    return (
        values(*(column(n, BigInteger if n != "place" else Integer) for n in names), name=name, literal_binds=True)
        .data(data)
        .cte(name)
    )


# --- risk --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Base:
    """The edition whose exhibitors are to come back, and the one they shall come back to (None: not planned yet)."""

    edition: Edition
    coming: Edition | None


def find_base(edition: Edition, today: dt.date) -> Base | None:
    """From a page of a begun edition: itself and the next one; from a coming one: the last begun and the coming one."""
    series = list_series(edition)
    if has_begun(edition, today):
        later = [e for e in series if e.starts_on > edition.starts_on]
        return Base(edition, later[0] if later else None)
    earlier = [e for e in series if e.starts_on < edition.starts_on and has_begun(e, today)]
    return Base(earlier[-1], edition) if earlier else None


@dataclass(frozen=True)
class Outlook:
    """Every exhibitor of the base edition with its risk and stake; ``committed`` are those already back in the coming one."""

    base: Base
    stakes: dict[int, Stake]
    risks: dict[int, risk.Risk]
    committed: AbstractSet[int]
    earlier: list[dict[int, Stake]]  # editions before the base, newest first

    @property
    def waiting(self) -> list[int]:
        return [company for company in self.stakes if company not in self.committed]


def outlook_of(base: Base, now: dt.datetime) -> Outlook:
    """Stakes, evidence and risks in a constant number of queries."""
    edition = base.edition
    series = [e for e in list_series(edition) if e.starts_on < edition.starts_on]
    known = stakes_of([*series, edition])
    earlier = [known[e.id] for e in reversed(series)]
    mine = known[edition.id]
    evidence = _evidence(edition, mine, earlier, now)
    committed = set(commitments_of(base.coming)) if base.coming else set()
    return Outlook(base, mine, {c: risk.assess(e) for c, e in evidence.items()}, committed, earlier)


def _evidence(
    edition: Edition, mine: dict[int, Stake], earlier: list[dict[int, Stake]], now: dt.datetime
) -> dict[int, risk.Evidence]:
    today = now.astimezone(edition.zone).date()
    leads = _leads(edition.id)
    quartile = risk.lower_quartile([leads.get(c, 0) for c in mine]) if leads else None
    answers = _answers(edition.id)
    complaints = _complaints(edition.id, now)
    overdue, late = _payments(edition.id, today)
    portal = _portal(edition)
    contact = _contact(now)
    last = earlier[0] if earlier else {}
    ever = set().union(*earlier) if earlier else set()
    out = {}
    for company, stake in mine.items():
        opened, tardy = complaints.get(company, (0, 0))
        said = answers.get(company, {})
        out[company] = risk.Evidence(
            net_m2=stake.net_m2,
            net_m2_before=last[company].net_m2 if company in last else None,
            leads=leads.get(company, 0) if leads else None,
            leads_quartile=quartile,
            nps=said.get("nps"),
            dissatisfied=said.get("dissatisfied"),
            return_intention=said.get("return"),
            complaints_open=opened,
            complaints_late=tardy,
            days_overdue=overdue.get(company),
            paid_late_days=late.get(company),
            portal_used=portal.get(company) if portal else None,
            first_time=bool(earlier) and company not in ever,
            absent_before=_gaps(company, earlier),
            days_silent=contact.get(company),
        )
    return out


def _gaps(company: int, earlier: list[dict[int, Stake]]) -> int:
    """Editions missed between the first and the base edition."""
    present = [company in stakes for stakes in reversed(earlier)]
    return present[present.index(True) :].count(False) if True in present else 0


def _leads(edition_id: int) -> dict[int, int]:
    rows = db.session.execute(
        select(Participation.company_id, func.count(Lead.id))
        .join(Lead, Lead.participation_id == Participation.id)
        .where(Participation.edition_id == edition_id, Lead.registration_id.is_not(None))
        .group_by(Participation.company_id)
    )
    return dict(rows.all())


RETURN_CODES = {"yes", "no"}  # an answer list with these, and any between, asks whether they will return
UNSURE = {"unsure", "maybe"}


def _answers(edition_id: int) -> dict[int, dict[str, Any]]:
    """Company → lowest recommendation, number of dissatisfied answers, and whether it means to return."""
    rows = db.session.execute(
        select(
            Participation.company_id,
            SurveyQuestion.kind,
            SurveyQuestion.options,
            SurveyAnswer.number,
            SurveyAnswer.text,
        )
        .join(SurveyInvitation, SurveyInvitation.participation_id == Participation.id)
        .join(SurveyAnswer, SurveyAnswer.invitation_id == SurveyInvitation.id)
        .join(SurveyQuestion, SurveyQuestion.id == SurveyAnswer.question_id)
        .join(Survey, Survey.id == SurveyInvitation.survey_id)
        .where(
            Survey.edition_id == edition_id,
            SurveyInvitation.state == "complete",
            SurveyQuestion.kind.in_(("nps", "scale", "choice")),
        )
    )
    out: dict[int, dict[str, Any]] = {}
    for company, kind, options, number, text in rows:
        said = out.setdefault(company, {"dissatisfied": 0})
        if kind == "nps" and number is not None:
            said["nps"] = min(number, said.get("nps", number))
        elif kind == "scale" and number is not None and number <= 2:
            said["dissatisfied"] += 1
        elif kind == "choice" and {o["code"] for o in options} >= RETURN_CODES:
            said["return"] = "unsure" if text in UNSURE else text
    return out


def _complaints(edition_id: int, now: dt.datetime) -> dict[int, tuple[int, int]]:
    """Company → (open complaints, complaints that took too long)."""
    out: dict[int, tuple[int, int]] = {}
    for company, state, created_at, closed_at in db.session.execute(
        select(Case.company_id, Case.state, Case.created_at, Case.closed_at).where(
            Case.edition_id == edition_id, Case.kind == "complaint", Case.company_id.is_not(None)
        )
    ):
        assert company is not None  # the question leaves those without one out
        opened, tardy = out.get(company, (0, 0))
        closed = state == "confirmed"
        late = risk.is_late(created_at, closed_at if closed else None, now)
        out[company] = (opened + (not closed), tardy + (closed and late))
    return out


def _payments(edition_id: int, today: dt.date) -> tuple[dict[int, int], dict[int, int]]:
    """Company → days overdue now, and company → days the latest payment came after it was due."""
    received = (
        select(Payment.invoice_id, func.max(Payment.received_on).label("on")).group_by(Payment.invoice_id).subquery()
    )
    overdue: dict[int, int] = {}
    late: dict[int, int] = {}
    for company, state, due_on, paid_on in db.session.execute(
        select(Invoice.company_id, Invoice.state, Invoice.due_on, received.c.on)
        .outerjoin(received, received.c.invoice_id == Invoice.id)
        .where(Invoice.edition_id == edition_id, Invoice.state.in_(("open", "partly_paid", "paid")))
    ):
        if state != "paid":
            overdue[company] = max(overdue.get(company, 0), (today - due_on).days)
        elif paid_on is not None:
            late[company] = max(late.get(company, 0), (paid_on - due_on).days)
    return overdue, late


def _portal(edition: Edition) -> dict[int, bool]:
    """Company → somebody of it has signed in to the portal; companies without an account are not in it."""
    rows = db.session.execute(
        select(PortalMember.company_id, func.max(User.signed_in_at))
        .join(User, User.id == PortalMember.user_id)
        .group_by(PortalMember.company_id)
    )
    return {company: seen is not None for company, seen in rows}


def _contact(now: dt.datetime) -> dict[int, int]:
    """Company → days since something was last done with it; companies nothing was ever noted for are not in it."""
    rows = db.session.execute(
        select(Activity.company_id, func.max(Activity.done_at))
        .where(Activity.done_at.is_not(None))
        .group_by(Activity.company_id)
    )
    return {company: (now - at).days for company, at in rows if at is not None}


# --- the plan ------------------------------------------------------------------------------------------------------------


def list_owners_of(company_ids: Sequence[int]) -> dict[int, int | None]:
    rows = db.session.execute(select(Company.id, Company.owner_id).where(Company.id.in_(company_ids)))
    return dict(rows.all())


def companies_with_opportunity(edition_id: int) -> set[int]:
    return set(db.session.scalars(select(Opportunity.company_id).where(Opportunity.edition_id == edition_id)))


def list_sellers() -> list[User]:
    """Active staff who may sell: whoever owns a company among them keeps it."""
    everybody = select(User).where(User.kind == "staff", User.active).order_by(User.name, User.id)
    staff = db.session.scalars(everybody.options(selectinload(User.roles)))
    return [user for user in staff if Permission.SELL in user.permissions]


def make_plan(
    outlook: Outlook, sellers: Sequence[User], *, first_on: dt.date, per_day: int, won_back: bool
) -> list[plan.Step]:
    """The plan for the companies that have no opportunity in the coming edition yet."""
    owners = list_owners_of(
        list(set(outlook.stakes).union(*(set(e) for e in outlook.earlier[: plan.WON_BACK_EDITIONS])))
    )
    known = companies_with_opportunity(outlook.base.coming.id) if outlook.base.coming else set()
    wanted = [
        plan.Candidate(
            c.company_id,
            c.source,
            c.stake,
            c.owner_id,
            risk.priority(outlook.risks.get(c.company_id, risk.Risk(0, ())), c.stake.amount),
        )
        for c in plan.candidates(outlook.stakes, outlook.earlier, owners, won_back=won_back)
        if c.company_id not in known and c.company_id not in outlook.committed
    ]
    everybody = [user.id for user in sellers]
    # Companies without an owner go to the sales people; to administrators only where there is nobody else.
    sales = [user.id for user in sellers if "sales" in user.role_codes] or everybody
    return plan.make(wanted, sales, first_on=first_on, per_day=per_day, keep=set(everybody))


def find_retention_case(edition_id: int, company_id: int) -> RetentionCase | None:
    return db.session.scalar(
        select(RetentionCase).where(RetentionCase.edition_id == edition_id, RetentionCase.company_id == company_id)
    )


def list_company_retention(company_id: int) -> list[RetentionCase]:
    return list(
        db.session.scalars(
            select(RetentionCase)
            .where(RetentionCase.company_id == company_id)
            .order_by(RetentionCase.created_at.desc())
            .options(joinedload(RetentionCase.edition))
        )
    )


def flows_as_numbers(flows: dict[int, Flow]) -> dict[int, int]:
    """A number per flow to sort by, in the order of the four figures."""
    order = {flow: number for number, flow in enumerate(Flow)}
    return {company: order[flow] for company, flow in flows.items()}
