"""Registrations: made by the public page, the desk, an import; decided; corrected; cancelled."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Company, Person
from expo_crm.directory.services import consents, people
from expo_crm.lib import clock, emails, phones, text
from expo_crm.lib.companies import company_key
from expo_crm.shows.models import Edition
from expo_crm.visitors import queries
from expo_crm.visitors.domain import review
from expo_crm.visitors.domain.registration import RegisterCommand
from expo_crm.visitors.domain.vocabulary import consent_text
from expo_crm.visitors.models import Registration, VisitorClass
from expo_crm.visitors.services import hooks, mails
from expo_crm.visitors.services.classes import ensure_classes

CORRECTABLE = ("name", "company_name", "job_title", "function", "buying_role", "looking_for")


class RegistrationError(Exception):
    """A change that the rules refuse. ``code``: "reason-missing", "state" (not from here), "class", "name-missing"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def register(command: RegisterCommand) -> Registration:
    """Store a registration with person, consents, interests, audit entry and confirmation mail.

    The same ``form_key`` again gives the first registration and changes nothing. Raises RegistrationError("name-missing", "class").
    """
    if command.form_key:
        found = find_by_form_key(command.edition_id, command.form_key)
        if found:
            return found
    if text.is_blank(command.name):
        raise RegistrationError("name-missing")
    try:
        with db.session.begin_nested():
            return _register(command)
    except IntegrityError:
        # Two copies of one form at the same moment: the other one won.
        found = find_by_form_key(command.edition_id, command.form_key) if command.form_key else None
        if found is None:
            raise
        return found


def _register(command: RegisterCommand) -> Registration:
    edition = db.session.scalar(
        select(Edition).where(Edition.id == command.edition_id).options(joinedload(Edition.show))
    )
    if edition is None:
        raise LookupError(f"no edition {command.edition_id}")
    visitor_class = _class(edition, command.class_code)
    person = _person(command)
    at = command.at or clock.now()
    facts = review.Facts(visitor_class.code, command.company, command.function, command.on_site)
    state = command.state or review.decide(facts)
    invitation = queries.find_invitation(command.invitation_code) if command.invitation_code else None
    if invitation is not None and invitation.participation.edition_id != edition.id:
        invitation = None
    registration = Registration(
        edition=edition,
        person=person,
        visitor_class=visitor_class,
        number=next_number(edition.id),
        company=find_company(command.company),
        name=text.clean(command.name, limit=300),
        company_name=text.clean(command.company, limit=300),
        job_title=text.clean(command.job_title, limit=300),
        function=command.function,
        buying_role=command.buying_role,
        locale=command.locale,
        source="invitation" if invitation is not None and command.source == "web" else command.source,
        invitation_link=invitation,
        state=state,
        on_site=command.on_site,
        first_time=not _came_before(person, edition),
        form_key=command.form_key,
        looking_for=text.clean(command.looking_for, multiline=True, limit=2000),
        answers=_answers(command),
        submitted_at=at,
        decided_at=at if state in {"approved", "rejected", "returned"} else None,
    )
    set_keys(registration)
    db.session.add(registration)
    db.session.flush()
    for purpose, granted in command.consents.items():
        wording = consent_text(purpose)
        if wording:
            consents.record_consent(
                person.id, purpose, granted, text_version=wording.version, locale=command.locale,
                channel=command.channel, edition_id=edition.id, at=at,
            )  # fmt: skip
    if command.category_ids:
        hooks.set_interests(registration, command.category_ids)
    audit.record(
        "registration.create", "registration", registration.id, edition_id=edition.id,
        changes={"number": registration.number, "source": registration.source, "state": state},
    )  # fmt: skip
    if command.mail:
        mails.confirm(registration)
    return registration


def find_by_form_key(edition_id: int, form_key: str) -> Registration | None:
    return db.session.scalar(
        select(Registration)
        .where(Registration.edition_id == edition_id, Registration.form_key == form_key)
        .options(joinedload(Registration.person), joinedload(Registration.edition).joinedload(Edition.show))
    )


def find_same_person(edition_id: int, email: str, name: str) -> Registration | None:
    """A live registration of the same name under the same address; another name on it is another person."""
    key = emails.email_key(email)
    same = queries.list_same_contact(edition_id, [key], []) if key else []
    return next((r for r in same if _same_name(r.name, name)), None)


def _same_name(one: str, two: str) -> bool:
    return text.fold(one).replace(" ", "") == text.fold(two).replace(" ", "")


def next_number(edition_id: int) -> int:
    """The next number of the edition; its row is locked so that two registrations wait for each other here."""
    db.session.execute(select(Edition.id).where(Edition.id == edition_id).with_for_update(key_share=True))
    last = db.session.scalar(select(func.max(Registration.number)).where(Registration.edition_id == edition_id))
    return (last or 100000) + 1


def _class(edition: Edition, code: str) -> VisitorClass:
    found = db.session.scalar(
        select(VisitorClass).where(VisitorClass.edition_id == edition.id, VisitorClass.code == code)
    )
    found = found or ensure_classes(edition).get(code)
    if found is None:
        raise RegistrationError("class")
    return found


def _person(command: RegisterCommand) -> Person:
    """The known person of the same name and address, left as it is: nobody proved to be that person. Otherwise a new one."""
    key = emails.email_key(command.email)
    number = phones.to_e164(command.phone, command.country or "CN") if command.phone else None
    query = select(Person).where(Person.erased_at.is_(None)).order_by(Person.id)
    known: list[Person] = []
    if key:
        known = list(db.session.scalars(query.where(Person.email == key).limit(20)))
    elif number:
        known = list(db.session.scalars(query.where(Person.phone == number).limit(20)))
    for person in known:
        if _same_name(person.name, command.name):
            return person
    return people.build_person(
        name=command.name, email=command.email, phone=number or command.phone, locale=command.locale,
        country=command.country, city=command.city,
    )  # fmt: skip


def find_company(name: str) -> Company | None:
    """The one company of exactly this name (normalised). Two of them, or a similar name, is for a person to decide."""
    key = company_key(name) if name else ""
    if not key:
        return None
    found = list(db.session.scalars(select(Company).where(Company.name_key == key).limit(2)))
    return found[0] if len(found) == 1 else None


def _came_before(person: Person, edition: Edition) -> bool:
    if person.id is None:
        return False
    return (
        db.session.scalar(
            select(Registration.id)
            .join(Registration.edition)
            .where(
                Registration.person_id == person.id,
                Edition.show_id == edition.show_id,
                Edition.starts_on < edition.starts_on,
                Registration.state != "cancelled",
            )
            .limit(1)
        )
        is not None
    )


def _answers(command: RegisterCommand) -> list[dict[str, str]]:
    """What was typed and is not kept elsewhere in those words."""
    typed = text.clean(command.phone_typed, limit=60)
    return [{"key": "phone_typed", "value": typed}] if typed and typed != command.phone else []


def set_keys(registration: Registration) -> None:
    """How the list sorts and finds it; no contact data in it."""
    full, _initials = text.pinyin(registration.name)
    registration.sort_key = (full or text.fold(registration.name))[:400]
    registration.search_key = text.search_key(registration.name, registration.company_name, str(registration.number))


def decide(registration: Registration, state: str, *, reason: str = "", mail: bool = True) -> Registration:
    """Approve, return, reject, cancel or look at it again. Raises RegistrationError("state", "reason-missing")."""
    before = registration.state
    if not review.may_change(before, state):
        raise RegistrationError("state")
    reason = text.clean(reason, limit=300)
    if state in review.NEEDS_REASON and text.is_blank(reason):
        raise RegistrationError("reason-missing")
    registration.state, registration.review_note = state, reason
    registration.decided_at = clock.now()
    db.session.flush()
    audit.record(
        f"registration.{_VERBS[state]}", "registration", registration.id, edition_id=registration.edition_id,
        changes={"state": [before, state]}, reason=reason,
    )  # fmt: skip
    if state in {"cancelled", "rejected"}:
        hooks.closed(registration)
    hooks.changed(registration)
    if mail:
        mails.tell_decision(registration)
    return registration


_VERBS = {
    "approved": "approve",
    "returned": "return",
    "rejected": "reject",
    "cancelled": "cancel",
    "in_review": "review",
}


def approve(registration: Registration, *, mail: bool = True) -> Registration:
    """Let the visitor in; the mail carries the ticket."""
    return decide(registration, "approved", mail=mail)


def change_class(registration: Registration, visitor_class: VisitorClass) -> None:
    if visitor_class.edition_id != registration.edition_id:
        raise RegistrationError("class")
    before = registration.visitor_class.code
    if before == visitor_class.code:
        return
    registration.visitor_class = visitor_class
    db.session.flush()
    audit.record(
        "registration.class", "registration", registration.id, edition_id=registration.edition_id,
        changes={"class": [before, visitor_class.code]},
    )  # fmt: skip
    hooks.changed(registration)


def correct(registration: Registration, **fields: Any) -> None:
    """Correct what stands on the badge and in the answers (``CORRECTABLE``). Raises RegistrationError("name-missing")."""
    unknown = set(fields) - set(CORRECTABLE)
    if unknown:
        raise TypeError(f"no such registration fields: {sorted(unknown)}")
    after = {
        k: text.clean(v or "", multiline=k == "looking_for", limit=2000 if k == "looking_for" else 300)
        for k, v in fields.items()
    }
    if "name" in after and text.is_blank(after["name"]):
        raise RegistrationError("name-missing")
    moved = audit.diff({k: getattr(registration, k) for k in after}, after)
    if not moved:
        return
    for key, value in after.items():
        setattr(registration, key, value)
    if "company_name" in moved:
        registration.company = find_company(registration.company_name)
    set_keys(registration)
    db.session.flush()
    audit.record(
        "registration.correct", "registration", registration.id, edition_id=registration.edition_id, changes=moved
    )
    hooks.changed(registration)


def answer_consent(registration: Registration, purpose: str, granted: bool, *, locale: str, channel: str) -> None:
    """Give or withdraw one consent, in the words shown now. Raises RegistrationError("purpose")."""
    wording = consent_text(purpose)
    if wording is None:
        raise RegistrationError("purpose")
    consents.record_consent(
        registration.person_id, purpose, granted, text_version=wording.version, locale=locale, channel=channel,
        edition_id=registration.edition_id,
    )  # fmt: skip
