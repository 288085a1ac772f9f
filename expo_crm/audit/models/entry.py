"""Append-only record. The actor is kept as text too, so that it survives the account."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from expo_crm.db import Base, Code, IntPk, Json, Moment, Name


class AuditEntry(Base):
    """Who did what to which thing, when; ``action`` is noun.verb, ``changes`` maps a field to [before, after]."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "entity", "entity_id"), Index(None, "at"))

    id: Mapped[IntPk]
    at: Mapped[Moment]
    actor_kind: Mapped[Code]
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[Name]
    action: Mapped[Code]
    entity: Mapped[Code]
    entity_id: Mapped[int | None] = mapped_column(BigInteger)
    edition_id: Mapped[int | None] = mapped_column(BigInteger)
    changes: Mapped[Json] = mapped_column(default=dict)
    reason: Mapped[str] = mapped_column(String(500), default="")
