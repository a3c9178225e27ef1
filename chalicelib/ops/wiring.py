"""The real adapters of operations, built once per process."""

import json
from functools import lru_cache
from typing import Final

from botocore.exceptions import ClientError

from chalicelib.aws.event_bus import event_bus
from chalicelib.aws.event_rows import relayed
from chalicelib.aws.items import Item, Key
from chalicelib.aws.observability import measure
from chalicelib.aws.queues import Queues, queues
from chalicelib.aws.secrets import SecretInvalid, secrets
from chalicelib.aws.table import ConditionFailed, Table
from chalicelib.aws.tables import core_table, live_table
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.errors import Unavailable
from chalicelib.ops.outbox import RelayDeps

CAUSE_MAX: Final = 300
STREAMS_DEAD_END: Final = "streams-dlq"
OUTBOX_LAG: Final = "OutboxLag"
PROBE: Final = ("PROBE", "META")
PROBED_SECRETS: Final = ("tokens", "identity", "links", "webhook")


class EventRows:
    """The outbox in the core table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def mark_relayed(self, row: Key, relayed_at: str) -> None:
        """Take a published row out of the outbox."""
        self._mark(row, relayed_at)

    def mark_parked(self, row: Key) -> None:
        """Take a parked row out of the outbox, without a relay time."""
        self._mark(row, None)

    def _mark(self, row: Key, relayed_at: str | None) -> None:
        try:
            self._table.write(relayed(row, relayed_at))
        except ConditionFailed:
            # The row is gone; the event was published all the same.
            return


class StreamsDeadEnd:
    """The queue of rows that a stream handler cannot handle."""

    def __init__(self, through: Queues, table: str) -> None:
        self._queues = through
        self._table = table

    def park(self, row: Item, cause: str) -> None:
        """Send the row as JSON; cause, table and ids go along as attributes."""
        attributes = {
            "cause": cause[:CAUSE_MAX],
            "source": self._table,
            "reference": str(row.get("event_id") or f"{row['pk']}|{row['sk']}"),
            "correlation_id": str(row.get("correlation_id") or ""),
        }
        self._queues.send(STREAMS_DEAD_END, json.dumps(row, separators=(",", ":")), attributes)


def _measure_lag(lag_ms: int) -> None:
    measure(OUTBOX_LAG, lag_ms, "Milliseconds")


@lru_cache(maxsize=1)
def relay_deps() -> RelayDeps:
    """What the relay of this process works with."""
    return RelayDeps(
        bus=event_bus(),
        outbox=EventRows(core_table()),
        parking=StreamsDeadEnd(queues(), "core"),
        clock=SystemClock(),
        measure_lag=_measure_lag,
    )


def probe() -> None:
    """Read from both tables and every secret the API needs; Unavailable if one fails."""
    for table in (core_table(), live_table()):
        try:
            table.get(PROBE, is_consistent=False)
        except ClientError as error:
            raise Unavailable from error
    for name in PROBED_SECRETS:
        try:
            secrets().ring(name)
        except SecretInvalid as error:
            raise Unavailable from error
