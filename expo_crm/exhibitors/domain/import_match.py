"""Whether a row of an exhibitor list is a company that is known already. Nothing is ever merged by likeness alone.

A row is a *match* when an exact key says so (tax id; the same written name; web domain with a name that is alike) and
nothing contradicts it. What only looks alike is a *conflict*, which a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from expo_crm.lib.companies import Comparison, compare_names, is_weak_brand
from expo_crm.lib.companies import Verdict as Names


class Verdict(StrEnum):
    NEW = "new"
    MATCH = "match"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Decision(StrEnum):
    MATCH = "match"
    NEW = "new"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Known:
    """A company that is there already: in the directory (``id``), or in an earlier row of the same file (``line``)."""

    name_zh: str = ""
    name_en: str = ""
    tax_id: str = ""
    domain: str = ""
    country: str = ""
    aliases: tuple[str, ...] = ()
    id: int = 0
    line: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(n for n in (self.name_zh, self.name_en, *self.aliases) if n)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known company beside a row: how alike, and the reasons as stable words.

    Evidence: "tax-id", "domain", "name-written" (the same name to the letter), "tax-id-differs", "domain-differs",
    "country-differs", and the words of ``lib.companies.compare_names``.
    """

    known: Known
    score: float
    evidence: tuple[str, ...]

    def has(self, word: str) -> bool:
        return word in self.evidence

    @property
    def contradicted(self) -> bool:
        return any(self.has(word) for word in ("tax-id-differs", "domain-differs", "country-differs"))

    @property
    def alike(self) -> bool:
        return self.score >= 0.5


@lru_cache(maxsize=20_000)
def _compare(a: str, b: str) -> Comparison:
    return compare_names(a, b)


def judge(row: Mapping[str, Any], known: Known) -> Candidate | None:
    """How the row stands to a known company; None when nothing ties them."""
    evidence: list[str] = []
    tax, domain = row.get("tax_id", ""), row.get("domain", "")
    if tax and tax == known.tax_id:
        evidence.append("tax-id")
    if domain and domain == known.domain:
        evidence.append("domain")
    best = _best(row, known)
    if best is not None and best.evidence == ("prefix",) and _weak(row, known):
        best = None
    alike = best is not None and best.verdict is not Names.DIFFERENT
    if not evidence and not alike:
        return None
    if _same_name(row, known):
        evidence.append("name-written")
    for key, mine, theirs in (
        ("tax-id-differs", tax, known.tax_id),
        ("domain-differs", domain, known.domain),
        ("country-differs", row.get("country", ""), known.country),
    ):
        if mine and theirs and mine != theirs:
            evidence.append(key)
    score = best.score if best is not None and alike else 0.0
    return Candidate(known, score, (*evidence, *(best.evidence if best is not None and alike else ())))


def _weak(row: Mapping[str, Any], known: Known) -> bool:
    names = [n for n in (row.get("name_zh"), row.get("name_en"), *known.names) if n]
    return any(is_weak_brand(name) for name in names)


def _best(row: Mapping[str, Any], known: Known) -> Comparison | None:
    mine = [n for n in (row.get("name_zh"), row.get("name_en")) if n]
    return max((_compare(a, b) for a in mine for b in known.names), key=lambda c: c.score, default=None)


def _same_name(row: Mapping[str, Any], known: Known) -> bool:
    """The same name but for case, width and marks, legal form included; in one language, and not another one in the other."""
    zh, en = row.get("name_zh", ""), row.get("name_en", "")
    if any(_written_alike(name, alias) for name in (zh, en) if name for alias in known.aliases):
        return True
    if zh and known.name_zh:
        return _written_alike(zh, known.name_zh)
    return any(_written_alike(a, b) for a in (zh, en) if a for b in (known.name_zh, known.name_en) if b)


def _written_alike(a: str, b: str) -> bool:
    return a == b or _compare(a, b).score == 1.0


def decide(candidates: Sequence[Candidate]) -> tuple[Verdict, str, Candidate | None]:
    """Verdict, reason and, for a match, with whom.

    Reasons of a match: "tax-id", "name", "domain", "line". Of a conflict: "tax-id-other-name", "several",
    "contradiction", "domain-other-name", "similar".
    """
    by_tax = [c for c in candidates if c.has("tax-id")]
    if by_tax:
        one = by_tax[0]
        return (Verdict.MATCH, _how(one, "tax-id"), one) if one.alike else (Verdict.CONFLICT, "tax-id-other-name", None)
    for word, reason in (("name-written", "name"), ("domain", "domain")):
        found = [c for c in candidates if c.has(word) and c.alike and not c.contradicted]
        if word == "name-written" and len(found) > 1:
            # The same name twice in the directory: the one on the same site or in the same country is meant.
            found = [c for c in found if c.has("domain")] or found
        if len(found) == 1:
            return Verdict.MATCH, _how(found[0], reason), found[0]
        if found:
            return Verdict.CONFLICT, "several", None
    if any(c.has("name-written") for c in candidates):
        return Verdict.CONFLICT, "contradiction", None
    if any(c.alike for c in candidates):
        return Verdict.CONFLICT, "similar", None
    return (Verdict.CONFLICT, "domain-other-name", None) if candidates else (Verdict.NEW, "", None)


def _how(candidate: Candidate, reason: str) -> str:
    return "line" if candidate.known.line else reason


def ranked(candidates: Iterable[Candidate], limit: int = 5) -> list[Candidate]:
    """The likeliest first."""
    weight = {"tax-id": 4, "name-written": 2, "domain": 1}
    return sorted(
        candidates,
        key=lambda c: (-sum(w for word, w in weight.items() if c.has(word)), -c.score, c.known.id, c.known.line),
    )[:limit]


def described(candidate: Candidate) -> dict[str, Any]:
    """A candidate as it is kept beside its row."""
    known = candidate.known
    out: dict[str, Any] = {"evidence": list(dict.fromkeys(candidate.evidence)), "score": round(candidate.score, 2)}
    for key in ("id", "line", "name_zh", "name_en", "tax_id", "domain", "country"):
        if value := getattr(known, key):
            out[key] = value
    return out
