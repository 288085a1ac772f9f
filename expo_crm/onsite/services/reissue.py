"""New codes for the badges whose print was signed by a key that cannot be trusted any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select, update

from expo_crm.audit import services as audit
from expo_crm.db import checkpoint, db
from expo_crm.lib import clock, text
from expo_crm.onsite.models import Badge
from expo_crm.onsite.services import feed

CHUNK = 500
LAST_GENERATION = 255


def count_affected(edition_id: int, kid: int) -> int:
    return db.session.scalar(select(func.count()).select_from(_affected(edition_id, kid).subquery())) or 0


def reissue(edition_id: int, kid: int, reason: str, progress: Callable[[int, int], None] | None = None) -> int:
    """End the prints that this key signed: their codes are refused as replaced, the badges wait for a new print.

    A background job, committed every 500 badges so that gates wait for none of it; started again it goes on where it was.
    Returns how many badges.
    """
    total, done = count_affected(edition_id, kid), 0
    while True:
        ids = list(db.session.scalars(_affected(edition_id, kid).limit(CHUNK)))
        if not ids:
            break
        db.session.execute(
            update(Badge)
            .where(Badge.id.in_(ids))
            .values(
                generation=Badge.generation + 1,
                printed_at=None,
                key_id=None,
                state_reason=text.clean(reason, limit=300),
            )
            .execution_options(synchronize_session=False)
        )
        feed.changed(edition_id, *ids)
        checkpoint()
        done += len(ids)
        if progress:
            progress(done, max(done, total))
    if done:
        audit.record(
            "badge.reissue",
            "edition",
            edition_id,
            edition_id=edition_id,
            changes={"badges": done, "kid": kid, "at": clock.now().isoformat(timespec="seconds")},
            reason=reason,
        )
    return done


def _affected(edition_id: int, kid: int) -> Any:
    return (
        select(Badge.id)
        .where(
            Badge.edition_id == edition_id,
            Badge.key_id == kid,
            Badge.state == "active",
            Badge.generation < LAST_GENERATION,
        )
        .order_by(Badge.id)
    )
