"""Gates and the devices that stand at them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, JsonList, Moment, Name, Token
from expo_crm.shows.models import Edition, Hall


class Gate(Base):
    """A door. ``zone`` is the area behind it: the whole show, or a hall. ``classes`` empty admits every class."""

    __tablename__ = "gate"
    __table_args__ = (
        UniqueConstraint("edition_id", "code"),
        CheckConstraint("anti_passback in ('off', 'soft', 'hard', 'timed')", name="anti_passback"),
        CheckConstraint("direction in ('entry', 'exit', 'both')", name="direction"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    hall_id: Mapped[int | None] = mapped_column(ForeignKey("hall.id"))
    code: Mapped[Code]
    name_zh: Mapped[Name]
    name_en: Mapped[Name]
    zone: Mapped[Code] = mapped_column(default="show")
    direction: Mapped[Code] = mapped_column(default="entry")
    anti_passback: Mapped[Code] = mapped_column(default="soft")
    cooldown_minutes: Mapped[int] = mapped_column(Integer, default=0)
    classes: Mapped[JsonList] = mapped_column(default=list)
    any_time: Mapped[bool] = mapped_column(default=False)  # days and hours are not checked: build-up, rehearsal

    edition: Mapped[Edition] = relationship()
    hall: Mapped[Hall | None] = relationship()


class Device(Base):
    """A phone, tablet or reader. Paired once by a token that works once; afterwards it holds a token of its own, kept hashed."""

    __tablename__ = "device"
    __table_args__ = (Index(None, "edition_id"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    gate_id: Mapped[int | None] = mapped_column(ForeignKey("gate.id", ondelete="SET NULL"))
    name: Mapped[Name]
    profile: Mapped[Code] = mapped_column(default="gate")  # gate | gate_kiosk | lead | badge_print
    pairing_hash: Mapped[Token | None] = mapped_column(unique=True)
    pairing_expires_at: Mapped[Moment | None]
    token_hash: Mapped[Token | None] = mapped_column(unique=True)
    paired_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    seen_at: Mapped[Moment | None]
    clock_offset_ms: Mapped[int | None]  # big: a clock may stand at 1970
    app_version: Mapped[str] = mapped_column(String(60), default="")
    queue_length: Mapped[int] = mapped_column(Integer, default=0)

    edition: Mapped[Edition] = relationship()
    gate: Mapped[Gate | None] = relationship()
