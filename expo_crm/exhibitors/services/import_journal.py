"""What a load did, written down while it does it, and taking it back.

Taking back undoes in the opposite order. What was changed again since, and what others have begun to use (a company that got
a contract, a contact who was called), stays and is counted.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, update

from expo_crm.audit import services as audit
from expo_crm.db import Base, db
from expo_crm.directory.models import Company
from expo_crm.directory.services import duplicates
from expo_crm.exhibitors.models import ImportBatch, ImportChange
from expo_crm.lib import clock

PORTION = 1000
# Rows that are worked out from others, or belong to the import itself: they keep nothing alive.
DERIVED = {"match_key", "duplicate_pair", "ownership_log", "import_row", "import_change", "merge", "offer", "quality_snapshot"}


class Journal:
    """Written in the load's own transaction, a portion at a time."""

    def __init__(self, batch_id: int) -> None:
        self.batch_id = batch_id
        self.position = 0

    def inserted(self, table: str, ids: Iterable[int]) -> None:
        for part in _parts(list(ids)):
            self._write(table, "insert", part)

    def updated(self, table: str, rows: Iterable[tuple[int, Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """(id, columns before, columns after) of each changed row; only columns that differ are kept."""
        kept = []
        for key, before, after in rows:
            moved = [name for name, value in after.items() if before[name] != value]
            if moved:
                kept.append([key, {n: _plain(before[n]) for n in moved}, {n: _plain(after[n]) for n in moved}])
        for part in _parts(kept):
            self._write(table, "update", part)

    def _write(self, table: str, kind: str, rows: list[Any]) -> None:
        self.position += 1
        values = {"batch_id": self.batch_id, "position": self.position, "table_name": table, "kind": kind, "rows": rows}
        db.session.execute(insert(ImportChange), [values])


class NotLoaded(Exception):
    """There is nothing to take back: the batch was not loaded, is older than the journal, or was taken back already."""


def roll_back(batch: ImportBatch) -> dict[str, int]:
    """Take a loaded batch back. Returns counts: "deleted", "restored", "kept" (used or changed since). Raises NotLoaded."""
    db.session.refresh(batch, attribute_names=["state"], with_for_update=True)
    newest = db.session.scalar(select(func.max(ImportChange.position)).where(ImportChange.batch_id == batch.id))
    if batch.state != "done" or newest is None:
        raise NotLoaded
    counts: Counter[str] = Counter()
    touched: set[int] = set()
    changes = select(ImportChange).where(ImportChange.batch_id == batch.id).order_by(ImportChange.position.desc())
    for change in db.session.scalars(changes.execution_options(yield_per=20)):
        table = Base.metadata.tables[change.table_name]
        if change.kind == "update":
            _restore(table, change.rows, counts, touched)
        else:
            _delete(table, change.rows, counts)
    db.session.execute(delete(ImportChange).where(ImportChange.batch_id == batch.id))
    db.session.expire_all()
    for part in _parts(sorted(touched)):
        for company in db.session.scalars(select(Company).where(Company.id.in_(part))):
            duplicates.index_company(company)
    batch.state, batch.finished_at = "rolled_back", clock.now()
    batch.totals = {**batch.totals, "rolled_back": dict(counts)}
    audit.record(
        "import.roll_back", "import", batch.id, edition_id=batch.edition_id, changes={"file": batch.filename, **counts}
    )
    db.session.flush()
    return dict(counts)


def _restore(table: Table, rows: Sequence[Any], counts: Counter[str], touched: set[int]) -> None:
    ids = [row[0] for row in rows]
    now = {r.id: r._mapping for r in db.session.execute(select(table).where(table.c.id.in_(ids)))}
    for key, before, after in rows:
        row = now.get(key)
        if row is None or any(_plain(row[name]) != value for name, value in after.items()):
            counts["kept"] += 1
            continue
        values: dict[str, Any] = {name: _typed(table.c[name], value) for name, value in before.items()}
        if "version" in table.c:
            values["version"] = row["version"] + 1
        db.session.execute(update(table).where(table.c.id == key).values(values))
        counts["restored"] += 1
        if table.name == "company":
            touched.add(key)


def _delete(table: Table, ids: Sequence[int], counts: Counter[str]) -> None:
    used: set[int] = set()
    for other in Base.metadata.sorted_tables:
        if other.name in DERIVED:
            continue
        for key in other.foreign_keys:
            if key.column.table is table:
                used |= set(db.session.scalars(select(key.parent).where(key.parent.in_(ids))))
    free = [key for key in ids if key not in used]
    for other in Base.metadata.sorted_tables:
        for key in other.foreign_keys:
            if (
                key.column.table is table
                and other.name in DERIVED
                and other.name not in ("import_row", "merge")
                and free
            ):
                db.session.execute(delete(other).where(key.parent.in_(free)))
            elif key.column.table is table and other.name == "import_row" and free:
                db.session.execute(update(other).where(key.parent.in_(free)).values({key.parent.name: None}))
    if free:
        db.session.execute(delete(table).where(table.c.id.in_(free)))
    counts["deleted"] += len(free)
    counts["kept"] += len(ids) - len(free)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, (dt.datetime, dt.date)) else value


def _typed(column: Any, value: Any) -> Any:
    kind = column.type.python_type if value is not None else None
    if kind is Decimal:
        return Decimal(value)
    if kind is dt.datetime:
        return dt.datetime.fromisoformat(value)
    return value


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), PORTION):
        yield items[start : start + PORTION]
