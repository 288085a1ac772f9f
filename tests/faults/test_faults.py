"""The small set of the faults: what every change is tested with. The whole is ``make faults``."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from expo_crm import faults
from expo_crm.config import ConfigError
from tests.faults import cases
from tests.faults.cases import Case, Scene, Sizes
from tests.support.apps import settings_for

SMALL = (cases.f1, cases.f2, cases.f4, cases.f5, cases.f8, cases.f9, cases.f10)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    seed = int(os.environ.get("FAULT_SEED", "20260512"))
    with cases.scene_of(Sizes(), seed, badges=8_000, durable=False, strict=False) as scene:
        yield scene


@pytest.mark.postgres
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.__name__)
def test_nothing_is_lost_or_counted_twice(scene: Scene, case: Case) -> None:
    result = case(scene)
    assert not result.wanted, f"{result.seen}\n{result.wanted}"
    assert result.finding is not None and result.finding.shown > 0
    assert result.finding.clean, str(result.finding)


def test_the_checker_sees_what_is_missing_or_too_much(scene: Scene) -> None:
    """The proof proves something: a scan taken out of the log, and one put in, are both noticed."""
    (gate,) = scene.gates("CHECK", 1)
    for badge in scene.house.take(3):
        assert gate.scan(badge) == "admit"
    assert cases.finish(cases.Result("", "", ""), scene, [gate]).ok
    keep, gone = scene.house.rows(
        "SELECT id, badge_id FROM scan WHERE device_id = %s ORDER BY id LIMIT 2", gate.device_id
    )
    scene.house.rows("DELETE FROM scan WHERE id = %s", gone[0])
    finding = cases.check(scene.house, [gate])
    assert (finding.lost, finding.double, finding.differences > 0) == (2, 0, True)  # as receipt and as green screen
    scene.house.rows("UPDATE scan SET decision = 'deny', reason = 'unknown', badge_id = NULL WHERE id = %s", keep[0])
    assert cases.check(scene.house, [gate]).wrong == 1
    # What was broken here is taken away, so that the next case finds a log and a projection that agree.
    scene.house.rows("DELETE FROM scan WHERE device_id = %s", gate.device_id)
    assert cases.check(scene.house, [gate]).differences > 0
    assert cases.check(scene.house, [gate]).differences == 0


def test_faults_are_for_tests_only(tmp_path) -> None:
    with pytest.raises(ConfigError, match="EXPO_TESTING"):
        settings_for("sqlite:///x", tmp_path, testing=False, faults="plan")
    assert settings_for("sqlite:///x", tmp_path, faults="plan").faults == "plan"


def test_a_point_is_inert_until_a_plan_names_it(tmp_path) -> None:
    plan = tmp_path / "plan"
    try:
        faults.point("here")
        faults.arm(str(plan))
        faults.point("here")  # no file yet
        plan.write_text("# quiet\nthere raise\nitem raise at=2 count=1\n")
        faults.point("here")
        with pytest.raises(faults.OperationalError):
            faults.point("there")
        faults.point("item", 1)
        with pytest.raises(faults.OperationalError):
            faults.point("item", 2)
        faults.point("item", 2)  # once only
        assert len((tmp_path / "plan.log").read_text().splitlines()) == 2
    finally:
        faults.arm("")
    faults.point("there")


@pytest.mark.parametrize("line", ["here", "here dance", "here kill p=often", "here kill why=so"])
def test_a_plan_that_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(faults.PlanError):
        faults.read_plan(line)


def test_a_share_of_passings_is_the_same_in_each_run(tmp_path) -> None:
    plan = tmp_path / "plan"
    plan.write_text("here raise p=0.3 seed=7")

    def passings() -> list[bool]:
        faults.arm(str(plan))
        out = []
        for _ in range(40):
            try:
                faults.point("here")
                out.append(False)
            except faults.OperationalError:
                out.append(True)
        return out

    try:
        first = passings()
        assert first == passings() and 4 < sum(first) < 22
    finally:
        faults.arm("")
