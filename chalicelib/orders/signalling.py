"""What orders do about events of the bus: start workflows, and wake those that wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from chalicelib.kernel.domain_events import (
    ORDER_CANCEL_REQUESTED,
    ORDER_CANCELLED,
    ORDER_PLACED,
    ORDER_REVIEW_DECIDED,
    PAYMENT_CAPTURED,
    PAYMENT_DECLINED,
    REFUND_REQUESTED,
    DomainEvent,
)
from chalicelib.orders.records import Wait
from chalicelib.orders.waits import WaitDeps, pass_on

FULFILMENT: Final = "order-fulfilment"
REFUND: Final = "order-refund"

_WAKES: Final[Mapping[str, Wait]] = MappingProxyType(
    {
        ORDER_REVIEW_DECIDED.name: "review",
        ORDER_CANCELLED.name: "review",
        PAYMENT_CAPTURED.name: "action",
        PAYMENT_DECLINED.name: "action",
        ORDER_CANCEL_REQUESTED.name: "action",
    }
)


class Starter(Protocol):
    """Starts workflows."""

    def start(self, workflow: str, name: str, given: dict[str, str]) -> bool:
        """Start a run; False if one of that name was started before."""
        ...


@dataclass(frozen=True, slots=True)
class SignalDeps(WaitDeps):
    """What signals need besides: somebody to start workflows."""

    starter: Starter


def follow(event: DomainEvent, deps: SignalDeps) -> None:
    """Do what an event asks of orders; the names of runs make a second time harmless."""
    if event.type is ORDER_PLACED:
        order_id = event.data["order_id"]
        deps.starter.start(FULFILMENT, order_id, fulfilment_input(order_id, event.correlation_id))
    elif event.type is REFUND_REQUESTED:
        order_id, refund_id = event.data["order_id"], event.data["refund_id"]
        given = refund_input(order_id, refund_id, event.correlation_id)
        deps.starter.start(REFUND, refund_id, given)
    elif event.type.name in _WAKES:
        pass_on(event.data["order_id"], _WAKES[event.type.name], deps)


def fulfilment_input(order_id: str, correlation_id: str) -> dict[str, str]:
    """What `order-fulfilment` is given."""
    return {"order_id": order_id, "correlation_id": correlation_id}


def refund_input(order_id: str, refund_id: str, correlation_id: str) -> dict[str, str]:
    """What `order-refund` is given."""
    return {"order_id": order_id, "refund_id": refund_id, "correlation_id": correlation_id}
