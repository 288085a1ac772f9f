"""Making surveys, sending them, taking answers."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import select, update

from expo_crm.audit import services as audit
from expo_crm.db import checkpoint, db
from expo_crm.directory.services import consents
from expo_crm.followup.domain import survey as rules
from expo_crm.followup.domain.survey import Answer
from expo_crm.followup.models import Survey, SurveyAnswer, SurveyInvitation, SurveyQuestion
from expo_crm.followup.queries import surveys as queries
from expo_crm.jobs import services as jobs
from expo_crm.jobs.models import Job
from expo_crm.lib import clock, ids
from expo_crm.messaging import services as mail
from expo_crm.shows.models import Edition

JOB = "followup.send_survey"
Report = Callable[..., None]  # progress(done, total, label)
BATCH = 100


class SurveyError(Exception):
    """A rule said no. ``code``: not_draft, no_questions, nobody, closed, past, complete."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def create_survey(edition: Edition, template: str) -> Survey:
    """A draft with the questions of a template (``visitors`` or ``exhibitors``). KeyError for another name."""
    source = rules.TEMPLATES[template]
    survey = Survey(
        edition_id=edition.id,
        audience=source.audience.value,
        title_zh=source.title_zh,
        title_en=source.title_en,
        intro_zh=source.intro_zh,
        intro_en=source.intro_en,
        created_at=clock.now(),
    )
    survey.questions = [SurveyQuestion(**rules.as_json(q, i)) for i, q in enumerate(source.questions, 1)]
    db.session.add(survey)
    db.session.flush()
    audit.record("survey.create", "survey", survey.id, edition_id=edition.id, changes={"audience": survey.audience})
    return survey


def change_survey(survey: Survey, *, last_day: dt.date | None, **texts: str) -> None:
    """Title, introduction (both languages) and the last day to answer, which ends at midnight of the show's zone."""
    before = {key: getattr(survey, key) for key in texts} | {"closes_at": survey.closes_at}
    for key, value in texts.items():
        setattr(survey, key, value)
    survey.closes_at = rules.closing_moment(last_day, survey.edition.zone) if last_day else None
    db.session.flush()
    after = {key: getattr(survey, key) for key in texts} | {"closes_at": survey.closes_at}
    audit.record("survey.change", "survey", survey.id, edition_id=survey.edition_id, changes=audit.diff(before, after))


def save_question(
    survey: Survey,
    question: SurveyQuestion | None,
    *,
    kind: str,
    label_zh: str,
    label_en: str,
    options: list[dict[str, str]],
    required: bool,
) -> SurveyQuestion:
    """Change a question of a draft, or add one at the end. SurveyError("not_draft") once it was sent."""
    _only_draft(survey)
    if question is None:
        question = SurveyQuestion(position=max((q.position for q in survey.questions), default=0) + 1)
        survey.questions.append(question)
    question.kind, question.required = kind, required
    question.label_zh, question.label_en = label_zh, label_en
    question.options = options if kind in {"choice", "choices"} else []
    db.session.flush()
    audit.record("survey.question", "survey", survey.id, edition_id=survey.edition_id, changes={"label": label_en})
    return question


def drop_question(survey: Survey, question: SurveyQuestion) -> None:
    _only_draft(survey)
    survey.questions.remove(question)
    db.session.flush()
    _renumber(survey, list(survey.questions))


def move_question(survey: Survey, question: SurveyQuestion, step: int) -> None:
    """One place up (-1) or down (1); at the end nothing happens."""
    _only_draft(survey)
    order = list(survey.questions)
    here = order.index(question)
    there = min(max(here + step, 0), len(order) - 1)
    order.insert(there, order.pop(here))
    _renumber(survey, order)


def _renumber(survey: Survey, order: list[SurveyQuestion]) -> None:
    # Twice, because (survey, position) is unique at every moment.
    for shift in (1000, 0):
        for place, question in enumerate(order, 1):
            question.position = shift + place
        db.session.flush()
    survey.questions.sort(key=lambda q: q.position)


def delete_survey(survey: Survey) -> None:
    _only_draft(survey)
    audit.record("survey.delete", "survey", survey.id, edition_id=survey.edition_id)
    db.session.delete(survey)
    db.session.flush()


def _only_draft(survey: Survey) -> None:
    if survey.state != "draft":
        raise SurveyError("not_draft")


def start_sending(survey: Survey, user_id: int | None, *, remind: bool = False, label: str = "") -> Job:
    """Open the survey and put the sending into the ledger; ``label`` stands over its progress.

    SurveyError: no_questions, past, closed, nobody.
    """
    now = clock.now()
    if survey.state == "closed":
        raise SurveyError("closed")
    if survey.closes_at is not None and survey.closes_at <= now:
        raise SurveyError("past")
    if not survey.questions:
        raise SurveyError("no_questions")
    today = clock.local_day(now, survey.edition.zone)
    waiting = len(queries.list_silent(survey)) if remind else queries.reach_of(survey, today).waiting
    if not waiting:
        raise SurveyError("nobody")
    survey.state = "open"
    job = jobs.enqueue(JOB, {"survey_id": survey.id, "remind": remind, "label": label}, user_id=user_id)
    audit.record(
        "survey.remind" if remind else "survey.send",
        "survey",
        survey.id,
        edition_id=survey.edition_id,
        changes={"recipients": waiting},
    )
    return job


def close_survey(survey: Survey) -> None:
    """No more answers; the links show a friendly page."""
    if survey.state == "open":
        survey.state = "closed"
        db.session.flush()
        audit.record("survey.close", "survey", survey.id, edition_id=survey.edition_id)


def reopen_survey(survey: Survey) -> None:
    if survey.state == "closed":
        survey.state = "open"
        db.session.flush()
        audit.record("survey.reopen", "survey", survey.id, edition_id=survey.edition_id)


def run_sending(payload: dict[str, Any], progress: Report) -> dict[str, Any]:
    """The job: one invitation per person, committed in small steps; a second run goes on where the first stopped."""
    survey = db.session.get_one(Survey, payload["survey_id"])
    work = _remind if payload.get("remind") else _invite
    return work(survey, partial(progress, label=payload.get("label", "")))


def _invite(survey: Survey, progress: Report) -> dict[str, Any]:
    recipients = queries.list_recipients(survey, clock.local_day(clock.now(), survey.edition.zone))
    for number, recipient in enumerate(recipients, 1):
        token = _token(survey.id, recipient.registration_id, recipient.participation_id)
        invitation = SurveyInvitation(
            survey_id=survey.id,
            registration_id=recipient.registration_id,
            participation_id=recipient.participation_id,
            person_id=recipient.person_id,
            token_hash=ids.hash_token(token),
            sent_at=clock.now(),
        )
        db.session.add(invitation)
        db.session.flush()
        _write_mail(
            "followup_survey",
            survey,
            token,
            name=recipient.name,
            email=recipient.email,
            locale=recipient.locale,
            key=queries.mail_key(survey.id, invitation.id),
            person_id=recipient.person_id,
            company_id=recipient.company_id,
        )
        if number % BATCH == 0:
            checkpoint()
        progress(number, len(recipients))
    return {"invited": len(recipients)}


def _remind(survey: Survey, progress: Report) -> dict[str, Any]:
    silent = queries.list_silent(survey)
    for number, invitation in enumerate(silent, 1):
        token = _token(survey.id, invitation.registration_id, invitation.participation_id)
        invitation.token_hash = ids.hash_token(token)
        invitation.reminders += 1
        who = invitation.registration or invitation.participation
        assert invitation.person is not None and who is not None
        _write_mail(
            "followup_reminder",
            survey,
            token,
            name=invitation.person.name,
            email=invitation.person.email,
            locale=invitation.registration.locale if invitation.registration else invitation.person.locale,
            key=f"{queries.mail_key(survey.id, invitation.id)}-{invitation.reminders}",
            person_id=invitation.person_id,
            company_id=who.company_id,
        )
        if number % BATCH == 0:
            checkpoint()
        progress(number, len(silent))
    return {"reminded": len(silent)}


def _write_mail(
    template: str,
    survey: Survey,
    token: str,
    *,
    name: str,
    email: str,
    locale: str,
    key: str,
    person_id: int | None,
    company_id: int | None,
) -> None:
    mail.queue(
        template,
        to_email=email,
        to_name=name,
        locale=locale,
        context={
            "name": name,
            "survey": survey,
            "edition": survey.edition,
            "link": f"{current_app.config['SETTINGS'].base_url}/s/{token}?lang={'en' if locale == 'en' else 'zh'}",
            "last_day": rules.last_day(survey.closes_at, survey.edition.zone) if survey.closes_at else None,
        },
        dedupe_key=key,
        edition_id=survey.edition_id,
        person_id=person_id,
        company_id=company_id,
    )


def _token(survey_id: int, registration_id: int | None, participation_id: int | None) -> str:
    """The personal link's token: 192 bits that only this installation's secret can make, so that a reminder carries the same link
    although the database keeps a hash alone."""
    secret = current_app.config["SETTINGS"].secret_key.encode()
    subject = f"survey:{survey_id}:{registration_id or ''}:{participation_id or ''}".encode()
    return urlsafe_b64encode(hmac.new(secret, subject, hashlib.sha256).digest()[:24]).decode()


def note_opened(invitation: SurveyInvitation) -> None:
    if invitation.state == "sent":
        invitation.state = "opened"
        db.session.flush()


def read_answers(
    survey: Survey, given: Mapping[str, list[str]], *, partial: bool = False
) -> tuple[dict[int, Answer], dict[int, str]]:
    """Answers by question, and errors by question. ``partial`` asks for nothing and keeps what is right."""
    answers: dict[int, Answer] = {}
    errors: dict[int, str] = {}
    for question in survey.questions:
        try:
            answers[question.id] = rules.read_answer(
                question.kind, question.options, question.required and not partial, given.get(f"q{question.id}", [])
            )
        except rules.AnswerError as error:
            errors[question.id] = error.code
    return answers, errors


def save_answers(invitation: SurveyInvitation, answers: Mapping[int, Answer], *, complete: bool) -> None:
    """Store the answers of the one response that belongs to this key. SurveyError: closed, complete.

    A response that is complete stays as it is: a link passed on or used again adds nothing.
    """
    now = clock.now()
    locked = db.session.scalar(
        select(SurveyInvitation)
        .where(SurveyInvitation.id == invitation.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    assert locked is not None
    if locked.state == "complete":
        raise SurveyError("complete")
    if locked.state == "closed" or not rules.is_open(invitation.survey.state, invitation.survey.closes_at, now):
        raise SurveyError("closed")
    known = queries.answers_of(invitation.id)
    for question_id, answer in answers.items():
        row = known.get(question_id)
        if answer.empty:
            if row is not None:
                db.session.delete(row)
            continue
        if row is None:
            row = SurveyAnswer(invitation_id=invitation.id, question_id=question_id)
            db.session.add(row)
        row.number, row.text = answer.number, answer.text
    if complete:
        locked.state, locked.completed_at = "complete", now
    elif any(not answer.empty for answer in answers.values()) or known:
        locked.state = "partial"
    db.session.flush()


def decline(invitation: SurveyInvitation, locale: str) -> None:
    """The person wants no survey mail any more: kept as consent, and this invitation is closed."""
    if invitation.person_id is not None:
        consents.record_consent(
            invitation.person_id,
            "survey",
            False,
            text_version="survey-1",
            locale=locale,
            channel="link",
            edition_id=invitation.survey.edition_id,
        )
    db.session.execute(
        update(SurveyInvitation)
        .where(SurveyInvitation.id == invitation.id, SurveyInvitation.state != "complete")
        .values(state="closed")
    )
