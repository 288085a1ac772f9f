"""The kiosk: a visitor's ticket becomes a badge. Only what the ticket opens is shown, and only once is it printed."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.onsite.domain import badge_code
from expo_crm.onsite.domain.badge_code import Purpose, Unreadable
from expo_crm.onsite.models import Badge, OpaqueCode, PrintJob
from expo_crm.onsite.services import badges, keys, printing
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import registrations

PASS_SECONDS = 180  # from reading the ticket to confirming
REASONS = (
    "malformed", "unknown", "bad_signature", "wrong_show", "not_a_ticket", "replaced", "cancelled", "not_approved",
    "blocked", "printed", "no_printer", "too_late",
)  # fmt: skip


class Refusal(Exception):
    """The kiosk cannot help; ``reason`` is one of REASONS and the desk can."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Opened:
    """What a ticket opens, and the pass with which this kiosk may print it within three minutes."""

    badge: Badge
    registration: Registration
    token: str


def open_ticket(edition_id: int, kiosk_id: int, raw: str) -> Opened:
    """Read a ticket. Raises Refusal."""
    badge = _find(edition_id, raw)
    registration = badge.registration
    if registration is None:
        raise Refusal("not_a_ticket")
    _check(badge, registration)
    if printing.printer_of(kiosk_id, edition_id) is None:
        raise Refusal("no_printer")
    token = _signer().dumps([kiosk_id, badge.id, badge.generation])
    return Opened(badge, registration, token)


def _find(edition_id: int, raw: str) -> Badge:
    parsed = badge_code.parse(raw)
    if isinstance(parsed, Unreadable):
        return _find_opaque(edition_id, raw, parsed.reason)
    if fault := keys.fault(parsed):
        raise Refusal("bad_signature" if fault == "bad_signature" else "unknown")
    payload = parsed.payload
    if payload.edition_id != edition_id:
        raise Refusal("wrong_show")
    if payload.purpose is not Purpose.TICKET:
        raise Refusal("not_a_ticket")
    badge = _badge(Badge.edition_id == edition_id, Badge.serial == payload.serial_hex)
    if badge is None:
        raise Refusal("unknown")
    return badge


def _find_opaque(edition_id: int, raw: str, reason: str) -> Badge:
    """Codes of shows that stay online say nothing by themselves."""
    code = badge_code.clean(raw[: badge_code.MAX_READ_CHARS])
    known = db.session.scalar(select(OpaqueCode).where(OpaqueCode.code == code)) if code else None
    if known is None:
        raise Refusal("malformed" if reason == "malformed" else "unknown")
    badge = _badge(Badge.id == known.badge_id)
    if badge is None or badge.edition_id != edition_id:
        raise Refusal("wrong_show")
    if known.purpose != "ticket":
        raise Refusal("not_a_ticket")
    return badge


def _badge(*where: object) -> Badge | None:
    return db.session.scalar(
        select(Badge)
        .where(*where)  # type: ignore[arg-type]
        .options(
            joinedload(Badge.visitor_class),
            joinedload(Badge.registration).joinedload(Registration.person),
            joinedload(Badge.edition),
        )
    )


def _check(badge: Badge, registration: Registration) -> None:
    if registration.state in {"cancelled", "rejected"}:
        raise Refusal("cancelled")
    if registration.state != "approved":
        raise Refusal("not_approved")
    if badge.state != "active":
        raise Refusal("replaced" if badge.state == "replaced" else "blocked")
    if badge.printed_at is not None:
        raise Refusal("printed")


def confirm(
    edition_id: int, kiosk_id: int, token: str, *, name: str, company: str, job_title: str, key: str
) -> PrintJob:
    """Correct what the visitor corrected and send the badge to the kiosk's printer. The same ``key`` again is the same print.

    Raises Refusal, and registrations.RegistrationError("name-missing").
    """
    try:
        kiosk, badge_id, generation = _signer().loads(token, max_age=PASS_SECONDS)
    except SignatureExpired:
        raise Refusal("too_late") from None
    except (BadSignature, ValueError, TypeError):
        raise Refusal("malformed") from None
    if kiosk != kiosk_id:
        raise Refusal("malformed")
    badge = _badge(Badge.edition_id == edition_id, Badge.id == badge_id)
    if badge is None or badge.registration is None:
        raise Refusal("unknown")
    known = printing.find_by_key(key)
    if known is not None and known.badge_id == badge.id:
        return known
    if badge.generation != generation:
        raise Refusal("replaced")
    _check(badge, badge.registration)
    printer = printing.printer_of(kiosk_id, edition_id)
    if printer is None:
        raise Refusal("no_printer")
    registrations.correct(badge.registration, name=name, company_name=company, job_title=job_title)
    try:
        return printing.enqueue(badge, key=key, device_id=printer.id, kiosk_id=kiosk_id)
    except printing.AlreadyPrinted:
        raise Refusal("printed") from None
    except badges.NotPrintable:
        raise Refusal("blocked") from None


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="kiosk-pass")
