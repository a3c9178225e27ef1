"""Every change of an order up to its delivery, as pure functions from a record to a `Change`.

Who may make a change, and when, is decided by the use cases; a change that the state machines
do not have is refused here once more, before anything is written.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from chalicelib.kernel.clock import instant, later, moment
from chalicelib.kernel.domain_events import (
    ORDER_CANCEL_REQUESTED,
    ORDER_CANCELLED,
    ORDER_DELIVERED,
    ORDER_FAILED,
    ORDER_HELD,
    ORDER_PAID,
    ORDER_RESERVED,
    ORDER_REVIEW_DECIDED,
    ORDER_SHIPPED,
    PAYMENT_ACTION_REQUIRED,
    PAYMENT_CAPTURED,
    PAYMENT_DECLINED,
    PAYMENT_EXPIRED,
    PAYMENT_STARTED,
    PAYMENT_UNCERTAIN,
    Cause,
    DomainEvent,
    EventType,
)
from chalicelib.orders.payments import ActionRequired, Captured, Declined, Expired
from chalicelib.orders.records import (
    Change,
    Failure,
    Order,
    OrderRecord,
    Payment,
    Refund,
    Review,
    StockMove,
    StockOrder,
    Tracking,
    Watch,
)
from chalicelib.orders.rules import (
    ORDER_WALK,
    PAYMENT_WALK,
    REFUND_WALK,
    RESERVATION_WALK,
    OrderStatus,
    PaymentStatus,
    ReservationStatus,
    Terms,
    check_walk,
)

LOOK_AGAIN_S: Final = 300
PLACED_DUE_S: Final = 120


@dataclass(frozen=True, slots=True)
class Act:
    """Who makes a change, when and in which chain of calls, under which terms."""

    cause: Cause
    terms: Terms

    @property
    def at(self) -> str:
        """When it is made."""
        return self.cause.occurred_at

    def after_s(self, seconds: int) -> str:
        """An instant counted from the change."""
        return instant(later(moment(self.at), seconds))


class After(NamedTuple):
    """What a change leaves: the order, and the other records as far as they change."""

    order: Order
    payment: Payment | None = None
    refund: Refund | None = None
    stock: StockOrder | None = None


class Told(NamedTuple):
    """The event of a change, and the values that do not follow from the records."""

    kind: EventType
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed; Any: JSON values of many shapes


def changed(before: OrderRecord, after: After, told: Told, act: Act) -> Change:
    """One step of the order: next version, copies of the payment, one event, next look."""
    payment = after.payment or before.payment
    order = replace(
        after.order,
        version=before.order.version + 1,
        updated_at=act.at,
        payment_status=payment.status if payment else None,
        refunded=payment.refunded if payment else 0,
    )
    order = replace(order, watch=watch_of(order, act))
    refunds = before.with_refund(after.refund) if after.refund else before.refunds
    record = OrderRecord(order, payment, refunds)
    _check(before, record)
    event = DomainEvent(
        told.kind, order.id, order.version, act.cause, _data(before.order, record, told)
    )
    return Change(before, record, event, after.stock)


def _check(before: OrderRecord, after: OrderRecord) -> None:
    check_walk(ORDER_WALK, before.order.status, after.order.status)
    check_walk(RESERVATION_WALK, before.order.reservation, after.order.reservation)
    if before.payment and after.payment:
        check_walk(PAYMENT_WALK, before.payment.status, after.payment.status)
    for refund in before.refunds:
        now = after.refund(refund.id)
        if now is not None:
            check_walk(REFUND_WALK, refund.status, now.status)


def _data(before: Order, after: OrderRecord, told: Told) -> dict[str, Any]:
    order, payment = after.order, after.payment
    known: dict[str, Any] = {
        "order_id": order.id,
        "number": order.number,
        "user_id": order.user_id,
        "from": before.status.value,
        "to": order.status.value,
        "currency": order.currency,
        "total": order.total,
        "lines": lines_told(order),
        **({"payment_id": payment.id, "amount": payment.amount} if payment else {}),
        **told.more,
    }
    return told.kind.data(**{name: known[name] for name in told.kind.fields})


def lines_told(order: Order) -> list[dict[str, Any]]:
    """The lines as events tell of them."""
    return [
        {"variant_id": line.variant_id, "product_id": line.product_id, "quantity": line.quantity}
        for line in order.lines
    ]


def watch_of(order: Order, act: Act) -> Watch:
    """When the sweeper looks at an order that has come this far."""
    match order.status:
        case OrderStatus.PLACED:
            due_s: int | None = PLACED_DUE_S
        case OrderStatus.REVIEW if order.review is None:
            due_s = act.terms.review_timeout_s + LOOK_AGAIN_S
        case OrderStatus.PAYING if is_waiting_for_customer(order):
            due_s = act.terms.action_timeout_s + LOOK_AGAIN_S
        case OrderStatus.RESERVED | OrderStatus.REVIEW | OrderStatus.PAYING:
            due_s = LOOK_AGAIN_S
        case OrderStatus.PAID if order.cancel_requested:
            due_s = LOOK_AGAIN_S
        case _:
            due_s = None
    return Watch(act.after_s(due_s) if due_s else None, 0, order.watch.run)


def is_waiting_for_customer(order: Order) -> bool:
    """Whether only the customer can move the payment on."""
    waits = order.payment_status is PaymentStatus.REQUIRES_ACTION
    return waits and not order.cancel_requested


def reserve(before: OrderRecord, act: Act) -> Change:
    """Promise the stock of all lines (T12)."""
    order = replace(before.order, status=OrderStatus.RESERVED, reservation=ReservationStatus.HELD)
    return changed(before, After(order, stock=_stock("RESERVE", order)), Told(ORDER_RESERVED), act)


def hold(before: OrderRecord, act: Act) -> Change:
    """Let a person look at it (T13)."""
    order = replace(before.order, status=OrderStatus.REVIEW)
    return changed(before, After(order), Told(ORDER_HELD), act)


def decide(before: OrderRecord, review: Review, act: Act) -> Change:
    """Keep what the person decided (T13)."""
    order = replace(before.order, review=review)
    more = {"decision": review.decision, "by": review.by}
    return changed(before, After(order), Told(ORDER_REVIEW_DECIDED, more), act)


def begin_payment(before: OrderRecord, payment: Payment, act: Act) -> Change:
    """Open the payment before any gateway call (T14)."""
    order = replace(before.order, status=OrderStatus.PAYING, payment_id=payment.id)
    return changed(before, After(order, payment), Told(PAYMENT_STARTED), act)


def answered(
    before: OrderRecord,
    payment: Payment,
    answer: Captured | Declined | ActionRequired | Expired | None,
    act: Act,
) -> Change:
    """Keep what the gateway said; None is that it said nothing (T15)."""
    after, told = _payment_after(payment, answer, act)
    return changed(before, After(before.order, replace(after, updated_at=act.at)), told, act)


def _payment_after(
    payment: Payment, answer: Captured | Declined | ActionRequired | Expired | None, act: Act
) -> tuple[Payment, Told]:
    settled = replace(payment, action_url=None)
    match answer:
        case Captured(charge_id):
            after = replace(settled, status=PaymentStatus.CAPTURED, charge_id=charge_id)
            return after, Told(PAYMENT_CAPTURED, {"charge_id": charge_id})
        case Declined(code):
            after = replace(settled, status=PaymentStatus.DECLINED, decline_code=code)
            return after, Told(PAYMENT_DECLINED, {"decline_code": code})
        case ActionRequired(url):
            after = replace(payment, status=PaymentStatus.REQUIRES_ACTION, action_url=url)
            expires_at = act.after_s(act.terms.action_timeout_s)
            return after, Told(PAYMENT_ACTION_REQUIRED, {"expires_at": expires_at})
        case Expired():
            return replace(settled, status=PaymentStatus.EXPIRED), Told(PAYMENT_EXPIRED)
        case None:
            return replace(settled, status=PaymentStatus.UNKNOWN), Told(PAYMENT_UNCERTAIN)


def confirm(before: OrderRecord, act: Act) -> Change:
    """Sell the stock that was promised, now that the money is ours (T16)."""
    order = replace(
        before.order,
        status=OrderStatus.PAID,
        reservation=ReservationStatus.COMMITTED,
        paid_at=act.at,
    )
    return changed(before, After(order, stock=_stock("COMMIT", order)), Told(ORDER_PAID), act)


def fail(before: OrderRecord, failure: Failure, act: Act) -> Change:
    """Close the order without a sale and give its stock back (T17)."""
    order, stock = _closed(before.order, OrderStatus.FAILED, act)
    order = replace(order, failure=failure, short_of=())
    more = {
        "reason": failure.reason.value,
        "decline_code": failure.decline_code,
        "lines": lines_told(order) if stock else [],
    }
    return changed(before, After(order, stock=stock), Told(ORDER_FAILED, more), act)


def cancel_unpaid(before: OrderRecord, act: Act) -> Change:
    """Close the order at the customer's wish and give its stock back (T17, T18)."""
    order, stock = _closed(before.order, OrderStatus.CANCELLED, act)
    more = {
        "released": stock is not None,
        "returned": False,
        "lines": lines_told(order) if stock else [],
    }
    return changed(before, After(order, stock=stock), Told(ORDER_CANCELLED, more), act)


def _closed(order: Order, status: OrderStatus, act: Act) -> tuple[Order, StockOrder | None]:
    is_held = order.reservation is ReservationStatus.HELD
    reservation = ReservationStatus.RELEASED if is_held else order.reservation
    closed = replace(order, status=status, reservation=reservation, closed_at=act.at)
    return closed, _stock("RELEASE", order) if is_held else None


def request_cancel(before: OrderRecord, act: Act) -> Change:
    """Ask the workflow to cancel as soon as the gateway has answered (T19)."""
    order = replace(before.order, cancel_requested=True)
    return changed(before, After(order), Told(ORDER_CANCEL_REQUESTED), act)


def ship(before: OrderRecord, tracking: Tracking, act: Act) -> Change:
    """Hand the parcel to the carrier (T24)."""
    order = replace(before.order, status=OrderStatus.SHIPPED, tracking=tracking, shipped_at=act.at)
    more = {"carrier": tracking.carrier, "tracking_number": tracking.number}
    return changed(before, After(order), Told(ORDER_SHIPPED, more), act)


def deliver(before: OrderRecord, act: Act) -> Change:
    """The parcel has arrived (T24)."""
    order = replace(
        before.order,
        status=OrderStatus.DELIVERED,
        delivered_at=act.at,
        closed_at=act.at,
    )
    return changed(before, After(order), Told(ORDER_DELIVERED), act)


def _stock(move: StockMove, order: Order) -> StockOrder:
    return StockOrder(move, order.id)
