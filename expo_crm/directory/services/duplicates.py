"""Keeping the keys that find duplicates, looking for them in the whole file, and what people decide about the pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm import bulk
from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain import duplicates as rules
from expo_crm.directory.domain import naming
from expo_crm.directory.domain.duplicates import Pair, Profile
from expo_crm.directory.models import (
    Company,
    CompanyDomain,
    CompanyName,
    Consent,
    DuplicatePair,
    Employment,
    MatchKey,
    Merge,
    Person,
)
from expo_crm.directory.services import merging
from expo_crm.lib import clock, text
from expo_crm.lib.domains import web_domain
from expo_crm.lib.phones import parse_phone

BATCH = 2000
Progress = Callable[[int, int], None]


def phone_key(typed: str, country: str = "CN") -> str:
    """The number as +86…; "" when it cannot be dialled."""
    return (parse_phone(typed, country or "CN").e164 or "") if typed else ""


def key_rows(
    company_id: int, names: Iterable[str], phone: str = "", country: str = "", *, dialled: Container[str] = ()
) -> list[dict[str, object]]:
    """The rows of ``match_key`` that a company has, for inserts in bulk. ``dialled``: numbers that need not be looked at again."""
    keys = rules.name_keys(n for n in names if n)
    if number := phone if phone in dialled else phone_key(phone, country):
        keys.add(f"p:{number}")
    return [{"company_id": company_id, "key": key} for key in sorted(keys)]


def index_company(company: Company) -> None:
    """Work the keys of one company out anew."""
    db.session.execute(delete(MatchKey).where(MatchKey.company_id == company.id))
    names = (company.name_zh, company.name_en, *(n.name for n in company.names))
    rows = key_rows(company.id, names, company.phone, company.country)
    if rows:
        db.session.execute(insert(MatchKey), rows)


def index_companies(company_ids: Sequence[int]) -> None:
    """Work the keys of several companies out anew, in four statements."""
    aliases: dict[int, list[str]] = defaultdict(list)
    several = select(CompanyName.company_id, CompanyName.name).where(CompanyName.company_id.in_(company_ids))
    for company_id, name in db.session.execute(several):
        aliases[company_id].append(name)
    db.session.execute(delete(MatchKey).where(MatchKey.company_id.in_(company_ids)))
    found = select(Company.id, Company.name_zh, Company.name_en, Company.phone, Company.country).where(Company.id.in_(company_ids))
    rows = [
        row
        for c in db.session.execute(found)
        for row in key_rows(c.id, (c.name_zh, c.name_en, *aliases.get(c.id, ())), c.phone, c.country)
    ]
    bulk.add(MatchKey, rows)


def index_missing() -> int:
    """Keys for the companies that have none yet, as after a load in bulk. Returns how many companies got some."""
    bare = select(Company.id, Company.name_zh, Company.name_en, Company.phone, Company.country).where(
        ~exists().where(MatchKey.company_id == Company.id)
    )
    found = db.session.execute(bare).all()
    aliases = _aliases() if found else {}
    for start in range(0, len(found), BATCH):
        rows = [
            row
            for c in found[start : start + BATCH]
            for row in key_rows(c.id, (c.name_zh, c.name_en, *aliases.get(c.id, ())), c.phone, c.country)
        ]
        bulk.add(MatchKey, rows)
    return len(found)


def _aliases() -> dict[int, list[str]]:
    out: dict[int, list[str]] = defaultdict(list)
    for company_id, name in db.session.execute(select(CompanyName.company_id, CompanyName.name)):
        out[company_id].append(name)
    return out


def load_profiles() -> list[Profile]:
    """The whole file as profiles, in four queries."""
    aliases = _aliases()
    domains: dict[int, set[str]] = defaultdict(set)
    for company_id, domain in db.session.execute(select(CompanyDomain.company_id, CompanyDomain.domain)):
        domains[company_id].add(domain)
    mails, phones, people = defaultdict(set), defaultdict(set), defaultdict(set)
    contacts = select(Employment.company_id, Person.name, Person.email, Person.phone).join(
        Person, Person.id == Employment.person_id
    )
    for company_id, name, email, phone in db.session.execute(contacts.where(Person.erased_at.is_(None))):
        people[company_id].add(text.fold(name))
        if host := web_domain(email) if email else None:
            mails[company_id].add(host)
        if phone.startswith("+"):
            phones[company_id].add(phone)
    out = []
    rows = select(
        Company.id, Company.name_zh, Company.name_en, Company.tax_id, Company.country, Company.domain, Company.phone
    ).order_by(Company.id)
    for c in db.session.execute(rows):
        if number := phone_key(c.phone, c.country):
            phones[c.id].add(number)
        if c.domain:
            domains[c.id].add(c.domain)
        out.append(
            Profile(
                c.id,
                tuple(n for n in (c.name_zh, c.name_en, *aliases.get(c.id, ())) if n),
                c.tax_id or "",
                c.country,
                frozenset(domains.get(c.id, ())),
                frozenset(mails.get(c.id, ())),
                frozenset(phones.get(c.id, ())),
                frozenset(people.get(c.id, ())),
            )
        )
    return out


def find_all(progress: Progress = lambda done, total: None) -> dict[str, int]:
    """Look through the whole file. New pairs are opened, open ones that are none any more go, decided ones stay.

    Returns {"companies", "same", "maybe", "new"}. ``progress(done, total)`` counts companies.
    """
    index_missing()
    profiles = load_profiles()
    pairs = rules.scan(profiles, progress)
    new = _store(pairs)
    counts = {
        "companies": len(profiles),
        "same": sum(p.finding.verdict == "same" for p in pairs),
        "maybe": sum(p.finding.verdict == "maybe" for p in pairs),
        "new": new,
    }
    audit.record("duplicates.scan", "company", None, changes={k: [None, v] for k, v in counts.items()})
    return counts


def _store(pairs: list[Pair]) -> int:
    known = {
        (a, b): (key, state)
        for key, a, b, state in db.session.execute(
            select(DuplicatePair.id, DuplicatePair.a_id, DuplicatePair.b_id, DuplicatePair.state)
        )
    }
    now = clock.now()
    values = [
        {
            "a_id": p.a,
            "b_id": p.b,
            "verdict": p.finding.verdict.value,
            "score": p.finding.score,
            "evidence": list(p.finding.evidence),
            "state": "open",
            "found_at": now,
        }
        for p in pairs
    ]
    statement = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert(DuplicatePair)
    statement = statement.on_conflict_do_update(
        index_elements=["a_id", "b_id"],
        set_={name: statement.excluded[name] for name in ("verdict", "score", "evidence")},
    )
    for start in range(0, len(values), 500):
        db.session.execute(statement.values(values[start : start + 500]))
    found = {(p.a, p.b) for p in pairs}
    gone = [key for pair, (key, state) in known.items() if state == "open" and pair not in found]
    for start in range(0, len(gone), 500):
        db.session.execute(delete(DuplicatePair).where(DuplicatePair.id.in_(gone[start : start + 500])))
    db.session.expire_all()
    return len(found - set(known))


def set_different(pairs: Iterable[DuplicatePair], user_id: int | None) -> int:
    """These are two companies each; they are not asked about again. Returns how many changed."""
    changed = 0
    for pair in pairs:
        if pair.state == "different":
            continue
        pair.state, pair.decided_at, pair.decided_by = "different", clock.now(), user_id
        audit.record("company.different", "company", pair.a_id, changes={"other": [None, pair.b_id]})
        changed += 1
    db.session.flush()
    return changed


def reopen(pair: DuplicatePair) -> None:
    """Ask about this pair again."""
    pair.state, pair.decided_at, pair.decided_by = "open", None, None
    audit.record("company.ask_again", "company", pair.a_id, changes={"other": [None, pair.b_id]})
    db.session.flush()


def open_pair(one: Company, two: Company) -> DuplicatePair:
    """The pair of two companies that a person wants to compare, found by the scan or not."""
    low, high = sorted((one.id, two.id))
    found = db.session.scalar(select(DuplicatePair).where(DuplicatePair.a_id == low, DuplicatePair.b_id == high))
    if found is None:
        found = DuplicatePair(
            a_id=low, b_id=high, verdict="maybe", score=0.0, evidence=[], state="open", found_at=clock.now()
        )
        db.session.add(found)
        db.session.flush()
    return found


def merge_companies(
    kept: Company,
    dropped: Company,
    values: Mapping[str, Any],
    choices: Mapping[str, Any] | None = None,
    *,
    reason: str = "",
    user_id: int | None = None,
) -> Merge:
    """Put one company into another. Its names stay as further names of the kept one, its domain as a further domain.

    ``values``: field → value of the kept company; ``choices`` as for ``merging.merge``. Raises DirectoryError.
    """
    spare = [
        n
        for c in (kept, dropped)
        for n in (c.name_zh, c.name_en)
        if n and n not in (values.get("name_zh"), values.get("name_en"))
    ]
    domains = [d for d in (kept.domain, dropped.domain) if d]
    columns = dict(values) | {"domain": naming.domain_of(values.get("website") or "") or next(iter(domains), "")}
    columns["custom"] = {**(dropped.custom or {}), **(kept.custom or {})}
    made = merging.merge(kept, dropped, values=columns, choices=choices, reason=reason, user_id=user_id)
    company = db.session.get_one(Company, made.kept_id)
    journal = list(made.journal)
    for name in dict.fromkeys(spare):
        if name not in {n.name for n in company.names}:
            alias = CompanyName(name=name, key=naming.alias_key(name), kind="former")
            company.names.append(alias)
            db.session.flush()
            journal.append(["insert", CompanyName.__tablename__, alias.id, {}, {}])
    for domain in dict.fromkeys(d for d in domains if d != company.domain):
        if domain not in {d.domain for d in company.domains}:
            further = CompanyDomain(domain=domain)
            company.domains.append(further)
            db.session.flush()
            journal.append(["insert", CompanyDomain.__tablename__, further.id, {}, {}])
    made.journal = journal
    _rekey(company)
    return made


def merge_people(kept: Person, dropped: Person, *, reason: str = "", user_id: int | None = None) -> Merge:
    """Put one person into another: what the kept one lacks is taken over, and the stricter answer to each consent holds.

    Raises DirectoryError.
    """
    names = ("name_latin", "email", "phone", "country", "city")
    values: dict[str, Any] = {n: getattr(kept, n) or getattr(dropped, n) for n in names}
    values["custom"] = {**(dropped.custom or {}), **(kept.custom or {})}
    withdrawn = _withdrawn([kept.id, dropped.id])
    made = merging.merge(kept, dropped, values=values, reason=reason, user_id=user_id)
    person = db.session.get_one(Person, made.kept_id)
    journal = list(made.journal)
    for answer in withdrawn:
        again = Consent(
            person_id=person.id,
            edition_id=answer.edition_id,
            purpose=answer.purpose,
            granted=False,
            text_version=answer.text_version,
            locale=answer.locale,
            channel="merge",
            at=clock.now(),
        )
        db.session.add(again)
        db.session.flush()
        journal.append(["insert", Consent.__tablename__, again.id, {}, {}])
    made.journal = journal
    keys = naming.person_keys(person.name, person.name_latin)
    person.sort_key, person.search_key, person.updated_at = keys.sort_key, keys.search_key, clock.now()
    db.session.flush()
    return made


def _withdrawn(person_ids: list[int]) -> list[Consent]:
    """For each purpose the newest answer of each of these people, where one of them is a no."""
    newest: dict[tuple[int, str, int | None], Consent] = {}
    rows = select(Consent).where(Consent.person_id.in_(person_ids)).order_by(Consent.at, Consent.id)
    for answer in db.session.scalars(rows):
        newest[answer.person_id, answer.purpose, answer.edition_id] = answer
    refused = {(a.purpose, a.edition_id): a for a in newest.values() if not a.granted}
    return list(refused.values())


def undo_merge(made: Merge, *, user_id: int | None = None) -> int:
    """Take a merge of companies or people back. Returns how many records were changed since and stay. Raises DirectoryError."""
    left = merging.undo(made, user_id=user_id)
    if made.entity == "company":
        for key in (made.kept_id, made.dropped_id):
            _rekey(db.session.get_one(Company, key))
    return left


def _rekey(company: Company) -> None:
    """Every key of a company from what it holds now."""
    keys = naming.company_keys(company.name_zh, company.name_en, (n.name for n in company.names), company.domain)
    company.name_key, company.sort_key, company.search_key = keys.name_key, keys.sort_key, keys.search_key
    company.updated_at = clock.now()
    db.session.flush()
    index_company(company)


def count_open() -> int:
    return db.session.scalar(select(func.count()).select_from(DuplicatePair).where(DuplicatePair.state == "open")) or 0
