"""Mails about a registration, in the visitor's language."""

from __future__ import annotations

from expo_crm.messaging import services as messaging
from expo_crm.visitors.models import Registration
from expo_crm.visitors.services import links, tickets
from expo_crm.web import i18n


def confirm(registration: Registration, *, again: str = "") -> bool:
    """The confirmation; an approved one carries the QR code and the calendar file. ``again`` names a wanted repetition.

    False when there is no address or this mail was written before.
    """
    person = registration.person
    if not person.email or registration.state not in {"approved", "submitted", "in_review"}:
        return False
    url = links.page_url(registration)
    files = []
    code = ""
    if registration.state == "approved":
        code = tickets.ticket_code(registration)
        picture = tickets.qr_png(code)
        with i18n.in_locale(registration.locale):
            dates = tickets.calendar(registration.edition, url=url, uid=f"r{registration.id}")
        files = [
            messaging.attachment("qr.png", "image/png", picture, cid="qr"),
            messaging.attachment(f"{registration.edition.slug}-{registration.number}.png", "image/png", picture),
            messaging.attachment(f"{registration.edition.slug}.ics", "text/calendar", dates),
        ]
    return bool(
        messaging.queue(
            "visitors_confirmation",
            to_email=person.email,
            to_name=registration.name,
            locale=registration.locale,
            context={"registration": registration, "edition": registration.edition, "link": url, "ticket": bool(code)},
            attachments=files,
            dedupe_key=f"registration:{registration.id}:{registration.state}{again and ':' + again}",
            edition_id=registration.edition_id,
            person_id=person.id,
        )
    )


def tell_decision(registration: Registration) -> bool:
    """What was decided; an approval is the confirmation with the ticket."""
    if registration.state in {"approved", "in_review"}:
        return confirm(
            registration, again=str(int(registration.decided_at.timestamp())) if registration.decided_at else ""
        )
    person = registration.person
    if not person.email:
        return False
    return bool(
        messaging.queue(
            "visitors_decision",
            to_email=person.email,
            to_name=registration.name,
            locale=registration.locale,
            context={
                "registration": registration,
                "edition": registration.edition,
                "link": links.page_url(registration),
            },
            edition_id=registration.edition_id,
            person_id=person.id,
        )
    )
