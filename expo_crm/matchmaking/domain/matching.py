"""How well a visitor's need and an exhibitor's offer fit, and why.

The bilingual category tree is the hub: an exact node beats its parent or child, that beats a sibling; a rare node weighs more than
one that everybody ticks. Free text is mapped to nodes by names and synonyms of both languages, and compared by words (BM25 with
Latin words and Chinese character pairs). Both sides count: the score is the harmonic mean of how much of the need is met and how
worthwhile the visitor is to the exhibitor. A pair without a shared node or word is no match, whatever else speaks for it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from expo_crm.lib import text

EXACT, PARENT, SIBLING = 1.0, 0.6, 0.3
TAXONOMY, WORDS, WORDS_ALONE = 0.75, 0.25, 0.4
ROLE_WEIGHT = 0.25
ROLES: Mapping[str, float] = {"decide": 1.0, "prepare": 0.9, "advise": 0.7, "use": 0.6, "none": 0.2, "": 0.5}
MAPPED = 0.7
"""A node that was only read out of free text counts this much of a ticked one."""

_K1, _B, _HALF = 1.2, 0.75, 6.0
_LATIN = re.compile(r"[a-z0-9][a-z0-9+.-]*[a-z0-9+]|[a-z0-9]")
_HAN_RUN = re.compile(r"[\u3400-\u9fff]+")
_NOT_LATIN = re.compile(r"[^a-z0-9\u3400-\u9fff]+")
_STOP = frozenset(
    text.words(
        "a an the of for and or to in on with we our are is you your from by "
        "as at be it that this looking look need find new all more about"
    )
)
_EMPTY_SIGNS = frozenset("的了和及与或等在为对是有我们您你一不寻找需要希望想了解相关各种")


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the tree; ``words`` are its names and synonyms in both languages."""

    id: int
    parent_id: int | None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Supply:
    """What one exhibitor shows."""

    id: int
    nodes: frozenset[int]
    text: str = ""
    company_id: int | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """What one visitor looks for."""

    id: int
    nodes: frozenset[int]
    text: str = ""
    role: str = ""
    company_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """``kind``: exact, parent, sibling (``node`` wanted, ``other`` offered), word (``words``), role. Shares add up to 1."""

    kind: str
    share: float
    node: int | None = None
    other: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """``id`` is the other side's; ``score`` is between 0 and 1."""

    id: int
    score: float
    reasons: tuple[Reason, ...]


@dataclass(slots=True)
class Tree:
    """The category tree with its relations, and the terms by which a text names a node."""

    parents: dict[int, int | None]
    terms: dict[str, int] = field(default_factory=dict)
    _known: dict[int, dict[int, tuple[str, float]]] = field(default_factory=dict)

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Tree:
        nodes = list(nodes)
        terms: dict[str, int] = {}
        for node in nodes:
            for word in node.words:
                folded = text.fold(word)
                if text.has_han(folded) and len(folded) >= 2:
                    terms.setdefault(folded, node.id)
                elif len(folded) >= 3:
                    plain = _NOT_LATIN.sub(" ", folded).strip()
                    for form in {plain, plain.removesuffix("s"), f"{plain.removesuffix('s')}s"}:
                        terms.setdefault(f" {form} ", node.id)
        return cls({n.id: n.parent_id for n in nodes}, terms)

    def relation(self, one: int, two: int) -> tuple[str, float]:
        """Kind and strength of the relation of two nodes; ("", 0) when they have none."""
        return self.relations(one).get(two, ("", 0.0))

    def relations(self, one: int) -> dict[int, tuple[str, float]]:
        """Every node that has a relation to this one."""
        if one not in self._known:
            self._known[one] = {n: r for n in self.parents if (r := self._relate(one, n))[1]}
        return self._known[one]

    def _relate(self, one: int, two: int) -> tuple[str, float]:
        if one == two:
            return "exact", EXACT
        if two in self._line(one) or one in self._line(two):
            return "parent", PARENT
        parent = self.parents.get(one)
        if parent is not None and parent == self.parents.get(two):
            return "sibling", SIBLING
        return "", 0.0

    def _line(self, node: int) -> list[int]:
        out: list[int] = []
        up = self.parents.get(node)
        while up is not None and up not in out:
            out.append(up)
            up = self.parents.get(up)
        return out

    def related(self, nodes: Iterable[int]) -> set[int]:
        """Every node with any relation to one of these."""
        return {n for wanted in nodes for n in self.relations(wanted)}

    def named_in(self, words: str) -> set[int]:
        """The nodes whose name or synonym stands in a text, whatever its language; of a line only the most special one."""
        folded = _folded(words)
        if not folded:
            return set()
        padded = f" {_NOT_LATIN.sub(' ', folded)} "
        found = {node for term, node in self.terms.items() if term in padded}
        return found - {above for node in found for above in self._line(node)}


@lru_cache(maxsize=60_000)
def _folded(words: str) -> str:
    """Folding asks the traditional-to-simplified tables, which costs more than all the rest; texts come again and again."""
    return text.fold(words)


@lru_cache(maxsize=60_000)
def tokens(words: str) -> tuple[str, ...]:
    """Latin words without plural s and Chinese character pairs, without the words that say nothing."""
    folded = _folded(words)
    out = [_stem(w) for w in _LATIN.findall(folded) if w not in _STOP and len(w) > 1]
    for run in _HAN_RUN.findall(folded):
        out += [run[i : i + 2] for i in range(len(run) - 1) if not _EMPTY_SIGNS & set(run[i : i + 2])]
    return tuple(out)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@dataclass(slots=True)
class _Text:
    counts: Counter[str]
    length: int


class Matcher:
    """Scores pairs of one edition. Build it once with all supplies (for weights), then ask in either direction."""

    def __init__(self, tree: Tree, supplies: Sequence[Supply]) -> None:
        self.tree = tree
        self.supplies = {s.id: s for s in supplies}
        self._texts = {s.id: _count(s.text) for s in supplies}
        frequency = Counter(word for t in self._texts.values() for word in t.counts)
        count = len(supplies)
        self._idf = {w: math.log(1 + (count - n + 0.5) / (n + 0.5)) for w, n in frequency.items()}
        self._mean = (sum(t.length for t in self._texts.values()) / count) if count else 1.0
        shown = Counter(node for s in supplies for node in s.nodes)
        self._weight = {n: math.log(2 + count / (1 + shown[n])) for n in tree.parents}
        self._read: dict[str, set[int]] = {}
        self._near: dict[int, dict[int, tuple[str, float, int | None]]] = {}

    def match(self, need: Need, supply: Supply, *, view: str = "visitor") -> Match | None:
        """The match of one pair as ``view`` (visitor or exhibitor) sees it, or None when nothing connects them."""
        if need.company_id is not None and need.company_id == supply.company_id:
            return None
        by_node, best = self._taxonomy(need, supply)
        word_value, words = self._words(need, supply)
        if not by_node and not words:
            return None
        content: list[tuple[float, Reason]] = [(TAXONOMY * value, reason) for value, reason in by_node]
        word_part = (WORDS if by_node else WORDS_ALONE) * word_value
        total_words = sum(v for _w, v in words) or 1.0
        content += [(word_part * v / total_words, Reason("word", 0, words=w)) for w, v in words]
        met = sum(v for v, _r in content)
        role = ROLES.get(need.role, 0.5)
        worth = (1 - ROLE_WEIGHT) * max(best, WORDS_ALONE * word_value) + ROLE_WEIGHT * role
        score = 2 * met * worth / (met + worth)
        role_share = (
            0.5 * ROLE_WEIGHT * role / worth if view == "exhibitor" and need.role in ("decide", "prepare") else 0
        )
        reasons = [Reason(r.kind, (1 - role_share) * v / met, r.node, r.other, r.words) for v, r in content if v > 0]
        if role_share:
            reasons.append(Reason("role", role_share, words=need.role))
        other = supply.id if view == "visitor" else need.id
        return Match(other, score, tuple(sorted(reasons, key=lambda r: -r.share)))

    def _taxonomy(self, need: Need, supply: Supply) -> tuple[list[tuple[float, Reason]], float]:
        """The share of the need that each wanted node brings, and the strongest relation of all."""
        wanted = {n: 1.0 for n in need.nodes if n in self._weight}
        for node in self._named(need.text) if need.text else ():
            wanted.setdefault(node, MAPPED)
        whole = sum(self._weight[n] * f for n, f in wanted.items())
        out: list[tuple[float, Reason]] = []
        best = 0.0
        for node, factor in wanted.items():
            kind, strength, other = self._affinity(node).get(supply.id, ("", 0.0, None))
            if strength:
                out.append((self._weight[node] * factor * strength / whole, Reason(kind, 0, node, other)))
                best = max(best, strength * factor)
        return out, best

    def _named(self, words: str) -> set[int]:
        if words not in self._read:
            self._read[words] = self.tree.named_in(words)
        return self._read[words]

    def _affinity(self, node: int) -> dict[int, tuple[str, float, int | None]]:
        """Supply id → strongest relation of its nodes to this one."""
        if node not in self._near:
            related = self.tree.relations(node)
            near: dict[int, tuple[str, float, int | None]] = {}
            for supply in self.supplies.values():
                hits = [(*related[n], n) for n in supply.nodes if n in related]
                if hits:
                    near[supply.id] = max(hits, key=lambda h: (h[1], -h[2]))
            self._near[node] = near
        return self._near[node]

    def rank_by_nodes(self, nodes: Iterable[int], limit: int) -> list[tuple[int, float]]:
        """Supplies by how much of these nodes they meet, without words and role: cheap enough for every visitor at once."""
        wanted = [n for n in nodes if n in self._weight]
        whole = sum(self._weight[n] for n in wanted)
        met: dict[int, float] = {}
        for node in wanted:
            share = self._weight[node] / whole
            for supply_id, (_kind, strength, _offered) in self._affinity(node).items():
                met[supply_id] = met.get(supply_id, 0.0) + share * strength
        return sorted(met.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]

    def _words(self, need: Need, supply: Supply) -> tuple[float, list[tuple[str, float]]]:
        """BM25 of the need's text in the offer's, squeezed into 0…1, and the words it rests on."""
        if not need.text:
            return 0.0, []
        offer = self._texts[supply.id]
        scores: dict[str, float] = {}
        for word in set(tokens(need.text)):
            n = offer.counts.get(word, 0)
            if n:
                norm = n + _K1 * (1 - _B + _B * offer.length / self._mean)
                scores[word] = self._idf.get(word, 0) * n * (_K1 + 1) / norm
        raw = sum(scores.values())
        return raw / (raw + _HALF), _readable(need.text, scores)[:4]

    def best_supplies(self, need: Need, limit: int = 10, *, excluded: frozenset[int] = frozenset()) -> list[Match]:
        """The exhibitors for a visitor, best first."""
        found = (self.match(need, s) for s in self.supplies.values() if s.id not in excluded)
        return _best(found, limit)

    def best_needs(
        self, supply: Supply, needs: Iterable[Need], limit: int = 10, *, excluded: frozenset[int] = frozenset()
    ) -> list[Match]:
        """The visitors for an exhibitor, best first."""
        found = (self.match(n, supply, view="exhibitor") for n in needs if n.id not in excluded)
        return _best(found, limit)


def _best(found: Iterable[Match | None], limit: int) -> list[Match]:
    return sorted((m for m in found if m is not None), key=lambda m: (-m.score, m.id))[:limit]


def _count(words: str) -> _Text:
    found = tokens(words)
    return _Text(Counter(found), len(found) or 1)


def _readable(words: str, scores: dict[str, float]) -> list[tuple[str, float]]:
    """Matched character pairs that stand side by side in the text become one word again."""
    out: dict[str, float] = {}
    folded = _folded(words)
    for run in _HAN_RUN.findall(folded):
        start: int | None = None
        for i in range(len(run)):
            hit = run[i : i + 2] in scores and i + 1 < len(run)
            if hit and start is None:
                start = i
            if not hit and start is not None:
                piece = run[start : i + 1]
                out[piece] = sum(scores[run[k : k + 2]] for k in range(start, i))
                start = None
    for word in _LATIN.findall(folded):
        if _stem(word) in scores:
            out[word] = scores[_stem(word)]
    return sorted(out.items(), key=lambda pair: -pair[1])
