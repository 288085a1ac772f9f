"""Views of lists that people keep."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from expo_crm.accounts.models.user import User
from expo_crm.db import Base, Code, IntPk, LongText, Moment, Name


class SavedView(Base):
    """Search, filters, sort and columns of a list under a name; shared ones are there for every colleague."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("user_id", "list_id", "name"), Index(None, "list_id"))

    id: Mapped[IntPk]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    list_id: Mapped[Code]
    name: Mapped[Name]
    shared: Mapped[bool] = mapped_column(default=False)
    args: Mapped[LongText] = mapped_column(default="")  # a query string
    created_at: Mapped[Moment]

    user: Mapped[User] = relationship()
