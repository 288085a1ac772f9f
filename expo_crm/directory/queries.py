"""Reading companies, people, the ledger, activities and consent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from expo_crm.accounts.models import User
from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.directory.domain import naming
from expo_crm.directory.domain.agenda import Horizon
from expo_crm.directory.models import Activity, Company, CompanyName, Consent, Employment, Participation, Person
from expo_crm.lib import emails, text
from expo_crm.lib.companies import Verdict, compare_names, parse_company
from expo_crm.lib.domains import web_domain
from expo_crm.lib.permissions import Permission
from expo_crm.shows.models import Edition


def find_company(company_id: int) -> Company | None:
    return db.session.get(Company, company_id, options=[joinedload(Company.owner), selectinload(Company.names)])


def get_company(company_id: int) -> Company:
    """Raises LookupError when there is no such company."""
    found = find_company(company_id)
    if found is None:
        raise LookupError(f"no company {company_id}")
    return found


def list_owners() -> list[User]:
    """Active staff who may own companies and actions, by name."""
    users = db.session.scalars(select(User).where(User.kind == "staff", User.active).order_by(User.name, User.id))
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


def find_company_by_tax_id(tax_id: str) -> Company | None:
    code = naming.tax_code(tax_id)
    return db.session.scalar(select(Company).where(Company.tax_id == code)) if code else None


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
    exclude_id: int | None = None,
    limit: int = 8,
) -> list[Similar]:
    """Companies that may be this one, the surest first: equal tax id, equal web domain, then names alike.

    Aliases count as names. ``domain`` may be a link, an address or a bare domain. Nothing is merged here.
    """
    code, host = naming.tax_code(tax_id), web_domain(domain) if domain else None
    names = [n for n in (text.clean(name_zh)[:300], text.clean(name_en)[:300]) if not text.is_blank(n)]
    out = []
    for company in _candidates(names, code, host, exclude_id):
        found = _judge(company, names, code, host)
        if found:
            out.append(found)
    out.sort(key=lambda s: (-s.score, s.company.id))
    return out[:limit]


def _candidates(names: list[str], code: str | None, host: str | None, exclude_id: int | None) -> list[Company]:
    """One query: equal keys, or a search key that holds the brand, its sound or its longest word."""
    sure, alike = [], []
    if code:
        sure.append(Company.tax_id == code)
    if host:
        sure.append(Company.domain == host)
    for name in names:
        key = naming.alias_key(name)
        sure += [Company.name_key == key, Company.id.in_(select(CompanyName.company_id).where(CompanyName.key == key))]
        alike += [Company.search_key.contains(piece, autoescape=True) for piece in _pieces(name)]
    if not sure:
        return []
    query = select(Company).where(or_(*sure, *alike))
    if exclude_id is not None:
        query = query.where(Company.id != exclude_id)
    # Equal keys first, so that the limit can never cut them off behind a thousand names with the same trade word.
    order = (case((or_(*sure), 0), else_=1), func.length(Company.search_key), Company.id)
    return list(
        db.session.scalars(
            query.order_by(*order).limit(300).options(selectinload(Company.names), joinedload(Company.owner))
        )
    )


def _pieces(name: str) -> set[str]:
    parsed = parse_company(name)
    if not parsed.brand:
        return set()
    if parsed.chinese:
        sound = text.pinyin(parsed.brand)[0]
        return {parsed.brand[:2]} | ({sound} if len(sound) >= 4 else set())
    longest = max(parsed.brand.split(), key=len)
    return {longest} if len(longest) >= 3 else {parsed.brand}


def _judge(company: Company, names: list[str], code: str | None, host: str | None) -> Similar | None:
    sure = tuple(
        word
        for word, equal in (("tax-id", code and company.tax_id == code), ("domain", host and company.domain == host))
        if equal
    )
    written = [n for n in (company.name_zh, company.name_en, *(a.name for a in company.names)) if n]
    best = max(
        (compare_names(mine, theirs) for mine in names for theirs in written),
        key=lambda c: c.score,
        default=None,
    )
    alike = best is not None and best.verdict is not Verdict.DIFFERENT
    if not sure and not alike:
        return None
    words = sure + (best.evidence if best is not None and alike else ())
    score = 3.0 if "tax-id" in sure else 2.0 if sure else best.score  # type: ignore[union-attr]
    same = bool(sure) or (best is not None and best.verdict is Verdict.SAME)
    return Similar(company, "same" if same else "maybe", score, words)


def find_user(user_id: int) -> User | None:
    return db.session.get(User, user_id)


def find_last_editor(company_id: int) -> str:
    """The name of who changed the company last; "" when the record does not say."""
    return (
        db.session.scalar(
            select(AuditEntry.actor_name)
            .where(AuditEntry.entity == "company", AuditEntry.entity_id == company_id)
            .where(AuditEntry.action.in_(("company.create", "company.update", "company.assign", "company.alias")))
            .order_by(AuditEntry.id.desc())
            .limit(1)
        )
        or ""
    )
