"""The Lambda functions behind the states of `order-fulfilment` and `order-refund`.

A step answers a business fact as {outcome, reason, attempts}; an exception is a fault, which
the workflow tries again and then parks. Every step may run any number of times.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from chalicelib.aws.observability import bound
from chalicelib.edge.blueprints import EventBlueprint
from chalicelib.edge.steps import check_asked
from chalicelib.kernel.domain_events import Actor
from chalicelib.kernel.event_forms import Form, identifier, is_count, is_text, is_word
from chalicelib.orders import fulfilling, paying, refunding, waits
from chalicelib.orders.gateway_wiring import provider
from chalicelib.orders.service import Asker, Outcome, Task
from chalicelib.orders.wiring_workers import paying_deps, status_deps, stock_deps

logger: Final = logging.getLogger(__name__)
blueprint: Final = EventBlueprint(__name__)

REFUNDS: Final = frozenset({"finish_refund", "refund_failed", "refund", "resolve_refund"})
_NEEDED: Final[Mapping[str, Form]] = MappingProxyType(
    {"order_id": identifier("ord"), "execution": is_word, "correlation_id": is_word}
)
_REFUND: Final[Mapping[str, Form]] = MappingProxyType({**_NEEDED, "refund_id": identifier("rfd")})
_OPTIONAL: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "reason": lambda value: value is None or is_text(value),
        "task_token": is_text,
        "entered_at": is_text,
        "retry_count": is_count,
    }
)

Step = Callable[[Task], Outcome]

STOCK: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "reserve": lambda task: fulfilling.reserve(task, stock_deps()),
        "confirm": lambda task: fulfilling.confirm(task, stock_deps()),
        "fail": lambda task: fulfilling.fail(task, stock_deps()),
        "finish_refund": lambda task: refunding.finish_refund(task, stock_deps()),
    }
)
STATUS: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "load": lambda task: fulfilling.load(task, status_deps()),
        "hold": lambda task: waits.hold(task, status_deps()),
        "begin_payment": lambda task: fulfilling.begin_payment(task, status_deps(), provider()),
        "cancel_paid": lambda task: fulfilling.cancel_paid(task, status_deps()),
        "refund_failed": lambda task: refunding.refund_failed(task, status_deps()),
    }
)
PAYMENT: Final[Mapping[str, Step]] = MappingProxyType(
    {
        "charge": lambda task: paying.charge(task, paying_deps()),
        "await_action": lambda task: waits.await_action(task, paying_deps()),
        "close_action": lambda task: paying.close_action(task, paying_deps()),
        "resolve": lambda task: paying.resolve(task, paying_deps()),
        "refund": lambda task: refunding.refund(task, paying_deps()),
        "resolve_refund": lambda task: refunding.resolve_refund(task, paying_deps()),
    }
)


@blueprint.lambda_function(name="order_stock")
def order_stock(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # Any: JSON, Chalice
    """Steps that move stock together with the order."""
    return _run(STOCK, "order_stock", event)


@blueprint.lambda_function(name="order_status")
def order_status(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # Any: JSON, Chalice
    """Steps that move the order alone, and those that wait for a person."""
    return _run(STATUS, "order_status", event)


@blueprint.lambda_function(name="order_payment")
def order_payment(event: dict[str, Any], _context: Any) -> dict[str, Any]:  # Any: JSON, Chalice
    """Steps that speak to the payment gateway."""
    return _run(PAYMENT, "order_payment", event)


def _run(steps: Mapping[str, Step], function: str, event: dict[str, Any]) -> dict[str, Any]:
    check_asked(event, steps, _REFUND if str(event.get("step")) in REFUNDS else _NEEDED, _OPTIONAL)
    task = _task(function, event)
    with bound(
        correlation_id=task.asker.correlation_id,
        execution=task.execution,
        order_id=task.order_id,
        refund_id=task.refund_id,
        step=event["step"],
    ):
        answered = asdict(steps[event["step"]](task))
        logger.info("step", extra={name: answered[name] for name in ("outcome", "reason")})
        return answered


def _task(function: str, event: dict[str, Any]) -> Task:
    return Task(
        order_id=event["order_id"],
        execution=event["execution"],
        asker=Asker(Actor("system", function), event["correlation_id"]),
        refund_id=event.get("refund_id", ""),
        reason=event.get("reason"),
        token=event.get("task_token", ""),
        entered_at=event.get("entered_at", ""),
        retry_count=event.get("retry_count", 0),
    )
