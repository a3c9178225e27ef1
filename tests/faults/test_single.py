"""Every use case of the order path, every call, every kind of fault, one at a time."""

import pytest

from tests.faults.conftest import LINES, open_stage, publish
from tests.faults.harness.campaign import Plan, run_plan
from tests.faults.harness.clients import ClientModel
from tests.faults.harness.points import Point
from tests.faults.use_cases.catalogue import USE_CASES

POINTS_MIN = 1_000
POINTS_MAX = 1_000
OTHER_CLIENTS = ("place_order", "cancel_paid", "refund_part", "stock_receive")


def planned(*, everything: bool) -> Plan:
    """Discover every use case with the default client, some with each other client."""
    plan = Plan()
    stage = open_stage()
    try:
        for name, use_case in USE_CASES.items():
            recording = stage.runner.discover(use_case)
            plan.add(name, ClientModel.RETRIES, recording, everything=everything)
        for client in list(ClientModel)[1:]:
            for name in USE_CASES if everything else OTHER_CLIENTS:
                recording = stage.runner.discover(USE_CASES[name], client)
                plan.add(name, client, recording, everything=everything)
        plan.reached.add(stage.reached)
    finally:
        stage.close()
    return plan


@pytest.mark.timeout(7_200)
def test_no_single_fault_breaks_the_books(*, is_nightly: bool, seed: int) -> None:
    """Whatever single call or delivery fails, money, stock, history and promises stay right."""
    plan = planned(everything=is_nightly)
    assert plan.broken_clean == []
    if not is_nightly:
        plan.sample(POINTS_MAX, seed)
    report = run_plan(plan, open_stage, seed=seed)
    report.write_lines(LINES / "single.jsonl")
    publish("single faults", report.table())
    assert [verdict.point.replay for verdict in report.broken] == []
    assert len(report.verdicts) >= POINTS_MIN


def test_asked_point(pytestconfig: pytest.Config, *, seed: int) -> None:
    """One point by name, with the timeline of its calls."""
    asked = pytestconfig.getoption("--point", default=None)
    assert asked
    name, client, at, kind = asked.split(":")
    stage = open_stage()
    try:
        stage.runner.seed = seed
        use_case = USE_CASES[name]
        recording = stage.runner.discover(use_case, ClientModel(client))
        verdict = stage.runner.run(
            use_case, Point(name, ClientModel(client), int(at), kind), recording
        )
        publish(asked, stage.runner.timeline())
    finally:
        stage.close()
    assert verdict.survived, verdict.violations or verdict.drift or "not fired"
