"""Merging two records of one table: everything that points to the one goes to the other, and all of it can be undone.

The tables are found by their foreign keys, so a package above that adds one is covered. Where both records have a row that
may exist only once (both took part in the same edition), the two rows are merged as well; a package says by a combiner what
becomes of their values. Every touched row is written to the journal first.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import Base, db
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.models import Company, DuplicatePair, MatchKey, Merge, Person
from expo_crm.directory.services import ownership
from expo_crm.lib import clock

Row = Mapping[Any, Any]  # by the names of columns
Combiner = Callable[[Row, Row, Mapping[str, Any]], dict[str, Any]]
_combiners: dict[str, Combiner] = {}
# Rows that are worked out anew, or that tell of the merge itself.
_DERIVED = {MatchKey.__tablename__, DuplicatePair.__tablename__, Merge.__tablename__}


def register_combiner(table: str, combiner: Combiner) -> None:
    """``combiner(kept, dropped, choices)`` gives the columns to change in the kept row when two rows of ``table`` become one."""
    _combiners[table] = combiner


@dataclass(frozen=True)
class Question:
    """What a person must choose before two companies become one: the same thing of both, side by side.

    ``name`` comes back in ``choices["questions"]`` as "keep" or "drop". The sides hold (label, text) lines.
    """

    name: str
    label: str
    a: tuple[tuple[str, str], ...]
    b: tuple[tuple[str, str], ...]


Settle = Callable[[Row, Row, Mapping[str, Any]], tuple[dict[str, Any], dict[str, Any]]]
_questions: list[Callable[[int, int], list[Question]]] = []
_rivals: dict[str, tuple[dict[str, Any], Settle]] = {}


def register_question(ask: Callable[[int, int], list[Question]]) -> None:
    """``ask(a, b)`` says what has to be chosen when these two companies are merged."""
    _questions.append(ask)


def questions_of(a: int, b: int) -> list[Question]:
    return [question for ask in _questions for question in ask(a, b)]


def register_rivals(table: str, only_one: dict[str, Any], settle: Settle) -> None:
    """Of rows with the values ``only_one`` a record has one at most. When both have one, ``settle(kept, dropped, choices)``
    gives the changes of either row that make room; both rows stay as history of the kept record."""
    _rivals[table] = (only_one, settle)


def combine_participations(kept: Row, dropped: Row, choices: Mapping[str, Any]) -> dict[str, Any]:
    """Both took part in one edition: the figures of one of them, or the sum, as chosen for that edition; else the kept one's."""
    choice = (choices.get("ledger") or {}).get(str(kept["edition_id"]), "keep")
    changes: dict[str, Any] = {}
    if choice == "drop":
        changes = {
            "net_m2": dropped["net_m2"],
            "amount": dropped["amount"],
            "outcome": dropped["outcome"],
            "role": dropped["role"],
        }
    elif choice == "sum":
        changes = {"net_m2": kept["net_m2"] + dropped["net_m2"], "amount": kept["amount"] + dropped["amount"]}
    if dropped["outcome"] == "exhibited":
        changes["outcome"] = "exhibited"
    stands = [s for s in (kept["stands"], dropped["stands"]) if s]
    return changes | {"stands": "; ".join(dict.fromkeys(stands))[:300], "sector": kept["sector"] or dropped["sector"]}


register_combiner("participation", combine_participations)


def merge(
    kept: Company | Person,
    dropped: Company | Person,
    *,
    values: Mapping[str, Any],
    choices: Mapping[str, Any] | None = None,
    reason: str = "",
    user_id: int | None = None,
) -> Merge:
    """Put ``dropped`` into ``kept`` and give the kept record ``values`` (column → value). Flushed and audited.

    ``choices``: what combiners are told, as ``{"ledger": {"7": "sum"}}``. Raises DirectoryError: "merge-self", "merge-kind",
    "merge-clash" when a row stands in the way that no rule knows.
    """
    if type(kept) is not type(dropped):
        raise DirectoryError("merge-kind")
    if kept.id == dropped.id:
        raise DirectoryError("merge-self")
    table = Base.metadata.tables[kept.__tablename__]
    db.session.flush()
    # Locked in one order, so that two people who merge the same pair both ways do not wait for each other for ever.
    for _row in db.session.execute(
        select(table.c.id).where(table.c.id.in_([kept.id, dropped.id])).order_by(table.c.id).with_for_update()
    ):
        pass
    work = _Work(choices or {})
    names, kept_id, dropped_id = (_name(kept), _name(dropped)), kept.id, dropped.id
    owners = [c.owner_id for c in (kept, dropped) if isinstance(c, Company)]
    try:
        with db.session.begin_nested():
            work.join(table, kept_id, dropped_id)
            work.change(table, kept_id, dict(values))
    except IntegrityError as error:
        raise DirectoryError("merge-clash") from error
    entity = table.name
    made = Merge(
        entity=entity,
        kept_id=kept_id,
        dropped_id=dropped_id,
        kept_name=names[0],
        dropped_name=names[1],
        reason=reason,
        journal=work.journal,
        summary=dict(work.counts),
        merged_at=clock.now(),
        merged_by=user_id,
    )
    db.session.add(made)
    db.session.expunge(dropped)
    db.session.flush()
    db.session.expire_all()
    audit.record(
        f"{entity}.merge",
        entity,
        kept.id,
        changes={"dropped": [made.dropped_id, names[1]], "moved": dict(work.counts)},
        reason=reason,
    )
    if owners:
        _note_owners(kept_id, owners, reason)
    return made


def _note_owners(company_id: int, before: list[int | None], reason: str) -> None:
    """One line of the ownership log for each owner whose company is somebody else's (or nobody's) after this."""
    now = db.session.scalar(select(Company.owner_id).where(Company.id == company_id))
    for owner_id in dict.fromkeys(before):
        if owner_id != now:
            ownership.note_merge(company_id, owner_id, now, reason)


def undo(made: Merge, *, user_id: int | None = None) -> int:
    """Take a merge back. Rows that somebody has changed since stay as they are; how many is returned.

    Raises DirectoryError: "merge-undone", "merge-kept-gone" (the kept record went into another one: undo that first),
    "merge-clash" (a key of the dropped record was taken since).
    """
    if made.undone_at is not None:
        raise DirectoryError("merge-undone")
    tables = Base.metadata.tables
    table = tables[made.entity]
    if db.session.execute(select(table.c.id).where(table.c.id == made.kept_id).with_for_update()).first() is None:
        raise DirectoryError("merge-kept-gone")
    left = 0
    owner = db.session.scalar(select(Company.owner_id).where(Company.id == made.kept_id)) if made.entity == "company" else None
    try:
        with db.session.begin_nested():
            for kind, name, key, before, after in reversed(made.journal):
                left += _take_back(tables[name], kind, key, _read(before), _read(after))
    except IntegrityError as error:
        raise DirectoryError("merge-clash") from error
    made.undone_at, made.undone_by = clock.now(), user_id
    if made.entity == "company":
        _note_owners(made.kept_id, [owner], made.reason)
    db.session.flush()
    db.session.expire_all()
    audit.record(
        f"{made.entity}.unmerge", made.entity, made.kept_id, changes={"again": [made.dropped_id, made.dropped_name]}
    )
    return left


def _take_back(table: Table, kind: str, key: int, before: Row, after: Row) -> int:
    if kind == "delete":
        db.session.execute(insert(table).values(**before))
        return 0
    if kind == "insert":
        db.session.execute(delete(table).where(table.c.id == key))
        return 0
    same = [
        table.c[name].is_(None) if value is None else table.c[name] == value
        for name, value in after.items()
        if name != "version"
    ]
    done = db.session.execute(
        update(table).where(table.c.id == key, *same).values(**{k: v for k, v in before.items() if k != "version"})
    )
    return 0 if done.rowcount else 1  # type: ignore[attr-defined]


class _Work:
    """One merge under way, and its journal: [kind, table, id, columns before, columns after]."""

    def __init__(self, choices: Mapping[str, Any]) -> None:
        self.choices = choices
        self.journal: list[list[Any]] = []
        self.counts: Counter[str] = Counter()

    def join(self, table: Table, kept: int, dropped: int) -> None:
        """Everything that points to ``dropped`` points to ``kept``; then the dropped row goes."""
        for column in _pointing_at(table):
            self._move(column, kept, dropped)
        row = self._row(table, dropped)
        combine = _combiners.get(table.name)
        values = combine(self._row(table, kept), row, self.choices) if combine else {}
        self.journal.append(["delete", table.name, dropped, _write(row), {}])
        db.session.execute(delete(table).where(table.c.id == dropped))
        self.change(table, kept, values)  # only now is what may exist once free for the kept row

    def _move(self, column: Column[Any], kept: int, dropped: int) -> None:
        table = column.table
        if table.name in _DERIVED:
            return
        for row in db.session.execute(select(table).where(column == dropped).order_by(table.c.id)).mappings().all():
            if table.name == "company" and row["id"] == kept:
                self.change(table, kept, {column.name: None})  # a parent that becomes its own child
                continue
            self._make_room(column, row, kept)
            twin = self._twin(column, row, kept)
            if twin is None:
                self.change(table, row["id"], {column.name: kept})
                self.counts[table.name] += 1
            else:
                self.join(table, twin, row["id"])
                self.counts[table.name] += 1

    def _make_room(self, column: Column[Any], row: Row, kept: int) -> None:
        """Let a rule settle which of two rows goes on that may not both do so."""
        table = column.table
        only_one, settle = _rivals.get(table.name, ({}, None))
        if settle is None or any(row[name] != value for name, value in only_one.items()):
            return
        same = [table.c[name] == value for name, value in only_one.items()]
        rival = db.session.execute(select(table).where(column == kept, *same)).mappings().first()
        if rival is None:
            return
        of_kept, of_dropped = settle(rival, row, self.choices)
        self.change(table, rival["id"], of_kept)
        self.change(table, row["id"], of_dropped)

    @staticmethod
    def _twin(column: Column[Any], row: Row, kept: int) -> int | None:
        """The row of the kept record that the moved one would collide with."""
        table = column.table
        for names in _unique_sets(table):
            if column.name not in names or any(row[name] is None for name in names):
                continue
            wanted = [table.c[name] == (kept if name == column.name else row[name]) for name in names]
            found = db.session.scalar(select(table.c.id).where(*wanted, table.c.id != row["id"]))
            if found is not None:
                return int(found)
        return None

    def change(self, table: Table, key: int, values: dict[str, Any]) -> None:
        """Give a row new values, those that differ."""
        row = self._row(table, key)
        changed = {name: value for name, value in values.items() if row[name] != value}
        if not changed:
            return
        if "version" in table.c:
            changed["version"] = row["version"] + 1
        self.journal.append(["update", table.name, key, _write({n: row[n] for n in changed}), _write(changed)])
        db.session.execute(update(table).where(table.c.id == key).values(**changed))

    @staticmethod
    def _row(table: Table, key: int) -> Row:
        return db.session.execute(select(table).where(table.c.id == key)).mappings().one()


def _pointing_at(table: Table) -> list[Column[Any]]:
    """Columns of all tables that name a row of this one."""
    return [
        key.parent
        for other in Base.metadata.sorted_tables
        for key in sorted(other.foreign_keys, key=lambda k: k.parent.name)
        if key.column.table is table
    ]


def _unique_sets(table: Table) -> list[tuple[str, ...]]:
    sets = [tuple(c.columns.keys()) for c in table.constraints if isinstance(c, UniqueConstraint)]
    sets += [
        tuple(c.name for c in i.columns)
        for i in table.indexes
        if i.unique and i.dialect_options["postgresql"]["where"] is None
    ]
    return sets


def _name(record: Company | Person) -> str:
    return record.name if isinstance(record, Person) else record.name_zh or record.name_en


# -- the journal is JSON; these types are marked so that they come back as they were -------------------------------------


def _write(row: Row) -> dict[str, Any]:
    return {name: _marked(value) for name, value in row.items()}


def _marked(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return {"~": "moment", "v": value.isoformat()}
    if isinstance(value, dt.date):
        return {"~": "date", "v": value.isoformat()}
    if isinstance(value, dt.time):
        return {"~": "time", "v": value.isoformat()}
    if isinstance(value, Decimal):
        return {"~": "decimal", "v": str(value)}
    if isinstance(value, bytes):
        return {"~": "bytes", "v": base64.b64encode(value).decode()}
    return value


_READERS: dict[str, Callable[[str], Any]] = {
    "moment": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "decimal": Decimal,
    "bytes": base64.b64decode,
}


def _read(row: Row) -> dict[str, Any]:
    return {n: _READERS[v["~"]](v["v"]) if isinstance(v, dict) and "~" in v else v for n, v in row.items()}
