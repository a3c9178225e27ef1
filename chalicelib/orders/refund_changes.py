"""Every change around refunds, as pure functions from a record to a `Change`."""

from dataclasses import replace
from typing import Any

from chalicelib.kernel.domain_events import (
    ORDER_CANCELLED,
    ORDER_REFUNDED,
    REFUND_FAILED,
    REFUND_REQUESTED,
    REFUND_SETTLED,
    REFUND_UNCERTAIN,
)
from chalicelib.orders.changes import LOOK_AGAIN_S, Act, After, Told, changed, lines_told
from chalicelib.orders.payments import Rejected, Settled
from chalicelib.orders.records import (
    Change,
    Order,
    OrderRecord,
    Payment,
    Refund,
    StockOrder,
    Watch,
)
from chalicelib.orders.rules import (
    OrderStatus,
    PaymentStatus,
    RefundStatus,
    ReservationStatus,
)


def first_watch(act: Act) -> Watch:
    """When the sweeper first looks at a new refund."""
    return Watch(act.after_s(LOOK_AGAIN_S))


def request(before: OrderRecord, payment: Payment, refund: Refund, act: Act) -> Change:
    """Set money aside for a refund; of kind cancel the order waits for it (T20, T21)."""
    order = before.order
    if refund.kind == "cancel":
        order = replace(order, status=OrderStatus.CANCELLING, refund_id=refund.id)
    after = replace(
        payment, refund_requested=payment.refund_requested + refund.amount, updated_at=act.at
    )
    told = Told(REFUND_REQUESTED, _refund_data(refund))
    return changed(before, After(order, after, refund), told, act)


def answered(
    before: OrderRecord,
    payment: Payment,
    refund: Refund,
    answer: Settled | Rejected | None,
    act: Act,
) -> Change:
    """Keep what the gateway said about a refund; None is that it said nothing (T22)."""
    match answer:
        case Settled():
            after = replace(refund, status=RefundStatus.SETTLED, settled_at=act.at)
            return _answered(before, _paid_back(payment, refund, act), after, None, act)
        case Rejected(code):
            after = replace(refund, status=RefundStatus.FAILED, watch=_unwatched(refund))
            kept = replace(
                payment,
                refund_requested=payment.refund_requested - refund.amount,
                updated_at=act.at,
            )
            return _answered(before, kept, after, code, act)
        case None:
            after = replace(refund, status=RefundStatus.UNKNOWN)
            return _answered(before, payment, after, None, act)


def _answered(
    before: OrderRecord, payment: Payment, refund: Refund, code: str | None, act: Act
) -> Change:
    kinds = {
        RefundStatus.SETTLED: REFUND_SETTLED,
        RefundStatus.FAILED: REFUND_FAILED,
        RefundStatus.UNKNOWN: REFUND_UNCERTAIN,
    }
    told = Told(kinds[refund.status], {**_refund_data(refund), "code": code})
    return changed(before, After(_order_after(before.order, refund), payment, refund), told, act)


def _order_after(order: Order, refund: Refund) -> Order:
    is_refused = refund.kind == "cancel" and refund.status is RefundStatus.FAILED
    if is_refused and order.status is OrderStatus.CANCELLING:
        return replace(order, status=OrderStatus.PAID, cancel_requested=False)
    return order


def _paid_back(payment: Payment, refund: Refund, act: Act) -> Payment:
    refunded = payment.refunded + refund.amount
    is_all = refunded == payment.amount
    return replace(
        payment,
        refunded=refunded,
        status=PaymentStatus.REFUNDED if is_all else PaymentStatus.PARTLY_REFUNDED,
        updated_at=act.at,
    )


def _unwatched(refund: Refund) -> Watch:
    return replace(refund.watch, due_at=None)


def finished(refund: Refund) -> Refund:
    """The refund with nothing left to do."""
    return replace(refund, watch=_unwatched(refund))


def finish_cancel(before: OrderRecord, refund: Refund, act: Act) -> Change:
    """Close an order whose money went back, and put its stock back on sale (T23)."""
    order = replace(
        before.order,
        status=OrderStatus.CANCELLED,
        reservation=ReservationStatus.RETURNED,
        closed_at=act.at,
    )
    more = {"released": False, "returned": True, "lines": lines_told(order)}
    after = After(order, None, finished(refund), StockOrder("RETURN", refund.id))
    return changed(before, after, Told(ORDER_CANCELLED, more), act)


def finish_refunded(before: OrderRecord, refund: Refund, act: Act) -> Change:
    """Close an order all of whose money went back; unsent goods are put back on sale (T23)."""
    is_unsent = before.order.status is OrderStatus.PAID
    order = replace(
        before.order,
        status=OrderStatus.REFUNDED,
        reservation=ReservationStatus.RETURNED if is_unsent else before.order.reservation,
        closed_at=act.at,
    )
    more = {"returned": is_unsent, "lines": lines_told(order) if is_unsent else []}
    stock = StockOrder("RETURN", refund.id) if is_unsent else None
    return changed(
        before, After(order, None, finished(refund), stock), Told(ORDER_REFUNDED, more), act
    )


def _refund_data(refund: Refund) -> dict[str, Any]:  # Any: JSON values of many shapes
    return {"refund_id": refund.id, "kind": refund.kind, "refund_amount": refund.amount}
