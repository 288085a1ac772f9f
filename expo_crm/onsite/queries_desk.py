"""Finding people at the desk: by name, pinyin, company, number, the last digits of a phone, e-mail, or the ticket itself.
And whose badges are printed together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Person
from expo_crm.lib import emails, phones, text
from expo_crm.onsite import queries as badge_queries
from expo_crm.onsite.domain import badge_code
from expo_crm.onsite.domain.badge_code import Code
from expo_crm.onsite.models import Badge, OpaqueCode
from expo_crm.visitors import queries as visitors
from expo_crm.visitors.models import Registration

MOST = 12
_DIGITS = re.compile(r"[\d\s+()-]{3,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hit:
    """A registration with its badge, when one was issued."""

    registration: Registration
    badge: Badge | None
    sure: bool = True  # of a duplicate: the same person, not only a similar one


def looks_like_code(typed: str) -> bool:
    """A reader has typed this, not a person."""
    return len(badge_code.clean(typed)) >= 24 and bool(re.fullmatch(r"[A-Z2-7]+", badge_code.clean(typed)))


def search(edition_id: int, typed: str) -> list[Hit]:
    """At most twelve registrations, those that stand first. An empty or hopeless search finds nothing."""
    typed = typed.strip()[:200]
    if looks_like_code(typed):
        found = find_by_code(edition_id, typed)
        return [found] if found else []
    where = _conditions(typed)
    if where is None:
        return []
    query = _whole(edition_id).where(*where).order_by(Registration.sort_key, Registration.id).limit(MOST * 2)
    found_rows = list(db.session.scalars(query))
    found_rows.sort(key=lambda r: r.state in {"cancelled", "rejected"})
    return _with_badges(found_rows[:MOST])


def _whole(edition_id: int) -> Select[Any]:
    return (
        select(Registration)
        .join(Registration.person)
        .where(Registration.edition_id == edition_id)
        .options(joinedload(Registration.person), joinedload(Registration.visitor_class))
    )


def _conditions(typed: str) -> list[Any] | None:
    if "@" in typed:
        key = emails.email_key(typed)
        return [Person.email == key] if key else [Person.email.startswith(text.fold(typed), autoescape=True)]
    if _DIGITS.fullmatch(typed):
        digits = re.sub(r"\D", "", typed)
        if len(digits) < 3:
            return None
        number = int(digits) if len(digits) <= 9 else -1
        ending = Person.phone.endswith(digits, autoescape=True) if len(digits) >= 4 else False
        return [(Registration.number == number) | ending]
    terms = text.search_terms(typed)
    if not terms:
        return None
    return [Registration.search_key.like(text.like_pattern(term), escape="\\") for term in terms]


def find_by_code(edition_id: int, raw: str) -> Hit | None:
    """The registration behind a ticket or badge that was scanned; whether the code still opens a gate is not asked here."""
    parsed = badge_code.parse(raw)
    query = select(Badge).where(Badge.edition_id == edition_id).options(joinedload(Badge.registration))
    if isinstance(parsed, Code):
        badge = db.session.scalar(query.where(Badge.serial == parsed.payload.serial_hex))
    else:
        code = badge_code.clean(raw[: badge_code.MAX_READ_CHARS])
        badge = db.session.scalar(
            query.join(OpaqueCode, OpaqueCode.badge_id == Badge.id).where(OpaqueCode.code == code)
        )
    return Hit(badge.registration, badge) if badge and badge.registration else None


def _with_badges(found: list[Registration]) -> list[Hit]:
    rows = db.session.scalars(
        select(Badge).where(Badge.registration_id.in_([r.id for r in found] or [0]), Badge.state != "replaced")
    )
    badges = {badge.registration_id: badge for badge in rows}
    return [Hit(r, badges.get(r.id)) for r in found]


def list_same(edition_id: int, *, name: str, company: str, email: str, phone: str, country: str) -> list[Hit]:
    """Who is perhaps registered already: the same person (name and address or number), or maybe (one of them, or name and company)."""
    key = emails.email_key(email) if email else ""
    number = phones.to_e164(phone, country or "CN") if phone else None
    found = visitors.list_same_contact(edition_id, [key] if key else [], [number] if number else [])
    bare = text.clean(name, limit=100)
    if bare:
        named = db.session.scalars(
            _whole(edition_id)
            .where(Registration.name == bare, Registration.state.not_in(("cancelled", "rejected")))
            .limit(20)
        )
        known = {r.id for r in found}
        found += [r for r in named if r.id not in known and _close(r.company_name, company)]
    hits = _with_badges(found[:8])
    folded = _squeezed(name)
    contact = {r.id for r in found if (key and r.person.email == key) or (number and r.person.phone == number)}
    return [
        Hit(h.registration, h.badge, h.registration.id in contact and _squeezed(h.registration.name) == folded)
        for h in hits
    ]


def _squeezed(name: str) -> str:
    return text.fold(name).replace(" ", "")


def _close(one: str, other: str) -> bool:
    one, other = _squeezed(one), _squeezed(other)
    return not one or not other or one in other or other in one


# -- whose badges are printed together -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Selection:
    """Which badges go into one file. Empty fields leave nothing out; ``first`` and ``last`` are letters of the pinyin or name."""

    unprinted: bool = False
    class_id: int | None = None
    company: str = ""
    delegation: str = ""
    first: str = ""
    last: str = ""


def printable(edition_id: int, chosen: Selection) -> Select[Any]:
    """Ids of the badges of a selection that may be printed."""
    query = badge_queries.printable(edition_id, unprinted_only=chosen.unprinted, class_id=chosen.class_id)
    if chosen.company:
        query = query.where(Badge.holder_company.icontains(text.clean(chosen.company, limit=200), autoescape=True))
    if chosen.delegation:
        query = query.where(Registration.source == "group", Registration.company_name == chosen.delegation)
    if chosen.first:
        query = query.where(Badge.sort_key >= chosen.first)
    if chosen.last:
        query = query.where(Badge.sort_key < chr(ord(chosen.last) + 1))
    return query


def count_printable(edition_id: int, chosen: Selection) -> int:
    return db.session.scalar(select(func.count()).select_from(printable(edition_id, chosen).subquery())) or 0


def list_delegations(edition_id: int, limit: int = 200) -> list[tuple[str, int]]:
    """(company, people): those who were registered as a group, two or more of one company, the largest first."""
    count = func.count()
    rows = db.session.execute(
        select(Registration.company_name, count)
        .where(
            Registration.edition_id == edition_id,
            Registration.source == "group",
            Registration.state == "approved",
            Registration.company_name != "",
        )
        .group_by(Registration.company_name)
        .having(count > 1)
        .order_by(count.desc(), Registration.company_name)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]
