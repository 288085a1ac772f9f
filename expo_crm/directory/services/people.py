"""People and where they work."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select, update

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.domain import naming
from expo_crm.directory.domain.errors import DirectoryError
from expo_crm.directory.models import Company, Employment, Person
from expo_crm.lib import clock, emails, phones, text

FIELDS = ("name", "name_latin", "email", "phone", "locale", "country", "city")
PRIVATE = {"email", "phone"}
LIMITS = {"name": 300, "name_latin": 300, "email": 254, "phone": 60, "locale": 2, "country": 2, "city": 60}


def build_person(*, name: str, **fields: Any) -> Person:
    """A person with keys, in the session, neither flushed nor audited: for imports and registration in bulk.

    Fields: name_latin, email (stored as its comparison form), phone (E.164 where it can be dialled, else as typed),
    locale, country, city. Raises DirectoryError("name-missing").
    """
    now = clock.now()
    person = Person(created_at=now, updated_at=now, **_cleaned({"name": name, **fields}))
    _set_keys(person)
    db.session.add(person)
    return person


def create_person(*, name: str, **fields: Any) -> Person:
    """A new person, flushed and audited (without contact data in the record). E-mail and phone need not be unique."""
    person = build_person(name=name, **fields)
    db.session.flush()
    audit.record("person.create", "person", person.id, changes={"name": person.name})
    return person


def update_person(person: Person, **changes: Any) -> Person:
    """Change fields (``FIELDS``). The record says that contact data changed, not what it was."""
    changes = _cleaned(changes)
    moved = audit.diff({name: getattr(person, name) for name in changes}, changes)
    if not moved:
        return person
    for name, value in changes.items():
        setattr(person, name, value)
    _set_keys(person)
    person.updated_at = clock.now()
    db.session.flush()
    shown = {name: ["…", "…"] if name in PRIVATE else pair for name, pair in moved.items()}
    audit.record("person.update", "person", person.id, changes=shown)
    return person


def employ(
    person: Person, company: Company, *, title: str = "", department: str = "", main_contact: bool = False
) -> Employment:
    """The person works for the company from now on; a second call updates title, department and main contact."""
    found = None
    if person.id is not None and company.id is not None:
        found = db.session.scalar(
            select(Employment).where(
                Employment.person_id == person.id, Employment.company_id == company.id, Employment.until.is_(None)
            )
        )
    if main_contact and company.id is not None:
        db.session.execute(
            update(Employment)
            .where(Employment.company_id == company.id, Employment.main_contact)
            .values(main_contact=False)
            .execution_options(synchronize_session="fetch")
        )
    if found is None:
        found = Employment(person=person, company=company)
        db.session.add(found)
    found.title, found.department = text.clean(title, limit=300), text.clean(department, limit=300)
    found.main_contact = main_contact
    db.session.flush()
    audit.record("person.employ", "person", person.id, changes={"company_id": company.id, "title": found.title})
    return found


def end_employment(employment: Employment, until: dt.date | None = None) -> None:
    """The person has left; history keeps the row."""
    employment.until = until or clock.now().date()
    employment.main_contact = False
    db.session.flush()
    audit.record("person.left", "person", employment.person_id, changes={"company_id": employment.company_id})


def _cleaned(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(FIELDS)
    if unknown:
        raise TypeError(f"no such person fields: {sorted(unknown)}")
    out = {name: text.clean(value or "", limit=LIMITS[name]) for name, value in fields.items()}
    if "email" in out:
        out["email"] = emails.email_key(out["email"]) or out["email"].lower()
    if "phone" in out:
        dialled = phones.parse_phone(out["phone"])
        if dialled.e164 and not dialled.extension:  # with an extension, what was typed says more
            out["phone"] = dialled.e164
    if "name" in out and text.is_blank(out["name"]):
        raise DirectoryError("name-missing")
    return out


def _set_keys(person: Person) -> None:
    keys = naming.person_keys(person.name, person.name_latin or "")
    person.sort_key, person.search_key = keys.sort_key, keys.search_key
