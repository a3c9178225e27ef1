"""An order from its request to its end, over the real store, gateway and workflow files."""

from collections.abc import Iterator

import pytest

from tests.integration.orders.shop import Shop, a_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh shop."""
    with a_shop() as opened:
        yield opened


@pytest.mark.covers(24)
def test_approved_order_is_paid(shop: Shop) -> None:
    """The happy path: reserved, charged once, stock sold, the timeline complete."""
    tagine = shop.a_variant(price=3400, stock=10)
    placed = shop.ordered(tagine)
    assert (placed.status, placed.body["order"]["status"]) == (202, "PLACED")
    assert placed.body["order"]["total"] == 6800
    order_id = placed.body["order"]["id"]
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["payment_status"]) == ("PAID", "CAPTURED")
    assert shop.stock(tagine) == (8, 0, 8)
    assert shop.events(order_id) == [
        "OrderPlaced",
        "OrderReserved",
        "PaymentStarted",
        "PaymentCaptured",
        "OrderPaid",
    ]


PAID = ["OrderPlaced", "OrderReserved", "PaymentStarted", "PaymentCaptured", "OrderPaid"]


@pytest.mark.covers(43)
@pytest.mark.parametrize(
    "token",
    ["tok_timeout_then_charged", "tok_timeout_not_charged", "tok_duplicate_webhook"],
)
def test_lost_replies_and_repeated_webhooks_charge_once(shop: Shop, token: str) -> None:
    """Whatever the gateway loses or repeats: PAID, one captured charge, stock sold once."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, token)
    shop.settle()
    assert shop.read(order_id)["status"] == "PAID"
    charges = shop.call("GET", f"/sandbox/gateway/orders/{order_id}").body["charges"]
    assert [(charge["status"], charge["amount"]) for charge in charges] == [("captured", 6800)]
    assert shop.stock(tagine) == (8, 0, 8)
    assert shop.poisoned == []


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_decline", "card_declined"),
        ("tok_insufficient_funds", "insufficient_funds"),
        ("tok_nonsense", "invalid_token"),
    ],
)
def test_declined_order_fails_and_returns_its_stock(shop: Shop, token: str, code: str) -> None:
    """A decline is a normal end: FAILED with its code, nothing held."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, token)
    shop.settle()
    order = shop.read(order_id)
    assert order["status"] == "FAILED"
    assert order["failure"] == {
        "reason": "payment_declined",
        "decline_code": code,
        "variant_ids": [],
    }
    assert shop.stock(tagine) == (10, 0, 10)
    assert shop.parked == []


@pytest.mark.covers(29)
def test_short_order_fails_with_the_missing_variant(shop: Shop) -> None:
    """Too few left: FAILED out_of_stock, which variant is told, nothing is reserved."""
    tagine = shop.a_variant(stock=1)
    order_id = shop.order(tagine, units=2)
    shop.settle()
    order = shop.read(order_id)
    assert order["failure"] == {
        "reason": "out_of_stock",
        "decline_code": None,
        "variant_ids": [tagine],
    }
    assert shop.stock(tagine) == (1, 0, 1)
    assert shop.events(order_id) == ["OrderPlaced", "OrderFailed"]


def test_customer_confirms_at_the_gateway(shop: Shop) -> None:
    """The workflow waits for the customer and goes on by the gateway's webhook."""
    tagine = shop.a_variant()
    order_id = shop.order(tagine, "tok_requires_action")
    shop.settle()
    waiting = shop.read(order_id)
    assert (waiting["status"], waiting["payment"]["status"]) == ("PAYING", "REQUIRES_ACTION")
    assert waiting["payment"]["action_url"].endswith(f"/sandbox/gateway/orders/{order_id}/approve")
    shop.call("POST", f"/sandbox/gateway/orders/{order_id}/approve")
    shop.settle()
    assert shop.read(order_id)["status"] == "PAID"
    assert shop.read(order_id)["payment"]["action_url"] is None


def test_customer_refuses_at_the_gateway(shop: Shop) -> None:
    """A refused confirmation is a decline."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, "tok_requires_action")
    shop.settle()
    shop.call("POST", f"/sandbox/gateway/orders/{order_id}/decline")
    shop.settle()
    failure = shop.read(order_id)["failure"]
    assert (failure["reason"], failure["decline_code"]) == (
        "payment_declined",
        "authentication_failed",
    )
    assert shop.stock(tagine) == (10, 0, 10)


def test_unconfirmed_payment_expires(shop: Shop) -> None:
    """The customer never comes: the charge is withdrawn, the order fails, stock returns."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, "tok_requires_action")
    shop.settle()
    shop.flows.time_out(order_id)
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["payment_status"]) == ("FAILED", "EXPIRED")
    assert order["failure"]["reason"] == "action_expired"
    charges = shop.call("GET", f"/sandbox/gateway/orders/{order_id}").body["charges"]
    assert charges[0]["status"] == "expired"
    assert shop.stock(tagine) == (10, 0, 10)


@pytest.mark.covers(54)
def test_outage_parks_and_recovers(shop: Shop) -> None:
    """A silent gateway: nothing is guessed, the run is parked; after recovery a new run pays."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, "tok_outage")
    shop.settle()
    assert shop.read(order_id)["status"] == "PAYING"
    assert shop.stock(tagine) == (8, 2, 10)
    assert [message["workflow"] for message in shop.parked] == ["order-fulfilment"]
    shop.call("POST", f"/sandbox/gateway/orders/{order_id}/recover")
    shop.start_again(order_id)
    shop.settle()
    assert shop.read(order_id)["status"] == "PAID"
    assert shop.stock(tagine) == (8, 0, 8)


@pytest.mark.covers(52)
def test_large_order_waits_for_approval(shop: Shop) -> None:
    """Above the limit a person decides; approved, it is paid as usual."""
    rug = shop.a_variant(price=129_000, stock=3)
    order_id = shop.order(rug, units=1)
    shop.settle()
    assert shop.read(order_id)["status"] == "REVIEW"
    merchant = shop.a_user("merchant")
    path = f"/admin/orders/{order_id}/review"
    decided = shop.call("POST", path, merchant, {"decision": "approve", "note": "known"})
    assert decided.status == 202
    assert decided.body["order"]["review"]["by"] == merchant["user"]
    shop.settle()
    assert shop.read(order_id)["status"] == "PAID"
    assert shop.call("POST", path, merchant, {"decision": "approve"}).status == 202
    assert shop.call("POST", path, merchant, {"decision": "reject"}).status == 409


def test_large_order_rejected(shop: Shop) -> None:
    """A rejected order fails and returns its stock."""
    rug = shop.a_variant(price=129_000, stock=3)
    order_id = shop.order(rug, units=1)
    shop.settle()
    merchant = shop.a_user("merchant")
    shop.call("POST", f"/admin/orders/{order_id}/review", merchant, {"decision": "reject"})
    shop.settle()
    assert shop.read(order_id)["failure"]["reason"] == "review_rejected"
    assert shop.stock(rug) == (3, 0, 3)


def test_review_that_nobody_decides_expires(shop: Shop) -> None:
    """After its time an undecided review fails the order."""
    rug = shop.a_variant(price=129_000, stock=3)
    order_id = shop.order(rug, units=1)
    shop.settle()
    shop.flows.time_out(order_id)
    shop.settle()
    assert shop.read(order_id)["failure"]["reason"] == "review_expired"
    assert shop.stock(rug) == (3, 0, 3)


def test_approval_beats_the_expiry(shop: Shop) -> None:
    """An approval that arrived before the review was closed still counts."""
    rug = shop.a_variant(price=129_000, stock=3)
    order_id = shop.order(rug, units=1)
    shop.settle()
    shop.call(
        "POST", f"/admin/orders/{order_id}/review", shop.a_user("merchant"), {"decision": "approve"}
    )
    shop.flows.time_out(order_id)
    shop.settle()
    assert shop.read(order_id)["status"] == "PAID"


def test_cancel_in_review_frees_the_workflow(shop: Shop) -> None:
    """A cancelled review ends its run and returns the stock."""
    rug = shop.a_variant(price=129_000, stock=3)
    order_id = shop.order(rug, units=1)
    shop.settle()
    assert shop.call("POST", f"/orders/{order_id}/cancel", shop.amina).status == 202
    shop.settle()
    assert shop.read(order_id)["status"] == "CANCELLED"
    assert shop.stock(rug) == (3, 0, 3)
    assert {run.status for run in shop.flows.runs.values()} == {"SUCCEEDED"}


def test_cancel_before_anything_is_reserved(shop: Shop) -> None:
    """A cancel right after placing: the workflow finds nothing to do."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine)
    assert shop.call("POST", f"/orders/{order_id}/cancel", shop.amina).body["order"]["status"] == (
        "CANCELLED"
    )
    shop.settle()
    assert shop.events(order_id) == ["OrderPlaced", "OrderCancelled"]
    assert shop.stock(tagine) == (10, 0, 10)


def test_cancel_while_the_customer_is_asked_closes_the_charge(shop: Shop) -> None:
    """A cancel in PAYING waits for the gateway: the charge is withdrawn, then cancelled."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, "tok_requires_action")
    shop.settle()
    asked = shop.call("POST", f"/orders/{order_id}/cancel", shop.amina)
    assert (asked.body["order"]["status"], asked.body["order"]["cancel_requested"]) == (
        "PAYING",
        True,
    )
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["payment_status"]) == ("CANCELLED", "EXPIRED")
    assert shop.stock(tagine) == (10, 0, 10)


def test_cancel_while_money_is_uncertain_ends_in_a_refund(shop: Shop) -> None:
    """Asked to cancel during an outage, the order is paid first and given back after."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, "tok_outage")
    shop.settle()
    shop.call("POST", f"/orders/{order_id}/cancel", shop.amina)
    shop.call("POST", f"/sandbox/gateway/orders/{order_id}/recover")
    shop.start_again(order_id)
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["payment_status"], order["refunded"]) == (
        "CANCELLED",
        "REFUNDED",
        6800,
    )
    assert shop.stock(tagine) == (10, 0, 10)


def test_cancel_of_a_paid_order_gives_everything_back(shop: Shop) -> None:
    """CANCELLING at once, CANCELLED when the gateway has paid back; the ledger agrees."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine)
    shop.settle()
    cancelled = shop.call("POST", f"/orders/{order_id}/cancel", shop.amina)
    assert cancelled.body["order"]["status"] == "CANCELLING"
    again = shop.call("POST", f"/orders/{order_id}/cancel", shop.amina)
    assert again.body["order"]["version"] == cancelled.body["order"]["version"]
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["refunds"][0]["status"]) == ("CANCELLED", "SETTLED")
    books = shop.call("GET", f"/sandbox/gateway/orders/{order_id}").body
    assert [(refund["amount"], refund["status"]) for refund in books["refunds"]] == [
        (6800, "settled")
    ]
    assert shop.stock(tagine) == (10, 0, 10)


@pytest.mark.parametrize("token", ["tok_refund_timeout"])
def test_refund_whose_reply_is_lost_settles_once(shop: Shop, token: str) -> None:
    """A lost refund reply is looked up, never sent under another key."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, token)
    shop.settle()
    shop.call("POST", f"/orders/{order_id}/cancel", shop.amina)
    shop.settle()
    assert shop.read(order_id)["status"] == "CANCELLED"
    books = shop.call("GET", f"/sandbox/gateway/orders/{order_id}").body
    assert len(books["refunds"]) == 1


def test_refused_cancel_goes_back_to_paid(shop: Shop) -> None:
    """The gateway refuses the refund: PAID again, stock still sold, a person is told."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine, "tok_refund_rejected")
    shop.settle()
    shop.call("POST", f"/orders/{order_id}/cancel", shop.amina)
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["cancel_requested"]) == ("PAID", False)
    assert order["refunds"][0]["status"] == "FAILED"
    assert shop.stock(tagine) == (8, 0, 8)
    assert [message["workflow"] for message in shop.parked] == ["order-refund"]


def test_partial_refunds_up_to_all_of_it(shop: Shop) -> None:
    """Part, then the rest: REFUNDED, unsent goods back on sale; more than is left is refused."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine)
    shop.settle()
    merchant = shop.a_user("merchant")
    path = f"/admin/orders/{order_id}/refunds"
    part = {"amount": 1000, "reason": "goodwill"}
    first = shop.call("POST", path, merchant, part, Idempotency_Key="refund-key-1")
    again = shop.call("POST", path, merchant, part, Idempotency_Key="refund-key-1")
    assert (first.status, first.raw) == (202, again.raw)
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["payment_status"], order["refunded"]) == (
        "PAID",
        "PARTLY_REFUNDED",
        1000,
    )
    much = shop.call(
        "POST", path, merchant, {"amount": 5801, "reason": "lost"}, Idempotency_Key="refund-key-2"
    )
    assert (much.status, much.code) == (409, "refund_exceeds_captured")
    shop.call(
        "POST", path, merchant, {"amount": 5800, "reason": "lost"}, Idempotency_Key="refund-key-2"
    )
    shop.settle()
    order = shop.read(order_id)
    assert (order["status"], order["payment_status"]) == ("REFUNDED", "REFUNDED")
    assert shop.stock(tagine) == (10, 0, 10)


def test_shipped_and_delivered(shop: Shop) -> None:
    """The warehouse sends it and notes its arrival; repeating either changes nothing."""
    tagine = shop.a_variant(stock=10)
    order_id = shop.order(tagine)
    shop.settle()
    warehouse = shop.a_user("warehouse")
    parcel = {"carrier": "DHL", "tracking_number": "JD0146"}
    sent = shop.call("POST", f"/admin/orders/{order_id}/ship", warehouse, parcel)
    assert (sent.status, sent.body["order"]["tracking"]) == (
        200,
        {"carrier": "DHL", "number": "JD0146"},
    )
    again = shop.call("POST", f"/admin/orders/{order_id}/ship", warehouse, parcel)
    assert again.body["order"]["version"] == sent.body["order"]["version"]
    other = {"carrier": "DHL", "tracking_number": "other"}
    assert shop.call("POST", f"/admin/orders/{order_id}/ship", warehouse, other).status == 409
    assert shop.call("POST", f"/orders/{order_id}/cancel", shop.amina).status == 409
    delivered = shop.call("POST", f"/admin/orders/{order_id}/deliver", warehouse)
    assert delivered.body["order"]["status"] == "DELIVERED"
    assert shop.call("POST", f"/admin/orders/{order_id}/deliver", warehouse).status == 200
