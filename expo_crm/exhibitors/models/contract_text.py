"""Contract texts by number, and the versions of each contract with what was agreed in them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.db import Area, Base, Code, IntPk, JsonList, LongText, Moment, Money, Name
from expo_crm.exhibitors.models.contract import Contract


class ContractText(Base):
    """The terms in two languages. A number that a contract was made with is never changed again; a new one is written."""

    __tablename__ = "contract_text"
    __table_args__ = (UniqueConstraint("show_id", "number"),)

    id: Mapped[IntPk]
    show_id: Mapped[int] = mapped_column(ForeignKey("show.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    body_zh: Mapped[LongText]
    body_en: Mapped[LongText]
    note: Mapped[Name] = mapped_column(default="")
    released: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[Moment]
    version: Mapped[int] = mapped_column(Integer, default=1)

    __mapper_args__ = {"version_id_col": version}


class ContractVersion(Base):
    """What a contract said from one moment on: frozen lines and sums, the text it refers to, who accepted it.

    ``state``: current, amended (a later one took its place) or cancelled.
    """

    __tablename__ = "contract_version"
    __table_args__ = (
        UniqueConstraint("contract_id", "number"),
        CheckConstraint("state in ('current', 'amended', 'cancelled')", name="state"),
        CheckConstraint("kind in ('first', 'amendment', 'downsizing', 'cancellation')", name="kind"),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[Code] = mapped_column(default="first")
    state: Mapped[Code] = mapped_column(default="current")
    text_id: Mapped[int | None] = mapped_column(ForeignKey("contract_text.id"))
    lines: Mapped[JsonList] = mapped_column(default=list)
    net_m2: Mapped[Area]
    net: Mapped[Money]
    tax: Mapped[Money]
    total: Mapped[Money]
    reason: Mapped[Name] = mapped_column(default="")
    pdf_hash: Mapped[str] = mapped_column(String(64), default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_at: Mapped[Moment]
    accepted_at: Mapped[Moment | None]
    accepted_name: Mapped[Name] = mapped_column(default="")
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    signed_file: Mapped[str] = mapped_column(String(80), default="")
    signed_type: Mapped[Code] = mapped_column(default="")
    signed_name: Mapped[Name] = mapped_column(default="")
    signed_hash: Mapped[str] = mapped_column(String(64), default="")

    contract: Mapped[Contract] = relationship()
    text: Mapped[ContractText | None] = relationship()
