"""The sweeper: due orders and refunds are started again, counted, and at last parked."""

from dataclasses import dataclass, field

import pytest

from chalicelib.orders.rules import OrderStatus
from chalicelib.orders.sweeping import SweepDeps, sweep_orders, sweep_refunds
from tests.fakes.orders import FakeDeadEnd
from tests.fakes.payments import FakeGateway
from tests.unit.orders.bench import Bench


@dataclass
class Swept:
    """A bench with a sweeper."""

    bench: Bench
    dead_end: FakeDeadEnd = field(default_factory=FakeDeadEnd)

    def sweep(self, after_s: float = 0) -> list[tuple[str, str]]:
        """The runs that a sweep starts after some time."""
        bench = self.bench
        bench.clock.move(after_s)
        deps = SweepDeps(bench.orders, bench.orders, bench.runs, self.dead_end, bench.clock)
        before = len(bench.runs.started)
        sweep_orders(deps)
        sweep_refunds(deps)
        return bench.runs.started[before:]


def test_an_order_whose_event_was_lost_is_started() -> None:
    """Two minutes after placing the plain run is started, once."""
    swept = Swept(Bench())
    order_id = swept.bench.order_id
    assert swept.sweep(119) == []
    assert swept.sweep(2) == [("order-fulfilment", order_id)]
    assert swept.sweep(0) == []


def test_a_running_workflow_is_left_alone() -> None:
    """While a run goes on nothing is started and nothing is counted."""
    swept = Swept(Bench())
    swept.sweep(121)
    for _ in range(10):
        assert swept.sweep(301) == []
    assert swept.dead_end.parked == []
    assert swept.bench.order.watch.looks == 1


def test_an_order_left_behind_is_started_under_another_name() -> None:
    """The plain name is taken: the name of a redrive, every five minutes, five times."""
    swept = Swept(Bench())
    bench = swept.bench
    bench.step("reserve")
    bench.runs.ended.add(bench.order_id)
    names = []
    for _ in range(5):
        [(_, name)] = swept.sweep(301)
        bench.runs.end(name)
        names.append(name)
    assert names[0] == f"{bench.order_id}-202603011205"
    assert len(set(names)) == 5
    assert swept.sweep(301) == []
    assert swept.dead_end.parked == [("order-fulfilment", bench.order_id, "stuck")]
    assert swept.sweep(3600) == []


def test_progress_forgets_the_looks() -> None:
    """An order that has moved on gets five looks again."""
    swept = Swept(Bench())
    bench = swept.bench
    bench.step("reserve")
    swept.sweep(301)
    assert bench.order.watch.looks == 1
    bench.step("begin_payment")
    assert bench.order.watch.looks == 0


@pytest.mark.parametrize("decision", ["", "approve"])
def test_a_review_is_due_after_its_wait_or_soon_after_the_decision(decision: str) -> None:
    """Undecided: a day and five minutes; decided: five minutes."""
    bench = Bench(price=60_000)
    swept = Swept(bench)
    bench.step("reserve")
    bench.step("hold", token="t", entered_at="1")
    bench.runs.ended.add(bench.order_id)
    if decision:
        bench.decide(decision)
    assert bool(swept.sweep(301)) is bool(decision)
    assert bool(swept.sweep(86_400)) is not bool(decision) or swept.dead_end.parked == []


def test_a_token_stored_anew_begins_the_wait_anew() -> None:
    """The retry of a waiting state moves the deadline."""
    bench = Bench(gateway=FakeGateway("ask"))
    bench.steps("reserve", "begin_payment", "charge")
    first = bench.order.watch.due_at
    bench.clock.move(60)
    bench.step("await_action", token="t", entered_at="1")
    assert bench.order.watch.due_at != first


def test_a_waiting_run_of_another_name_is_left_alone() -> None:
    """A redriven run that waits for the customer is known by its token."""
    bench = Bench(gateway=FakeGateway("ask"))
    swept = Swept(bench)
    bench.steps("reserve", "begin_payment", "charge")
    bench.step("await_action", token="t", entered_at="1", execution="redriven")
    bench.runs.ended.add(bench.order_id)
    bench.runs.running.add("redriven")
    assert swept.sweep(1201) == []


def test_closed_orders_are_never_due() -> None:
    """Nothing looks at an order that is over, or paid and quiet."""
    failed = Swept(Bench())
    failed.bench.step("fail", reason="system_error")
    paid = Swept(Bench().paid())
    assert failed.sweep(86_400) == paid.sweep(86_400) == []
    assert paid.bench.order.status is OrderStatus.PAID


def test_a_refund_left_behind_is_started_until_it_is_finished() -> None:
    """Due five minutes after the request; finished, never again."""
    bench = Bench().paid()
    swept = Swept(bench)
    refund_id = bench.refund(1000).refund.id
    assert swept.sweep(299) == []
    assert swept.sweep(2) == [("order-refund", refund_id)]
    bench.run_refund(refund_id)
    bench.runs.end(refund_id)
    assert swept.sweep(3600) == []


def test_a_cancel_that_was_refused_is_nobodys_work() -> None:
    """The refund has failed and a person knows: the sweeper does not start it again."""
    bench = Bench(gateway=FakeGateway(refuses="x")).paid()
    swept = Swept(bench)
    bench.cancel()
    bench.step("refund", refund_id=bench.record.refunds[0].id)
    assert swept.sweep(86_400) == []
