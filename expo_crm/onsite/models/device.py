"""Gates and the devices that stand at them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Base, Code, IntPk, Json, JsonList, Moment, Name, Token
from expo_crm.directory.models import Participation
from expo_crm.shows.models import Edition, Hall


class Gate(Base):
    """A door. ``zone`` is the code of the area behind it, whose rules hold here. ``classes`` narrows whom that area admits; empty
    leaves it as it is."""

    __tablename__ = "gate"
    __table_args__ = (
        UniqueConstraint("edition_id", "code"),
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
    # Whose stand staff scan with it: devices of the profile lead belong to an exhibitor, all others to the organizer.
    participation_id: Mapped[int | None] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"), index=True)
    name: Mapped[Name]
    profile: Mapped[Code] = mapped_column(default="gate")  # gate | gate_kiosk | kiosk | lead | badge_print | office
    zones: Mapped[JsonList] = mapped_column(default=list)  # codes it may stand at; empty: anywhere in its edition
    pairing_hash: Mapped[Token | None] = mapped_column(unique=True)
    pairing_expires_at: Mapped[Moment | None]
    token_hash: Mapped[Token | None] = mapped_column(unique=True)
    paired_at: Mapped[Moment | None]
    pairing_no: Mapped[int] = mapped_column(Integer, default=0)  # its scans are numbered from 1 in each pairing
    revoked_at: Mapped[Moment | None]
    seen_at: Mapped[Moment | None]
    clock_offset_ms: Mapped[int | None]  # big: a clock may stand at 1970
    app_version: Mapped[str] = mapped_column(String(60), default="")
    queue_length: Mapped[int] = mapped_column(Integer, default=0)
    # What it said of itself last: see ``services.devices.heartbeat``.
    snapshot_version: Mapped[int | None] = mapped_column(Integer)
    snapshot_age_s: Mapped[int | None] = mapped_column(Integer)
    boot_id: Mapped[str] = mapped_column(String(60), default="")
    last_seq: Mapped[int | None]
    missing: Mapped[int] = mapped_column(Integer, default=0)  # numbers that neither we nor its queue hold
    storage: Mapped[Json] = mapped_column(default=dict)  # quota, usage in bytes; persisted
    battery: Mapped[int | None] = mapped_column(Integer)  # percent
    alarm_at: Mapped[Moment | None]  # when it last read too many foreign codes
    key_ids: Mapped[JsonList] = mapped_column(default=list)  # public keys that it holds, as it said itself
    lead_rate_at: Mapped[Moment | None]  # until when this lead device has used up its pace
    lead_alarm_at: Mapped[Moment | None]  # when it was last seen trying codes of nobody
    wipe: Mapped[bool] = mapped_column(default=False)  # withdrawn for good: it empties its storage after its last upload

    edition: Mapped[Edition] = relationship()
    gate: Mapped[Gate | None] = relationship()
    participation: Mapped[Participation | None] = relationship()


class DeviceBoot(Base):
    """How far a device's clock was off between two of its starts. A scan is put right by the offset of its own session."""

    __tablename__ = "device_boot"
    __table_args__ = (UniqueConstraint("device_id", "boot_id"),)

    id: Mapped[IntPk]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    boot_id: Mapped[str] = mapped_column(String(60))
    offset_ms: Mapped[int]  # ours minus the device's
    seen_at: Mapped[Moment]
