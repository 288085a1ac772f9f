"""Which companies of the file may be one: same, maybe or different, with the evidence. Nothing is merged here.

Two companies are compared when they share a key (``keys_of``): a piece of a name, the web domain, the domain of a contact's
mail, a phone number, a tax id, a contact's name. A key that many share tells none of them apart and is passed over.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from expo_crm.lib.companies import (
    Comparison,
    Verdict,
    block_keys,
    compare_names,
    is_weak_brand,
    valid_credit_code,
)
from expo_crm.lib.text import has_han

CROWDED = 3
"""More companies than this on one web domain, phone or contact: it is a platform's, a group's or an agency's."""
BLOCK = 60
"""A piece of a name that more companies than this share is no evidence."""
KEY_SIZE = 60
DOUBT = 0.74
"""A likeness of names that something contradicts must still reach this score to be shown."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one company that tells it from others. Phones in E.164, domains bare, people folded."""

    id: int
    names: tuple[str, ...]
    tax_id: str = ""
    country: str = ""
    domains: frozenset[str] = frozenset()
    mail_domains: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer on two companies. Score from 0 to 1; evidence as stable words that a page translates.

    Evidence: "tax-id", "tax-id-differs", "domain", "domain-differs", "mail-domain", "phone", "person", "country-differs"
    and the words of ``lib.companies.compare_names``.
    """

    verdict: Verdict
    score: float
    evidence: tuple[str, ...]


def name_keys(names: Iterable[str]) -> set[str]:
    """The keys of written names, as stored."""
    return {key[:KEY_SIZE] for name in names for key in block_keys(name)}


def keys_of(profile: Profile) -> Iterator[tuple[str, int]]:
    """Every key of a company with the most companies that may share it."""
    for key in name_keys(profile.names):
        yield key, BLOCK
    if profile.tax_id:
        yield f"t:{profile.tax_id}", BLOCK
    for domain in profile.domains | profile.mail_domains:
        yield f"d:{domain}", CROWDED
    for phone in profile.phones:
        yield f"p:{phone}", CROWDED
    for person in profile.people:
        yield f"c:{person}", CROWDED


@lru_cache(maxsize=200_000)
def _compare(a: str, b: str) -> Comparison:
    return compare_names(a, b)


def _best(one: Profile, two: Profile) -> Comparison | None:
    """The nearest two names. Chinese names that differ outweigh a mere likeness of their translations."""
    found = max((_compare(a, b) for a in one.names for b in two.names), key=lambda c: c.score, default=None)
    if found is None or found.verdict is Verdict.DIFFERENT:
        return None
    if found.verdict is Verdict.MAYBE:
        chinese = [_compare(a, b) for a in one.names if has_han(a) for b in two.names if has_han(b)]
        if chinese and all(c.verdict is Verdict.DIFFERENT for c in chinese):
            return None
    weak = found.evidence == ("prefix",) and any(map(is_weak_brand, (*one.names, *two.names)))
    return None if weak else found


def compare(one: Profile, two: Profile) -> Finding:
    """Whether two companies are one.

    *same* needs names that are the same, or alike names on one exact key, and nothing that contradicts. Two valid credit
    codes that differ are two legal persons: the answer is different, but for equal names, where one code may be a slip.
    """
    exact = [
        word
        for word, shared in (
            ("tax-id", bool(one.tax_id) and one.tax_id == two.tax_id),
            ("domain", bool(one.domains & two.domains)),
            ("phone", bool(one.phones & two.phones)),
            (
                "mail-domain",
                bool((one.mail_domains | one.domains) & (two.mail_domains | two.domains) - one.domains & two.domains),
            ),
            ("person", bool(one.people & two.people)),
        )
        if shared
    ]
    against = [
        word
        for word, differs in (
            ("tax-id-differs", bool(one.tax_id and two.tax_id) and one.tax_id != two.tax_id),
            ("domain-differs", bool(one.domains and two.domains) and not one.domains & two.domains),
            ("country-differs", bool(one.country and two.country) and one.country != two.country),
        )
        if differs
    ]
    name = _best(one, two)
    evidence = (*exact, *(name.evidence if name else ()), *against)
    if "tax-id" in exact:
        return Finding(Verdict.SAME, 1.0, evidence)
    if "tax-id-differs" in against and valid_credit_code(one.tax_id) and valid_credit_code(two.tax_id):
        if name is None or name.verdict is not Verdict.SAME:
            return Finding(Verdict.DIFFERENT, name.score if name else 0.0, evidence)
    return _weigh(name, exact, against, evidence)


def _weigh(name: Comparison | None, exact: Sequence[str], against: Sequence[str], evidence: tuple[str, ...]) -> Finding:
    hard = [word for word in exact if word in ("domain", "phone", "mail-domain")]
    if name is None:
        # One key without a likeness of names is a brand, a subsidiary, an agency: worth a look, not more.
        score = {0: 0.0, 1: 0.6}.get(len(hard), 0.72)
        enough = len(hard) >= 2 or (bool(hard) and "person" in exact)
        return Finding(Verdict.MAYBE if enough else Verdict.DIFFERENT, score, evidence)
    score = min(0.99, name.score + 0.1 * len(hard) + 0.05 * ("person" in exact)) - 0.08 * len(against)
    branch = "branch" in name.evidence
    sure = name.verdict is Verdict.SAME or (bool(hard) and name.score >= 0.78 and "numbers-differ" not in name.evidence)
    if sure and not against and not branch:
        return Finding(Verdict.SAME, round(max(score, 0.9), 4), evidence)
    if not hard and against and name.verdict is not Verdict.SAME and (score < DOUBT or "country-differs" in against):
        return Finding(Verdict.DIFFERENT, round(max(score, 0.0), 4), evidence)
    return Finding(Verdict.MAYBE, round(max(score, 0.5), 4), evidence)


@dataclass(frozen=True, slots=True)
class Pair:
    a: int
    b: int
    finding: Finding


def _without_crowds(profiles: Sequence[Profile]) -> list[Profile]:
    """The profiles without what more than CROWDED companies share: it would count as evidence between any two of them."""
    kinds = ("domains", "mail_domains", "phones", "people")
    seen = {kind: Counter(value for p in profiles for value in getattr(p, kind)) for kind in kinds}
    both = seen["domains"] + seen["mail_domains"]
    crowded = {kind: {v for v, n in counter.items() if n > CROWDED} for kind, counter in seen.items()}
    # A company whose contacts write from its own domain counts once in either list.
    crowded["domains"] |= {v for v, n in both.items() if n > 2 * CROWDED}
    crowded["mail_domains"] |= crowded["domains"]
    if not any(crowded.values()):
        return list(profiles)
    return [
        replace(p, **{kind: getattr(p, kind) - crowded[kind] for kind in kinds})
        if any(getattr(p, kind) & crowded[kind] for kind in kinds)
        else p
        for p in profiles
    ]


def scan(profiles: Sequence[Profile], progress: Callable[[int, int], None] = lambda done, total: None) -> list[Pair]:
    """Every pair of the file that is the same or maybe the same, the surest first. ``progress(done, total)`` counts companies."""
    profiles = _without_crowds(profiles)
    blocks: dict[str, list[int]] = defaultdict(list)
    limits: dict[str, int] = {}
    for place, profile in enumerate(profiles):
        for key, limit in keys_of(profile):
            blocks[key].append(place)
            limits[key] = limit
    useful = {key: places for key, places in blocks.items() if 2 <= len(places) <= limits[key]}
    by_place: dict[int, set[int]] = defaultdict(set)
    for places in useful.values():
        for place in places[:-1]:
            by_place[place].update(other for other in places if other > place)
    out = []
    for place, profile in enumerate(profiles):
        for other in by_place.pop(place, ()):
            finding = compare(profile, profiles[other])
            if finding.verdict is not Verdict.DIFFERENT:
                low, high = sorted((profile.id, profiles[other].id))
                out.append(Pair(low, high, finding))
        if place % 500 == 0:
            progress(place, len(profiles))
    out.sort(key=lambda pair: (pair.finding.verdict is not Verdict.SAME, -pair.finding.score, pair.a, pair.b))
    return out
