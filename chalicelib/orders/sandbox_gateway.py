"""The built-in sandbox gateway: every way a payment can go, chosen by the payment token.

It keeps its own books and sends its own webhooks, like a provider would; orders reach it
through the port of `payments` alone. Domain rules, section 9.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from chalicelib.kernel.clock import Clock, instant
from chalicelib.kernel.errors import Unavailable
from chalicelib.kernel.ids import Ids, body_of
from chalicelib.orders.payments import (
    ActionRequired,
    Captured,
    ChargeAnswer,
    ChargeRequest,
    ChargeState,
    Declined,
    Expired,
    GatewayUnknown,
    NotFound,
    RefundAnswer,
    RefundRequest,
    RefundState,
    WithdrawAnswer,
)
from chalicelib.orders.sandbox_ledger import Charge, Ledger, Refund
from chalicelib.orders.sandbox_tokens import attempted, decided, refund_told

PROVIDER: Final = "sandbox"
SLOW_S: Final = 8
TRIES_MAX: Final = 5

WebhookType = Literal["charge.succeeded", "charge.failed", "refund.succeeded", "refund.failed"]


class Inbox(Protocol):
    """Where the gateway's webhooks go."""

    def deliver(self, webhook: Mapping[str, object]) -> None:
        """Hand over one webhook; Unavailable if that failed."""
        ...


@dataclass(frozen=True, slots=True)
class SandboxDeps:
    """What the sandbox needs."""

    ledger: Ledger
    inbox: Inbox
    clock: Clock
    ids: Ids
    sleep: Callable[[float], None]
    public_base_url: str


class SandboxGateway:
    """A PaymentGateway whose answers follow the payment token."""

    def __init__(self, deps: SandboxDeps) -> None:
        self._deps = deps

    def charge(self, request: ChargeRequest) -> ChargeAnswer:
        """Charge once per payment id; GatewayUnknown where the token plays a lost reply."""
        try:
            return self._charge(request)
        except Unavailable as error:
            raise GatewayUnknown from error

    def lookup(self, order_id: str, payment_id: str) -> ChargeState:
        """What became of the charge; NotFound while nothing has taken effect."""
        try:
            charge = self._deps.ledger.charge(order_id, payment_id)
        except Unavailable as error:
            raise GatewayUnknown from error
        if charge is None:
            return NotFound()
        if charge.outage:
            raise GatewayUnknown
        return NotFound() if charge.status == "none" else self._told(charge)

    def withdraw(self, order_id: str, payment_id: str) -> WithdrawAnswer:
        """End a charge that is not decided; one that never came is entered as expired."""
        try:
            return self._withdraw(order_id, payment_id)
        except Unavailable as error:
            raise GatewayUnknown from error

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """Give money back once per refund id."""
        try:
            return self._refund(request)
        except Unavailable as error:
            raise GatewayUnknown from error

    def lookup_refund(self, order_id: str, refund_id: str) -> RefundState:
        """What became of the refund."""
        try:
            refund = self._deps.ledger.refund(order_id, refund_id)
        except Unavailable as error:
            raise GatewayUnknown from error
        return NotFound() if refund is None else refund_told(refund)

    def decide(self, charge: Charge, *, is_approved: bool) -> Charge | None:
        """The customer's answer to a charge that waits for it; None if it does not wait."""
        if charge.status != "requires_action":
            return None
        code = None if is_approved else "authentication_failed"
        status: Literal["captured", "declined"] = "captured" if is_approved else "declined"
        decided = replace(charge, status=status, code=code)
        if not self._deps.ledger.move_charge(charge, decided):
            return None
        self._announce(decided)
        return decided

    def recover(self, charge: Charge) -> Charge:
        """End the outage of a charge; the next attempt under its key captures."""
        recovered = replace(charge, outage=False)
        if charge.outage and not self._deps.ledger.move_charge(charge, recovered):
            raise Unavailable
        return recovered

    def _charge(self, request: ChargeRequest) -> ChargeAnswer:
        for _ in range(TRIES_MAX):
            charge = self._deps.ledger.charge(request.order_id, request.payment_id)
            if charge is not None and charge.status != "none":
                return self._told(charge)
            tried = attempted(request, charge)
            if tried.token == "tok_slow":
                self._deps.sleep(SLOW_S)
            if not self._is_entered(charge, tried):
                continue
            return self._answered(tried)
        raise GatewayUnknown

    def _is_entered(self, before: Charge | None, after: Charge) -> bool:
        ledger = self._deps.ledger
        return ledger.open_charge(after) if before is None else ledger.move_charge(before, after)

    def _answered(self, charge: Charge) -> ChargeAnswer:
        if charge.status == "none":
            raise GatewayUnknown
        if charge.status in {"captured", "declined"}:
            self._announce(charge)
        if charge.token == "tok_timeout_then_charged":
            raise GatewayUnknown
        return self._told(charge)

    def _withdraw(self, order_id: str, payment_id: str) -> WithdrawAnswer:
        for _ in range(TRIES_MAX):
            charge = self._deps.ledger.charge(order_id, payment_id)
            if charge is None:
                unheard = ChargeRequest(payment_id, order_id, 0, "", "")
                expired = replace(attempted(unheard, None), status="expired", code=None)
            elif charge.outage:
                raise GatewayUnknown
            elif charge.status in {"none", "requires_action"}:
                expired = replace(charge, status="expired")
            else:
                told = self._told(charge)
                assert not isinstance(told, ActionRequired)  # noqa: S101 - decided above
                return told
            if self._is_entered(charge, expired):
                return Expired()
        raise GatewayUnknown

    def _refund(self, request: RefundRequest) -> RefundAnswer:
        for _ in range(TRIES_MAX):
            known = self._deps.ledger.refund(request.order_id, request.refund_id)
            if known is not None:
                return refund_told(known)
            charge = self._deps.ledger.charge(request.order_id, request.payment_id)
            refund = decided(request, charge)
            if not self._deps.ledger.open_refund(refund):
                continue
            self._announce_refund(refund, charge)
            if charge is not None and charge.token == "tok_refund_timeout":
                raise GatewayUnknown
            return refund_told(refund)
        raise GatewayUnknown

    def _told(self, charge: Charge) -> ChargeAnswer:
        match charge.status:
            case "captured":
                return Captured(charge.charge_id, charge.amount, charge.currency)
            case "declined":
                return Declined(charge.code or "card_declined")
            case "requires_action":
                path = f"/sandbox/gateway/orders/{charge.order_id}/approve"
                return ActionRequired(f"{self._deps.public_base_url}{path}")
            case "expired":
                return Expired()
            case "none":
                raise GatewayUnknown

    def _announce(self, charge: Charge) -> None:
        kind: WebhookType = "charge.succeeded" if charge.status == "captured" else "charge.failed"
        data = {
            "order_id": charge.order_id,
            "payment_id": charge.payment_id,
            "charge_id": charge.charge_id,
            "amount": charge.amount,
            "currency": charge.currency,
        }
        webhook = self._webhook(f"gwe_{body_of(charge.payment_id)}", kind, data, charge.code)
        self._deps.inbox.deliver(webhook)
        if charge.token == "tok_duplicate_webhook":
            self._deps.inbox.deliver(webhook)
            self._deps.inbox.deliver({**webhook, "id": self._deps.ids.new("gwe")})

    def _announce_refund(self, refund: Refund, charge: Charge | None) -> None:
        is_settled = refund.status == "settled"
        kind: WebhookType = "refund.succeeded" if is_settled else "refund.failed"
        data = {
            "order_id": refund.order_id,
            "payment_id": refund.payment_id,
            "charge_id": charge.charge_id if charge else "",
            "refund_id": refund.refund_id,
            "amount": refund.amount,
            "currency": charge.currency if charge else "",
        }
        event_id = f"gwe_{body_of(refund.refund_id)}"
        self._deps.inbox.deliver(self._webhook(event_id, kind, data, refund.code))

    def _webhook(
        self, event_id: str, kind: WebhookType, data: Mapping[str, object], code: str | None
    ) -> Mapping[str, object]:
        return {
            "id": event_id,
            "type": kind,
            "created_at": instant(self._deps.clock.now()),
            "data": {**data, "code": code} if code else data,
        }
