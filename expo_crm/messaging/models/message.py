"""The outbox: a message is written in the business transaction, its delivery happens later."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, JsonList, LongText, Moment, Name


class Message(Base):
    """A mail, rendered in the recipient's language when it was written. ``dedupe_key`` makes a second one impossible."""

    __tablename__ = "message"
    __table_args__ = (Index(None, "created_at"), Index(None, "company_id"), Index(None, "person_id"))

    id: Mapped[IntPk]
    template: Mapped[Code]
    locale: Mapped[str] = mapped_column(String(2))
    to_email: Mapped[str] = mapped_column(String(254))
    to_name: Mapped[Name] = mapped_column(default="")
    subject: Mapped[Name]
    text: Mapped[LongText]
    html: Mapped[LongText] = mapped_column(default="")
    # Each: {"name": file name, "type": media type, "data": base64, "cid": content id or ""}
    attachments: Mapped[JsonList] = mapped_column(default=list)
    dedupe_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("edition.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id", ondelete="SET NULL"))
    created_at: Mapped[Moment]

    delivery: Mapped[Delivery] = relationship(back_populates="message", uselist=False, cascade="all, delete-orphan")


class Delivery(Base):
    """waiting → sending → sent | failed | unknown (the server may have taken it; a person decides) | cancelled."""

    __tablename__ = "delivery"
    __table_args__ = (
        Index(None, "state", "next_at"),
        CheckConstraint("state in ('waiting', 'sending', 'sent', 'failed', 'unknown', 'cancelled')", name="state"),
    )

    id: Mapped[IntPk]
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), unique=True)
    channel: Mapped[Code] = mapped_column(default="email")
    state: Mapped[Code] = mapped_column(default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[Moment]
    sent_at: Mapped[Moment | None]
    message_id_header: Mapped[str] = mapped_column(String(200), default="")
    error: Mapped[Name] = mapped_column(default="")

    message: Mapped[Message] = relationship(back_populates="delivery")
