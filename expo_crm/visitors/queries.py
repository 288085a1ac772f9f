"""Reading registrations; always inside an edition or by the visitor's own token."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Consent, Participation, Person
from expo_crm.exhibitors.models import InvitationLink
from expo_crm.lib import ids
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import Registration, VisitorClass

_WHOLE = (
    joinedload(Registration.person),
    joinedload(Registration.visitor_class),
    joinedload(Registration.company),
    joinedload(Registration.edition).joinedload(Edition.show),
)


def find_registration(edition_id: int, registration_id: int) -> Registration | None:
    return db.session.scalar(
        select(Registration)
        .where(Registration.edition_id == edition_id, Registration.id == registration_id)
        .options(
            *_WHOLE,
            joinedload(Registration.invitation_link)
            .joinedload(InvitationLink.participation)
            .joinedload(Participation.company),
        )
    )


def find_by_token(token: str) -> Registration | None:
    """The registration whose page this token opens."""
    if not 16 <= len(token) <= 100:
        return None
    return db.session.scalar(
        select(Registration).where(Registration.token_hash == ids.hash_token(token)).options(*_WHOLE)
    )


def find_invitation(code: str) -> InvitationLink | None:
    """The link with this code; also when somebody typed it from paper: with small letters, hyphens, O for 0 or l for 1."""
    if not 4 <= len(code) <= 60:
        return None
    written = [code]
    with suppress(ids.CodeError):
        written.append(ids.read_code(code))
    return db.session.scalar(
        select(InvitationLink)
        .where(InvitationLink.code.in_(written))
        .order_by((InvitationLink.code == code).desc())
        .limit(1)
        .options(
            joinedload(InvitationLink.participation).joinedload(Participation.edition).joinedload(Edition.show),
            joinedload(InvitationLink.participation).joinedload(Participation.company),
        )
    )


def list_classes(edition_id: int) -> list[VisitorClass]:
    return list(
        db.session.scalars(
            select(VisitorClass).where(VisitorClass.edition_id == edition_id).order_by(VisitorClass.position)
        )
    )


def list_same_contact(edition_id: int, emails: Sequence[str], phones: Sequence[str]) -> list[Registration]:
    """Live registrations of the edition whose person has one of these addresses or numbers."""
    if not emails and not phones:
        return []
    return list(
        db.session.scalars(
            select(Registration)
            .join(Registration.person)
            .where(
                Registration.edition_id == edition_id,
                Registration.state.not_in(("cancelled", "rejected")),
                Person.email.in_(emails or [""]) & (Person.email != "")
                | Person.phone.in_(phones or [""]) & (Person.phone != ""),
            )
            .options(joinedload(Registration.person), joinedload(Registration.visitor_class))
            .order_by(Registration.id.desc())
            .limit(10)
        )
    )


def consents_of(registration: Registration) -> dict[str, Consent]:
    """The newest answer per purpose, of this edition."""
    rows = db.session.scalars(
        select(Consent)
        .where(Consent.person_id == registration.person_id, Consent.edition_id == registration.edition_id)
        .order_by(Consent.at, Consent.id)
    )
    return {c.purpose: c for c in rows}


def count_by_state(edition_id: int) -> dict[str, int]:
    rows = db.session.execute(
        select(Registration.state, func.count())
        .where(Registration.edition_id == edition_id)
        .group_by(Registration.state)
    )
    return {row[0]: row[1] for row in rows}


def list_exhibitors(edition_id: int) -> list[Participation]:
    """Everybody who exhibits in an edition, with company; represented companies have no stand and receive nothing."""
    return list(
        db.session.scalars(
            select(Participation)
            .where(
                Participation.edition_id == edition_id,
                Participation.role.in_(("main", "co")),
                Participation.outcome.in_(("planned", "exhibited")),
            )
            .options(joinedload(Participation.company))
        )
    )
