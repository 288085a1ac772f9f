"""Leads: whom an exhibitor's stand staff scanned, what they noted, and what the visitor allowed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Json, JsonList, LongText, Moment, Name, Token
from expo_crm.directory.models import Company, Participation
from expo_crm.onsite.models.device import Device
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration


class LeadPolicy(Base):
    """What the organizer lets exhibitors see of a visitor who agreed; the newest row of an edition holds, none is the default."""

    __tablename__ = "lead_policy"
    __table_args__ = (Index(None, "edition_id", "at"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    fields: Mapped[JsonList] = mapped_column(default=list)
    max_devices: Mapped[int] = mapped_column(Integer, default=5)
    ask: Mapped[bool] = mapped_column(default=True)  # a visitor may agree by a tap on the exhibitor's device
    at: Mapped[Moment]

    edition: Mapped[Edition] = relationship()


class Lead(Base):
    """One per visitor and exhibitor; further scans of the same pair raise ``scans``.

    A code that stands for no visitor of the edition makes a lead too, under ``code_hash``: the exhibitor sees the same as of a
    visitor who did not agree, so nobody learns from a scan whether a badge exists. Contact data are never copied here: they
    are read from the registration as long as the visitor allows it.
    """

    __tablename__ = "lead"
    __table_args__ = (
        UniqueConstraint("participation_id", "registration_id"),
        UniqueConstraint("participation_id", "code_hash"),
        Index(None, "registration_id"),
        CheckConstraint("state in ('new', 'contacted', 'qualified', 'quoted', 'won', 'lost')", name="state"),
        CheckConstraint("temperature in ('', 'hot', 'warm', 'cold')", name="temperature"),
        CheckConstraint("stars between 0 and 5", name="stars"),
        CheckConstraint("registration_id is not null or code_hash is not null", name="has_subject"),
    )

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id"))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"))
    code_hash: Mapped[Token | None]
    state: Mapped[Code] = mapped_column(default="new")
    temperature: Mapped[Code] = mapped_column(default="")
    stars: Mapped[int] = mapped_column(Integer, default=0)  # 0 is not rated
    scans: Mapped[int] = mapped_column(default=1)
    note: Mapped[LongText] = mapped_column(default="")
    captured_by: Mapped[Name] = mapped_column(default="")
    captured_at: Mapped[Moment]
    edited_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(Integer, default=0)  # raised by each edit
    # The visitor's newest answer to this exhibitor alone, beside the one to all exhibitors in ``consent``.
    own_granted: Mapped[bool | None]
    own_version: Mapped[Code] = mapped_column(default="")
    own_at: Mapped[Moment | None]

    participation: Mapped[Participation] = relationship()
    registration: Mapped[Registration | None] = relationship()
    tags: Mapped[list[LeadTag]] = relationship(secondary="lead_tagging", order_by="LeadTag.name")


class LeadScan(Base):
    """One reading on an exhibitor's device, kept for ever; idempotent by device and client uuid. The code is kept as a hash."""

    __tablename__ = "lead_scan"
    __table_args__ = (
        UniqueConstraint("device_id", "client_uuid"),
        Index(None, "lead_id"),
        Index(None, "participation_id", "received_at"),
        CheckConstraint("result in ('lead', 'not_a_badge')", name="result"),
    )

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id"))
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id", ondelete="SET NULL"))
    client_uuid: Mapped[str] = mapped_column(String(36))
    device_seq: Mapped[int | None]
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    code_hash: Mapped[Token]
    body_hash: Mapped[Token]
    result: Mapped[Code]
    scanned_by: Mapped[Name] = mapped_column(default="")
    scanned_at: Mapped[Moment]
    received_at: Mapped[Moment]
    offline: Mapped[bool] = mapped_column(default=False)
    clock_suspect: Mapped[bool] = mapped_column(default=False)

    device: Mapped[Device | None] = relationship()


class HeldLead(Base):
    """A reading, or notes, that a withdrawn device still held. Nothing of it is a lead until the exhibitor takes it.

    ``item`` is the upload without the text that was read: its hashes, what was noted, the visitor's tap; of notes on a lead that
    was there already, ``lead_id``. It is emptied when somebody has decided.
    """

    __tablename__ = "held_lead"
    __table_args__ = (
        UniqueConstraint("device_id", "client_uuid"),
        Index(None, "participation_id", "state"),
        CheckConstraint("state in ('waiting', 'accepted', 'refused')", name="state"),
    )

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    client_uuid: Mapped[str] = mapped_column(String(36))
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id", ondelete="SET NULL"), index=True)
    item: Mapped[Json]
    at: Mapped[Moment]
    received_at: Mapped[Moment]
    state: Mapped[Code] = mapped_column(default="waiting")
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    settled_at: Mapped[Moment | None]


class LeadTag(Base):
    """A word of an exhibitor's own list."""

    __tablename__ = "lead_tag"
    __table_args__ = (UniqueConstraint("company_id", "name"),)

    id: Mapped[IntPk]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    name: Mapped[Code]
    retired_at: Mapped[Moment | None]

    company: Mapped[Company] = relationship()


class LeadTagging(Base):
    """A tag on a lead."""

    __tablename__ = "lead_tagging"
    __table_args__ = (Index(None, "tag_id"),)

    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("lead_tag.id", ondelete="CASCADE"), primary_key=True)


class LeadQuestion(Base):
    """A question of an exhibitor to its leads. Another wording is a new row with the next version, so answers keep theirs."""

    __tablename__ = "lead_question"
    __table_args__ = (
        UniqueConstraint("company_id", "key", "version"),
        CheckConstraint("kind in ('single', 'multi', 'text', 'number')", name="kind"),
    )

    id: Mapped[IntPk]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    key: Mapped[Code]
    version: Mapped[int] = mapped_column(Integer, default=1)
    kind: Mapped[Code]
    text: Mapped[Name]
    options: Mapped[JsonList] = mapped_column(default=list)
    required: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(Integer, default=0)
    retired_at: Mapped[Moment | None]

    company: Mapped[Company] = relationship()


class LeadAnswer(Base):
    """What was answered for a lead: ``value`` is {"v": text, number or list of options}."""

    __tablename__ = "lead_answer"
    __table_args__ = (UniqueConstraint("lead_id", "question_id"), Index(None, "question_id"))

    id: Mapped[IntPk]
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    question_id: Mapped[int] = mapped_column(ForeignKey("lead_question.id"))
    value: Mapped[Json]
    by: Mapped[Name] = mapped_column(default="")
    at: Mapped[Moment]

    question: Mapped[LeadQuestion] = relationship()


class LeadConsent(Base):
    """What the visitor answered to one exhibitor: on its device, or on the visitor's own page. Never changed."""

    __tablename__ = "lead_consent"
    __table_args__ = (Index(None, "lead_id"),)

    id: Mapped[IntPk]
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    granted: Mapped[bool]
    text_version: Mapped[Code]
    locale: Mapped[str] = mapped_column(String(2))
    channel: Mapped[Code]  # lead_device | visitor_page
    at: Mapped[Moment]


class LeadEvent(Base):
    """A line of a lead's history, for the exhibitor's team."""

    __tablename__ = "lead_event"
    __table_args__ = (Index(None, "lead_id"),)

    id: Mapped[IntPk]
    lead_id: Mapped[int] = mapped_column(ForeignKey("lead.id", ondelete="CASCADE"))
    at: Mapped[Moment]
    who: Mapped[Name] = mapped_column(default="")
    kind: Mapped[Code]  # edit | consent | withdrawal
    data: Mapped[Json]

    def of(self, key: str) -> Any:
        return (self.data or {}).get(key)
