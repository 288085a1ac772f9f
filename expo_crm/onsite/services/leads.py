"""Leads: an exhibitor's stand staff scanned visitors' badges. Readings are kept, notes shared, and the visitor decides.

A reading is always stored. What the exhibitor then sees is asked of ``queries_leads`` each time, so a consent that is given
later opens the lead and one that is taken back closes it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.exhibitors.models import PortalMember
from expo_crm.lib import clock, ids
from expo_crm.messaging import services as mail
from expo_crm.onsite import queries_leads as queries
from expo_crm.onsite.domain import badge_code, lead_input, scan_input
from expo_crm.onsite.domain.lead_input import Details, EditCommand, ScanCommand, Tap
from expo_crm.onsite.domain.scan_input import SchemaError
from expo_crm.onsite.models import (
    Badge,
    Device,
    Lead,
    LeadAnswer,
    LeadConsent,
    LeadEvent,
    LeadQuestion,
    LeadScan,
    LeadTag,
    LeadTagging,
    OpaqueCode,
)
from expo_crm.onsite.services import keys
from expo_crm.visitors.domain.vocabulary import consent_text
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import links

_OPAQUE = re.compile(r"[A-Z2-7]{26}")
PROBING = 30  # codes a minute from one device that lead to no visitor: somebody is guessing
PACE = dt.timedelta(milliseconds=500)
BURST = dt.timedelta(seconds=10)


class Stale(Exception):
    """Somebody else has changed the lead since it was shown."""


class UuidReused(Exception):
    """The same client_uuid came with another code."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one reading: the lead (none when the code is no badge's), and whether it was known already."""

    client_uuid: str
    result: str  # lead | not_a_badge
    lead: Lead | None
    replayed: bool = False


# -- how often -------------------------------------------------------------------------------------------------------


def may_send(device: Device, weight: int = 1) -> bool:
    """Two requests a second over time, with room for a burst; the rest is kept in the device's row, so all processes share it."""
    now = clock.now()
    base = max(device.lead_rate_at or now, now)
    if base - now > BURST:
        return False
    device.lead_rate_at = base + PACE * weight
    device.seen_at = now
    return True


# -- readings --------------------------------------------------------------------------------------------------------


def store_scans(device: Device, commands: Sequence[ScanCommand]) -> list[Receipt | Exception]:
    """Keep readings, each for itself, in their order. A repeated one gives its first receipt.

    An item may come back as UuidReused, or as SchemaError when its notes do not fit the exhibitor's questions; the reading
    itself is stored then too, so that no visitor is lost for a wrong number.
    """
    participation = lock(device)
    found = known_scans(device, [c.client_uuid for c in commands])
    registrations = resolve(participation.edition_id, [c.code for c in commands])
    questions = _questions(participation.company_id) if any(c.details.answers for c in commands) else []
    out: list[Receipt | Exception] = []
    unknown = 0
    for command in commands:
        known = found.get(command.client_uuid)
        if known is not None:
            out.append(again(known, command))
            continue
        made, lead = _store(device, participation, command, registrations.get(command.code))
        found[command.client_uuid] = made
        unknown += lead is None or lead.registration_id is None
        problem: Exception | None = None
        if lead is not None:
            problem = _note_with_scan(lead, command, device, questions)
        out.append(problem or Receipt(command.client_uuid, made.result, lead))
    db.session.flush()
    if unknown:
        _watch(device)
    return out


def lock(device: Device) -> Participation:
    """One writer per exhibitor at a time: two devices that read the same visitor wait for each other here."""
    return db.session.execute(
        select(Participation).where(Participation.id == device.participation_id).with_for_update(key_share=True)
    ).scalar_one()


def known_scans(device: Device, uuids: list[str]) -> dict[str, LeadScan]:
    """Readings of this device that are stored, by their uuid."""
    rows = db.session.scalars(
        select(LeadScan).where(LeadScan.device_id == device.id, LeadScan.client_uuid.in_(uuids))
    )
    return {row.client_uuid: row for row in rows}


def again(known: LeadScan, command: ScanCommand) -> Receipt | UuidReused:
    """The first receipt once more; UuidReused when the uuid comes with another code."""
    if known.body_hash != _body_hash(command.code):
        return UuidReused(command.client_uuid)
    lead = db.session.get(Lead, known.lead_id) if known.lead_id else None
    return Receipt(command.client_uuid, known.result, lead, replayed=True)


def _body_hash(code: str) -> str:
    return ids.hash_token(code)


def _is_badge(code: str) -> bool:
    return isinstance(badge_code.parse(code), badge_code.Code) or bool(_OPAQUE.fullmatch(_clean(code)))


def _clean(code: str) -> str:
    return badge_code.clean(code) if len(code) <= badge_code.MAX_READ_CHARS else ""


def resolve(edition_id: int, codes: Iterable[str]) -> dict[str, int]:
    """Code → registration, for valid badges of approved visitors of this edition only. Two statements."""
    serials: dict[str, tuple[str, int]] = {}
    opaque: dict[str, str] = {}
    for code in codes:
        found = badge_code.parse(code)
        if isinstance(found, badge_code.Code):
            if found.payload.edition_id == edition_id and not keys.fault(found):
                serials[code] = (found.payload.serial_hex, found.payload.generation)
        elif _OPAQUE.fullmatch(_clean(code)):
            opaque[code] = _clean(code)
    good = (
        select(Registration.id, Badge.serial, Badge.generation)
        .join(Badge, Badge.registration_id == Registration.id)
        .where(Badge.edition_id == edition_id, Badge.state == "active", Registration.state == "approved")
    )
    out: dict[str, int] = {}
    if serials:
        rows = db.session.execute(good.where(Badge.serial.in_({s for s, _g in serials.values()})))
        known = {(row.serial, row.generation): row.id for row in rows}
        out |= {code: known[key] for code, key in serials.items() if key in known}
    if opaque:
        rows = db.session.execute(
            good.add_columns(OpaqueCode.code)
            .join(OpaqueCode, OpaqueCode.badge_id == Badge.id)
            .where(OpaqueCode.code.in_(set(opaque.values())), OpaqueCode.generation == Badge.generation)
        )
        by_text = {row.code: row.id for row in rows}
        out |= {code: by_text[text] for code, text in opaque.items() if text in by_text}
    return out


def _store(
    device: Device, participation: Participation, command: ScanCommand, registration_id: int | None
) -> tuple[LeadScan, Lead | None]:
    return add_reading(device, participation, reading_of(device, command, registration_id))


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading without the text that was read."""

    client_uuid: str
    device_seq: int | None
    code_hash: str
    body_hash: str
    badge: bool
    registration_id: int | None
    at: dt.datetime
    suspect: bool
    offline: bool


def reading_of(device: Device, command: ScanCommand, registration_id: int | None) -> Reading:
    """What is kept of a reading; its time is put right by the device's clock."""
    offset = dt.timedelta(milliseconds=device.clock_offset_ms or 0)
    at, suspect = scan_input.correct(command.device_time, command.time_unreadable, offset, device.paired_at, clock.now())
    code_hash, badge = ids.hash_token(_clean(command.code)), _is_badge(command.code)
    return Reading(
        command.client_uuid, command.device_seq, code_hash, _body_hash(command.code), badge, registration_id, at, suspect,
        command.offline,
    )  # fmt: skip


def add_reading(device: Device, participation: Participation, reading: Reading) -> tuple[LeadScan, Lead | None]:
    """Store one reading, and its lead when it is a badge."""
    lead = None
    if reading.badge:
        lead = _lead_of(participation, reading.registration_id, reading.code_hash, device.name, reading.at)
    scan = LeadScan(
        participation_id=participation.id,
        device_id=device.id,
        client_uuid=reading.client_uuid,
        device_seq=reading.device_seq,
        lead_id=lead.id if lead else None,
        code_hash=reading.code_hash,
        body_hash=reading.body_hash,
        result="lead" if reading.badge else "not_a_badge",
        scanned_by=device.name,
        scanned_at=reading.at,
        received_at=clock.now(),
        offline=reading.offline,
        clock_suspect=reading.suspect,
    )
    db.session.add(scan)
    db.session.flush()
    return scan, lead


def _lead_of(
    participation: Participation, registration_id: int | None, code_hash: str, by: str, at: dt.datetime
) -> Lead:
    """The lead of this visitor, or of this code; made or counted up. Late uploads may move its beginning, never its notes."""
    subject = "registration_id" if registration_id else "code_hash"
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    statement = insert(Lead).values(
        participation_id=participation.id,
        registration_id=registration_id,
        code_hash=None if registration_id else code_hash,
        state="new",
        temperature="",
        stars=0,
        scans=1,
        note="",
        captured_by=by,
        captured_at=at,
        version=0,
        own_version="",
    )
    row = db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["participation_id", subject], set_={"scans": Lead.scans + 1}
        ).returning(Lead.id, Lead.scans)
    ).one()
    lead = db.session.get_one(Lead, row.id, populate_existing=True)
    if row.scans == 1:
        audit.record("lead.capture", "lead", lead.id, edition_id=participation.edition_id)
    elif at < lead.captured_at:
        lead.captured_at, lead.captured_by = at, by
    return lead


def _note_with_scan(
    lead: Lead, command: ScanCommand, device: Device, questions: list[lead_input.Question]
) -> Exception | None:
    try:
        change(lead, command.details, device.name, merge_note=True, questions=questions)
    except SchemaError as error:
        return error
    if command.consent is not None:
        tap(lead, command.consent)
    return None


def _watch(device: Device) -> None:
    """Tell the record when a device sends many codes that belong to nobody."""
    since = clock.now() - dt.timedelta(minutes=1)
    count = db.session.scalar(
        select(func.count())
        .select_from(LeadScan)
        .outerjoin(Lead, Lead.id == LeadScan.lead_id)
        .where(LeadScan.device_id == device.id, LeadScan.received_at >= since, Lead.registration_id.is_(None))
    )
    if count and count >= PROBING and (device.lead_alarm_at is None or device.lead_alarm_at < since):
        device.lead_alarm_at = clock.now()
        audit.record("device.probing", "device", device.id, edition_id=device.edition_id, changes={"codes": [None, count]})


def edit_by_device(device: Device, command: EditCommand) -> Lead:
    """Notes from a device of the stand. Raises LookupError (no such reading of it, no such lead of the exhibitor), SchemaError.

    A note that was written without sight of a colleague's is added to it, so that neither is lost.
    """
    participation = lock(device)
    if command.client_uuid is not None:
        lead = queries.find_lead_by_scan(device, command.client_uuid)
    else:
        lead = queries.find_lead([participation.id], command.lead_id or 0)
    if lead is None:
        raise LookupError("lead")
    questions = _questions(participation.company_id)
    change(lead, command.details, device.name, merge_note=command.version != lead.version, questions=questions)
    if command.consent is not None:
        tap(lead, command.consent)
    return lead


# -- notes -----------------------------------------------------------------------------------------------------------


def change(
    lead: Lead,
    details: Details,
    who: str,
    *,
    version: int | None = None,
    merge_note: bool = False,
    questions: Iterable[lead_input.Question] | None = None,
) -> bool:
    """Take over what was noted, field by field, with a line in the history; False when nothing is new.

    ``version`` is the state that was edited: another one raises Stale. ``merge_note`` adds to a note that is there instead
    of replacing it, for what was written without sight of it. Raises SchemaError for strange tags and answers.
    """
    if details.empty:
        return False
    if version is not None and version != lead.version:
        raise Stale
    company_id = lead.participation.company_id
    known = list(questions) if questions is not None else _questions(company_id)
    answers = lead_input.check_answers(details.answers, known) if details.answers else {}
    tags = _tags(company_id, details.tags) if details.tags is not None else None
    before = {name: getattr(lead, name) for name in ("temperature", "stars", "state", "note")}
    for name in ("temperature", "stars", "state"):
        value = getattr(details, name)
        if value is not None:
            setattr(lead, name, value)
    if details.note is not None:
        lead.note = _joined(lead.note, details.note) if merge_note else details.note
    moved = audit.diff(before, {name: getattr(lead, name) for name in before})
    if tags is not None:
        moved |= _set_tags(lead, tags)
    moved |= _set_answers(lead, answers, who)
    if not moved:
        return False
    lead.edited_at = clock.now()
    lead.version += 1
    db.session.add(LeadEvent(lead_id=lead.id, at=lead.edited_at, who=who, kind="edit", data=moved))
    audit.record(
        "lead.edit", "lead", lead.id, edition_id=lead.participation.edition_id,
        changes={"fields": [None, sorted(moved)]},  # what was written is the exhibitor's own
    )  # fmt: skip
    db.session.flush()
    return True


def _joined(old: str, new: str) -> str:
    if not new or new in old:
        return old
    if old in new:
        return new
    return "\n".join(p for p in (old, new) if p)[: lead_input.NOTE_LIMIT]


def _questions(company_id: int) -> list[lead_input.Question]:
    """All of the exhibitor's questions, retired wordings too."""
    return [question_rule(q) for q in queries.list_questions(company_id, retired=True)]


def question_rule(question: LeadQuestion) -> lead_input.Question:
    return lead_input.Question(question.id, question.kind, tuple(question.options or ()), question.required)


def _tags(company_id: int, tag_ids: tuple[int, ...]) -> list[LeadTag]:
    known = {t.id: t for t in queries.list_tags(company_id, retired=True)}
    if any(t not in known for t in tag_ids):
        raise SchemaError("details.tags")
    return [known[t] for t in tag_ids]


def _set_tags(lead: Lead, tags: list[LeadTag]) -> dict[str, Any]:
    rows = db.session.execute(
        select(LeadTagging.tag_id, LeadTag.name).join(LeadTag).where(LeadTagging.lead_id == lead.id)
    )
    held = {row.tag_id: row.name for row in rows}
    wanted = {t.id: t.name for t in tags}
    if held.keys() == wanted.keys():
        return {}
    gone = held.keys() - wanted.keys()
    if gone:
        db.session.execute(delete(LeadTagging).where(LeadTagging.lead_id == lead.id, LeadTagging.tag_id.in_(gone)))
    db.session.add_all(LeadTagging(lead_id=lead.id, tag_id=t) for t in wanted.keys() - held.keys())
    db.session.flush()
    db.session.expire(lead, ["tags"])
    return {"tags": [sorted(held.values()), sorted(wanted.values())]}


def _set_answers(lead: Lead, answers: Mapping[int, Any], who: str) -> dict[str, Any]:
    if not answers:
        return {}
    held = {
        a.question_id: a
        for a in db.session.scalars(
            select(LeadAnswer).where(LeadAnswer.lead_id == lead.id, LeadAnswer.question_id.in_(list(answers)))
        )
    }
    moved: dict[str, Any] = {}
    for question_id, value in answers.items():
        old = held.get(question_id)
        before = old.value.get("v") if old else None
        if before == value:
            continue
        moved[f"q{question_id}"] = [before, value]
        if old is not None and value is None:
            db.session.delete(old)
        elif old is not None:
            old.value, old.by, old.at = {"v": value}, who, clock.now()
        else:
            db.session.add(
                LeadAnswer(lead_id=lead.id, question_id=question_id, value={"v": value}, by=who, at=clock.now())
            )
    db.session.flush()
    return moved


# -- what the visitor says -------------------------------------------------------------------------------------------


def tap(lead: Lead, answer: Tap) -> bool:
    """The visitor agreed on the exhibitor's device. True when it counts.

    It counts once per wording, only for a visitor of the edition, only where the organizer allows asking, and the visitor
    gets a mail that tells of it and how to take it back: the device is in the exhibitor's hand.
    """
    wording = consent_text(queries.PURPOSE)
    policy = queries.policy_of(lead.participation.edition_id)
    if wording is None or answer.version != wording.version or not policy.ask or lead.registration is None:
        return False
    if lead.registration.person.erased_at is not None or queries.view_of(lead).released:
        return False
    _answer_own(lead, True, answer.version, answer.locale, "lead_device")
    person = lead.registration.person
    if person.email:
        mail.queue(
            "onsite_lead_agreed",
            to_email=person.email,
            to_name=lead.registration.name,
            locale=lead.registration.locale,
            context={
                "name": lead.registration.name,
                "company": lead.participation.company,
                "edition": lead.participation.edition,
                "link": links.page_url(lead.registration),
            },
            edition_id=lead.participation.edition_id,
            person_id=person.id,
        )
    return True


def _answer_own(lead: Lead, granted: bool, version: str, locale: str, channel: str) -> None:
    now = clock.now()
    db.session.add(
        LeadConsent(lead_id=lead.id, granted=granted, text_version=version, locale=locale, channel=channel, at=now)
    )
    lead.own_granted, lead.own_version, lead.own_at = granted, version, now
    kind = "consent" if granted else "withdrawal"
    db.session.add(LeadEvent(lead_id=lead.id, at=now, who="", kind=kind, data={"channel": channel}))
    audit.record(
        f"lead.{kind}", "lead", lead.id, edition_id=lead.participation.edition_id,
        changes={"text": version, "channel": channel},
    )  # fmt: skip
    db.session.flush()


def withdraw(lead: Lead, *, locale: str) -> bool:
    """The visitor takes the data back from one exhibitor: masked from now on, and the exhibitor is told. False when it was."""
    if lead.own_granted is False:
        return False
    consent = queries.view_of(lead).consent
    _answer_own(lead, False, consent.version if consent else lead.own_version, locale, "visitor_page")
    tell_withdrawn([lead])
    return True


def allow_again(lead: Lead, *, locale: str) -> bool:
    """The visitor lets an exhibitor see the data again. False when nothing was taken back."""
    wording = consent_text(queries.PURPOSE)
    if wording is None or lead.own_granted is not False:
        return False
    _answer_own(lead, True, wording.version, locale, "visitor_page")
    return True


def consent_answered(person_id: int, purpose: str, granted: bool, edition_id: int | None) -> None:
    """Called after every answer to all exhibitors: a no tells those that could see the visitor until now."""
    if purpose != queries.PURPOSE or granted:
        return
    wanted = select(Lead).join(Lead.registration).where(Registration.person_id == person_id)
    if edition_id is not None:
        wanted = wanted.where(Registration.edition_id == edition_id)
    leads = list(db.session.scalars(wanted))
    if not leads:
        return
    now = clock.now()
    ended = {v.lead.id for v in queries.views_of(leads) if not v.released}
    given = {r.lead.id for visitor in {x.registration for x in leads if x.registration} for r in queries.recipients(visitor)}
    gone = [x for x in leads if x.id in ended & given and x.own_granted is not False and not _told(x)]
    for lead in gone:
        db.session.add(LeadEvent(lead_id=lead.id, at=now, who="", kind="withdrawal", data={"channel": "all"}))
    tell_withdrawn(gone)


def _told(lead: Lead) -> bool:
    """The exhibitor knows of the last withdrawal already: nothing was given since."""
    newest = db.session.scalar(
        select(LeadEvent.kind)
        .where(LeadEvent.lead_id == lead.id, LeadEvent.kind.in_(("consent", "withdrawal")))
        .order_by(LeadEvent.at.desc(), LeadEvent.id.desc())
        .limit(1)
    )
    return newest == "withdrawal"


def tell_withdrawn(leads: Sequence[Lead]) -> None:
    """One mail to everybody who acts for the exhibitor: the lead's number and time, nothing of the person."""
    for lead in leads:
        company = lead.participation.company
        members = db.session.scalars(select(PortalMember).where(PortalMember.company_id == company.id))
        for member in members:
            if not member.user.active:
                continue
            mail.queue(
                "onsite_lead_withdrawn",
                to_email=member.user.email,
                to_name=member.user.name,
                locale=member.user.locale,
                context={
                    "name": member.user.name,
                    "company": company,
                    "edition": lead.participation.edition,
                    "lead": lead,
                    "link": _portal_url(lead),
                },
                edition_id=lead.participation.edition_id,
                company_id=company.id,
            )


def _portal_url(lead: Lead) -> str:
    from flask import current_app, url_for

    base: str = current_app.config["SETTINGS"].base_url
    return base + url_for("onsite.portal_lead", participation_id=lead.participation_id, lead_id=lead.id)

