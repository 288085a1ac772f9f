"""Leads: an exhibitor scanned a visitor's badge. Without the visitor's consent nothing is given and nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory import queries as directory
from expo_crm.directory.models import Participation
from expo_crm.lib import clock, text
from expo_crm.onsite.domain import badge_code
from expo_crm.onsite.models import Badge, Lead
from expo_crm.onsite.services import keys
from expo_crm.visitors.models import Registration

CONSENT = "lead_sharing"
STATES = ("new", "contacted", "qualified", "quoted", "won", "lost")
TEMPERATURES = ("", "hot", "warm", "cold")


@dataclass(frozen=True, slots=True)
class Captured:
    """The lead, and whether this reading made it."""

    lead: Lead
    new: bool


def capture_lead(
    participation: Participation, code: str, *, by: str = "", note: str = "", temperature: str = ""
) -> Captured | None:
    """Keep a visitor as a lead of this exhibitor. A further reading of the same pair raises ``scans``.

    None when there is nothing to give: an unknown, foreign, withdrawn or staff badge, or a visitor who did not agree. The
    caller says the same in every case, so that nobody learns from the answer whether a badge exists.
    """
    registration = _find(participation.edition_id, code)
    if registration is None or not _agreed(registration):
        return None
    now = clock.now()
    insert = (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
    values = {
        "participation_id": participation.id,
        "registration_id": registration.id,
        "state": "new",
        "temperature": temperature if temperature in TEMPERATURES else "",
        "scans": 1,
        "note": text.clean(note, multiline=True, limit=5000),
        "captured_by": text.clean(by, limit=300),
        "captured_at": now,
    }
    statement = insert(Lead).values(values)
    row = db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["participation_id", "registration_id"], set_={"scans": Lead.scans + 1}
        ).returning(Lead.id, Lead.scans)
    ).one()
    lead = db.session.get_one(Lead, row.id, populate_existing=True)
    if row.scans == 1:
        audit.record("lead.capture", "lead", lead.id, edition_id=participation.edition_id)
    elif note or temperature:
        lead.note = "\n".join(p for p in (lead.note, values["note"]) if p)
        lead.temperature = values["temperature"] or lead.temperature
        db.session.flush()
    return Captured(lead, row.scans == 1)


def _find(edition_id: int, raw: str) -> Registration | None:
    found = badge_code.parse(raw)
    if isinstance(found, badge_code.Unreadable) or found.payload.edition_id != edition_id or keys.fault(found):
        return None
    badge = db.session.scalar(
        select(Badge).where(Badge.edition_id == edition_id, Badge.serial == found.payload.serial_hex)
    )
    if badge is None or badge.state != "active" or badge.registration is None:
        return None
    if badge.registration.state != "approved" or badge.generation != found.payload.generation:
        return None
    return badge.registration


def _agreed(registration: Registration) -> bool:
    consent = directory.consent_of(registration.person_id, CONSENT, registration.edition_id)
    return consent is not None and consent.granted
