"""The workflow interpreter: graph, data, retries, tokens, time, and what it refuses."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.faults.harness.asl import Unsupported
from tests.faults.harness.calls import Kind
from tests.faults.harness.fault_plan import FaultPlan
from tests.faults.harness.workflow import Callback, refuse_unknown
from tests.faults.selftest.conftest import QUEUE, Lab

INVOKE = "arn:aws:states:::lambda:invoke"


def invoking(function: str, **more: Any) -> dict[str, Any]:
    """A task that calls a function with the order id."""
    parameters = {"FunctionName": function, "Payload": {"order_id.$": "$.order_id"}}
    return {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": parameters,
        "ResultSelector": {"outcome.$": "$.Payload.outcome"},
        "ResultPath": "$.last",
        "TimeoutSeconds": 20,
        **more,
    }


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    """A machine that starts at its first state."""
    return {"StartAt": next(iter(states)), "States": states}


def run(lab: Lab, definition: dict[str, Any]) -> Any:
    """Run one execution to its end."""
    lab.world.workflows.declare("flow", definition)
    execution = lab.world.workflows.start("flow", "o1", {"order_id": "o1"})
    lab.world.drain()
    return execution


def test_choice_follows_the_outcome(lab: Lab) -> None:
    """The selected result decides, and the rest of the data stays."""
    lab.handler("pay", lambda _event: {"outcome": "paid", "secret": 1})
    choice = {"Variable": "$.last.outcome", "StringEquals": "paid", "Next": "Done"}
    execution = run(
        lab,
        machine(
            Pay=invoking("pay", Next="After"),
            After={"Type": "Choice", "Choices": [choice], "Default": "Broken"},
            Done={"Type": "Succeed"},
            Broken={"Type": "Fail", "Error": "Oops"},
        ),
    )
    assert execution.status == "SUCCEEDED"
    assert execution.output == {"order_id": "o1", "last": {"outcome": "paid"}}
    assert lab.seen == [{"order_id": "o1"}]


def test_retry_waits_and_then_catches(lab: Lab) -> None:
    """Two retries, 1 s and 2 s apart, then the catcher with the error beside the data."""

    def fail(_event: object) -> None:
        raise ValueError("no")

    lab.handler("pay", fail)
    retry = {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 1,
        "BackoffRate": 2,
        "MaxAttempts": 2,
        "MaxDelaySeconds": 10,
        "JitterStrategy": "FULL",
    }
    catch = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Done"}
    started_s = lab.world.clock.now()
    execution = run(
        lab,
        machine(Pay=invoking("pay", Next="Done", Retry=[retry], Catch=[catch]),
                Done={"Type": "Succeed"}),
    )  # fmt: skip
    assert len(lab.seen) == 3
    assert execution.output["error"] == {"Error": "ValueError", "Cause": "no"}
    assert 3 <= lab.world.clock.now() - started_s < 4


def waiting(lab: Lab, token_seen: list[str]) -> dict[str, Any]:
    """A machine that waits for a token for a day."""
    lab.handler("hold", lambda event: token_seen.append(event["token"]))
    return machine(
        Hold={
            "Type": "Task",
            "Resource": f"{INVOKE}.waitForTaskToken",
            "Parameters": {
                "FunctionName": "hold",
                "Payload": {"token.$": "$$.Task.Token", "at.$": "$$.State.EnteredTime"},
            },
            "ResultSelector": {"outcome.$": "$.outcome"},
            "ResultPath": "$.last",
            "TimeoutSeconds": 86_400,
            "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.error", "Next": "Late"}],
            "End": True,
        },
        Late={"Type": "Pass", "End": True},
    )


def test_token_resumes_the_run(lab: Lab) -> None:
    """A callback ends the wait with its output, and its token works once."""
    tokens: list[str] = []
    lab.world.workflows.declare("flow", waiting(lab, tokens))
    execution = lab.world.workflows.start("flow", "o1", {})
    lab.world.drain(60)
    assert execution.status == "RUNNING"
    assert lab.world.workflows.call_back(tokens[0], Callback({"outcome": "approve"}))
    lab.world.drain(60)
    assert execution.output == {"last": {"outcome": "approve"}}
    assert not lab.world.workflows.call_back(tokens[0], Callback({}))


def test_token_that_nobody_answers_times_out(lab: Lab) -> None:
    """After a simulated day the catcher takes over."""
    execution = run(lab, waiting(lab, []))
    assert execution.visited == ["Hold", "Late"]


def test_token_may_be_answered_while_the_function_runs(lab: Lab) -> None:
    """A step that sends its own success does not wait."""
    definition = waiting(lab, [])

    def answer(event: dict[str, str]) -> None:
        lab.world.workflows.call_back(event["token"], Callback({"outcome": "done"}))

    lab.handler("hold", answer)
    assert run(lab, definition).output["last"] == {"outcome": "done"}


def test_wait_passes_simulated_time(lab: Lab) -> None:
    """A Wait costs the clock, not the test."""
    started_s = lab.world.clock.now()
    run(lab, machine(Rest={"Type": "Wait", "Seconds": 300, "End": True}))
    assert lab.world.clock.now() - started_s >= 300


def test_send_message_parks_the_input(lab: Lab) -> None:
    """A queue task writes the filled body as JSON."""
    body = {"input.$": "$$.Execution.Input", "execution.$": "$$.Execution.Name"}
    run(
        lab,
        machine(
            Park={
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": {"QueueUrl": f"https://x/1/{QUEUE}", "MessageBody": body},
                "ResultPath": None,
                "Next": "Broken",
            },
            Broken={"Type": "Fail", "Error": "Fault"},
        ),
    )
    (message,) = lab.world.substrate.messages(QUEUE)
    assert message.body == '{"input": {"order_id": "o1"}, "execution": "o1"}'


def test_parallel_collects_its_branches(lab: Lab) -> None:
    """Branch outputs come as a list in order."""
    branches = [machine(One={"Type": "Pass", "Result": n, "End": True}) for n in (1, 2)]
    both = {"Type": "Parallel", "Branches": branches, "ResultPath": "$.parts", "End": True}
    assert run(lab, machine(Both=both)).output["parts"] == [1, 2]


def test_name_is_unique_for_ever(lab: Lab) -> None:
    """The same name is the same run while it runs with the same input, and taken afterwards."""
    lab.world.workflows.declare("flow", machine(Rest={"Type": "Wait", "Seconds": 5, "End": True}))
    client = boto3.client("stepfunctions", region_name="eu-central-1")
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:flow"
    first = client.start_execution(stateMachineArn=arn, name="o1", input="{}")
    again = client.start_execution(stateMachineArn=arn, name="o1", input="{}")
    assert first["executionArn"] == again["executionArn"]
    lab.world.drain()
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=arn, name="o1", input="{}")
    found = client.describe_execution(executionArn=first["executionArn"])
    assert found["status"] == "SUCCEEDED"


def test_lost_start_still_starts(lab: Lab) -> None:
    """Faults apply to workflow calls of handlers too."""
    lab.begin(FaultPlan({1: Kind.LOST}))
    lab.world.workflows.declare("flow", machine(Done={"Type": "Succeed"}))
    client = boto3.client("stepfunctions", region_name="eu-central-1")
    arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:flow"
    with lab.world.injector.inside("signals"), pytest.raises(Exception, match="timeout"):
        client.start_execution(stateMachineArn=arn, name="o1", input="{}")
    assert [call.operation for call in lab.world.injector.calls] == ["StartExecution"]
    assert ("flow", "o1") in lab.world.workflows.executions


@pytest.mark.usefixtures("lab")
def test_unknown_token_is_refused() -> None:
    """Nobody waits for an invented token."""
    client = boto3.client("stepfunctions", region_name="eu-central-1")
    with pytest.raises(ClientError, match="TaskTimedOut"):
        client.send_task_success(taskToken="t" * 20, output="{}")


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Map", "End": True},
        {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "End": True},
        {"Type": "Pass", "Assign": {}, "End": True},
    ],
)
def test_unknown_constructs_are_refused(state: dict[str, Any]) -> None:
    """What the interpreter does not know it does not guess."""
    with pytest.raises(Unsupported):
        refuse_unknown(machine(Odd=state))
