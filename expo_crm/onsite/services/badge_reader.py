"""Reading a badge away from the gates: at the door of an event, at the arrival desk. The same codes, keys and rows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.directory.models import Participation
from expo_crm.onsite.domain import badge_code
from expo_crm.onsite.models import Badge, OpaqueCode
from expo_crm.onsite.services import keys

OPAQUE_CHARS = 26


@dataclass(frozen=True, slots=True)
class BadgeRead:
    """A badge of the edition, or what is wrong: unreadable, not_genuine, wrong_show, unknown, replaced, blocked."""

    badge: Badge | None = None
    fault: str = ""


def read(edition_id: int, text: str) -> BadgeRead:
    """Look at what a scanner, a camera or a person typed. Never raises for a bad code."""
    if len(badge_code.clean(text)) == OPAQUE_CHARS:
        return _opaque(edition_id, badge_code.clean(text))
    code = badge_code.parse(text)
    if isinstance(code, badge_code.Unreadable):
        return BadgeRead(fault="unreadable")
    if keys.fault(code):
        return BadgeRead(fault="not_genuine")
    if code.payload.edition_id != edition_id:
        return BadgeRead(fault="wrong_show")
    badge = _find(edition_id, Badge.serial == code.payload.serial_hex)
    is_print = code.payload.purpose == badge_code.Purpose.BADGE
    return _judge(badge, code.payload.generation if is_print else None)


def _opaque(edition_id: int, text: str) -> BadgeRead:
    known = db.session.scalar(select(OpaqueCode).where(OpaqueCode.code == text))
    if known is None:
        return BadgeRead(fault="unknown")
    badge = _find(edition_id, Badge.id == known.badge_id)
    if badge is None:
        return BadgeRead(fault="wrong_show")
    return _judge(badge, known.generation if known.purpose == "badge" else None)


def _find(edition_id: int, condition: object) -> Badge | None:
    return db.session.scalar(
        select(Badge)
        .where(Badge.edition_id == edition_id, condition)  # type: ignore[arg-type]
        .options(
            joinedload(Badge.visitor_class),
            joinedload(Badge.registration),
            joinedload(Badge.participation).joinedload(Participation.company),
        )
    )


def _judge(badge: Badge | None, generation: int | None) -> BadgeRead:
    """``generation`` is that of a print; the code in a mail has none that could be outdated."""
    if badge is None:
        return BadgeRead(fault="unknown")
    if badge.state == "replaced" or (generation is not None and generation != badge.generation):
        return BadgeRead(badge, "replaced")
    if badge.state in {"blocked", "revoked"}:
        return BadgeRead(badge, "blocked")
    return BadgeRead(badge)
