"""Opaque badge codes, for shows whose gates are always online: 128 random bits that say nothing and only the server can look up.

One code per badge, purpose and generation, so that a reprint gets another one and the old one is known as replaced.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.onsite.domain import badge_code
from expo_crm.onsite.domain.badge_code import Payload, Purpose
from expo_crm.onsite.models import Badge, BadgeSetup, OpaqueCode
from expo_crm.onsite.services import feed
from expo_crm.shows.models import Edition

MODES = ("signed", "opaque")
_CHUNK = 500


def mode_of(edition_id: int) -> str:
    """How new codes of this edition are made: signed (gates work without a network) or opaque."""
    found = db.session.scalar(select(BadgeSetup.code_mode).where(BadgeSetup.edition_id == edition_id))
    return found or "signed"


def set_mode(edition: Edition, mode: str) -> None:
    """Change how codes are made from now on. Codes that are printed already stay good, of either kind."""
    if mode not in MODES:
        raise ValueError(f"no mode {mode!r}")
    before = mode_of(edition.id)
    if before == mode:
        return
    insert = _insert()
    values = {"edition_id": edition.id, "feed_version": 0, "lineage": secrets.token_hex(8), "code_mode": mode}
    db.session.execute(
        insert(BadgeSetup)
        .values(values)
        .on_conflict_do_update(index_elements=["edition_id"], set_={"code_mode": mode})
    )
    audit.record(
        "badge.code_mode", "edition", edition.id, edition_id=edition.id, changes={"code_mode": [before, mode]}
    )
    feed.changed(edition.id)


def codes_for(badges: Iterable[Badge], purpose: Purpose) -> dict[int, str]:
    """Badge id → code, for their present generations; missing ones are made. Two statements per 500 badges."""
    wanted = {b.id: b.generation for b in badges}
    word, now = purpose.name.lower(), clock.now()
    ids = sorted(wanted)
    out: dict[int, str] = {}
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        out |= _known(part, word, wanted)
        missing = [i for i in part if i not in out]
        if missing:
            rows = [
                {
                    "code": badge_code.new_opaque(secrets.token_bytes(16)),
                    "badge_id": i,
                    "purpose": word,
                    "generation": wanted[i],
                    "made_at": now,
                }
                for i in missing
            ]
            db.session.execute(_insert()(OpaqueCode).on_conflict_do_nothing(), rows)
            out |= _known(missing, word, wanted)
    return out


def _known(ids: list[int], purpose: str, generations: dict[int, int]) -> dict[int, str]:
    rows = db.session.execute(
        select(OpaqueCode.badge_id, OpaqueCode.generation, OpaqueCode.code).where(
            OpaqueCode.badge_id.in_(ids), OpaqueCode.purpose == purpose
        )
    )
    return {badge_id: code for badge_id, generation, code in rows if generations[badge_id] == generation}


_RESOLVE = (
    select(OpaqueCode.code, OpaqueCode.purpose, OpaqueCode.generation, Badge.serial, Edition.id, Edition.starts_on, Edition.ends_on)
    .join(Badge, Badge.id == OpaqueCode.badge_id)
    .join(Edition, Edition.id == Badge.edition_id)
)  # fmt: skip


def resolve(connection: Connection, codes: Iterable[str]) -> dict[str, Payload]:
    """What opaque codes mean, as if they were signed (key id 0); unknown ones are left out. One statement, none without codes."""
    wanted = sorted(set(codes))
    if not wanted:
        return {}
    rows: Any = connection.execute(_RESOLVE.where(OpaqueCode.code.in_(wanted)))
    return {
        code: Payload(0, Purpose[purpose.upper()], edition_id, bytes.fromhex(serial), first, last, generation)
        for code, purpose, generation, serial, edition_id, first, last in rows
    }


def _insert() -> Any:
    return (postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite).insert
