"""What a load did, written down while it does it, and taking it back.

Taking back undoes in the opposite order. What was changed again since, and what others have begun to use (a company that got
a contract, a contact who was called), stays and is counted.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Table, bindparam, delete, func, insert, select, text, update

from expo_crm.audit import services as audit
from expo_crm.db import Base, db
from expo_crm.directory.services import duplicates
from expo_crm.exhibitors.models import ImportBatch, ImportChange
from expo_crm.lib import clock

Progress = Callable[[int, int, str], None]
PORTION = 1000
LOCK = 0x6578706F
# Rows that are worked out from others, or belong to the import itself: they keep nothing alive.
DERIVED = {"match_key", "duplicate_pair", "ownership_log", "import_row", "import_change", "merge", "offer", "quality_snapshot"}


class Journal:
    """Written in the transactions of the load, a portion at a time; goes on behind what an interrupted load has written."""

    def __init__(self, batch_id: int) -> None:
        self.batch_id = batch_id
        self.position = _newest(batch_id) or 0

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


def one_at_a_time() -> None:
    """Until the end of this transaction nobody else asks or writes which import has its turn (SQLite has one writer anyway)."""
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})


def roll_back(
    batch: ImportBatch, progress: Progress | None = None, label: str = "", release: Callable[[], None] | None = None
) -> dict[str, int]:
    """Take a loaded batch back. Returns counts: "deleted", "restored", "kept" (used or changed since). Raises NotLoaded.

    ``release`` is called at the end of each portion; a job commits there and, when it was killed, goes on behind it.
    """
    db.session.refresh(batch, attribute_names=["state"], with_for_update=True)
    begun = batch.state == "rolling_back"
    if not begun and (batch.state != "done" or _newest(batch.id) is None):
        raise NotLoaded
    counts = undo(batch, progress, label, release)
    batch.state, batch.finished_at = "rolled_back", clock.now()
    batch.totals = {**batch.totals, "rolled_back": counts}
    audit.record(
        "import.roll_back", "import", batch.id, edition_id=batch.edition_id, changes={"file": batch.filename, **counts}
    )
    db.session.flush()
    return counts


def undo(
    batch: ImportBatch, progress: Progress | None = None, label: str = "", release: Callable[[], None] | None = None
) -> dict[str, int]:
    """Undo what the journal of a batch holds, the newest portion first; each goes from the journal with its undoing.

    Also for a load that was not finished. The state of the batch is the caller's.
    """
    counts: Counter[str] = Counter(batch.totals.get("taking_back", {}))
    total = _newest(batch.id) or 0
    newest: int | None = total
    while newest is not None and newest > 0:
        change = db.session.execute(
            select(ImportChange.id, ImportChange.table_name, ImportChange.kind, ImportChange.rows).where(
                ImportChange.batch_id == batch.id, ImportChange.position == newest
            )
        ).one()
        table = Base.metadata.tables[change.table_name]
        if change.kind == "update":
            _restore(table, change.rows, counts)
        else:
            _delete(table, change.rows, counts)
        db.session.execute(delete(ImportChange).where(ImportChange.id == change.id))
        batch.totals = {**batch.totals, "taking_back": dict(counts)}
        db.session.flush()
        if release:
            release()
        if progress:
            progress(total - newest + 1, total, label)
        newest = _newest(batch.id)
    batch.totals = {key: value for key, value in batch.totals.items() if key not in ("taking_back", "loading")}
    db.session.flush()
    db.session.expire_all()
    return dict(counts)


def _newest(batch_id: int) -> int | None:
    return db.session.scalar(select(func.max(ImportChange.position)).where(ImportChange.batch_id == batch_id))


def _restore(table: Table, rows: Sequence[Any], counts: Counter[str]) -> None:
    ids = [row[0] for row in rows]
    now = {r.id: r._mapping for r in db.session.execute(select(table).where(table.c.id.in_(ids)))}
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for key, before, after in rows:
        row = now.get(key)
        if row is None or any(_plain(row[name]) != value for name, value in after.items()):
            counts["kept"] += 1
            continue
        values = {f"new_{name}": _typed(table.c[name], value) for name, value in before.items()}
        alike[tuple(sorted(before))].append({"of_id": key, **values})
    for names, several in alike.items():
        values = {name: bindparam(f"new_{name}") for name in names}
        if "version" in table.c:
            values["version"] = table.c.version + 1
        db.session.connection().execute(update(table).where(table.c.id == bindparam("of_id")).values(values), several)
        counts["restored"] += len(several)
        if table.name == "company":
            duplicates.index_companies([one["of_id"] for one in several])


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
