"""What exhibitors have done and not done, for one or for all of an edition in the same number of statements."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.accounts.models import User
from expo_crm.billing.models import Invoice, OrderLine
from expo_crm.db import db
from expo_crm.directory.models import Employment, Participation, Person
from expo_crm.exhibitors.domain.contract import BINDING
from expo_crm.exhibitors.domain.portal import Facts, Rule, Task, TaskKey, badge_quota, rules_of, tasks_of
from expo_crm.exhibitors.models import (
    Booth,
    BoothOccupant,
    BuildApproval,
    Contract,
    ContractBooth,
    DirectoryEntry,
    EntryChange,
    Fascia,
    PortalMember,
    PortalRules,
    PortalTaskKind,
    PortalWaiver,
    TaskReminder,
)
from expo_crm.exhibitors.services import portal_hooks
from expo_crm.lib import clock
from expo_crm.shows.models import Edition

SHOWN = ("sent", "signed", "in_force")
PAID, GONE = "paid", ("cancelled", "refunded")


def find_rules(edition_id: int) -> PortalRules | None:
    return db.session.scalar(select(PortalRules).where(PortalRules.edition_id == edition_id))


def task_rules(edition: Edition) -> dict[TaskKey, Rule]:
    """Deadlines of the edition's tasks, with the usual ones where the organizer set none."""
    rows = db.session.scalars(select(PortalTaskKind).where(PortalTaskKind.edition_id == edition.id))
    return rules_of(edition.starts_on, {r.key: Rule(r.due_on, r.active) for r in rows})


def list_participations(edition_id: int, ids: Sequence[int] | None = None) -> list[Participation]:
    """Exhibitors with tasks: main and co-exhibitors that come or came."""
    query = (
        select(Participation)
        .where(
            Participation.edition_id == edition_id,
            Participation.role.in_(("main", "co")),
            Participation.outcome != "cancelled",
        )
        .options(joinedload(Participation.company))
        .order_by(Participation.id)
    )
    if ids is not None:
        query = query.where(Participation.id.in_(ids))
    return list(db.session.scalars(query))


def stands_of(edition_id: int, companies: dict[int, int] | None = None) -> dict[int, list[Any]]:
    """participation id → rows of (booth_id, code, kind, area_m2, hall_id): occupied ones and those of a binding contract.

    ``companies`` (company → participation) narrows to these exhibitors.
    """
    columns = (Booth.id, Booth.code, Booth.kind, Booth.area_m2, Booth.hall_id)
    occupied = (
        select(BoothOccupant.participation_id, *columns)
        .join(Booth, Booth.id == BoothOccupant.booth_id)
        .where(Booth.edition_id == edition_id)
    )
    contracted = (
        select(Participation.id.label("participation_id"), *columns)
        .join(Contract, (Contract.company_id == Participation.company_id) & (Contract.edition_id == edition_id))
        .join(ContractBooth, ContractBooth.contract_id == Contract.id)
        .join(Booth, Booth.id == ContractBooth.booth_id)
        .where(Participation.edition_id == edition_id, ContractBooth.live, Contract.state.in_(BINDING))
    )
    if companies is not None:
        occupied = occupied.where(BoothOccupant.participation_id.in_(companies.values()))
        contracted = contracted.where(Participation.id.in_(companies.values()))
    out: dict[int, dict[int, Any]] = defaultdict(dict)
    for query in (occupied, contracted):
        for row in db.session.execute(query):
            out[row[0]][row[1]] = row
    return {pid: sorted(rows.values(), key=lambda r: r.code) for pid, rows in out.items()}


def facts_of(edition: Edition, participations: Sequence[Participation]) -> dict[int, Facts]:
    """What is known of each exhibitor, in a fixed number of statements."""
    ids = [p.id for p in participations]
    by_company = {p.company_id: p.id for p in participations}
    if not ids:
        return {}
    everybody = len(ids) > 200  # then reading the edition is cheaper than naming them
    found: dict[int, dict[str, Any]] = {pid: {"starts_on": edition.starts_on} for pid in ids}
    _read_money(edition.id, by_company, everybody, found)
    _read_texts(ids, found)
    _read_services(edition.id, ids, by_company, everybody, found)
    rules = find_rules(edition.id)
    badges, per_m2 = (rules.badges, rules.badge_m2) if rules else (3, Decimal(9))
    stands = stands_of(edition.id, None if everybody else by_company)
    counted = portal_hooks.counts(ids, "offers", "guests", "badges")
    for p in participations:
        mine, got = found[p.id], counted.get(p.id, {})
        kinds = {s.kind for s in stands.get(p.id, ())}
        area = p.net_m2 or sum((s.area_m2 for s in stands.get(p.id, ())), Decimal(0))
        mine |= {"shell": "shell" in kinds, "raw": "raw" in kinds, "quota": badge_quota(area, badges, per_m2)}
        mine |= {"offers": got.get("offers", 0), "invitations_used": got.get("registered", 0)}
        mine["badges"] = got.get("badges", 0)
    return {pid: Facts(**values) for pid, values in found.items()}


def _read_money(edition_id: int, by_company: dict[int, int], everybody: bool, found: dict[int, dict[str, Any]]) -> None:
    contracts = select(Contract.company_id, Contract.state).where(
        Contract.edition_id == edition_id, Contract.state.in_(SHOWN)
    )
    invoices = select(Invoice.company_id, Invoice.kind, Invoice.state, Invoice.due_on).where(
        Invoice.edition_id == edition_id, Invoice.kind.in_(("deposit", "instalment", "balance", "full")), Invoice.state.not_in(GONE)
    )
    if not everybody:
        contracts = contracts.where(Contract.company_id.in_(by_company))
        invoices = invoices.where(Invoice.company_id.in_(by_company))
    for company_id, state in db.session.execute(contracts.order_by(Contract.id)):
        if company_id in by_company:
            found[by_company[company_id]]["contract_state"] = state
    # Of several invoices of a kind the one that is to be paid next counts.
    for row in db.session.execute(invoices.order_by(Invoice.state == PAID, Invoice.due_on, Invoice.id)):
        if row.company_id not in by_company:
            continue
        mine, name = found[by_company[row.company_id]], "deposit" if row.kind == "deposit" else "balance"
        if f"{name}_due" not in mine:
            mine[f"{name}_due"], mine[f"{name}_paid"] = row.due_on, row.state == PAID


def _read_texts(ids: list[int], found: dict[int, dict[str, Any]]) -> None:
    entries = select(
        DirectoryEntry.participation_id,
        DirectoryEntry.name_zh,
        DirectoryEntry.name_en,
        DirectoryEntry.intro_zh,
        DirectoryEntry.intro_en,
    ).where(DirectoryEntry.participation_id.in_(ids))
    for row in db.session.execute(entries):
        found[row.participation_id]["entry_complete"] = all(row[1:])
    for pid in db.session.scalars(select(Fascia.participation_id).where(Fascia.participation_id.in_(ids))):
        found[pid]["fascia"] = True
    states = select(BuildApproval.participation_id, BuildApproval.state).where(BuildApproval.participation_id.in_(ids))
    for pid, state in db.session.execute(states):
        found[pid]["build_state"] = state


def _read_services(
    edition_id: int, ids: list[int], by_company: dict[int, int], everybody: bool, found: dict[int, dict[str, Any]]
) -> None:
    waived = select(PortalWaiver.participation_id).where(
        PortalWaiver.participation_id.in_(ids), PortalWaiver.key == TaskKey.SERVICES
    )
    for pid in db.session.scalars(waived):
        found[pid]["services"] = True
    ordered = select(OrderLine.company_id).where(OrderLine.edition_id == edition_id, OrderLine.state != "cancelled")
    if not everybody:
        ordered = ordered.where(OrderLine.company_id.in_(by_company))
    for company_id in db.session.scalars(ordered.distinct()):
        if company_id in by_company:
            found[by_company[company_id]]["services"] = True


def tasks_by_exhibitor(edition: Edition, participations: Sequence[Participation]) -> dict[int, list[Task]]:
    """participation id → its tasks today, where the show is."""
    rules, today = task_rules(edition), clock.local_day(clock.now(), edition.timezone)
    facts = facts_of(edition, participations)
    return {pid: tasks_of(values, today, rules) for pid, values in facts.items()}


def recipients_of(participations: Sequence[Participation]) -> dict[int, list[tuple[str, str, str, str]]]:
    """participation id → (e-mail, name, language, role) of its portal accounts; else of its main contact, as "main"."""
    companies = {p.company_id for p in participations}
    accounts: dict[int, list[tuple[str, str, str, str]]] = defaultdict(list)
    rows = db.session.execute(
        select(PortalMember.company_id, PortalMember.role, User.email, User.name, User.locale)
        .join(User, User.id == PortalMember.user_id)
        .where(PortalMember.company_id.in_(companies), User.active)
        .order_by(PortalMember.id)
    )
    for row in rows:
        accounts[row.company_id].append((row.email, row.name, row.locale, row.role))
    contacts = db.session.execute(
        select(Employment.company_id, Person.email, Person.name)
        .join(Person, Person.id == Employment.person_id)
        .where(
            Employment.company_id.in_(companies - set(accounts)),
            Employment.until.is_(None),
            Person.erased_at.is_(None),
            Person.email.is_not(None),
            Person.email != "",
        )
        .order_by(Employment.company_id, Employment.main_contact.desc(), Employment.id)
    )
    country = {p.company_id: p.company.country for p in participations}
    for company_id, email, name in contacts:
        if company_id not in accounts:
            locale = "zh" if country.get(company_id) in {"CN", "TW", "HK", "MO", None, ""} else "en"
            accounts[company_id] = [(email, name, locale, "main")]
    return {p.id: accounts.get(p.company_id, []) for p in participations}


def sent_steps(participation_ids: Sequence[int]) -> set[tuple[int, str, str, dt.date]]:
    """(participation, task, step, deadline) of the reminders that went out."""
    rows = db.session.execute(
        select(TaskReminder.participation_id, TaskReminder.key, TaskReminder.step, TaskReminder.due_on).where(
            TaskReminder.participation_id.in_(participation_ids)
        )
    )
    return {(r.participation_id, r.key, r.step, r.due_on) for r in rows}


def last_reminded(participation_ids: Sequence[int]) -> dict[int, dt.datetime]:
    rows = db.session.execute(
        select(TaskReminder.participation_id, func.max(TaskReminder.sent_at).label("at"))
        .where(TaskReminder.participation_id.in_(participation_ids))
        .group_by(TaskReminder.participation_id)
    )
    return {r.participation_id: r.at for r in rows}


def find_fascia(participation_id: int) -> Fascia | None:
    return db.session.scalar(select(Fascia).where(Fascia.participation_id == participation_id))


def find_approval(participation_id: int) -> BuildApproval | None:
    """With drawings (without their bytes) and remarks."""
    return db.session.scalar(
        select(BuildApproval)
        .where(BuildApproval.participation_id == participation_id)
        .options(selectinload(BuildApproval.drawings), selectinload(BuildApproval.remarks))
    )


def find_open_change(participation_id: int) -> EntryChange | None:
    return db.session.scalar(
        select(EntryChange).where(EntryChange.participation_id == participation_id, EntryChange.state == "open")
    )


def list_changes(participation_id: int) -> list[EntryChange]:
    return list(
        db.session.scalars(
            select(EntryChange)
            .where(EntryChange.participation_id == participation_id)
            .options(joinedload(EntryChange.asker), joinedload(EntryChange.decider))
            .order_by(EntryChange.id.desc())
        )
    )


def find_participation(edition_id: int, participation_id: int) -> Participation | None:
    return db.session.scalar(
        select(Participation)
        .where(Participation.id == participation_id, Participation.edition_id == edition_id)
        .options(joinedload(Participation.company), joinedload(Participation.edition))
    )
