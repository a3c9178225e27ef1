"""Webhooks: repeated, late, under another id, contradictory, malformed."""

from typing import Any

import pytest

from chalicelib.orders.receiving import WebhookMalformed, receive
from chalicelib.orders.rules import OrderStatus, PaymentStatus, RefundStatus
from chalicelib.orders.service import Contradiction, OrderMissing
from tests.fakes.orders import new_id
from tests.fakes.payments import FakeGateway
from tests.unit.orders.bench import Bench


def a_webhook(bench: Bench, kind: str = "charge.succeeded", **changed: Any) -> dict[str, Any]:
    """What the gateway would tell of the order's payment."""
    payment = bench.payment
    told = {
        "order_id": bench.order_id,
        "payment_id": payment.id,
        "charge_id": f"gch_{payment.id}",
        "amount": payment.amount,
        "currency": "EUR",
        **changed,
    }
    return {"id": "gwe_1", "type": kind, "created_at": "x", "data": told}


def begun(wish: str = "capture") -> Bench:
    """An order whose charge is about to be made."""
    bench = Bench(gateway=FakeGateway(wish))
    bench.steps("reserve", "begin_payment")
    return bench


def test_capture_by_webhook_before_the_reply() -> None:
    """The webhook may be faster than the gateway's own reply."""
    bench = begun()
    receive(a_webhook(bench), bench.deps)
    assert bench.payment.status is PaymentStatus.CAPTURED
    assert bench.steps("charge", "confirm") == ["captured", "paid"]
    assert bench.told.count("PaymentCaptured") == 1


def test_a_webhook_takes_effect_once() -> None:
    """Repeated under its id or another: one effect, no failure."""
    bench = begun()
    webhook = a_webhook(bench)
    for one in (webhook, webhook, {**webhook, "id": "gwe_2"}):
        receive(one, bench.deps)
    assert bench.told.count("PaymentCaptured") == 1


def test_two_deliveries_at_once_take_effect_once() -> None:
    """The same message delivered twice at the same time has one effect."""
    bench = begun()
    webhook = a_webhook(bench)
    bench.orders.meanwhile = lambda: receive(webhook, bench.deps)
    receive(webhook, bench.deps)
    assert bench.told.count("PaymentCaptured") == 1


def test_a_decline_by_webhook() -> None:
    """A decline the workflow never heard of."""
    bench = begun("decline")
    receive(a_webhook(bench, "charge.failed", code="card_declined"), bench.deps)
    assert (bench.payment.status, bench.payment.decline_code) == (
        PaymentStatus.DECLINED,
        "card_declined",
    )
    assert bench.step("charge").outcome == "declined"


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 1},
        {"currency": "USD"},
        {"payment_id": new_id("pay")},
    ],
)
def test_a_webhook_about_something_else_fails(changed: dict[str, Any]) -> None:
    """Another amount, currency or payment is for a person to look at."""
    bench = begun()
    with pytest.raises(Contradiction):
        receive(a_webhook(bench, **changed), bench.deps)
    assert bench.payment.status is PaymentStatus.CREATED


def test_another_charge_of_a_captured_payment_fails() -> None:
    """A second capture is never swallowed."""
    bench = begun()
    bench.steps("charge")
    with pytest.raises(Contradiction):
        receive(a_webhook(bench, charge_id="gch_other"), bench.deps)


def test_a_capture_of_an_expired_payment_fails() -> None:
    """Money that comes after the end is for a person to look at; nothing is sold."""
    bench = begun("ask")
    bench.steps("charge", "close_action")
    bench.step("fail", reason="action_expired")
    with pytest.raises(Contradiction):
        receive(a_webhook(bench), bench.deps)
    assert (bench.order.status, bench.shelf) == (OrderStatus.FAILED, (10, 0))


def test_a_decline_of_a_captured_payment_fails() -> None:
    """The gateway cannot take back what it has captured."""
    bench = begun().paid()
    with pytest.raises(Contradiction):
        receive(a_webhook(bench, "charge.failed", code="x"), bench.deps)


def test_a_capture_long_after_is_left_alone() -> None:
    """A repeated capture of a paid and partly refunded order is so already."""
    bench = Bench().paid()
    bench.run_refund(bench.refund(1000).refund.id)
    version = bench.order.version
    receive(a_webhook(bench), bench.deps)
    assert bench.order.version == version


def test_a_refund_settled_by_webhook() -> None:
    """The workflow finds it settled and finishes."""
    bench = Bench().paid()
    bench.cancel()
    refund = bench.record.refunds[0]
    told = a_webhook(bench, "refund.succeeded", refund_id=refund.id, amount=refund.amount)
    receive(told, bench.deps)
    receive({**told, "id": "gwe_2"}, bench.deps)
    assert bench.record.refunds[0].status is RefundStatus.SETTLED
    assert bench.payment.refunded == 6800
    assert bench.run_refund(refund.id) == ["settled", "done"]
    assert bench.order.status is OrderStatus.CANCELLED


def test_a_refund_refused_by_webhook() -> None:
    """A refused cancel goes back to PAID; settling it afterwards contradicts that."""
    bench = Bench(gateway=FakeGateway(refuses="x")).paid()
    bench.cancel()
    refund = bench.record.refunds[0]
    told = a_webhook(bench, "refund.failed", refund_id=refund.id, amount=refund.amount, code="x")
    receive(told, bench.deps)
    assert (bench.order.status, bench.order.cancel_requested) == (OrderStatus.PAID, False)
    with pytest.raises(Contradiction):
        receive({**told, "type": "refund.succeeded"}, bench.deps)


def test_unknown_types_are_let_pass() -> None:
    """The gateway may tell of things the shop has no use for."""
    bench = begun()
    receive({"id": "gwe_1", "type": "payout.paid", "data": {}}, bench.deps)
    assert bench.payment.status is PaymentStatus.CREATED


def test_unknown_orders_fail() -> None:
    """A message about nobody's order is a dead letter, not silence."""
    bench = begun()
    with pytest.raises(OrderMissing):
        receive(a_webhook(bench, order_id=new_id("ord")), bench.deps)


@pytest.mark.parametrize("changed", [{"amount": "6800"}, {"amount": 68.0}, {"charge_id": None}])
def test_malformed_webhooks_fail(changed: dict[str, Any]) -> None:
    """A message without its fields is a dead letter."""
    bench = begun()
    with pytest.raises(WebhookMalformed):
        receive(a_webhook(bench, **changed), bench.deps)
