"""Orders, payments and refunds as items of the table and back; None is not stored."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from chalicelib.aws.items import Item
from chalicelib.orders import keys
from chalicelib.orders.records import (
    LOCATION,
    Failure,
    Order,
    OrderLine,
    OrderRecord,
    Payment,
    Refund,
    Review,
    Tracking,
    Watch,
)
from chalicelib.orders.rules import (
    FailureReason,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
    ReservationStatus,
)

_ORDER_PLAIN: Final = """
    id number user_id currency subtotal shipping tax discount total payment_token
    correlation_id placed_at updated_at version payment_id refunded refund_id cancel_requested
    paid_at shipped_at delivered_at closed_at""".split()
_PAYMENT_PLAIN: Final = """
    id order_id provider amount currency token updated_at charge_id decline_code
    action_url refund_requested refunded resolve_run resolve_attempts""".split()
_REFUND_PLAIN: Final = """
    id order_id payment_id kind amount reason by requested_at note settled_at
    resolve_run resolve_attempts""".split()


def order_item(order: Order) -> Item:
    """The order's item, index keys included."""
    pk, sk = keys.order_key(order.id)
    listed = keys.by_time(order.placed_at, order.id)
    return {
        "pk": pk,
        "sk": sk,
        **{name: getattr(order, name) for name in _ORDER_PLAIN},
        "status": order.status.value,
        "reservation": {"status": order.reservation.value, "location": LOCATION},
        "lines": [asdict(line) for line in order.lines],
        "shipping_address": order.sealed_address,
        "payment_status": order.payment_status.value if order.payment_status else None,
        "review": _stored(order.review),
        "failure": _failure_item(order.failure),
        "tracking": _stored(order.tracking),
        "short_of": list(order.short_of) or None,
        "gsi1pk": keys.customer_partition(order.user_id),
        "gsi1sk": listed,
        "gsi2pk": keys.status_partition(order.status, order.placed_at[:7]),
        "gsi2sk": listed,
        **watch_item(order.watch, keys.order_due_partition(order.id), order.id),
    }


def payment_item(payment: Payment) -> Item:
    """The payment's item."""
    pk, sk = keys.payment_key(payment.order_id, payment.id)
    plain = {name: getattr(payment, name) for name in _PAYMENT_PLAIN}
    return {"pk": pk, "sk": sk, **plain, "status": payment.status.value}


def refund_item(refund: Refund) -> Item:
    """The refund's item, deadline included."""
    pk, sk = keys.refund_key(refund.order_id, refund.id)
    plain = {name: getattr(refund, name) for name in _REFUND_PLAIN}
    watch = watch_item(refund.watch, keys.refund_due_partition(refund.id), refund.id)
    return {"pk": pk, "sk": sk, **plain, "status": refund.status.value, **watch}


def watch_item(watch: Watch, partition: str, identifier: str) -> Item:
    """The deadline of a record; without one it is in no deadline list."""
    return {
        "gsi3pk": partition if watch.due_at else None,
        "gsi3sk": keys.by_due(watch.due_at, identifier) if watch.due_at else None,
        "looks": watch.looks,
        "sweep_run": watch.run,
    }


def _stored(part: Review | Tracking | None) -> Item | None:
    if part is None:
        return None
    return {name: value for name, value in asdict(part).items() if value is not None}


def _failure_item(failure: Failure | None) -> Item | None:
    if failure is None:
        return None
    item: Item = {"reason": failure.reason.value, "variant_ids": list(failure.variant_ids)}
    return item | ({"decline_code": failure.decline_code} if failure.decline_code else {})


def changes_between(before: Item, after: Item) -> Item:
    """The attributes that differ; None for those that go."""
    names = sorted((before.keys() | after.keys()) - {"pk", "sk"})
    return {name: after.get(name) for name in names if before.get(name) != after.get(name)}


def record_of(items: tuple[Item, ...]) -> OrderRecord | None:
    """The record in the items of one partition, None without an order."""
    order = next((order_of(item) for item in items if item["sk"] == keys.META), None)
    if order is None:
        return None
    payments = [payment_of(item) for item in items if item["sk"].startswith(keys.PAYMENT)]
    refunds = [refund_of(item) for item in items if item["sk"].startswith(keys.REFUND)]
    return OrderRecord(order, payments[0] if payments else None, tuple(refunds))


def order_of(item: Item) -> Order:
    """The order in its item."""
    status = item.get("payment_status")
    plain = {name: item[name] for name in _ORDER_PLAIN if name in item}
    return Order(
        **plain,
        status=OrderStatus(item["status"]),
        reservation=ReservationStatus(item["reservation"]["status"]),
        lines=tuple(OrderLine(**line) for line in item["lines"]),
        sealed_address=item["shipping_address"],
        payment_status=PaymentStatus(status) if status else None,
        review=_review_of(item.get("review")),
        failure=_failure_of(item.get("failure")),
        tracking=Tracking(**item["tracking"]) if "tracking" in item else None,
        short_of=tuple(item.get("short_of", ())),
        watch=watch_of(item),
    )


def payment_of(item: Item) -> Payment:
    """The payment in its item."""
    plain = {name: item[name] for name in _PAYMENT_PLAIN if name in item}
    return Payment(**plain, status=PaymentStatus(item["status"]))


def refund_of(item: Item) -> Refund:
    """The refund in its item."""
    plain = {name: item[name] for name in _REFUND_PLAIN if name in item}
    return Refund(**plain, status=RefundStatus(item["status"]), watch=watch_of(item))


def watch_of(item: Item) -> Watch:
    """The deadline in an item."""
    due = item.get("gsi3sk")
    due_at = due.partition("#")[0] if due else None
    return Watch(due_at, item.get("looks", 0), item.get("sweep_run"))


def _review_of(item: Mapping[str, Any] | None) -> Review | None:
    if item is None:
        return None
    return Review(item["decision"], item["by"], item.get("note"), item["at"])


def _failure_of(item: Mapping[str, Any] | None) -> Failure | None:
    if item is None:
        return None
    reason = FailureReason(item["reason"])
    return Failure(reason, item.get("decline_code"), tuple(item["variant_ids"]))
