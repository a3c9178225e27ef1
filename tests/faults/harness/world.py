"""One simulated deployment: functions, tables, queues, workflows and time under one driver."""

from __future__ import annotations

import gc
import json
import logging
import math
import os
import random
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO, cast

from tests.faults.harness.asl import seconds_of
from tests.faults.harness.clock import SimulatedClock
from tests.faults.harness.cold_start import keep_clients, keep_templates
from tests.faults.harness.delivery import DeliveryModel
from tests.faults.harness.direct_tables import OPERATIONS, call_table
from tests.faults.harness.disturbances import DeliveryFault
from tests.faults.harness.fault_plan import FaultPlan
from tests.faults.harness.injector import Injector
from tests.faults.harness.lambda_runtime import LambdaRuntime
from tests.faults.harness.mutations import Mutations
from tests.faults.harness.stack import camel, last
from tests.faults.harness.substrate import REGION, Substrate
from tests.faults.harness.template import Mapping, Stack
from tests.faults.harness.workflow import TaskFailed
from tests.faults.harness.workflow_service import WorkflowService

ROUNDS_MAX = 600
HORIZON_S = 3 * 86_400
TICK_S = 60
MOMENT_S = 0.002
RUNS_A_COLLECTION = 40
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state from which points start."""

    rows: dict[str, Any]
    moment_s: float


class _HandlersAreSilent:
    """Standard output that drops what handlers write; threads may freeze in the middle of it."""

    def __init__(self, real: TextIO, injector: Injector) -> None:
        self._real, self._injector = real, injector

    def write(self, text: str) -> int:
        """Write, unless a handler does."""
        return len(text) if self._injector.mark.inside else self._real.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class World:
    """Everything a run needs; made once a process, reset before each point."""

    def __init__(
        self, stack: Stack, *, packages: tuple[str, ...], goes_the_long_way: bool = True
    ) -> None:
        """`goes_the_long_way` keeps the SDK between handlers and tables."""
        self.stack = stack
        self.clock = SimulatedClock()
        self.injector = Injector()
        if not goes_the_long_way:
            self.injector.direct.update(
                {("dynamodb", operation): call_table for operation in OPERATIONS}
            )
        self.substrate = Substrate()
        self.mutations = Mutations()
        self.runtime = LambdaRuntime(self.injector, self.clock, packages=packages)
        self.runtime.handlers.update(stack.handlers)
        self.runtime.timeouts_s.update(stack.timeouts_s)
        self.workflows = WorkflowService(self.clock, self)
        self.deliveries = DeliveryModel(
            stack, self.substrate, self.runtime, self.workflows, self.clock
        )
        self.task_fault: Callable[[str, str], str | None] | None = None
        self.started_at = ""
        self._runs = 0
        self._muted: frozenset[tuple[str, str, str]] = frozenset()
        self._undo: list[Callable[[], None]] = []
        self._draws = random.Random(0)

    # --- life ----------------------------------------------------------------------------------
    def start(self) -> None:
        """Install the hooks, stop the time, make the resources."""
        self._set_environment({**_CREDENTIALS, **self.stack.environment})
        self.clock.__enter__()
        self.substrate.start(self.stack)
        self.injector.install()
        self.mutations.install()
        self.injector.images = self.substrate
        self.injector.emulated["stepfunctions"] = self.workflows.emulate
        self.injector.applied["events", "PutEvents"] = self.deliveries.accept_events
        self.injector.applied["sns", "Publish"] = self.deliveries.accept_publication
        self.injector.applied["sesv2", "SendEmail"] = self.deliveries.accept_mail
        for name, definition in self.stack.workflows.items():
            self.workflows.declare(name, definition)
        self._undo += [keep_clients(), keep_templates()]
        self._silence_output()
        self._silence_sleep()
        self._seed_entropy()

    def stop(self) -> None:
        """Leave the process as it was found."""
        self.mutations.uninstall()
        self.injector.uninstall()
        self.substrate.stop()
        self.clock.__exit__(None, None, None)
        while self._undo:
            self._undo.pop()()
        self.runtime.cold_start()

    def _set_environment(self, variables: dict[str, str]) -> None:
        before = {name: os.environ.get(name) for name in variables}

        def undo() -> None:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

        os.environ.update(variables)
        self._undo.append(undo)

    def _silence_output(self) -> None:
        """Log and metric lines of thousands of points say nothing."""
        real = sys.stdout
        sys.stdout = cast("TextIO", _HandlersAreSilent(real, self.injector))
        self._undo.append(partial(setattr, sys, "stdout", real))
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        self._undo.append(lambda: logging.disable(before))

    def _silence_sleep(self) -> None:
        """Back-off inside a handler costs nothing here."""
        real = time.sleep

        def sleep(seconds: float) -> None:
            if not self.injector.mark.inside:
                real(seconds)

        time.sleep = sleep  # type: ignore[assignment]
        self._undo.append(lambda: setattr(time, "sleep", real))

    def seed(self, seed: int) -> None:
        """Make identifiers and secrets drawn by handlers repeatable."""
        self._draws.seed(seed)

    def _seed_entropy(self) -> None:
        """Modules keep references to the source of entropy, so it is replaced once."""
        real = os.urandom

        def urandom(size: int) -> bytes:
            return self._draws.randbytes(size)

        for module, name in ((os, "urandom"), (random, "_urandom")):
            setattr(module, name, urandom)
            self._undo.append(partial(setattr, module, name, real))

    # --- states --------------------------------------------------------------------------------
    def snapshot(self) -> Snapshot:
        """Remember the present rows and time; nothing may be under way."""
        return Snapshot(self.substrate.snapshot(), self.clock.now())

    def begin(
        self,
        snapshot: Snapshot,
        plan: FaultPlan | None = None,
        delivery: DeliveryFault | None = None,
    ) -> None:
        """Start a run from a snapshot."""
        self.runtime.begin()
        self.substrate.restore(snapshot.rows)
        self.clock.rewind(snapshot.moment_s)
        self.started_at = self.clock.iso()
        self._runs += 1
        if self._runs % RUNS_A_COLLECTION == 0:
            gc.collect()
        self.workflows.begin()
        self.deliveries.begin(delivery)
        self.injector.begin(plan or FaultPlan())
        self._muted = frozenset()

    @property
    def is_undisturbed(self) -> bool:
        """Whether nothing is planned to go wrong in this run."""
        return not self.injector.plan.faults and self.deliveries.log.fault is None

    # --- the services a workflow reaches -------------------------------------------------------
    def task(self, resource: str, parameters: Any, identity: str) -> Any:
        """One task of a workflow."""
        fault = self.task_fault(resource, identity) if self.task_fault else None
        if fault == "error_before":
            raise TaskFailed("Lambda.ServiceException")
        answer = self._task(resource, parameters, identity)
        if fault == "duplicate":
            answer = self._task(resource, parameters, identity)
        if fault == "error_after":
            raise TaskFailed("Lambda.SdkClientException")
        return answer

    def _task(self, resource: str, parameters: Any, identity: str) -> Any:
        match resource.split(".", maxsplit=1)[0]:
            case "lambda:invoke":
                return self._invoke_task(parameters, identity)
            case "sqs:sendMessage":
                body = parameters["MessageBody"]
                text = body if isinstance(body, str) else json.dumps(body)
                self.substrate.send(last(parameters["QueueUrl"]), text)
                return {"MessageId": str(uuid.uuid4())}
            case _:
                message = parameters["Message"]
                text = message if isinstance(message, str) else json.dumps(message)
                self.deliveries.publish(last(parameters["TopicArn"]), text)
                return {"MessageId": str(uuid.uuid4())}

    def _invoke_task(self, parameters: Any, identity: str) -> Any:
        wanted = parameters["FunctionName"].split(":function:")[-1].split(":")[0]
        names = {camel(name): name for name in self.runtime.handlers}
        function = names.get(wanted, wanted)
        outcome = self.runtime.invoke(function, parameters.get("Payload", {}), identity=identity)
        if not outcome.is_success:
            raise TaskFailed(outcome.error_name, str(outcome.error))
        return {"Payload": outcome.value, "StatusCode": 200}

    # --- time ----------------------------------------------------------------------------------
    def drain(self, patience_s: float = HORIZON_S) -> None:
        """Deliver and wait until nothing is left to do within `patience_s` of simulated time."""
        horizon_s = self.clock.now() + patience_s
        for _ in range(ROUNDS_MAX):
            if self.deliveries.run_ready() | self.workflows.run_ready():
                continue
            tick, tick_s = self._next_tick()
            due = [self.deliveries.next_due(), self.workflows.next_due(), tick_s]
            moment_s = min((d for d in due if d is not None), default=None)
            if moment_s is None or moment_s > horizon_s:
                return
            self.clock.advance_to(max(moment_s, self.clock.now()) + MOMENT_S)
            if tick is not None and tick_s is not None and tick_s <= self.clock.now():
                self._tick(tick)
        self.deliveries.log.violations.append(f"I17 not quiet after {ROUNDS_MAX} rounds")

    def settle(self) -> None:
        """Run to quiescence, wake what was frozen, and run to quiescence again."""
        self.drain()
        while self.runtime.wake_all():
            self.drain()

    def _schedule(self, function: str) -> Mapping | None:
        for mapping in self.stack.mappings:
            if mapping.kind == "schedule" and mapping.function == function:
                return mapping
        return None

    def fire(self, function: str) -> None:
        """The schedule of a function fires now, once."""
        schedule = self._schedule(function)
        if schedule is not None:
            self.deliveries.tick(schedule)

    def _next_tick(self) -> tuple[Mapping | None, float | None]:
        """The sweeper runs every minute; only the minutes that find something are simulated."""
        sweeper = self._schedule("sweeper")
        if sweeper is None:
            return None, None
        fresh = [_seconds(row[0]) for row in self.substrate.deadlines() - self._muted]
        if not fresh:
            return None, None
        first_s = max(min(fresh), self.clock.now())
        return sweeper, math.ceil((first_s + MOMENT_S) / TICK_S) * TICK_S

    def _tick(self, sweeper: Mapping) -> None:
        before = {row for row in self.substrate.deadlines() if _seconds(row[0]) <= self.clock.now()}
        if self.deliveries.tick(sweeper):
            self._muted = frozenset(before & self.substrate.deadlines())


def _seconds(timestamp: str) -> float:
    return seconds_of(timestamp)
