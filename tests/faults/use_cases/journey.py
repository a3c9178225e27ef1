"""How a use case is written: what people do, step by step, and how the order must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.harness.clients import ClientModel, ClientSession, Reply, Request
from tests.faults.harness.rows import read_books
from tests.faults.harness.world import World
from tests.faults.use_cases.shop import CORE, FRONT, STAGE

ADDRESS = {
    "name": "Amina Test",
    "line1": "Rue 1",
    "city": "Fes",
    "postal_code": "30000",
    "country": "MA",
}
SOON_S = 60
WAITS_S = 800


@dataclass(slots=True)
class Visit:
    """What people do in one run."""

    session: ClientSession
    orders: list[str] = field(default_factory=list)

    # --- the customer --------------------------------------------------------------------------
    def place(self, variant: str, token: str = "tok_approve", *, quantity: int = 1) -> str | None:
        """Order; the order's id if the shop has acknowledged it."""
        body = {
            "lines": [{"variant_id": FRONT.variants[variant], "quantity": quantity}],
            "shipping_address": ADDRESS,
            "payment_token": token,
        }
        key = f"place-{len(self.orders):04d}"
        reply = self.session.send(Request("POST", "/orders", body, FRONT.customer, key))
        if not reply.is_accepted:
            return None
        self.orders.append(reply.body["order"]["id"])
        return self.orders[-1]

    def cancel(self, order_id: str) -> Reply:
        """Cancel as the customer."""
        return self.session.send(
            Request("POST", f"/orders/{order_id}/cancel", None, FRONT.customer)
        )

    # --- staff and outside parties ---------------------------------------------------------------
    def staff(self, path: str, body: Any = None, *, key: str | None = None) -> Reply:
        """A staff member's change."""
        return self.session.send(Request("POST", f"/admin{path}", body, FRONT.staff, key))

    def gateway(self, order_id: str, decision: str) -> Reply:
        """The customer answers at the gateway."""
        return self.session.send(Request("POST", f"/sandbox/gateway/orders/{order_id}/{decision}"))

    # --- the world -------------------------------------------------------------------------------
    def wait(self, seconds: float = SOON_S) -> None:
        """Let the shop work for a while."""
        self.session.world.drain(seconds)

    def hold(self, *queues: str) -> None:
        """Leave these queues alone from now on; without any, the workflows."""
        world = self.session.world
        world.deliveries.held.update(f"souk-{STAGE}-{queue}" for queue in queues)
        world.workflows.is_held |= not queues

    def finish(self) -> None:
        """Let the shop work until nothing is left to do."""
        self.session.world.drain()

    def order(self, order_id: str) -> dict[str, Any]:
        """The raw row of an order."""
        found = read_books(self.session.world.substrate.rows(CORE)).orders
        return found[order_id]


@dataclass(frozen=True, slots=True)
class Journey:
    """One use case: its steps, and the states in which its orders may end."""

    name: str
    steps: Callable[[Visit], None]
    ends: frozenset[str]
    reason: str | None = None
    check: Callable[[World, ClientSession], list[str]] | None = None
    within_s: float = 60
    prepare: Callable[[Visit], None] | None = None

    def set_up(self, world: World) -> None:
        """Steps that are not under test, run without faults."""
        if self.prepare is not None:
            self.prepare(Visit(FRONT.session(world, ClientModel.RETRIES)))
            world.drain()
            # What was prepared is older than what is under test.
            world.clock.advance(1)

    def play(self, session: ClientSession) -> None:
        """The steps under test."""
        self.steps(Visit(session))

    def expected(self, session: ClientSession) -> list[str]:
        """Every order ends as the use case says, for the reason it says."""
        world = session.world
        found = []
        took_s = world.clock.now() - session.started_s
        if world.is_undisturbed and took_s > self.within_s:
            found.append(f"I7 took {took_s:.0f} s, not {self.within_s:.0f}")
        for order_id, order in self._orders(session).items():
            reason = order.get("failure", {}).get("reason")
            if order["status"] not in self.ends:
                found.append(f"ends {order_id}: {order['status']} ({reason})")
            elif order["status"] == "FAILED" and self.reason not in {None, reason}:
                found.append(f"ends {order_id}: failed for {reason}, not {self.reason}")
        return found + (self.check(world, session) if self.check else [])

    def _orders(self, session: ClientSession) -> dict[str, dict[str, Any]]:
        """The orders whose end is promised: none if somebody gave up before an answer came."""
        gave_up = any(not exchange.reply.is_final for exchange in session.history)
        if gave_up and session.model is ClientModel.GIVES_UP:
            return {}
        return read_books(session.world.substrate.rows(CORE)).orders


def ending_of(world: World, _session: ClientSession, allowed: frozenset[str]) -> list[str]:
    """Orders that ended where they may not."""
    orders = read_books(world.substrate.rows(CORE)).orders
    return [
        f"ends {order_id}: {order['status']}"
        for order_id, order in orders.items()
        if order["status"] not in allowed
    ]


def ends(*statuses: str) -> frozenset[str]:
    """The states in which the orders of a use case may end."""
    return frozenset(statuses)
