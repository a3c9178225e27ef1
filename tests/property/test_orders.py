"""Sums of orders, and walks of an order under any interleaving of people, steps and faults."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.kernel.domain_events import PAYMENT_STARTED
from chalicelib.kernel.errors import Conflict
from chalicelib.kernel.idempotency import AlreadyAnswered
from chalicelib.orders.payments import Captured, Declined
from chalicelib.orders.receiving import receive
from chalicelib.orders.rules import (
    GROUPS,
    HELD_IN,
    ORDER_WALK,
    TAKEN,
    Group,
    OrderStatus,
    RefundStatus,
    ReservationStatus,
    Terms,
    totals,
)
from chalicelib.orders.service import Contradiction, OrderMissing
from tests.fakes.payments import FakeGateway
from tests.unit.orders.bench import Bench

TERMS = Terms("EUR", 500, 5000, 100_000, 60, 60)


@given(st.lists(st.tuples(st.integers(1, 99_999_999), st.integers(1, 99)), min_size=1, max_size=25))
def test_total_is_the_sum_of_its_parts(lines: list[tuple[int, int]]) -> None:
    """Whole numbers only; shipping is free from the limit on and charged below."""
    subtotal = sum(price * units for price, units in lines)
    sums = totals([price * units for price, units in lines], TERMS)
    assert all(type(amount) is int for amount in sums)
    assert sums.subtotal == subtotal
    assert sums.shipping == (0 if subtotal >= 5000 else 500)
    assert sums.total == sums.subtotal + sums.shipping + sums.tax - sums.discount


STEPS: Final = (
    "load",
    "reserve",
    "hold",
    "begin_payment",
    "charge",
    "await_action",
    "close_action",
    "resolve",
    "confirm",
    "cancel_paid",
    "fail",
)
REFUND_STEPS: Final = ("refund", "resolve_refund", "finish_refund")
PEOPLE: Final = (
    "cancel",
    "refund_all",
    "approve",
    "reject",
    "ship",
    "deliver",
    "refund_part",
    "confirm_charge",
)
ACTIONS: Final = (*STEPS, *(f"{step}!" for step in REFUND_STEPS), *PEOPLE, "webhook")
USUAL: Final = {
    OrderStatus.PLACED: "reserve",
    OrderStatus.RESERVED: "begin_payment",
    OrderStatus.REVIEW: "approve",
    OrderStatus.PAYING: "charge",
    OrderStatus.PAID: "refund_part",
    OrderStatus.CANCELLING: "refund!",
    OrderStatus.SHIPPED: "refund!",
}
"""What usually comes next: without it random plays would seldom get beyond PLACED."""
LOSSES: Final = ("", "", "", "before", "after")


def act(bench: Bench, action: str, amount: int) -> None:
    """Somebody does something, whether or not it is time for it."""
    people: dict[str, Callable[[], object]] = {
        "cancel": bench.cancel,
        "approve": lambda: bench.decide("approve"),
        "reject": lambda: bench.decide("reject"),
        "ship": bench.ship,
        "deliver": bench.deliver,
        "refund_part": lambda: bench.refund(amount, f"key-{len(bench.orders.replies):05}"),
        "refund_all": lambda: refund_all(bench),
        "confirm_charge": lambda: confirm_charge(bench),
        "webhook": lambda: tell(bench),
    }
    action = USUAL.get(bench.order.status, "load") if action == "usual" else action
    if action in people:
        people[action]()
    elif action.endswith("!"):
        for refund in bench.record.refunds:
            bench.step(action[:-1], refund_id=refund.id)
    else:
        bench.step(action, token="t", entered_at="1", reason="system_error")


def refund_all(bench: Bench) -> None:
    """Staff give back all that is left, and the gateway settles it."""
    left = bench.payment.refundable if bench.record.payment else 0
    if left:
        bench.run_refund(bench.refund(left, f"all-{len(bench.orders.replies):05}").refund.id)


def confirm_charge(bench: Bench) -> None:
    """The customer confirms, if the gateway waits for that."""
    if bench.record.payment:
        bench.gateway.confirm(bench.payment.id, bench.payment.amount)


def tell(bench: Bench) -> None:
    """The gateway tells by webhook what its books say."""
    for payment_id, said in bench.gateway.charges.items():
        kinds = {Captured: "charge.succeeded", Declined: "charge.failed"}
        if type(said) in kinds:
            told = {
                "order_id": bench.order_id,
                "payment_id": payment_id,
                "charge_id": f"gch_{payment_id}",
                "amount": bench.order.total,
                "currency": "EUR",
            }
            webhook = {"id": f"gwe_{payment_id}", "type": kinds[type(said)], "data": told}
            receive(webhook, bench.deps)


def check(bench: Bench) -> None:
    """What must hold after every single step, whoever took it."""
    order, payment, shelf = bench.order, bench.record.payment, bench.orders.shelves["var_1"]
    held = 2 if order.reservation is ReservationStatus.HELD else 0
    sold = 2 if order.reservation is ReservationStatus.COMMITTED else 0
    assert (shelf.reserved, shelf.available) == (held, 10 - held - sold)
    assert (order.reservation is ReservationStatus.HELD) == (order.status in HELD_IN)
    is_sold = GROUPS[order.status] is Group.SOLD
    assert is_sold <= (payment is not None and payment.status in TAKEN)
    if GROUPS[order.status] is Group.ENDED and order.status is not OrderStatus.REFUNDED:
        kept = payment.amount - payment.refund_requested if payment else 0
        assert payment is None or payment.status not in TAKEN or kept == 0 or _is_refused(bench)
    if payment is not None:
        settled = sum(r.amount for r in bench.record.refunds if r.status is RefundStatus.SETTLED)
        assert payment.refunded == settled <= payment.refund_requested <= payment.amount
        assert order.payment_status is payment.status
        assert order.refunded == payment.refunded
    captured = [said for said in bench.gateway.charges.values() if isinstance(said, Captured)]
    assert len(captured) <= 1
    assert is_sold <= (len(captured) == 1)


def _is_refused(bench: Bench) -> bool:
    """A refund that the gateway refused lies before a person."""
    return any(refund.status is RefundStatus.FAILED for refund in bench.record.refunds)


@settings(max_examples=400, deadline=None)
@given(
    price=st.sampled_from([3400, 60_000]),
    wish=st.sampled_from(["capture", "decline", "ask"]),
    refuses=st.sampled_from(["", "", "refund_not_allowed"]),
    play=st.lists(
        st.tuples(
            st.one_of(st.just("usual"), st.sampled_from(ACTIONS)),
            st.sampled_from(LOSSES),
            st.sampled_from(("", "", *ACTIONS)),
            st.integers(1, 8000),
        ),
        max_size=40,
    ),
)
def test_no_interleaving_breaks_an_order(
    price: int, wish: str, refuses: str, play: list[tuple[str, str, str, int]]
) -> None:
    """Any order of steps, people, webhooks, lost replies and races keeps money and stock right."""
    bench = Bench(price=price, gateway=FakeGateway(wish, refuses))
    walked = [bench.order.status]
    for action, lost, meanwhile, amount in play:
        bench.clock.move(1)
        bench.gateway.lose = [lost] if lost else []
        if meanwhile:
            bench.orders.meanwhile = partial(attempt, bench, meanwhile, amount)
        attempt(bench, action, amount)
        bench.orders.meanwhile = None
        check(bench)
    for event in bench.orders.events:
        # The payment's own event tells of this move; it carries no states of the order.
        to = OrderStatus.PAYING if event.type is PAYMENT_STARTED else event.data.get("to")
        walked += [OrderStatus(to)] if to else []
    for before, after in pairwise(walked):
        assert before == after or after in ORDER_WALK[before]
    assert [event.aggregate_version for event in bench.orders.events] == list(
        range(1, bench.order.version + 1)
    )


def attempt(bench: Bench, action: str, amount: int) -> None:
    """A step may be refused, or be a fault that the workflow parks; neither may do harm."""
    try:
        act(bench, action, amount)
    except (AlreadyAnswered, Conflict, Contradiction, OrderMissing):
        return


@given(st.sampled_from(["capture", "decline", "ask"]), st.lists(st.sampled_from(LOSSES)))
def test_the_workflow_brings_every_order_to_its_end(wish: str, losses: list[str]) -> None:
    """Whatever is lost, the workflow's own loop ends, or waits for the customer or a person."""
    bench = Bench(gateway=FakeGateway(wish))
    outcome = bench.steps("load", "reserve", "begin_payment")[-1]
    bench.gateway.lose = list(losses)
    after = {
        "pay": "charge",
        "unknown": "resolve",
        "not_charged": "charge",
        "captured": "confirm",
        "declined": "fail",
        "resolve": "resolve",
    }
    for _ in range(30):
        if outcome not in after:
            break
        outcome = bench.step(after[outcome], reason="payment_declined").outcome
    assert outcome in {"paid", "failed", "requires_action", "exhausted"}
    check(bench)
