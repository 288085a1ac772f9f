"""Surveys: audiences, invitations, answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.db import db
from expo_crm.directory.models import Company, Consent, Employment, Participation, Person
from expo_crm.followup.domain.survey import Audience, Excluded
from expo_crm.followup.models import Survey, SurveyAnswer, SurveyInvitation, SurveyQuestion
from expo_crm.followup.queries.exhibiting import COUNTED_ROLES, is_exhibitor
from expo_crm.messaging.models import Delivery, Message
from expo_crm.onsite.models import Badge, Presence
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration, VisitorClass


def find_survey(edition_id: int, survey_id: int) -> Survey | None:
    return db.session.scalar(
        select(Survey)
        .where(Survey.id == survey_id, Survey.edition_id == edition_id)
        .options(selectinload(Survey.questions), joinedload(Survey.edition))
    )


def find_question(survey: Survey, question_id: int) -> SurveyQuestion | None:
    return next((q for q in survey.questions if q.id == question_id), None)


def find_invitation(token_hash: str) -> SurveyInvitation | None:
    """The invitation that a personal link opens, with its survey, questions and edition."""
    survey = joinedload(SurveyInvitation.survey)
    return db.session.scalar(
        select(SurveyInvitation)
        .where(SurveyInvitation.token_hash == token_hash)
        .options(
            survey.selectinload(Survey.questions),
            survey.joinedload(Survey.edition),
            joinedload(SurveyInvitation.person),
        )
    )


def answers_of(invitation_id: int) -> dict[int, SurveyAnswer]:
    found = db.session.scalars(select(SurveyAnswer).where(SurveyAnswer.invitation_id == invitation_id))
    return {answer.question_id: answer for answer in found}


# --- who is asked ------------------------------------------------------------------------------------------------------


def attended(edition_id: int) -> ColumnElement[bool]:
    """Condition over Registration: a badge of it has at least one valid entry in this edition.

    A list made once, not a question per row: SQLite answers the latter in the wrong order, a thousand times slower.
    """
    return Registration.id.in_(
        select(Badge.registration_id)
        .join(Presence, Presence.badge_id == Badge.id)
        .where(Presence.edition_id == edition_id, Presence.entries > 0, Badge.registration_id.is_not(None))
    )


def _opted_out() -> ColumnElement[bool]:
    """Condition over Person: the newest answer to "may we ask you" is no."""
    newest = (
        select(Consent.granted)
        .where(Consent.person_id == Person.id, Consent.purpose == "survey")
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )
    return newest.is_(False)


def _reachable(reasons: list[tuple[ColumnElement[bool], str]]) -> ColumnElement[str]:
    return case(
        *reasons,
        (or_(Person.id.is_(None), Person.email == "", Person.erased_at.is_not(None)), Excluded.NO_EMAIL.value),
        (_opted_out(), Excluded.OPTED_OUT.value),
        else_="",
    )


def _visitors(edition: Edition) -> Select[*tuple[Any, ...]]:
    came = attended(edition.id)
    reasons: list[tuple[ColumnElement[bool], str]] = [
        (and_(~came, Registration.state != "approved"), Excluded.NOT_APPROVED.value),
        (~came, Excluded.NOT_THERE.value),
    ]
    if edition.counted_classes:
        reasons.append((VisitorClass.code.not_in(edition.counted_classes), Excluded.NOT_COUNTED.value))
    return (
        select(
            Registration.id.label("registration_id"),
            cast(null(), BigInteger).label("participation_id"),
            Person.id.label("person_id"),
            Registration.name.label("name"),
            Person.email.label("email"),
            Registration.locale.label("locale"),
            Registration.company_id.label("company_id"),
            Registration.id.label("sort_id"),
            _reachable(reasons).label("reason"),
        )
        .join(Person, Person.id == Registration.person_id)
        .join(VisitorClass, VisitorClass.id == Registration.class_id)
        .where(Registration.edition_id == edition.id)
    )


def _exhibitors(edition: Edition, today: dt.date) -> Select[*tuple[Any, ...]]:
    rank = func.row_number().over(
        partition_by=Employment.company_id,
        order_by=(case((Person.email == "", 1), else_=0), case((Employment.main_contact, 0), else_=1), Employment.id),
    )
    contacts = (
        select(Employment.company_id, Employment.person_id, rank.label("rank"))
        .join(Person, Person.id == Employment.person_id)
        .where(or_(Employment.until.is_(None), Employment.until >= today), Person.erased_at.is_(None))
        .subquery()
    )
    return (
        select(
            cast(null(), BigInteger).label("registration_id"),
            Participation.id.label("participation_id"),
            Person.id.label("person_id"),
            Person.name.label("name"),
            Person.email.label("email"),
            Person.locale.label("locale"),
            Participation.company_id.label("company_id"),
            Participation.id.label("sort_id"),
            _reachable([(~is_exhibitor(), Excluded.NOT_THERE.value)]).label("reason"),
        )
        .outerjoin(contacts, and_(contacts.c.company_id == Participation.company_id, contacts.c.rank == 1))
        .outerjoin(Person, Person.id == contacts.c.person_id)
        .where(Participation.edition_id == edition.id, Participation.role.in_(COUNTED_ROLES))
    )


def _audience(audience: str, edition: Edition, today: dt.date) -> Subquery:
    """Everybody the survey could mean, each with the reason for being left out, or "". One person is asked once."""
    base = (_visitors(edition) if audience == Audience.VISITORS else _exhibitors(edition, today)).subquery()
    turn = func.row_number().over(partition_by=(base.c.reason, base.c.person_id), order_by=base.c.sort_id)
    numbered = select(base, turn.label("turn")).subquery()
    return select(
        *[c for c in numbered.c if c.key not in {"reason", "turn"}],
        case(
            (and_(numbered.c.reason == "", numbered.c.turn > 1), Excluded.SAME_PERSON.value), else_=numbered.c.reason
        ).label("reason"),
    ).subquery()


@dataclass(frozen=True)
class Reach:
    """How many get the survey, how many not and why, and how many have been invited already."""

    asked: int
    excluded: dict[Excluded, int]
    invited: int

    @property
    def waiting(self) -> int:
        return self.asked - self.invited

    @property
    def left_out(self) -> int:
        return sum(self.excluded.values())


def reach_of(survey: Survey, today: dt.date) -> Reach:
    everybody = _audience(survey.audience, survey.edition, today)
    counts: dict[str, int] = {}
    for reason, number in db.session.execute(select(everybody.c.reason, func.count()).group_by(everybody.c.reason)):
        counts[reason] = number
    asked = counts.pop("", 0)
    invited = db.session.scalar(
        select(func.count()).select_from(everybody).where(everybody.c.reason == "", _is_invited(survey, everybody))
    )
    return Reach(asked, {why: counts[why.value] for why in Excluded if counts.get(why.value)}, invited or 0)


def _is_invited(survey: Survey, everybody: Subquery) -> ColumnElement[bool]:
    """Condition: the registration, the participation or the person has an invitation to this survey."""

    def among(column: Any, invited: Any) -> ColumnElement[bool]:
        known = select(invited).where(SurveyInvitation.survey_id == survey.id, invited.is_not(None))
        return func.coalesce(column, -1).in_(known)

    return or_(
        among(everybody.c.registration_id, SurveyInvitation.registration_id),
        among(everybody.c.participation_id, SurveyInvitation.participation_id),
        among(everybody.c.person_id, SurveyInvitation.person_id),
    )


@dataclass(frozen=True)
class Recipient:
    """One who gets an invitation."""

    registration_id: int | None
    participation_id: int | None
    person_id: int
    company_id: int | None
    name: str
    email: str
    locale: str


def list_recipients(survey: Survey, today: dt.date) -> list[Recipient]:
    """Those who are asked and have no invitation yet."""
    everybody = _audience(survey.audience, survey.edition, today)
    rows = db.session.execute(
        select(everybody).where(everybody.c.reason == "", ~_is_invited(survey, everybody)).order_by(everybody.c.sort_id)
    )
    return [
        Recipient(r.registration_id, r.participation_id, r.person_id, r.company_id, r.name, r.email, r.locale)
        for r in rows
    ]


def list_silent(survey: Survey) -> list[SurveyInvitation]:
    """Invitations without a complete answer, whose mail was not refused: those a reminder goes to."""
    return list(
        db.session.scalars(
            select(SurveyInvitation)
            .join(Person, Person.id == SurveyInvitation.person_id)
            .where(
                SurveyInvitation.survey_id == survey.id,
                SurveyInvitation.state.in_(("sent", "opened", "partial")),
                Person.email != "",
                Person.erased_at.is_(None),
                ~bounced(),
            )
            .order_by(SurveyInvitation.id)
            .options(
                joinedload(SurveyInvitation.person),
                joinedload(SurveyInvitation.participation),
                joinedload(SurveyInvitation.registration),
            )
        )
    )


def mail_key(survey_id: int, invitation_id: Any) -> Any:
    """The key under which an invitation's first mail lies in the outbox."""
    return f"survey-{survey_id}-{invitation_id}"


def bounced() -> ColumnElement[bool]:
    """Condition over SurveyInvitation: its first mail was refused, or it was marked so."""
    key = literal("survey-").concat(_text(SurveyInvitation.survey_id)).concat("-").concat(_text(SurveyInvitation.id))
    return or_(
        SurveyInvitation.state == "bounced",
        exists().where(Message.dedupe_key == key, Delivery.message_id == Message.id, Delivery.state == "failed"),
    )


def _text(column: Any) -> Any:
    return cast(column, String)


# --- what came back ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """Invitations of a survey by what became of them."""

    invited: int = 0
    bounced: int = 0
    opened: int = 0
    partial: int = 0
    complete: int = 0
    reminders: int = 0

    @property
    def delivered(self) -> int:
        return self.invited - self.bounced

    @property
    def silent(self) -> int:
        return self.delivered - self.complete

    @property
    def response_rate(self) -> float | None:
        return self.complete / self.delivered if self.delivered else None


def progress_of(survey_ids: Iterable[int]) -> dict[int, Progress]:
    """Per survey, in one query."""

    def number(condition: ColumnElement[bool]) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    rows = db.session.execute(
        select(
            SurveyInvitation.survey_id,
            func.count(),
            number(and_(bounced(), SurveyInvitation.state != "complete")),
            number(SurveyInvitation.state.in_(("opened", "partial", "complete"))),
            number(SurveyInvitation.state == "partial"),
            number(SurveyInvitation.state == "complete"),
            func.coalesce(func.sum(SurveyInvitation.reminders), 0),
        )
        .where(SurveyInvitation.survey_id.in_(list(survey_ids)))
        .group_by(SurveyInvitation.survey_id)
    )
    return {row[0]: Progress(*(int(value) for value in row[1:])) for row in rows}


def groups_of(survey: Survey) -> list[tuple[str, str, str]]:
    """The groups by which results are split: (key, name_zh, name_en); classes of visitors, or roles of exhibitors."""
    if survey.audience == Audience.VISITORS:
        rows = db.session.execute(
            select(VisitorClass.code, VisitorClass.name_zh, VisitorClass.name_en)
            .where(VisitorClass.edition_id == survey.edition_id)
            .order_by(VisitorClass.position, VisitorClass.id)
        )
        return [(code, zh, en) for code, zh, en in rows]
    return [("main", "主参展商", "Main exhibitors"), ("co", "联合参展商", "Co-exhibitors")]


def group_column(survey: Survey) -> Any:
    return VisitorClass.code if survey.audience == Audience.VISITORS else Participation.role


def with_group(query: Select[Any], survey: Survey) -> Select[Any]:
    """Join what `group_column` needs to a query over SurveyInvitation."""
    if survey.audience == Audience.VISITORS:
        return query.join(Registration, Registration.id == SurveyInvitation.registration_id).join(
            VisitorClass, VisitorClass.id == Registration.class_id
        )
    return query.join(Participation, Participation.id == SurveyInvitation.participation_id)


@dataclass(frozen=True)
class Given:
    """One answer of a complete response, with the group of who gave it."""

    invitation_id: int
    question_id: int
    group: str
    number: int | None
    text: str


def list_answers(survey: Survey) -> list[Given]:
    """The answers of all complete responses."""
    query = (
        select(
            SurveyInvitation.id, SurveyAnswer.question_id, group_column(survey), SurveyAnswer.number, SurveyAnswer.text
        )
        .join(SurveyAnswer, SurveyAnswer.invitation_id == SurveyInvitation.id)
        .where(SurveyInvitation.survey_id == survey.id, SurveyInvitation.state == "complete")
        .order_by(SurveyInvitation.completed_at.desc(), SurveyInvitation.id)
    )
    return [Given(*row) for row in db.session.execute(with_group(query, survey))]


def list_responses(survey: Survey) -> list[Any]:
    """(invitation id, group, company name zh, en, completed at) of every complete response: the head of an export row."""
    company_id = Registration.company_id if survey.audience == Audience.VISITORS else Participation.company_id
    query = with_group(
        select(
            SurveyInvitation.id, group_column(survey), Company.name_zh, Company.name_en, SurveyInvitation.completed_at
        ).where(SurveyInvitation.survey_id == survey.id, SurveyInvitation.state == "complete"),
        survey,
    )
    return list(db.session.execute(query.outerjoin(Company, Company.id == company_id).order_by(SurveyInvitation.id)))


def nps_ratings(edition_ids: Iterable[int], audience: str) -> dict[int, list[int]]:
    """Edition id → ratings of the recommendation question in complete responses of this audience."""
    out: dict[int, list[int]] = {}
    rows = db.session.execute(
        select(Survey.edition_id, SurveyAnswer.number)
        .join(SurveyQuestion, SurveyQuestion.survey_id == Survey.id)
        .join(SurveyAnswer, SurveyAnswer.question_id == SurveyQuestion.id)
        .join(SurveyInvitation, SurveyInvitation.id == SurveyAnswer.invitation_id)
        .where(
            Survey.edition_id.in_(list(edition_ids)),
            Survey.audience == audience,
            SurveyQuestion.kind == "nps",
            SurveyInvitation.state == "complete",
            SurveyAnswer.number.is_not(None),
        )
    )
    for edition_id, number in rows:
        assert number is not None  # the question leaves those without one out
        out.setdefault(edition_id, []).append(number)
    return out


def list_company_invitations(company_id: int) -> list[SurveyInvitation]:
    """What the company was asked as an exhibitor."""
    return list(
        db.session.scalars(
            select(SurveyInvitation)
            .join(Participation, Participation.id == SurveyInvitation.participation_id)
            .where(Participation.company_id == company_id)
            .order_by(SurveyInvitation.sent_at.desc())
            .limit(50)
            .options(joinedload(SurveyInvitation.survey).joinedload(Survey.edition))
        )
    )
