"""The redelivery model, source by source."""

import json

import boto3

from tests.faults.harness.disturbances import DeliveryFault, DeliveryKind
from tests.faults.harness.patterns import matches, transformed
from tests.faults.harness.template import Mapping
from tests.faults.selftest.conftest import DEAD, QUEUE, TABLE, Lab

WORKER = Mapping("worker", "queue", QUEUE, 5, reports_partial=True)


def put(name: str) -> None:
    """A row, written by nobody in particular."""
    client = boto3.client("dynamodb", region_name="eu-central-1")
    client.put_item(TableName=TABLE, Item={"pk": {"S": name}, "sk": {"S": "META"}})


def broken(_event: object) -> None:
    """A handler that never succeeds."""
    raise ValueError


def test_message_is_delivered_once_and_deleted(lab: Lab) -> None:
    """A consumed message does not come again."""
    lab.handler("worker", lambda _event: None)
    lab.map(WORKER)
    lab.world.substrate.send(QUEUE, "a")
    lab.world.drain()
    assert lab.bodies() == [["a"]]
    assert lab.world.substrate.messages(QUEUE) == []


def test_failed_message_comes_again_then_dies(lab: Lab) -> None:
    """Five receives, one visibility time-out apart, then the dead letters."""
    lab.handler("worker", broken)
    lab.map(WORKER)
    lab.world.substrate.send(QUEUE, "a")
    started_s = lab.world.clock.now()
    lab.world.drain()
    assert lab.bodies() == [["a"]] * 5
    assert [message.body for message in lab.world.substrate.messages(DEAD)] == ["a"]
    assert lab.world.clock.now() - started_s >= 5 * 60


def test_receive_count_rises_with_each_delivery(lab: Lab) -> None:
    """A function can see how often it has been tried."""
    lab.handler("worker", broken)
    lab.map(WORKER)
    lab.world.substrate.send(QUEUE, "a")
    lab.world.drain()
    counts = [e["Records"][0]["attributes"]["ApproximateReceiveCount"] for e in lab.seen]
    assert counts == ["1", "2", "3", "4", "5"]


def test_message_attributes_arrive(lab: Lab) -> None:
    """What a sender attaches to a message reaches the function."""
    lab.handler("worker", lambda _event: None)
    lab.map(WORKER)
    boto3.client("sqs", region_name="eu-central-1").send_message(
        QueueUrl=f"https://sqs.eu-central-1.amazonaws.com/123456789012/{QUEUE}",
        MessageBody="a",
        MessageAttributes={"cause": {"DataType": "String", "StringValue": "why"}},
    )
    lab.world.drain()
    (record,) = lab.seen[0]["Records"]
    assert record["messageAttributes"]["cause"]["stringValue"] == "why"


def test_only_the_listed_failure_comes_again(lab: Lab) -> None:
    """Partial batch replies keep the good neighbours deleted."""

    def second_fails(event: dict[str, list[dict[str, str]]]) -> dict[str, object]:
        failed = [r["messageId"] for r in event["Records"] if r["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    lab.handler("worker", second_fails)
    lab.map(WORKER)
    for body in ("good", "bad"):
        lab.world.substrate.send(QUEUE, body)
    lab.world.drain()
    assert sorted(lab.bodies()[0]) == ["bad", "good"]
    assert lab.bodies()[1:] == [["bad"]] * 4


def test_shortened_visibility_brings_the_message_sooner(lab: Lab) -> None:
    """A consumer that hides its failed message for 1 s meets it again after 1 s."""
    moments: list[float] = []

    def hide_and_fail(event: dict[str, list[dict[str, str]]]) -> None:
        moments.append(lab.world.clock.now())
        queues = boto3.client("sqs", region_name="eu-central-1")
        queues.change_message_visibility(
            QueueUrl=f"https://sqs.eu-central-1.amazonaws.com/123456789012/{QUEUE}",
            ReceiptHandle=event["Records"][0]["receiptHandle"],
            VisibilityTimeout=1,
        )
        raise ValueError

    lab.handler("worker", hide_and_fail)
    lab.map(WORKER)
    lab.world.substrate.send(QUEUE, "a")
    lab.world.drain()
    assert moments[1] - moments[0] < 2


def test_stream_repeats_the_same_batch_in_order(lab: Lab) -> None:
    """A failed batch comes again as it was, before anything newer."""
    failures = iter([True, True, False])

    def fails_twice(_event: object) -> None:
        if next(failures, False):
            raise ValueError

    lab.handler("reader", fails_twice)
    lab.map(Mapping("reader", "stream", TABLE, 2))
    for name in ("a", "b", "c"):
        put(name)
    lab.world.drain()
    batches = [
        [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]] for event in lab.seen
    ]
    assert batches == [["a", "b"], ["a", "b"], ["a", "b"], ["c"]]


def test_stream_gives_up_with_the_position_only(lab: Lab) -> None:
    """After its attempts the batch is skipped, and the failure queue learns where it was."""
    lab.handler("reader", broken)
    lab.map(Mapping("reader", "stream", TABLE, 2, attempts_max=3, on_failure=DEAD))
    put("a")
    lab.world.drain()
    assert len(lab.seen) == 3
    (message,) = lab.world.substrate.messages(DEAD)
    assert "startSequenceNumber" in message.body
    assert '"a"' not in message.body


def test_stream_filter_leaves_out_what_nobody_wants(lab: Lab) -> None:
    """Records that match no filter never reach the function."""
    lab.handler("reader", lambda _event: None)
    wanted = ({"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "EVT#"}]}}}},)
    lab.map(Mapping("reader", "stream", TABLE, 10, filters=wanted))
    for name in ("a", "EVT#1"):
        put(name)
    lab.world.drain()
    assert len(lab.seen[0]["Records"]) == 1


def test_bus_event_reaches_queue_and_topic(lab: Lab) -> None:
    """A rule's targets get the whole envelope; a raw subscription passes it on unwrapped."""
    detail = {"order_id": "o1"}
    entry = {
        "EventBusName": "toy-toy",
        "Source": "toy.orders",
        "DetailType": "OrderPlaced",
        "Detail": json.dumps(detail),
    }
    lab.world.deliveries.accept_events({"Entries": [entry]}, {})
    lab.world.drain()
    for queue in (QUEUE, "toy-toy-news"):
        (message,) = lab.world.substrate.messages(queue)
        assert json.loads(message.body)["detail"] == detail


def test_asynchronous_invocation_is_retried_twice(lab: Lab) -> None:
    """Three tries in all, then nothing."""
    lab.handler("worker", broken)
    lab.world.deliveries.invoke_later("worker", {"n": 1})
    lab.world.drain()
    assert len(lab.seen) == 3
    assert lab.world.deliveries.log.dead[0][0] == "async:worker"


def test_duplicate_delivery_hands_the_message_over_twice(lab: Lab) -> None:
    """At-least-once is made to happen."""
    lab.world.begin(lab.blank, delivery=DeliveryFault(1, DeliveryKind.DUPLICATE))
    lab.handler("worker", lambda _event: None)
    lab.map(WORKER)
    lab.world.substrate.send(QUEUE, "a")
    lab.world.drain()
    assert lab.bodies() == [["a"], ["a"]]
    assert lab.world.deliveries.log.fired


def test_poison_neighbour_shares_the_batch(lab: Lab) -> None:
    """A message that is not even JSON arrives beside a good one."""
    lab.world.begin(lab.blank, delivery=DeliveryFault(1, DeliveryKind.POISON))
    lab.handler("worker", lambda _event: None)
    lab.map(WORKER)
    lab.world.substrate.send(QUEUE, "{}")
    lab.world.drain()
    assert len(lab.bodies()[0]) == 2


def test_pattern_matches_names_and_prefixes() -> None:
    """Lists are alternatives, fields are conjunctions."""
    event = {"source": "souk.orders", "detail-type": "OrderPaid", "detail": {"to": "PAID"}}
    assert matches({"source": ["souk.users", {"prefix": "souk.o"}]}, event)
    assert matches({"detail": {"to": ["PAID"], "from": [{"exists": False}]}}, event)
    assert not matches({"source": ["souk.orders"], "detail-type": ["OrderFailed"]}, event)


def test_input_transformer_quotes_values() -> None:
    """Variables become JSON values wherever they stand."""
    transformer = {
        "InputPathsMap": {"id": "$.detail.media_id"},
        "InputTemplate": '{"media_id": <id>, "text": "about <id>"}',
    }
    made = json.loads(transformed(transformer, {"detail": {"media_id": "m1"}}))
    assert made == {"media_id": "m1", "text": "about m1"}
