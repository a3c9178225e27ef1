"""Orders, payments and refunds as the wire shows them."""

from dataclasses import asdict
from typing import Any

from chalicelib.orders import schemas
from chalicelib.orders.placing import Basket, Wanted
from chalicelib.orders.records import (
    Address,
    OpenOrder,
    Order,
    Payment,
    Refund,
    StaffOrder,
    TimelineEntry,
)


def basket_of(asked: schemas.PlaceOrder) -> Basket:
    """What a request asks for."""
    return Basket(
        lines=tuple(Wanted(line.variant_id, line.quantity) for line in asked.lines),
        address=Address(**asked.shipping_address.model_dump()),
        payment_token=asked.payment_token,
        expected_total=asked.expected_total,
    )


def order_card(order: Order) -> schemas.OrderCard:
    """An order in a list."""
    return schemas.OrderCard(**_card_fields(order))


def order_view(opened: OpenOrder) -> schemas.OrderView:
    """An order for its customer."""
    review = opened.record.order.review
    shown = schemas.ReviewView(decision=review.decision, at=review.at) if review else None
    return schemas.OrderView(**_order_fields(opened), review=shown)


def staff_order_view(shown: StaffOrder) -> schemas.StaffOrderView:
    """An order for staff: with its customer, and who decided what."""
    review = shown.opened.record.order.review
    customer = schemas.CustomerView(
        id=shown.customer.id, name=shown.customer.name, email=shown.customer.email
    )
    return schemas.StaffOrderView(
        **_order_fields(shown.opened),
        review=schemas.StaffReviewView(**asdict(review)) if review else None,
        customer=customer,
    )


def refund_view(refund: Refund) -> schemas.RefundView:
    """A refund."""
    return schemas.RefundView(
        id=refund.id,
        kind=refund.kind,
        status=refund.status,
        amount=refund.amount,
        reason=refund.reason,
        requested_at=refund.requested_at,
        settled_at=refund.settled_at,
    )


def timeline_view(entry: TimelineEntry) -> schemas.TimelineEntryView:
    """One event of a timeline."""
    return schemas.TimelineEntryView(
        seq=entry.seq, type=entry.type, at=entry.at, actor=entry.actor, data=dict(entry.data)
    )


def _payment_view(payment: Payment) -> schemas.PaymentView:
    return schemas.PaymentView(
        id=payment.id,
        status=payment.status,
        amount=payment.amount,
        refunded=payment.refunded,
        currency=payment.currency,
        decline_code=payment.decline_code,
        action_url=payment.action_url,
    )


def _card_fields(order: Order) -> dict[str, Any]:  # Any: fields of many types
    return {
        "id": order.id,
        "number": order.number,
        "status": order.status,
        "payment_status": order.payment_status,
        "currency": order.currency,
        "total": order.total,
        "refunded": order.refunded,
        "item_count": order.units,
        "placed_at": order.placed_at,
        "updated_at": order.updated_at,
    }


def _order_fields(opened: OpenOrder) -> dict[str, Any]:  # Any: as above
    order, payment = opened.record.order, opened.record.payment
    failure = order.failure
    return {
        **_card_fields(order),
        "lines": [schemas.OrderLineView(**asdict(line)) for line in order.lines],
        "subtotal": order.subtotal,
        "shipping": order.shipping,
        "tax": order.tax,
        "discount": order.discount,
        "shipping_address": schemas.AddressView(**asdict(opened.address)),
        "payment": _payment_view(payment) if payment else None,
        "refunds": [refund_view(refund) for refund in opened.record.refunds],
        "cancel_requested": order.cancel_requested,
        "failure": schemas.FailureView(
            reason=failure.reason,
            decline_code=failure.decline_code,
            variant_ids=list(failure.variant_ids),
        )
        if failure
        else None,
        "tracking": schemas.TrackingView(**asdict(order.tracking)) if order.tracking else None,
        "paid_at": order.paid_at,
        "shipped_at": order.shipped_at,
        "delivered_at": order.delivered_at,
        "closed_at": order.closed_at,
        "version": order.version,
    }
