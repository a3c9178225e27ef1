"""Publishing events: every entry of every reply is checked, since a call may half succeed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from chalicelib.aws.clients import client
from chalicelib.aws.faults import unavailable_on_failure
from chalicelib.aws.settings import settings
from chalicelib.kernel.domain_events import DETAIL_BYTES_MAX, DomainEvent

ENTRIES_MAX: Final = 10
_PASSING: Final = frozenset({"InternalFailure", "InternalException", "ThrottlingException"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that the bus did not take; `is_passing` if trying again may help."""

    event: DomainEvent
    cause: str
    is_passing: bool


class EventBus:
    """The bus of one stage."""

    def __init__(self, events: Any, name: str) -> None:
        """`events` is a botocore client (Any: botocore builds classes at run time)."""
        self._events = events
        self._name = name

    def publish(self, events: Sequence[DomainEvent]) -> list[Refusal]:
        """Publish events, ten a call; the refusals, empty when all were taken.

        Unavailable if a call failed: any of its events may then have been taken.
        """
        refusals = [refusal for event in events if (refusal := _too_large(event))]
        refused = {id(refusal.event) for refusal in refusals}
        fitting = [event for event in events if id(event) not in refused]
        for start in range(0, len(fitting), ENTRIES_MAX):
            refusals.extend(self._put(fitting[start : start + ENTRIES_MAX]))
        return refusals

    def _put(self, events: Sequence[DomainEvent]) -> list[Refusal]:
        with unavailable_on_failure():
            reply = self._events.put_events(Entries=[self._entry(event) for event in events])
        return [
            Refusal(event, f"{answer['ErrorCode']}", answer["ErrorCode"] in _PASSING)
            for event, answer in zip(events, reply["Entries"], strict=True)
            if answer.get("ErrorCode")
        ]

    def _entry(self, event: DomainEvent) -> dict[str, Any]:
        return {
            "EventBusName": self._name,
            "Source": event.type.source,
            "DetailType": event.type.name,
            "Detail": json.dumps(event.detail(), separators=(",", ":")),
        }


def _too_large(event: DomainEvent) -> Refusal | None:
    size = len(json.dumps(event.detail(), separators=(",", ":")).encode())
    if size <= DETAIL_BYTES_MAX:
        return None
    return Refusal(event, f"detail of {size} bytes", is_passing=False)


@lru_cache(maxsize=1)
def event_bus() -> EventBus:
    """The bus of this process' stage."""
    return EventBus(client("events"), settings().bus)
