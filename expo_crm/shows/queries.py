"""Reading shows, editions and categories."""

from __future__ import annotations

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from expo_crm.db import db
from expo_crm.lib import clock
from expo_crm.shows.models import Category, Edition, Hall


def find_edition(slug: str) -> Edition | None:
    return db.session.scalar(select(Edition).where(Edition.slug == slug).options(joinedload(Edition.show)))


def get_edition(slug: str) -> Edition:
    """Raises LookupError when there is no such edition."""
    edition = find_edition(slug)
    if edition is None:
        raise LookupError(f"no edition {slug!r}")
    return edition


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
    """The tree in reading order (parents before children, by position)."""
    query = select(Category).where(Category.show_id == show_id).order_by(Category.position, Category.id)
    if not retired:
        query = query.where(~Category.retired)
    return list(db.session.scalars(query))
