"""The scan log, append-only, and presence, its projection."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Json, Moment, Name
from expo_crm.onsite.models.badge import Badge
from expo_crm.onsite.models.device import Device, Gate


class Scan(Base):
    """One reading, refused ones too. (device, client_uuid) is the idempotency key: a repeat gets the stored answer.

    ``void`` rows decide nothing: the annulment of a scan (``annuls_id``), and a second reading of one badge by one device
    within seconds (``repeat_of_id``), kept because it has a number of its own. ``local_day`` is the day it counts for: the
    venue's day, in a zone whose period is the show the first day.

    ``server_verdict``, ``conflict`` and ``annulled`` are functions of the set of rows, like presence: written anew when the
    set changes. ``badge_verdict`` (what the badge itself was refused for on receipt) and ``rule`` (the zone's anti-passback
    then, ``timed:30``) are what they are computed from.
    """

    __tablename__ = "scan"
    __table_args__ = (
        UniqueConstraint("device_id", "client_uuid"),
        Index(None, "edition_id", "corrected_at"),
        Index(None, "badge_id"),
        Index(None, "device_id", "pairing_no", "device_seq"),
        Index(
            "ix_scan_conflict",
            "edition_id",
            "corrected_at",
            sqlite_where=text("conflict"),
            postgresql_where=text("conflict"),
        ),
        Index(
            "uq_scan_annuls_id",
            "annuls_id",
            unique=True,
            sqlite_where=text("annuls_id is not null"),
            postgresql_where=text("annuls_id is not null"),
        ),
        Index(  # for the foreign key: without it each row that is deleted has the whole log read
            "ix_scan_repeat_of_id",
            "repeat_of_id",
            sqlite_where=text("repeat_of_id is not null"),
            postgresql_where=text("repeat_of_id is not null"),
        ),
        CheckConstraint("decision in ('admit', 'admit_attention', 'deny', 'need_input', 'void')", name="decision"),
        CheckConstraint("decided_by in ('server', 'device', 'staff')", name="decided_by"),
        CheckConstraint("direction in ('entry', 'exit')", name="direction"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    client_uuid: Mapped[str] = mapped_column(String(36))
    device_seq: Mapped[int | None]
    pairing_no: Mapped[int] = mapped_column(Integer, default=0)
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
    badge_verdict: Mapped[Code] = mapped_column(default="")
    rule: Mapped[Code] = mapped_column(default="")
    clock_suspect: Mapped[bool] = mapped_column(default=False)
    annuls_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    annulled: Mapped[bool] = mapped_column(default=False)
    repeat_of_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    key_id: Mapped[int | None] = mapped_column(Integer)
    snapshot_version: Mapped[int | None] = mapped_column(Integer)
    body_hash: Mapped[str] = mapped_column(String(64), default="")

    badge: Mapped[Badge | None] = relationship()
    gate: Mapped[Gate] = relationship()
    device: Mapped[Device] = relationship()


class Presence(Base):
    """Projection per badge, zone and period: a pure function of the set of scans, recomputed by ``flask onsite rebuild``.

    ``duplicates`` are entries that this zone's rule would have refused, had the doors known of each other. ``suspect``: one of
    the passages comes from a device with a doubtful clock, so the row is computed from the log and not step by step.
    """

    __tablename__ = "presence"
    __table_args__ = (
        UniqueConstraint("badge_id", "zone", "local_day"),
        Index(None, "edition_id", "local_day", "zone"),
        Index(
            "ix_presence_inside",
            "edition_id",
            "zone",
            "local_day",
            sqlite_where=text("inside"),
            postgresql_where=text("inside"),
        ),
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
    duplicates: Mapped[int] = mapped_column(Integer, default=0)
    suspect: Mapped[bool] = mapped_column(default=False)

    badge: Mapped[Badge] = relationship()


class ScanResolution(Base):
    """What a supervisor found out about a conflict. The scan stays as it was."""

    __tablename__ = "scan_resolution"

    id: Mapped[IntPk]
    scan_id: Mapped[int] = mapped_column(ForeignKey("scan.id", ondelete="CASCADE"), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    note: Mapped[Name]
    resolved_at: Mapped[Moment]

    scan: Mapped[Scan] = relationship()


class QuarantinedScan(Base):
    """A scan that a withdrawn device still had in its queue. It counts for nothing until somebody accepts it.

    ``item`` is the upload without the text that was read: what the code said (serial, purpose, generation, key), its hash, and
    the device's own decision.
    """

    __tablename__ = "quarantined_scan"
    __table_args__ = (
        UniqueConstraint("device_id", "client_uuid"),
        Index(None, "edition_id", "state"),
        CheckConstraint("state in ('waiting', 'accepted', 'refused')", name="state"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"))
    client_uuid: Mapped[str] = mapped_column(String(36))
    device_seq: Mapped[int | None]
    pairing_no: Mapped[int] = mapped_column(Integer, default=0)
    gate_id: Mapped[int | None] = mapped_column(ForeignKey("gate.id", ondelete="SET NULL"))
    badge_id: Mapped[int | None] = mapped_column(ForeignKey("badge.id"))
    corrected_at: Mapped[Moment]
    received_at: Mapped[Moment]
    item: Mapped[Json]
    body_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[Code] = mapped_column(default="waiting")
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    settled_at: Mapped[Moment | None]
    scan_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id", ondelete="SET NULL"))

    device: Mapped[Device] = relationship()
    gate: Mapped[Gate | None] = relationship()
    badge: Mapped[Badge | None] = relationship()
