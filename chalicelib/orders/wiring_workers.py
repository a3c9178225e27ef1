"""The real adapters for workflow steps and queue consumers, built once a process.

Apart from `wiring`, so that these functions load neither wire models nor the catalogue.
"""

from dataclasses import asdict
from functools import lru_cache

from chalicelib.aws.settings import settings
from chalicelib.aws.tables import core_table
from chalicelib.aws.workflows import Workflows, workflows
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import Ids
from chalicelib.orders.gateway_wiring import payment_gateway
from chalicelib.orders.metrics import count_change
from chalicelib.orders.paying import PayingDeps
from chalicelib.orders.rules import Terms
from chalicelib.orders.service import Deps, Outcome
from chalicelib.orders.signalling import SignalDeps
from chalicelib.orders.store import TableOrders
from chalicelib.orders.waits import WaitDeps


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
