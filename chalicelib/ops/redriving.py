"""Starts again what a dead letter stands for, by the kind of dead end it came from."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.aws.event_rows import read_event
from chalicelib.aws.faults import unavailable_on_failure
from chalicelib.aws.queues import Queues
from chalicelib.aws.workflows import Workflows
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.kernel.errors import Unavailable
from chalicelib.ops.outbox import Bus
from chalicelib.ops.rules import CUT, DeadLetter, Kind, rerun_name

OWN_ATTRIBUTES = frozenset({CUT, "event_id"})


class SameMinute(Unavailable):
    """A run of this very minute ended here already; the next minute has another name."""

    again_after_s = 60


class Functions(Protocol):
    """The functions of this stage."""

    def invoke(self, function: str, payload: str) -> None:
        """Invoke without waiting for the answer; Unavailable if it was not accepted."""
        ...


class LambdaFunctions:
    """The functions of this stage, by their short names."""

    def __init__(self, client: Any, name_of: Callable[[str], str]) -> None:
        """`client` is a botocore client (Any: botocore builds classes at run time)."""
        self._client = client
        self._name_of = name_of

    def invoke(self, function: str, payload: str) -> None:
        """Invoke without waiting for the answer; Unavailable if it was not accepted."""
        with unavailable_on_failure():
            self._client.invoke(
                FunctionName=self._name_of(function),
                InvocationType="Event",
                Payload=payload.encode(),
            )


@dataclass(frozen=True, slots=True)
class Redriver:
    """Sends, starts, invokes or publishes again; each of them is safe to happen twice."""

    queues: Queues
    workflows: Workflows
    functions: Functions
    bus: Bus
    clock: Clock

    def __call__(self, letter: DeadLetter) -> None:
        """Start it; an exception tries again later."""
        match letter.kind:
            case Kind.QUEUE:
                kept = {n: v for n, v in letter.attributes.items() if n not in OWN_ATTRIBUTES}
                self.queues.send(letter.source, letter.body, kept)
            case Kind.WORKFLOW:
                self._run_again(letter)
            case Kind.ASYNC:
                payload = json.loads(letter.body)["requestPayload"]
                self.functions.invoke(letter.source, json.dumps(payload))
            case Kind.STREAM:
                publish_all(self.bus, [read_event(json.loads(letter.body))])
            case Kind.BUS:
                told = json.loads(letter.body)
                event = DomainEvent.parse(told.get("detail-type"), told.get("detail"))
                publish_all(self.bus, [event])

    def _run_again(self, letter: DeadLetter) -> None:
        told = json.loads(letter.body)
        given = told["input"]
        first = told.get("execution") or letter.reference or letter.id
        name = rerun_name(first, self.clock.now())
        if not self.workflows.start(letter.source, name, given) and name == told.get("execution"):
            # Not the run of this redrive, but the one whose failure this letter tells.
            raise SameMinute("the run of this minute has failed; the next minute starts another")


def publish_all(bus: Bus, events: Sequence[DomainEvent]) -> None:
    """Publish every event; Unavailable if the bus refuses one."""
    refusals = bus.publish(events)
    if refusals:
        raise Unavailable(f"the bus refuses {len(refusals)} events: {refusals[0].cause}")
