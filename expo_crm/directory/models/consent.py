"""What a person agreed to, in which words; an answer is never changed, a later one replaces it."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from expo_crm.db import Base, Code, IntPk, Moment


class Consent(Base):
    """One answer to one purpose (lead_sharing, marketing …); the newest row per purpose holds."""

    __tablename__ = "consent"
    __table_args__ = (Index(None, "person_id", "purpose"),)

    id: Mapped[IntPk]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("edition.id"))
    purpose: Mapped[Code]
    granted: Mapped[bool]
    text_version: Mapped[Code]
    locale: Mapped[str] = mapped_column(String(2))
    channel: Mapped[Code]
    at: Mapped[Moment]
