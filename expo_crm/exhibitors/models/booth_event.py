"""What happened to a booth: an append-only history, from which changes of the drawing can be taken back."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, Json, Moment, Token
from expo_crm.exhibitors.models.booth import Booth


class BoothEvent(Base):
    """One change of one booth. ``before`` and ``after`` hold the fields that changed; empty before: it was made.

    Changes of the drawing carry ``step``, common to all booths that one command touched; ``undoes`` names the step that this
    one took back.
    """

    __tablename__ = "booth_event"
    __table_args__ = (Index(None, "booth_id"), Index(None, "step"))

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    booth_id: Mapped[int] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    kind: Mapped[Code]
    before: Mapped[Json] = mapped_column(default=dict)
    after: Mapped[Json] = mapped_column(default=dict)
    step: Mapped[Token | None]
    undoes: Mapped[Token | None]
    at: Mapped[Moment]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    booth: Mapped[Booth] = relationship()
    user: Mapped[User | None] = relationship()
