"""The relay of event rows to the bus: at least once, in order for each aggregate.

A row leaves the outbox only after the bus took its entry. A row that can never be published is
parked with body and cause, and so are the later rows of its aggregate in the same batch, since
they must not overtake it. A passing refusal is tried five times and then raised: the stream
delivers the whole batch again, and consumers are safe to see an event twice.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from chalicelib.aws.event_bus import Refusal
from chalicelib.aws.event_rows import read_event
from chalicelib.aws.items import Item, Key
from chalicelib.kernel.clock import Clock, instant, moment
from chalicelib.kernel.domain_events import DomainEvent, UnknownEvent
from chalicelib.kernel.errors import Unavailable

TRIES: Final = 5
PAUSE_S: Final = 0.05

logger: Final = logging.getLogger(__name__)


class Bus(Protocol):
    """Where events are published."""

    def publish(self, events: Sequence[DomainEvent]) -> list[Refusal]:
        """Publish; the refusals, empty when all were taken."""
        ...


class Outbox(Protocol):
    """The rows that wait for the relay."""

    def mark_relayed(self, row: Key, relayed_at: str) -> None:
        """Take a published row out of the outbox."""
        ...

    def mark_parked(self, row: Key) -> None:
        """Take a parked row out of the outbox, without a relay time."""
        ...


class Parking(Protocol):
    """Where rows go that cannot be published."""

    def park(self, row: Item, cause: str) -> None:
        """Keep the row with its cause for a person to see."""
        ...


@dataclass(frozen=True, slots=True)
class RelayDeps:
    """What the relay works with."""

    bus: Bus
    outbox: Outbox
    parking: Parking
    clock: Clock
    measure_lag: Callable[[int], None]
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A row and the event in it."""

    row: Item
    event: DomainEvent


@dataclass(slots=True)
class _Lane:
    """The rows of one aggregate, oldest first."""

    rows: list[Item]


def relay(rows: Iterable[Item], deps: RelayDeps) -> int:
    """Publish event rows in their order; how many were published.

    Unavailable if some could not be published now; nothing of those was marked.
    """
    lanes = _lanes(rows)
    published = 0
    oldest: str | None = None
    while lanes:
        heads = _heads(lanes, deps)
        oldest = min(
            [event.event.occurred_at for event in heads] + ([oldest] if oldest else []),
            default=None,
        )
        published += _publish(heads, lanes, deps)
    if oldest is not None:
        lag = deps.clock.now() - moment(oldest)
        deps.measure_lag(max(0, int(lag.total_seconds() * 1000)))
    return published


def _lanes(rows: Iterable[Item]) -> dict[str, _Lane]:
    lanes: dict[str, _Lane] = {}
    for row in rows:
        lanes.setdefault(row["pk"], _Lane([])).rows.append(row)
    return lanes


def _heads(lanes: dict[str, _Lane], deps: RelayDeps) -> list[_Waiting]:
    """The oldest row of each lane; lanes whose oldest row is no event are parked."""
    heads: list[_Waiting] = []
    for partition, lane in list(lanes.items()):
        try:
            heads.append(_Waiting(lane.rows[0], read_event(lane.rows[0])))
        except UnknownEvent as error:
            _park_lane(lanes, partition, f"UnknownEvent: {error}", deps)
    return heads


def _publish(heads: list[_Waiting], lanes: dict[str, _Lane], deps: RelayDeps) -> int:
    refused = _try_again_and_again(heads, deps)
    relayed_at = instant(deps.clock.now())
    taken = [head for head in heads if head.event.event_id not in refused]
    for head in taken:
        deps.outbox.mark_relayed(_key(head.row), relayed_at)
        _advance(lanes, head.row["pk"])
    passing = [refusal for refusal in refused.values() if refusal.is_passing]
    for head in heads:
        refusal = refused.get(head.event.event_id)
        if refusal is not None and not refusal.is_passing:
            _park_lane(lanes, head.row["pk"], f"refused by the bus: {refusal.cause}", deps)
    if passing:
        raise Unavailable(f"the bus refuses {len(passing)} events: {passing[0].cause}")
    return len(taken)


def _try_again_and_again(heads: list[_Waiting], deps: RelayDeps) -> dict[str, Refusal]:
    """Publish; what is still refused after five tries, by event id."""
    refused: dict[str, Refusal] = {}
    pending = [head.event for head in heads]
    for attempt in range(TRIES):
        if not pending:
            break
        if attempt:
            deps.sleep(PAUSE_S * 2**attempt)
        refused = {refusal.event.event_id: refusal for refusal in deps.bus.publish(pending)}
        pending = [event for event in pending if event.event_id in refused]
    return refused


def _advance(lanes: dict[str, _Lane], partition: str) -> None:
    lane = lanes[partition]
    lane.rows.pop(0)
    if not lane.rows:
        del lanes[partition]


def _park_lane(lanes: dict[str, _Lane], partition: str, cause: str, deps: RelayDeps) -> None:
    first, *later = lanes.pop(partition).rows
    _park(first, cause, deps)
    for row in later:
        _park(row, f"behind {first['sk']}, which was parked: {cause}", deps)


def _park(row: Item, cause: str, deps: RelayDeps) -> None:
    # Parked first: a crash in between parks it twice, the other order would lose it.
    deps.parking.park(row, cause)
    deps.outbox.mark_parked(_key(row))
    logger.warning("event row parked", extra={"event_id": row.get("event_id"), "cause": cause})


def _key(row: Item) -> Key:
    return row["pk"], row["sk"]
