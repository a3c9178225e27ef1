"""Steps of the workflows: repeated, overtaken by others, and with replies lost."""

import pytest

from chalicelib.kernel.errors import Conflict
from chalicelib.kernel.idempotency import AlreadyAnswered
from chalicelib.orders.payments import Captured
from chalicelib.orders.rules import OrderStatus, PaymentStatus
from chalicelib.orders.service import Contradiction
from tests.fakes.payments import FakeGateway
from tests.unit.orders.bench import Bench


def test_happy_path_is_five_events() -> None:
    """Reserve, begin, charge, confirm: PAID, stock sold, one event a step."""
    bench = Bench()
    assert bench.steps("load", "reserve", "begin_payment", "charge", "confirm") == [
        "reserve",
        "pay",
        "pay",
        "captured",
        "paid",
    ]
    assert (bench.order.status, bench.shelf) == (OrderStatus.PAID, (8, 0))
    assert len(bench.told) == bench.order.version == 5


def test_every_step_repeated_changes_nothing() -> None:
    """A step that runs again after its own success answers the same and writes nothing."""
    bench = Bench()
    for name, again in [
        ("reserve", "pay"),
        ("begin_payment", "resolve"),
        ("charge", "captured"),
        ("confirm", "paid"),
    ]:
        bench.step(name)
        version = bench.order.version
        assert bench.step(name).outcome == again
        assert bench.order.version == version


@pytest.mark.parametrize("name", ["reserve", "begin_payment", "charge", "confirm", "cancel_paid"])
def test_a_step_on_a_cancelled_order_is_done(name: str) -> None:
    """Whoever comes too late finds nothing to do."""
    bench = Bench()
    bench.cancel()
    assert bench.step(name).outcome == "done"
    assert bench.told == ["OrderPlaced", "OrderCancelled"]


def test_cancel_overtakes_reserve() -> None:
    """The customer cancels while stock is being reserved: nothing is reserved."""
    bench = Bench()
    bench.orders.meanwhile = bench.cancel
    assert bench.step("reserve").outcome == "done"
    assert (bench.order.status, bench.shelf) == (OrderStatus.CANCELLED, (10, 0))


def test_reserve_overtakes_cancel() -> None:
    """Stock is reserved while the customer cancels: the cancel releases it."""
    bench = Bench()
    bench.orders.meanwhile = lambda: bench.step("reserve")
    assert bench.cancel().order.status is OrderStatus.CANCELLED
    assert bench.shelf == (10, 0)


def test_cancel_overtakes_begin_payment() -> None:
    """The customer cancels a reserved order just before it is to be paid."""
    bench = Bench()
    bench.step("reserve")
    bench.orders.meanwhile = bench.cancel
    assert bench.step("begin_payment").outcome == "done"
    assert (bench.order.status, bench.shelf) == (OrderStatus.CANCELLED, (10, 0))
    assert bench.record.payment is None


def test_begin_payment_overtakes_cancel() -> None:
    """A cancel that finds the order in PAYING waits for the gateway."""
    bench = Bench()
    bench.step("reserve")
    bench.orders.meanwhile = lambda: bench.step("begin_payment")
    cancelled = bench.cancel().order
    assert (cancelled.status, cancelled.cancel_requested) == (OrderStatus.PAYING, True)
    assert bench.steps("charge", "confirm", "cancel_paid") == ["captured", "cancel", "done"]
    assert bench.order.status is OrderStatus.CANCELLING


def test_cancel_overtakes_confirm() -> None:
    """A cancel between capture and confirmation ends in a refund, not in lost money."""
    bench = Bench()
    bench.steps("reserve", "begin_payment", "charge")
    bench.orders.meanwhile = bench.cancel
    assert bench.step("confirm").outcome == "cancel"
    bench.step("cancel_paid")
    assert bench.run_refund(bench.record.refunds[0].id) == ["settled", "done"]
    assert (bench.order.status, bench.shelf) == (OrderStatus.CANCELLED, (10, 0))
    assert bench.payment.refunded == bench.payment.amount


def test_out_of_stock_names_the_variant_and_holds_nothing() -> None:
    """Only missing stock is read as out of stock."""
    bench = Bench(stock=1)
    short = bench.step("reserve")
    assert (short.outcome, short.reason) == ("out_of_stock", "out_of_stock")
    assert bench.step("fail", reason="out_of_stock").outcome == "failed"
    assert bench.order.failure is not None
    assert bench.order.failure.variant_ids == ("var_1",)
    assert bench.shelf == (1, 0)


def test_a_late_out_of_stock_does_not_fail_a_reserved_order() -> None:
    """A run that saw no stock does not end the order that another run has reserved."""
    bench = Bench()
    bench.step("reserve")
    assert bench.step("fail", reason="out_of_stock").outcome == "done"
    assert bench.order.status is OrderStatus.RESERVED


def test_two_payments_are_never_begun() -> None:
    """Two runs race to begin the payment: one key, and the loser asks what became of it."""
    bench = Bench()
    bench.step("reserve")
    bench.orders.meanwhile = lambda: bench.step("begin_payment")
    assert bench.step("begin_payment").outcome == "resolve"
    assert bench.told.count("PaymentStarted") == 1


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_lost_charge_is_resolved_under_the_same_key(lost: str) -> None:
    """Nothing is guessed: UNKNOWN, looked up, charged again only if the gateway knows none."""
    bench = Bench()
    bench.gateway.lose = [lost]
    assert bench.steps("reserve", "begin_payment", "charge") == ["pay", "pay", "unknown"]
    assert bench.payment.status is PaymentStatus.UNKNOWN
    if lost == "before":
        assert bench.steps("resolve", "charge") == ["not_charged", "captured"]
    else:
        assert bench.steps("resolve") == ["captured"]
    assert bench.step("confirm").outcome == "paid"
    assert list(bench.gateway.charges) == [bench.payment.id]


def test_resolve_gives_up_after_five_looks_and_starts_anew_in_another_run() -> None:
    """Five look-ups a run; stock stays held, the order stays PAYING."""
    bench = Bench()
    bench.gateway.lose = ["before"] * 12
    bench.steps("reserve", "begin_payment", "charge")
    looks = [bench.step("resolve") for _ in range(6)]
    assert [look.outcome for look in looks] == ["unknown"] * 4 + ["exhausted"] * 2
    assert [look.attempts for look in looks] == [1, 2, 3, 4, 5, 5]
    assert bench.step("resolve", execution="another").attempts == 1
    assert (bench.order.status, bench.shelf) == (OrderStatus.PAYING, (8, 2))
    assert bench.step("fail", reason="system_error").outcome == "refused"


def test_charge_without_end_is_bounded() -> None:
    """A gateway that loses every charge is asked five times in a run, then a person is."""
    bench = Bench()
    bench.steps("reserve", "begin_payment")
    seen = []
    for _ in range(6):
        bench.gateway.lose = ["before"]
        bench.step("charge")
        seen.append(bench.step("resolve").outcome)
    assert seen == ["not_charged"] * 5 + ["exhausted"]


def test_webhook_overtakes_the_charge_reply() -> None:
    """The capture is recorded once, whoever comes first."""
    bench = Bench()
    bench.steps("reserve", "begin_payment")
    bench.orders.meanwhile = lambda: bench.step("charge")
    assert bench.step("charge").outcome == "captured"
    assert bench.told.count("PaymentCaptured") == 1


def test_a_decline_fails_with_its_code_whatever_reason_is_given() -> None:
    """The record knows why; the workflow's word does not outweigh it."""
    bench = Bench(gateway=FakeGateway("decline"))
    assert bench.steps("reserve", "begin_payment", "charge") == ["pay", "pay", "declined"]
    assert bench.step("fail", reason="system_error").outcome == "failed"
    assert bench.order.failure is not None
    assert (bench.order.failure.reason.value, bench.order.failure.decline_code) == (
        "payment_declined",
        "card_declined",
    )
    assert bench.shelf == (10, 0)


def test_a_decline_after_a_cancel_is_a_cancel() -> None:
    """What the customer wanted anyway is not told as a failure."""
    bench = Bench(gateway=FakeGateway("decline"))
    bench.steps("reserve", "begin_payment")
    bench.cancel()
    bench.step("charge")
    assert bench.step("fail", reason="payment_declined").outcome == "cancelled"
    assert (bench.order.status, bench.shelf) == (OrderStatus.CANCELLED, (10, 0))


def test_another_amount_is_a_contradiction() -> None:
    """A capture of another amount is never taken for ours."""
    bench = Bench()
    bench.steps("reserve", "begin_payment")
    bench.gateway.charges[bench.payment.id] = Captured("gch_1", 1, "EUR")
    with pytest.raises(Contradiction):
        bench.step("charge")
    assert bench.payment.status is PaymentStatus.CREATED


def test_large_order_is_held_and_answered_when_decided() -> None:
    """The step leaves its token and waits; a decision taken before is answered by itself."""
    bench = Bench(price=60_000)
    assert bench.step("reserve").outcome == "review"
    waiting = bench.step("hold", token="t1", entered_at="2026-03-01T12:00:01.000Z")
    assert (waiting.outcome, bench.runs.answers) == ("waiting", [])
    bench.decide("approve")
    late = bench.step("hold", token="t2", entered_at="2026-03-01T12:00:09.000Z")
    assert late.outcome == "approve"
    assert [token for token, _ in bench.runs.answers] == ["t2"]


def test_an_older_token_does_not_displace_a_newer() -> None:
    """A delayed first attempt leaves the token of the retry in place."""
    bench = Bench(price=60_000)
    bench.step("reserve")
    entered = "2026-03-01T12:00:01.000Z"
    bench.step("hold", token="retry", entered_at=entered, retry_count=1)
    bench.step("hold", token="first", entered_at=entered, retry_count=0)
    kept = bench.orders.token(bench.order_id, "review")
    assert kept is not None
    assert kept.token == "retry"


def test_cancel_while_the_step_holds() -> None:
    """A cancel that falls between token and look is found by the step itself."""
    bench = Bench(price=60_000)
    bench.step("reserve")
    bench.orders.meanwhile = bench.cancel
    assert bench.step("hold", token="t1", entered_at="1").outcome == "done"
    assert bench.runs.answers[0][1].outcome == "done"


def test_approved_review_refuses_to_fail() -> None:
    """An approval that came first wins over the time-out; a second decision is refused."""
    bench = Bench(price=60_000)
    bench.steps("reserve")
    bench.step("hold", token="t1", entered_at="1")
    bench.decide("approve")
    assert bench.step("fail", reason="review_expired").outcome == "approved"
    assert bench.step("begin_payment").outcome == "pay"
    with pytest.raises(Conflict):
        bench.decide("reject")


def test_an_undecided_large_order_is_not_paid() -> None:
    """No way leads around the review."""
    bench = Bench(price=60_000)
    bench.step("reserve")
    assert bench.step("begin_payment").outcome == "done"
    bench.step("hold", token="t1", entered_at="1")
    assert bench.step("begin_payment").outcome == "done"
    assert bench.order.status is OrderStatus.REVIEW


def test_a_cancel_closes_the_wait_for_the_customer() -> None:
    """The waiting run is told to close; the charge is withdrawn, not forgotten."""
    bench = Bench(gateway=FakeGateway("ask"))
    assert bench.steps("reserve", "begin_payment", "charge")[2] == "requires_action"
    bench.step("await_action", token="t1", entered_at="1")
    bench.cancel()
    again = bench.step("await_action", token="t2", entered_at="2")
    assert again.outcome == "close"
    assert bench.step("close_action").outcome == "expired"
    assert bench.step("fail", reason="action_expired").outcome == "cancelled"


def test_customer_confirms_while_the_charge_is_closed() -> None:
    """The gateway decides who was first: captured money is never called expired."""
    bench = Bench(gateway=FakeGateway("ask"))
    bench.steps("reserve", "begin_payment", "charge")
    bench.gateway.confirm(bench.payment.id, bench.payment.amount)
    assert bench.steps("close_action", "confirm") == ["captured", "paid"]


def test_withdrawal_of_an_unheard_charge_ends_it() -> None:
    """CREATED goes through UNKNOWN to EXPIRED; both steps have their event."""
    bench = Bench()
    bench.steps("reserve", "begin_payment")
    assert bench.step("close_action").outcome == "expired"
    assert bench.told[-2:] == ["PaymentUncertain", "PaymentExpired"]


def test_lost_withdrawal_is_resolved() -> None:
    """An unheard withdrawal leaves the payment UNKNOWN until the look-up tells."""
    bench = Bench(gateway=FakeGateway("ask"))
    bench.steps("reserve", "begin_payment", "charge")
    bench.gateway.lose = ["after"]
    assert bench.steps("close_action", "resolve") == ["unknown", "expired"]


def test_a_refund_is_sent_under_one_key() -> None:
    """A lost refund reply is looked up; the gateway knows one refund."""
    bench = Bench().paid()
    refund_id = bench.refund(1000).refund.id
    bench.gateway.lose = ["after"]
    assert bench.step("refund", refund_id=refund_id).outcome == "unknown"
    assert bench.step("resolve_refund", refund_id=refund_id).outcome == "settled"
    assert bench.step("refund", refund_id=refund_id).outcome == "settled"
    assert bench.step("finish_refund", refund_id=refund_id).outcome == "done"
    assert list(bench.gateway.refunds) == [refund_id]
    assert (bench.payment.refunded, bench.payment.refund_requested) == (1000, 1000)


def test_a_refused_refund_sets_the_money_free_again() -> None:
    """What was refused may be asked for again; a repeated refusal changes nothing."""
    bench = Bench(gateway=FakeGateway(refuses="refund_not_allowed")).paid()
    refund_id = bench.refund(6800).refund.id
    assert bench.step("refund", refund_id=refund_id).outcome == "rejected"
    assert bench.step("refund_failed", refund_id=refund_id).outcome == "rejected"
    assert (bench.payment.refund_requested, bench.payment.refunded) == (0, 0)
    assert bench.told.count("RefundFailed") == 1


def test_refunds_never_exceed_the_capture() -> None:
    """Two staff members ask at once: together at most what was taken."""
    bench = Bench().paid()
    bench.orders.meanwhile = lambda: bench.refund(6000, "key-00010")
    with pytest.raises(Conflict):
        bench.refund(801)
    assert bench.payment.refund_requested == 6000


def test_cancel_takes_what_refunds_have_left() -> None:
    """After a partial refund the cancel asks for the rest; with nothing left it is refused."""
    bench = Bench().paid()
    bench.run_refund(bench.refund(1000).refund.id)
    bench.cancel()
    cancel = next(refund for refund in bench.record.refunds if refund.kind == "cancel")
    assert cancel.amount == 5800
    bench.run_refund(cancel.id)
    assert (bench.order.status, bench.payment.status) == (
        OrderStatus.CANCELLED,
        PaymentStatus.REFUNDED,
    )
    full = Bench().paid()
    full.refund(6800)
    with pytest.raises(Conflict):
        full.cancel()


def test_refund_of_a_shipped_order_returns_no_stock() -> None:
    """What the customer keeps is not on the shelf."""
    bench = Bench().paid()
    bench.ship()
    bench.run_refund(bench.refund(6800).refund.id)
    assert (bench.order.status, bench.shelf) == (OrderStatus.REFUNDED, (8, 0))


def test_ship_and_cancel_race() -> None:
    """Either the parcel leaves or the money goes back, never both."""
    bench = Bench().paid()
    bench.orders.meanwhile = bench.cancel
    with pytest.raises(Conflict):
        bench.ship()
    assert bench.order.status is OrderStatus.CANCELLING


def test_a_key_has_one_refund() -> None:
    """The same key again: the first reply, no second refund."""
    bench = Bench().paid()
    bench.refund(1000)
    with pytest.raises(AlreadyAnswered):
        bench.refund(1000)
    assert len(bench.record.refunds) == 1
