"""Booths of an edition and who stands on them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from expo_crm.db import Area, Base, Code, IntPk, JsonList, Moment, Money, Name
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors.models.opportunity import Opportunity
from expo_crm.exhibitors.models.pavilion import Pavilion
from expo_crm.lib.text import natural_key
from expo_crm.shows.models import Edition, Hall


def _sort_key(code: str) -> str:
    return natural_key(code)[:60]


class Booth(Base):
    """A stand on the hall plan, in metres from the hall's top left corner. ``polygon`` overrides the rectangle.

    State: available | held (until ``held_until``, for ``opportunity``) | reserved | sold | blocked. An expired hold counts as
    available everywhere (``domain.booth.effective_state``); a job frees it for good. A booth that was merged, split or taken off the
    plan keeps its row with ``retired_at``, blocked, without holder, contract or occupants.
    """

    __tablename__ = "booth"
    __table_args__ = (
        # A merged or split booth keeps its code in the history; the code is free again for those that stand.
        Index(
            "uq_booth_code_in_use",
            "edition_id",
            "code_key",
            unique=True,
            sqlite_where=text("retired_at is null"),
            postgresql_where=text("retired_at is null"),
        ),
        Index(None, "hall_id"),
        CheckConstraint("retired_at is null or state = 'blocked'", name="retired_is_blocked"),
        CheckConstraint("state in ('available', 'held', 'reserved', 'sold', 'blocked')", name="state"),
        CheckConstraint("state not in ('held', 'reserved') or opportunity_id is not null", name="hold_has_holder"),
        CheckConstraint("width_m > 0 and depth_m > 0 and area_m2 > 0", name="sizes"),
        CheckConstraint("price >= 0", name="price"),
    )

    id: Mapped[IntPk]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    hall_id: Mapped[int] = mapped_column(ForeignKey("hall.id"))
    code: Mapped[Code]  # as written
    code_key: Mapped[Code]  # normalised, unique in the edition
    sort_key: Mapped[Code] = mapped_column(default=lambda row: _sort_key(row.get_current_parameters()["code"]))  # puts A2 before A10
    kind: Mapped[Code] = mapped_column(default="shell")  # shell | raw
    x_m: Mapped[Area]
    y_m: Mapped[Area]
    width_m: Mapped[Area]
    depth_m: Mapped[Area]
    area_m2: Mapped[Area]
    polygon: Mapped[JsonList] = mapped_column(default=list)
    open_sides: Mapped[int] = mapped_column(Integer, default=1)
    price: Mapped[Money]  # whole booth, without tax
    state: Mapped[Code] = mapped_column(default="available")
    opportunity_id: Mapped[int | None] = mapped_column(ForeignKey("opportunity.id", ondelete="SET NULL"))
    held_until: Mapped[Moment | None]
    note: Mapped[Name] = mapped_column(default="")
    sector: Mapped[Name] = mapped_column(default="")
    pavilion_id: Mapped[int | None] = mapped_column(ForeignKey("pavilion.id", ondelete="SET NULL"))
    version: Mapped[int] = mapped_column(Integer, default=1)
    retired_at: Mapped[Moment | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("booth.id", ondelete="SET NULL"))
    split_from_id: Mapped[int | None] = mapped_column(ForeignKey("booth.id", ondelete="SET NULL"))

    __mapper_args__ = {"version_id_col": version}

    edition: Mapped[Edition] = relationship()
    hall: Mapped[Hall] = relationship()
    opportunity: Mapped[Opportunity | None] = relationship()
    pavilion: Mapped[Pavilion | None] = relationship()
    occupants: Mapped[list[BoothOccupant]] = relationship(back_populates="booth", cascade="all, delete-orphan")

    @validates("code")
    def _renumber(self, _name: str, code: str) -> str:
        self.sort_key = _sort_key(code)
        return code

    @property
    def company(self) -> Company | None:
        """Who has the booth: the host where somebody stands on it, else who holds it."""
        hosts = sorted(self.occupants, key=lambda o: not o.host)
        if hosts:
            return hosts[0].company
        return self.opportunity.company if self.opportunity else None

    @property
    def participations(self) -> tuple[int, ...]:
        """Whoever stands on it."""
        return tuple(o.participation_id for o in self.occupants)


class BoothOccupant(Base):
    """Many-to-many of booths and participations; at most one host per booth, held by the database."""

    __tablename__ = "booth_occupant"
    __table_args__ = (
        UniqueConstraint("booth_id", "participation_id"),
        Index(
            "uq_booth_occupant_one_host",
            "booth_id",
            unique=True,
            sqlite_where=text("host"),
            postgresql_where=text("host"),
        ),
        Index(None, "participation_id"),
    )

    id: Mapped[IntPk]
    booth_id: Mapped[int] = mapped_column(ForeignKey("booth.id", ondelete="CASCADE"))
    participation_id: Mapped[int] = mapped_column(ForeignKey("participation.id", ondelete="CASCADE"))
    host: Mapped[bool] = mapped_column(default=False)
    # The name on the fascia board (楣板) of a company that shares the stand; "" is not written there.
    fascia_zh: Mapped[Name] = mapped_column(default="")
    fascia_en: Mapped[Name] = mapped_column(default="")

    booth: Mapped[Booth] = relationship(back_populates="occupants")
    participation: Mapped[Participation] = relationship()

    @property
    def company(self) -> Company:
        return self.participation.company
