"""Table streams: one shard each, the same batch until it succeeds or its attempts are spent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.faults.harness.clock import SimulatedClock
from tests.faults.harness.disturbances import DeliveryKind, DeliveryLog
from tests.faults.harness.lambda_runtime import LambdaRuntime, Outcome
from tests.faults.harness.patterns import matches
from tests.faults.harness.substrate import ACCOUNT, REGION, Substrate, wire_record
from tests.faults.harness.template import Mapping

BACKOFF_S = (1, 2, 4, 8, 16, 32, 60)
DELAY_S = 90


@dataclass(slots=True)
class _Shard:
    position: int = 0
    failures: int = 0
    limit: int | None = None
    not_before_s: float = 0.0


@dataclass(slots=True)
class StreamPoller:
    """Reads table streams for the functions mapped to them."""

    substrate: Substrate
    runtime: LambdaRuntime
    clock: SimulatedClock
    log: DeliveryLog
    _shards: dict[str, _Shard] = field(default_factory=dict)

    def begin(self) -> None:
        """A new point: every stream is read from its beginning."""
        self._shards.clear()

    def next_due(self, mapping: Mapping) -> float | None:
        """When there is something to deliver."""
        shard = self._shard(mapping)
        waits = shard.position < len(self.substrate.stream(mapping.source))
        return shard.not_before_s if waits else None

    def deliver(self, mapping: Mapping) -> bool:
        """Deliver one batch if one is due; says whether one was."""
        shard = self._shard(mapping)
        records = self.substrate.stream(mapping.source)[shard.position :]
        if not records or shard.not_before_s > self.clock.now():
            return False
        batch = records[: shard.limit or mapping.batch_max]
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{mapping.source}/stream/now"
        wanted = [
            wire for wire in (wire_record(record, arn) for record in batch) if _taken(mapping, wire)
        ]
        if not wanted:
            shard.position += len(batch)
            return True
        kind = self.log.note(f"stream:{mapping.source}", mapping.function, len(wanted))
        if kind is DeliveryKind.DELAY:
            shard.not_before_s = self.clock.now() + DELAY_S
            return True
        if kind is DeliveryKind.SPLIT:
            wanted = wanted[:1]
            batch = batch[: _place_of(batch, wanted[0]) + 1]
        identity = f"stream:{mapping.source}:{shard.position}"
        self.log.count_try(identity)
        outcome = self.runtime.invoke(mapping.function, {"Records": wanted}, identity=identity)
        done = _done(mapping, batch, outcome)
        if done < len(batch):
            shard.position += done
            self._failed(mapping, shard, batch[done:])
        elif kind is not DeliveryKind.DUPLICATE:
            shard.position += done
            shard.failures, shard.limit = 0, None
        return True

    def _shard(self, mapping: Mapping) -> _Shard:
        return self._shards.setdefault(f"{mapping.function}/{mapping.source}", _Shard())

    def _failed(self, mapping: Mapping, shard: _Shard, batch: list[dict[str, Any]]) -> None:
        shard.failures += 1
        wait_s = BACKOFF_S[min(shard.failures, len(BACKOFF_S)) - 1]
        shard.not_before_s = self.clock.now() + wait_s
        if mapping.bisects and len(batch) > 1:
            shard.limit = max(1, len(batch) // 2)
        if mapping.attempts_max is None or shard.failures < mapping.attempts_max:
            return
        # The failure queue is told only where the batch was, not what was in it.
        self.log.dead.append((mapping.on_failure or mapping.source, "position only"))
        if mapping.on_failure is not None:
            position = {"startSequenceNumber": batch[0]["dynamodb"]["SequenceNumber"]}
            body = json.dumps({"DDBStreamBatchInfo": position})
            self.substrate.send(mapping.on_failure, body)
        shard.position += len(batch) if shard.limit is None else shard.limit
        shard.failures, shard.limit = 0, None


def _taken(mapping: Mapping, wire: dict[str, Any]) -> bool:
    return not mapping.filters or any(matches(pattern, wire) for pattern in mapping.filters)


def _place_of(batch: list[dict[str, Any]], wire: dict[str, Any]) -> int:
    wanted = wire["dynamodb"]["SequenceNumber"]
    return [record["dynamodb"]["SequenceNumber"] for record in batch].index(wanted)


def _done(mapping: Mapping, batch: list[dict[str, Any]], outcome: Outcome) -> int:
    """How many records of the batch are consumed."""
    if not outcome.is_success:
        return 0
    if mapping.reports_partial and isinstance(outcome.value, dict):
        failed = {f["itemIdentifier"] for f in outcome.value.get("batchItemFailures", [])}
        for position, record in enumerate(batch):
            if record["dynamodb"]["SequenceNumber"] in failed:
                return position
    return len(batch)
