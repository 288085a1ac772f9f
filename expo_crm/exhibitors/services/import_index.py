"""The companies that a row of a list is compared with: a portion of rows at a time, in a scratch file that goes with the work.

The scratch holds every company of the directory and every company that the rows before have named, by the exact keys; whose
name merely looks alike is asked of ``match_key``. Memory holds one portion, however long the list and the directory are.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from expo_crm.db import db
from expo_crm.directory.domain.duplicates import KEY_SIZE
from expo_crm.directory.models import Company, CompanyName, MatchKey
from expo_crm.exhibitors.domain.import_match import Candidate, Known, judge, ranked
from expo_crm.lib.companies import block_keys, company_key

CROWDED = 3
"""More companies than this on one web domain: the domain is a platform's or a group's and says nothing about one."""
BLOCK = 60
"""A brand that more companies than this share tells none of them from the others."""
PORTION = 1000
ASKED = 500
"""Keys of one question."""
FIELDS = ("name_zh", "name_en", "tax_id", "domain", "country")
Row = Mapping[str, Any]


class Scratch:
    """Known companies by exact key, on the disk. ``space`` keeps the directory ("d") and the file ("f") apart."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a private file, deleted with the connection
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-8000", "locking_mode=EXCLUSIVE"):
            self._db.execute(f"PRAGMA {setting}")
        self._db.execute("CREATE TABLE known (place INTEGER PRIMARY KEY, said TEXT NOT NULL)")
        self._db.execute("CREATE TABLE key (key TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (key, place)) WITHOUT ROWID")
        self._lines = 0

    def close(self) -> None:
        self._db.close()

    def add(self, space: str, companies: Sequence[Known]) -> None:
        said, keys = [], []
        for known in companies:
            self._lines += space == "f"
            place = known.id if space == "d" else -self._lines  # a company of the directory may stand for several lines
            values = [getattr(known, name) for name in FIELDS]
            said.append((place, json.dumps([*values, known.aliases, known.id, known.line], ensure_ascii=False)))
            keys += [(space + key, place) for key in keys_of(known)]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO known VALUES (?, ?)", said)
        self._db.executemany("INSERT OR IGNORE INTO key VALUES (?, ?)", keys)
        self._db.execute("COMMIT")

    def find(self, space: str, keys: Iterable[str]) -> dict[str, list[int]]:
        """Key → places of the companies that have it, in order."""
        out: dict[str, list[int]] = defaultdict(list)
        for part in _parts(sorted({space + key for key in keys})):
            marks = ",".join("?" * len(part))
            rows = self._db.execute(f"SELECT key, place FROM key WHERE key IN ({marks}) ORDER BY key, place", part)  # noqa: S608 - only question marks
            for key, place in rows:
                out[key[1:]].append(place)
        return out

    def known(self, places: Iterable[int]) -> dict[int, Known]:
        out = {}
        for part in _parts(sorted(set(places))):
            marks = ",".join("?" * len(part))
            rows = self._db.execute(f"SELECT place, said FROM known WHERE place IN ({marks})", part)  # noqa: S608 - as above
            for place, said in rows:
                zh, en, tax, domain, country, aliases, key, line = json.loads(said)
                out[place] = Known(zh, en, tax, domain, country, tuple(aliases), key, line)
        return out


def keys_of(known: Known) -> list[str]:
    """The exact keys: tax id, web domain, and each name without case, marks and legal form."""
    out = [f"t{known.tax_id}"] if known.tax_id else []
    if known.domain:
        out.append(f"w{known.domain}")
    return out + [f"n{key}" for key in {company_key(name) for name in known.names} - {""}]


def _row_keys(row: Row) -> tuple[str, list[str], str]:
    """Tax key, name keys and domain key of a row; "" where it has none."""
    tax, domain = row.get("tax_id", ""), row.get("domain", "")
    names = [f"n{company_key(name)}" for name in (row.get("name_zh"), row.get("name_en")) if name]
    return f"t{tax}" if tax else "", names, f"w{domain}" if domain else ""


class Portion:
    """Everything that a portion of rows may be compared with. Rows that were read before it count too, by ``add``."""

    def __init__(self, scratch: Scratch, rows: Sequence[Row], *, alike: bool = True) -> None:
        self._scratch = scratch
        self._added: list[Known] = []
        self._here: dict[str, list[Known]] = defaultdict(list)
        keys = {id(row): _row_keys(row) for row in rows}
        wanted = {key for tax, names, domain in keys.values() for key in (tax, *names, domain) if key}
        found, before = scratch.find("d", wanted), scratch.find("f", wanted)
        known = scratch.known([p for places in found.values() for p in places] + [p for ps in before.values() for p in ps])
        self._keys = keys
        self._directory = {key: [known[p] for p in places] for key, places in found.items()}
        self._file = {key: [known[p] for p in reversed(places)] for key, places in before.items()}
        self._exact = {id(row): self._find_exact(row) for row in rows}
        self._alike = self._find_alike([row for row in rows if not self._exact[id(row)]]) if alike else {}

    def in_directory(self, row: Row) -> list[Candidate]:
        """Who shares a key with the row: tax id, web domain, or the name."""
        return self._exact[id(row)]

    def in_file(self, row: Row) -> list[Candidate]:
        """Which earlier row shares tax id or name with the row."""
        tax, names, _domain = self._keys[id(row)]
        return _judged(row, (k for key in (tax, *names) if key for of in (self._file, self._here) for k in of.get(key, ())))

    def alike(self, row: Row) -> list[Candidate]:
        """Which company of the directory has a name that looks like the row's."""
        return _judged(row, self._alike.get(id(row), ()))

    def add(self, known: Known) -> None:
        """A company that this row names, for the rows after it."""
        self._added.append(known)
        for key in keys_of(known):
            self._here[key].append(known)

    def keep(self) -> None:
        """At the end of the portion: what it added is found by the next ones."""
        self._scratch.add("f", self._added)

    def _find_exact(self, row: Row) -> list[Candidate]:
        tax, names, domain = self._keys[id(row)]
        found = [k for key in (tax, *names) if key for k in self._directory.get(key, ())]
        if domain and len(on_domain := self._directory.get(domain, ())) <= CROWDED:
            found += on_domain
        return _judged(row, found)

    def _find_alike(self, rows: Sequence[Row]) -> dict[int, list[Known]]:
        """Companies of the directory that share a short key of a name with the row."""
        keys = {
            id(row): [
                key[:KEY_SIZE] for name in (row.get("name_zh"), row.get("name_en")) if name for key in block_keys(name)
            ]
            for row in rows
        }
        sharing: dict[str, list[int]] = defaultdict(list)
        for part in _parts(sorted({key for several in keys.values() for key in several}), 5000):
            few = select(MatchKey.key).where(MatchKey.key.in_(part)).group_by(MatchKey.key).having(func.count() <= BLOCK)
            for key, company_id in db.session.execute(select(MatchKey.key, MatchKey.company_id).where(MatchKey.key.in_(few))):
                sharing[key].append(company_id)
        known = self._scratch.known(c for several in sharing.values() for c in several)
        return {
            row: [known[c] for key in several for c in sharing.get(key, ()) if c in known] for row, several in keys.items()
        }


def _judged(row: Row, found: Iterable[Known]) -> list[Candidate]:
    once = {(k.id, k.line): k for k in found}
    return ranked(c for k in once.values() if (c := judge(row, k)))


def take_directory(scratch: Scratch, *changed_since: Any) -> None:
    """Put every company with its other names into the scratch; or those alone that were added or changed since a moment."""
    where = [Company.updated_at >= moment for moment in changed_since]
    last = 0
    while True:
        rows = db.session.execute(
            select(Company.id, Company.name_zh, Company.name_en, Company.tax_id, Company.domain, Company.country)
            .where(Company.id > last, *where)
            .order_by(Company.id)
            .limit(PORTION)
        ).all()
        if not rows:
            return
        aliases: dict[int, list[str]] = defaultdict(list)
        several = select(CompanyName.company_id, CompanyName.name).where(CompanyName.company_id.in_([r.id for r in rows]))
        for company_id, name in db.session.execute(several):
            aliases[company_id].append(name)
        scratch.add(
            "d",
            [
                Known(r.name_zh, r.name_en, r.tax_id or "", r.domain, r.country, tuple(aliases.get(r.id, ())), id=r.id)
                for r in rows
            ],
        )
        last = rows[-1].id


def fingerprint() -> list[Any]:
    """Changes when a company was added, renamed or taken away since."""
    count, newest = db.session.execute(select(func.count(), func.max(Company.updated_at)).select_from(Company)).one()
    return [count, newest.isoformat() if newest else ""]


def _parts(items: Sequence[Any], size: int = ASKED) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
