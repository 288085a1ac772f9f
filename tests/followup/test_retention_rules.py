"""Retention, risk, plan and case rules with numbers worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from expo_crm.followup.domain import case, plan, risk
from expo_crm.followup.domain.retention import Flow, Stake, classify, cohorts

A, B, C, D, E, F = range(1, 7)


def stakes(**amounts: int) -> dict[int, Stake]:
    return {globals()[name]: Stake(Decimal(amount) / 10, Decimal(amount)) for name, amount in amounts.items()}


def test_the_oracle_of_the_money() -> None:
    """Last 250 = A100 B80 C50 D20, now A120 B60 C0 D20 and new E40: GRR .72, NRR .80, companies 3/4."""
    found = classify(stakes(A=100, B=80, C=50, D=20), stakes(A=120, B=60, D=20, E=40), set())
    assert found.amount.gross == pytest.approx(0.72)
    assert found.amount.net == pytest.approx(0.80)
    assert found.count.gross == found.count.net == 0.75
    assert found.count.churn == 0.25
    assert found.net_m2.gross == pytest.approx(0.72)
    assert [found.of(flow) for flow in Flow] == [[A, B, D], [C], [E], []]
    assert (found.amount.of(Flow.LOST), found.amount.of(Flow.NEW)) == (50, 40)


def test_won_back_was_there_before_but_not_last_time() -> None:
    found = classify(stakes(A=100, B=80), stakes(A=100, F=10, E=40), {A, F})
    assert found.of(Flow.WON_BACK) == [F] and found.of(Flow.NEW) == [E] and found.of(Flow.LOST) == [B]


@pytest.mark.parametrize("seed", range(20))
def test_identities_hold_for_any_two_editions(seed: int) -> None:
    import random

    dice = random.Random(seed)

    def edition() -> dict[int, Stake]:
        return {
            c: Stake(Decimal(dice.randint(0, 90)), Decimal(dice.randint(0, 900)))
            for c in dice.sample(range(40), dice.randint(0, 40))
        }

    prior, current, seen = edition(), edition(), set(dice.sample(range(40), 15))
    found = classify(prior, current, seen)
    assert found.count.current == found.count.retained_now + found.count.won_back + found.count.new
    assert found.count.prior == found.count.retained_now + found.count.lost
    assert found.amount.prior == found.amount.retained_before + found.amount.lost
    assert found.amount.current == found.amount.retained_now + found.amount.won_back + found.amount.new
    if found.amount.prior:
        assert found.amount.gross <= min(1, found.amount.net)  # type: ignore[type-var, operator]


def test_an_empty_edition_has_no_rate() -> None:
    found = classify({}, stakes(A=10), set())
    assert found.count.gross is None and found.amount.net is None and found.count.churn is None


def test_cohorts_are_not_cumulative_and_allow_gaps() -> None:
    table = cohorts([{A, B, C}, {A, D}, {A, B, D}])
    assert [(c.first, c.kept) for c in table] == [(0, (3, 1, 2)), (1, (1, 1)), (2, (0,))]
    assert sum(c.kept[-1] for c in table) == 3  # everybody of the last edition belongs to one cohort


def test_every_point_of_risk_has_its_reason() -> None:
    calm = risk.assess(risk.Evidence())
    assert calm.score == 0 and calm.reasons == () and calm.level == "low"
    found = risk.assess(
        risk.Evidence(net_m2=Decimal(9), net_m2_before=Decimal(18), leads=2, leads_quartile=3.0, nps=4, first_time=True)
    )
    assert {r.code for r in found.reasons} == {"smaller_stand", "few_leads", "detractor", "first_time"}
    assert found.score == 15 + 15 + 25 + 20 and found.level == "high"
    assert found.reasons[0].code == "detractor"


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (risk.Evidence(return_intention="no"), "wont_return"),
        (risk.Evidence(return_intention="unsure"), "unsure_return"),
        (risk.Evidence(complaints_open=1), "complaint_open"),
        (risk.Evidence(complaints_late=1), "complaint_late"),
        (risk.Evidence(days_overdue=3), "overdue"),
        (risk.Evidence(paid_late_days=3), "paid_late"),
        (risk.Evidence(portal_used=False), "portal_unused"),
        (risk.Evidence(absent_before=1), "absent_before"),
        (risk.Evidence(days_silent=91), "no_contact"),
        (risk.Evidence(dissatisfied=2), "dissatisfied"),
    ],
)
def test_one_rule_one_reason(evidence: risk.Evidence, code: str) -> None:
    assert [r.code for r in risk.assess(evidence).reasons] == [code]


@pytest.mark.parametrize(
    "evidence",
    [
        risk.Evidence(leads=0),  # no quartile: no lead was scanned in the edition
        risk.Evidence(nps=7),
        risk.Evidence(days_silent=90),
        risk.Evidence(net_m2=Decimal(9), net_m2_before=Decimal(9)),
        risk.Evidence(return_intention="likely"),
    ],
)
def test_a_rule_without_its_data_stays_silent(evidence: risk.Evidence) -> None:
    assert risk.assess(evidence).reasons == ()


def test_the_lower_quartile() -> None:
    assert risk.lower_quartile([1, 2, 3, 4, 5, 6, 7, 8, 9]) == 3
    assert risk.lower_quartile([1, 2, 3]) is None


def test_owners_keep_their_companies_and_the_rest_is_dealt_evenly() -> None:
    stake = Stake(Decimal(9), Decimal(100))
    wanted = [
        plan.Candidate(i, "rebooking", stake, owner, priority=100 - i)
        for i, owner in enumerate([7, 7, 7, None, None, 99, None])
    ]
    friday = dt.date(2026, 6, 12)
    steps = plan.make(wanted, [7, 8], first_on=friday, per_day=2)
    owners = {s.candidate.company_id: s.owner_id for s in steps}
    assert [owners[i] for i in (0, 1, 2)] == [7, 7, 7]
    assert sorted(owners[i] for i in (3, 4, 5, 6)) == [7, 7, 8, 8]  # 99 sells no more, so his company is dealt too
    mine = [s.due_on for s in steps if s.owner_id == 7]
    monday, tuesday = dt.date(2026, 6, 15), dt.date(2026, 6, 16)
    assert mine == [friday, friday, monday, monday, tuesday]  # no call on a weekend
    assert {(s.owner_id, s.count, s.given) for s in plan.shares(steps)} == {(7, 5, 2), (8, 2, 2)}
    assert plan.make(wanted, [7, 8], first_on=friday, per_day=2) == steps


def test_candidates_are_each_company_once_with_its_last_stand() -> None:
    base, before, old, older = stakes(A=10), stakes(A=5, B=20), stakes(B=99, C=30), stakes(D=1)
    found = {
        c.company_id: (c.source, c.stake.amount) for c in plan.candidates(base, [before, old, older], {}, won_back=True)
    }
    assert found == {A: ("rebooking", 10), B: ("won_back", 20), C: ("won_back", 30)}  # D was last here too long ago
    assert [c.company_id for c in plan.candidates(base, [before], {}, won_back=False)] == [A]


def test_a_call_never_moves_a_stage_back() -> None:
    assert plan.after_call("reached", "lead").stage == "contacted"
    assert plan.after_call("reached", "quoted").stage is None
    assert plan.after_call("interested", "contacted").stage == "intent"
    assert plan.after_call("interested", "held").stage is None
    assert plan.after_call("refused", "lead") == plan.AfterCall("lost", None)
    with pytest.raises(KeyError):
        plan.after_call("../x", "lead")


def test_a_case_moves_step_by_step() -> None:
    go = lambda a, b, **k: case.check_move(a, b, **{"has_owner": True, "has_answer": True, **k})  # noqa: E731
    assert go("open", "assigned") == "assigned"
    assert go("released", "reopened") == "reopened"
    for before, after, facts, code in [
        ("open", "confirmed", {}, "not_now"),
        ("open", "assigned", {"has_owner": False}, "needs_owner"),
        ("assigned", "answered", {"has_answer": False}, "needs_answer"),
        ("open", "../x", {}, "unknown_state"),
    ]:
        with pytest.raises(case.CaseError) as refusal:
            go(before, after, **facts)
        assert refusal.value.code == code
