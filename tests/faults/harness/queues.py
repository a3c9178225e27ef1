"""Queues: unordered, at least once, to the dead letters after too many receives."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from tests.faults.harness.clock import SimulatedClock
from tests.faults.harness.disturbances import DeliveryKind, DeliveryLog
from tests.faults.harness.lambda_runtime import LambdaRuntime, Outcome
from tests.faults.harness.substrate import ACCOUNT, REGION, Substrate
from tests.faults.harness.template import Mapping, Stack

POISON = '{"poison":true'


@dataclass(slots=True)
class QueuePoller:
    """Receives from queues for the functions mapped to them."""

    stack: Stack
    substrate: Substrate
    runtime: LambdaRuntime
    clock: SimulatedClock
    log: DeliveryLog

    def next_due(self, mapping: Mapping) -> float | None:
        """When the next message becomes visible."""
        return min(self.substrate.visible_at(mapping.source), default=None)

    def deliver(self, mapping: Mapping) -> bool:
        """Deliver one batch if a message is visible; says whether anything moved."""
        queue = self.stack.queues[mapping.source]
        now_s = self.clock.now()
        if not any(moment < now_s for moment in self.substrate.visible_at(queue.name)):
            return False
        planned = self.log.planned()
        if planned is DeliveryKind.POISON:
            self.log.poison.add(POISON)
            self.substrate.send(queue.name, POISON)
        count = 1 if planned is DeliveryKind.SPLIT else mapping.batch_max
        batch = self.substrate.receive(queue.name, count, queue.visibility_s)
        if not batch:
            # Everything visible had been received too often and went to the dead letters.
            return True
        kind = self.log.note(f"queue:{queue.name}", mapping.function, len(batch))
        if kind is DeliveryKind.DELAY:
            return True
        if kind is DeliveryKind.REORDER:
            batch.reverse()
        identity = "queue:" + ",".join(sorted(message.id for message in batch))
        self.log.count_try(identity)

        def settle(outcome: Outcome) -> None:
            self._settle(mapping, batch, outcome, kind)

        event = {"Records": [queue_record(message, queue.name) for message in batch]}
        self.runtime.invoke(mapping.function, event, identity=identity, settle=settle)
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


def queue_record(message: Any, queue: str) -> dict[str, Any]:
    """A received message as a function sees it."""
    attributes = {
        name: {
            "stringValue": value.get("StringValue") or value.get("string_value"),
            "dataType": value.get("DataType") or value.get("data_type"),
            "stringListValues": [],
            "binaryListValues": [],
        }
        for name, value in message.message_attributes.items()
    }
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
        "messageAttributes": attributes,
        "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }
