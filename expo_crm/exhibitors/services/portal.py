"""The exhibitor portal: who may act for which company, the directory entry, the invitation link, what is still to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app, g, url_for
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from expo_crm.accounts import services as accounts
from expo_crm.accounts.models import OneTimeLink, User, UserSession
from expo_crm.audit import services as audit
from expo_crm.billing import queries as billing
from expo_crm.billing.domain.invoice import InvoiceState
from expo_crm.billing.models import Invoice
from expo_crm.db import db
from expo_crm.directory.models import Company, Participation
from expo_crm.exhibitors import queries, queries_tasks
from expo_crm.exhibitors.domain.contract import BINDING, ContractState
from expo_crm.exhibitors.domain.portal import Role, Task
from expo_crm.exhibitors.models import (
    Booth,
    BoothOccupant,
    Contract,
    ContractBooth,
    DirectoryEntry,
    InvitationLink,
    PortalMember,
)
from expo_crm.exhibitors.services import portal_hooks
from expo_crm.lib import clock, emails, ids, text
from expo_crm.messaging import services as mail
from expo_crm.shows.models import Edition

VISIBLE = (ContractState.SENT, ContractState.SIGNED, ContractState.IN_FORCE, ContractState.CANCELLED)
"""A draft is the organizer's own until it is sent."""


class PortalError(ValueError):
    """A refusal. ``code``: "email-format", "email-staff", "member-already", "last-member", "label-blank", "label-taken", "label-many"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# --- who may ---------------------------------------------------------------------------------------------------------


def list_participations(user_id: int) -> list[Participation]:
    """What the account may see, newest edition first."""
    query = (
        select(Participation)
        .join(PortalMember, PortalMember.company_id == Participation.company_id)
        .join(Edition, Edition.id == Participation.edition_id)
        .where(PortalMember.user_id == user_id)
        .order_by(Edition.starts_on.desc(), Participation.id)
        .options(joinedload(Participation.company), joinedload(Participation.edition).joinedload(Edition.show))
    )
    return list(db.session.scalars(query))


def default_of(participations: list[Participation]) -> Participation | None:
    """The edition that comes next, else the newest."""
    today = clock.now().date()
    ahead = [p for p in participations if p.edition.ends_on >= today and p.outcome != "cancelled"]
    return min(ahead, key=lambda p: p.edition.starts_on, default=participations[0] if participations else None)


def enter(user_id: int, participation_id: int) -> Participation | None:
    """The participation when the account may act for its company, else None: unknown and foreign ids look the same.

    Sets ``g.edition`` and what the portal's frame shows.
    """
    mine = list_participations(user_id)
    found = next((p for p in mine if p.id == participation_id), None)
    if found is not None:
        g.edition, g.portal, g.portal_others = found.edition, found, mine
        g.portal_role = role_of(user_id, found.company_id)
    return found


def role_of(user_id: int, company_id: int) -> str:
    """main | finance | staff; "" for somebody who has no access."""
    query = select(PortalMember.role).where(PortalMember.user_id == user_id, PortalMember.company_id == company_id)
    return db.session.scalar(query) or ""


def list_members(company_id: int) -> list[PortalMember]:
    return list(
        db.session.scalars(
            select(PortalMember)
            .join(User, User.id == PortalMember.user_id)
            .where(PortalMember.company_id == company_id, User.active)
            .order_by(User.name, PortalMember.id)
            .options(joinedload(PortalMember.user))
        )
    )


def list_open_links(company_id: int) -> list[OneTimeLink]:
    """Invitations that nobody has accepted yet and that still work."""
    return list(
        db.session.scalars(
            select(OneTimeLink)
            .where(
                OneTimeLink.purpose == "portal",
                OneTimeLink.company_id == company_id,
                OneTimeLink.used_at.is_(None),
                OneTimeLink.expires_at > clock.now(),
            )
            .order_by(OneTimeLink.created_at.desc())
        )
    )


def invite(participation: Participation, email: str, name: str, locale: str, role: str = Role.MAIN) -> None:
    """Mail a contact the way into the portal: a link that works once, or the news that an account may see one company more.

    Raises PortalError: "email-format", "email-staff", "member-already".
    """
    address = emails.email_key(email)
    if address is None:
        raise PortalError("email-format")
    user = db.session.scalar(select(User).where(User.email == address))
    if user is not None and user.kind != "exhibitor":
        raise PortalError("email-staff")
    base: str = current_app.config["SETTINGS"].base_url
    known = user is not None and user.active and user.password_hash is not None
    if user is not None and known:
        if not add_member(user, participation.company_id, role):
            raise PortalError("member-already")
        link, locale = base + url_for("exhibitors.portal_home"), user.locale
    else:
        token = accounts.create_link(
            "portal", address, name=name, role=str(role), company_id=participation.company_id
        )
        link = base + url_for("accounts.welcome", token=token)
    mail.queue(
        "exhibitors_portal_invitation",
        to_email=address,
        to_name=name,
        locale=locale,
        context={
            "name": name,
            "company": participation.company,
            "edition": participation.edition,
            "link": link,
            "known": known,
        },
        edition_id=participation.edition_id,
        company_id=participation.company_id,
    )
    audit.record(
        "portal.invite",
        "company",
        participation.company_id,
        edition_id=participation.edition_id,
        changes={"known": known, "role": str(role)},
    )


def add_member(user: User, company_id: int, role: str = Role.MAIN) -> bool:
    """Let an account act for a company. False when it may already."""
    try:
        with db.session.begin_nested():
            db.session.add(PortalMember(user_id=user.id, company_id=company_id, role=str(role)))
            db.session.flush()
    except IntegrityError:
        return False
    audit.record("portal.member", "company", company_id, changes={"user_id": [None, user.id]})
    return True


def accept(link: OneTimeLink, user: User) -> None:
    """An invitation was accepted: the account belongs to its company, whose links for customers are made ready."""
    if link.purpose != "portal" or link.company_id is None or db.session.get(Company, link.company_id) is None:
        return
    add_member(user, link.company_id, link.role if link.role in set(Role) else Role.MAIN)
    for participation in db.session.scalars(
        select(Participation).where(Participation.company_id == link.company_id, Participation.outcome == "planned")
    ):
        ensure_link(participation)


def remove_member(participation: Participation, member_id: int) -> None:
    """Take the way in from somebody. Raises PortalError("last-member"), LookupError."""
    members = list_members(participation.company_id)
    found = next((m for m in members if m.id == member_id), None)
    if found is None:
        raise LookupError(member_id)
    if found.role == Role.MAIN and sum(m.role == Role.MAIN for m in members) == 1:
        raise PortalError("last-member")
    audit.record("portal.member", "company", participation.company_id, changes={"user_id": [found.user_id, None]})
    db.session.execute(delete(PortalMember).where(PortalMember.id == found.id))


def set_role(participation: Participation, member_id: int, role: str) -> None:
    """Another role for a member. Raises PortalError("last-member") for the last main contact, LookupError."""
    members = list_members(participation.company_id)
    found = next((m for m in members if m.id == member_id), None)
    if found is None or role not in set(Role):
        raise LookupError(member_id)
    if found.role == Role.MAIN != role and sum(m.role == Role.MAIN for m in members) == 1:
        raise PortalError("last-member")
    before, found.role = found.role, role
    db.session.flush()
    audit.record(
        "portal.role", "company", participation.company_id, changes={"user_id": found.user_id, "role": [before, role]}
    )


def last_seen(user_ids: list[int]) -> dict[int, Any]:
    """When each account was last here."""
    if not user_ids:
        return {}
    rows = db.session.execute(
        select(UserSession.user_id, func.max(UserSession.seen_at).label("seen"))
        .where(UserSession.user_id.in_(user_ids))
        .group_by(UserSession.user_id)
    )
    return {row.user_id: row.seen for row in rows}


# --- what there is ---------------------------------------------------------------------------------------------------


def list_contracts(participation: Participation) -> list[Contract]:
    """The contracts that the exhibitor may see, newest first."""
    found = queries.list_contracts_of_company(participation.company_id, participation.edition_id)
    return [c for c in found if c.state in VISIBLE]


def find_contract(participation: Participation, contract_id: int) -> Contract | None:
    found = queries.find_contract(participation.edition_id, contract_id)
    mine = found is not None and found.company_id == participation.company_id and found.state in VISIBLE
    return found if mine else None


def list_invoices(participation: Participation) -> list[Invoice]:
    """Invoices with their payments, the first due on top; cancelled ones stay in sight."""
    found = billing.list_invoices_of_company(participation.company_id, participation.edition_id)
    return sorted(found, key=lambda i: (i.state == InvoiceState.CANCELLED, i.due_on, i.id))


def find_invoice(participation: Participation, invoice_id: int) -> Invoice | None:
    found = billing.find_invoice(participation.edition_id, invoice_id)
    return found if found is not None and found.company_id == participation.company_id else None


def list_booths(participation: Participation) -> list[Booth]:
    """Where the exhibitor stands: its booths and those that its signed contract names."""
    occupied = select(BoothOccupant.booth_id).where(BoothOccupant.participation_id == participation.id)
    contracted = (
        select(ContractBooth.booth_id)
        .join(Contract, Contract.id == ContractBooth.contract_id)
        .where(
            ContractBooth.live,
            Contract.company_id == participation.company_id,
            Contract.edition_id == participation.edition_id,
            Contract.state.in_(BINDING),
        )
    )
    query = (
        select(Booth)
        .where(Booth.edition_id == participation.edition_id, Booth.id.in_(occupied.union(contracted)))
        .options(joinedload(Booth.hall))
        .order_by(Booth.hall_id, Booth.sort_key)
    )
    return list(db.session.scalars(query))


# --- directory entry -------------------------------------------------------------------------------------------------

ENTRY_FIELDS = ("name_zh", "name_en", "intro_zh", "intro_en", "website")


@dataclass
class Entry:
    """The directory entry as a form shows it: what was saved, else what the company's own record says."""

    name_zh: str = ""
    name_en: str = ""
    intro_zh: str = ""
    intro_en: str = ""
    website: str = ""
    brands: tuple[str, ...] = ()
    saved: bool = False

    @property
    def complete(self) -> bool:
        return self.saved and all((self.name_zh, self.name_en, self.intro_zh, self.intro_en))

    @property
    def filled(self) -> int:
        """How many of the four texts in two languages are there."""
        return sum(bool(v) for v in (self.name_zh, self.name_en, self.intro_zh, self.intro_en))


def get_entry(participation: Participation) -> Entry:
    found = find_entry(participation.id)
    source: Any = found or participation.company
    values = {name: getattr(source, name) or "" for name in ENTRY_FIELDS}
    return Entry(**values, brands=tuple(found.brands) if found else (), saved=found is not None)


def find_entry(participation_id: int) -> DirectoryEntry | None:
    return db.session.scalar(select(DirectoryEntry).where(DirectoryEntry.participation_id == participation_id))


def clean_field(name: str, value: str) -> str:
    """A text of the entry as it is stored."""
    intro = name.startswith("intro")
    return text.clean(value, multiline=intro, limit=4000 if intro else 300)


def save_entry(
    participation: Participation, values: Mapping[str, str], brands: list[str], category_ids: list[int]
) -> None:
    """Store the entry and the categories; the company's own record stays the organizer's."""
    found = find_entry(participation.id)
    if found is None:
        found = DirectoryEntry(participation_id=participation.id, updated_at=clock.now())
        db.session.add(found)
    before = {name: getattr(found, name) or "" for name in ENTRY_FIELDS} | {"brands": found.brands or []}
    after: dict[str, Any] = {name: clean_field(name, values.get(name, "")) for name in ENTRY_FIELDS}
    after["brands"] = brands[:30]
    for name, value in after.items():
        setattr(found, name, value)
    found.updated_at = clock.now()
    db.session.flush()
    moved = audit.diff(before, after)
    if moved:
        audit.record(
            "entry.save", "participation", participation.id, edition_id=participation.edition_id, changes=moved
        )
    known = portal_hooks.offers_of(participation.id)
    if set(known) != set(category_ids):
        portal_hooks.set_offers(participation, {c: known.get(c, "") for c in category_ids})


# --- inviting customers ----------------------------------------------------------------------------------------------


def find_link(participation_id: int, label: str = "") -> InvitationLink | None:
    """The exhibitor's own link, or that of a stand member."""
    return db.session.scalar(
        select(InvitationLink).where(
            InvitationLink.participation_id == participation_id, InvitationLink.label == label
        )
    )


def list_links(participation_id: int) -> list[InvitationLink]:
    """The company's own link first, then those of its people."""
    return list(
        db.session.scalars(
            select(InvitationLink)
            .where(InvitationLink.participation_id == participation_id)
            .order_by(InvitationLink.label != "", InvitationLink.id)
        )
    )


def ensure_link(participation: Participation, label: str = "") -> InvitationLink:
    """The exhibitor's personal link (with ``label``: a stand member's), made when it is missing."""
    found = find_link(participation.id, label)
    if found is not None:
        return found
    new = InvitationLink(
        participation_id=participation.id, label=label, code=ids.new_code(10), created_at=clock.now()
    )
    try:
        with db.session.begin_nested():
            db.session.add(new)
            db.session.flush()
    except IntegrityError:  # made in another tab at the same moment
        found = find_link(participation.id, label)
        if found is None:
            raise
        return found
    audit.record("invitation.link", "participation", participation.id, edition_id=participation.edition_id)
    return new


MOST_LINKS = 60


def add_member_link(participation: Participation, name: str) -> InvitationLink:
    """A link of its own for somebody on the stand. Raises PortalError: "label-blank", "label-taken", "label-many"."""
    label = text.clean(name, limit=100)
    if text.is_blank(label):
        raise PortalError("label-blank")
    if find_link(participation.id, label) is not None:
        raise PortalError("label-taken")
    if len(list_links(participation.id)) >= MOST_LINKS:
        raise PortalError("label-many")
    return ensure_link(participation, label)


def link_url(link: InvitationLink) -> str:
    """The whole address, as customers get it."""
    base: str = current_app.config["SETTINGS"].base_url
    return f"{base}/i/{link.code}"


# --- what is still to do ---------------------------------------------------------------------------------------------


@dataclass
class Overview:
    """Everything that the first page shows."""

    tasks: list[Task]
    contracts: list[Contract]
    invoices: list[Invoice]
    booths: list[Booth]
    entry: Entry
    offers: int
    links: list[InvitationLink]
    use: portal_hooks.InvitationUse


def overview(participation: Participation) -> Overview:
    links = list_links(participation.id)
    tasks = queries_tasks.tasks_by_exhibitor(participation.edition, [participation])[participation.id]
    return Overview(
        tasks,
        list_contracts(participation),
        list_invoices(participation),
        list_booths(participation),
        get_entry(participation),
        len(portal_hooks.offers_of(participation.id)),
        links,
        portal_hooks.invitation_use(*(link.id for link in links)),
    )
