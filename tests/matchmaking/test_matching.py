"""The pure rules: scores, reasons, exposure, slots."""

from __future__ import annotations

import datetime as dt
import random
import time

import pytest

from expo_crm.matchmaking.domain import exposure, meeting
from expo_crm.matchmaking.domain.matching import Matcher, Need, Node, Supply, Tree, tokens

PUMPS, CENTRIFUGAL, METERING, VALVES, BALL = 1, 11, 12, 2, 21
TREE = Tree.of(
    [
        Node(PUMPS, None, ("泵", "Pumps")),
        Node(CENTRIFUGAL, PUMPS, ("离心泵", "Centrifugal pumps", "叶片泵")),
        Node(METERING, PUMPS, ("计量泵", "Metering pumps", "加药泵", "dosing pump")),
        Node(VALVES, None, ("阀门", "Valves")),
        Node(BALL, VALVES, ("球阀", "Ball valves")),
    ]
)


def supply(id_, *nodes, text="", company=None):
    return Supply(id_, frozenset(nodes), text, company)


def need(*nodes, text="", role="", company=None, id_=1):
    return Need(id_, frozenset(nodes), text, role, company)


def test_exact_beats_parent_beats_sibling_and_unrelated_is_no_match():
    matcher = Matcher(TREE, [supply(1, METERING), supply(2, PUMPS), supply(3, CENTRIFUGAL), supply(4, BALL)])
    found = matcher.best_supplies(need(METERING))
    assert [m.id for m in found] == [1, 2, 3]
    assert [m.reasons[0].kind for m in found] == ["exact", "parent", "sibling"]
    assert found[0].score > found[1].score > found[2].score


def test_every_match_has_reasons_whose_shares_add_up_to_one():
    matcher = Matcher(
        TREE, [supply(1, METERING, CENTRIFUGAL, text="耐腐蚀计量泵 for chemical dosing"), supply(2, text="耐腐蚀材料")]
    )
    who = need(METERING, VALVES, text="耐腐蚀的加药设备 chemical", role="decide")
    for view in ("visitor", "exhibitor"):
        for item in matcher.supplies.values():
            match = matcher.match(who, item, view=view)
            assert match.reasons
            assert sum(r.share for r in match.reasons) == pytest.approx(1)
            assert 0 < match.score <= 1


def test_a_text_in_one_language_finds_the_other_through_the_tree():
    matcher = Matcher(TREE, [supply(1, METERING, text="Dosiertechnik"), supply(2, BALL)])
    [match] = matcher.best_supplies(need(text="我们在找加药泵"))
    assert (match.id, match.reasons[0].node) == (1, METERING)
    [match] = matcher.best_supplies(need(text="looking for Dosing Pumps."))
    assert match.id == 1 and [r.node for r in match.reasons] == [METERING]  # not the broader "pumps" as well


def test_chinese_words_are_shown_whole():
    matcher = Matcher(TREE, [supply(1, text="耐腐蚀合金管道"), supply(2, text="包装机械")])
    [match] = matcher.best_supplies(need(text="需要耐腐蚀合金"))
    assert match.reasons[0].words == "耐腐蚀合金"
    assert tokens("的和与 the of") == ()


def test_who_decides_comes_first_for_an_exhibitor_but_is_no_reason_alone():
    matcher = Matcher(TREE, [supply(1, METERING)])
    needs = [need(METERING, id_=1, role="none"), need(METERING, id_=2, role="decide"), need(BALL, id_=3, role="decide")]
    found = matcher.best_needs(matcher.supplies[1], needs)
    assert [m.id for m in found] == [2, 1]
    assert "role" in {r.kind for r in found[0].reasons}
    assert "role" not in {r.kind for r in found[1].reasons}


def test_own_company_and_excluded_are_never_suggested():
    matcher = Matcher(TREE, [supply(1, METERING, company=7), supply(2, METERING, company=8)])
    assert [m.id for m in matcher.best_supplies(need(METERING, company=7))] == [2]
    assert [m.id for m in matcher.best_supplies(need(METERING), excluded=frozenset({2}))] == [1]
    assert matcher.best_supplies(need(999, text="")) == []


def test_a_rare_wish_weighs_more_than_a_common_one():
    matcher = Matcher(TREE, [supply(i, BALL) for i in range(2, 40)] + [supply(1, METERING)])
    assert matcher.best_supplies(need(METERING, BALL))[0].id == 1


def test_a_cycle_in_the_tree_does_not_hang():
    tree = Tree.of([Node(1, 2), Node(2, 1)])
    assert tree.relation(1, 2)[0] == "parent"


def test_the_cap_holds_and_spreads():
    ranked = {v: list(range(20)) for v in range(100)}
    free = exposure.draft(ranked, length=5, exhibitors=20, cap=None)
    capped = exposure.draft(ranked, length=5, exhibitors=20, cap=2.0)
    assert all(row == [0, 1, 2, 3, 4] for row in free.values())
    shown = [e for row in capped.values() for e in row]
    assert max(shown.count(e) for e in range(20)) == 50  # twice the mean of 25
    assert all(len(set(row)) == len(row) for row in capped.values())
    a, b = exposure.spread(free, range(20)), exposure.spread(capped, range(20))
    assert a.shown == 0.25 and b.shown == 0.5 and b.gini < a.gini and a.top_tenth == 0.4
    assert exposure.spread({}, []) == exposure.Spread(0, 0, 0)


def test_slots_avoid_what_is_taken():
    at = lambda h, m=0: dt.datetime(2026, 6, 9, h, m, tzinfo=dt.UTC)  # noqa: E731
    day = meeting.Slot(at(9), at(11))
    free = meeting.free_slots([day], [meeting.Slot(at(9, 15), at(9, 45))])
    assert [s.starts_at for s in free] == [at(10), at(10, 30)]
    assert meeting.clash(meeting.Slot(at(9), at(10)), [meeting.Slot(at(10), at(11))]) is None
    assert not meeting.inside(meeting.Slot(at(10, 45), at(11, 15)), [day])


def test_a_whole_show_is_ranked_in_time():
    chance = random.Random(3)
    nodes = [Node(i, None) for i in range(10)] + [
        Node(100 + i, i % 10, (f"分类{i}产品", f"class {i} goods")) for i in range(50)
    ]
    tree = Tree.of(nodes)
    leaves = [n.id for n in nodes if n.parent_id is not None]
    words = ["耐腐蚀", "高精度", "节能", "不锈钢", "steel", "automatic", "sensor", "控制系统"]
    supplies = [supply(i, *chance.sample(leaves, 4), text=" ".join(chance.choices(words, k=30))) for i in range(400)]
    needs = [
        need(*chance.sample(leaves, 3), id_=i, text=f"{chance.choice(words)} {i}", role="use") for i in range(8000)
    ]
    start = time.process_time()
    matcher = Matcher(tree, supplies)
    matcher.best_supplies(needs[0])
    assert time.process_time() - start < 1
    start = time.process_time()
    assert len(matcher.best_needs(supplies[0], needs)) == 10
    assert time.process_time() - start < 2.5
