"""What follow-up adds to the page of a company: its surveys, its cases, its risk and what became of it."""

from __future__ import annotations

from flask import render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import select

from expo_crm.db import db
from expo_crm.directory import timeline
from expo_crm.directory.timeline import TimelineItem
from expo_crm.followup.domain.case import OPEN_STATES
from expo_crm.followup.domain.risk import Reason
from expo_crm.followup.forms import CASE_KINDS
from expo_crm.followup.models import SurveyAnswer, SurveyQuestion
from expo_crm.followup.queries import cases, retention, surveys
from expo_crm.followup.views import labels
from expo_crm.shows import queries as shows
from expo_crm.web.i18n import bi
from expo_crm.web.policy import Permission, current_principal


def items(company_id: int) -> list[TimelineItem]:
    """Survey invitations and responses, cases, retention cases. Four statements."""
    return [*_surveys(company_id), *_cases(company_id), *_retention(company_id)]


def _surveys(company_id: int) -> list[TimelineItem]:
    found = surveys.list_company_invitations(company_id)
    ratings = _ratings([invitation.id for invitation in found])
    out = []
    for invitation in found:
        title = bi(invitation.survey, "title")
        out.append(
            TimelineItem(
                at=invitation.sent_at,
                kind="survey",
                icon="clipboard-text",
                title=_("Survey sent: %(title)s", title=title),
                body=bi(invitation.survey.edition),
                phase="after",
            )
        )
        if invitation.completed_at is not None:
            rating = ratings.get(invitation.id)
            out.append(
                TimelineItem(
                    at=invitation.completed_at,
                    kind="survey",
                    icon="clipboard-check",
                    tone="neutral"
                    if rating is None
                    else "success"
                    if rating >= 9
                    else "danger"
                    if rating <= 6
                    else "info",
                    title=_("Survey answered: %(title)s", title=title),
                    body="" if rating is None else _("Would recommend us: %(rating)s of 10", rating=rating),
                    phase="after",
                )
            )
    return out


def _ratings(invitation_ids: list[int]) -> dict[int, int]:
    if not invitation_ids:
        return {}
    rows = db.session.execute(
        select(SurveyAnswer.invitation_id, SurveyAnswer.number)
        .join(SurveyQuestion, SurveyQuestion.id == SurveyAnswer.question_id)
        .where(
            SurveyAnswer.invitation_id.in_(invitation_ids),
            SurveyQuestion.kind == "nps",
            SurveyAnswer.number.is_not(None),
        )
    )
    return {invitation_id: number for invitation_id, number in rows if number is not None}


def _cases(company_id: int) -> list[TimelineItem]:
    out = []
    for case in timeline.once("cases", company_id, cases.list_company_cases):
        url = url_for("followup.case", edition=case.edition.slug, case_id=case.id)
        who = case.owner.name if case.owner else ""
        out.append(
            TimelineItem(
                at=case.created_at,
                kind="case",
                icon="headset",
                tone="danger" if case.kind == "complaint" else "info",
                title=f"{CASE_KINDS[case.kind]}: {case.subject}",
                body=str(labels.CASE_STATES[case.state]),
                url=url,
                who=who,
                phase="after",
            )
        )
        if case.closed_at is not None:
            out.append(
                TimelineItem(
                    at=case.closed_at,
                    kind="case",
                    icon="circle-check",
                    tone="success",
                    title=_("Case settled: %(subject)s", subject=case.subject),
                    url=url,
                    who=who,
                    phase="after",
                )
            )
    return out


def _retention(company_id: int) -> list[TimelineItem]:
    tones = {"saved": "success", "reduced": "warning", "lost": "danger"}
    return [
        TimelineItem(
            at=case.created_at,
            kind="retention",
            icon="alert-triangle",
            tone=tones.get(case.state, "warning"),
            title=f"{labels.RETENTION_STATES[case.state]} · {bi(case.edition)}",
            body="; ".join(
                labels.sentence(Reason(r["code"], r.get("points", 0), r.get("params", {}))) for r in case.reasons
            ),
            phase="after",
        )
        for case in retention.list_company_retention(company_id)
    ]


def panel(company_id: int) -> Markup | None:
    """Open cases of the company, and where to open one."""
    edition = shows.find_default_edition()
    found = [case for case in timeline.once("cases", company_id, cases.list_company_cases) if case.state in OPEN_STATES]
    may = current_principal().can(Permission.SURVEY) and edition is not None
    if not found and not may:
        return None
    return Markup(
        render_template(
            "followup/_company.html",
            cases=found[:5],
            company_id=company_id,
            edition=edition,
            may=may,
            kinds=CASE_KINDS,
            states=labels.CASE_STATES,
            tones=labels.CASE_TONES,
        )
    )
