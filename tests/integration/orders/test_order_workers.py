"""Queues and the sweeper on the table: poison, late events, orders and refunds left behind."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from chalicelib.kernel.clock import SystemClock
from chalicelib.orders.events import order_signals, payment_events
from chalicelib.orders.sweep_events import sweeper
from tests.cloud import bare_client
from tests.integration.orders.shop import URL, Shop, a_shop

MINUTE = {
    "version": "0",
    "id": "1",
    "account": "123456789012",
    "region": "us-east-1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "time": "2026-03-01T12:00:00Z",
    "resources": [],
    "detail": {},
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A fresh shop."""
    with a_shop() as opened:
        yield opened


def a_record(body: str, receives: int = 1) -> dict[str, Any]:
    """An SQS event of one message."""
    record = {
        "messageId": "m1",
        "receiptHandle": "r1",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": {},
    }
    return {"Records": [record]}


def on_queue(name: str) -> list[dict[str, Any]]:
    """The messages on a queue, parsed, with the cause beside them."""
    reply = bare_client("sqs").receive_message(
        QueueUrl=f"{URL}{name}", MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return [
        json.loads(message["Body"])
        | {"_cause": message["MessageAttributes"]["cause"]["StringValue"]}
        for message in reply.get("Messages", [])
    ]


def sweep(after_s: float) -> None:
    """The sweeper, some time from now."""
    with time_machine.travel(SystemClock().now() + timedelta(seconds=after_s), tick=False):
        sweeper(MINUTE, None)


def test_contradictory_webhook_ends_among_the_dead_letters(shop: Shop) -> None:
    """A wrong amount fails until its last receive, then it is parked with its cause."""
    order_id = shop.order(shop.a_variant())
    shop.settle()
    payment = shop.read(order_id)["payment"]
    told = {
        "order_id": order_id,
        "payment_id": payment["id"],
        "charge_id": "gch_1",
        "amount": 1,
        "currency": "EUR",
    }
    body = json.dumps({"id": "gwe_1", "type": "charge.succeeded", "data": told})
    assert payment_events(a_record(body), None)["batchItemFailures"] == [{"itemIdentifier": "m1"}]
    assert payment_events(a_record(body, receives=8), None)["batchItemFailures"] == []
    [parked] = on_queue("payments-inbox-dlq")
    assert "another amount" in parked["_cause"]


@pytest.mark.parametrize("body", ["not json", "[]", '{"detail-type": "Nonsense", "detail": {}}'])
def test_poison_on_the_signals_queue_is_parked(shop: Shop, body: str) -> None:
    """What is no event of this system is not guessed at."""
    assert order_signals(a_record(body), None)["batchItemFailures"] != []
    assert order_signals(a_record(body, receives=8), None)["batchItemFailures"] == []
    assert shop.flows.runs == {}


def test_lost_start_is_made_up_for_by_the_sweeper(shop: Shop) -> None:
    """An order whose event never arrived is started under its plain name and paid."""
    order_id = shop.order(shop.a_variant())
    shop.signalled.add(f"{order_id}#1")
    shop.settle()
    assert shop.read(order_id)["status"] == "PLACED"
    sweep(121)
    shop.settle()
    assert shop.read(order_id)["status"] == "PAID"
    assert [name for _, name in shop.flows.runs] == [order_id]


def test_recovered_gateway_is_found_by_the_sweeper(shop: Shop) -> None:
    """A parked order is started again as a redrive would; nobody has to ask."""
    order_id = shop.order(shop.a_variant(), "tok_outage")
    shop.settle()
    shop.call("POST", f"/sandbox/gateway/orders/{order_id}/recover")
    sweep(301)
    shop.settle()
    assert shop.read(order_id)["status"] == "PAID"


def test_an_order_that_nothing_helps_is_parked_as_stuck(shop: Shop) -> None:
    """After five looks a person is asked, without an execution name, and nobody looks again."""
    order_id = shop.order(shop.a_variant(), "tok_outage")
    shop.settle()
    for look in range(1, 8):
        sweep(301 * look)
        shop.settle()
    [stuck] = on_queue("workflow-dlq")
    assert (stuck["_cause"], stuck["workflow"], stuck["input"]["order_id"]) == (
        "stuck",
        "order-fulfilment",
        order_id,
    )
    assert "execution" not in stuck
    assert "gsi3pk" not in shop.row(f"ORDER#{order_id}")


def test_refund_left_behind_is_finished(shop: Shop) -> None:
    """A refund whose event never arrived is started under its plain name and settled."""
    order_id = shop.order(shop.a_variant())
    shop.settle()
    shop.call("POST", f"/orders/{order_id}/cancel", shop.amina)
    version = shop.read(order_id)["version"]
    shop.signalled.add(f"{order_id}#{version}")
    shop.settle()
    assert shop.read(order_id)["status"] == "CANCELLING"
    sweep(301)
    shop.settle()
    assert shop.read(order_id)["status"] == "CANCELLED"


def test_rows_that_the_relay_left_are_published_and_marked(shop: Shop) -> None:
    """After a minute the sweeper publishes what waits, and takes it out of the outbox."""
    order_id = shop.order(shop.a_variant())
    sweep(0)
    assert "gsi3pk" in shop.row(f"ORDER#{order_id}", "EVT#00000001")
    sweep(61)
    row = shop.row(f"ORDER#{order_id}", "EVT#00000001")
    assert "gsi3pk" not in row
    assert "relayed_at" in row


def test_a_row_that_is_no_event_is_parked_with_its_cause(shop: Shop) -> None:
    """One broken row stops none of the others."""
    order_id = shop.order(shop.a_variant())
    broken = shop.row(f"ORDER#{order_id}", "EVT#00000001")
    shop.put({**broken, "sk": "EVT#00000009", "schema": 99})
    sweep(61)
    [parked] = on_queue("streams-dlq")
    assert "UnknownEvent" in parked["_cause"]
    for sk in ("EVT#00000001", "EVT#00000009"):
        assert "gsi3pk" not in shop.row(f"ORDER#{order_id}", sk)
