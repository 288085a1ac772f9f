"""Consent: every answer is a new row; the newest row per purpose holds."""

from __future__ import annotations

import datetime as dt

from flask import current_app

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.directory.models import Consent
from expo_crm.lib import clock


def record_consent(
    person_id: int,
    purpose: str,
    granted: bool,
    *,
    text_version: str,
    locale: str,
    channel: str,
    edition_id: int | None = None,
    at: dt.datetime | None = None,
) -> Consent:
    """What the person answered to this wording (``text_version``), in which language and over which channel.

    Purposes in use: ``lead_sharing`` (an exhibitor that scans the badge gets contact data), ``marketing``,
    ``matchmaking``. Read with ``directory.queries.consent_of``. Packages above that hold data on its strength are told:
    ``app.extensions["expo_consent_answered"]``, called with person, purpose, answer and edition.
    """
    consent = Consent(
        person_id=person_id,
        edition_id=edition_id,
        purpose=purpose,
        granted=granted,
        text_version=text_version,
        locale=locale,
        channel=channel,
        at=at or clock.now(),
    )
    db.session.add(consent)
    db.session.flush()
    audit.record(
        "consent.give" if granted else "consent.refuse",
        "person",
        person_id,
        edition_id=edition_id,
        changes={"purpose": purpose, "text": text_version, "channel": channel},
    )
    tell = current_app.extensions.get("expo_consent_answered")
    if tell:
        tell(person_id, purpose, granted, edition_id)
    return consent
