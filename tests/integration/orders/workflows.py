"""Step Functions for tests: the calls are caught at the client, the ASL files are interpreted.

Only what the order workflows use: Task, Choice on strings, Wait (at once), Pass, Succeed, Fail.
A task with a token waits until somebody sends its success, or until the test lets it time out.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from chalicelib.aws.clients import client

FILES = Path(__file__).parents[3] / "stepfunctions"
CALLS = ("StartExecution", "SendTaskSuccess", "DescribeExecution")
STEPS_MAX = 200

Invoke = Callable[[str, dict[str, Any]], dict[str, Any]]


class StepFailed(Exception):
    """A task raised; the Catch of its state decides."""


@dataclass
class Run:
    """One execution."""

    workflow: str
    name: str
    given: dict[str, Any]
    state: str
    data: dict[str, Any]
    status: str = "RUNNING"
    entered: int = 0
    retries: int = 0
    token: str | None = None
    path: list[str] = field(default_factory=list)


class StepFunctions:
    """The runs of both order workflows."""

    def __init__(self, invoke: Invoke, park: Callable[[dict[str, Any]], None]) -> None:
        self.invoke = invoke
        self.park = park
        self.runs: dict[tuple[str, str], Run] = {}
        self.machines = {name: _machine(name) for name in ("order-fulfilment", "order-refund")}
        self._tokens = 0

    @contextmanager
    def installed(self) -> Iterator["StepFunctions"]:
        """Stand in for the service while the block runs."""
        events = client("stepfunctions").meta.events
        names = [f"before-call.sfn.{call}" for call in CALLS]
        for name in names:
            events.register(name, self._called)
        try:
            yield self
        finally:
            for name in names:
                events.unregister(name, self._called)

    def _called(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        asked = json.loads(params["body"])
        status, reply = getattr(self, f"_on_{model.name}")(asked)
        return SimpleNamespace(status_code=status), reply

    def _on_StartExecution(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        workflow = asked["stateMachineArn"].rpartition("souk-test-")[2]
        key = (workflow, asked["name"])
        if key in self.runs:
            return 400, {"Error": {"Code": "ExecutionAlreadyExists", "Message": ""}}
        given = json.loads(asked["input"])
        start = self.machines[workflow]["StartAt"]
        self.runs[key] = Run(workflow, asked["name"], given, start, dict(given))
        return 200, {"executionArn": "arn", "startDate": 0}

    def _on_SendTaskSuccess(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        for run in self.runs.values():
            if run.token == asked["taskToken"]:
                run.token = None
                self._task_done(run, json.loads(asked["output"]))
                return 200, {}
        return 400, {"Error": {"Code": "TaskTimedOut", "Message": ""}}

    def _on_DescribeExecution(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: N802
        workflow, name = asked["executionArn"].rpartition("souk-test-")[2].split(":")
        run = self.runs.get((workflow, name))
        if run is None:
            return 400, {"Error": {"Code": "ExecutionDoesNotExist", "Message": ""}}
        return 200, {"status": run.status}

    def advance(self) -> bool:
        """Let every run go on until it ends or waits; whether any moved."""
        moved = False
        for run in list(self.runs.values()):
            for _ in range(STEPS_MAX):
                if run.status != "RUNNING" or run.token is not None:
                    break
                self._step(run)
                moved = True
        return moved

    def time_out(self, order_id: str) -> None:
        """The waiting task of an order's run times out."""
        run = next(run for run in self.runs.values() if run.token and run.name.startswith(order_id))
        run.token = None
        self._caught(run, "States.Timeout")

    def _step(self, run: Run) -> None:
        state = self.machines[run.workflow]["States"][run.state]
        run.path.append(run.state)
        match state["Type"]:
            case "Task":
                self._task(run, state)
            case "Choice":
                self._go(run, _chosen(state, run.data))
            case "Wait":
                self._go(run, state["Next"])
            case "Pass":
                _put(run.data, state["ResultPath"], state["Result"])
                self._go(run, state["Next"])
            case "Succeed":
                run.status = "SUCCEEDED"
            case "Fail":
                run.status = "FAILED"

    def _go(self, run: Run, state: str) -> None:
        run.state, run.entered, run.retries = state, run.entered + 1, 0

    def _task(self, run: Run, state: dict[str, Any]) -> None:
        context = {
            "Execution": {"Name": run.name, "Input": run.given},
            "State": {
                "EnteredTime": f"2026-03-01T12:00:{run.entered:06.3f}Z",
                "RetryCount": run.retries,
            },
        }
        if state["Resource"].endswith("sqs:sendMessage"):
            body = _filled(state["Parameters"]["MessageBody"], run.data, context)
            self.park(body)
            self._go(run, state["Next"])
            return
        waits = state["Resource"].endswith("waitForTaskToken")
        if waits:
            self._tokens += 1
            run.token = f"token-{self._tokens}"
            context["Task"] = {"Token": run.token}
        given = _filled(state["Parameters"], run.data, context)
        try:
            reply = self.invoke(given["FunctionName"], given["Payload"])
        except Exception as error:  # noqa: BLE001 - as States.ALL does
            run.token = None
            run.retries += 1
            if run.retries <= 3:
                return
            self._caught(run, type(error).__name__)
            return
        if not waits:
            self._task_done(run, {"Payload": reply})

    def _task_done(self, run: Run, result: dict[str, Any]) -> None:
        state = self.machines[run.workflow]["States"][run.state]
        selected = _filled(state["ResultSelector"], result, {})
        _put(run.data, state["ResultPath"], selected)
        self._go(run, state["Next"])

    def _caught(self, run: Run, error: str) -> None:
        state = self.machines[run.workflow]["States"][run.state]
        for catch in state["Catch"]:
            if error in catch["ErrorEquals"] or "States.ALL" in catch["ErrorEquals"]:
                _put(run.data, catch["ResultPath"], {"Error": error, "Cause": ""})
                self._go(run, catch["Next"])
                return
        run.status = "FAILED"


def _machine(name: str) -> dict[str, Any]:
    text = (FILES / f"{name}.asl.json").read_text()
    text = re.sub(r":\s*\$\{\w+\}", ": 1", text)
    machine: dict[str, Any] = json.loads(text)
    return machine


def _chosen(state: dict[str, Any], data: dict[str, Any]) -> str:
    for choice in state["Choices"]:
        if _at(data, choice["Variable"]) == choice["StringEquals"]:
            return str(choice["Next"])
    return str(state["Default"])


def _filled(template: Any, data: dict[str, Any], context: dict[str, Any]) -> Any:
    if not isinstance(template, dict):
        return template
    filled = {}
    for name, value in template.items():
        if name.endswith(".$"):
            source = context if value.startswith("$$.") else data
            filled[name[:-2]] = _at(source, value.replace("$$.", "$."))
        else:
            filled[name] = _filled(value, data, context)
    return filled


def _at(data: Any, path: str) -> Any:
    for part in path.removeprefix("$").removeprefix(".").split("."):
        if part:
            data = data[part]
    return data


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    data[path.removeprefix("$.")] = value
