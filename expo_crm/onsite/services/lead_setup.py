"""What surrounds lead capture: the organizer's rules, an exhibitor's tags, questions and devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.lib import clock, ids, text
from expo_crm.onsite import queries_leads as queries
from expo_crm.onsite.domain import lead_input
from expo_crm.onsite.domain.lead_release import FIELDS, MOST_DEVICES, Policy
from expo_crm.onsite.models import Device, LeadAnswer, LeadPolicy, LeadQuestion, LeadTag
from expo_crm.onsite.services import devices
from expo_crm.shows.models import Edition

MOST_QUESTIONS = 20
MOST_TAGS = 60


class SetupError(ValueError):
    """A refusal. ``code``: "device-limit", "tag-double", "tag-many", "question-many", "question-options", "blank"."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# -- the organizer's rules -------------------------------------------------------------------------------------------


def set_policy(edition: Edition, fields: Sequence[str], max_devices: int, ask: bool) -> None:
    """Say which fields exhibitors see of visitors who agreed, and how many devices each may use. Holds at once, for all leads."""
    before = queries.policy_of(edition.id)
    after = Policy(tuple(f for f in FIELDS if f in fields), min(max(max_devices, 0), MOST_DEVICES), ask)
    moved = audit.diff(_plain(before), _plain(after))
    if not moved:
        return
    db.session.add(
        LeadPolicy(
            edition_id=edition.id, fields=list(after.fields), max_devices=after.max_devices, ask=ask, at=clock.now()
        )
    )
    db.session.flush()
    audit.record("lead_policy.set", "edition", edition.id, edition_id=edition.id, changes=moved)


def _plain(policy: Policy) -> dict[str, object]:
    return {"fields": list(policy.fields), "max_devices": policy.max_devices, "ask": policy.ask}


# -- devices ---------------------------------------------------------------------------------------------------------


def add_device(participation: Participation, name: str) -> tuple[Device, str]:
    """A device of an exhibitor and its pairing token, shown once. Raises SetupError("blank", "device-limit").

    Withdrawn devices and pairing codes that nobody used in time do not count.
    """
    name = text.clean(name, limit=60)
    if text.is_blank(name):
        raise SetupError("blank")
    _check_limit(participation)
    device, token = devices.create_device(participation.edition, None, name, "lead")
    device.participation_id = participation.id
    db.session.flush()
    return device, token


def pair_again(participation: Participation, device: Device) -> str:
    """A new pairing token for a device of this exhibitor. Raises SetupError("device-limit")."""
    if not counts(device):
        _check_limit(participation)
    return devices.new_pairing(device)


def counts(device: Device) -> bool:
    """Does it take one of the exhibitor's places?"""
    if device.revoked_at is not None:
        return False
    waits = device.pairing_expires_at is not None and device.pairing_expires_at > clock.now()
    return device.token_hash is not None or waits


def _check_limit(participation: Participation) -> None:
    # The row is locked, so two browsers at once do not both get the last place.
    db.session.execute(
        select(Participation.id).where(Participation.id == participation.id).with_for_update(key_share=True)
    )
    used = sum(counts(d) for d in queries.list_lead_devices(participation.id))
    if used >= queries.policy_of(participation.edition_id).max_devices:
        raise SetupError("device-limit")


# -- tags ------------------------------------------------------------------------------------------------------------


def add_tag(company_id: int, name: str) -> LeadTag:
    """A word for the exhibitor's list; a retired one comes back. Raises SetupError("blank", "tag-double", "tag-many")."""
    name = text.clean(name, limit=40)
    if text.is_blank(name):
        raise SetupError("blank")
    known = queries.list_tags(company_id, retired=True)
    same = next((t for t in known if text.fold(t.name) == text.fold(name)), None)
    if same is not None and same.retired_at is None:
        raise SetupError("tag-double")
    if sum(t.retired_at is None for t in known) >= MOST_TAGS:
        raise SetupError("tag-many")
    if same is not None:
        same.retired_at = None
        db.session.flush()
        return same
    made = LeadTag(company_id=company_id, name=name)
    try:
        with db.session.begin_nested():
            db.session.add(made)
            db.session.flush()
    except IntegrityError:  # added in another tab at the same moment
        raise SetupError("tag-double") from None
    audit.record("lead_tag.add", "company", company_id, changes={"name": [None, name]})
    return made


def retire_tag(tag: LeadTag) -> None:
    """No longer offered; leads that carry it keep it."""
    tag.retired_at = tag.retired_at or clock.now()
    audit.record("lead_tag.retire", "company", tag.company_id, changes={"name": [tag.name, None]})
    db.session.flush()


# -- questions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wording:
    """A question as the exhibitor writes it."""

    kind: str
    text: str
    options: tuple[str, ...] = ()
    required: bool = False


def read_options(raw: str) -> tuple[str, ...]:
    """One option per line, doubles once."""
    lines = (text.clean(line, limit=120) for line in raw.splitlines())
    return tuple(dict.fromkeys(line for line in lines if not text.is_blank(line)))


def save_question(company_id: int, wording: Wording, question: LeadQuestion | None = None) -> LeadQuestion:
    """Add a question, or change one: with answers the old wording stays theirs and a new version takes its place.

    Raises SetupError("blank", "question-many", "question-options").
    """
    clean = _checked(wording)
    present = queries.list_questions(company_id)
    if question is None:
        if len(present) >= MOST_QUESTIONS:
            raise SetupError("question-many")
        place = max((q.position for q in present), default=0) + 1
        return _add(company_id, clean, ids.new_token(64), 1, place)
    if _same(question, clean):
        return question
    answered = db.session.scalar(
        select(func.count()).select_from(LeadAnswer).where(LeadAnswer.question_id == question.id)
    )
    if not answered:
        question.kind, question.text, question.options, question.required = (
            clean.kind, clean.text, list(clean.options), clean.required,
        )  # fmt: skip
        db.session.flush()
        audit.record("lead_question.change", "company", company_id, changes={"text": [None, clean.text]})
        return question
    question.retired_at = clock.now()
    return _add(company_id, clean, question.key, question.version + 1, question.position)


def _checked(wording: Wording) -> Wording:
    words = text.clean(wording.text, limit=300)
    if text.is_blank(words) or wording.kind not in lead_input.KINDS:
        raise SetupError("blank")
    options = wording.options if wording.kind in {"single", "multi"} else ()
    if wording.kind in {"single", "multi"} and not 2 <= len(options) <= lead_input.MOST_OPTIONS:
        raise SetupError("question-options")
    return Wording(wording.kind, words, options, wording.required)


def _same(question: LeadQuestion, wording: Wording) -> bool:
    return Wording(question.kind, question.text, tuple(question.options), question.required) == wording


def _add(company_id: int, wording: Wording, key: str, version: int, position: int) -> LeadQuestion:
    made = LeadQuestion(
        company_id=company_id, key=key, version=version, kind=wording.kind, text=wording.text,
        options=list(wording.options), required=wording.required, position=position,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    audit.record("lead_question.add", "company", company_id, changes={"text": [None, wording.text], "version": version})
    return made


def retire_question(question: LeadQuestion) -> None:
    """No longer asked; its answers stay."""
    question.retired_at = question.retired_at or clock.now()
    audit.record("lead_question.retire", "company", question.company_id, changes={"text": [question.text, None]})
    db.session.flush()


def move_question(question: LeadQuestion, up: bool) -> None:
    """One place up or down among the questions that are asked."""
    order = queries.list_questions(question.company_id)
    place = next((i for i, q in enumerate(order) if q.id == question.id), None)
    if place is None:
        return
    other = place + (-1 if up else 1)
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    for number, one in enumerate(order, 1):
        one.position = number
    db.session.flush()
