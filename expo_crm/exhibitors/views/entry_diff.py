"""A change request as a page shows it: field by field, what is gone and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from expo_crm.exhibitors import task_labels
from expo_crm.exhibitors.domain.word_diff import Piece, compare
from expo_crm.exhibitors.models import EntryChange
from expo_crm.shows.models import Category
from expo_crm.web import i18n


@dataclass(frozen=True)
class Field:
    label: Any
    lang: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Shown:
    change: EntryChange
    label: Any
    tone: str
    fields: list[Field]


def shown(change: EntryChange, tree: Sequence[Category]) -> Shown:
    """Only the fields that differ."""
    names = {c.id: i18n.bi(c) for c in tree}

    def words(values: dict[str, Any], name: str) -> str:
        value = values.get(name, "")
        if name == "categories":
            return "\n".join(str(names[c]) for c in value or [] if c in names)
        return "\n".join(value or []) if name == "brands" else str(value or "")

    fields = []
    for name, label in task_labels.ENTRY_LABELS.items():
        old, new = words(change.before, name), words(change.after, name)
        if old != new:
            lang = "zh-CN" if name.endswith("_zh") else "en" if name.endswith("_en") else ""
            fields.append(Field(label, lang, compare(old, new)))
    label, tone = task_labels.CHANGE_STATES[change.state]
    return Shown(change, label, tone, fields)
