"""What each payment token makes the sandbox gateway do: pure decisions, no books."""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from chalicelib.kernel.ids import body_of
from chalicelib.orders.payments import (
    ChargeRequest,
    RefundAnswer,
    RefundRequest,
    Rejected,
    Settled,
)
from chalicelib.orders.sandbox_ledger import Charge, Refund

_DECLINES: Final = MappingProxyType(
    {"tok_decline": "card_declined", "tok_insufficient_funds": "insufficient_funds"}
)
_CAPTURING: Final = frozenset(
    {
        "tok_approve",
        "tok_duplicate_webhook",
        "tok_outage",
        "tok_refund_rejected",
        "tok_refund_timeout",
        "tok_slow",
        "tok_timeout_not_charged",
        "tok_timeout_then_charged",
    }
)


def attempted(request: ChargeRequest, before: Charge | None) -> Charge:
    """The charge as this attempt leaves it."""
    attempts = before.attempts + 1 if before else 1
    charge = Charge(
        order_id=request.order_id,
        charge_id=f"gch_{body_of(request.payment_id)}",
        payment_id=request.payment_id,
        amount=request.amount,
        currency=request.currency,
        token=request.token,
        status="captured",
        attempts=attempts,
    )
    match request.token:
        case "tok_outage" if before is None or before.outage:
            return replace(charge, status="none", outage=True)
        case "tok_timeout_not_charged" if before is None:
            return replace(charge, status="none")
        case "tok_requires_action":
            return replace(charge, status="requires_action")
        case token if token in _CAPTURING:
            return charge
        case token:
            return replace(charge, status="declined", code=_DECLINES.get(token, "invalid_token"))


def decided(request: RefundRequest, charge: Charge | None) -> Refund:
    """The refund as the gateway decides it."""
    code = _refusal(request, charge)
    return Refund(
        order_id=request.order_id,
        refund_id=request.refund_id,
        payment_id=request.payment_id,
        amount=request.amount,
        status="rejected" if code else "settled",
        attempts=1,
        code=code,
    )


def refund_told(refund: Refund) -> RefundAnswer:
    """What the gateway says of a refund in its books."""
    return Settled() if refund.status == "settled" else Rejected(refund.code or "refused")


def _refusal(request: RefundRequest, charge: Charge | None) -> str | None:
    if charge is None or charge.status != "captured":
        return "charge_not_captured"
    if charge.token == "tok_refund_rejected":
        return "refund_not_allowed"
    if charge.refunded + request.amount > charge.amount:
        return "amount_exceeds_charge"
    return None
