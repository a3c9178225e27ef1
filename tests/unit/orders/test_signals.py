"""Signals: events start workflows and wake those that wait; repeated, they do no harm."""

import pytest

from chalicelib.kernel.domain_events import DomainEvent
from chalicelib.orders.service import Outcome
from chalicelib.orders.signalling import SignalDeps, follow
from tests.fakes.payments import FakeGateway
from tests.unit.orders.bench import Bench


def last_event(bench: Bench, kind: str) -> DomainEvent:
    """The last event of a kind."""
    return next(event for event in reversed(bench.orders.events) if event.type.name == kind)


def signal(bench: Bench, kind: str) -> list[tuple[str, Outcome]]:
    """Follow the last event of a kind, twice; the tokens answered."""
    deps = bench.deps
    signals = SignalDeps(deps.orders, deps.clock, deps.ids, deps.terms, bench.runs, bench.runs)
    for _ in range(2):
        follow(last_event(bench, kind), signals)
    return bench.runs.answers


def test_a_placed_order_starts_one_workflow_under_its_own_name() -> None:
    """A repeated event starts no second run."""
    bench = Bench()
    signal(bench, "OrderPlaced")
    assert bench.runs.started == [("order-fulfilment", bench.order_id)]


def test_a_requested_refund_starts_one_workflow_under_its_own_name() -> None:
    """Also that of a cancel."""
    bench = Bench().paid()
    bench.cancel()
    signal(bench, "RefundRequested")
    assert bench.runs.started == [("order-refund", bench.record.refunds[0].id)]


@pytest.mark.parametrize(
    ("decision", "outcome", "reason"),
    [("approve", "approve", None), ("reject", "reject", "review_rejected")],
)
def test_a_decision_wakes_the_review(decision: str, outcome: str, reason: str | None) -> None:
    """The answer is what the order says."""
    bench = Bench(price=60_000)
    bench.step("reserve")
    bench.step("hold", token="t", entered_at="1")
    bench.decide(decision)
    assert signal(bench, "OrderReviewDecided")[0] == ("t", Outcome(outcome, reason))


def test_a_cancel_wakes_the_review() -> None:
    """The run has nothing left to do."""
    bench = Bench(price=60_000)
    bench.step("reserve")
    bench.step("hold", token="t", entered_at="1")
    bench.cancel()
    assert signal(bench, "OrderCancelled")[0] == ("t", Outcome("done"))


def test_a_cancel_that_nobody_waits_for_is_acknowledged() -> None:
    """No token: nobody waits."""
    bench = Bench()
    bench.cancel()
    assert signal(bench, "OrderCancelled") == []


def waiting() -> Bench:
    """An order that waits for its customer."""
    bench = Bench(gateway=FakeGateway("ask"))
    bench.steps("reserve", "begin_payment", "charge")
    bench.step("await_action", token="t", entered_at="1")
    return bench


def test_a_cancel_request_closes_the_wait() -> None:
    """The run is told to withdraw the charge."""
    bench = waiting()
    bench.cancel()
    assert signal(bench, "OrderCancelRequested")[0] == ("t", Outcome("close"))


def test_a_capture_wakes_the_wait() -> None:
    """The customer has confirmed, and the webhook has told."""
    bench = waiting()
    bench.gateway.confirm(bench.payment.id, bench.payment.amount)
    bench.step("close_action")
    assert signal(bench, "PaymentCaptured")[0] == ("t", Outcome("captured"))


def test_a_late_capture_signal_ends_the_wait_of_a_paid_order() -> None:
    """Whoever still waits has nothing left to do."""
    bench = waiting()
    bench.gateway.confirm(bench.payment.id, bench.payment.amount)
    bench.steps("close_action", "confirm")
    assert signal(bench, "PaymentCaptured")[0] == ("t", Outcome("done"))


def test_an_early_signal_wakes_nobody() -> None:
    """An old event does not end a wait that is still open."""
    bench = waiting()
    signals = SignalDeps(
        bench.orders, bench.clock, bench.deps.ids, bench.deps.terms, bench.runs, bench.runs
    )
    first = bench.orders.events[0]
    kind = last_event(bench, "PaymentActionRequired").type
    follow(first, signals)
    follow(DomainEvent(kind, first.aggregate_id, 9, first.cause, first.data), signals)
    assert bench.runs.answers == []


def test_an_expired_payment_is_closed_not_awaited() -> None:
    """The step finds the charge withdrawn and does not wait for it."""
    bench = waiting()
    bench.step("close_action")
    assert bench.step("await_action", token="t2", entered_at="2").outcome == "close"


def test_a_declined_payment_is_not_awaited() -> None:
    """The step finds the decline and answers it with its reason."""
    bench = Bench(gateway=FakeGateway("decline"))
    bench.steps("reserve", "begin_payment", "charge")
    found = bench.step("await_action", token="t", entered_at="1")
    assert found == Outcome("declined", "payment_declined")
