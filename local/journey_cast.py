"""Who plays the buyer journey, and the moves its steps are made of."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.shop import Shop

ADDRESS: Final = {
    "name": "Dana Demo",
    "line1": "1 Market Lane",
    "city": "Tangier",
    "postal_code": "90000",
    "country": "MA",
}


class Unexpected(RuntimeError):
    """A step went otherwise than the contract says."""


@dataclass(slots=True)
class Journey:
    """One run: who takes part, what they ordered, and how it is told."""

    shop: Shop
    logins: Mapping[str, Mapping[str, str]]
    started: float = field(default_factory=time.monotonic)
    buyer: Shop = field(init=False)
    staff: dict[str, Shop] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    first_order: str = ""

    def tell(self, line: str) -> None:
        """One line with the seconds since the start."""
        sys.stdout.write(f"  {time.monotonic() - self.started:6.1f} s  {line}\n")
        sys.stdout.flush()

    def member(self, role: str) -> Shop:
        """A member of staff, signed in once."""
        if role not in self.staff:
            login = self.logins[role]
            self.staff[role] = self.shop.sign_in(login["email"], login["password"])
        return self.staff[role]

    def variant(self, slug: str) -> str:
        """The first variant of a demo product."""
        if slug not in self.variants:
            product = self.shop.get(f"/products/by-slug/{slug}")
            self.variants[slug] = product["variants"][0]["id"]
        return self.variants[slug]

    def place(self, slug: str, token: str, quantity: int = 1) -> dict[str, Any]:
        """An order of the buyer; told with its id and total."""
        order: dict[str, Any] = self.buyer.post_once(
            "/orders",
            {
                "lines": [{"variant_id": self.variant(slug), "quantity": quantity}],
                "shipping_address": ADDRESS,
                "payment_token": token,
            },
            expect=202,
        )["order"]
        told = f"{order['number']} {order['status']} {money(order['total'])}"
        self.tell(f"ordered {quantity} x {slug} with {token}: {told} ({order['id']})")
        return order

    def settle(
        self, order: Mapping[str, Any], status: str, *, within_s: float = 20
    ) -> dict[str, Any]:
        """Wait until the order is in `status`; any other final state is Unexpected."""
        ended = {"FAILED", "CANCELLED", "REFUNDED", "DELIVERED", "PAID"}
        reached = self.buyer.order_in(order["id"], {status} | ended, within_s=within_s)
        if reached["status"] != status and status != "PAID":
            reached = self.buyer.order_in(order["id"], {status}, within_s=within_s)
        expect(reached["status"] == status, f"{order['id']} is {reached['status']}, not {status}")
        why = reached["failure"]["reason"] if reached["failure"] else reached["payment_status"]
        self.tell(f"{reached['number']} is {status} ({why})")
        return reached


def money(minor: int) -> str:
    """An amount for people."""
    return f"EUR {minor / 100:,.2f}"


def expect(condition: object, otherwise: str) -> None:
    """Unexpected, with this sentence, unless the condition holds."""
    if not condition:
        raise Unexpected(otherwise)


def restock(journey: Journey, slug: str, at_least: int) -> None:
    """Bring a product back to what the journey needs, so that it can be played again."""
    merchant, variant = journey.member("merchant"), journey.variant(slug)
    available = merchant.get(f"/admin/stock/{variant}")["available"]
    if available != at_least:
        reason = "receive" if available < at_least else "count"
        wish = {"delta": at_least - available, "reason": reason}
        merchant.post_once(f"/admin/stock/{variant}/adjust", wish, expect=200)
        journey.tell(f"stock of {slug}: {available} -> {at_least}")
