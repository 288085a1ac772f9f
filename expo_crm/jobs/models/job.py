"""One row per piece of background work."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from expo_crm.db import Base, Code, IntPk, Json, LongText, Moment


class Job(Base):
    """Queued → running → done | failed. Unique (kind, due_at, key): a second scheduler inserting the same tick is harmless."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("kind", "due_at", "key"),
        Index(None, "state", "due_at"),
        CheckConstraint("state in ('queued', 'running', 'done', 'failed')", name="state"),
    )

    id: Mapped[IntPk]
    kind: Mapped[Code]
    key: Mapped[str] = mapped_column(String(64), default="")
    due_at: Mapped[Moment]
    state: Mapped[Code] = mapped_column(default="queued")
    payload: Mapped[Json] = mapped_column(default=dict)
    result: Mapped[Json] = mapped_column(default=dict)
    error: Mapped[LongText] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    user_id: Mapped[int | None] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), ForeignKey("user.id", ondelete="SET NULL")
    )
    started_at: Mapped[Moment | None]
    beat_at: Mapped[Moment | None]  # the last word of a job that says while it runs that it lives
    finished_at: Mapped[Moment | None]
