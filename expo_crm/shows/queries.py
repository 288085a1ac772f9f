"""Reading shows, editions and categories."""

from __future__ import annotations

from flask import g, has_request_context, session
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.shows.models import Category, Edition, Hall, Show


def find_edition(slug: str) -> Edition | None:
    return db.session.scalar(select(Edition).where(Edition.slug == slug).options(joinedload(Edition.show)))


def list_editions() -> list[Edition]:
    """All editions, newest first; asked once per request."""
    if "editions" in g:
        return g.editions
    g.editions = list(
        db.session.scalars(select(Edition).order_by(Edition.starts_on.desc()).options(joinedload(Edition.show)))
    )
    return g.editions


def find_default_edition() -> Edition | None:
    """The edition people work on: the first that has not ended, else the newest."""
    today = clock.now().date()
    ahead = sorted(
        (e for e in list_editions() if e.ends_on >= today and e.state != "cancelled"), key=lambda e: e.starts_on
    )
    return ahead[0] if ahead else next(iter(list_editions()), None)


def find_current_edition() -> Edition | None:
    """The edition of this page, else the one this person looked at last, else the default one."""
    if g.get("edition") is not None:
        return g.edition
    last = session.get("edition") if has_request_context() else None
    return next((e for e in list_editions() if e.slug == last), None) or find_default_edition()


def find_previous_edition(edition: Edition) -> Edition | None:
    """The edition before this one in its show; a cancelled one is no opportunity and is passed over."""
    return db.session.scalar(
        select(Edition)
        .where(Edition.show_id == edition.show_id, Edition.starts_on < edition.starts_on, Edition.state != "cancelled")
        .order_by(Edition.starts_on.desc())
        .limit(1)
    )


def find_next_edition(edition: Edition) -> Edition | None:
    return db.session.scalar(
        select(Edition)
        .where(Edition.show_id == edition.show_id, Edition.starts_on > edition.starts_on, Edition.state != "cancelled")
        .order_by(Edition.starts_on)
        .limit(1)
    )


def list_halls(edition_id: int) -> list[Hall]:
    return list(db.session.scalars(select(Hall).where(Hall.edition_id == edition_id).order_by(Hall.code)))


def list_categories(show_id: int, *, retired: bool = False) -> list[Category]:
    """The tree in reading order: every parent before its children, siblings by position."""
    rows = db.session.scalars(select(Category).where(Category.show_id == show_id)).all()
    children: dict[int | None, list[Category]] = {}
    for row in sorted(rows, key=lambda c: (c.position, c.id)):
        children.setdefault(row.parent_id, []).append(row)
    out: list[Category] = []
    stack = list(reversed(children.get(None, [])))
    while stack:
        row = stack.pop()
        if row.retired and not retired:
            continue
        out.append(row)
        stack.extend(reversed(children.get(row.id, [])))
    return out


def find_category(show_id: int, category_id: int) -> Category | None:
    return db.session.scalar(select(Category).where(Category.show_id == show_id, Category.id == category_id))


def above(category: Category, tree: list[Category]) -> list[Category]:
    """Its parent, the parent's parent and so on, among ``tree``."""
    by_id = {c.id: c for c in tree}
    out: list[Category] = []
    while (parent := by_id.get(category.parent_id or 0)) is not None:
        out.append(parent)
        category = parent
    return out


def below(category: Category, tree: list[Category]) -> list[Category]:
    """Everything under it in ``tree``, which stands in reading order."""
    ids, out = {category.id}, []
    for item in tree:
        if item.parent_id in ids:
            ids.add(item.id)
            out.append(item)
    return out


def depth_of(category: Category, tree: list[Category]) -> int:
    """0 at the top."""
    return len(above(category, tree))


def find_show() -> Show | None:
    """The show that was set up first; None before the first set-up."""
    return db.session.scalar(select(Show).order_by(Show.id).limit(1))


def find_hall(edition_id: int, hall_id: int) -> Hall | None:
    return db.session.scalar(select(Hall).where(Hall.edition_id == edition_id, Hall.id == hall_id))
