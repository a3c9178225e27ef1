"""The real adapters of operations, built once per process."""

import json
from functools import lru_cache
from typing import Final

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from chalicelib.aws.event_bus import event_bus
from chalicelib.aws.event_rows import relayed
from chalicelib.aws.items import Item, Key
from chalicelib.aws.observability import measure
from chalicelib.aws.queues import Queues, queues
from chalicelib.aws.secrets import SecretInvalid, secrets
from chalicelib.aws.settings import settings
from chalicelib.aws.table import ConditionFailed, Table
from chalicelib.aws.tables import core_table, live_table
from chalicelib.aws.workflows import workflows
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.errors import Unavailable
from chalicelib.kernel.ids import Ids
from chalicelib.ops.outbox import RelayDeps
from chalicelib.ops.redriving import LambdaFunctions, Redriver, publish_all
from chalicelib.ops.replays import COMMAND, ReplayDeps
from chalicelib.ops.rules import CAUSE_MAX, OTHER_DEAD_ENDS, WORK_QUEUES
from chalicelib.ops.service import Deps
from chalicelib.ops.store import DeadLetterRows, ReplayRows
from chalicelib.ops.store_journal import JournalRows

COMMANDS: Final = "ops-commands"
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


@lru_cache(maxsize=1)
def letter_deps() -> Deps:
    """What dead letters of this process are worked on with."""
    clock = SystemClock()
    functions = LambdaFunctions(client("lambda"), settings().name)
    return Deps(
        letters=DeadLetterRows(core_table()),
        redrive=Redriver(queues(), workflows(), functions, event_bus(), clock),
        clock=clock,
        ids=Ids(),
        count=measure,
    )


@lru_cache(maxsize=1)
def replay_deps() -> ReplayDeps:
    """What replays of this process are carried out with."""
    return ReplayDeps(
        replays=ReplayRows(core_table()),
        journal=journal(),
        publish=lambda events: publish_all(event_bus(), events),
        queue_next=_queue_next_slice,
        clock=SystemClock(),
        ids=Ids(),
    )


def _queue_next_slice(replay_id: str) -> None:
    queues().send(COMMANDS, {"command": COMMAND, "replay_id": replay_id})


@lru_cache(maxsize=1)
def journal() -> JournalRows:
    """The journal in the core table."""
    return JournalRows(core_table())


def depths() -> list[tuple[str, str, str | None, tuple[int, int, int]]]:
    """Every queue of the shop: name, kind, whose dead ends it holds, and how full it is."""
    listed: list[tuple[str, str, str | None]] = [(name, "queue", None) for name in WORK_QUEUES]
    listed += [(f"{name}-dlq", "dead_letter", name) for name in WORK_QUEUES]
    listed += [(name, "dead_letter", None) for name in OTHER_DEAD_ENDS]
    return [(name, kind, source, queues().depth(name)) for name, kind, source in listed]


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
