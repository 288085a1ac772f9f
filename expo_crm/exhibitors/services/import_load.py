"""The one transaction of an import: companies, ledger, booths, people, offers. Statements per thousand rows, none per row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, insert, select, text, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain import naming
from expo_crm.directory.models import Company, CompanyName, Employment, MatchKey, Participation, Person
from expo_crm.directory.services import companies as directory
from expo_crm.directory.services import duplicates, ownership
from expo_crm.exhibitors.domain.contract import BINDING
from expo_crm.exhibitors.domain.import_match import Decision, Verdict, decide
from expo_crm.exhibitors.models import Booth, BoothOccupant, Contract, ImportBatch, ImportRow
from expo_crm.exhibitors.services import import_index, portal_hooks
from expo_crm.exhibitors.services.import_journal import Journal
from expo_crm.lib import clock
from expo_crm.lib import text as texts
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
LOCK = 0x6578706F  # one import at a time writes to the directory


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

    def take(self, row_id: int, data: dict[str, Any]) -> None:
        """Add a row. Areas of several stands add up; the same stand again does not count twice."""
        self.rows.append(row_id)
        for name in FILLED:
            if value := data.get(name):
                self.fields.setdefault(name, value)
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


def load(
    batch: ImportBatch,
    progress: Progress | None = None,
    label: str = "",
    release: Callable[[], None] | None = None,
) -> dict[str, int]:
    """Store what was previewed and decided, all of it or, on any error, nothing. Returns what was changed.

    The caller owns the transaction. Known companies are only added to, never overwritten; the file's stands, areas and
    amounts replace those of the ledger unless a signed contract says them. Loading the same file again changes nothing.

    ``release`` is called when all is read and nothing written yet: a job ends its reading there, so that the keys of many
    names are made without holding up everybody else who writes (SQLite has one writer).
    """
    total = int(batch.totals.get("rows", 0)) or 1
    tell = progress or (lambda _done, _total, _label: None)
    counts: Counter[str] = Counter()
    seen, targets = import_index.fingerprint(), _targets(batch, counts)
    if release:
        release()
    _prepare(targets, lambda done: tell(done * total // (2 * len(targets) or 1), total, label))
    _one_at_a_time()
    if release:
        db.session.refresh(batch, attribute_names=["state"], with_for_update=True)
        if batch.state != "loading":  # another worker was faster
            return {}
    edition = db.session.get_one(Edition, batch.edition_id)
    if import_index.fingerprint() != seen:
        counts.clear()
        targets = _targets(batch, counts)
        _prepare(targets)
    new, known = [t for t in targets if not t.id], [t for t in targets if t.id]
    journal = Journal(batch.id)
    counts["companies_new"] = _insert_companies(new, journal)
    tell(total * 6 // 10, total, label)
    counts["companies_changed"] = _add_to_companies(known, frozenset(batch.replace), journal)
    _ledger(edition, targets, counts, journal)
    tell(total * 7 // 10, total, label)
    counts["booths_linked"], counts["stands_unknown"] = _occupy(edition, targets, journal)
    tell(total * 8 // 10, total, label)
    counts["people_new"] = _people(targets, journal)
    counts["offers_new"] = _offers(edition, targets)
    tell(total * 9 // 10, total, label)
    _note_companies(targets)
    _note_followers(batch)
    batch.state, batch.finished_at, batch.data = "done", clock.now(), None
    batch.totals = {**batch.totals, "loaded": dict(counts)}
    audit.record("import.load", "import", batch.id, edition_id=edition.id, changes={"file": batch.filename, **counts})
    db.session.flush()
    tell(total, total, label)
    return dict(counts)


def _one_at_a_time() -> None:
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})


# --- which company each row is ---------------------------------------------------------------------------------------


def _targets(batch: ImportBatch, counts: Counter[str]) -> list[Target]:
    """One target per company, in the order of the file."""
    fresh = batch.totals.get("directory") != import_index.fingerprint()
    index = import_index.of_directory() if fresh else None
    by_id: dict[int, Target] = {}
    by_line: dict[int, Target | None] = {}
    out: list[Target] = []
    columns = (
        ImportRow.id,
        ImportRow.line,
        ImportRow.verdict,
        ImportRow.decision,
        ImportRow.detail,
        ImportRow.data,
        ImportRow.company_id,
    )
    query = select(*columns).where(ImportRow.batch_id == batch.id).order_by(ImportRow.line, ImportRow.id)
    for row in db.session.execute(query).all():
        target = _target_of(row, by_id, by_line, index, counts)
        by_line.setdefault(row.line, target)
        if target is None:
            continue
        if not target.rows:
            out.append(target)
        target.take(row.id, row.data)
    return out


def _target_of(
    row: Any,
    by_id: dict[int, Target],
    by_line: dict[int, Target | None],
    index: import_index.Index | None,
    counts: Counter[str],
) -> Target | None:
    if row.verdict == Verdict.REFUSED:
        counts["refused"] += 1
        return None
    decision = row.decision or (Decision.SKIP if row.verdict == Verdict.CONFLICT else "")
    if decision == Decision.SKIP:
        counts["left_out"] += 1
        return None
    match = row.detail.get("match", {}) if decision != Decision.NEW else {}
    if match.get("line"):
        target = by_line.get(match["line"])
        if target is None:
            counts["left_out"] += 1
        return target
    company_id = row.company_id if match else 0
    if not company_id and row.verdict == Verdict.NEW and index is not None:
        # The directory has changed since the preview: who is known by now is not made a second time.
        verdict, _reason, chosen = decide(index.exact(row.data))
        company_id = chosen.known.id if verdict is Verdict.MATCH and chosen else 0
    if not company_id:
        return Target()
    return by_id.setdefault(company_id, Target(company_id))


def _prepare(targets: list[Target], tell: Callable[[int], None] | None = None) -> None:
    """Make the columns of the new companies: the slow part, since every name gets its sound and its keys."""
    for number, target in enumerate(targets):
        if not target.id:
            target.values = directory.company_values(**target.fields, industry=target.sector, source="import")
        if tell and number % 200 == 0:
            tell(number)


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
        ids = db.session.scalars(insert(Company).returning(Company.id, sort_by_parameter_order=True), rows)
        for target, company_id in zip(part, ids, strict=True):
            target.id = company_id
        journal.inserted("company", [t.id for t in part])
        ownership.note_new((t.id, r["owner_id"]) for t, r in zip(part, rows, strict=True))
        known = {t.id: {r["name_zh"], r["name_en"]} for t, r in zip(part, rows, strict=True)}
        _insert_aliases({t.id: [n for n in t.names if n not in known[t.id]] for t in part}, journal)
        keys = [
            key
            for t, row in zip(part, rows, strict=True)
            for key in duplicates.key_rows(t.id, (row["name_zh"], row["name_en"], *t.names), row["phone"], row["country"])
        ]
        if keys:
            db.session.execute(insert(MatchKey), keys)
    return len(targets)


def _taken_tax_ids(targets: list[Target]) -> set[str]:
    """A tax id belongs to one company. Who decided that the row is another one all the same keeps it without."""
    wanted = [t.fields["tax_id"] for t in targets if t.fields.get("tax_id")]
    found: set[str] = set()
    for part in _parts(wanted):
        found |= {code for code in db.session.scalars(select(Company.tax_id).where(Company.tax_id.in_(part))) if code}
    return found


def _insert_aliases(names: dict[int, list[str]], journal: Journal) -> None:
    rows = [
        {"company_id": company_id, "name": name, "key": naming.alias_key(name), "kind": "other"}
        for company_id, several in names.items()
        for name in several
    ]
    if rows:
        journal.inserted("company_name", db.session.scalars(insert(CompanyName).returning(CompanyName.id), rows))


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
            if rekeyed:
                db.session.execute(insert(MatchKey), rekeyed)
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
    rows = db.session.execute(
        select(
            Participation.id, Participation.company_id, Participation.role, Participation.net_m2, Participation.amount,
            Participation.stands, Participation.sector,
        ).where(Participation.edition_id == edition.id)
    )  # fmt: skip
    there = {r.company_id: r for r in rows}
    contracted = set(
        db.session.scalars(
            select(Contract.company_id).where(Contract.edition_id == edition.id, Contract.state.in_(BINDING))
        )
    )
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
        ids = db.session.scalars(
            insert(Participation).returning(Participation.id, sort_by_parameter_order=True), rows_new
        )
        for target, participation_id in zip(part, ids, strict=True):
            target.participation_id = participation_id
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
    counts["participations_new"], counts["participations_changed"] = len(new), len(updates)


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


def _occupy(edition: Edition, targets: list[Target], journal: Journal) -> tuple[int, int]:
    """Put companies on the booths that the plan knows; the first on a booth without a host is its host.

    Returns how many links are new, and how many stands of the file the plan does not know.
    """
    places = _places(edition.id)
    there = set()
    hosted = set()
    for booth_id, participation_id, host in db.session.execute(
        select(BoothOccupant.booth_id, BoothOccupant.participation_id, BoothOccupant.host)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .where(Booth.edition_id == edition.id)
    ):
        there.add((booth_id, participation_id))
        hosted |= {booth_id} if host else set()
    rows: list[dict[str, Any]] = []
    unknown: set[str] = set()
    for target in targets:
        for key, hall in target.keys:
            found = _place_of(places, key, hall)
            if found is None:
                unknown.add(key)
                continue
            booth_id = found
            if (booth_id, target.participation_id) in there:
                continue
            there.add((booth_id, target.participation_id))
            rows.append(
                {"booth_id": booth_id, "participation_id": target.participation_id, "host": booth_id not in hosted}
            )
            hosted.add(booth_id)
    for part in _parts(rows):
        journal.inserted("booth_occupant", db.session.scalars(insert(BoothOccupant).returning(BoothOccupant.id), part))
    return len(rows), len(unknown)


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
        made = db.session.scalars(
            insert(Person).returning(Person.id, sort_by_parameter_order=True),
            [_person_values(target, person) | {"created_at": now, "updated_at": now} for target, person in part],
        ).all()
        journal.inserted("person", made)
        rows = [
            {
                "person_id": person_id,
                "company_id": target.id,
                "title": person["job_title"],
                "main_contact": bool(person["main"]),
            }
            for (target, person), person_id in zip(part, made, strict=True)
        ]
        journal.inserted("employment", db.session.scalars(insert(Employment).returning(Employment.id), rows))
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


def _offers(edition: Edition, targets: list[Target]) -> int:
    """Tag companies with the nodes of the category tree that their list names by code, name or synonym."""
    if not any(t.categories for t in targets):
        return 0
    nodes: dict[str, int] = {}
    for node in shows.list_categories(edition.show_id):
        for written in (*node.synonyms, node.name_en, node.name_zh, node.code):
            nodes[texts.fold(str(written))] = node.id
    pairs = {
        (target.participation_id, nodes[key]): None
        for target in targets
        for name in target.categories
        if (key := texts.fold(name)) in nodes
    }
    return portal_hooks.add_offers(list(pairs))


def _note_followers(batch: ImportBatch) -> None:
    """A row that is the same company as a row that was left out is left out with it."""
    out = set(
        db.session.scalars(
            select(ImportRow.line).where(ImportRow.batch_id == batch.id, ImportRow.decision == Decision.SKIP.value)
        )
    )
    if not out:
        return
    rows = db.session.execute(
        select(ImportRow.id, ImportRow.detail).where(
            ImportRow.batch_id == batch.id, ImportRow.reason == "line", ImportRow.decision == ""
        )
    )
    following = [row.id for row in rows if row.detail.get("match", {}).get("line") in out]
    for part in _parts(following):
        db.session.execute(update(ImportRow).where(ImportRow.id.in_(part)).values(decision=Decision.SKIP.value))


def _note_companies(targets: list[Target]) -> None:
    """Rows remember their company, so that the result leads to it."""
    table = cast(Table, ImportRow.__table__)
    rows = [{"of_id": row_id, "company": target.id} for target in targets for row_id in target.rows]
    for part in _parts(rows, 5000):
        db.session.connection().execute(
            update(table).where(table.c.id == bindparam("of_id")).values(company_id=bindparam("company")), part
        )


def _parts(items: Sequence[Any], size: int = CHUNK) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
