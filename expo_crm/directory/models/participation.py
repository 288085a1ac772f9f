"""The participation ledger: one row per company and edition."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Area, Base, Code, IntPk, Moment, Money, Name
from expo_crm.directory.models.company import Company
from expo_crm.shows.models import Edition


class Participation(Base):
    """A company in an edition: in which role, on how many net m², for how much, and how it ended.

    ``outcome``: planned (not yet), exhibited, cancelled, no_show. Amount is in the edition's currency, without tax.
    A co-exhibitor or represented company names its host participation.
    """

    __tablename__ = "participation"
    __table_args__ = (
        UniqueConstraint("edition_id", "company_id"),
        Index(None, "company_id"),
        Index(None, "host_id"),
        CheckConstraint("role in ('main', 'co', 'represented')", name="role"),
        CheckConstraint("outcome in ('planned', 'exhibited', 'cancelled', 'no_show')", name="outcome"),
        CheckConstraint("net_m2 >= 0 and amount >= 0", name="not_negative"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    role: Mapped[Code] = mapped_column(default="main")
    host_id: Mapped[int | None] = mapped_column(ForeignKey("participation.id"))
    net_m2: Mapped[Area] = mapped_column(default=0)
    amount: Mapped[Money] = mapped_column(default=0)
    outcome: Mapped[Code] = mapped_column(default="planned")
    stands: Mapped[Name] = mapped_column(default="")  # stand numbers as written
    sector: Mapped[Name] = mapped_column(default="")
    created_at: Mapped[Moment]

    edition: Mapped[Edition] = relationship()
    company: Mapped[Company] = relationship()
    host: Mapped[Participation | None] = relationship(remote_side="Participation.id")
