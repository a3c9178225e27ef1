"""What staff do with an order: decide a review, ship, deliver, give money back."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from chalicelib.kernel.errors import Conflict
from chalicelib.kernel.idempotency import Once
from chalicelib.orders import changes, refund_changes
from chalicelib.orders.fulfilling import paid_with
from chalicelib.orders.records import (
    Change,
    Decision,
    OrderRecord,
    Refund,
    RefundReason,
    Review,
    Tracking,
)
from chalicelib.orders.rules import OrderStatus, RefundStatus
from chalicelib.orders.service import Asker, Deps, advance, asked_for


class RefundExceedsCaptured(Conflict):
    """More is asked back than was taken and not yet asked back."""

    code = "refund_exceeds_captured"
    message = "The refund is larger than what is left of the payment."


class Decided(NamedTuple):
    """What a person decided about a large order."""

    decision: Decision
    note: str | None


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """What a refund is for; the amount in minor units."""

    amount: int
    reason: RefundReason
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Refunding:
    """An order and the refund that was asked for."""

    record: OrderRecord
    refund: Refund


def decide_review(order_id: str, decided: Decided, asker: Asker, deps: Deps) -> OrderRecord:
    """Approve or reject a large order; the same decision again changes nothing."""
    act = deps.act(asker)
    review = Review(decided.decision, asker.actor.id, decided.note, act.at)

    def decide(record: OrderRecord) -> Change | OrderRecord:
        known = record.order.review
        if known is not None and known.decision == decided.decision:
            return record
        if known is not None or record.order.status is not OrderStatus.REVIEW:
            raise Conflict("The order does not wait for this decision.")
        return changes.decide(record, review, act)

    return advance(asked_for(order_id, deps), decide, deps)


def ship_order(order_id: str, tracking: Tracking, asker: Asker, deps: Deps) -> OrderRecord:
    """Hand a paid order to the carrier; the same parcel again changes nothing."""
    act = deps.act(asker)

    def decide(record: OrderRecord) -> Change | OrderRecord:
        order = record.order
        is_sent = order.status in {OrderStatus.SHIPPED, OrderStatus.DELIVERED}
        if is_sent and order.tracking == tracking:
            return record
        if order.status is not OrderStatus.PAID or order.cancel_requested:
            raise Conflict("Only a paid order that nobody cancels can be shipped.")
        return changes.ship(record, tracking, act)

    return advance(asked_for(order_id, deps), decide, deps)


def deliver_order(order_id: str, asker: Asker, deps: Deps) -> OrderRecord:
    """Note that the parcel has arrived; again changes nothing."""
    act = deps.act(asker)

    def decide(record: OrderRecord) -> Change | OrderRecord:
        match record.order.status:
            case OrderStatus.DELIVERED:
                return record
            case OrderStatus.SHIPPED:
                return changes.deliver(record, act)
            case _:
                raise Conflict("Only a shipped order can be delivered.")

    return advance(asked_for(order_id, deps), decide, deps)


def refund_order(
    order_id: str, asked: RefundAsked, once: Once, asker: Asker, deps: Deps
) -> Refunding:
    """Give part or all of the money back; at most what was taken, and once per key (T21)."""
    act = deps.act(asker)
    refund = Refund(
        id=deps.ids.new("rfd"),
        order_id=order_id,
        payment_id="",
        kind="refund",
        amount=asked.amount,
        reason=asked.reason,
        note=asked.note,
        by=asker.actor.id,
        status=RefundStatus.REQUESTED,
        requested_at=act.at,
        watch=refund_changes.first_watch(act),
    )

    def decide(record: OrderRecord) -> Change | Refunding:
        known = record.refund(refund.id)
        if known is not None:
            return Refunding(record, known)
        _check_refundable(record, asked.amount)
        payment = paid_with(record)
        named = replace(refund, payment_id=payment.id)
        change = refund_changes.request(record, payment, named, act)
        return change.joined_by(once=once, result=Refunding(change.after, named))

    return advance(asked_for(order_id, deps), decide, deps)


def _check_refundable(record: OrderRecord, amount: int) -> None:
    sold = {OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED}
    if record.order.status not in sold:
        raise Conflict(f"An order that is {record.order.status} cannot be refunded.")
    if amount > paid_with(record).refundable:
        raise RefundExceedsCaptured
