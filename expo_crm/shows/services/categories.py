"""The category tree of a show."""

from __future__ import annotations

from collections.abc import Iterable

from expo_crm.audit import services as audit
from expo_crm.db import db
from expo_crm.lib import text
from expo_crm.shows import queries
from expo_crm.shows.domain import planning
from expo_crm.shows.domain.planning import ShowError
from expo_crm.shows.models import Category

DEEPEST = 4
SYNONYMS = 40


def create_category(
    show_id: int,
    *,
    name_zh: str,
    name_en: str,
    parent_id: int | None = None,
    synonyms: Iterable[str] = (),
    code: str = "",
) -> Category:
    """A node at the end of its level, with the next free code. Raises ShowError: "name-missing", "too-deep", "code-taken"."""
    tree = queries.list_categories(show_id, retired=True)
    parent = next((c for c in tree if c.id == parent_id), None)
    if parent is not None and queries.depth_of(parent, tree) + 1 >= DEEPEST:
        raise ShowError("too-deep")
    name_zh, name_en = _names(name_zh, name_en)
    siblings = [c.code for c in tree if c.parent_id == parent_id]
    code = code or planning.next_code(parent.code if parent else "", siblings)
    taken = {c.code for c in tree}
    if code in taken:  # a moved category kept its code
        code = next(c for n in range(2, 10_000) if (c := f"{code}-{n}") not in taken)
    category = Category(
        show_id=show_id,
        parent_id=parent.id if parent else None,
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        synonyms=_synonyms(synonyms),
        position=max((c.position for c in tree), default=0) + 1,
    )
    db.session.add(category)
    db.session.flush()
    _renumber(show_id)
    audit.record("category.create", "category", category.id, changes={"code": code, "name": name_zh})
    return category


def update_category(
    category: Category, *, name_zh: str, name_en: str, synonyms: Iterable[str], parent_id: int | None
) -> Category:
    """New names, synonyms or place in the tree. Raises ShowError: "name-missing", "parent-loop", "too-deep"."""
    tree = queries.list_categories(category.show_id, retired=True)
    if parent_id != category.parent_id:
        _check_parent(category, parent_id, tree)
    name_zh, name_en = _names(name_zh, name_en)
    after = {"name_zh": name_zh, "name_en": name_en, "synonyms": _synonyms(synonyms), "parent_id": parent_id}
    moved = audit.diff({name: getattr(category, name) for name in after}, after)
    for name, value in after.items():
        setattr(category, name, value)
    if moved:
        db.session.flush()
        _renumber(category.show_id)
        audit.record("category.update", "category", category.id, changes=moved)
    return category


def move_category(category: Category, step: int) -> bool:
    """One place up (-1) or down (+1) among its siblings. False at the end of the line."""
    tree = queries.list_categories(category.show_id, retired=True)
    siblings = [c for c in tree if c.parent_id == category.parent_id]
    here = siblings.index(category)
    there = here + step
    if not 0 <= there < len(siblings):
        return False
    other = siblings[there]
    category.position, other.position = other.position, category.position
    db.session.flush()
    _renumber(category.show_id)
    audit.record("category.move", "category", category.id, changes={"step": step})
    return True


def retire_category(category: Category, retired: bool) -> int:
    """Take a category and all below it out of use, or bring it back with all above it. Returns how many changed."""
    tree = queries.list_categories(category.show_id, retired=True)
    line = queries.below(category, tree) if retired else queries.above(category, tree)
    moved = [c for c in (category, *line) if c.retired != retired]
    for item in moved:
        item.retired = retired
    db.session.flush()
    if moved:
        audit.record("category.retire" if retired else "category.restore", "category", category.id)
    return len(moved)


def _names(name_zh: str, name_en: str) -> tuple[str, str]:
    name_zh, name_en = text.clean(name_zh, limit=300), text.clean(name_en, limit=300)
    if text.is_blank(name_zh + name_en):
        raise ShowError("name-missing")
    return name_zh or name_en, name_en or name_zh


def _synonyms(words: Iterable[str]) -> list[str]:
    cleaned = (text.clean(word, limit=100) for word in words)
    return list(dict.fromkeys(word for word in cleaned if not text.is_blank(word)))[:SYNONYMS]


def _check_parent(category: Category, parent_id: int | None, tree: list[Category]) -> None:
    if parent_id is None:
        return
    under = queries.below(category, tree)
    if parent_id == category.id or parent_id in {c.id for c in under}:
        raise ShowError("parent-loop")
    parent = next(c for c in tree if c.id == parent_id)
    own = max((queries.depth_of(c, tree) for c in under), default=queries.depth_of(category, tree))
    height = own - queries.depth_of(category, tree)
    if queries.depth_of(parent, tree) + 1 + height >= DEEPEST:
        raise ShowError("too-deep")


def _renumber(show_id: int) -> None:
    """Positions run through the whole tree in reading order, so that a plain ORDER BY position reads right too."""
    for place, item in enumerate(queries.list_categories(show_id, retired=True), start=1):
        if item.position != place:
            item.position = place
    db.session.flush()
