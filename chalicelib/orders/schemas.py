"""Wire models of orders, payments and refunds (domain rules 4.1 and 4.5)."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from chalicelib.orders.rules import FailureReason, OrderStatus, PaymentStatus, RefundStatus
from chalicelib.wire.models import (
    LEFT_OUT_NOT_NULL,
    AddressFields,
    Amount,
    Month,
    PageParameters,
    Request,
    View,
    line,
)

PaymentToken = Annotated[str, StringConstraints(pattern=r"^tok_[a-z0-9_]{2,40}$")]
VariantId = Annotated[str, StringConstraints(pattern=r"^var_[0-9A-HJKMNP-TV-Z]{26}$")]
Reason = Literal["customer_request", "damaged", "lost", "goodwill", "other"]


# Fields that may be left out, and are not null if they are there.
Expected = Annotated[Amount | None, LEFT_OUT_NOT_NULL]
Note = Annotated[Annotated[str, line(0, 200)] | None, LEFT_OUT_NOT_NULL]


class WantedLine(Request):
    """So many units of one variant."""

    variant_id: VariantId
    quantity: Annotated[int, Field(ge=1, le=99)]


class PlaceOrder(Request):
    """What a customer orders; prices are the server's."""

    lines: Annotated[list[WantedLine], Field(min_length=1, max_length=25)]
    shipping_address: AddressFields
    payment_token: PaymentToken
    expected_total: Expected = None


class DecideReview(Request):
    """What a person decides about a large order."""

    decision: Literal["approve", "reject"]
    note: Note = None


class ShipOrder(Request):
    """The parcel."""

    carrier: Annotated[str, line(1, 40)]
    tracking_number: Annotated[str, line(1, 64)]


class RefundOrder(Request):
    """How much goes back, and why; minor units."""

    amount: Annotated[int, Field(ge=1, le=99_999_999_999)]
    reason: Reason
    note: Note = None


class OrdersByStatus(PageParameters):
    """Which orders staff look at; the month matters for closed ones only."""

    status: OrderStatus
    month: Month | None = None


class OrderLineView(View):
    """One line of an order."""

    variant_id: str
    product_id: str
    sku: str
    title: str
    variant_title: str
    quantity: int
    unit_price: int
    line_total: int


class AddressView(View):
    """Where the parcel goes."""

    name: str
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str
    country: str
    phone: str | None


class PaymentView(View):
    """The payment of an order."""

    id: str
    status: PaymentStatus
    amount: int
    refunded: int
    currency: str
    decline_code: str | None
    action_url: str | None


class RefundView(View):
    """One refund of an order."""

    id: str
    kind: Literal["cancel", "refund"]
    status: RefundStatus
    amount: int
    reason: Reason
    requested_at: str
    settled_at: str | None


class ReviewView(View):
    """What was decided about a large order."""

    decision: Literal["approve", "reject"]
    at: str


class StaffReviewView(ReviewView):
    """The same with what only staff see."""

    by: str
    note: str | None


class FailureView(View):
    """Why an order failed."""

    reason: FailureReason
    decline_code: str | None
    variant_ids: list[str]


class TrackingView(View):
    """The parcel."""

    carrier: str
    number: str


class CustomerView(View):
    """Whose order it is, as staff see it."""

    id: str
    name: str
    email: str


class OrderCard(View):
    """An order in a list."""

    id: str
    number: str
    status: OrderStatus
    payment_status: PaymentStatus | None
    currency: str
    total: int
    refunded: int
    item_count: int
    placed_at: str
    updated_at: str


class OrderView(OrderCard):
    """An order."""

    lines: list[OrderLineView]
    subtotal: int
    shipping: int
    tax: int
    discount: int
    shipping_address: AddressView
    payment: PaymentView | None
    refunds: list[RefundView]
    cancel_requested: bool
    review: ReviewView | None
    failure: FailureView | None
    tracking: TrackingView | None
    paid_at: str | None
    shipped_at: str | None
    delivered_at: str | None
    closed_at: str | None
    version: int


class StaffOrderView(OrderView):
    """An order as staff see it."""

    review: StaffReviewView | None
    customer: CustomerView


class OrderReply(View):
    """One order."""

    order: OrderView


class StaffOrderReply(View):
    """One order, for staff."""

    order: StaffOrderView


class RefundReply(View):
    """A refund and its order."""

    refund: RefundView
    order: StaffOrderView


class OrderPage(View):
    """One page of orders."""

    items: list[OrderCard]
    next: str | None


class TimelineEntryView(View):
    """One event of an order."""

    seq: int
    type: str
    at: str
    actor: Literal["customer", "staff", "system"]
    data: dict[str, Any]  # Any: each event type has its own fields


class TimelinePage(View):
    """One page of a timeline, oldest first."""

    items: list[TimelineEntryView]
    next: str | None
