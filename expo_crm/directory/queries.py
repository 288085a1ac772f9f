"""Reading companies, people, the ledger, activities and consent."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select, union
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from expo_crm.accounts.models import User
from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.directory.domain import duplicates, naming
from expo_crm.directory.domain.agenda import Horizon
from expo_crm.directory.models import (
    Activity,
    Company,
    CompanyDomain,
    CompanyName,
    Consent,
    CustomField,
    DuplicatePair,
    Employment,
    MatchKey,
    Merge,
    Participation,
    Person,
    QualitySnapshot,
)
from expo_crm.jobs.models import Job
from expo_crm.lib import emails, text
from expo_crm.lib.companies import Verdict, compare_names
from expo_crm.lib.domains import web_domain
from expo_crm.lib.permissions import Permission
from expo_crm.lib.phones import parse_phone, to_e164
from expo_crm.shows.models import Edition


def find_company(company_id: int) -> Company | None:
    parts = [joinedload(part) for part in (Company.owner, Company.names, Company.domains)]  # a few rows of each
    return db.session.get(Company, company_id, options=parts)


def numbers_like(words: str) -> list[str]:
    """How a telephone number that somebody types may be stored: as it is dialled, and as it was typed. Empty for what is no number."""
    plain = unicodedata.normalize("NFKC", words).strip()
    if sum(c.isdigit() for c in plain) < 7 or re.search(r"[^\W\d_]", plain):
        return []
    return list(dict.fromkeys(n for n in (to_e164(plain), plain) if n))


def has_number(words: str, *, of_people: bool) -> ColumnElement[bool] | None:
    """The company's switchboard is the number, or ``of_people`` the phone of somebody who works there. None for what is no number."""
    numbers = numbers_like(words)
    if not numbers:
        return None
    switchboard = select(MatchKey.company_id).where(MatchKey.key.in_([f"p:{number}" for number in numbers]))
    people = select(Employment.company_id).join(Employment.person).where(Person.phone.in_(numbers), Employment.until.is_(None))
    found = Company.id.in_(switchboard) | Company.phone.in_(numbers)
    return found | Company.id.in_(people) if of_people else found


def list_owners() -> list[User]:
    """Active staff who may own companies and actions, by name."""
    staff = select(User).where(User.kind == "staff", User.active).order_by(User.name, User.id)
    users = db.session.scalars(staff.options(joinedload(User.roles))).unique()
    return [u for u in users if Permission.COMPANY_EDIT in u.permissions]


def list_companies(ids: Iterable[int]) -> list[Company]:
    return list(db.session.scalars(select(Company).where(Company.id.in_(list(ids))).order_by(Company.sort_key)))


def list_countries() -> list[str]:
    """Country codes that companies have."""
    return list(
        db.session.scalars(select(Company.country).where(Company.country != "").distinct().order_by(Company.country))
    )


def last_participations(company_ids: Iterable[int]) -> dict[int, Participation]:
    """The newest row per company that was not cancelled, in one query."""
    rows = db.session.scalars(
        select(Participation)
        .join(Participation.edition)
        .where(Participation.company_id.in_(list(company_ids)), Participation.outcome != "cancelled")
        .order_by(Edition.starts_on)
        .options(contains_eager(Participation.edition))
    )
    return {row.company_id: row for row in rows}


def newest_employments(person_ids: Iterable[int]) -> dict[int, Employment]:
    """Where these people work now (main contact first), in one query."""
    rows = db.session.scalars(
        select(Employment)
        .where(Employment.person_id.in_(list(person_ids)), Employment.until.is_(None))
        .order_by(Employment.main_contact, Employment.id.desc())
        .options(joinedload(Employment.company))
    )
    return {row.person_id: row for row in rows}


def count_open_actions(owner_id: int | None, edges: Horizon) -> dict[str, int]:
    """Open actions by urgency; of everybody when ``owner_id`` is None."""
    query = select(
        func.count().filter(Activity.due_at < edges.today),
        func.count().filter(Activity.due_at >= edges.today, Activity.due_at < edges.tomorrow),
        func.count().filter(Activity.due_at >= edges.tomorrow, Activity.due_at < edges.week),
    ).where(Activity.done_at.is_(None))
    if owner_id is not None:
        query = query.where(Activity.owner_id == owner_id)
    overdue, today, week = db.session.execute(query).one()
    return {"overdue": overdue, "today": today, "week": week}


def list_activities_by_id(ids: Iterable[int]) -> list[Activity]:
    return list(db.session.scalars(select(Activity).where(Activity.id.in_(list(ids)))))


def find_person(person_id: int) -> Person | None:
    return db.session.get(Person, person_id, options=[selectinload(Person.employments).joinedload(Employment.company)])


def list_people_by_email(email: str) -> list[Person]:
    """Everybody who uses this address; several people may share one."""
    key = emails.email_key(email)
    if not key:
        return []
    return list(db.session.scalars(select(Person).where(Person.email == key).order_by(Person.id)))


def list_employments(company_id: int, *, former: bool = False) -> list[Employment]:
    """The company's people, main contact first; ``former`` adds those who left."""
    query = (
        select(Employment)
        .join(Employment.person)
        .where(Employment.company_id == company_id)
        .order_by(Employment.until.is_not(None), Employment.main_contact.desc(), Person.sort_key, Employment.id)
        .options(joinedload(Employment.person))
    )
    if not former:
        query = query.where(Employment.until.is_(None))
    return list(db.session.scalars(query))


def list_everybody(company_id: int) -> list[Employment]:
    """The company's people, with those who left."""
    return list_employments(company_id, former=True)


def find_main_contact(company_id: int) -> Person | None:
    """The main contact, else the first person who still works there."""
    people = list_employments(company_id)
    return people[0].person if people else None


def list_participations(company_id: int) -> list[Participation]:
    """The company's ledger, newest edition first."""
    found = db.session.scalars(
        select(Participation)
        .where(Participation.company_id == company_id)
        .options(joinedload(Participation.edition), joinedload(Participation.host).joinedload(Participation.company))
    )
    return sorted(found, key=lambda p: p.edition.starts_on, reverse=True)


def find_participation(edition_id: int, company_id: int) -> Participation | None:
    return db.session.scalar(
        select(Participation).where(Participation.edition_id == edition_id, Participation.company_id == company_id)
    )


def list_activities(company_id: int, limit: int = 200) -> list[Activity]:
    """What was done with the company, newest first."""
    return list(
        db.session.scalars(
            select(Activity)
            .where(Activity.company_id == company_id, Activity.done_at.is_not(None))
            .order_by(Activity.done_at.desc(), Activity.id.desc())
            .limit(limit)
            .options(joinedload(Activity.owner), joinedload(Activity.person))
        )
    )


def list_open_actions(company_id: int) -> list[Activity]:
    """What is to be done with the company, the next one first."""
    return list(
        db.session.scalars(
            select(Activity)
            .where(Activity.company_id == company_id, Activity.done_at.is_(None))
            .order_by(Activity.due_at.asc().nulls_last(), Activity.id)
            .options(joinedload(Activity.owner), joinedload(Activity.person))
        )
    )


def find_activity(activity_id: int) -> Activity | None:
    return db.session.get(Activity, activity_id, options=[joinedload(Activity.company), joinedload(Activity.owner)])


def consent_of(person_id: int, purpose: str, edition_id: int | None = None) -> Consent | None:
    """The answer that holds now: the newest one to this purpose (of this edition when given), or None."""
    query = select(Consent).where(Consent.person_id == person_id, Consent.purpose == purpose)
    if edition_id is not None:
        query = query.where(Consent.edition_id == edition_id)
    return db.session.scalar(query.order_by(Consent.at.desc(), Consent.id.desc()).limit(1))


def consents_of(person_ids: Iterable[int], purpose: str) -> dict[int, bool]:
    """Who of these people agreed to the purpose: person id → newest answer; those never asked are missing."""
    rows = db.session.execute(
        select(Consent.person_id, Consent.granted)
        .where(Consent.person_id.in_(list(person_ids)), Consent.purpose == purpose)
        .order_by(Consent.at, Consent.id)
    )
    return {row.person_id: row.granted for row in rows}


def list_consents(person_id: int) -> list[Consent]:
    """Every answer of a person, newest first."""
    return list(
        db.session.scalars(
            select(Consent).where(Consent.person_id == person_id).order_by(Consent.at.desc(), Consent.id.desc())
        )
    )


@dataclass(frozen=True)
class Similar:
    """A company that may be the one asked for.

    ``verdict``: ``same`` or ``maybe``. ``evidence``: "tax-id", "domain", or the words of ``lib.companies.compare_names``.
    ``exact`` says that an exact key (tax id or web domain) is equal, which is more than any likeness of names.
    """

    company: Company
    verdict: str
    score: float
    evidence: tuple[str, ...]

    @property
    def exact(self) -> bool:
        return "tax-id" in self.evidence or "domain" in self.evidence


def find_similar_companies(
    name_zh: str = "",
    name_en: str = "",
    tax_id: str = "",
    domain: str = "",
    *,
    phone: str = "",
    exclude_id: int | None = None,
    limit: int = 8,
) -> list[Similar]:
    """Companies that may be this one, the surest first: equal tax id, web domain or phone, then names alike.

    Aliases count as names. ``domain`` may be a link, an address or a bare domain; ``phone`` is in E.164. Nothing is merged
    here. Three queries over indexes, whatever the size of the file.
    """
    code, host = naming.tax_code(tax_id), web_domain(domain) if domain else None
    names = [n for n in (text.clean(name_zh)[:300], text.clean(name_en)[:300]) if not text.is_blank(n)]
    asked = _Asked(names, code, host, phone)
    out = []
    for company in _candidates(asked, exclude_id):
        found = _judge(company, asked)
        if found:
            out.append(found)
    out.sort(key=lambda s: (-s.score, s.company.id))
    return out[:limit]


@dataclass(frozen=True)
class _Asked:
    names: list[str]
    tax_id: str | None
    domain: str | None
    phone: str


CANDIDATES = 200


def _candidates(asked: _Asked, exclude_id: int | None) -> list[Company]:
    """Equal keys first, so that the limit can never cut them off behind a thousand names with the same trade word."""
    sure = []
    if asked.tax_id:
        sure.append(select(Company.id).where(Company.tax_id == asked.tax_id))
    if asked.domain:
        sure.append(select(Company.id).where(Company.domain == asked.domain))
        sure.append(select(CompanyDomain.company_id).where(CompanyDomain.domain == asked.domain))
    if asked.phone:
        sure.append(select(MatchKey.company_id).where(MatchKey.key == f"p:{asked.phone}"))
        sure.append(
            select(Employment.company_id)
            .join(Person, Person.id == Employment.person_id)
            .where(Person.phone == asked.phone, Employment.until.is_(None))
        )
    for name in asked.names:
        key = naming.alias_key(name)
        sure.append(select(Company.id).where(Company.name_key == key))
        sure.append(select(CompanyName.company_id).where(CompanyName.key == key))
    if not sure:
        return []
    ids = list(db.session.scalars(union(*sure).limit(CANDIDATES)))
    if keys := duplicates.name_keys(asked.names):
        hits = (
            select(MatchKey.company_id)
            .where(MatchKey.key.in_(sorted(keys)))
            .group_by(MatchKey.company_id)
            .order_by(func.count().desc(), MatchKey.company_id)
            .limit(CANDIDATES)
        )
        ids += db.session.scalars(hits)
    wanted = set(ids) - {exclude_id}
    if not wanted:
        return []
    return list(
        db.session.scalars(
            select(Company)
            .where(Company.id.in_(wanted))
            .options(selectinload(Company.names), selectinload(Company.domains), joinedload(Company.owner))
        )
    )


def _judge(company: Company, asked: _Asked) -> Similar | None:
    hosts = {company.domain, *(d.domain for d in company.domains)}
    sure = tuple(
        word
        for word, equal in (
            ("tax-id", asked.tax_id and company.tax_id == asked.tax_id),
            ("domain", asked.domain and asked.domain in hosts),
            ("phone", asked.phone and company.phone and switchboard(company) == asked.phone),
        )
        if equal
    )
    written = [n for n in (company.name_zh, company.name_en, *(a.name for a in company.names)) if n]
    best = max(
        (compare_names(mine, theirs) for mine in asked.names for theirs in written),
        key=lambda c: c.score,
        default=None,
    )
    alike = best is not None and best.verdict is not Verdict.DIFFERENT
    if not sure and not alike:
        return None
    words = sure + (best.evidence if best is not None and alike else ())
    hard = set(sure) & {"tax-id", "domain"}
    score = 3.0 if "tax-id" in sure else 2.0 if hard else max(1.0 if sure else 0.0, best.score if best and alike else 0.0)
    same = bool(hard) or (best is not None and best.verdict is Verdict.SAME)
    return Similar(company, "same" if same else "maybe", score, words)


def switchboard(company: Company) -> str:
    """The company's switchboard in E.164, "" when it cannot be dialled."""
    return parse_phone(company.phone, company.country or "CN").e164 or ""


def find_user(user_id: int) -> User | None:
    return db.session.get(User, user_id)


def find_last_editor(company_id: int) -> str:
    """The name of who changed the company last; "" when the record does not say."""
    return (
        db.session.scalar(
            select(AuditEntry.actor_name)
            .where(AuditEntry.entity == "company", AuditEntry.entity_id == company_id)
            .where(AuditEntry.action.in_(("company.create", "company.update", "company.assign")))
            .order_by(AuditEntry.id.desc())
            .limit(1)
        )
        or ""
    )


def last_contacts(company_ids: Iterable[int]) -> dict[int, dt.datetime]:
    """When somebody last called, wrote to, visited or met each of these companies."""
    wanted = list(company_ids)
    if not wanted:
        return {}
    rows = (
        select(Activity.company_id, func.max(Activity.done_at))
        .where(Activity.company_id.in_(wanted), Activity.done_at.is_not(None), Activity.kind.not_in(("note", "task")))
        .group_by(Activity.company_id)
    )
    return dict(db.session.execute(rows).all())  # type: ignore[arg-type]


# -- duplicates ------------------------------------------------------------------------------------------------------


def find_pair(pair_id: int) -> DuplicatePair | None:
    both = [joinedload(side).options(joinedload(Company.owner), selectinload(Company.names)) for side in (DuplicatePair.a, DuplicatePair.b)]
    return db.session.get(DuplicatePair, pair_id, options=both)


def list_pairs(ids: Iterable[int]) -> list[DuplicatePair]:
    return list(db.session.scalars(select(DuplicatePair).where(DuplicatePair.id.in_(list(ids)))))


def list_pairs_of(company_id: int) -> list[DuplicatePair]:
    """Undecided pairs with this company, the likeliest first."""
    mine = or_(DuplicatePair.a_id == company_id, DuplicatePair.b_id == company_id)
    return list(
        db.session.scalars(
            select(DuplicatePair)
            .where(mine, DuplicatePair.state == "open")
            .order_by(DuplicatePair.score.desc())
            .limit(5)
            .options(joinedload(DuplicatePair.a), joinedload(DuplicatePair.b))
        )
    )


def count_merges() -> int:
    return db.session.scalar(select(func.count()).select_from(Merge)) or 0


def find_merge(merge_id: int) -> Merge | None:
    return db.session.get(Merge, merge_id)


def find_successor(company_id: int) -> int | None:
    """The company into which this one was merged."""
    return db.session.scalar(
        select(Merge.kept_id)
        .where(Merge.entity == "company", Merge.dropped_id == company_id, Merge.undone_at.is_(None))
        .order_by(Merge.id.desc())
        .limit(1)
    )


def find_job(job_id: int, kind: str) -> Job | None:
    job = db.session.get(Job, job_id)
    return job if job is not None and job.kind == kind else None


def find_last_scan() -> dt.datetime | None:
    """When the whole file was last looked through for duplicates."""
    return db.session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == "duplicates.scan"))


def ledgers_of(company_ids: Iterable[int]) -> dict[int, dict[Edition, Participation]]:
    """The participations of some companies, by company and edition, in one query."""
    wanted = list(company_ids)
    out: dict[int, dict[Edition, Participation]] = {key: {} for key in wanted}
    rows = (
        select(Participation)
        .join(Participation.edition)
        .where(Participation.company_id.in_(wanted))
        .order_by(Edition.starts_on.desc())
        .options(contains_eager(Participation.edition))
    )
    for row in db.session.scalars(rows):
        out[row.company_id][row.edition] = row
    return out


def count_relations(company_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many people, activities and participations each of these companies has."""
    wanted = list(company_ids)
    out: dict[int, dict[str, int]] = {key: {} for key in wanted}
    for name, model in (("people", Employment), ("activities", Activity), ("participations", Participation)):
        counted = select(model.company_id, func.count()).where(model.company_id.in_(wanted)).group_by(model.company_id)
        for company_id, count in db.session.execute(counted):
            out[company_id][name] = count
    return out


def find_by_name_or_number(typed: str) -> list[int]:
    """Ids of the companies with this number or this name; the number wins."""
    typed = text.clean(typed, limit=300)
    if typed.isdecimal() and len(typed) < 16:
        found = db.session.scalar(select(Company.id).where(Company.id == int(typed)))
        if found is not None:
            return [found]
    key = naming.alias_key(typed)
    if not key:
        return []
    named = select(Company.id).where(or_(Company.name_zh == typed, Company.name_en == typed))
    return list(db.session.scalars(named.limit(2))) or list(
        db.session.scalars(select(Company.id).where(Company.name_key == key).limit(2))
    )


def list_ancestors(company_id: int) -> set[int]:
    """The company, its parent, the parent's parent …"""
    out: set[int] = set()
    key: int | None = company_id
    while key is not None and key not in out:
        out.add(key)
        key = db.session.scalar(select(Company.parent_id).where(Company.id == key))
    return out


def list_group(company: Company) -> list[Company]:
    """The companies of one group: the top one, its subsidiaries and theirs, at most five levels; empty without relatives."""
    top = company
    for _level in range(5):
        if top.parent_id is None:
            break
        above = db.session.get(Company, top.parent_id)
        if above is None or above.id == company.id:
            break
        top = above
    found, level = [top], [top.id]
    for _level in range(5):
        below = list(db.session.scalars(select(Company).where(Company.parent_id.in_(level)).order_by(Company.sort_key)))
        below = [c for c in below if c.id not in {f.id for f in found}]
        if not below:
            break
        found, level = found + below, [c.id for c in below]
    return found if len(found) > 1 else []


def list_same_people(person: Person, limit: int = 5) -> list[Person]:
    """Who may be this person: the same e-mail or phone with a name alike, or the same name at the same company."""
    folded = text.fold(person.name)
    alike = [Person.sort_key == person.sort_key] if person.sort_key else []
    keys = [Person.email == person.email] if person.email else []
    keys += [Person.phone == person.phone] if person.phone else []
    works = select(Employment.company_id).where(Employment.person_id == person.id)
    colleagues = select(Employment.person_id).where(Employment.company_id.in_(works))
    found = db.session.scalars(
        select(Person)
        .where(
            Person.id != person.id,
            Person.erased_at.is_(None),
            or_(*keys, and_(Person.id.in_(colleagues), *alike)),
        )
        .order_by(Person.id)
        .limit(50)
    )
    near = [p for p in found if text.fold(p.name) == folded or p.sort_key == person.sort_key or p.name_latin == person.name]
    return near[:limit]


def list_users() -> list[User]:
    return list(db.session.scalars(select(User).where(User.kind == "staff").order_by(User.name, User.id)))


def list_quality_snapshots(limit: int) -> list[QualitySnapshot]:
    """The newest first."""
    return list(db.session.scalars(select(QualitySnapshot).order_by(QualitySnapshot.at.desc()).limit(limit)))


def last_touches(company_ids: Iterable[int]) -> dict[int, dt.datetime]:
    """When anything was last done with each of these companies."""
    rows = (
        select(Activity.company_id, func.max(Activity.done_at))
        .where(Activity.company_id.in_(list(company_ids)), Activity.done_at.is_not(None))
        .group_by(Activity.company_id)
    )
    return dict(db.session.execute(rows).all())  # type: ignore[arg-type]


def find_custom_field(field_id: int) -> CustomField | None:
    return db.session.get(CustomField, field_id)
