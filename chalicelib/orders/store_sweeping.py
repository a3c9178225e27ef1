"""Deadlines, the outbox and the dead end as the sweeper sees them."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from chalicelib.aws.event_bus import EventBus
from chalicelib.aws.event_rows import OUTBOX_PARTITIONS, outbox_partition, read_event, relayed
from chalicelib.aws.items import Item, Key
from chalicelib.aws.queues import Queues
from chalicelib.aws.table import ConditionFailed, Query, Table
from chalicelib.aws.writes import Update
from chalicelib.kernel.domain_events import DomainEvent, UnknownEvent
from chalicelib.orders import items, keys
from chalicelib.orders.records import Order, Refund, Watch
from chalicelib.orders.service import Superseded

DUE_MAX: Final = 50
"""Records of one deadline partition in one sweep; the rest is due in the next minute."""
ROWS_MAX: Final = 100
"""Event rows of one outbox partition in one sweep; as many as one read takes."""
WORKFLOW_DEAD_END: Final = "workflow-dlq"
STREAMS_DEAD_END: Final = "streams-dlq"

logger: Final = logging.getLogger(__name__)


class TableDeadlines:
    """Implements `sweeping.Deadlines` with index 3."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def orders(self, now: str) -> Sequence[str]:
        """Ids of orders that are due."""
        return [pk.removeprefix("ORDER#") for pk, _ in self._due("ORDER", now)]

    def refunds(self, now: str) -> Sequence[tuple[str, str]]:
        """Order and refund ids of refunds that are due."""
        return [
            (pk.removeprefix("ORDER#"), sk.removeprefix(keys.REFUND))
            for pk, sk in self._due("REFUND", now)
        ]

    def move_order(self, order: Order, watch: Watch) -> None:
        """The next look, if the deadline is still the one read."""
        partition = keys.order_due_partition(order.id)
        due = items.watch_item(order.watch, partition, order.id)
        self._move(keys.order_key(order.id), due, items.watch_item(watch, partition, order.id))

    def move_refund(self, refund: Refund, watch: Watch) -> None:
        """The next look, if the deadline is still the one read."""
        partition = keys.refund_due_partition(refund.id)
        due = items.watch_item(refund.watch, partition, refund.id)
        key = keys.refund_key(refund.order_id, refund.id)
        self._move(key, due, items.watch_item(watch, partition, refund.id))

    def _move(self, key: Key, before: Item, after: Item) -> None:
        move = Update(
            key,
            set=after,
            condition="#gsi3sk = :due_before",
            values={"due_before": before["gsi3sk"]},
            label="watch",
        )
        try:
            self._table.write(move)
        except ConditionFailed as failed:
            raise Superseded from failed

    def _due(self, kind: str, now: str) -> list[Key]:
        return [
            (item["pk"], item["sk"])
            for partition in keys.due_partitions(kind)
            for item in self._table.query(
                Query(partition, "#sk < :now", {"now": now}, index="gsi3", limit=DUE_MAX)
            ).items
        ]


class WorkflowDeadEnd:
    """Implements `sweeping.DeadEnd`; no execution name, since no run of its own has failed."""

    def __init__(self, through: Queues) -> None:
        self._queues = through

    def park(self, workflow: str, given: Mapping[str, str], cause: str) -> None:
        """The form in which the workflows park themselves, with the cause beside it."""
        error = {"Error": cause, "Cause": cause}
        body = {
            "workflow": workflow,
            "input": dict(given),
            "state": {**given, "error": error},
            "cause": cause,
        }
        attributes = {
            "cause": cause,
            "source": workflow,
            "reference": given.get("refund_id") or given["order_id"],
            "correlation_id": given["correlation_id"],
        }
        self._queues.send(WORKFLOW_DEAD_END, body, attributes)


class LateRows:
    """Event rows that the relay has not published in time."""

    def __init__(self, table: Table, bus: EventBus, through: Queues) -> None:
        self._table = table
        self._bus = bus
        self._queues = through

    def publish(self, before: str, relayed_at: str) -> int:
        """Publish and mark rows that have waited since `before`; how many were published."""
        return sum(
            self._publish(self._waiting(outbox_partition(number), before), relayed_at)
            for number in range(OUTBOX_PARTITIONS)
        )

    def _waiting(self, partition: str, before: str) -> list[Item]:
        asked = Query(partition, "#sk < :before", {"before": before}, "gsi3", limit=ROWS_MAX)
        found = [(item["pk"], item["sk"]) for item in self._table.query(asked).items]
        rows = self._table.batch_get(found, is_consistent=True)
        # The index lags behind the rows: those without the key were relayed just now.
        return [rows[key] for key in found if key in rows and "gsi3pk" in rows[key]]

    def _publish(self, rows: Sequence[Item], relayed_at: str) -> int:
        events: dict[str, tuple[Item, DomainEvent]] = {}
        for row in rows:
            try:
                event = read_event(row)
            except UnknownEvent as error:
                self._park(row, f"UnknownEvent: {error}")
            else:
                events[event.event_id] = (row, event)
        refused = {
            refusal.event.event_id: refusal
            for refusal in self._bus.publish([event for _, event in events.values()])
        }
        for event_id, (row, _) in events.items():
            refusal = refused.get(event_id)
            if refusal is None:
                self._mark(row, relayed_at)
            elif not refusal.is_passing:
                self._park(row, f"refused by the bus: {refusal.cause}")
        return len(events) - len(refused)

    def _park(self, row: Item, cause: str) -> None:
        reference = str(row.get("event_id") or f"{row['pk']}|{row['sk']}")
        attributes = {"cause": cause[:300], "source": "core", "reference": reference}
        body = json.dumps(row, separators=(",", ":"), default=str)
        self._queues.send(STREAMS_DEAD_END, body, attributes)
        self._mark(row, None)
        logger.warning("event row parked", extra={"event_id": reference, "cause": cause[:300]})

    def _mark(self, row: Item, relayed_at: str | None) -> None:
        try:
            self._table.write(relayed((row["pk"], row["sk"]), relayed_at))
        except ConditionFailed:
            # The row is gone; the event was published all the same.
            return
