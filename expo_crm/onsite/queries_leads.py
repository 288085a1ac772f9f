"""Reading leads. Every way out of here asks the visitor's consent and the organizer's policy: page, file, device and mail.

What is not released is not read at all: it can be neither searched nor sorted by, so that no list tells what it hides.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, case, distinct, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from expo_crm.db import db
from expo_crm.directory.models import Company, Consent, Participation, Person
from expo_crm.lib import clock
from expo_crm.onsite.domain import lead_release
from expo_crm.onsite.domain.lead_release import Answer, Policy
from expo_crm.onsite.models import (
    Device,
    Lead,
    LeadAnswer,
    LeadConsent,
    LeadEvent,
    LeadPolicy,
    LeadQuestion,
    LeadScan,
    LeadTag,
    LeadTagging,
)
from expo_crm.shows.models import Edition
from expo_crm.visitors.domain.vocabulary import BUYING_ROLES, FUNCTIONS
from expo_crm.visitors.models import Registration
from expo_crm.web.i18n import countries, locale

PURPOSE = "lead_sharing"


# -- consent and policy ----------------------------------------------------------------------------------------------


def _general(column: Any) -> Any:
    """The visitor's newest answer to all exhibitors of the edition, as a scalar of the lead's query."""
    return (
        select(column)
        .where(
            Consent.person_id == Registration.person_id,
            Consent.edition_id == Registration.edition_id,
            Consent.purpose == PURPOSE,
        )
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
        .correlate(Registration)
        .scalar_subquery()
    )


def allowed() -> ColumnElement[bool]:
    """SQL of ``lead_release.standing``: the visitor lets this exhibitor see something. Needs registration and person joined."""
    granted, at = _general(Consent.granted), _general(Consent.at)
    ended = and_(func.coalesce(granted, True).is_(False), at > Lead.own_at)
    return and_(
        Lead.registration_id.is_not(None),
        Person.erased_at.is_(None),
        case(
            (Lead.own_granted.is_(None), func.coalesce(granted, False)),
            (Lead.own_granted.is_(True), ~func.coalesce(ended, False)),
            else_=False,
        ).is_(True),
    )


def policy_of(edition_id: int) -> Policy:
    """The organizer's rules that hold now."""
    return policies_of([edition_id])[edition_id][-1]


def policies_of(edition_ids: Iterable[int]) -> dict[int, list[Policy]]:
    """Edition → its rules in the order of time; the default alone where nobody has set any."""
    out: dict[int, list[Policy]] = defaultdict(list)
    wanted = list(set(edition_ids))
    rows = db.session.scalars(
        select(LeadPolicy).where(LeadPolicy.edition_id.in_(wanted)).order_by(LeadPolicy.at, LeadPolicy.id)
    )
    for row in rows:
        if not out[row.edition_id]:
            out[row.edition_id].append(Policy())
        out[row.edition_id].append(Policy(tuple(row.fields), row.max_devices, row.ask, row.at))
    return {edition_id: out[edition_id] or [Policy()] for edition_id in wanted}


def _general_answers(registrations: Iterable[Registration]) -> dict[int, Answer]:
    """Registration → the newest answer to all exhibitors, in one statement."""
    known = {(r.person_id, r.edition_id): r.id for r in registrations}
    if not known:
        return {}
    rows = db.session.execute(
        select(Consent.person_id, Consent.edition_id, Consent.granted, Consent.text_version, Consent.at)
        .where(Consent.person_id.in_({p for p, _e in known}), Consent.purpose == PURPOSE)
        .order_by(Consent.at, Consent.id)
    )
    out = {}
    for row in rows:
        of = known.get((row.person_id, row.edition_id))
        if of is not None:
            out[of] = Answer(row.granted, row.text_version, row.at)
    # Two registrations of one person in one edition share their answers.
    for registration in registrations:
        shared = known.get((registration.person_id, registration.edition_id))
        if shared in out:
            out[registration.id] = out[shared]
    return out


# -- what may be seen ------------------------------------------------------------------------------------------------


@dataclass
class LeadView:
    """A lead as its exhibitor may see it. What is not released is empty here, whatever the database holds."""

    lead: Lead
    fields: tuple[str, ...] = ()
    consent: Answer | None = None
    withdrawn: bool = False
    name: str = ""
    company: str = ""
    job_title: str = ""
    phone: str = ""
    email: str = ""
    country: str = ""
    function: str = ""
    buying_role: str = ""
    looking_for: str = ""
    answers: dict[int, Any] = field(default_factory=dict)

    @property
    def id(self) -> int:
        return self.lead.id

    @property
    def released(self) -> bool:
        return bool(self.fields)

    @property
    def title(self) -> str:
        """What stands in place of the name."""
        return self.name or _("Visitor %(number)s", number=self.lead.id)


def view_of(lead: Lead) -> LeadView:
    return views_of([lead])[0]


def views_of(leads: Sequence[Lead]) -> list[LeadView]:
    """What their exhibitors may see of these leads, in four statements however many there are."""
    registrations = [x.registration for x in leads if x.registration is not None]
    general = _general_answers(registrations)
    policies = policies_of({x.participation.edition_id for x in leads})
    given: dict[int, dict[int, Any]] = defaultdict(dict)
    rows = db.session.execute(
        select(LeadAnswer.lead_id, LeadAnswer.question_id, LeadAnswer.value).where(
            LeadAnswer.lead_id.in_([x.id for x in leads])
        )
    )
    for row in rows:
        given[row.lead_id][row.question_id] = row.value.get("v")
    return [
        _view(x, general.get(x.registration_id or 0), policies[x.participation.edition_id][-1], given[x.id])
        for x in leads
    ]


def own_answer(lead: Lead) -> Answer | None:
    if lead.own_granted is None or lead.own_at is None:
        return None
    return Answer(lead.own_granted, lead.own_version, lead.own_at)


def _view(lead: Lead, general: Answer | None, policy: Policy, answers: dict[int, Any]) -> LeadView:
    visitor = lead.registration
    own = own_answer(lead)
    if visitor is None or visitor.person.erased_at is not None:
        return LeadView(lead, answers=answers)
    consent = lead_release.standing(own, general)
    fields = lead_release.released(policy, consent)
    if not fields:
        late = general is not None and not general.granted and general.at > lead.captured_at
        gone = (own is not None and not own.granted) or (consent is None and late)
        return LeadView(lead, consent=consent, withdrawn=gone, answers=answers)
    seen = LeadView(lead, fields, consent, answers=answers)
    if "name" in fields:
        seen.name = visitor.name
    if "company" in fields:
        seen.company = visitor.company_name
    if "job_title" in fields:
        seen.job_title = visitor.job_title
    if "phone" in fields:
        seen.phone = visitor.person.phone
    if "email" in fields:
        seen.email = visitor.person.email
    if "country" in fields and visitor.person.country:
        seen.country = countries(locale()).get(visitor.person.country, visitor.person.country)
    if "answers" in fields:
        seen.function = _(FUNCTIONS[visitor.function]) if visitor.function in FUNCTIONS else ""
        seen.buying_role = _(BUYING_ROLES[visitor.buying_role]) if visitor.buying_role in BUYING_ROLES else ""
        seen.looking_for = visitor.looking_for
    return seen


def _when(name: str, editions: Iterable[int], column: Any) -> Any:
    """The column where this field is released, else nothing: for sorting and searching."""
    return case((and_(allowed(), Participation.edition_id.in_(list(editions) or [0])), column), else_=None)


@dataclass(frozen=True)
class Keys:
    """SQL expressions over released data only."""

    name: Any
    company: Any
    search: Callable[[str], ColumnElement[bool]]


def keys_of(participations: Sequence[Participation]) -> Keys:
    """By what the leads of these participations may be sorted and searched, edition by edition of the policy."""
    from expo_crm.web import listing

    policies = policies_of({p.edition_id for p in participations})

    def releasing(*fields: str) -> list[int]:
        return [e for e, rules in policies.items() if all(f in rules[-1].fields for f in fields)]

    # The registration's search key is made of name and company together, so it needs both.
    whole = _when("search", releasing("name", "company"), Registration.search_key)

    def search(words: str) -> ColumnElement[bool]:
        note = func.lower(Lead.note)
        return or_(listing.contains(whole, words), note.like(f"%{_literal(words.lower())}%", escape="\\"))

    return Keys(
        _when("name", releasing("name"), Registration.sort_key),
        _when("company", releasing("company"), func.lower(Registration.company_name)),
        search,
    )


def _literal(words: str) -> str:
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# -- leads of an exhibitor -------------------------------------------------------------------------------------------


def leads_of(participation_ids: Sequence[int]) -> Select[Any]:
    """The leads of an exhibitor's participations, for ``listing.build``."""
    return _with_all(
        select(Lead)
        .join(Lead.participation)
        .outerjoin(Lead.registration)
        .outerjoin(Registration.person)
        .where(Lead.participation_id.in_(list(participation_ids) or [0]))
    )


def _with_all(query: Select[Any]) -> Select[Any]:
    return query.options(
        joinedload(Lead.participation).joinedload(Participation.company),
        joinedload(Lead.participation).joinedload(Participation.edition),
        joinedload(Lead.registration).joinedload(Registration.person),
        selectinload(Lead.tags),
    )


def find_lead(participation_ids: Sequence[int], lead_id: int) -> Lead | None:
    """A lead of this exhibitor; somebody else's is as little there as one that does not exist."""
    return db.session.scalar(leads_of(participation_ids).where(Lead.id == lead_id))


def find_lead_by_scan(device: Device, client_uuid: str) -> Lead | None:
    """The lead behind a reading of this device."""
    return db.session.scalar(
        _with_all(
            select(Lead)
            .join(LeadScan, LeadScan.lead_id == Lead.id)
            .where(LeadScan.device_id == device.id, LeadScan.client_uuid == client_uuid)
        )
    )


def list_participations(company_id: int) -> list[Participation]:
    """Every edition of a company, the newest first."""
    return list(
        db.session.scalars(
            select(Participation)
            .join(Participation.edition)
            .where(Participation.company_id == company_id)
            .order_by(Edition.starts_on.desc(), Participation.id)
            .options(joinedload(Participation.edition), joinedload(Participation.company))
        )
    )


def list_recent(participation_id: int, most: int = 30) -> list[Lead]:
    """The leads that this exhibitor's team read last."""
    newest = (
        select(LeadScan.lead_id, func.max(LeadScan.received_at).label("at"))
        .where(LeadScan.participation_id == participation_id, LeadScan.lead_id.is_not(None))
        .group_by(LeadScan.lead_id)
        .order_by(func.max(LeadScan.received_at).desc())
        .limit(most)
        .subquery()
    )
    query = select(Lead).join(newest, newest.c.lead_id == Lead.id).order_by(newest.c.at.desc(), Lead.id.desc())
    return list(db.session.scalars(_with_all(query)))


def list_scans(lead_id: int) -> list[LeadScan]:
    return list(
        db.session.scalars(
            select(LeadScan).where(LeadScan.lead_id == lead_id).order_by(LeadScan.scanned_at, LeadScan.id)
        )
    )


def list_events(lead_id: int) -> list[LeadEvent]:
    return list(
        db.session.scalars(select(LeadEvent).where(LeadEvent.lead_id == lead_id).order_by(LeadEvent.at, LeadEvent.id))
    )


# -- the exhibitor's own list of words and questions -----------------------------------------------------------------


def list_tags(company_id: int, *, retired: bool = False) -> list[LeadTag]:
    query = select(LeadTag).where(LeadTag.company_id == company_id)
    if not retired:
        query = query.where(LeadTag.retired_at.is_(None))
    return list(db.session.scalars(query.order_by(LeadTag.name)))


def count_tags(company_id: int) -> dict[int, int]:
    """Tag → how many leads carry it."""
    rows = db.session.execute(
        select(LeadTagging.tag_id, func.count())
        .join(LeadTag, LeadTag.id == LeadTagging.tag_id)
        .where(LeadTag.company_id == company_id)
        .group_by(LeadTagging.tag_id)
    )
    return {row[0]: row[1] for row in rows}


def list_questions(company_id: int, *, retired: bool = False) -> list[LeadQuestion]:
    query = select(LeadQuestion).where(LeadQuestion.company_id == company_id)
    if not retired:
        query = query.where(LeadQuestion.retired_at.is_(None))
    return list(db.session.scalars(query.order_by(LeadQuestion.position, LeadQuestion.id)))


def count_answers(company_id: int) -> dict[int, int]:
    """Question → how many leads answer it."""
    rows = db.session.execute(
        select(LeadAnswer.question_id, func.count())
        .join(LeadQuestion, LeadQuestion.id == LeadAnswer.question_id)
        .where(LeadQuestion.company_id == company_id)
        .group_by(LeadAnswer.question_id)
    )
    return {row[0]: row[1] for row in rows}


# -- devices ---------------------------------------------------------------------------------------------------------


def list_lead_devices(participation_id: int) -> list[Device]:
    return list(
        db.session.scalars(
            select(Device)
            .where(Device.participation_id == participation_id, Device.profile == "lead")
            .order_by(Device.revoked_at.is_not(None), Device.name, Device.id)
        )
    )


def find_lead_device(participation_id: int, device_id: int) -> Device | None:
    return db.session.scalar(
        select(Device).where(
            Device.id == device_id, Device.participation_id == participation_id, Device.profile == "lead"
        )
    )


def lead_numbers(device: Device) -> tuple[int, int]:
    """(highest number, how many) of the readings held of this device's present pairing."""
    row = db.session.execute(
        select(func.max(LeadScan.device_seq), func.count(LeadScan.device_seq)).where(
            LeadScan.device_id == device.id, LeadScan.received_at >= (device.paired_at or clock.now())
        )
    ).one()
    return row[0] or 0, row[1]


# -- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """What one device, named after whoever carries it, has brought in."""

    name: str
    scans: int
    leads: int
    hot: int
    first: dt.datetime
    last: dt.datetime


def team(participation_id: int) -> list[Member]:
    """Per person at the stand: readings, distinct leads, hot ones; who read most comes first."""
    rows = db.session.execute(
        select(
            LeadScan.scanned_by,
            func.count(LeadScan.id),
            func.count(distinct(LeadScan.lead_id)),
            func.count(distinct(case((Lead.temperature == "hot", Lead.id)))),
            func.min(LeadScan.scanned_at),
            func.max(LeadScan.scanned_at),
        )
        .outerjoin(Lead, Lead.id == LeadScan.lead_id)
        .where(LeadScan.participation_id == participation_id, LeadScan.result == "lead")
        .group_by(LeadScan.scanned_by)
        .order_by(func.count(LeadScan.id).desc(), LeadScan.scanned_by)
    )
    return [Member(*row) for row in rows]


@dataclass(frozen=True)
class Totals:
    """Of one participation. ``scans`` counts readings, ``leads`` distinct visitors."""

    leads: int = 0
    scans: int = 0
    released: int = 0
    hot: int = 0
    qualified: int = 0
    open: int = 0

    @property
    def quality(self) -> float | None:
        """Qualified, quoted or won ÷ leads."""
        return self.qualified / self.leads if self.leads else None


def totals(participation_id: int) -> Totals:
    row = db.session.execute(
        select(
            func.count(Lead.id),
            func.coalesce(func.sum(Lead.scans), 0),
            func.count(case((allowed(), Lead.id))),
            func.count(case((Lead.temperature == "hot", Lead.id))),
            func.count(case((Lead.state.in_(("qualified", "quoted", "won")), Lead.id))),
            func.count(case((Lead.state == "new", Lead.id))),
        )
        .outerjoin(Registration, Registration.id == Lead.registration_id)
        .outerjoin(Person, Person.id == Registration.person_id)
        .where(Lead.participation_id == participation_id)
    ).one()
    return Totals(*(int(v or 0) for v in row))


def by_day(participation: Participation) -> list[tuple[dt.date, int]]:
    """New leads per local day of the venue."""
    rows = db.session.scalars(select(Lead.captured_at).where(Lead.participation_id == participation.id))
    counted: dict[dt.date, int] = defaultdict(int)
    for at in rows:
        counted[clock.local_day(at, participation.edition.timezone)] += 1
    return sorted(counted.items())


# -- the organizer's side --------------------------------------------------------------------------------------------


def by_exhibitor(edition: Edition) -> Select[Any]:
    """Participation and figures, for ``listing.build(scalars=False)``: leads, scans, hot, last lead. Known visitors only."""
    counted = (
        select(
            Lead.participation_id,
            func.count(Lead.id).label("leads"),
            func.sum(Lead.scans).label("scans"),
            func.count(case((Lead.own_granted.is_(True), Lead.id))).label("asked"),
            func.max(Lead.captured_at).label("last"),
        )
        .where(Lead.registration_id.is_not(None))
        .group_by(Lead.participation_id)
        .subquery()
    )
    devices = (
        select(Device.participation_id, func.count(Device.id).label("devices"))
        .where(Device.profile == "lead", Device.revoked_at.is_(None))
        .group_by(Device.participation_id)
        .subquery()
    )
    return (
        select(
            Participation,
            func.coalesce(counted.c.leads, 0).label("leads"),
            func.coalesce(counted.c.scans, 0).label("scans"),
            func.coalesce(counted.c.asked, 0).label("asked"),
            counted.c.last.label("last"),
            func.coalesce(devices.c.devices, 0).label("devices"),
        )
        .join(Participation.company)
        .outerjoin(counted, counted.c.participation_id == Participation.id)
        .outerjoin(devices, devices.c.participation_id == Participation.id)
        .where(
            Participation.edition_id == edition.id,
            or_(counted.c.leads.is_not(None), devices.c.devices.is_not(None)),
        )
        .options(joinedload(Participation.company))
    )


# -- the visitor's side ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recipient:
    """An exhibitor that scanned the visitor: what it may see now, and what it has been able to see."""

    lead: Lead
    company: Company
    at: dt.datetime
    scans: int
    now: tuple[str, ...]
    ever: tuple[str, ...]


def recipients(registration: Registration) -> list[Recipient]:
    """Who has received the data of this visitor, newest first. Exhibitors that never received anything are left out."""
    leads = list(
        db.session.scalars(
            _with_all(select(Lead).where(Lead.registration_id == registration.id)).order_by(
                Lead.captured_at.desc(), Lead.id
            )
        )
    )
    general = _general_spans(registration)
    own = _own_answers([x.id for x in leads])
    rules = policies_of([registration.edition_id])[registration.edition_id]
    views = {v.lead.id: v for v in views_of(leads)}
    out = []
    for lead in leads:
        spans = _spans(lead, general, own[lead.id])
        ever = lead_release.ever_given(rules, spans)
        if ever:
            since = max(lead.captured_at, min(a.at for a, _until in spans))
            company = lead.participation.company
            out.append(Recipient(lead, company, since, lead.scans, views[lead.id].fields, ever))
    return out


def _general_spans(registration: Registration) -> list[Answer]:
    rows = db.session.scalars(
        select(Consent)
        .where(
            Consent.person_id == registration.person_id,
            Consent.edition_id == registration.edition_id,
            Consent.purpose == PURPOSE,
        )
        .order_by(Consent.at, Consent.id)
    )
    return [Answer(c.granted, c.text_version, c.at) for c in rows]


def _own_answers(lead_ids: list[int]) -> dict[int, list[Answer]]:
    out: dict[int, list[Answer]] = defaultdict(list)
    rows = db.session.scalars(
        select(LeadConsent).where(LeadConsent.lead_id.in_(lead_ids)).order_by(LeadConsent.at, LeadConsent.id)
    )
    for row in rows:
        out[row.lead_id].append(Answer(row.granted, row.text_version, row.at))
    return out


def _spans(lead: Lead, general: list[Answer], own: list[Answer]) -> list[tuple[Answer, dt.datetime | None]]:
    """From when to when this exhibitor could see the visitor, after its first scan."""
    moments = sorted({lead.captured_at, *(a.at for a in [*general, *own] if a.at > lead.captured_at)})
    out: list[tuple[Answer, dt.datetime | None]] = []
    for place, moment in enumerate(moments):
        one = next((a for a in reversed(own) if a.at <= moment), None)
        rest = next((a for a in reversed(general) if a.at <= moment), None)
        held = lead_release.standing(one, rest)
        if held is not None:
            until = moments[place + 1] if place + 1 < len(moments) else None
            out.append((Answer(True, held.version, moment), until))
    return out
