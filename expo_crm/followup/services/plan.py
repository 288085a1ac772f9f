"""The next edition's opportunities and call list: made in one go, taken back in one go, worked off call by call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, exists, select

from expo_crm.audit import services as audit
from expo_crm.db import checkpoint, db
from expo_crm.directory.domain.agenda import working_days
from expo_crm.directory.models import Activity, Company
from expo_crm.directory.services import activities
from expo_crm.exhibitors.models import Booth, Contract, Opportunity, StageChange
from expo_crm.exhibitors.services import opportunities
from expo_crm.followup.domain import plan as rules
from expo_crm.followup.domain.risk import MEDIUM, Risk
from expo_crm.followup.models import RetentionCase
from expo_crm.followup.queries import retention as queries
from expo_crm.jobs import services as jobs
from expo_crm.jobs.models import Job
from expo_crm.lib import clock
from expo_crm.lib.i18n import N_
from expo_crm.shows.models import Edition
from expo_crm.shows.services import editions

JOB = "followup.plan_next"
BATCH = 100
MORNING = dt.time(9)


def next_dates(edition: Edition) -> tuple[dt.date, dt.date]:
    """What a next edition's dates would be: 52 weeks later, so that the weekdays stay."""
    year = dt.timedelta(weeks=52)
    return edition.starts_on + year, edition.ends_on + year


def create_next_edition(edition: Edition, starts_on: dt.date, ends_on: dt.date) -> Edition:
    """The next edition as a clone of this one. Raises shows' ShowError for impossible dates."""
    return editions.create_edition(
        edition.show, starts_on=starts_on, ends_on=ends_on, previous=edition, state="planning"
    )


def start(
    base: Edition,
    coming: Edition,
    user_id: int | None,
    *,
    first_on: dt.date,
    per_day: int,
    won_back: bool,
    subject: str,
    label: str = "",
) -> Job:
    """Put the making of the plan into the ledger; ``subject`` is the call's title in the words of who asked."""
    audit.record("plan.start", "edition", coming.id, edition_id=coming.id, changes={"from": base.slug})
    return jobs.enqueue(
        JOB,
        {
            "from": base.id,
            "to": coming.id,
            "first_on": first_on.isoformat(),
            "per_day": per_day,
            "won_back": won_back,
            "subject": subject,
            "label": label,
        },
        user_id=user_id,
    )


def run(payload: dict[str, Any], progress: Callable[..., None]) -> dict[str, Any]:
    """The job. Companies that have an opportunity are passed over, so a second run adds only what is missing."""
    base, coming = db.session.get_one(Edition, payload["from"]), db.session.get_one(Edition, payload["to"])
    outlook = queries.outlook_of(queries.Base(base, coming), clock.now())
    steps = queries.make_plan(
        outlook,
        queries.list_sellers(),
        first_on=dt.date.fromisoformat(payload["first_on"]),
        per_day=payload["per_day"],
        won_back=payload["won_back"],
    )
    made: list[int] = []
    calls: list[int] = []
    for number, step in enumerate(steps, 1):
        company = db.session.get_one(Company, step.candidate.company_id)
        opportunity = opportunities.create_opportunity(
            coming,
            company,
            step.owner_id,
            step.candidate.source,
            step.candidate.stake.net_m2,
            step.candidate.stake.amount,
            payload["subject"],
            step.due_on,
        )
        call = activities.plan_next_action(
            company.id,
            kind="call",
            subject=payload["subject"],
            due_at=_morning(step.due_on, coming),
            edition_id=coming.id,
            owner_id=step.owner_id,
        )
        made.append(opportunity.id)
        calls.append(call.id)
        _flag(coming, company.id, step.owner_id, outlook.risks.get(company.id))
        if number % BATCH == 0:
            checkpoint()
        progress(number, len(steps), payload.get("label", ""))
    audit.record("plan.make", "edition", coming.id, edition_id=coming.id, changes={"opportunities": len(made)})
    return {"opportunities": made, "calls": calls}


def _morning(day: dt.date, edition: Edition) -> dt.datetime:
    return dt.datetime.combine(day, MORNING, edition.zone).astimezone(dt.UTC)


def _flag(coming: Edition, company_id: int, owner_id: int | None, found: Risk | None) -> None:
    """Keep why a company was at risk when the plan was made, so that the outcome can be held against it."""
    if found is None or found.score < MEDIUM or queries.find_retention_case(coming.id, company_id) is not None:
        return
    db.session.add(
        RetentionCase(
            edition_id=coming.id,
            company_id=company_id,
            state="assigned" if owner_id else "flagged",
            score=found.score,
            reasons=[{"code": r.code, "points": r.points, "params": r.params} for r in found.reasons],
            owner_id=owner_id,
            created_at=clock.now(),
        )
    )


def list_runs(base: Edition, limit: int = 5) -> list[Job]:
    """The latest makings of a plan from this edition, newest first."""
    recent = db.session.scalars(select(Job).where(Job.kind == JOB).order_by(Job.id.desc()).limit(50))
    return [job for job in recent if job.payload.get("from") == base.id][:limit]


def count_untouched(job: Job) -> int:
    """How many of a run's opportunities nobody has worked on yet."""
    return len(_untouched(job.result.get("opportunities", [])))


def _untouched(opportunity_ids: list[int]) -> list[int]:
    """Still a lead, never changed, no booth held, no contract, nothing done for it since it was made."""
    if not opportunity_ids:
        return []
    return list(
        db.session.scalars(
            select(Opportunity.id).where(
                Opportunity.id.in_(opportunity_ids),
                Opportunity.stage == "lead",
                Opportunity.version == 1,
                ~exists().where(Contract.opportunity_id == Opportunity.id),
                ~exists().where(Booth.opportunity_id == Opportunity.id),
                ~exists().where(
                    Activity.company_id == Opportunity.company_id,
                    Activity.edition_id == Opportunity.edition_id,
                    Activity.done_at >= Opportunity.created_at,
                ),
            )
        )
    )


def undo(job: Job) -> int:
    """Take back what a run made and nobody has touched; the rest stays. Returns how many opportunities went."""
    gone = _untouched(job.result.get("opportunities", []))
    if not gone:
        return 0
    companies = select(Opportunity.company_id).where(Opportunity.id.in_(gone))
    coming = job.payload["to"]
    db.session.execute(
        delete(Activity).where(
            Activity.id.in_(job.result.get("calls", [])), Activity.done_at.is_(None), Activity.company_id.in_(companies)
        )
    )
    db.session.execute(
        delete(RetentionCase).where(
            RetentionCase.edition_id == coming,
            RetentionCase.company_id.in_(companies),
            RetentionCase.state.in_(("flagged", "assigned")),
        )
    )
    db.session.execute(delete(StageChange).where(StageChange.opportunity_id.in_(gone)))
    db.session.execute(delete(Opportunity).where(Opportunity.id.in_(gone)))
    audit.record("plan.undo", "edition", coming, edition_id=coming, changes={"opportunities": len(gone)})
    return len(gone)


CALL_SUBJECTS = {
    "reached": N_("Call: reached"),
    "not_reached": N_("Call: not reached"),
    "callback": N_("Call: wants to be called back"),
    "interested": N_("Call: interested"),
    "refused": N_("Call: will not exhibit"),
}


def record_call(
    opportunity: Opportunity,
    result: str,
    *,
    subject: str,
    next_subject: str,
    note: str = "",
    reason: str = "",
    again_on: dt.date | None = None,
    owner_id: int | None = None,
) -> None:
    """What came of a call: kept as an activity, the stage follows, the next call is planned.

    Raises KeyError for an unknown result and exhibitors' RuleRefused where the stage may not move (nothing is written then).
    """
    after = rules.after_call(result, opportunity.stage)
    if after.stage == "lost":
        opportunities.lose(opportunity, reason)
    elif after.stage is not None:
        opportunities.move(opportunity, after.stage)
    _settle_call(opportunity, subject, result, note, owner_id)
    if after.again_days is None:
        opportunity.next_step, opportunity.next_on = "", None
    else:
        today = clock.local_day(clock.now(), opportunity.edition.zone)
        day = again_on or working_days(today + dt.timedelta(days=after.again_days), 1)[0]
        opportunity.next_step, opportunity.next_on = next_subject, day
        activities.plan_next_action(
            opportunity.company_id,
            kind="call",
            subject=next_subject,
            due_at=_morning(day, opportunity.edition),
            edition_id=opportunity.edition_id,
            owner_id=opportunity.owner_id or owner_id,
        )
    _follow_case(opportunity, result, reason)
    db.session.flush()


def _settle_call(opportunity: Opportunity, subject: str, result: str, note: str, owner_id: int | None) -> None:
    """Tick the planned call off, or note one that was not planned."""
    planned = db.session.scalar(
        select(Activity)
        .where(
            Activity.company_id == opportunity.company_id,
            Activity.edition_id == opportunity.edition_id,
            Activity.kind == "call",
            Activity.done_at.is_(None),
        )
        .order_by(Activity.due_at)
        .limit(1)
    )
    if planned is not None:
        planned.subject, planned.owner_id = subject, owner_id or planned.owner_id
        activities.finish(planned, outcome=result, note=note)
    else:
        activities.log_activity(
            opportunity.company_id,
            kind="call",
            subject=subject,
            body=note,
            outcome=result,
            edition_id=opportunity.edition_id,
            owner_id=owner_id,
        )


def _follow_case(opportunity: Opportunity, result: str, reason: str) -> None:
    found = queries.find_retention_case(opportunity.edition_id, opportunity.company_id)
    if found is None or found.state in {"saved", "reduced"}:
        return
    if result == "refused":
        found.state, found.outcome_reason = "lost", reason
    elif result != "not_reached":
        found.state = "contacted"
