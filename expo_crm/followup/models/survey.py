"""Surveys to those who really came."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, JsonList, LongText, Moment, Name, Token
from expo_crm.directory.models import Participation, Person
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration


class Survey(Base):
    """draft → open → closed, for one audience: visitors or exhibitors of one edition."""

    __tablename__ = "survey"
    __table_args__ = (
        CheckConstraint("audience in ('visitors', 'exhibitors')", name="audience"),
        CheckConstraint("state in ('draft', 'open', 'closed')", name="state"),
        Index(None, "edition_id"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    audience: Mapped[Code]
    title_zh: Mapped[Name]
    title_en: Mapped[Name]
    intro_zh: Mapped[LongText] = mapped_column(default="")
    intro_en: Mapped[LongText] = mapped_column(default="")
    state: Mapped[Code] = mapped_column(default="draft")
    closes_at: Mapped[Moment | None]
    created_at: Mapped[Moment]

    edition: Mapped[Edition] = relationship()
    questions: Mapped[list[SurveyQuestion]] = relationship(
        back_populates="survey", order_by="SurveyQuestion.position", cascade="all, delete-orphan"
    )


class SurveyQuestion(Base):
    """kind: nps (0–10), scale (1–5), choice, choices, text. ``options``: [{"code", "zh", "en"}]."""

    __tablename__ = "survey_question"
    __table_args__ = (
        UniqueConstraint("survey_id", "position"),
        CheckConstraint("kind in ('nps', 'scale', 'choice', 'choices', 'text')", name="kind"),
    )

    id: Mapped[IntPk]
    survey_id: Mapped[int] = mapped_column(ForeignKey("survey.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[Code]
    label_zh: Mapped[Name]
    label_en: Mapped[Name]
    options: Mapped[JsonList] = mapped_column(default=list)
    required: Mapped[bool] = mapped_column(Boolean, default=True)

    survey: Mapped[Survey] = relationship(back_populates="questions")


class SurveyInvitation(Base):
    """sent → opened → partial → complete; bounced; closed. One per survey and recipient, opened by a personal token."""

    __tablename__ = "survey_invitation"
    __table_args__ = (
        UniqueConstraint("survey_id", "registration_id"),
        UniqueConstraint("survey_id", "participation_id"),
        Index(None, "survey_id", "state"),
        CheckConstraint("state in ('sent', 'opened', 'partial', 'complete', 'bounced', 'closed')", name="state"),
    )

    id: Mapped[IntPk]
    survey_id: Mapped[int] = mapped_column(ForeignKey("survey.id", ondelete="CASCADE"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    participation_id: Mapped[int | None] = mapped_column(ForeignKey("participation.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    token_hash: Mapped[Token] = mapped_column(unique=True)
    state: Mapped[Code] = mapped_column(default="sent")
    reminders: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[Moment]
    completed_at: Mapped[Moment | None]

    survey: Mapped[Survey] = relationship()
    registration: Mapped[Registration | None] = relationship()
    participation: Mapped[Participation | None] = relationship()
    person: Mapped[Person | None] = relationship()


class SurveyAnswer(Base):
    """One answer: a number (nps, scale), or codes joined by ``,`` / free text."""

    __tablename__ = "survey_answer"
    __table_args__ = (UniqueConstraint("invitation_id", "question_id"), Index(None, "question_id"))

    id: Mapped[IntPk]
    invitation_id: Mapped[int] = mapped_column(ForeignKey("survey_invitation.id", ondelete="CASCADE"))
    question_id: Mapped[int] = mapped_column(ForeignKey("survey_question.id", ondelete="CASCADE"))
    number: Mapped[int | None] = mapped_column(Integer)
    text: Mapped[LongText] = mapped_column(default="")
