"""The payment gateway as orders see it: a port keyed by our ids, for any provider.

A timeout, a lost reply or an outage is `GatewayUnknown`, an exception and never an answer:
whoever gets it looks the charge up later and guesses nothing. A repeated key returns the first
result and does nothing.
"""

from dataclasses import dataclass
from typing import Protocol


class GatewayUnknown(Exception):
    """The gateway did not answer; the charge or refund may exist or not."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The money is ours."""

    charge_id: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The gateway refused; final for this payment."""

    code: str


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The customer must confirm at this URL."""

    action_url: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The charge was withdrawn before the customer confirmed; final."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The gateway knows no such charge or refund: it is safe to try again under the same key."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The refund is on its way to the customer."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The gateway refused the refund; final."""

    code: str


ChargeAnswer = Captured | Declined | ActionRequired | Expired
ChargeState = Captured | Declined | ActionRequired | Expired | NotFound
WithdrawAnswer = Captured | Declined | Expired
RefundAnswer = Settled | Rejected
RefundState = Settled | Rejected | NotFound


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """What to charge; `payment_id` is the gateway's idempotency key for every attempt."""

    payment_id: str
    order_id: str
    amount: int
    currency: str
    token: str


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What to give back; `refund_id` is the gateway's idempotency key for every attempt."""

    refund_id: str
    payment_id: str
    order_id: str
    amount: int


class PaymentGateway(Protocol):
    """A payment provider. Every method may raise GatewayUnknown."""

    def charge(self, request: ChargeRequest) -> ChargeAnswer:
        """Charge once per payment id."""
        ...

    def lookup(self, order_id: str, payment_id: str) -> ChargeState:
        """What became of the charge with this key."""
        ...

    def withdraw(self, order_id: str, payment_id: str) -> WithdrawAnswer:
        """End a charge unless it has been decided; one that never came can then not come."""
        ...

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back once per refund id."""
        ...

    def lookup_refund(self, order_id: str, refund_id: str) -> RefundState:
        """What became of the refund with this key."""
        ...
