"""A payment gateway in memory."""

from collections.abc import Callable
from typing import Any

from chalicelib.orders.payments import (
    ActionRequired,
    Captured,
    ChargeRequest,
    Declined,
    Expired,
    GatewayUnknown,
    NotFound,
    RefundRequest,
    Rejected,
    Settled,
)


class FakeGateway:
    """A gateway with honest books; `lose` says for the next calls which replies are lost.

    "before": the call has no effect; "after": it has, but nobody hears of it.
    """

    def __init__(self, wish: str = "capture", refuses: str = "") -> None:
        self.wish = wish
        self.refuses = refuses
        self.charges: dict[str, Any] = {}
        self.refunds: dict[str, Any] = {}
        self.lose: list[str] = []

    def charge(self, request: ChargeRequest) -> Any:
        return self._said(lambda: self._charge(request))

    def _charge(self, request: ChargeRequest) -> Any:
        wishes = {
            "capture": Captured(f"gch_{request.payment_id}", request.amount, request.currency),
            "decline": Declined("card_declined"),
            "ask": ActionRequired("https://gateway.example/confirm"),
        }
        return self.charges.setdefault(request.payment_id, wishes[self.wish])

    def lookup(self, order_id: str, payment_id: str) -> Any:
        return self._said(lambda: self.charges.get(payment_id, NotFound()))

    def withdraw(self, order_id: str, payment_id: str) -> Any:
        return self._said(lambda: self._withdraw(payment_id))

    def _withdraw(self, payment_id: str) -> Any:
        if isinstance(self.charges.get(payment_id, ActionRequired("")), ActionRequired):
            self.charges[payment_id] = Expired()
        return self.charges[payment_id]

    def refund(self, request: RefundRequest) -> Any:
        said = Rejected(self.refuses) if self.refuses else Settled()
        return self._said(lambda: self.refunds.setdefault(request.refund_id, said))

    def lookup_refund(self, order_id: str, refund_id: str) -> Any:
        return self._said(lambda: self.refunds.get(refund_id, NotFound()))

    def confirm(self, payment_id: str, amount: int) -> None:
        """The customer confirms a charge that waits."""
        if isinstance(self.charges.get(payment_id), ActionRequired):
            self.charges[payment_id] = Captured(f"gch_{payment_id}", amount, "EUR")

    def _said(self, effect: Callable[[], Any]) -> Any:
        lost = self.lose.pop(0) if self.lose else ""
        if lost == "before":
            raise GatewayUnknown
        said = effect()
        if lost == "after":
            raise GatewayUnknown
        return said
