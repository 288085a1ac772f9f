"""Numbered contract texts of a show."""

from __future__ import annotations

from sqlalchemy import func, select

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.exhibitors.domain.contract_text import TextRefusal, refuse_text
from expo_crm.exhibitors.domain.refusal import RuleRefused
from expo_crm.exhibitors.models import ContractText
from expo_crm.exhibitors.services import versions
from expo_crm.exhibitors.services.actor import actor_id
from expo_crm.lib import clock
from expo_crm.shows.models import Show

BUILT_IN = "2026-1"
"""Name of the terms that come with the program, used until a show has a released text of its own."""


def newest(show_id: int) -> ContractText | None:
    """The released text with the highest number: what new contracts are made with."""
    return db.session.scalar(
        select(ContractText)
        .where(ContractText.show_id == show_id, ContractText.released)
        .order_by(ContractText.number.desc())
        .limit(1)
    )


def find(show_id: int, text_id: int) -> ContractText | None:
    return db.session.scalar(select(ContractText).where(ContractText.id == text_id, ContractText.show_id == show_id))


def list_of(show_id: int) -> list[ContractText]:
    """Newest first."""
    return list(
        db.session.scalars(select(ContractText).where(ContractText.show_id == show_id).order_by(ContractText.number.desc()))
    )


def create(show_id: int, body_zh: str, body_en: str, note: str) -> ContractText:
    """A draft with the next number. Raises RuleRefused."""
    _check(body_zh, body_en)
    # The show's row is the lock: two people who write a text at once get two numbers.
    db.session.execute(select(Show.id).where(Show.id == show_id).with_for_update())
    last = db.session.scalar(select(func.max(ContractText.number)).where(ContractText.show_id == show_id)) or 0
    found = ContractText(
        show_id=show_id,
        number=last + 1,
        body_zh=body_zh,
        body_en=body_en,
        note=note,
        created_by=actor_id(),
        created_at=clock.now(),
    )
    db.session.add(found)
    db.session.flush()
    audit.record("contract_text.create", "contract_text", found.id, changes={"number": [None, found.number]})
    return found


def is_used(found: ContractText) -> bool:
    return versions.count_of_text(found.id) > 0


def update(found: ContractText, body_zh: str, body_en: str, note: str) -> None:
    """Change a text that no contract was made with. Raises RuleRefused."""
    if is_used(found):
        raise RuleRefused(TextRefusal.IN_USE)
    _check(body_zh, body_en)
    found.body_zh, found.body_en, found.note = body_zh, body_en, note
    db.session.flush()
    audit.record("contract_text.update", "contract_text", found.id, changes={"number": found.number})


def release(found: ContractText, released: bool) -> None:
    """New contracts are made with it from now on, or no longer."""
    found.released = released
    db.session.flush()
    audit.record("contract_text.release", "contract_text", found.id, changes={"released": [not released, released]})


def _check(*bodies: str) -> None:
    for body in bodies:
        refused = refuse_text(body)
        if refused:
            raise RuleRefused(refused[0], word=refused[1])
