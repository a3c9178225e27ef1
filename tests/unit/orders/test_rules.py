"""The state machines and sums of orders, and where a run enters its workflow."""

import pytest

from chalicelib.kernel.errors import Conflict, NotFound
from chalicelib.orders import changes
from chalicelib.orders.cancelling import cancel_order
from chalicelib.orders.rules import (
    FINAL,
    GROUPS,
    HELD_IN,
    ORDER_WALK,
    Group,
    OrderStatus,
    WalkLeft,
    needs_review,
    totals,
)
from chalicelib.orders.service import Contended, OrderMissing, Superseded
from tests.fakes.orders import TERMS, new_id
from tests.fakes.payments import FakeGateway
from tests.unit.orders.bench import AMINA, Bench


def test_every_state_has_a_group_and_a_walk() -> None:
    """No state is forgotten; stock is held exactly in two groups."""
    assert set(GROUPS) == set(ORDER_WALK) == set(OrderStatus)
    assert {state for state in OrderStatus if GROUPS[state] in {Group.HOLDING, Group.PAYING}} == (
        HELD_IN
    )
    assert {state for state in OrderStatus if GROUPS[state] is Group.ENDED} == FINAL


def test_a_change_outside_the_state_machine_is_a_fault() -> None:
    """Whatever a use case decides, a forbidden transition is never written."""
    bench = Bench()
    with pytest.raises(WalkLeft):
        changes.confirm(bench.record, bench.deps.act(AMINA))


@pytest.mark.parametrize(
    ("lines", "total"), [([4999], 5499), ([5000], 5000), ([4000, 999], 5499), ([4000, 1000], 5000)]
)
def test_shipping_is_free_from_the_limit_on(lines: list[int], total: int) -> None:
    """At the limit itself it is free."""
    assert totals(lines, TERMS).total == total


def test_only_totals_above_the_limit_are_reviewed() -> None:
    """The limit itself passes."""
    assert not needs_review(100_000, TERMS)
    assert needs_review(100_001, TERMS)


def test_a_run_enters_where_the_order_stands() -> None:
    """Every place that an order can have reached, in the order of its life."""
    bench = Bench(price=60_000, gateway=FakeGateway("ask"))
    entered = [bench.step("load").outcome]
    bench.step("reserve")
    entered.append(bench.step("load").outcome)
    bench.step("hold", token="t", entered_at="1")
    entered.append(bench.step("load").outcome)
    bench.decide("approve")
    entered.append(bench.step("load").outcome)
    bench.step("begin_payment")
    entered.append(bench.step("load").outcome)
    bench.step("charge")
    entered.append(bench.step("load").outcome)
    bench.cancel()
    bench.gateway.confirm(bench.payment.id, bench.payment.amount)
    bench.step("close_action")
    entered.append(bench.step("load").outcome)
    bench.step("confirm")
    entered.append(bench.step("load").outcome)
    bench.step("cancel_paid")
    entered.append(bench.step("load").outcome)
    assert entered == [
        "reserve",
        "review",
        "review",
        "pay",
        "resolve",
        "await",
        "confirm",
        "cancel",
        "done",
    ]


@pytest.mark.parametrize(
    ("wish", "steps", "reason"),
    [
        ("decline", ["charge"], "payment_declined"),
        ("ask", ["charge", "close_action"], "action_expired"),
    ],
)
def test_a_lost_payment_is_entered_at_the_failure(wish: str, steps: list[str], reason: str) -> None:
    """A run that finds the payment lost only has to close the order."""
    bench = Bench(gateway=FakeGateway(wish))
    bench.steps("reserve", "begin_payment", *steps)
    loaded = bench.step("load")
    assert (loaded.outcome, loaded.reason) == ("fail", reason)
    assert bench.step("fail", reason=loaded.reason or "").outcome == "failed"
    assert bench.step("fail", reason="system_error").outcome == "failed"


def test_a_rejected_review_is_entered_at_the_failure() -> None:
    """Whatever reason the run gives, the decision is told."""
    bench = Bench(price=60_000)
    bench.step("reserve")
    bench.step("hold", token="t", entered_at="1")
    bench.decide("reject")
    assert bench.step("load").reason == "review_rejected"
    bench.step("fail", reason="review_expired")
    assert bench.order.failure is not None
    assert bench.order.failure.reason.value == "review_rejected"


def test_nobodys_order() -> None:
    """A caller learns nothing; a workflow that names none is at fault."""
    bench = Bench()
    for order_id, owner in ((new_id("ord"), "usr_amina"), (bench.order_id, "usr_chen")):
        with pytest.raises(NotFound):
            cancel_order(order_id, AMINA, bench.deps, owner=owner)
    bench.order_id = new_id("ord")
    with pytest.raises(OrderMissing):
        bench.step("load")


def test_an_order_that_never_stands_still_is_busy() -> None:
    """After all tries the caller is asked to come again, and nothing was done."""
    bench = Bench()

    def supersede() -> None:
        bench.orders.meanwhile = supersede
        raise Superseded

    bench.orders.meanwhile = supersede
    with pytest.raises(Contended):
        bench.cancel()
    assert bench.order.status is OrderStatus.PLACED


def test_a_shortage_is_noted_only_while_the_order_waits() -> None:
    """Cancelled in the moment in which stock was missing: nothing to do."""
    bench = Bench(stock=1)

    def note(*_: object) -> None:
        bench.cancel()
        raise Superseded

    bench.orders.note_shortage = note  # type: ignore[assignment,method-assign]  # a race
    assert bench.step("reserve").outcome == "done"


def test_delivered_orders_end_in_refunds_only() -> None:
    """A delivered order cannot be cancelled or shipped, and can be refunded."""
    bench = Bench().paid()
    bench.ship()
    bench.deliver()
    assert bench.deliver().order.status is OrderStatus.DELIVERED
    for refused in (bench.cancel, lambda: bench.ship("other")):
        with pytest.raises(Conflict):
            refused()
    bench.run_refund(bench.refund(6800).refund.id)
    assert bench.order.status is OrderStatus.REFUNDED
    with pytest.raises(Conflict):
        bench.refund(1)


def test_states_are_left_one_by_one() -> None:
    """Out of PAYING nothing but the three ends that the gateway decides."""
    assert ORDER_WALK[OrderStatus.PAYING] == {
        OrderStatus.PAID,
        OrderStatus.FAILED,
        OrderStatus.CANCELLED,
    }


def test_an_unfinished_order_is_not_refunded_or_delivered() -> None:
    """Money that was not taken is not given back."""
    bench = Bench()
    for refused in (lambda: bench.refund(1), bench.deliver, bench.ship):
        with pytest.raises(Conflict):
            refused()
