"""The workflows as drawn in domain.md 7: nothing hangs, nothing is guessed, nothing leaks."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from infra.packaging import ROOT
from tests.contract.packages import of_type

State = dict[str, Any]

WORKFLOWS = sorted(file.name.removesuffix(".asl.json") for file in ROOT.glob("stepfunctions/*"))
TABLES: dict[str, dict[str, dict[str, str]]] = {
    "order-fulfilment": {
        "Route": {
            "reserve": "Reserve",
            "review": "Review",
            "pay": "BeginPayment",
            "resolve": "Resolve",
            "await": "AwaitAction",
            "confirm": "Confirm",
            "fail": "FailOrder",
            "cancel": "CancelPaid",
            "done": "Done",
        },
        "AfterReserve": {
            "review": "Review",
            "pay": "BeginPayment",
            "out_of_stock": "FailOrder",
            "done": "Done",
        },
        "AfterReview": {"approve": "BeginPayment", "reject": "FailOrder", "done": "Done"},
        "AfterBeginPayment": {"pay": "Charge", "resolve": "Resolve", "done": "Done"},
        "AfterCharge": {
            "captured": "Confirm",
            "declined": "FailOrder",
            "requires_action": "AwaitAction",
            "unknown": "ResolveWait",
            "done": "Done",
        },
        "AfterAwaitAction": {
            "captured": "Confirm",
            "declined": "FailOrder",
            "close": "CloseAction",
            "done": "Done",
        },
        "AfterCloseAction": {
            "captured": "Confirm",
            "declined": "FailOrder",
            "expired": "FailOrder",
            "unknown": "ResolveWait",
            "done": "Done",
        },
        "AfterResolve": {
            "captured": "Confirm",
            "declined": "FailOrder",
            "expired": "FailOrder",
            "requires_action": "AwaitAction",
            "not_charged": "Charge",
            "unknown": "ResolveWait",
            "exhausted": "Park",
            "done": "Done",
        },
        "AfterConfirm": {"paid": "Done", "done": "Done", "cancel": "CancelPaid"},
        "AfterCancelPaid": {"done": "Done"},
        "AfterFailOrder": {
            "failed": "Done",
            "cancelled": "Done",
            "done": "Done",
            "approved": "BeginPayment",
            "refused": "Park",
        },
    },
    "order-refund": {
        "AfterRefund": {
            "settled": "Finish",
            "done": "Finish",
            "rejected": "Refused",
            "unknown": "RefundWait",
        },
        "AfterResolveRefund": {
            "settled": "Finish",
            "rejected": "Refused",
            "not_refunded": "Refund",
            "unknown": "RefundWait",
            "exhausted": "Park",
        },
        "AfterFinish": {"done": "Done"},
    },
}
# Step, function, time-out, retries at most, and where a fault leads.
STEPS: dict[str, dict[str, tuple[str, str, int, int, list[str]]]] = {
    "order-fulfilment": {
        "Load": ("load", "OrderStatus", 20, 4, ["Abort"]),
        "Reserve": ("reserve", "OrderStock", 20, 4, ["Abort"]),
        "Review": ("hold", "OrderStatus", 86400, 4, ["ReviewExpired", "Abort"]),
        "BeginPayment": ("begin_payment", "OrderStatus", 20, 4, ["Abort"]),
        "Charge": ("charge", "OrderPayment", 30, 4, ["ResolveWait"]),
        "AwaitAction": ("await_action", "OrderPayment", 900, 4, ["CloseAction", "Park"]),
        "CloseAction": ("close_action", "OrderPayment", 30, 4, ["Park"]),
        "Resolve": ("resolve", "OrderPayment", 30, 4, ["Park"]),
        "Confirm": ("confirm", "OrderStock", 20, 8, ["Park"]),
        "CancelPaid": ("cancel_paid", "OrderStatus", 20, 8, ["Park"]),
        "FailOrder": ("fail", "OrderStock", 20, 8, ["Park"]),
        "Abort": ("fail", "OrderStock", 20, 8, ["Park"]),
    },
    "order-refund": {
        "Refund": ("refund", "OrderPayment", 30, 4, ["RefundWait"]),
        "ResolveRefund": ("resolve_refund", "OrderPayment", 30, 4, ["Park"]),
        "Finish": ("finish_refund", "OrderStock", 20, 8, ["Park"]),
        "Refused": ("refund_failed", "OrderStatus", 20, 8, ["Park"]),
    },
}
MACHINE_TIMEOUTS = {"order-fulfilment": 90_000, "order-refund": 3_600}
FAULTS = {"order-fulfilment": "OrderFulfilmentFault", "order-refund": "OrderRefundFault"}
NUMBERS = {"ReviewTimeoutSeconds": "86400", "ActionTimeoutSeconds": "900"}
OUTCOME = {"outcome", "reason", "attempts"}
# Ids, versions and control words: whatever else a payload held might be about a person.
HARMLESS = {
    "step",
    "order_id",
    "refund_id",
    "media_id",
    "execution",
    "correlation_id",
    "reason",
    "task_token",
    "entered_at",
    "retry_count",
    "parts",
}
# What the steps of a workflow hand on beside their outcome: sizes, keys and hashes of pictures.
FOUND: dict[str, set[str]] = {
    "order-fulfilment": set(),
    "order-refund": set(),
    "media-pipeline": {"found.$", "status"},
}


def source(workflow: str) -> str:
    """The definition as written, substitutions open."""
    return (ROOT / "stepfunctions" / f"{workflow}.asl.json").read_text()


@cache
def machine(workflow: str) -> dict[str, Any]:
    """The definition with every substitution filled in."""
    filled = re.sub(r"\$\{(\w+)\}", lambda open_: _value(open_[1]), source(workflow))
    read: dict[str, Any] = json.loads(filled)
    return read


def _value(name: str) -> str:
    return NUMBERS.get(name, "5" if name.endswith("Seconds") else name)


def states(workflow: str) -> dict[str, State]:
    """Every state of a workflow, those of parallel branches included."""
    return dict(_all_states(machine(workflow)))


def catches(workflow: str, name: str) -> list[State]:
    """What catches the faults of a state: itself, or the Parallel state that it is a branch of."""
    catch: list[State] | None = states(workflow)[name].get("Catch")
    if catch is not None:
        return catch
    around = [
        state
        for state in machine(workflow)["States"].values()
        if any(name in branch["States"] for branch in state.get("Branches", []))
    ]
    found: list[State] = around[0]["Catch"]
    return found


def _all_states(scope: dict[str, Any]) -> Iterator[tuple[str, State]]:
    for name, state in scope["States"].items():
        yield name, state
        for branch in state.get("Branches", []):
            yield from _all_states(branch)


def tasks() -> list[Any]:
    """Every Task of every workflow."""
    return [
        pytest.param(workflow, name, id=f"{workflow}:{name}")
        for workflow in WORKFLOWS
        for name, state in states(workflow).items()
        if state["Type"] == "Task"
    ]


def successors(state: State) -> set[str]:
    """Every state that may come right after this one."""
    after = {state[key] for key in ("Next", "Default") if key in state}
    after |= {choice["Next"] for choice in state.get("Choices", [])}
    return after | {catch["Next"] for catch in state.get("Catch", [])}


def reached(workflow: str, start: str) -> set[str]:
    """Every state that can follow `start`, itself included."""
    scope = machine(workflow)["States"]
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += successors(scope[name])
    return seen


@pytest.mark.parametrize(("workflow", "name"), tasks())
def test_every_task_has_a_timeout(workflow: str, name: str) -> None:
    """No step can hang: a lost reply ends in a retry or a catch."""
    timeout = states(workflow)[name]["TimeoutSeconds"]
    assert 0 < timeout < machine(workflow)["TimeoutSeconds"]


@pytest.mark.covers(54)
@pytest.mark.parametrize(("workflow", "name"), tasks())
def test_every_task_retries_faults_capped_and_jittered(workflow: str, name: str) -> None:
    """Faults are tried again, never in step with others, never for ever."""
    retry = states(workflow)[name]["Retry"][-1]
    assert retry["ErrorEquals"] == ["States.ALL"]
    assert retry["JitterStrategy"] == "FULL"
    assert (retry["IntervalSeconds"], retry["BackoffRate"]) == (1, 2)
    assert (retry["MaxDelaySeconds"], retry["MaxAttempts"]) in {(10, 4), (60, 8)}


@pytest.mark.parametrize(("workflow", "name"), tasks())
def test_every_task_catches_what_is_left(workflow: str, name: str) -> None:
    """A fault that outlives its retries leads somewhere, and its cause is kept."""
    catch = catches(workflow, name)
    assert catch[-1]["ErrorEquals"] == ["States.ALL"]
    assert all(entry["ResultPath"] == "$.error" for entry in catch)


@pytest.mark.parametrize(("workflow", "name"), tasks())
def test_every_callback_waits_once(workflow: str, name: str) -> None:
    """A wait that is over is not begun again, and its token tells which wait it belongs to."""
    state = states(workflow)[name]
    if not state["Resource"].endswith(".waitForTaskToken"):
        return
    assert state["Retry"][0] == {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}
    assert state["Catch"][0]["ErrorEquals"] == ["States.Timeout"]
    payload = state["Parameters"]["Payload"]
    assert payload["task_token.$"] == "$$.Task.Token"
    assert payload["entered_at.$"] == "$$.State.EnteredTime"
    assert payload["retry_count.$"] == "$$.State.RetryCount"
    assert state["ResultSelector"] == {f"{field}.$": f"$.{field}" for field in OUTCOME}


@pytest.mark.parametrize(("workflow", "name"), tasks())
def test_every_invoke_keeps_the_outcome_alone(workflow: str, name: str) -> None:
    """The state holds the three fields of a step's answer, not the envelope of the call.

    The media steps add what they found and the status to announce; a branch has no path of its
    own, since the Parallel state around it keeps the results of all branches.
    """
    state = states(workflow)[name]
    if not state["Resource"].endswith(":lambda:invoke"):
        return
    kept = {f"{field}.$": f"$.Payload.{field}" for field in OUTCOME}
    assert kept.items() <= state["ResultSelector"].items()
    assert state["ResultSelector"].keys() - kept.keys() <= FOUND[workflow]
    if name in machine(workflow)["States"]:
        assert state["ResultPath"].startswith("$.")


@pytest.mark.parametrize(("workflow", "name"), tasks())
def test_every_step_is_told_who_asks(workflow: str, name: str) -> None:
    """Each step knows the run it belongs to and the request it began with, and ids only."""
    state = states(workflow)[name]
    if ":lambda:invoke" not in state["Resource"]:
        return
    given = state["Parameters"]["Payload"]
    payload = {field.removesuffix(".$"): value for field, value in given.items()}
    assert payload["execution"] == "$$.Execution.Name"
    assert payload["correlation_id"] == "$.correlation_id"
    assert payload.keys() <= HARMLESS


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_state_is_reachable(workflow: str) -> None:
    """Nothing is drawn that no run can reach."""
    assert reached(workflow, machine(workflow)["StartAt"]) == set(machine(workflow)["States"])


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_path_ends(workflow: str) -> None:
    """From every state both kinds of end stay in reach, or the run is about to end."""
    ends = {n for n, s in machine(workflow)["States"].items() if s["Type"] in {"Succeed", "Fail"}}
    assert ends == {"Done", "Broken"}
    for name in machine(workflow)["States"]:
        assert reached(workflow, name) & ends, name


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_unknown_outcomes_are_parked(workflow: str) -> None:
    """An answer that nobody foresaw is shown to a person instead of being guessed at."""
    for name, state in states(workflow).items():
        if state["Type"] == "Choice":
            assert state["Default"] == "Park", name


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_failed_runs_are_parked_first(workflow: str) -> None:
    """Only Park leads to Broken, with input and state for whoever takes the run up again."""
    before = {n for n, s in machine(workflow)["States"].items() if "Broken" in successors(s)}
    park = machine(workflow)["States"]["Park"]
    assert before == {"Park"}
    assert park["Resource"].endswith(":states:::sqs:sendMessage")
    assert park["Parameters"]["QueueUrl"] == "WorkflowDlqUrl"
    assert park["Parameters"]["MessageBody"] == {
        "workflow": workflow,
        "execution.$": "$$.Execution.Name",
        "input.$": "$$.Execution.Input",
        "state.$": "$",
    }


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_state_says_why(workflow: str) -> None:
    """Whoever looks at a stuck run finds the reason of its state beside it."""
    assert machine(workflow)["Comment"]
    assert all(state.get("Comment") for state in states(workflow).values())


@pytest.mark.covers(30)
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_substitution_is_provided(workflow: str) -> None:
    """The template fills every open name and offers none that is not used."""
    used = set(re.findall(r"\$\{(\w+)\}", source(workflow)))
    (provided,) = [
        properties["DefinitionSubstitutions"]
        for _, properties in of_type("AWS::Serverless::StateMachine")
        if properties["DefinitionUri"] == f"../stepfunctions/{workflow}.asl.json"
    ]
    assert set(provided) == used


@pytest.mark.parametrize("workflow", TABLES)
def test_outcomes_lead_where_the_domain_says(workflow: str) -> None:
    """Each Choice is the row of domain.md 7, no outcome more or less."""
    drawn = {
        name: {choice["StringEquals"]: choice["Next"] for choice in state["Choices"]}
        for name, state in states(workflow).items()
        if state["Type"] == "Choice"
    }
    assert drawn == TABLES[workflow]


@pytest.mark.parametrize("workflow", STEPS)
def test_steps_are_those_of_the_domain(workflow: str) -> None:
    """Step, function, time-out, retries and the way of a fault are the row of domain.md 7."""
    drawn = {
        name: (
            state["Parameters"]["Payload"]["step"],
            state["Parameters"]["FunctionName"].removesuffix("Arn"),
            state["TimeoutSeconds"],
            state["Retry"][-1]["MaxAttempts"],
            [catch["Next"] for catch in state["Catch"]],
        )
        for name, state in states(workflow).items()
        if state["Type"] == "Task" and name != "Park"
    }
    assert drawn == STEPS[workflow]


@pytest.mark.parametrize("workflow", TABLES)
def test_machine_ends_in_time_and_by_name(workflow: str) -> None:
    """A run that never ends is ended, and a broken one names its kind."""
    assert machine(workflow)["TimeoutSeconds"] == MACHINE_TIMEOUTS[workflow]
    assert machine(workflow)["States"]["Broken"]["Error"] == FAULTS[workflow]


def test_faults_after_charge_never_fail_the_order() -> None:
    """Once the gateway may hold money only its answer releases stock, never a fault."""
    scope = machine("order-fulfilment")["States"]
    for name in ("Charge", "AwaitAction", "CloseAction", "Resolve", "Confirm", "CancelPaid"):
        led = {catch["Next"] for catch in scope[name]["Catch"]}
        assert led <= {"ResolveWait", "CloseAction", "Park"}, name


def test_review_that_nobody_decides_fails_with_its_reason() -> None:
    """An expired review fails the order as `review_expired`; an abort as `system_error`."""
    scope = machine("order-fulfilment")["States"]
    assert scope["ReviewExpired"]["Result"] == {
        "outcome": "expired",
        "reason": "review_expired",
        "attempts": 0,
    }
    assert scope["ReviewExpired"]["Next"] == "FailOrder"
    assert scope["FailOrder"]["Parameters"]["Payload"]["reason.$"] == "$.last.reason"
    assert scope["Abort"]["Parameters"]["Payload"]["reason"] == "system_error"
    assert scope["Abort"]["Next"] == "Park"
