"""What the shop counts of its orders: placed, paid, failed, and how payments end."""

from types import MappingProxyType
from typing import Final

from chalicelib.aws.observability import measure
from chalicelib.orders.records import Change

PAYMENT_OUTCOMES: Final = MappingProxyType(
    {
        "PaymentCaptured": "captured",
        "PaymentDeclined": "declined",
        "PaymentExpired": "expired",
        "PaymentUncertain": "uncertain",
        "PaymentActionRequired": "action_required",
    }
)


def count_placed() -> None:
    """One order more was placed."""
    measure("OrdersPlaced")


def count_change(change: Change) -> None:
    """Count a change that was written, if it is one that is counted."""
    name = change.event.type.name
    if name == "OrderPaid":
        measure("OrdersPaid")
    elif name == "OrderFailed":
        measure("OrdersFailed", reason=str(change.event.data["reason"]))
    elif name in PAYMENT_OUTCOMES:
        measure("PaymentOutcomes", outcome=PAYMENT_OUTCOMES[name])
