"""The load of an import: companies, ledger, booths, people, offers. Statements per thousand rows, none per row.

The rows of one company are taken together, by their first line (``import_row.head``). A portion of companies is one
transaction of a job: a load that was killed goes on behind its last portion, and what it has written is in the journal.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Table, and_, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from expo_crm import bulk
from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain import naming
from expo_crm.directory.models import Company, CompanyName, Employment, MatchKey, Participation, Person
from expo_crm.directory.services import companies as directory
from expo_crm.directory.services import duplicates, ownership
from expo_crm.exhibitors.domain.contract import BINDING
from expo_crm.exhibitors.domain.import_match import Decision, Verdict, decide, described
from expo_crm.exhibitors.models import Booth, BoothOccupant, Contract, ImportBatch, ImportRow
from expo_crm.exhibitors.services import import_files, import_index, portal_hooks
from expo_crm.exhibitors.services.import_journal import Journal
from expo_crm.faults import point
from expo_crm.lib import clock
from expo_crm.lib import text as texts
from expo_crm.sheets.errors import LARGE_LIMITS
from expo_crm.sheets.read import resume_table
from expo_crm.shows import queries as shows
from expo_crm.shows.models import Edition, Hall

Progress = Callable[[int, int, str], None]
CHUNK = 1000
FILLED = (
    "name_zh",
    "name_en",
    "tax_id",
    "website",
    "domain",
    "phone",
    "country",
    "province",
    "city",
    "address",
    "intro_zh",
    "intro_en",
)
"""What a list may add to a known company where nothing stands yet; it replaces only what the user chose (``batch.replace``)."""


@dataclass
class Target:
    """A company of the file with everything that its rows say."""

    id: int = 0  # 0: to be made
    fields: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    stands: list[str] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)
    net_m2: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    role: str = ""
    sector: str = ""
    categories: list[str] = field(default_factory=list)
    people: list[dict[str, str]] = field(default_factory=list)
    participation_id: int = 0
    rows: list[int] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)  # the columns of a company that is to be made
    dialled: set[str] = field(default_factory=set)  # numbers that were found to be dialled when the row was read
    keys_of_names: list[dict[str, Any]] = field(default_factory=list)  # its rows of match_key, still without its id

    def take(self, row_id: int, data: dict[str, Any]) -> None:
        """Add a row. Areas of several stands add up; the same stand again does not count twice."""
        self.rows.append(row_id)
        for name in FILLED:
            if value := data.get(name):
                self.fields.setdefault(name, value)
        if data.get("dialled"):
            self.dialled.add(data["dialled"])
        self.names += [n for n in (data.get("name_zh"), data.get("name_en")) if n and n not in self.names]
        keys = [(key, hall) for key, hall, _text in data.get("stand_keys", ())]
        again = bool(self.keys) and set(keys) <= set(self.keys)
        for attribute, key in (("net_m2", "net_m2"), ("amount", "amount")):
            value, before = Decimal(data.get(key, "0")), getattr(self, attribute)
            setattr(self, attribute, max(before, value) if again or not keys else before + value)
        self.keys += [key for key in keys if key not in self.keys]
        if (stands := data.get("stands")) and stands not in self.stands:
            self.stands.append(stands)
        self.role = self.role or data.get("role", "")
        self.sector = self.sector or data.get("sector", "")
        self.categories += [*data.get("category_codes", ()), *data.get("categories", ())]
        if data.get("contact"):
            self.people.append({k: data.get(k, "") for k in ("contact", "email", "mobile", "job_title")})


@dataclass
class _Work:
    """What the portions of one load share."""

    batch: ImportBatch
    edition: Edition
    journal: Journal
    counts: Counter[str]
    places: dict[str, int]
    unknown: set[str] = field(default_factory=set)
    nodes: dict[str, int] | None = None


def load(
    batch: ImportBatch,
    progress: Progress | None = None,
    label: str = "",
    release: Callable[[], None] | None = None,
) -> dict[str, int]:
    """Store what was previewed and decided. Returns what was changed.

    Known companies are only added to, never overwritten; the file's stands, areas and amounts replace those of the ledger
    unless a signed contract says them. Loading the same file again changes nothing.

    Without ``release`` all of it is the caller's transaction. A job gives ``release``, which commits: it is called before a
    portion is written, so that the keys of many names are made without holding up everybody else (SQLite has one writer),
    and after it. A load that finds its beginning done goes on from there; one that finds another worker ahead stops.
    """
    tell = progress or (lambda _done, _total, _label: None)
    keep = release or (lambda: None)
    total = int(batch.totals.get("rows", 0)) or 1
    begun = batch.totals.get("loading")
    if begun is None:
        _look_again(batch)
        begun = {"head": 0, "rows": 0, "counts": _note_heads(batch)}
        batch.totals = {**batch.totals, "loading": begun}
        keep()
    edition = db.session.get_one(Edition, batch.edition_id)
    work = _Work(batch, edition, Journal(batch.id), Counter(begun["counts"]), _places(edition.id))
    at, done = int(begun["head"]), int(begun["rows"])
    portion = 0
    while (last := _portion_after(batch.id, at)) is not None:
        targets = _targets(batch.id, at, last)
        keep()
        _prepare(targets)
        if release and not _still_ours(batch, at):
            return {}
        _store(work, targets)
        at, done = last, done + sum(len(t.rows) for t in targets)
        batch.totals = {**batch.totals, "loading": {"head": at, "rows": done, "counts": dict(work.counts)}}
        db.session.flush()
        portion += 1
        point("mid_import_portion", portion)
        keep()
        tell(min(done, total), total, label)
    _note_left_out(batch)
    import_files.drop(batch.id)
    counts = work.counts
    batch.state, batch.finished_at = "done", clock.now()
    batch.totals = {k: v for k, v in batch.totals.items() if k != "loading"} | {"loaded": dict(counts)}
    audit.record("import.load", "import", batch.id, edition_id=edition.id, changes={"file": batch.filename, **counts})
    db.session.flush()
    tell(total, total, label)
    return dict(counts)


def _still_ours(batch: ImportBatch, at: int) -> bool:
    """Lock the batch; False when another worker has taken this load over, or it was taken back."""
    db.session.refresh(batch, attribute_names=["state", "totals"], with_for_update=True)
    return batch.state == "loading" and batch.totals.get("loading", {}).get("head") == at


def _store(work: _Work, targets: list[Target]) -> None:
    new, known = [t for t in targets if not t.id], [t for t in targets if t.id]
    counts, journal = work.counts, work.journal
    counts["companies_new"] += _insert_companies(new, journal)
    counts["companies_changed"] += _add_to_companies(known, frozenset(work.batch.replace), journal)
    _ledger(work.edition, targets, counts, journal)
    counts["booths_linked"] += _occupy(work, targets)
    counts["stands_unknown"] = len(work.unknown)
    counts["people_new"] += _people(targets, journal)
    counts["offers_new"] += _offers(work, targets)
    _note_companies(targets)


# --- which company each row is ---------------------------------------------------------------------------------------


def _taken() -> Any:
    """Rows that are to be stored."""
    return and_(
        ImportRow.verdict != Verdict.REFUSED.value,
        ImportRow.decision != Decision.SKIP.value,
        or_(ImportRow.verdict != Verdict.CONFLICT.value, ImportRow.decision != ""),
    )


def _matched() -> Any:
    """Rows that are a known company, or an earlier row, by verdict or by decision."""
    return and_(
        ImportRow.decision != Decision.NEW.value,
        or_(ImportRow.verdict == Verdict.MATCH.value, ImportRow.decision == Decision.MATCH.value),
    )


def _look_again(batch: ImportBatch) -> None:
    """When the directory has changed since the preview: who is known by now is not made a second time."""
    seen = batch.totals.get("directory") or [0, ""]
    now = import_index.fingerprint()
    if seen == now:
        return
    moved = 0
    with closing(import_index.Scratch()) as scratch:
        import_index.take_directory(scratch, *([dt.datetime.fromisoformat(seen[1])] if seen[1] else []))
        last = 0
        while True:
            rows = db.session.execute(
                select(ImportRow.id, ImportRow.data, ImportRow.detail)
                .where(ImportRow.batch_id == batch.id, ImportRow.verdict == Verdict.NEW.value, ImportRow.id > last)
                .order_by(ImportRow.id)
                .limit(CHUNK)
            ).all()
            if not rows:
                break
            last = rows[-1].id
            portion = import_index.Portion(scratch, [row.data for row in rows], alike=False)
            for row in rows:
                verdict, reason, chosen = decide(portion.in_directory(row.data))
                if verdict is Verdict.MATCH and chosen:
                    values = {
                        "verdict": verdict.value,
                        "reason": reason,
                        "company_id": chosen.known.id,
                        "detail": {**row.detail, "match": described(chosen)},
                        "decision": "",
                    }
                    db.session.execute(update(ImportRow).where(ImportRow.id == row.id).values(values))
                    moved += 1
    totals = dict(batch.totals)
    if moved:
        totals |= {"new": totals.get("new", 0) - moved, "match": totals.get("match", 0) + moved}
    batch.totals = totals | {"directory": now}
    db.session.flush()


def _note_heads(batch: ImportBatch) -> dict[str, int]:
    """Give each row the first line of its company; rows that are left out get none. Returns "refused" and "left_out"."""
    mine = ImportRow.batch_id == batch.id
    everything = update(ImportRow).execution_options(synchronize_session=False)
    db.session.execute(everything.where(mine, ImportRow.head.is_not(None)).values(head=None))
    db.session.execute(everything.where(mine, _taken()).values(head=ImportRow.line))
    known = and_(mine, _taken(), _matched(), ImportRow.match_line.is_(None), ImportRow.company_id.is_not(None))
    several = (
        select(ImportRow.company_id, func.min(ImportRow.line)).where(known).group_by(ImportRow.company_id).having(func.count() > 1)
    )
    for company_id, first in db.session.execute(several).all():
        db.session.execute(everything.where(known, ImportRow.company_id == company_id).values(head=first))
    earlier = aliased(ImportRow)
    head = (
        select(earlier.head)
        .where(earlier.batch_id == batch.id, earlier.line == ImportRow.match_line)
        .limit(1)
        .scalar_subquery()
    )
    follows = and_(mine, _taken(), _matched(), ImportRow.match_line.is_not(None))
    # A row may follow one that follows another; each round brings them one nearer to the first.
    while db.session.execute(everything.where(follows, ImportRow.head.is_distinct_from(head)).values(head=head)).rowcount:  # type: ignore[attr-defined]
        pass
    refused = func.sum(case((ImportRow.verdict == Verdict.REFUSED.value, 1), else_=0))
    out = func.sum(case((ImportRow.head.is_(None), 1), else_=0))
    nobody, nowhere = db.session.execute(select(refused, out).where(mine)).one()
    return {"refused": int(nobody or 0), "left_out": int(nowhere or 0) - int(nobody or 0)}


def _portion_after(batch_id: int, at: int) -> int | None:
    """The last first line of the next portion of companies; None when there is none."""
    first = db.session.scalar(select(func.min(ImportRow.head)).where(ImportRow.batch_id == batch_id, ImportRow.head > at))
    return None if first is None else first + CHUNK - 1


def _targets(batch_id: int, after: int, last: int) -> list[Target]:
    """One target per company whose first line is in this stretch of the file, in the order of the file."""
    out: dict[int, Target] = {}
    columns = (ImportRow.id, ImportRow.head, ImportRow.data, ImportRow.company_id, ImportRow.match_line)
    query = (
        select(*columns, _matched().label("matched"))
        .where(ImportRow.batch_id == batch_id, ImportRow.head > after, ImportRow.head <= last)
        .order_by(ImportRow.head, ImportRow.line, ImportRow.id)
    )
    for row in db.session.execute(query):
        target = out.setdefault(row.head, Target())
        if row.matched and row.company_id and row.match_line is None:
            target.id = row.company_id
        target.take(row.id, row.data)
    return list(out.values())


def _prepare(targets: list[Target]) -> None:
    """Make the columns and keys of the new companies: the slow part, since every name gets its sound."""
    for target in targets:
        if not target.id:
            values = directory.company_values(**target.fields, industry=target.sector, source="import")
            target.values = values
            target.keys_of_names = duplicates.key_rows(
                0,
                (values["name_zh"], values["name_en"], *target.names),
                values["phone"],
                values["country"],
                dialled=target.dialled,
            )


# --- companies -------------------------------------------------------------------------------------------------------


def _insert_companies(targets: list[Target], journal: Journal) -> int:
    taken = _taken_tax_ids(targets)
    for part in _parts(targets):
        rows = [target.values for target in part]
        for row in rows:
            if row["tax_id"] in taken:
                row["tax_id"] = None
            elif row["tax_id"]:
                taken.add(row["tax_id"])
        dealt = ownership.deal_new(rows)
        for row, one in zip(rows, dealt, strict=True):
            row["owner_id"], row["owner_since"] = (one.user_id, row["created_at"]) if one else (None, None)
        for target, row, company_id in zip(part, rows, bulk.next_ids(Company, len(rows)), strict=True):
            target.id = row["id"] = company_id
        bulk.add(Company, rows)
        journal.inserted("company", [t.id for t in part])
        ownership.note_new((t.id, r["owner_id"]) for t, r in zip(part, rows, strict=True))
        known = {t.id: {r["name_zh"], r["name_en"]} for t, r in zip(part, rows, strict=True)}
        _insert_aliases({t.id: [n for n in t.names if n not in known[t.id]] for t in part}, journal)
        bulk.add(MatchKey, [{"company_id": t.id, "key": key["key"]} for t in part for key in t.keys_of_names])
    return len(targets)


def _taken_tax_ids(targets: list[Target]) -> set[str]:
    """A tax id belongs to one company. Who decided that the row is another one all the same keeps it without."""
    wanted = [t.fields["tax_id"] for t in targets if t.fields.get("tax_id")]
    found: set[str] = set()
    for part in _parts(wanted):
        found |= {code for code in db.session.scalars(select(Company.tax_id).where(Company.tax_id.in_(part))) if code}
    return found


def _insert_aliases(names: dict[int, list[str]], journal: Journal) -> None:
    rows: list[dict[str, Any]] = [
        {"company_id": company_id, "name": name, "key": naming.alias_key(name), "kind": "other"}
        for company_id, several in names.items()
        for name in several
    ]
    if rows:
        for row, key in zip(rows, bulk.next_ids(CompanyName, len(rows)), strict=True):
            row["id"] = key
        bulk.add(CompanyName, rows)
        journal.inserted("company_name", [row["id"] for row in rows])


def _add_to_companies(targets: list[Target], replace: frozenset[str], journal: Journal) -> int:
    """Fill what is empty, overwrite the chosen fields, keep names that were written differently. Returns how many changed."""
    changed = 0
    taken = _taken_tax_ids(targets)
    now = clock.now()
    for part in _parts(targets):
        ids = [t.id for t in part]
        columns = [getattr(Company, name) for name in FILLED]
        there = {
            r.id: r
            for r in db.session.execute(
                select(Company.id, Company.version, Company.name_key, Company.sort_key, Company.search_key, *columns).where(
                    Company.id.in_(ids)
                )
            )
        }
        aliases: dict[int, list[str]] = defaultdict(list)
        for company_id, name in db.session.execute(
            select(CompanyName.company_id, CompanyName.name).where(CompanyName.company_id.in_(ids))
        ):
            aliases[company_id].append(name)
        updates, new_names = [], {}
        for target in part:
            row = there.get(target.id)
            if row is None:  # deleted since: nothing to add to; the ledger's foreign key will refuse the load
                continue
            values, names = _additions(target, row._mapping, aliases[target.id], taken, replace)
            if not values and not names:
                continue
            changed += 1
            new_names[target.id] = names
            full = {name: values.get(name, getattr(row, name) or "") for name in FILLED}
            keys = naming.company_keys(full["name_zh"], full["name_en"], [*aliases[target.id], *names], full["domain"])
            updates.append(
                {
                    **{f"new_{name}": values.get(name, getattr(row, name)) for name in FILLED},
                    "of_id": target.id,
                    "new_name_key": keys.name_key,
                    "new_sort_key": keys.sort_key,
                    "new_search_key": keys.search_key,
                    "new_updated_at": now,
                }
            )
        if updates:
            table = cast(Table, Company.__table__)
            named = (*FILLED, "name_key", "sort_key", "search_key", "updated_at")
            db.session.connection().execute(
                update(table)
                .where(table.c.id == bindparam("of_id"))
                .values(version=table.c.version + 1, **{name: bindparam(f"new_{name}") for name in named}),
                updates,
            )
            journal.updated("company", _moved(updates, there))
            _insert_aliases(new_names, journal)
            rekeyed = [
                key
                for u in updates
                for key in duplicates.key_rows(
                    u["of_id"],
                    (u["new_name_zh"], u["new_name_en"], *aliases[u["of_id"]], *new_names[u["of_id"]]),
                    u["new_phone"],
                    u["new_country"],
                )
            ]
            db.session.execute(delete(MatchKey).where(MatchKey.company_id.in_([u["of_id"] for u in updates])))
            bulk.add(MatchKey, rekeyed)
    return changed


KEPT_KEYS = ("name_key", "sort_key", "search_key")


def _moved(updates: list[dict[str, Any]], there: dict[int, Any]) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    """(id, before, after) of the companies that an update touches."""
    for values in updates:
        names = (*FILLED, *KEPT_KEYS)
        row = there[values["of_id"]]
        yield values["of_id"], {n: getattr(row, n) for n in names}, {n: values[f"new_{n}"] for n in names}


def _additions(
    target: Target, row: Any, aliases: list[str], taken: set[str], replace: frozenset[str] = frozenset()
) -> tuple[dict[str, str], list[str]]:
    """Fields to fill or, where chosen, to overwrite, and names to keep beside the company's own."""
    cleaned = directory.company_values(**{"name_en": "–", **target.fields})
    values = {
        name: cleaned[name]
        for name in FILLED
        if target.fields.get(name) and cleaned[name] and (not row[name] or (name in replace and cleaned[name] != row[name]))
    }
    if values.get("tax_id") in taken:
        values.pop("tax_id")
    elif "tax_id" in values:
        taken.add(values["tax_id"])
    if "website" in values and (not row["domain"] or "website" in replace):
        values["domain"] = cleaned["domain"]
    elif "domain" in values and row["website"]:
        values.pop("domain")
    known = {row["name_zh"], row["name_en"], *aliases, values.get("name_zh"), values.get("name_en")}
    former = [row[n] for n in ("name_zh", "name_en") if n in values and row[n]]  # an overwritten name is still found
    folded = {texts.fold(n) for n in known if n}
    names = [n for n in (texts.clean(name, limit=300) for name in target.names) if texts.fold(n) not in folded]
    return {k: v for k, v in values.items() if v}, list(dict.fromkeys([*former, *names]))


# --- the ledger ------------------------------------------------------------------------------------------------------


def _ledger(edition: Edition, targets: list[Target], counts: Counter[str], journal: Journal) -> None:
    """One row of the ledger per company; a signed contract's figures stay."""
    ids = [t.id for t in targets]
    rows = db.session.execute(
        select(
            Participation.id, Participation.company_id, Participation.role, Participation.net_m2, Participation.amount,
            Participation.stands, Participation.sector,
        ).where(Participation.edition_id == edition.id, Participation.company_id.in_(ids))
    )  # fmt: skip
    there = {r.company_id: r for r in rows}
    binding = select(Contract.company_id).where(
        Contract.edition_id == edition.id, Contract.state.in_(BINDING), Contract.company_id.in_(ids)
    )
    contracted = set(db.session.scalars(binding))
    now = clock.now()
    outcome = "exhibited" if edition.ends_on < clock.local_day(now, edition.timezone) else "planned"
    new: list[Target] = []
    updates: list[dict[str, Any]] = []
    for target in targets:
        row = there.get(target.id)
        if row is None:
            new.append(target)
            continue
        target.participation_id = row.id
        values = _ledger_values(target)
        if target.id in contracted:
            values = {k: v for k, v in values.items() if k in {"role", "sector"}}
        moved = {k: v for k, v in values.items() if v != getattr(row, k)}
        if moved:
            updates.append({"of_id": row.id, **{f"new_{k}": values.get(k, getattr(row, k)) for k in LEDGER}})
    for part in _parts(new):
        blank = {"role": "main", "net_m2": Decimal(0), "amount": Decimal(0), "stands": "", "sector": ""}
        rows_new = [
            {
                **blank,
                **_ledger_values(t),
                "edition_id": edition.id,
                "company_id": t.id,
                "outcome": outcome,
                "created_at": now,
            }
            for t in part
        ]
        for target, fresh, key in zip(part, rows_new, bulk.next_ids(Participation, len(part)), strict=True):
            target.participation_id = fresh["id"] = key
        bulk.add(Participation, rows_new)
        journal.inserted("participation", [t.participation_id for t in part])
    table = cast(Table, Participation.__table__)
    by_id = {r.id: r for r in there.values()}
    journal.updated(
        "participation",
        (
            (u["of_id"], {k: getattr(by_id[u["of_id"]], k) for k in LEDGER}, {k: u[f"new_{k}"] for k in LEDGER})
            for u in updates
        ),
    )
    for part in _parts(updates):
        db.session.connection().execute(
            update(table).where(table.c.id == bindparam("of_id")).values({k: bindparam(f"new_{k}") for k in LEDGER}),
            part,
        )
    counts["participations_new"] += len(new)
    counts["participations_changed"] += len(updates)


LEDGER = ("role", "net_m2", "amount", "stands", "sector")


def _ledger_values(target: Target) -> dict[str, Any]:
    values = {
        "role": target.role,
        "net_m2": target.net_m2,
        "amount": target.amount,
        "stands": texts.truncate("; ".join(target.stands), 300, "…"),
        "sector": target.sector,
    }
    return {key: value for key, value in values.items() if value}


# --- booths ----------------------------------------------------------------------------------------------------------


def _occupy(work: _Work, targets: list[Target]) -> int:
    """Put companies on the booths that the plan knows; the first on a booth without a host is its host.

    Returns how many links are new; stands of the file that the plan does not know go to ``work.unknown``.
    """
    wanted: list[tuple[int, int]] = []
    for target in targets:
        for key, hall in target.keys:
            booth_id = _place_of(work.places, key, hall)
            if booth_id is None:
                work.unknown.add(key)
            else:
                wanted.append((booth_id, target.participation_id))
    there, hosted = set(), set()
    for part in _parts(sorted({booth_id for booth_id, _p in wanted})):
        for booth_id, participation_id, host in db.session.execute(
            select(BoothOccupant.booth_id, BoothOccupant.participation_id, BoothOccupant.host).where(
                BoothOccupant.booth_id.in_(part)
            )
        ):
            there.add((booth_id, participation_id))
            hosted |= {booth_id} if host else set()
    rows: list[dict[str, Any]] = []
    for booth_id, participation_id in wanted:
        if (booth_id, participation_id) in there:
            continue
        there.add((booth_id, participation_id))
        rows.append({"booth_id": booth_id, "participation_id": participation_id, "host": booth_id not in hosted})
        hosted.add(booth_id)
    for part in _parts(rows):
        made = db.session.scalars(insert(BoothOccupant).returning(BoothOccupant.id), part)
        work.journal.inserted("booth_occupant", made)
    return len(rows)


def _places(edition_id: int) -> dict[str, int]:
    """Booth by every key under which a list may name it: alone, and with its hall before it. Doubtful keys are left out."""
    found: dict[str, set[int]] = defaultdict(set)
    query = (
        select(Booth.id, Booth.code_key, Hall.code)
        .join(Hall, Hall.id == Booth.hall_id)
        .where(Booth.edition_id == edition_id)
    )
    for booth_id, key, hall in db.session.execute(query):
        bare = key.rpartition(":")[2]
        for written in {key, bare, f"{hall.upper()}:{bare}", f"{hall.upper()}-{bare}"}:
            found[written].add(booth_id)
    return {key: next(iter(ids)) for key, ids in found.items() if len(ids) == 1}


def _place_of(places: dict[str, int], key: str, hall: str) -> int | None:
    """A stand in a named hall is never taken for its namesake in another one."""
    found = places.get(key)
    if found is None and hall:
        bare = key.rpartition(":")[2]
        return places.get(bare) if bare.startswith(hall) else None
    return found


# --- people and offers -----------------------------------------------------------------------------------------------


def _people(targets: list[Target], journal: Journal) -> int:
    """Contacts who do not work there yet. Somebody of the same name at the same company is the same person."""
    wanted = [(target, person) for target in targets for person in target.people]
    new: dict[tuple[int, str], tuple[Target, dict[str, str]]] = {}
    for part in _parts(wanted):
        ids = {target.id for target, _ in part}
        there = set()
        staffed = set()
        for company_id, name in db.session.execute(
            select(Employment.company_id, Person.name)
            .join(Person, Person.id == Employment.person_id)
            .where(Employment.company_id.in_(ids), Employment.until.is_(None))
        ):
            there.add((company_id, texts.fold(name)))
            staffed.add(company_id)
        for target, person in part:
            key = (target.id, texts.fold(person["contact"]))
            if key not in there:
                person["main"] = "" if target.id in staffed else "1"
                staffed.add(target.id)
                new.setdefault(key, (target, person))
    now = clock.now()
    for part in _parts(list(new.values())):
        made = bulk.next_ids(Person, len(part))
        bulk.add(
            Person,
            [
                {"id": key, **_person_values(target, person), "created_at": now, "updated_at": now}
                for key, (target, person) in zip(made, part, strict=True)
            ],
        )
        journal.inserted("person", made)
        rows = [
            {
                "id": key,
                "person_id": person_id,
                "company_id": target.id,
                "title": person["job_title"],
                "main_contact": bool(person["main"]),
            }
            for (target, person), person_id, key in zip(part, made, bulk.next_ids(Employment, len(part)), strict=True)
        ]
        bulk.add(Employment, rows)
        journal.inserted("employment", [row["id"] for row in rows])
    return len(new)


def _person_values(target: Target, person: dict[str, str]) -> dict[str, str]:
    keys = naming.person_keys(person["contact"])
    return {
        "name": person["contact"],
        "sort_key": keys.sort_key,
        "search_key": keys.search_key,
        "email": person["email"],
        "phone": person["mobile"][:60],
        "locale": "zh"
        if texts.has_han(person["contact"]) or target.fields.get("country") in {"CN", "TW", "HK", "MO"}
        else "en",
        "country": target.fields.get("country", ""),
    }


def _offers(work: _Work, targets: list[Target]) -> int:
    """Tag companies with the nodes of the category tree that their list names by code, name or synonym."""
    if not any(t.categories for t in targets):
        return 0
    if work.nodes is None:
        work.nodes = {}
        for node in shows.list_categories(work.edition.show_id):
            for written in (*node.synonyms, node.name_en, node.name_zh, node.code):
                work.nodes[texts.fold(str(written))] = node.id
    nodes = work.nodes
    pairs = {
        (target.participation_id, nodes[key]): None
        for target in targets
        for name in target.categories
        if (key := texts.fold(name)) in nodes
    }
    return portal_hooks.add_offers(list(pairs))


def _note_left_out(batch: ImportBatch) -> None:
    """A row that is the same company as a row that was left out is left out with it; each goes back as it stood in the file."""
    mine = (ImportRow.batch_id == batch.id, ImportRow.head.is_(None), ImportRow.verdict != Verdict.REFUSED.value)
    followers = update(ImportRow).where(*mine, ImportRow.match_line.is_not(None), ImportRow.decision == "")
    db.session.execute(followers.values(decision=Decision.SKIP.value).execution_options(synchronize_session=False))
    bare = select(func.count()).select_from(ImportRow).where(*mine, ImportRow.verdict != Verdict.CONFLICT.value)
    if not db.session.scalar(bare):
        return
    with import_files.opened(batch.id) as blob:
        rows = resume_table(blob, import_files.table_of(batch), LARGE_LIMITS).rows()
        at = 0
        while True:
            part = db.session.execute(
                select(ImportRow.id, ImportRow.line, ImportRow.detail)
                .where(*mine, ImportRow.verdict != Verdict.CONFLICT.value, ImportRow.line > at)
                .order_by(ImportRow.line)
                .limit(CHUNK)
            ).all()
            if not part:
                return
            at = part[-1].line
            wanted = {row.line: row for row in part}
            for read in rows:
                if found := wanted.get(read.line):
                    detail = {**found.detail, "cells": list(read.cells)}
                    db.session.execute(update(ImportRow).where(ImportRow.id == found.id).values(detail=detail))
                if read.line >= at:
                    break


def _note_companies(targets: list[Target]) -> None:
    """Rows remember their company, so that the result leads to it."""
    bulk.set_column(ImportRow, "company_id", [(row_id, target.id) for target in targets for row_id in target.rows])


def _parts(items: Sequence[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
