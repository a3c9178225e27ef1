"""An interpreter for the workflow constructs in use, on the simulated clock.

One execution is a generator: it yields a `Pause` wherever time must pass or somebody must call
back, and whoever drives it sends the answer in.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.faults.harness import asl
from tests.faults.harness.clock import SimulatedClock
from tests.faults.harness.lambda_runtime import DEFAULT_TIMEOUT_S, TIMED_OUT

JSON = Any
_TASK = {
    "lambda:invoke",
    "lambda:invoke.waitForTaskToken",
    "sqs:sendMessage",
    "sns:publish",
}
_ALLOWED = {
    "Task": {"Type", "Comment", "Resource", "Parameters", "ResultSelector", "ResultPath",
             "InputPath", "OutputPath", "TimeoutSeconds", "HeartbeatSeconds", "Retry", "Catch",
             "Next", "End"},
    "Choice": {"Type", "Comment", "Choices", "Default", "InputPath", "OutputPath"},
    "Wait": {"Type", "Comment", "Seconds", "SecondsPath", "TimestampPath", "Next", "End"},
    "Pass": {"Type", "Comment", "Result", "ResultPath", "Parameters", "InputPath", "OutputPath",
             "Next", "End"},
    "Parallel": {"Type", "Comment", "Branches", "ResultSelector", "ResultPath", "Retry", "Catch",
                 "InputPath", "OutputPath", "Parameters", "Next", "End"},
    "Succeed": {"Type", "Comment", "InputPath", "OutputPath"},
    "Fail": {"Type", "Comment", "Error", "Cause"},
}  # fmt: skip
STATES_MAX = 2_000


class TaskFailed(Exception):
    """A state ended with an error name that Retry and Catch may match."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error)
        self.error, self.cause = error, cause


@dataclass(frozen=True, slots=True)
class Pause:
    """An execution stands still until `until_s`, or until `token` is answered."""

    until_s: float
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """What SendTaskSuccess or SendTaskFailure brought."""

    output: JSON = None
    error: str | None = None
    cause: str = ""


Steps = Generator[Pause, Callback | None, JSON]


class Services(Protocol):
    """What a workflow can do to the world outside itself."""

    def task(self, resource: str, parameters: JSON, identity: str) -> JSON:
        """Perform one task; raises TaskFailed."""


@dataclass(slots=True)
class Execution:
    """One run of one machine."""

    machine: str
    name: str
    input: JSON
    started_s: float
    steps: Steps
    deadline_s: float
    status: str = "RUNNING"
    pause: Pause | None = None
    output: JSON = None
    error: str = ""
    stopped_s: float | None = None
    answered: list[Callback] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)


def refuse_unknown(definition: dict[str, JSON]) -> None:
    """Raise Unsupported when a machine uses what this interpreter does not know."""
    if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise asl.Unsupported("query language")
    for name, state in definition["States"].items():
        kind = state["Type"]
        if kind not in _ALLOWED:
            raise asl.Unsupported(f"state type {kind} of {name}")
        unknown = set(state) - _ALLOWED[kind]
        if unknown:
            raise asl.Unsupported(f"{name}: {sorted(unknown)}")
        if kind == "Task" and service_of(state["Resource"]) not in _TASK:
            raise asl.Unsupported(f"{name}: {state['Resource']}")
        for branch in state.get("Branches", []):
            refuse_unknown(branch)


def service_of(resource: str) -> str:
    """`lambda:invoke` from the ARN of an optimised integration."""
    return resource.split(":states:::", 1)[-1]


class Interpreter:
    """Runs the states of one execution."""

    def __init__(
        self,
        clock: SimulatedClock,
        services: Services,
        visited: Callable[[str, str], None],
    ) -> None:
        self._clock, self._services, self._visited = clock, services, visited

    def run(self, machine: dict[str, JSON], execution: Execution) -> Steps:
        """The whole run as a generator; its return value is the output."""
        context = {
            "Execution": {
                "Id": f"arn:aws:states:::execution:{execution.machine}:{execution.name}",
                "Name": execution.name,
                "Input": execution.input,
                "StartTime": self._clock.iso(),
            },
            "StateMachine": {"Name": execution.machine},
        }
        return (yield from self._states(machine, execution.input, context, execution))

    def _states(
        self, machine: dict[str, JSON], data: JSON, context: JSON, execution: Execution
    ) -> Steps:
        name = machine["StartAt"]
        for _ in range(STATES_MAX):
            state = machine["States"][name]
            execution.visited.append(name)
            self._visited(execution.machine, name)
            entered = {"Name": name, "EnteredTime": self._clock.iso(), "RetryCount": 0}
            here = {**context, "State": entered}
            following: str | None
            match state["Type"]:
                case "Succeed":
                    return data
                case "Fail":
                    raise TaskFailed(state.get("Error", "Failed"), state.get("Cause", ""))
                case "Choice":
                    following = asl.chosen(state, data, here)
                case _:
                    data, following = yield from self._work(state, data, here, execution)
            execution.edges.append(f"{name}->{following or 'End'}")
            if following is None:
                return data
            name = following
        raise TaskFailed("States.Runtime", "too many states")

    def _work(
        self, state: dict[str, JSON], data: JSON, context: JSON, execution: Execution
    ) -> Generator[Pause, Callback | None, tuple[JSON, str | None]]:
        """A state with retries and catchers; returns the data and the next state's name."""
        tried = [0] * len(state.get("Retry", []))
        while True:
            try:
                result = yield from self._once(state, data, context, execution)
            except asl.PathMissing as missing:
                failure = TaskFailed("States.Runtime", str(missing))
            except TaskFailed as failed:
                failure = failed
            else:
                return result, None if state.get("End") else state["Next"]
            wait_s = _retry_wait(state, failure.error, tried)
            if wait_s is None:
                return self._caught(state, data, failure)
            context["State"]["RetryCount"] += 1
            yield Pause(self._clock.now() + wait_s)

    def _caught(self, state: dict[str, JSON], data: JSON, failure: TaskFailed) -> tuple[JSON, str]:
        for catcher in state.get("Catch", []):
            if _named(catcher["ErrorEquals"], failure.error):
                answer = {"Error": failure.error, "Cause": failure.cause}
                return asl.put(catcher.get("ResultPath", "$"), data, answer), catcher["Next"]
        raise failure

    def _once(
        self, state: dict[str, JSON], data: JSON, context: JSON, execution: Execution
    ) -> Steps:
        start = _select(state.get("InputPath", "$"), data, context)
        match state["Type"]:
            case "Wait":
                yield Pause(self._wait_until(state, start, context))
                result = start
            case "Pass":
                filled = asl.fill(state.get("Parameters", {}), start, context)
                result = state.get("Result", filled if "Parameters" in state else start)
            case "Parallel":
                result = []
                for branch in state["Branches"]:
                    given = (
                        asl.fill(state["Parameters"], start, context)
                        if ("Parameters" in state)
                        else start
                    )
                    result.append((yield from self._states(branch, given, context, execution)))
            case _:
                result = yield from self._task(state, start, context, execution)
        if "ResultSelector" in state:
            result = asl.fill(state["ResultSelector"], result, context)
        if state["Type"] == "Wait":
            merged = data
        else:
            merged = asl.put(state.get("ResultPath", "$"), data, result)
        return _select(state.get("OutputPath", "$"), merged, context)

    def _wait_until(self, state: dict[str, JSON], data: JSON, context: JSON) -> float:
        if "TimestampPath" in state:
            return asl.seconds_of(asl.look_up(state["TimestampPath"], data, context))
        seconds = (
            asl.look_up(state["SecondsPath"], data, context)
            if "SecondsPath" in state
            else state["Seconds"]
        )
        return self._clock.now() + float(seconds)

    def _task(  # noqa: C901 - the order of these steps is the point
        self, state: dict[str, JSON], data: JSON, context: JSON, execution: Execution
    ) -> Steps:
        service = service_of(state["Resource"])
        token = str(uuid.uuid4())
        waits = service.endswith(".waitForTaskToken")
        there = {**context, "Task": {"Token": token}} if waits else context
        parameters = asl.fill(state.get("Parameters", {}), data, there)
        timeout_s = float(state.get("TimeoutSeconds", 99_999_999))
        deadline_s = self._clock.now() + timeout_s
        if waits:
            # The token must be answerable while the function still runs.
            execution.pause = Pause(deadline_s, token)
        entered = context["State"]
        identity = (
            f"{execution.machine}/{execution.name}/{entered['Name']}/{entered['EnteredTime']}"
        )
        try:
            result = self._services.task(service, parameters, identity)
        except TaskFailed as failed:
            if failed.error == TIMED_OUT and not execution.answered:
                yield Pause(self._clock.now() + min(timeout_s, DEFAULT_TIMEOUT_S))
            if not execution.answered:
                raise
            result = None
        if not waits:
            return result
        answer = execution.answered.pop() if execution.answered else None
        if answer is None:
            answer = yield Pause(deadline_s, token)
        if answer is None:
            raise TaskFailed("States.Timeout")
        if answer.error is not None:
            raise TaskFailed(answer.error, answer.cause)
        return answer.output


def _select(path: str | None, data: JSON, context: JSON) -> JSON:
    return {} if path is None else asl.look_up(path, data, context)


def _named(wanted: list[str], error: str) -> bool:
    if "States.ALL" in wanted:
        return error not in {"States.Runtime", "States.DataLimitExceeded"}
    if "States.TaskFailed" in wanted and error != "States.Timeout":
        return True
    return error in wanted


def _retry_wait(state: dict[str, JSON], error: str, tried: list[int]) -> float | None:
    """Seconds until the next attempt, or nothing when the retries are spent."""
    for position, retrier in enumerate(state.get("Retry", [])):
        if not _named(retrier["ErrorEquals"], error):
            continue
        if tried[position] >= int(retrier.get("MaxAttempts", 3)):
            return None
        # Full jitter may be anything up to the back-off; the harness waits all of it.
        wait_s = float(retrier.get("IntervalSeconds", 1)) * (
            float(retrier.get("BackoffRate", 2)) ** tried[position]
        )
        tried[position] += 1
        return min(wait_s, float(retrier.get("MaxDelaySeconds", wait_s)))
    return None
