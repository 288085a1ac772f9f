"""Writing the record, in the transaction of the change it tells of."""

from __future__ import annotations

from typing import Any

from flask import has_request_context
from sqlalchemy import select

from expo_crm.audit.models import AuditEntry
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.web.policy import Principal, current_principal

SYSTEM = Principal(kind="system", name="system")


def record(
    action: str,
    entity: str,
    entity_id: int | None,
    *,
    edition_id: int | None = None,
    changes: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """One entry. ``action`` is noun.verb as ``booth.hold``; ``changes`` maps field → [before, after], JSON-ready, no secrets."""
    who = current_principal() if has_request_context() else SYSTEM
    db.session.add(
        AuditEntry(
            at=clock.now(),
            actor_kind=who.kind,
            actor_id=who.id,
            actor_name=who.name,
            action=action,
            entity=entity,
            entity_id=entity_id,
            edition_id=edition_id,
            changes={k: _plain(v) for k, v in (changes or {}).items()},
            reason=reason[:500],
        )
    )


def record_look(entity: str, entity_id: int, *, edition_id: int | None = None) -> None:
    """Somebody looked at contact data (e-mail, phone) of this person or company."""
    record(f"{entity}.contact_view", entity, entity_id, edition_id=edition_id)


def diff(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """The fields that differ, as {field: [before, after]}."""
    return {k: [before.get(k), v] for k, v in after.items() if before.get(k) != v}


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (bool, int, float, str, dict)) else str(value)


def last_changes(entity: str, entity_id: int, limit: int = 1) -> list[AuditEntry]:
    """What was done to a thing, the newest first; looking at it is no change."""
    found = (
        select(AuditEntry)
        .where(AuditEntry.entity == entity, AuditEntry.entity_id == entity_id, AuditEntry.action != f"{entity}.contact_view")
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    return list(db.session.scalars(found))


def last_editor(entity: str, entity_id: int) -> str:
    """The name of who changed a thing last; "" when the record does not say."""
    return next((entry.actor_name for entry in last_changes(entity, entity_id)), "")
