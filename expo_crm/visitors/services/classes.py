"""The visitor classes of an edition."""

from __future__ import annotations

from sqlalchemy import select

from expo_crm.db import db
from expo_crm.shows.models import Edition
from expo_crm.visitors.models import VisitorClass

SEED = (
    ("trade", "专业观众", "Trade visitor", "blue"),
    ("buyer", "特邀买家", "Hosted buyer", "purple"),
    ("vip", "贵宾", "VIP", "orange"),
    ("press", "媒体", "Press", "teal"),
    ("speaker", "演讲嘉宾", "Speaker", "pink"),
    ("public", "普通观众", "Public visitor", "green"),
    ("exhibitor", "展商", "Exhibitor", "red"),
    ("crew", "工作人员", "Crew", "gray"),
)


def ensure_classes(edition: Edition) -> dict[str, VisitorClass]:
    """The edition's classes by code; the usual ones are made where they are missing, others stay as they are."""
    found = {c.code: c for c in db.session.scalars(select(VisitorClass).where(VisitorClass.edition_id == edition.id))}
    for position, (code, zh, en, colour) in enumerate(SEED):
        if code not in found:
            found[code] = VisitorClass(
                edition_id=edition.id, code=code, name_zh=zh, name_en=en, colour=colour, position=position
            )
            db.session.add(found[code])
    db.session.flush()
    return found


def clone_classes(previous: Edition, edition: Edition) -> None:
    """The classes of the last edition, own ones too, for the next one: gates can name them before anybody registers."""
    for old in db.session.scalars(select(VisitorClass).where(VisitorClass.edition_id == previous.id)):
        db.session.add(
            VisitorClass(
                edition_id=edition.id,
                code=old.code,
                name_zh=old.name_zh,
                name_en=old.name_en,
                colour=old.colour,
                position=old.position,
            )
        )
    db.session.flush()
