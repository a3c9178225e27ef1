"""The real adapters for workflow steps, queue consumers and the sweeper, built once a process.

Apart from `wiring`, so that these functions load neither wire models nor the catalogue.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Final

from chalicelib.aws.event_bus import event_bus
from chalicelib.aws.queues import queues
from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.aws.workflows import Workflows, workflows
from chalicelib.kernel.clock import SystemClock, instant, later
from chalicelib.kernel.ids import Ids
from chalicelib.orders.gateway_wiring import payment_gateway
from chalicelib.orders.metrics import count_change
from chalicelib.orders.paying import PayingDeps
from chalicelib.orders.rules import Terms
from chalicelib.orders.service import Deps, Outcome
from chalicelib.orders.signalling import SignalDeps
from chalicelib.orders.store import TableOrders
from chalicelib.orders.store_sweeping import LateRows, TableDeadlines, WorkflowDeadEnd
from chalicelib.orders.sweeping import SweepDeps, sweep_orders, sweep_refunds
from chalicelib.orders.waits import WaitDeps

RELAY_LATE_S: Final = 60
"""The relay publishes within a second; what waits this long was left behind."""


class OrderRuns:
    """The order workflows; implements `service.Runs` and `signalling.Starter`."""

    def __init__(self, through: Workflows) -> None:
        self._workflows = through

    def resume(self, token: str, outcome: Outcome) -> bool:
        """Answer a waiting run with the three fields that every step answers."""
        return self._workflows.resume(token, asdict(outcome))

    def start(self, workflow: str, name: str, given: dict[str, str]) -> bool:
        """Start a run; False if one of that name was started before."""
        return self._workflows.start(workflow, name, given)

    def is_running(self, workflow: str, name: str) -> bool | None:
        """Whether the run still goes on; None if there is none."""
        return self._workflows.is_running(workflow, name)


def terms() -> Terms:
    """What the shop has decided."""
    chosen = settings()
    return Terms(
        currency=chosen.shop_currency,
        shipping_fee=chosen.shipping_fee,
        free_shipping_from=chosen.free_shipping_from,
        review_above=chosen.review_above,
        review_timeout_s=chosen.review_timeout_s,
        action_timeout_s=chosen.action_timeout_s,
    )


@lru_cache(maxsize=1)
def orders() -> TableOrders:
    """The orders of the core table."""
    return TableOrders(core_table(), count_change)


@lru_cache(maxsize=1)
def runs() -> OrderRuns:
    """The order workflows of this stage."""
    return OrderRuns(workflows())


@lru_cache(maxsize=1)
def stock_deps() -> Deps:
    """For `order_stock` and `payment_events`."""
    return Deps(orders(), SystemClock(), Ids(), terms())


@lru_cache(maxsize=1)
def status_deps() -> WaitDeps:
    """For `order_status`."""
    return WaitDeps(orders(), SystemClock(), Ids(), terms(), runs())


@lru_cache(maxsize=1)
def paying_deps() -> PayingDeps:
    """For `order_payment`; Unavailable where no payment can be taken."""
    return PayingDeps(orders(), SystemClock(), Ids(), terms(), runs(), payment_gateway())


@lru_cache(maxsize=1)
def signal_deps() -> SignalDeps:
    """For `order_signals`."""
    return SignalDeps(orders(), SystemClock(), Ids(), terms(), runs(), runs())


@lru_cache(maxsize=1)
def sweep_deps() -> SweepDeps:
    """For the sweeper's look at orders and refunds."""
    return SweepDeps(
        orders(),
        TableDeadlines(core_table()),
        runs(),
        WorkflowDeadEnd(queues()),
        SystemClock(),
    )


def sweeps() -> dict[str, Callable[[], None]]:
    """Everything the sweeper looks after, by name; another slice's sweep is one more line."""
    return {
        "outbox": _sweep_outbox,
        "orders": lambda: sweep_orders(sweep_deps()),
        "refunds": lambda: sweep_refunds(sweep_deps()),
        "uploads": _sweep_uploads,
    }


def _sweep_uploads() -> None:
    # The workflow steps share this module and have nothing to do with pictures.
    from chalicelib.media.sweeping import sweep_uploads, sweeping_deps  # noqa: PLC0415

    sweep_uploads(sweeping_deps())


def _sweep_outbox() -> None:
    now = SystemClock().now()
    rows = LateRows(core_table(), event_bus(), queues())
    rows.publish(instant(later(now, -RELAY_LATE_S)), instant(now))
