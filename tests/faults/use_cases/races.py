"""Who may collide with whom on the order path."""

from __future__ import annotations

from functools import partial

from tests.faults.harness.clients import ClientSession, Exchange, Request
from tests.faults.harness.races import Race, Side
from tests.faults.harness.world import World
from tests.faults.use_cases.journey import ADDRESS, SOON_S, Visit, ending_of, ends
from tests.faults.use_cases.shop import FRONT, STAGE

ACTION_TIMEOUT_S = 605
SIGNALS, INBOX = "order-signals", "payments-inbox"


def sending(visit: Visit, request: Request) -> Side:
    """One request, sent once; its reply goes into the history."""

    def send() -> None:
        if FRONT.door is None:
            raise RuntimeError("the shop is not open")
        reply = FRONT.door.send(request)
        visit.session.history.append(Exchange(request, reply, visit.session.world.clock.now()))

    return send


def cancelling(visit: Visit, order_id: str) -> Side:
    """The customer cancels."""
    return sending(visit, Request("POST", f"/orders/{order_id}/cancel", None, FRONT.customer))


def staff_asks(visit: Visit, path: str, body: object, key: str | None = None) -> Side:
    """Staff change something."""
    return sending(visit, Request("POST", f"/admin{path}", body, FRONT.staff, key))


def delivering(visit: Visit, queue: str) -> Side:
    """A held queue is read."""
    return partial(visit.session.world.deliveries.deliver_from, f"souk-{STAGE}-{queue}")


def sweeping(visit: Visit) -> Side:
    """The sweeper's minute."""
    return partial(visit.session.world.fire, "sweeper")


def fulfilling(visit: Visit, order_id: str) -> Side:
    """The workflow goes on."""
    return partial(visit.session.world.workflows.run_one, order_id)


def placed(visit: Visit, variant: str = "lamp", token: str = "tok_approve") -> str:
    """An acknowledged order."""
    order_id = visit.place(variant, token)
    if order_id is None:
        raise RuntimeError("not placed")
    return order_id


def waiting(visit: Visit, variant: str, token: str) -> str:
    """An order that waits for somebody."""
    order_id = placed(visit, variant, token)
    visit.wait()
    return order_id


def cancel_fulfil(session: ClientSession) -> tuple[Side, Side]:
    """Cancelled while the workflow runs from its start to its end."""
    visit = Visit(session)
    visit.hold()
    order_id = waiting(visit, "lamp", "tok_approve")
    return cancelling(visit, order_id), fulfilling(visit, order_id)


def cancel_webhook(session: ClientSession) -> tuple[Side, Side]:
    """Cancelled while the gateway tells of the capture."""
    visit = Visit(session)
    order_id = waiting(visit, "lamp", "tok_requires_action")
    visit.hold(INBOX)
    visit.gateway(order_id, "approve")
    session.world.clock.advance(1)
    return cancelling(visit, order_id), delivering(visit, INBOX)


def expire_webhook(session: ClientSession) -> tuple[Side, Side]:
    """The wait ends while the gateway tells of the capture."""
    visit = Visit(session)
    order_id = waiting(visit, "lamp", "tok_requires_action")
    visit.hold(INBOX)
    visit.gateway(order_id, "approve")
    session.world.clock.advance(ACTION_TIMEOUT_S)
    return fulfilling(visit, order_id), delivering(visit, INBOX)


def expire_approve(session: ClientSession) -> tuple[Side, Side]:
    """The wait ends while the customer approves at the gateway."""
    visit = Visit(session)
    order_id = waiting(visit, "lamp", "tok_requires_action")
    session.world.clock.advance(ACTION_TIMEOUT_S)
    approve = Request("POST", f"/sandbox/gateway/orders/{order_id}/approve")
    return fulfilling(visit, order_id), sending(visit, approve)


def await_answer(session: ClientSession) -> tuple[Side, Side]:
    """The customer has answered before the workflow begins to wait."""
    visit = Visit(session)
    visit.hold()
    order_id = waiting(visit, "lamp", "tok_requires_action")
    visit.hold(INBOX, SIGNALS)

    def answer() -> None:
        visit.gateway(order_id, "approve")
        for queue in (INBOX, SIGNALS):
            session.world.clock.advance(1)
            session.world.deliveries.deliver_from(f"souk-{STAGE}-{queue}")
            session.world.deliveries.relay_once()

    return fulfilling(visit, order_id), answer


def ending_soon(world: World, session: ClientSession, allowed: frozenset[str]) -> list[str]:
    """As `ending_of`, and nothing waited for a time-out or the sweeper."""
    took_s = world.clock.now() - session.started_s
    asked = [e for e in session.history if "/gateway/" in e.request.path]
    # Without an answer the wait for the customer runs its full length.
    is_quick = not asked or any(e.reply.is_accepted for e in asked)
    late = is_quick and took_s > SOON_S * 4
    return ending_of(world, session, allowed) + ([f"I7 took {took_s:.0f} s"] if late else [])


def webhook_fulfil(session: ClientSession) -> tuple[Side, Side]:
    """The webhook of a capture overtakes the workflow that made it."""
    visit = Visit(session)
    visit.hold(SIGNALS, INBOX)
    order_id = waiting(visit, "lamp", "tok_requires_action")
    session.world.workflows.is_held = True
    visit.session.world.deliveries.deliver_from(f"souk-{STAGE}-{SIGNALS}")
    session.world.workflows.run_one(order_id)
    visit.gateway(order_id, "approve")
    session.world.clock.advance(ACTION_TIMEOUT_S)
    return delivering(visit, INBOX), fulfilling(visit, order_id)


def sweep_signal(session: ClientSession) -> tuple[Side, Side]:
    """The sweeper finds an order whose start is only late."""
    visit = Visit(session)
    visit.hold(SIGNALS)
    waiting(visit, "lamp", "tok_approve")
    session.world.clock.advance(150)
    return sweeping(visit), delivering(visit, SIGNALS)


def sweep_fulfil(session: ClientSession) -> tuple[Side, Side]:
    """The sweeper looks at an order whose workflow is slow."""
    visit = Visit(session)
    visit.hold()
    order_id = waiting(visit, "lamp", "tok_approve")
    session.world.clock.advance(150)
    return sweeping(visit), fulfilling(visit, order_id)


def sweep_cancel(session: ClientSession) -> tuple[Side, Side]:
    """The sweeper finds an order that is being cancelled."""
    visit = Visit(session)
    visit.hold(SIGNALS)
    order_id = waiting(visit, "lamp", "tok_approve")
    session.world.clock.advance(150)
    return sweeping(visit), cancelling(visit, order_id)


def review_cancel(session: ClientSession) -> tuple[Side, Side]:
    """Approved and cancelled at once."""
    visit = Visit(session)
    order_id = waiting(visit, "rug", "tok_approve")
    approve = staff_asks(visit, f"/orders/{order_id}/review", {"decision": "approve"})
    return approve, cancelling(visit, order_id)


def review_expire(session: ClientSession) -> tuple[Side, Side]:
    """Approved just when nobody was expected to answer any more."""
    visit = Visit(session)
    order_id = waiting(visit, "rug", "tok_approve")
    session.world.clock.advance(ACTION_TIMEOUT_S)
    approve = staff_asks(visit, f"/orders/{order_id}/review", {"decision": "approve"})
    return approve, fulfilling(visit, order_id)


def last_unit(session: ClientSession) -> tuple[Side, Side]:
    """Two workflows want the last unit."""
    visit = Visit(session)
    visit.hold()
    first, second = placed(visit, "candle"), placed(visit, "candle")
    visit.wait()
    return fulfilling(visit, first), fulfilling(visit, second)


def adjust_fulfil(session: ClientSession) -> tuple[Side, Side]:
    """The last unit breaks while it is sold."""
    visit = Visit(session)
    visit.hold()
    order_id = waiting(visit, "candle", "tok_approve")
    path = f"/stock/{FRONT.variants['candle']}/adjust"
    broken = staff_asks(visit, path, {"delta": -1, "reason": "damage"}, "adjust-0001")
    return broken, fulfilling(visit, order_id)


def refund_refund(session: ClientSession) -> tuple[Side, Side]:
    """Two refunds that together are more than was paid."""
    visit = Visit(session)
    path = f"/orders/{waiting(visit, 'lamp', 'tok_approve')}/refunds"
    asked = {"amount": 3000, "reason": "goodwill"}
    first = staff_asks(visit, path, asked, "refund-0001")
    return first, staff_asks(visit, path, asked, "refund-0002")


def refund_cancel(session: ClientSession) -> tuple[Side, Side]:
    """Staff refund a part while the customer cancels."""
    visit = Visit(session)
    order_id = waiting(visit, "lamp", "tok_approve")
    asked = {"amount": 1000, "reason": "goodwill"}
    part = staff_asks(visit, f"/orders/{order_id}/refunds", asked, "refund-0001")
    return part, cancelling(visit, order_id)


def ship_cancel(session: ClientSession) -> tuple[Side, Side]:
    """The parcel leaves while the customer cancels."""
    visit = Visit(session)
    order_id = waiting(visit, "lamp", "tok_approve")
    parcel = {"carrier": "Post", "tracking_number": "T1"}
    ship = staff_asks(visit, f"/orders/{order_id}/ship", parcel)
    return ship, cancelling(visit, order_id)


def cancel_cancel(session: ClientSession) -> tuple[Side, Side]:
    """Cancelled twice at once."""
    visit = Visit(session)
    order_id = waiting(visit, "lamp", "tok_approve")
    return cancelling(visit, order_id), cancelling(visit, order_id)


def place_place(session: ClientSession) -> tuple[Side, Side]:
    """The same order with the same key, twice at once."""
    visit = Visit(session)
    body = {
        "lines": [{"variant_id": FRONT.variants["lamp"], "quantity": 1}],
        "shipping_address": ADDRESS,
        "payment_token": "tok_approve",
    }
    request = Request("POST", "/orders", body, FRONT.customer, "place-0001")
    return sending(visit, request), sending(visit, request)


QUICK = {"await x answer", "cancel x fulfil", "cancel x webhook"}
RACES: dict[str, Race] = {
    name: Race(name, ready, statuses, ending_soon if name in QUICK else ending_of)
    for name, ready, statuses in (
        ("cancel x fulfil", cancel_fulfil, ends("CANCELLED")),
        ("cancel x webhook", cancel_webhook, ends("CANCELLED")),
        ("expire x webhook", expire_webhook, ends("PAID")),
        ("expire x approve", expire_approve, ends("PAID", "FAILED")),
        ("webhook x fulfil", webhook_fulfil, ends("PAID")),
        ("await x answer", await_answer, ends("PAID", "FAILED")),
        ("sweep x signal", sweep_signal, ends("PAID")),
        ("sweep x fulfil", sweep_fulfil, ends("PAID")),
        ("sweep x cancel", sweep_cancel, ends("CANCELLED")),
        ("review x cancel", review_cancel, ends("CANCELLED", "PAID")),
        ("review x expire", review_expire, ends("PAID", "FAILED")),
        ("fulfil x fulfil, last unit", last_unit, ends("PAID", "FAILED")),
        ("adjust x fulfil, last unit", adjust_fulfil, ends("PAID", "FAILED")),
        ("refund x refund", refund_refund, ends("PAID")),
        ("refund x cancel", refund_cancel, ends("CANCELLED", "PAID")),
        ("ship x cancel", ship_cancel, ends("CANCELLED", "SHIPPED")),
        ("cancel x cancel", cancel_cancel, ends("CANCELLED")),
        ("place x place, one key", place_place, ends("PAID")),
    )
}
