"""Refunds: uncertain, exhausted, contradictory, repeated."""

import pytest

from chalicelib.orders.payments import Settled
from chalicelib.orders.rules import OrderStatus, RefundStatus
from chalicelib.orders.service import Contradiction, OrderMissing
from tests.fakes.orders import new_id
from tests.fakes.payments import FakeGateway
from tests.unit.orders.bench import Bench


def asked(bench: Bench, amount: int = 1000) -> str:
    """The id of a refund that staff have asked for."""
    return bench.refund(amount).refund.id


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_lost_reply_is_looked_up_under_the_same_key(lost: str) -> None:
    """Asked again only if the gateway knows no such refund; paid back once."""
    bench = Bench().paid()
    refund_id = asked(bench)
    bench.gateway.lose = [lost]
    outcomes = [
        bench.step("refund", refund_id=refund_id).outcome,
        bench.step("resolve_refund", refund_id=refund_id).outcome,
        bench.step("refund", refund_id=refund_id).outcome,
        bench.step("resolve_refund", refund_id=refund_id).outcome,
    ]
    found = "not_refunded" if lost == "before" else "settled"
    assert outcomes == ["unknown", found, "settled", "settled"]
    assert list(bench.gateway.refunds) == [refund_id]
    assert bench.payment.refunded == 1000


def test_a_silent_gateway_is_asked_five_times() -> None:
    """Then a person is; the refund stays UNKNOWN and on the sweeper's list."""
    bench = Bench().paid()
    refund_id = asked(bench)
    bench.gateway.lose = ["before"] * 8
    bench.step("refund", refund_id=refund_id)
    looks = [bench.step("resolve_refund", refund_id=refund_id) for _ in range(6)]
    assert [look.outcome for look in looks] == ["unknown"] * 4 + ["exhausted"] * 2
    refund = bench.record.refunds[0]
    assert refund.status is RefundStatus.UNKNOWN
    assert refund.watch.due_at is not None
    assert bench.told.count("RefundUncertain") == 1


def test_a_refund_is_not_finished_before_it_is_settled() -> None:
    """The order is closed only when the money is on its way."""
    bench = Bench().paid()
    refund_id = asked(bench)
    with pytest.raises(Contradiction):
        bench.step("finish_refund", refund_id=refund_id)


def test_finishing_twice_returns_stock_once() -> None:
    """The movement of the refund exists: nothing is put on the shelf a second time."""
    bench = Bench().paid()
    bench.cancel()
    refund_id = bench.record.refunds[0].id
    bench.run_refund(refund_id)
    assert bench.run_refund(refund_id) == ["settled", "done"]
    assert (bench.order.status, bench.shelf) == (OrderStatus.CANCELLED, (10, 0))


def test_two_partial_refunds_close_the_order_once() -> None:
    """Whichever finishes last closes it."""
    bench = Bench().paid()
    first = bench.refund(800, "key-00011").refund.id
    second = bench.refund(6000, "key-00012").refund.id
    for refund_id in (first, second):
        bench.step("refund", refund_id=refund_id)
    for refund_id in (second, first):
        bench.step("finish_refund", refund_id=refund_id)
    assert bench.order.status is OrderStatus.REFUNDED
    assert bench.told.count("OrderRefunded") == 1
    assert all(refund.watch.due_at is None for refund in bench.record.refunds)


def test_a_settled_refund_is_never_called_refused() -> None:
    """And a refused one never settled."""
    bench = Bench().paid()
    refund_id = asked(bench)
    bench.step("refund", refund_id=refund_id)
    with pytest.raises(Contradiction):
        bench.step("refund_failed", refund_id=refund_id)
    refused = Bench(gateway=FakeGateway(refuses="x")).paid()
    other_id = asked(refused)
    refused.gateway.lose = ["after"]
    refused.step("refund", refund_id=other_id)
    refused.step("refund_failed", refund_id=other_id, reason="x")
    assert refused.step("resolve_refund", refund_id=other_id).outcome == "rejected"
    refused.gateway.refunds[other_id] = Settled()
    assert refused.step("refund", refund_id=other_id).outcome == "rejected"
    assert refused.step("finish_refund", refund_id=other_id).outcome == "done"
    assert refused.payment.refunded == 0


def test_a_workflow_that_names_no_refund_is_at_fault() -> None:
    """Nothing is guessed."""
    bench = Bench().paid()
    with pytest.raises(OrderMissing):
        bench.step("refund", refund_id=new_id("rfd"))
