"""The scan log, append-only, and presence, its projection."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Moment, Name
from expo_crm.onsite.models.badge import Badge
from expo_crm.onsite.models.device import Device, Gate


class Scan(Base):
    """One reading, refused ones too. (device, client_uuid) is the idempotency key: a repeat gets the stored answer."""

    __tablename__ = "scan"
    __table_args__ = (
        UniqueConstraint("device_id", "client_uuid"),
        Index(None, "edition_id", "corrected_at"),
        Index(None, "badge_id"),
        CheckConstraint("decision in ('admit', 'admit_attention', 'deny', 'need_input')", name="decision"),
        CheckConstraint("decided_by in ('server', 'device', 'staff')", name="decided_by"),
        CheckConstraint("direction in ('entry', 'exit')", name="direction"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    client_uuid: Mapped[str] = mapped_column(String(36))
    device_seq: Mapped[int | None]
    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"))
    zone: Mapped[Code]
    direction: Mapped[Code]
    code_hash: Mapped[str] = mapped_column(String(64))  # of what was read; the raw text is not kept
    badge_id: Mapped[int | None] = mapped_column(ForeignKey("badge.id"))
    device_time: Mapped[Moment | None]
    corrected_at: Mapped[Moment]
    received_at: Mapped[Moment]
    local_day: Mapped[dt.date] = mapped_column(Date)
    decided_by: Mapped[Code] = mapped_column(default="server")
    decision: Mapped[Code]
    reason: Mapped[Code]
    override_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    override_reason: Mapped[Name] = mapped_column(default="")
    server_verdict: Mapped[Code] = mapped_column(default="")  # of a device's decision: agrees, or the server's reason
    device_verdict: Mapped[Code] = mapped_column(default="")  # of the server's decision, when the device decided too
    conflict: Mapped[bool] = mapped_column(default=False)
    clock_suspect: Mapped[bool] = mapped_column(default=False)
    annuls_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    key_id: Mapped[int | None] = mapped_column(Integer)
    snapshot_version: Mapped[int | None] = mapped_column(Integer)
    body_hash: Mapped[str] = mapped_column(String(64), default="")

    badge: Mapped[Badge | None] = relationship()
    gate: Mapped[Gate] = relationship()
    device: Mapped[Device] = relationship()


class Presence(Base):
    """Projection per badge, zone and local day: a pure function of the set of scans, recomputed by ``flask onsite rebuild``."""

    __tablename__ = "presence"
    __table_args__ = (
        UniqueConstraint("badge_id", "zone", "local_day"),
        Index(None, "edition_id", "local_day", "zone"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    badge_id: Mapped[int] = mapped_column(ForeignKey("badge.id"))
    zone: Mapped[Code]
    local_day: Mapped[dt.date] = mapped_column(Date)
    first_entry_at: Mapped[Moment | None]
    first_gate_id: Mapped[int | None] = mapped_column(ForeignKey("gate.id"))
    last_at: Mapped[Moment]
    last_direction: Mapped[Code]
    entries: Mapped[int] = mapped_column(Integer, default=0)
    exits: Mapped[int] = mapped_column(Integer, default=0)
    inside: Mapped[bool] = mapped_column(default=False)

    badge: Mapped[Badge] = relationship()
