"""The redelivery model: moves messages from tables, bus, queues and clocks to functions.

Each source repeats, orders and gives up as the service does; one planned `DeliveryFault` may
disturb one delivery of a run.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.faults.harness.clock import SimulatedClock
from tests.faults.harness.lambda_runtime import LambdaRuntime, Outcome
from tests.faults.harness.patterns import matches, transformed
from tests.faults.harness.substrate import ACCOUNT, REGION, Substrate, wire_record
from tests.faults.harness.template import Mapping, Stack, Target
from tests.faults.harness.workflow_service import ExecutionAlreadyExists, WorkflowService

STREAM_BACKOFF_S = (1, 2, 4, 8, 16, 32, 60)
ASYNC_RETRIES_S = (60, 120)
DELIVERIES_MAX = 40
POISON = '{"poison":true'


class DeliveryKind(StrEnum):
    """The ways in which one delivery may go wrong."""

    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"
    SPLIT = "split"
    POISON = "poison"
    DELETE_LOST = "delete_lost"
    TICK = "tick"


@dataclass(frozen=True, slots=True)
class DeliveryFault:
    """Disturb the `at`-th delivery of a run."""

    at: int
    kind: DeliveryKind


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as the discovery run saw it."""

    index: int
    source: str
    function: str
    size: int

    def kinds(self) -> tuple[DeliveryKind, ...]:
        """The disturbances that make sense for this source."""
        source = self.source.split(":", 1)[0]
        if source == "queue":
            return tuple(kind for kind in DeliveryKind if kind is not DeliveryKind.TICK)
        if source == "stream":
            return DeliveryKind.DUPLICATE, DeliveryKind.SPLIT, DeliveryKind.DELAY
        if source == "schedule":
            return DeliveryKind.TICK, DeliveryKind.DUPLICATE
        return DeliveryKind.DUPLICATE, DeliveryKind.DELAY

    def __str__(self) -> str:
        return f"{self.index:02d} {self.source} -> {self.function} ({self.size})"


@dataclass(slots=True)
class _Shard:
    position: int = 0
    failures: int = 0
    not_before_s: float = 0.0


@dataclass(slots=True)
class DeliveryModel:
    """Everything that is between functions."""

    stack: Stack
    substrate: Substrate
    runtime: LambdaRuntime
    workflows: WorkflowService
    clock: SimulatedClock
    fault: DeliveryFault | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    dead: list[tuple[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    fired: bool = False
    _bus: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    _shards: dict[str, _Shard] = field(default_factory=dict)
    _async: list[tuple[float, str, dict[str, Any], int, str]] = field(default_factory=list)

    def begin(self, fault: DeliveryFault | None) -> None:
        """A new point: nothing under way."""
        self.fault, self.fired = fault, False
        for forgotten in (self.deliveries, self.published, self.dead, self.violations):
            forgotten.clear()
        self.tries.clear()
        self._bus.clear()
        self._shards.clear()
        self._async.clear()

    # --- what handlers cause -------------------------------------------------------------------
    def accept_events(self, parameters: dict[str, Any], _reply: dict[str, Any]) -> None:
        """PutEvents was applied."""
        for entry in parameters["Entries"]:
            event = {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": entry["DetailType"],
                "source": entry["Source"],
                "account": ACCOUNT,
                "time": self.clock.iso(),
                "region": REGION,
                "resources": entry.get("Resources", []),
                "detail": json.loads(entry["Detail"]),
                "bus": str(entry.get("EventBusName", "default")).rsplit("/", 1)[-1],
            }
            self.published.append(event)
            self._bus.append((self.clock.now(), event))

    def accept_publication(self, parameters: dict[str, Any], _reply: dict[str, Any]) -> None:
        """SNS Publish was applied."""
        self.publish(parameters["TopicArn"].rsplit(":", 1)[-1], parameters["Message"])

    def publish(self, topic: str, message: str) -> None:
        """Hand a message to every queue that listens to the topic."""
        for subscription in self.stack.topics[topic]:
            if subscription.policy is not None:
                raise NotImplementedError("subscription filter policies")
            envelope = {"Type": "Notification", "TopicArn": topic, "Message": message}
            body = message if subscription.raw else json.dumps(envelope)
            self.substrate.send(subscription.queue, body)

    # --- rounds --------------------------------------------------------------------------------
    def run_ready(self) -> bool:
        """Deliver everything that is due now, once; says whether anything was delivered."""
        delivered = self._route_bus()
        for mapping in self.stack.mappings:
            if mapping.kind == "stream":
                delivered |= self._deliver_stream(mapping)
            elif mapping.kind == "queue":
                delivered |= self._deliver_queue(mapping)
        return self._deliver_async() or delivered

    def next_due(self) -> float | None:
        """When the next message, retry or event comes due by itself."""
        due = [moment for moment, _event in self._bus]
        due += [moment for moment, *_rest in self._async]
        for mapping in self.stack.mappings:
            if mapping.kind == "queue":
                due += self.substrate.visible_at(mapping.source)
            elif mapping.kind == "stream":
                shard = self._shard(mapping)
                if shard.position < len(self.substrate.stream(mapping.source)):
                    due.append(shard.not_before_s)
        return min(due, default=None)

    def _route_bus(self) -> bool:
        ready = [pair for pair in self._bus if pair[0] <= self.clock.now()]
        self._bus = [pair for pair in self._bus if pair[0] > self.clock.now()]
        for _moment, event in ready:
            kind = self._note(f"bus:{event['detail-type']}", "rules", 1)
            if kind is DeliveryKind.DELAY:
                self._bus.append((self.clock.now() + 45, event))
                continue
            for _ in range(2 if kind is DeliveryKind.DUPLICATE else 1):
                self._route(event)
        return bool(ready)

    def _route(self, event: dict[str, Any]) -> None:
        envelope = {name: value for name, value in event.items() if name != "bus"}
        for rule in self.stack.rules:
            if rule.bus == event["bus"] and matches(rule.pattern, envelope):
                for target in rule.targets:
                    self._send(target, envelope)

    def _send(self, target: Target, event: dict[str, Any]) -> None:
        body = (
            json.dumps(event)
            if target.transformer is None
            else transformed(target.transformer, event)
        )
        match target.kind:
            case "queue":
                self.substrate.send(target.name, body)
            case "topic":
                self.publish(target.name, body)
            case "workflow":
                try:
                    self.workflows.start(target.name, str(uuid.uuid4()), json.loads(body))
                except ExecutionAlreadyExists:
                    self.dead.append(("rule", body))
            case _:
                self.invoke_later(target.name, json.loads(body))

    # --- streams -------------------------------------------------------------------------------
    def _shard(self, mapping: Mapping) -> _Shard:
        return self._shards.setdefault(f"{mapping.function}/{mapping.source}", _Shard())

    def _deliver_stream(self, mapping: Mapping) -> bool:
        shard = self._shard(mapping)
        records = self.substrate.stream(mapping.source)[shard.position :]
        if not records or shard.not_before_s > self.clock.now():
            return False
        batch = records[: mapping.batch_max]
        kind = self._note(f"stream:{mapping.source}", mapping.function, len(batch))
        if kind is DeliveryKind.DELAY:
            shard.not_before_s = self.clock.now() + 90
            return True
        if kind is DeliveryKind.SPLIT:
            batch = batch[:1]
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{mapping.source}/stream/now"
        event = {"Records": [wire_record(record, arn) for record in batch]}
        identity = f"stream:{mapping.source}:{shard.position}"
        outcome = self._invoke(mapping.function, event, identity)
        done = self._records_done(mapping, batch, outcome)
        if done == len(batch) and kind is DeliveryKind.DUPLICATE:
            done = 0
        shard.position += done
        if done == len(batch) or kind is DeliveryKind.DUPLICATE:
            shard.failures = 0
            return True
        self._stream_failed(mapping, shard, batch[done:])
        return True

    def _records_done(
        self, mapping: Mapping, batch: list[dict[str, Any]], outcome: Outcome
    ) -> int:
        if not outcome.is_success:
            return 0
        if mapping.reports_partial and isinstance(outcome.value, dict):
            failed = {f["itemIdentifier"] for f in outcome.value.get("batchItemFailures", [])}
            for position, record in enumerate(batch):
                if record["dynamodb"]["SequenceNumber"] in failed:
                    return position
        return len(batch)

    def _stream_failed(
        self, mapping: Mapping, shard: _Shard, batch: list[dict[str, Any]]
    ) -> None:
        shard.failures += 1
        wait_s = STREAM_BACKOFF_S[min(shard.failures, len(STREAM_BACKOFF_S)) - 1]
        shard.not_before_s = self.clock.now() + wait_s
        if mapping.attempts_max is not None and shard.failures >= mapping.attempts_max:
            # The service tells the failure queue only where the batch was.
            self.dead.append((mapping.on_failure or mapping.source, "position only"))
            if mapping.on_failure is not None:
                position = {"startSequenceNumber": batch[0]["dynamodb"]["SequenceNumber"]}
                self.substrate.send(mapping.on_failure, json.dumps({"DDBStreamBatchInfo": position}))
            shard.position += len(batch)
            shard.failures = 0

    # --- queues --------------------------------------------------------------------------------
    def _deliver_queue(self, mapping: Mapping) -> bool:
        queue = self.stack.queues[mapping.source]
        now_s = self.clock.now()
        if not any(moment < now_s for moment in self.substrate.visible_at(queue.name)):
            return False
        count = mapping.batch_max
        planned = self._planned()
        if planned is DeliveryKind.POISON:
            self.substrate.send(queue.name, POISON)
        if planned is DeliveryKind.SPLIT:
            count = 1
        batch = self.substrate.receive(queue.name, count, queue.visibility_s)
        if not batch:
            return True
        kind = self._note(f"queue:{queue.name}", mapping.function, len(batch))
        if kind is DeliveryKind.DELAY:
            return True
        if kind is DeliveryKind.REORDER:
            batch.reverse()
        event = {"Records": [_queue_record(message, queue.name) for message in batch]}
        identity = "queue:" + ",".join(sorted(message.id for message in batch))

        def settle(outcome: Outcome) -> None:
            self._settle(mapping, batch, outcome, kind)

        self._invoke(mapping.function, event, identity, settle)
        return True

    def _settle(
        self, mapping: Mapping, batch: list[Any], outcome: Outcome, kind: DeliveryKind | None
    ) -> None:
        if not outcome.is_success:
            return
        failed: set[str] = set()
        if mapping.reports_partial and isinstance(outcome.value, dict):
            failed = {f["itemIdentifier"] for f in outcome.value.get("batchItemFailures", [])}
        for message in batch:
            if message.id in failed or kind is DeliveryKind.DELETE_LOST:
                continue
            self.substrate.delete(mapping.source, message.receipt_handle)
            if kind is DeliveryKind.DUPLICATE:
                self.substrate.send(mapping.source, message.body)

    # --- asynchronous invocations ---------------------------------------------------------------
    def tick(self, mapping: Mapping) -> bool:
        """One scheduled invocation; says whether it happened and succeeded."""
        kind = self._note(f"schedule:{mapping.function}", mapping.function, 1)
        if kind is DeliveryKind.TICK:
            return False
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": self.clock.iso(),
            "region": REGION,
            "resources": [],
            "detail": {},
        }
        outcome = self._invoke(mapping.function, event, f"tick:{event['id']}")
        if kind is DeliveryKind.DUPLICATE:
            self._invoke(mapping.function, event, f"tick:{event['id']}")
        if not outcome.is_success:
            self._retry_later(mapping.function, event, 0, f"tick:{event['id']}")
        return outcome.is_success

    def invoke_later(self, function: str, event: dict[str, Any]) -> None:
        """Queue an asynchronous invocation."""
        self._async.append((self.clock.now(), function, event, 0, f"async:{uuid.uuid4()}"))

    def _deliver_async(self) -> bool:
        ready = [one for one in self._async if one[0] <= self.clock.now()]
        self._async = [one for one in self._async if one[0] > self.clock.now()]
        for _moment, function, event, tried, identity in ready:
            if not self._invoke(function, event, identity).is_success:
                self._retry_later(function, event, tried, identity)
        return bool(ready)

    def _retry_later(self, function: str, event: dict[str, Any], tried: int, identity: str) -> None:
        if tried >= len(ASYNC_RETRIES_S):
            self.dead.append((f"async:{function}", json.dumps(event)))
            return
        moment = self.clock.now() + ASYNC_RETRIES_S[tried]
        self._async.append((moment, function, event, tried + 1, identity))

    # --- bookkeeping ---------------------------------------------------------------------------
    def _invoke(
        self, function: str, event: dict[str, Any], identity: str, settle: Any = None
    ) -> Outcome:
        self.tries[identity] += 1
        if self.tries[identity] == DELIVERIES_MAX:
            self.violations.append(f"I17 {identity} delivered {DELIVERIES_MAX} times")
        return self.runtime.invoke(function, event, identity=identity, settle=settle)

    def _planned(self) -> DeliveryKind | None:
        fault = self.fault
        if fault is not None and fault.at == len(self.deliveries) + 1:
            return fault.kind
        return None

    def _note(self, source: str, function: str, size: int) -> DeliveryKind | None:
        kind = self._planned()
        self.fired |= kind is not None
        self.deliveries.append(Delivery(len(self.deliveries) + 1, source, function, size))
        return kind


def _queue_record(message: Any, queue: str) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(message.sent_timestamp),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
        },
        "messageAttributes": {},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }
