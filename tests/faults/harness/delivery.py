"""The redelivery model: bus, topics, streams, queues, schedules and asynchronous invocations.

Each source repeats, orders and gives up as the service does; one planned disturbance may befall
one delivery of a run.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import Any

from tests.faults.harness.clock import SimulatedClock
from tests.faults.harness.disturbances import DeliveryFault, DeliveryKind, DeliveryLog
from tests.faults.harness.lambda_runtime import LambdaRuntime
from tests.faults.harness.patterns import matches, transformed
from tests.faults.harness.queues import QueuePoller
from tests.faults.harness.streams import StreamPoller
from tests.faults.harness.substrate import ACCOUNT, REGION, Substrate
from tests.faults.harness.template import Mapping, Stack, Target
from tests.faults.harness.workflow import Execution
from tests.faults.harness.workflow_service import WorkflowService, arn_of

ASYNC_RETRIES_S = (60, 120)
BUS_DELAY_S = 45
Event = dict[str, Any]


class DeliveryModel:
    """Everything that is between functions."""

    def __init__(
        self,
        stack: Stack,
        substrate: Substrate,
        runtime: LambdaRuntime,
        workflows: WorkflowService,
        clock: SimulatedClock,
    ) -> None:
        self.stack, self._substrate, self._runtime = stack, substrate, runtime
        self._workflows, self._clock = workflows, clock
        self.log = DeliveryLog()
        self.published: list[Event] = []
        self.mails: list[Event] = []
        self._bus: list[tuple[float, Event]] = []
        self._async: list[tuple[float, str, Event, int, str]] = []
        self._losing: Counter[str] = Counter()
        self.held: set[str] = set()
        self._queues = QueuePoller(stack, substrate, runtime, clock, self.log)
        self._streams = StreamPoller(substrate, runtime, clock, self.log)
        workflows.on_stop = self.execution_stopped

    def begin(self, fault: DeliveryFault | None) -> None:
        """A new point: nothing under way."""
        self.log = DeliveryLog(fault)
        self._queues.log = self._streams.log = self.log
        self._streams.begin()
        self._losing.clear()
        self.held.clear()
        for forgotten in (self.published, self.mails, self._bus, self._async):
            forgotten.clear()

    # --- what handlers and services cause --------------------------------------------------------
    def accept_events(self, parameters: Event, _reply: Event) -> None:
        """PutEvents was applied."""
        for entry in parameters["Entries"]:
            bus = str(entry.get("EventBusName", "default")).rsplit("/", 1)[-1]
            self._emit(bus, entry["Source"], entry["DetailType"], json.loads(entry["Detail"]))

    def accept_publication(self, parameters: Event, _reply: Event) -> None:
        """SNS Publish was applied."""
        self.publish(parameters["TopicArn"].rsplit(":", 1)[-1], parameters["Message"])

    def accept_mail(self, parameters: Event, _reply: Event) -> None:
        """SES took a mail; its tags say to whom and of which template."""
        self.mails.append({tag["Name"]: tag["Value"] for tag in parameters["EmailTags"]})

    def execution_stopped(self, execution: Execution) -> None:
        """Step Functions reports every end of a run on the default bus."""
        machine_arn = arn_of(execution).replace(":execution:", ":stateMachine:")
        detail = {
            "executionArn": arn_of(execution),
            "stateMachineArn": machine_arn.rsplit(":", 1)[0],
            "name": execution.name,
            "status": execution.status,
            "input": json.dumps(execution.input),
            "error": execution.error,
        }
        self._emit("default", "aws.states", "Step Functions Execution Status Change", detail)

    def lose(self, queue: str, count: int = 1) -> None:
        """The next messages from the bus to this queue never arrive."""
        self._losing[queue] = count

    def publish(self, topic: str, message: str) -> None:
        """Hand a message to every queue that listens to the topic."""
        for subscription in self.stack.topics[topic]:
            if subscription.policy is not None:
                raise NotImplementedError("subscription filter policies")
            envelope = {"Type": "Notification", "TopicArn": topic, "Message": message}
            body = message if subscription.raw else json.dumps(envelope)
            self._substrate.send(subscription.queue, body)

    def _emit(self, bus: str, source: str, detail_type: str, detail: Event) -> None:
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": ACCOUNT,
            "time": self._clock.iso(),
            "region": REGION,
            "resources": [],
            "detail": detail,
        }
        if bus != "default":
            self.published.append(event)
        if self._targets(bus, event):
            self._bus.append((self._clock.now(), {**event, "bus": bus}))

    # --- rounds ----------------------------------------------------------------------------------
    def run_ready(self) -> bool:
        """Deliver everything that is due now, once; says whether anything was delivered."""
        delivered = self._route_bus()
        for mapping in self.stack.mappings:
            if mapping.kind == "stream":
                delivered |= self._streams.deliver(mapping)
            elif mapping.kind == "queue" and mapping.source not in self.held:
                delivered |= self._queues.deliver(mapping)
        return self._deliver_async() or delivered

    def deliver_from(self, queue: str) -> None:
        """Deliver one batch from one queue, held or not."""
        for mapping in self.stack.mappings:
            if mapping.source == queue:
                self._queues.deliver(mapping)

    def relay_once(self) -> None:
        """Only what is between a table and the queues: streams, then the bus."""
        for mapping in self.stack.mappings:
            if mapping.kind == "stream":
                self._streams.deliver(mapping)
        self._route_bus()

    def next_due(self) -> float | None:
        """When the next message, retry or event comes due by itself."""
        due: list[float | None] = [moment for moment, _event in self._bus]
        due += [moment for moment, *_rest in self._async]
        for mapping in self.stack.mappings:
            if mapping.kind == "queue" and mapping.source not in self.held:
                due.append(self._queues.next_due(mapping))
            elif mapping.kind == "stream":
                due.append(self._streams.next_due(mapping))
        return min((moment for moment in due if moment is not None), default=None)

    def _targets(self, bus: str, event: Event) -> list[Target]:
        return [
            target
            for rule in self.stack.rules
            if rule.bus == bus and matches(rule.pattern, event)
            for target in rule.targets
        ]

    def _route_bus(self) -> bool:
        ready = [pair for pair in self._bus if pair[0] <= self._clock.now()]
        self._bus = [pair for pair in self._bus if pair[0] > self._clock.now()]
        for _moment, event in ready:
            kind = self.log.note(f"bus:{event['detail-type']}", "rules", 1)
            if kind is DeliveryKind.DELAY:
                self._bus.append((self._clock.now() + BUS_DELAY_S, event))
                continue
            envelope = {name: value for name, value in event.items() if name != "bus"}
            for _ in range(2 if kind is DeliveryKind.DUPLICATE else 1):
                for target in self._targets(event["bus"], envelope):
                    self._send(target, envelope)
        return bool(ready)

    def _send(self, target: Target, event: Event) -> None:
        body = (
            json.dumps(event)
            if target.transformer is None
            else transformed(target.transformer, event)
        )
        match target.kind:
            case "queue" if self._losing[target.name]:
                self._losing[target.name] -= 1
            case "queue":
                self._substrate.send(target.name, body)
            case "topic":
                self.publish(target.name, body)
            case "workflow":
                self._workflows.start(target.name, str(uuid.uuid4()), json.loads(body))
            case _:
                self.invoke_later(target.name, json.loads(body))

    # --- asynchronous invocations ----------------------------------------------------------------
    def tick(self, mapping: Mapping) -> bool:
        """One scheduled invocation; says whether it happened and succeeded."""
        kind = self.log.note(f"schedule:{mapping.function}", mapping.function, 1)
        if kind is DeliveryKind.TICK:
            return False
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": self._clock.iso(),
            "region": REGION,
            "resources": [],
            "detail": {},
        }
        identity = f"tick:{event['id']}"
        outcome = self._runtime.invoke(mapping.function, event, identity=identity)
        if kind is DeliveryKind.DUPLICATE:
            self._runtime.invoke(mapping.function, event, identity=identity)
        if not outcome.is_success:
            self._retry_later(mapping.function, event, 0, identity)
        return outcome.is_success

    def invoke_later(self, function: str, event: Event) -> None:
        """Queue an asynchronous invocation."""
        self._async.append((self._clock.now(), function, event, 0, f"async:{uuid.uuid4()}"))

    def _deliver_async(self) -> bool:
        ready = [one for one in self._async if one[0] <= self._clock.now()]
        self._async = [one for one in self._async if one[0] > self._clock.now()]
        for _moment, function, event, tried, identity in ready:
            self.log.count_try(identity)
            if not self._runtime.invoke(function, event, identity=identity).is_success:
                self._retry_later(function, event, tried, identity)
        return bool(ready)

    def _retry_later(self, function: str, event: Event, tried: int, identity: str) -> None:
        if tried < len(ASYNC_RETRIES_S):
            moment = self._clock.now() + ASYNC_RETRIES_S[tried]
            self._async.append((moment, function, event, tried + 1, identity))
            return
        self.log.dead.append((f"async:{function}", json.dumps(event)))
        queue = self.stack.async_failures.get(function)
        if queue is not None:
            body = {"requestContext": {"functionArn": function}, "requestPayload": event}
            self._substrate.send(queue, json.dumps(body))
