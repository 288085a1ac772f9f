"""Who is let in without a look, and which decision may follow which state."""

from __future__ import annotations

from dataclasses import dataclass

OPEN_CLASSES = frozenset({"public", "exhibitor", "crew", "student"})
CHANGES: dict[str, frozenset[str]] = {
    "submitted": frozenset({"approved", "returned", "rejected", "cancelled", "in_review"}),
    "in_review": frozenset({"approved", "returned", "rejected", "cancelled"}),
    "returned": frozenset({"approved", "rejected", "in_review", "cancelled"}),
    "approved": frozenset({"returned", "rejected", "cancelled"}),
    "rejected": frozenset({"approved", "in_review"}),
    "cancelled": frozenset({"approved", "in_review"}),
}
NEEDS_REASON = frozenset({"returned", "rejected"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision rests on."""

    class_code: str
    company: str
    function: str
    on_site: bool = False


def decide(facts: Facts) -> str:
    """Trade visitors with company and function, open classes and people at the desk are approved; the rest is looked at."""
    if facts.on_site or facts.class_code in OPEN_CLASSES:
        return "approved"
    if facts.class_code == "trade" and facts.company and facts.function:
        return "approved"
    return "in_review"


def may_change(before: str, after: str) -> bool:
    return after in CHANGES.get(before, frozenset())
