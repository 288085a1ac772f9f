"""Duplicates: the keys that find them, the pairs a person decides on, and the merges, which can be undone."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models import User
from expo_crm.db import Base, Code, IntPk, Json, JsonList, Moment, Name
from expo_crm.directory.models.company import Company


class CompanyDomain(Base):
    """A further web domain of a company: a brand's site, a former address. The first one stands in ``company.domain``."""

    __tablename__ = "company_domain"
    __table_args__ = (UniqueConstraint("company_id", "domain"), Index(None, "domain"))

    id: Mapped[IntPk]
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    domain: Mapped[str] = mapped_column(String(253))

    company: Mapped[Company] = relationship(back_populates="domains")


class MatchKey(Base):
    """Short keys of a company's names and its phone: who may be the same shares one (``lib.companies.block_keys``)."""

    __tablename__ = "match_key"
    __table_args__ = (PrimaryKeyConstraint("company_id", "key"), Index(None, "key"))

    company_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("company.id", ondelete="CASCADE"))
    key: Mapped[Code]


class DuplicatePair(Base):
    """Two companies that may be one, lower id first. open → different (a person said so) | merged."""

    __tablename__ = "duplicate_pair"
    __table_args__ = (
        UniqueConstraint("a_id", "b_id"),
        Index(None, "b_id"),
        Index(None, "state", "score"),
        CheckConstraint("a_id < b_id", name="in_order"),
        CheckConstraint("state in ('open', 'different')", name="state"),
        CheckConstraint("verdict in ('same', 'maybe')", name="verdict"),
    )

    id: Mapped[IntPk]
    a_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    b_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    verdict: Mapped[Code]
    score: Mapped[float] = mapped_column(Float)
    evidence: Mapped[JsonList] = mapped_column(default=list)
    state: Mapped[Code] = mapped_column(default="open")
    found_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    a: Mapped[Company] = relationship(foreign_keys=[a_id])
    b: Mapped[Company] = relationship(foreign_keys=[b_id])


class Merge(Base):
    """One record that went into another. ``journal`` holds every row that was touched, so the merge can be undone."""

    __tablename__ = "merge"
    __table_args__ = (
        Index(None, "entity", "dropped_id"),
        Index(None, "entity", "kept_id"),
        CheckConstraint("entity in ('company', 'person')", name="entity"),
    )

    id: Mapped[IntPk]
    entity: Mapped[Code]
    kept_id: Mapped[int] = mapped_column(BigInteger)
    dropped_id: Mapped[int] = mapped_column(BigInteger)
    kept_name: Mapped[Name]
    dropped_name: Mapped[Name]
    reason: Mapped[Name] = mapped_column(default="")
    journal: Mapped[JsonList] = mapped_column(default=list)
    summary: Mapped[Json] = mapped_column(default=dict)  # table → rows that moved
    merged_at: Mapped[Moment]
    merged_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    undone_at: Mapped[Moment | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    user: Mapped[User | None] = relationship(foreign_keys=[merged_by])
