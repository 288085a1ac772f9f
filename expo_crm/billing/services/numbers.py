"""Numbers without gaps."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.billing.models import NumberSequence
from expo_crm.db import db


def take(scope: str) -> int:
    """The next number of a scope. The row stays locked until the transaction ends, so a number given back by a
    rollback is the next one's, and two transactions never get the same."""
    dialect = db.session.get_bind().dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    statement = (
        insert(NumberSequence)
        .values(scope=scope, last=1)
        .on_conflict_do_update(index_elements=["scope"], set_={"last": NumberSequence.last + 1})
        .returning(NumberSequence.last)
    )
    return int(db.session.execute(statement).scalar_one())
