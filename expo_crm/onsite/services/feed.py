"""The feed of badges: what a device must know of them, in the order in which it came to be.

Whoever changes a badge says so with ``changed``. At the end of the transaction the edition's version rises by one and the badges
take it over. The row of the version is locked only from then to the commit, so that versions have the order of the commits and a
long piece of work holds up nobody: who sees version n sees every change up to n.
"""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import event, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from expo_crm.db import db
from expo_crm.onsite.models import Badge, BadgeSetup

_WAITING = "badge_feed"
_CHUNK = 500


def changed(edition_id: int, *badge_ids: int) -> None:
    """Devices must hear of these badges; new badges are found by themselves. Without ids: of keys or classes."""
    waiting: dict[int, set[int]] = db.session.info.setdefault(_WAITING, {})
    waiting.setdefault(edition_id, set()).update(badge_ids)


def version(edition_id: int) -> int:
    """The newest version of an edition's feed; 0 when nothing was ever told."""
    return db.session.scalar(select(BadgeSetup.feed_version).where(BadgeSetup.edition_id == edition_id)) or 0


def _bump(session: Session, edition_id: int, badge_ids: set[int]) -> None:
    wanted = sorted(badge_ids)
    parts = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]
    for part in parts:
        # Badges first, then the counter: whoever holds a badge and waits for the counter must not be waited for.
        session.execute(select(Badge.id).where(Badge.id.in_(part)).order_by(Badge.id).with_for_update())
    new = session.execute(_raise(session, edition_id)).scalar_one()
    fresh = (Badge.edition_id == edition_id) & (Badge.feed_version == 0)
    for part in parts or [[]]:
        session.execute(
            update(Badge)
            .where(or_(fresh, Badge.id.in_(part)) if part else fresh)
            .values(feed_version=new)
            .execution_options(synchronize_session=False)
        )


def _raise(session: Session, edition_id: int) -> Any:
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert
    first = insert(BadgeSetup).values(
        edition_id=edition_id, feed_version=1, lineage=secrets.token_hex(8), code_mode="signed"
    )
    return first.on_conflict_do_update(
        index_elements=["edition_id"], set_={"feed_version": BadgeSetup.feed_version + 1}
    ).returning(BadgeSetup.feed_version)


@event.listens_for(db.session, "before_commit")
def _before_commit(session: Session) -> None:
    waiting = session.info.get(_WAITING)
    if not waiting or session.in_nested_transaction():
        return
    session.flush()
    for edition_id in sorted(waiting):
        _bump(session, edition_id, waiting[edition_id])
    waiting.clear()


@event.listens_for(db.session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(_WAITING, None)
