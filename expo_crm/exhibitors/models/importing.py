"""An import stands still between its steps here: file, mapping, previewed rows, result; and what it changed, to take it back."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, Json, JsonList, Moment, Name, Token
from expo_crm.shows.models import Edition


class ImportBatch(Base):
    """(reading →) uploaded → mapped (preview running) → previewed → loading → done | failed; done → rolling_back → rolled_back.

    The directory is touched while ``loading``, portion by portion; a load that fails is taken back whole.
    """

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint(
            "state in ('uploaded', 'mapped', 'previewed', 'loading', 'done', 'failed', 'rolled_back', 'reading', 'rolling_back')",
            name="state",
        ),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    filename: Mapped[Name]
    state: Mapped[Code] = mapped_column(default="uploaded")
    options: Mapped[Json] = mapped_column(default=dict)  # encoding, delimiter, header row, sheet
    survey: Mapped[Json] = mapped_column(default=dict)  # what reading the file once found: columns, count, warnings, first rows
    mapping: Mapped[Json] = mapped_column(default=dict)  # field → column header
    replace: Mapped[JsonList] = mapped_column(default=list)  # fields that the file overwrites in known companies
    totals: Mapped[Json] = mapped_column(default=dict)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    created_at: Mapped[Moment]
    finished_at: Mapped[Moment | None]

    edition: Mapped[Edition] = relationship()


class ImportPart(Base):
    """A megabyte of the uploaded file; gone when the import is done."""

    __tablename__ = "import_part"
    __table_args__ = (PrimaryKeyConstraint("batch_id", "number"),)

    batch_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), ForeignKey("import_batch.id", ondelete="CASCADE")
    )
    number: Mapped[int] = mapped_column(Integer)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ImportRow(Base):
    """One line of the file: new | match | conflict | refused, with the reason and, for a conflict, the user's decision.

    ``head`` is the first line of the same company, by which a load takes the rows; without one the row is left out.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        Index(None, "batch_id", "line"),
        Index(None, "batch_id", "verdict"),
        Index(None, "batch_id", "head"),
        Index(None, "company_id"),
    )

    id: Mapped[IntPk]
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"))
    line: Mapped[int] = mapped_column(Integer)
    verdict: Mapped[Code]
    reason: Mapped[Code] = mapped_column(default="")
    detail: Mapped[Json] = mapped_column(default=dict)  # column, value, candidates
    data: Mapped[Json] = mapped_column(default=dict)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id", ondelete="SET NULL"))
    match_line: Mapped[int | None] = mapped_column(Integer)  # the earlier line of the file that is the same company
    head: Mapped[int | None] = mapped_column(Integer)
    decision: Mapped[Code] = mapped_column(default="")  # '' | match | new | skip


class ImportChange(Base):
    """A portion of what a load did to one table: ids that were inserted, or rows with their columns before and after."""

    __tablename__ = "import_change"
    __table_args__ = (
        Index(None, "batch_id", "position"),
        CheckConstraint("kind in ('insert', 'update')", name="kind"),
    )

    id: Mapped[IntPk]
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    table_name: Mapped[Code]
    kind: Mapped[Code]
    rows: Mapped[JsonList] = mapped_column(default=list)  # [id, …] or [[id, before, after], …]


class ImportMapping(Base):
    """What a file with these columns was mapped to the last time: the next one of its kind starts from it."""

    __tablename__ = "import_mapping"

    id: Mapped[IntPk]
    fingerprint: Mapped[Token] = mapped_column(unique=True)  # of the headers, in any order
    mapping: Mapped[Json] = mapped_column(default=dict)
    replace: Mapped[JsonList] = mapped_column(default=list)
    used_at: Mapped[Moment]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    user: Mapped[User | None] = relationship()
