"""The state machines of order, reservation, payment and refund, and the sums of an order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from chalicelib.kernel.money import Minor, total_of


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLACED = "PLACED"
    RESERVED = "RESERVED"
    REVIEW = "REVIEW"
    PAYING = "PAYING"
    PAID = "PAID"
    CANCELLING = "CANCELLING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


class Group(StrEnum):
    """What a state means for stock and money."""

    PLACED = "placed"
    HOLDING = "holding"
    PAYING = "paying"
    SOLD = "sold"
    ENDED = "ended"


class ReservationStatus(StrEnum):
    """What became of the stock that an order wants."""

    NONE = "NONE"
    HELD = "HELD"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    RETURNED = "RETURNED"


class PaymentStatus(StrEnum):
    """What we know of a payment."""

    CREATED = "CREATED"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    UNKNOWN = "UNKNOWN"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"


class RefundStatus(StrEnum):
    """What we know of a refund."""

    REQUESTED = "REQUESTED"
    UNKNOWN = "UNKNOWN"
    SETTLED = "SETTLED"
    FAILED = "FAILED"


class FailureReason(StrEnum):
    """Why an order failed."""

    OUT_OF_STOCK = "out_of_stock"
    PAYMENT_DECLINED = "payment_declined"
    ACTION_EXPIRED = "action_expired"
    REVIEW_REJECTED = "review_rejected"
    REVIEW_EXPIRED = "review_expired"
    SYSTEM_ERROR = "system_error"


_O, _P, _R, _S = OrderStatus, PaymentStatus, RefundStatus, ReservationStatus
State = TypeVar("State", bound=StrEnum)

GROUPS: Final[Mapping[OrderStatus, Group]] = MappingProxyType(
    {
        _O.PLACED: Group.PLACED,
        _O.RESERVED: Group.HOLDING,
        _O.REVIEW: Group.HOLDING,
        _O.PAYING: Group.PAYING,
        _O.PAID: Group.SOLD,
        # The money is still ours and the goods are not back until the refund has settled.
        _O.CANCELLING: Group.SOLD,
        _O.SHIPPED: Group.SOLD,
        _O.DELIVERED: Group.SOLD,
        _O.FAILED: Group.ENDED,
        _O.CANCELLED: Group.ENDED,
        _O.REFUNDED: Group.ENDED,
    }
)

ORDER_WALK: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = MappingProxyType(
    {
        _O.PLACED: frozenset({_O.RESERVED, _O.CANCELLED, _O.FAILED}),
        _O.RESERVED: frozenset({_O.REVIEW, _O.PAYING, _O.CANCELLED, _O.FAILED}),
        _O.REVIEW: frozenset({_O.PAYING, _O.CANCELLED, _O.FAILED}),
        _O.PAYING: frozenset({_O.PAID, _O.FAILED, _O.CANCELLED}),
        _O.PAID: frozenset({_O.SHIPPED, _O.CANCELLING, _O.REFUNDED}),
        _O.CANCELLING: frozenset({_O.CANCELLED, _O.PAID}),
        _O.SHIPPED: frozenset({_O.DELIVERED, _O.REFUNDED}),
        _O.DELIVERED: frozenset({_O.REFUNDED}),
        _O.FAILED: frozenset(),
        _O.CANCELLED: frozenset(),
        _O.REFUNDED: frozenset(),
    }
)

RESERVATION_WALK: Final[Mapping[ReservationStatus, frozenset[ReservationStatus]]] = (
    MappingProxyType(
        {
            _S.NONE: frozenset({_S.HELD}),
            _S.HELD: frozenset({_S.COMMITTED, _S.RELEASED}),
            _S.COMMITTED: frozenset({_S.RETURNED}),
            _S.RELEASED: frozenset(),
            _S.RETURNED: frozenset(),
        }
    )
)

PAYMENT_WALK: Final[Mapping[PaymentStatus, frozenset[PaymentStatus]]] = MappingProxyType(
    {
        _P.CREATED: frozenset({_P.CAPTURED, _P.DECLINED, _P.REQUIRES_ACTION, _P.UNKNOWN}),
        _P.REQUIRES_ACTION: frozenset({_P.CAPTURED, _P.DECLINED, _P.EXPIRED, _P.UNKNOWN}),
        _P.UNKNOWN: frozenset({_P.CAPTURED, _P.DECLINED, _P.REQUIRES_ACTION, _P.EXPIRED}),
        _P.CAPTURED: frozenset({_P.PARTLY_REFUNDED, _P.REFUNDED}),
        _P.PARTLY_REFUNDED: frozenset({_P.REFUNDED}),
        _P.DECLINED: frozenset(),
        _P.EXPIRED: frozenset(),
        _P.REFUNDED: frozenset(),
    }
)

REFUND_WALK: Final[Mapping[RefundStatus, frozenset[RefundStatus]]] = MappingProxyType(
    {
        _R.REQUESTED: frozenset({_R.SETTLED, _R.FAILED, _R.UNKNOWN}),
        _R.UNKNOWN: frozenset({_R.SETTLED, _R.FAILED}),
        _R.SETTLED: frozenset(),
        _R.FAILED: frozenset(),
    }
)

CLOSED: Final = frozenset({_O.DELIVERED, _O.FAILED, _O.CANCELLED, _O.REFUNDED})
"""States whose lists are kept by month."""

FINAL: Final = frozenset(status for status, nexts in ORDER_WALK.items() if not nexts)
HELD_IN: Final = frozenset({_O.RESERVED, _O.REVIEW, _O.PAYING})
UNDECIDED: Final = frozenset({_P.CREATED, _P.REQUIRES_ACTION, _P.UNKNOWN})
TAKEN: Final = frozenset({_P.CAPTURED, _P.PARTLY_REFUNDED, _P.REFUNDED})
"""Payments whose money reached us."""
LOST: Final = frozenset({_P.DECLINED, _P.EXPIRED})
"""Payments that will never be money."""
OPEN_REFUNDS: Final = frozenset({_R.REQUESTED, _R.UNKNOWN})


def may_become(walk: Mapping[State, frozenset[State]], before: State, after: State) -> bool:
    """Whether a record may go from one state to the other; staying is always allowed."""
    return before == after or after in walk[before]


class WalkLeft(AssertionError):
    """A change that the state machine does not have: a fault of ours, nothing is written."""


def check_walk(walk: Mapping[State, frozenset[State]], before: State, after: State) -> None:
    """WalkLeft unless the state machine has this transition."""
    if not may_become(walk, before, after):
        raise WalkLeft(f"{before} to {after}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the shop has decided: money in minor units, waits in seconds."""

    currency: str
    shipping_fee: int
    free_shipping_from: int
    review_above: int
    review_timeout_s: int
    action_timeout_s: int


class Totals(NamedTuple):
    """The sums of an order; prices include tax."""

    subtotal: Minor
    shipping: Minor
    tax: Minor
    discount: Minor
    total: Minor


def totals(line_totals: Iterable[int], terms: Terms) -> Totals:
    """The sums of an order's lines; shipping is free from a subtotal on."""
    subtotal = total_of(*line_totals)
    shipping = Minor(0 if subtotal >= terms.free_shipping_from else terms.shipping_fee)
    tax, discount = Minor(0), Minor(0)
    total = Minor(subtotal + shipping + tax - discount)
    return Totals(subtotal, shipping, tax, discount, total)


def line_total(unit_price: int, quantity: int) -> Minor:
    """The price of a line."""
    return Minor(unit_price * quantity)


def needs_review(total: int, terms: Terms) -> bool:
    """Whether a person looks at an order before it is paid."""
    return total > terms.review_above
