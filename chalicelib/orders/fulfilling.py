"""The steps of `order-fulfilment` that need no gateway: load, reserve, begin, confirm, fail."""

from functools import partial
from typing import assert_never

from chalicelib.orders import changes, refund_changes
from chalicelib.orders.changes import Act
from chalicelib.orders.records import Change, Failure, Order, OrderRecord, Payment, Refund
from chalicelib.orders.rules import (
    LOST,
    FailureReason,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
    needs_review,
)
from chalicelib.orders.service import (
    Contradiction,
    Deps,
    Outcome,
    OutOfStock,
    Superseded,
    Task,
    advance,
    found,
)

DONE = Outcome("done")


def load(task: Task, deps: Deps) -> Outcome:
    """Where the order stands: every run may start from the beginning again."""
    record = found(task.order_id, deps)
    order = record.order
    match order.status:
        case OrderStatus.PLACED:
            return Outcome("reserve")
        case OrderStatus.RESERVED:
            return _after_reserve(record, deps)
        case OrderStatus.REVIEW:
            return _load_review(order)
        case OrderStatus.PAYING:
            return _load_paying(record)
        case OrderStatus.PAID if order.cancel_requested:
            return Outcome("cancel")
        case _:
            return DONE


def _load_review(order: Order) -> Outcome:
    if order.review is None:
        return Outcome("review")
    if order.review.decision == "approve":
        return Outcome("pay")
    return Outcome("fail", FailureReason.REVIEW_REJECTED.value)


def _load_paying(record: OrderRecord) -> Outcome:
    payment = paid_with(record)
    match payment.status:
        case PaymentStatus.CREATED | PaymentStatus.UNKNOWN:
            return Outcome("resolve")
        case PaymentStatus.REQUIRES_ACTION:
            return Outcome("await")
        case PaymentStatus.DECLINED | PaymentStatus.EXPIRED:
            return Outcome("fail", loss_of(payment).value)
        case PaymentStatus.CAPTURED | PaymentStatus.PARTLY_REFUNDED | PaymentStatus.REFUNDED:
            return Outcome("confirm")
        case _:
            assert_never(payment.status)


def paid_with(record: OrderRecord) -> Payment:
    """The payment of an order that has one."""
    if record.payment is None:
        raise Contradiction(f"{record.order.id} is {record.order.status} without a payment")
    return record.payment


def loss_of(payment: Payment) -> FailureReason:
    """Why a payment will never be money."""
    is_declined = payment.status is PaymentStatus.DECLINED
    return FailureReason.PAYMENT_DECLINED if is_declined else FailureReason.ACTION_EXPIRED


def _after_reserve(record: OrderRecord, deps: Deps) -> Outcome:
    return Outcome("review" if needs_review(record.order.total, deps.terms) else "pay")


def reserve(task: Task, deps: Deps) -> Outcome:
    """Promise the stock of all lines, or of none (T12)."""
    act = deps.act(task.asker)

    def decide(record: OrderRecord) -> Change | Outcome:
        match record.order.status:
            case OrderStatus.PLACED:
                return changes.reserve(record, act)
            case OrderStatus.RESERVED:
                return _after_reserve(record, deps)
            case _:
                return DONE

    try:
        return advance(found(task.order_id, deps), decide, deps)
    except OutOfStock as shortage:
        return _short(task, shortage, deps)


def _short(task: Task, shortage: OutOfStock, deps: Deps) -> Outcome:
    """Only an order that still waits is short; which variants is kept for the customer."""
    record = found(task.order_id, deps)
    try:
        if record.order.status is OrderStatus.PLACED:
            deps.orders.note_shortage(record.order, shortage.variant_ids)
            return Outcome("out_of_stock", FailureReason.OUT_OF_STOCK.value)
    except Superseded:
        # It has left PLACED for good, so this asks only once more.
        pass
    return reserve(task, deps)


def begin_payment(task: Task, deps: Deps, provider: str) -> Outcome:
    """Open the payment before any gateway call (T14)."""
    act = deps.act(task.asker)
    payment_id = deps.ids.new("pay")

    def decide(record: OrderRecord) -> Change | Outcome:
        order = record.order
        if order.status is OrderStatus.PAYING:
            # Somebody else's payment, or our own after a lost reply: ask what became of it.
            return Outcome("pay" if order.payment_id == payment_id else "resolve")
        if not _may_be_paid(record, deps):
            return DONE
        payment = Payment(
            id=payment_id,
            order_id=order.id,
            provider=provider,
            amount=order.total,
            currency=order.currency,
            token=order.payment_token,
            status=PaymentStatus.CREATED,
            updated_at=act.at,
        )
        return changes.begin_payment(record, payment, act)

    return advance(found(task.order_id, deps), decide, deps)


def _may_be_paid(record: OrderRecord, deps: Deps) -> bool:
    order = record.order
    if order.status is OrderStatus.RESERVED:
        return not needs_review(order.total, deps.terms)
    is_approved = order.review is not None and order.review.decision == "approve"
    return order.status is OrderStatus.REVIEW and is_approved


def confirm(task: Task, deps: Deps) -> Outcome:
    """Sell the promised stock once the money is ours (T16)."""
    act = deps.act(task.asker)

    def decide(record: OrderRecord) -> Change | Outcome:
        match record.order.status:
            case OrderStatus.PAYING:
                if paid_with(record).status is not PaymentStatus.CAPTURED:
                    raise Contradiction(f"{record.order.id} is confirmed without a capture")
                return changes.confirm(record, act)
            case OrderStatus.PAID:
                return Outcome("cancel" if record.order.cancel_requested else "paid")
            case _:
                return DONE

    return advance(found(task.order_id, deps), decide, deps)


def cancel_paid(task: Task, deps: Deps) -> Outcome:
    """Start the refund of an order whose cancel was asked for while it was being paid (T20)."""
    act = deps.act(task.asker)
    refund_id = deps.ids.new("rfd")

    def decide(record: OrderRecord) -> Change | Outcome:
        order = record.order
        if order.status is not OrderStatus.PAID or not order.cancel_requested:
            return DONE
        return cancel_by_refund(record, refund_id, act) or DONE

    return advance(found(task.order_id, deps), decide, deps)


def cancel_by_refund(record: OrderRecord, refund_id: str, act: Act) -> Change | None:
    """Ask back all that no refund has asked for yet; None if nothing is left."""
    payment = paid_with(record)
    if payment.refundable <= 0:
        return None
    refund = Refund(
        id=refund_id,
        order_id=record.order.id,
        payment_id=payment.id,
        kind="cancel",
        amount=payment.refundable,
        reason="customer_request",
        by=act.cause.actor.id,
        status=RefundStatus.REQUESTED,
        requested_at=act.at,
        watch=refund_changes.first_watch(act),
    )
    return refund_changes.request(record, payment, refund, act)


def fail(task: Task, deps: Deps) -> Outcome:
    """Close the order without a sale and give its stock back (T17)."""
    decide = partial(_failed, asked=_reason(task.reason), act=deps.act(task.asker))
    return advance(found(task.order_id, deps), decide, deps)


def _reason(written: str | None) -> FailureReason:
    known = {reason.value: reason for reason in FailureReason}
    return known.get(written or "", FailureReason.SYSTEM_ERROR)


def _failed(record: OrderRecord, asked: FailureReason, act: Act) -> Change | Outcome:
    order = record.order
    match order.status:
        case OrderStatus.PLACED:
            short = order.short_of if asked is FailureReason.OUT_OF_STOCK else ()
            return changes.fail(record, Failure(asked, variant_ids=short), act)
        case OrderStatus.RESERVED if asked is not FailureReason.OUT_OF_STOCK:
            return changes.fail(record, Failure(asked), act)
        case OrderStatus.REVIEW if asked is not FailureReason.OUT_OF_STOCK:
            return _failed_review(record, asked, act)
        case OrderStatus.PAYING:
            return _failed_payment(record, act)
        case OrderStatus.FAILED | OrderStatus.CANCELLED:
            return Outcome(order.status.value.lower())
        case _:
            return DONE


def _failed_review(record: OrderRecord, asked: FailureReason, act: Act) -> Change | Outcome:
    review = record.order.review
    if review is None:
        return changes.fail(record, Failure(asked), act)
    if review.decision == "approve":
        return Outcome("approved")
    return changes.fail(record, Failure(FailureReason.REVIEW_REJECTED), act)


def _failed_payment(record: OrderRecord, act: Act) -> Change | Outcome:
    payment = paid_with(record)
    if payment.status not in LOST:
        # Money that may exist is never assumed lost.
        return Outcome("refused")
    if record.order.cancel_requested:
        return changes.cancel_unpaid(record, act)
    return changes.fail(record, Failure(loss_of(payment), payment.decline_code), act)
