"""What exhibitors have to do before the show: rules per edition, fascia, stand-build approval, changes to the entry, reminders."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Area, Base, Code, IntPk, Json, LongText, Moment, Name
from expo_crm.directory.models import Participation
from expo_crm.shows.models import Edition


class PortalTaskKind(Base):
    """A task of the edition: its last day where the show is, and whether exhibitors have it at all."""

    __tablename__ = "portal_task_kind"
    __table_args__ = (UniqueConstraint("edition_id", "key"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"))
    key: Mapped[Code]  # domain.portal.TaskKey
    due_on: Mapped[dt.date] = mapped_column(Date)
    active: Mapped[bool] = mapped_column(default=True)


class PortalRules(Base):
    """Badges by stand area, and from when on changes of the directory entry are reviewed and no longer taken."""

    __tablename__ = "portal_rules"
    __table_args__ = (CheckConstraint("badges >= 0 and badge_m2 > 0", name="quota"),)

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id", ondelete="CASCADE"), unique=True)
    badges: Mapped[int] = mapped_column(Integer, default=3)  # so many for each begun badge_m2
    badge_m2: Mapped[Area] = mapped_column(default=9)
    published_on: Mapped[dt.date | None] = mapped_column(Date)
    freeze_on: Mapped[dt.date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    edition: Mapped[Edition] = relationship()


class Fascia(Base):
    """The name on the fascia (楣板) of a shell-scheme stand, as the exhibitor confirmed it."""

    __tablename__ = "fascia"

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"), unique=True)
    text_zh: Mapped[Name] = mapped_column(default="")
    text_en: Mapped[Name] = mapped_column(default="")
    saved_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    saved_at: Mapped[Moment]


class PortalWaiver(Base):
    """An exhibitor said that it needs nothing of a kind (services): the task is done."""

    __tablename__ = "portal_waiver"
    __table_args__ = (UniqueConstraint("participation_id", "key"),)

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"))
    key: Mapped[Code]
    said_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    said_at: Mapped[Moment]


class BuildApproval(Base):
    """Stand-build approval (报馆) of one exhibitor: submitted → changes asked → submitted … → approved."""

    __tablename__ = "build_approval"
    __table_args__ = (
        Index(None, "state"),
        CheckConstraint("state in ('submitted', 'changes', 'approved')", name="state"),
    )

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"), unique=True)
    state: Mapped[Code] = mapped_column(default="submitted")
    number: Mapped[int] = mapped_column(Integer, default=0)  # of the newest drawing
    changed_at: Mapped[Moment]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    participation: Mapped[Participation] = relationship()
    drawings: Mapped[list[BuildDrawing]] = relationship(
        back_populates="approval", cascade="all, delete-orphan", order_by="BuildDrawing.number.desc()"
    )
    remarks: Mapped[list[BuildRemark]] = relationship(
        back_populates="approval", cascade="all, delete-orphan", order_by="BuildRemark.id"
    )


class BuildDrawing(Base):
    """One version of the drawings: a PDF or a picture. Never overwritten."""

    __tablename__ = "build_drawing"
    __table_args__ = (UniqueConstraint("approval_id", "number"),)

    id: Mapped[IntPk]
    approval_id: Mapped[int] = mapped_column(ForeignKey("build_approval.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    filename: Mapped[Name]
    media_type: Mapped[Code]
    size: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    uploaded_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    uploaded_at: Mapped[Moment]

    approval: Mapped[BuildApproval] = relationship(back_populates="drawings")


class BuildRemark(Base):
    """What exhibitor and organizer wrote to each other about the drawings; ``state`` when it changed with it."""

    __tablename__ = "build_remark"
    __table_args__ = (
        Index(None, "approval_id"),
        CheckConstraint("side in ('exhibitor', 'organizer')", name="side"),
    )

    id: Mapped[IntPk]
    approval_id: Mapped[int] = mapped_column(ForeignKey("build_approval.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)  # of the drawing it speaks of
    side: Mapped[Code]
    state: Mapped[Code] = mapped_column(default="")
    text: Mapped[LongText] = mapped_column(default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[Moment]

    approval: Mapped[BuildApproval] = relationship(back_populates="remarks")
    user: Mapped[User | None] = relationship()


class EntryChange(Base):
    """A change of a published directory entry: proposed by the exhibitor, approved or refused by the organizer."""

    __tablename__ = "entry_change"
    __table_args__ = (
        Index(
            "uq_entry_change_one_open",
            "participation_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "state"),
        CheckConstraint("state in ('open', 'approved', 'refused', 'withdrawn')", name="state"),
    )

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"))
    state: Mapped[Code] = mapped_column(default="open")
    before: Mapped[Json] = mapped_column(default=dict)
    after: Mapped[Json] = mapped_column(default=dict)
    remark: Mapped[LongText] = mapped_column(default="")
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    asked_at: Mapped[Moment]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    decided_at: Mapped[Moment | None]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}

    participation: Mapped[Participation] = relationship()
    asker: Mapped[User | None] = relationship(foreign_keys=[asked_by])
    decider: Mapped[User | None] = relationship(foreign_keys=[decided_by])


class TaskReminder(Base):
    """A reminder that was sent: once per task, step and deadline."""

    __tablename__ = "task_reminder"
    __table_args__ = (UniqueConstraint("participation_id", "key", "step", "due_on"),)

    id: Mapped[IntPk]
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"))
    key: Mapped[Code]
    step: Mapped[Code]  # days before the deadline, negative after it; "chase" when staff sent it
    due_on: Mapped[dt.date] = mapped_column(Date)
    sent_at: Mapped[Moment]
