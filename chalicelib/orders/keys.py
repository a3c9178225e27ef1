"""Where the rows of orders stand: every key and index partition of the slice, as a function."""

from typing import Final

from chalicelib.aws.items import Key
from chalicelib.kernel.ids import bucket_of
from chalicelib.orders.rules import CLOSED, OrderStatus

META: Final = "META"
PAYMENT: Final = "PAY#"
REFUND: Final = "RFD#"
RECORD_FROM: Final = META
RECORD_TO: Final = "RFD#~"
"""Between these two sort keys stand the order, its payment and its refunds."""

ORDER_PARTITIONS: Final = 4
REFUND_PARTITIONS: Final = 2
SEEN_KEPT_S: Final = 14 * 86_400


def order_partition(order_id: str) -> str:
    """The partition of an order, its payment, refunds, events and tokens."""
    return f"ORDER#{order_id}"


def order_key(order_id: str) -> Key:
    """The order itself."""
    return order_partition(order_id), META


def payment_key(order_id: str, payment_id: str) -> Key:
    """A payment of an order."""
    return order_partition(order_id), f"{PAYMENT}{payment_id}"


def refund_key(order_id: str, refund_id: str) -> Key:
    """A refund of an order."""
    return order_partition(order_id), f"{REFUND}{refund_id}"


def token_key(order_id: str, wait: str) -> Key:
    """The token of the workflow that waits for a review or for the customer."""
    return order_partition(order_id), f"TOKEN#{wait}"


def number_key(number: str) -> Key:
    """The row that makes an order number unique and leads to its order."""
    return f"ORDERNO#{number}", META


def seen_key(message_id: str) -> Key:
    """The mark of a webhook that has had its effect."""
    return f"SEEN#payment_events#{message_id}", META


def customer_partition(user_id: str) -> str:
    """Index 1: the orders of a customer."""
    return f"USER#{user_id}#ORDERS"


def status_partition(status: OrderStatus, month: str) -> str:
    """Index 2: orders by status, closed ones by month too, so that no partition grows for ever."""
    return f"ORDERS#{status}#{month}" if status in CLOSED else f"ORDERS#{status}"


def by_time(placed_at: str, order_id: str) -> str:
    """Sorts the lists of orders by the time of placing."""
    return f"{placed_at}#{order_id}"


def order_due_partition(order_id: str) -> str:
    """Index 3: orders by the time at which the sweeper looks at them."""
    return f"DUE#ORDER#{bucket_of(order_id, ORDER_PARTITIONS)}"


def refund_due_partition(refund_id: str) -> str:
    """Index 3: refunds by the time at which the sweeper looks at them."""
    return f"DUE#REFUND#{bucket_of(refund_id, REFUND_PARTITIONS)}"


def due_partitions(kind: str) -> tuple[str, ...]:
    """All deadline partitions of ORDER or REFUND."""
    count = {"ORDER": ORDER_PARTITIONS, "REFUND": REFUND_PARTITIONS}[kind]
    return tuple(f"DUE#{kind}#{number}" for number in range(count))


def by_due(due_at: str, identifier: str) -> str:
    """Sorts deadlines."""
    return f"{due_at}#{identifier}"
