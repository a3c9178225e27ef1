"""Everything that the sweeper looks after, with its real adapters."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from chalicelib.aws.event_bus import event_bus
from chalicelib.aws.queues import queues
from chalicelib.aws.tables import core_table
from chalicelib.kernel.clock import SystemClock, instant, later
from chalicelib.media.sweeping import sweep_uploads, sweeping_deps
from chalicelib.orders.store_sweeping import LateRows, TableDeadlines, WorkflowDeadEnd
from chalicelib.orders.sweeping import SweepDeps, sweep_orders, sweep_refunds
from chalicelib.orders.wiring_workers import orders, runs

RELAY_LATE_S: Final = 60
"""The relay publishes within a second; what waits this long was left behind."""


@lru_cache(maxsize=1)
def sweep_deps() -> SweepDeps:
    """For the look at orders and refunds."""
    return SweepDeps(
        orders(),
        TableDeadlines(core_table()),
        runs(),
        WorkflowDeadEnd(queues()),
        SystemClock(),
    )


def sweeps() -> dict[str, Callable[[], object]]:
    """Everything the sweeper looks after, by name; another slice's sweep is one more line."""
    return {
        "outbox": _sweep_outbox,
        "orders": lambda: sweep_orders(sweep_deps()),
        "refunds": lambda: sweep_refunds(sweep_deps()),
        "media": lambda: sweep_uploads(sweeping_deps()),
    }


def _sweep_outbox() -> None:
    now = SystemClock().now()
    rows = LateRows(core_table(), event_bus(), queues())
    rows.publish(instant(later(now, -RELAY_LATE_S)), instant(now))
