"""Who gets which company, how long it stays his, and who may claim from the public pool (公海)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONTACTS = ("call", "mail", "visit", "meeting")
"""The kinds of activity that are a contact with the customer; a note or a ticked task is none."""


@dataclass(frozen=True)
class Rule:
    """``dealt``: how many companies it has given away so far; its people are served in turn from there."""

    id: int
    users: tuple[int, ...]
    country: str = ""
    province: str = ""
    industry: str = ""
    source: str = ""
    dealt: int = 0


@dataclass(frozen=True)
class Limits:
    """Numbers of days and claims; zero switches the one it belongs to off."""

    pool_days: int = 0
    warn_days: int = 0
    exempt_key: bool = True
    exempt_open: bool = True
    contact_days: int = 0
    opportunity_days: int = 0
    claims_per_day: int = 0
    claims_total: int = 0
    wait_days: int = 0


@dataclass(frozen=True)
class Dealt:
    user_id: int
    rule_id: int


def fits(rule: Rule, facts: Mapping[str, Any]) -> bool:
    """Whether all that the rule names is so. Country and source are equal, province and industry are contained, case aside."""
    for name in ("country", "source"):
        if wanted := getattr(rule, name):
            if wanted.casefold() != str(facts.get(name) or "").casefold():
                return False
    for name in ("province", "industry"):
        if wanted := getattr(rule, name):
            if wanted.casefold() not in str(facts.get(name) or "").casefold():
                return False
    return True


def deal(rules: Sequence[Rule], companies: Iterable[Mapping[str, Any]]) -> list[Dealt | None]:
    """For each company, in order, who gets it by the first rule that fits; None where none does.

    The people of one rule are served in turn. A rule without people gives nothing and lets the next one try.
    """
    taken = {rule.id: rule.dealt for rule in rules}
    out: list[Dealt | None] = []
    for facts in companies:
        rule = next((r for r in rules if r.users and fits(r, facts)), None)
        if rule is None:
            out.append(None)
            continue
        out.append(Dealt(rule.users[taken[rule.id] % len(rule.users)], rule.id))
        taken[rule.id] += 1
    return out


def protected_by_other(owner_id: int | None, until: dt.date | None, asker: int | None, today: dt.date) -> bool:
    """Whether the company is somebody else's and its protection has not ended."""
    return owner_id is not None and owner_id != asker and until is not None and until >= today


def refuse_claim(limits: Limits, *, today: int, owned: int, own_return_days: float | None) -> str:
    """Why a person may not claim one more: "day-limit", "total-limit", "just-returned", or "" when he may.

    ``today``: claims of this day so far; ``owned``: companies owned now; ``own_return_days``: days since this company went
    back from this very person, None when it never did.
    """
    if limits.claims_per_day and today >= limits.claims_per_day:
        return "day-limit"
    if limits.claims_total and owned >= limits.claims_total:
        return "total-limit"
    if own_return_days is not None and own_return_days < limits.wait_days:
        return "just-returned"
    return ""
