"""Step Functions as handlers and rules reach it: starts, callbacks, look-ups, and the run queue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.faults.harness import replies
from tests.faults.harness.clock import SimulatedClock
from tests.faults.harness.workflow import (
    Callback,
    Execution,
    Interpreter,
    Pause,
    Services,
    TaskFailed,
    refuse_unknown,
)

JSON = Any
REGION_ACCOUNT = "eu-central-1:123456789012"
MACHINE_TIMEOUT_S = 365 * 86_400


class ExecutionAlreadyExists(Exception):
    """The name is taken by a closed run, or by a run with another input."""


class WorkflowService:
    """All machines of a stack and their executions."""

    def __init__(self, clock: SimulatedClock, services: Services) -> None:
        self._clock = clock
        self.machines: dict[str, dict[str, JSON]] = {}
        self.executions: dict[tuple[str, str], Execution] = {}
        self.visits: Counter[tuple[str, str]] = Counter()
        self.finished: list[Execution] = []
        self.is_held = False
        self.on_stop: Callable[[Execution], None] = lambda _execution: None
        self._interpreter = Interpreter(clock, services, self._visit)

    def declare(self, name: str, definition: dict[str, JSON]) -> None:
        """Accept a machine; refuses constructs that the interpreter does not know."""
        refuse_unknown(definition)
        self.machines[name] = definition

    def begin(self) -> None:
        """A new point: no execution has ever run."""
        self.is_held = False
        self.executions.clear()
        self.finished.clear()

    def _visit(self, machine: str, state: str) -> None:
        self.visits[machine, state] += 1

    # --- starting and running ------------------------------------------------------------------
    def start(self, machine: str, name: str, given: JSON) -> Execution:
        """Start a run; the same name with the same input while it runs is the same run."""
        known = self.executions.get((machine, name))
        if known is not None:
            if known.status == "RUNNING" and known.input == given:
                return known
            raise ExecutionAlreadyExists(name)
        definition = self.machines[machine]
        now_s = self._clock.now()
        execution = Execution(
            machine=machine,
            name=name,
            input=given,
            started_s=now_s,
            steps=iter(()),  # type: ignore[arg-type]
            deadline_s=now_s + float(definition.get("TimeoutSeconds", MACHINE_TIMEOUT_S)),
            pause=Pause(now_s),
        )
        execution.steps = self._interpreter.run(definition, execution)
        self.executions[machine, name] = execution
        return execution

    def run_ready(self) -> bool:
        """Advance every execution whose wait is over; says whether any moved."""
        moved = False
        if self.is_held:
            return moved
        for execution in list(self.executions.values()):
            if execution.status == "RUNNING" and self._is_ready(execution):
                moved = True
                self._advance(execution)
        return moved

    def run_one(self, name: str) -> None:
        """Advance the execution with this name, held or not."""
        for execution in list(self.executions.values()):
            if execution.name == name and execution.status == "RUNNING":
                self._advance(execution)

    def _is_ready(self, execution: Execution) -> bool:
        now_s = self._clock.now()
        pause = execution.pause
        return bool(
            execution.answered
            or pause is None
            or pause.until_s <= now_s
            or execution.deadline_s <= now_s
        )

    def _advance(self, execution: Execution) -> None:
        if execution.deadline_s <= self._clock.now():
            execution.steps.close()
            self._stop(execution, "TIMED_OUT", error="States.Timeout")
            return
        answer = execution.answered.pop() if execution.answered else None
        try:
            # A generator that has not started takes nothing but None.
            execution.pause = execution.steps.send(answer)
        except StopIteration as end:
            self._stop(execution, "SUCCEEDED", output=end.value)
        except TaskFailed as failed:
            self._stop(execution, "FAILED", error=failed.error)

    def _stop(
        self, execution: Execution, status: str, *, output: JSON = None, error: str = ""
    ) -> None:
        execution.status, execution.output, execution.error = status, output, error
        execution.pause, execution.stopped_s = None, self._clock.now()
        self.finished.append(execution)
        self.on_stop(execution)

    def next_due(self) -> float | None:
        """When the next execution has something to do by itself."""
        if self.is_held:
            return None
        due = [
            min(e.pause.until_s, e.deadline_s) if e.pause else self._clock.now()
            for e in self.executions.values()
            if e.status == "RUNNING"
        ]
        return min(due, default=None)

    def running(self) -> list[Execution]:
        """The executions that have not ended."""
        return [e for e in self.executions.values() if e.status == "RUNNING"]

    # --- callbacks -----------------------------------------------------------------------------
    def call_back(self, token: str, answer: Callback) -> bool:
        """Answer a waiting task; says whether anybody waited for this token."""
        for execution in self.running():
            waiting = execution.pause is not None and execution.pause.token == token
            if waiting and not execution.answered:
                execution.answered.append(answer)
                return True
        return False

    # --- what an SDK client calls --------------------------------------------------------------
    def emulate(self, client: Any, operation: str, parameters: dict[str, JSON]) -> dict[str, JSON]:
        """Answer one stepfunctions call of a handler."""
        match operation:
            case "StartExecution":
                return self._start_execution(client, parameters)
            case "SendTaskSuccess":
                answer = Callback(json.loads(parameters["output"]))
                return self._task_answer(client, operation, parameters, answer)
            case "SendTaskFailure":
                answer = Callback(None, parameters.get("error", ""), parameters.get("cause", ""))
                return self._task_answer(client, operation, parameters, answer)
            case "DescribeExecution":
                return self._describe(client, parameters)
            case _:
                raise NotImplementedError(f"stepfunctions {operation}")

    def _start_execution(self, client: Any, parameters: dict[str, JSON]) -> dict[str, JSON]:
        machine = parameters["stateMachineArn"].rsplit(":", 1)[-1]
        if machine not in self.machines:
            raise replies.modelled(client, "StartExecution", "StateMachineDoesNotExist")
        given = json.loads(parameters.get("input", "{}"))
        try:
            execution = self.start(machine, parameters["name"], given)
        except ExecutionAlreadyExists:
            raise replies.modelled(client, "StartExecution", "ExecutionAlreadyExists") from None
        return {"executionArn": arn_of(execution), "startDate": _moment(execution.started_s)}

    def _task_answer(
        self, client: Any, operation: str, parameters: dict[str, JSON], answer: Callback
    ) -> dict[str, JSON]:
        if not self.call_back(parameters["taskToken"], answer):
            raise replies.modelled(client, operation, "TaskTimedOut")
        return {}

    def _describe(self, client: Any, parameters: dict[str, JSON]) -> dict[str, JSON]:
        machine, name = parameters["executionArn"].split(":")[-2:]
        execution = self.executions.get((machine, name))
        if execution is None:
            raise replies.modelled(client, "DescribeExecution", "ExecutionDoesNotExist")
        found = {
            "executionArn": arn_of(execution),
            "stateMachineArn": f"arn:aws:states:{REGION_ACCOUNT}:stateMachine:{machine}",
            "name": name,
            "status": execution.status,
            "startDate": _moment(execution.started_s),
            "input": json.dumps(execution.input),
        }
        if execution.stopped_s is not None:
            found["stopDate"] = _moment(execution.stopped_s)
        return found


def arn_of(execution: Execution) -> str:
    """The address of one run."""
    return f"arn:aws:states:{REGION_ACCOUNT}:execution:{execution.machine}:{execution.name}"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
