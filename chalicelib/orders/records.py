"""Order, payment and refund as the slice sees them, and a change of them as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from chalicelib.kernel.domain_events import ActorType, DomainEvent
from chalicelib.kernel.idempotency import Once
from chalicelib.orders.rules import (
    FailureReason,
    OrderStatus,
    PaymentStatus,
    RefundStatus,
    ReservationStatus,
)

Decision = Literal["approve", "reject"]
RefundKind = Literal["cancel", "refund"]
RefundReason = Literal["customer_request", "damaged", "lost", "goodwill", "other"]
StockMove = Literal["RESERVE", "RELEASE", "COMMIT", "RETURN"]
Wait = Literal["review", "action"]
LOCATION = "main"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """So many units of one variant, at the price of the day; amounts in minor units."""

    variant_id: str
    product_id: str
    sku: str
    title: str
    variant_title: str
    quantity: int
    unit_price: int
    line_total: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where the parcel goes; personal data, sealed at rest."""

    name: str
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str
    country: str
    phone: str | None


@dataclass(frozen=True, slots=True)
class Review:
    """What a person decided about a large order."""

    decision: Decision
    by: str
    note: str | None
    at: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an order failed; the variants it was short of, if that was the reason."""

    reason: FailureReason
    decline_code: str | None = None
    variant_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tracking:
    """The parcel."""

    carrier: str
    number: str


@dataclass(frozen=True, slots=True)
class Watch:
    """When the sweeper looks at a record, how often it has, and the last run it started."""

    due_at: str | None = None
    looks: int = 0
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order; amounts in minor units. The address stays sealed until a person reads it."""

    id: str
    number: str
    user_id: str
    status: OrderStatus
    reservation: ReservationStatus
    currency: str
    lines: tuple[OrderLine, ...]
    subtotal: int
    shipping: int
    tax: int
    discount: int
    total: int
    sealed_address: str
    payment_token: str
    correlation_id: str
    placed_at: str
    updated_at: str
    version: int = 1
    payment_id: str | None = None
    payment_status: PaymentStatus | None = None
    refunded: int = 0
    refund_id: str | None = None
    cancel_requested: bool = False
    review: Review | None = None
    failure: Failure | None = None
    tracking: Tracking | None = None
    paid_at: str | None = None
    shipped_at: str | None = None
    delivered_at: str | None = None
    closed_at: str | None = None
    short_of: tuple[str, ...] = ()
    watch: Watch = Watch()

    @property
    def units(self) -> int:
        """How many pieces were ordered."""
        return sum(line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment; its id is the gateway's idempotency key."""

    id: str
    order_id: str
    provider: str
    amount: int
    currency: str
    token: str
    status: PaymentStatus
    updated_at: str
    charge_id: str | None = None
    decline_code: str | None = None
    action_url: str | None = None
    refund_requested: int = 0
    refunded: int = 0
    resolve_run: str | None = None
    resolve_attempts: int = 0

    @property
    def refundable(self) -> int:
        """What no refund has asked for yet."""
        return self.amount - self.refund_requested


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back; its id is the gateway's idempotency key."""

    id: str
    order_id: str
    payment_id: str
    kind: RefundKind
    amount: int
    reason: RefundReason
    by: str
    status: RefundStatus
    requested_at: str
    note: str | None = None
    settled_at: str | None = None
    resolve_run: str | None = None
    resolve_attempts: int = 0
    watch: Watch = Watch()


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order with its payment and its refunds, as read together."""

    order: Order
    payment: Payment | None = None
    refunds: tuple[Refund, ...] = ()

    def refund(self, refund_id: str) -> Refund | None:
        """The refund with this id, if it is one of the order's."""
        return next((refund for refund in self.refunds if refund.id == refund_id), None)

    def with_refund(self, refund: Refund) -> tuple[Refund, ...]:
        """The refunds with this one put in its place, or added."""
        others = tuple(known for known in self.refunds if known.id != refund.id)
        return tuple(sorted((*others, refund), key=lambda known: known.id))


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order with its address opened, as its customer may see it."""

    record: OrderRecord
    address: Address


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose order it is, for staff only; the address is masked."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class StaffOrder:
    """An order as staff may see it."""

    opened: OpenOrder
    customer: Customer


@dataclass(frozen=True, slots=True)
class WaitToken:
    """The token of a waiting workflow; of two the later entry and retry is the one that waits."""

    wait: Wait
    token: str
    execution: str
    entered_at: str
    retry_count: int


@dataclass(frozen=True, slots=True)
class StockOrder:
    """What a change does to the stock of the order's lines, and which record caused it."""

    move: StockMove
    ref: str


@dataclass(frozen=True, slots=True)
class Change:
    """One transaction: the record before and after, its one event, and what joins it.

    `seen` is the id of the outside message it answers, `once` the idempotency key with the
    result that its reply is made of.
    """

    before: OrderRecord
    after: OrderRecord
    event: DomainEvent
    stock: StockOrder | None = None
    token: WaitToken | None = None
    seen: str | None = None
    once: Once | None = None
    result: object = None

    def joined_by(self, **others: object) -> "Change":
        """The same change with a token, a seen message or an idempotency key."""
        return replace(self, **others)  # type: ignore[arg-type]  # the fields' own types


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event of an order as people may see it."""

    seq: int
    type: str
    at: str
    actor: ActorType
    data: Mapping[str, object] = field(default_factory=dict)
